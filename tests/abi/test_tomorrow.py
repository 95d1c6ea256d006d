#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Version skew both ways, on everything we have: the whole tree is built once more with headers of tomorrow (grow.py), in which
every struct that may grow has grown. Then today's plugins run on tomorrow's host, and tomorrow's plugins on today's, and each
pair passes the tests of the devices.

usage: test_tomorrow.py SOURCE_DIR BUILD_DIR OUT_DIR     (about a minute; a second run there is faster)
"""
import os
import pathlib
import shutil
import subprocess
import sys

import grow
from tap import Tap

TESTS = ('isa_serial', 'edu', 'ich9', 'pcie_root_port', 'fw_cfg', 'virtio_rng', 'virtio_serial', 'virtio_blk', 'virtio_net',
         'net_filters', 'block_drivers')
TARGETS = ('host/tenon', 'plugins/plugins.idx')


def problems(done):
    return [] if done.returncode == 0 else (done.stdout + done.stderr).splitlines()[-40:]


def run(args, **env):
    return subprocess.run([str(a) for a in args], env=dict(os.environ, PYTHONDONTWRITEBYTECODE='1', **env),
                          capture_output=True, text=True)


def not_source(source):
    """What a copy of the tree goes without."""
    def ignored(folder, names):
        here = pathlib.Path(folder).relative_to(source)
        return [n for n in names if n in ('.git', '__pycache__') or here / n == pathlib.Path('include/plugin-abi')
                or (here == pathlib.Path('.') and n.startswith('build'))]
    return ignored


def update(path, fresh):
    """A file that is the same keeps its time, for the sake of ninja."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.is_file() or path.read_bytes() != fresh.read_bytes():
        shutil.copy(fresh, path)


def write_source(source, out):
    """A copy of the tree with other headers; the structs that have grown."""
    fresh = out / 'headers'
    shutil.rmtree(fresh, ignore_errors=True)
    grown = grow.grow(source / 'include/plugin-abi', fresh)
    shutil.copytree(source, out / 'source', ignore=not_source(source), dirs_exist_ok=True)
    for header in fresh.rglob('*.h'):
        update(out / 'source/include/plugin-abi' / header.relative_to(fresh), header)
    return grown


def build(out):
    source, folder = out / 'source', out / 'build'
    if not (folder / 'build.ninja').exists():
        failed = problems(run(['meson', 'setup', folder, source, '-Doptimization=0', '-Ddebug=false', '-Dwerror=false']))
        if failed:
            return failed
    return problems(run(['ninja', '-C', folder, *TARGETS]))


def passes(source, host, plugins, name):
    """The tests of one device, with a host of one build and the plugins of another."""
    done = run([sys.executable, source / f'tests/qtest/test_{name}.py'], TENON=str(host / 'host/tenon'),
               TENON_PLUGIN_DIR=str(plugins / 'plugins'))
    bad = [x for x in done.stdout.splitlines() if x.startswith(('#', 'not ok'))]
    return bad or problems(done) or ([] if 'ok 1' in done.stdout else ['nothing was run'])


def main():
    source, today, out = (pathlib.Path(a).resolve() for a in sys.argv[1:])
    tap = Tap()
    out.mkdir(parents=True, exist_ok=True)
    grown = write_source(source, out)
    wrong = build(out)
    tap.case(f'{len(grown)} structs have grown, and everything is built with them', wrong)
    tomorrow = out / 'build'
    for name in () if wrong else TESTS:
        tap.case(f"today's plugins on tomorrow's host: {name}", passes(source, tomorrow, today, name))
        tap.case(f"tomorrow's plugins on today's host: {name}", passes(source, today, tomorrow, name))
    return tap.done()


if __name__ == '__main__':
    sys.exit(main())
