#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What users and other plugins see of our plugins, against golden/NAME.txt: a changed property, id or state shows in review.

usage: test_golden.py [--write] TENON_INSPECT PLUGIN.so...

--write makes the files what the plugins say today: look at the difference before it is committed.
"""
import difflib
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
GOLDEN = HERE / 'golden'
sys.path.insert(0, str(HERE.parent / 'abi'))
from tap import Tap  # noqa: E402


def interface(inspect, plugin):
    """The text; the libraries are the build's (a sanitizer's, another version's)."""
    done = subprocess.run([inspect, '--interface', '--trust', plugin], capture_output=True, text=True)
    lines = [x for x in done.stdout.splitlines() if not x.startswith('uses ')]
    return '\n'.join([*lines, *done.stderr.splitlines(), ''])


def golden_of(plugin):
    return GOLDEN / (pathlib.Path(plugin).name.removeprefix('tenon-').removesuffix('.so') + '.txt')


def difference(golden, now):
    if not golden.is_file():
        return [f'no {golden.name}: run tests/inspect/test_golden.py --write']
    was = golden.read_text(encoding='utf-8')
    return list(difflib.unified_diff(was.splitlines(), now.splitlines(), golden.name, 'the plugin', lineterm='', n=1))


def main():
    write = sys.argv[1] == '--write'
    inspect, *plugins = sys.argv[1 + write:]
    tap = Tap()
    for plugin in plugins:
        golden, now = golden_of(plugin), interface(inspect, plugin)
        if write:
            GOLDEN.mkdir(exist_ok=True)
            golden.write_text(now, encoding='utf-8')
        else:
            tap.case(golden.stem, difference(golden, now))
    return 0 if write else tap.done()


if __name__ == '__main__':
    sys.exit(main())
