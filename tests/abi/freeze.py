#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Keep a copy of today's public headers (drafts left out) as tests/abi/VERSION, for check_frozen.py.

usage: freeze.py VERSION
"""
import glob
import os
import shutil
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
HEADERS = os.path.join(HERE, '..', '..', 'include', 'plugin-abi', 'tenon', '*.h')


def main():
    to = os.path.join(HERE, sys.argv[1], 'tenon')
    os.makedirs(to)  # a version is frozen once
    for p in glob.glob(HEADERS):
        shutil.copy(p, to)
    print(f'{to}: {len(os.listdir(to))} headers')


if __name__ == '__main__':
    sys.exit(main())
