#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Plugins of earlier versions of the ABI on today's host: each project below VERSION/plugins is built with the headers of that
version, loaded, and has to pass the tests that were kept with it.

usage: test_frozen_plugins.py TENON CC...
TENON_HEADERS=DIR builds with those headers instead: see test_tomorrow.py.
"""
import os
import pathlib
import subprocess
import sys
import tempfile

from check_frozen import GATE
from tap import Tap

HERE = pathlib.Path(__file__).resolve().parent
QTEST = HERE.parent / 'qtest'
FLAGS = ['-std=gnu11', '-O1', '-fPIC', '-shared', '-nostartfiles', '-fvisibility=hidden', '-Wl,-z,defs', '-Wl,-z,now']


def projects():
    """(name of the version, its headers, folder) of each project."""
    for version in sorted(p for p in HERE.glob('[0-9]*') if p.is_dir()):
        for folder in sorted((version / 'plugins').glob('*')):
            yield version.name, os.environ.get('TENON_HEADERS') or version, folder


def build(cc, headers, folder, to):
    """What the compiler says against it; NAME_X.c becomes NAME-X.so."""
    for source in sorted(folder.glob('*.c')):
        out = to / (source.stem.replace('_', '-') + '.so')
        done = subprocess.run([*cc, *FLAGS, f'-I{headers}', source, '-o', out], capture_output=True, text=True)
        yield from done.stderr.splitlines()


def run(tenon, test, built):
    """What its own test says: the files are where it looks for them."""
    env = dict(os.environ, TENON=tenon, PYTHONPATH=str(QTEST), PYTHONDONTWRITEBYTECODE='1', PLUGINS=str(built),
               EDU=str(built / 'edu.so'), VIRTIO_ECHO=str(built / 'virtio-echo.so'))
    done = subprocess.run([sys.executable, test], env=env, capture_output=True, text=True)
    if done.returncode:
        yield from (done.stdout + done.stderr).splitlines()
    elif '# SKIP' in done.stdout or 'ok 1' not in done.stdout:
        yield 'it was not run'


def main():
    tenon, *cc = sys.argv[1:]
    tap, todo = Tap(), None if GATE else 'not promised before 1.0'
    with tempfile.TemporaryDirectory(prefix='tenon-frozen-') as scratch:
        for version, headers, folder in projects():
            built = pathlib.Path(scratch) / version / folder.name
            built.mkdir(parents=True)
            wrong = list(build(cc, headers, folder, built))
            tap.case(f'{version}: {folder.name} is built', wrong, todo=todo)
            for test in () if wrong else sorted(folder.glob('test_*.py')):
                tap.case(f'{version}: {folder.name} works', run(tenon, test, built), todo=todo)
    return tap.done()


if __name__ == '__main__':
    sys.exit(main())
