#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""check_plugins.py finds what is wrong: each file of bad/ says in its first comment which rules it breaks.

usage: test_check_plugins.py INCLUDE_DIR
"""
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

import check_plugins
from tap import Tap

HERE = os.path.dirname(os.path.abspath(__file__))
CFLAGS = ['-std=gnu11', '-O1', '-fPIC', '-fvisibility=hidden', '-Wall', '-Wextra', '-Werror']
LDFLAGS = ['-shared', '-Wl,-z,defs', '-Wl,-z,relro', '-Wl,-z,now', '-Wl,-z,noexecstack']


def wishes(source):
    """The lines "key: words" of the file's comment."""
    with open(source, encoding='utf-8') as f:
        found = re.findall(r'(breaks|needs|link): (.*?)(?: \*/)?$', f.read(), re.M)
    return {k: v.split() for k, v in found}


def build(cc, source, include, to, want):
    link = want.get('link', [])
    start = [] if '-startfiles' in link else ['-nostartfiles']
    cmd = [cc, *CFLAGS, f'-I{include}', source, *LDFLAGS, *start, *(o for o in link if o != '-startfiles'), '-o', to]
    return subprocess.run(cmd, capture_output=True, text=True)


def verdict(cc, source, include, tmp):
    """(problems, why skipped) of one case."""
    want = wishes(source)
    if missing := [o for o in want.get('link', []) if o.startswith('-l:') and not library(cc, o[3:])]:
        return [], f'no {missing[0][3:]}'
    out = os.path.join(tmp, f'{cc}-{os.path.basename(source)}.so')
    run = build(cc, source, include, out, want)
    if run.returncode:
        return [run.stderr], None
    found = check_plugins.problems(out, want.get('needs', []))
    broken = {rule for rule, lines in found.items() if lines}
    expected = set(want['breaks']) - {'nothing'}
    return [] if broken == expected else [f'breaks {sorted(broken)}, not {sorted(expected)}: {found}'], None


def library(cc, name):
    return os.path.isabs(subprocess.run([cc, f'-print-file-name={name}'], capture_output=True, text=True).stdout.strip())


def main():
    tap = Tap()
    sources = sorted(glob.glob(os.path.join(HERE, 'bad', '*.c')))
    compilers = [c for c in ('gcc', 'clang') if shutil.which(c)] if shutil.which('readelf') else []
    with tempfile.TemporaryDirectory() as tmp, ThreadPoolExecutor(2) as pool:
        jobs = [(f'{cc}: {os.path.basename(s)}', pool.submit(verdict, cc, s, sys.argv[1], tmp))
                for s in sources for cc in compilers]
        for name, job in jobs:
            bad, skip = job.result()
            tap.case(name, bad, skip=skip)
    if not compilers:
        tap.case('bad plugins', skip='no compiler or no readelf')
    seen = {r for s in sources for r in wishes(s)['breaks']}
    tap.case('every rule has a plugin that breaks it', {r.__name__ for r in check_plugins.RULES} - seen)
    return tap.done()


if __name__ == '__main__':
    sys.exit(main())
