#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A plugin that is newer than the host: it does without what is not there, or is refused in one line that says why.

usage: test_skew.py TENON TENON_INSPECT CC...
"""
import os
import pathlib
import subprocess
import sys
import tempfile

import grow
from tap import Tap
from test_frozen_plugins import FLAGS, HERE, build, projects, run

HEADERS = HERE.parent.parent / 'include/plugin-abi'
DEGRADES = ('host 1.0, headers 1.1', 'appended to a table: missing', 'a new service: missing',
            'a struct that the host fills: as far as it knows')


class Skew:
    """skew.c, built with headers of tomorrow, on today's host."""

    def __init__(self, tenon, inspect, cc, scratch):
        self.tenon, self.inspect, self.cc, self.scratch = tenon, inspect, cc, scratch
        self.tomorrow = scratch / 'tomorrow'
        self.grown = grow.grow(HEADERS, self.tomorrow)

    def plugin(self, *definitions):
        out = self.scratch / 'skew.so'
        subprocess.run([*self.cc, *FLAGS, f'-I{self.tomorrow}', *(f'-D{d}' for d in definitions), HERE / 'skew.c', '-o', out],
                       check=True)
        return out

    def start(self, plugin, device='skew,number=7'):
        line = ['-accel', 'qtest', '-M', 'q35', '-nodefaults', '-display', 'none', '-plugin', plugin, '-device', device]
        done = subprocess.run([self.tenon, *line, '-device', 'nosuch'], capture_output=True, text=True)
        return done.stderr.splitlines()

    def degrades(self):
        """Everything is asked for in the ways that the headers have, and the device is there."""
        said = self.start(self.plugin())
        yield from (f'not said: {x!r} in {said}' for x in DEGRADES if not any(x in line for line in said))
        if "'nosuch' is not a valid device model name" not in said[-1]:
            yield said[-1]

    def refused(self, definition, *words):
        """In one line with these words."""
        said = self.start(self.plugin(definition))
        return [] if len(said) == 1 and all(w in said[0] for w in words) else [f'{words} not in {said}']

    def described(self, definition, *words):
        """tenon-inspect says who it is, and why it is refused."""
        done = subprocess.run([self.inspect, self.plugin(definition)], capture_output=True, text=True)
        good = done.returncode == 1 and 'skew 1' in done.stdout and all(w in done.stderr for w in words)
        return [] if good else [f'{done}']

    def helps(self):
        """Rows that are longer than the host's."""
        done = subprocess.run([self.tenon, '-plugin', self.plugin(), '-device', 'skew,help'], capture_output=True, text=True)
        return [f'no {x!r} in {done}' for x in ('  number=<uint32>', '  alias=<uint32>') if x not in done.stdout]


def main():
    tenon, inspect, *cc = sys.argv[1:]
    tap = Tap()
    with tempfile.TemporaryDirectory(prefix='tenon-skew-') as name:
        skew = Skew(tenon, inspect, cc, pathlib.Path(name))
        tap.case(f'{len(skew.grown)} structs have grown', [] if len(skew.grown) > 50 else skew.grown)
        tap.case('a newer plugin does without', skew.degrades())
        tap.case('its longer rows are read', skew.helps())
        tap.case('one that needs a newer host is refused', skew.refused('MIN_MINOR=1', 'host of ABI 1.1 or newer', 'has 1.0'))
        tap.case('tenon-inspect tells who it is, and that', skew.described('MIN_MINOR=1', 'host of ABI 1.1 or newer'))
        tap.case('one that needs a new service is refused', skew.refused('NEED="tenon.tomorrow/1"', "'tenon.tomorrow/1'"))
        for version, _, folder in projects():
            built = pathlib.Path(name) / version / folder.name
            built.mkdir(parents=True)
            wrong = list(build(cc, skew.tomorrow, folder, built))
            for test in sorted(folder.glob('test_*.py')):
                tap.case(f'{version}: {folder.name}, built with headers of tomorrow, works', wrong or run(tenon, test, built))
    return tap.done()


if __name__ == '__main__':
    sys.exit(main())
