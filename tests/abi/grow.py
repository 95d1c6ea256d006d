#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Headers of tomorrow: a copy of a folder of headers in which the next minor version has appended members to every struct that
may grow. What is built with it is newer than what is built with the original, in every way that the rules allow at once.

usage: grow.py FROM TO      (folders that have tenon/*.h)
"""
import os
import re
import shutil
import sys

import cdecl
from check_frozen import headers_of, may_grow

APPENDED = '    const void *tomorrow; /**< appended by the next minor version */\n    uint64_t tomorrow_too[2];\n'
MINOR = re.compile(r'(#define TN_ABI_MINOR )(\d+)')


def grown(text, structs):
    for name in structs:
        text = re.sub(rf'(\bstruct {name} \{{.*?\n)(\}};)', rf'\g<1>{APPENDED}\g<2>', text, count=1, flags=re.S)
    return MINOR.sub(lambda m: m[1] + str(int(m[2]) + 1), text)


def grow(root, to):
    """Returns the names of the structs that have grown. Drafts are copied as they are."""
    shutil.copytree(root, to)
    names = []
    for path in headers_of(to):
        structs = [s.name for s in cdecl.parse_file(path).structs.values() if may_grow(s)]
        with open(path, encoding='utf-8') as f:
            text = f.read()
        with open(path, 'w', encoding='utf-8') as f:
            f.write(grown(text, structs))
        names += structs
    return names


if __name__ == '__main__':
    print(f'{len(grow(*map(os.path.abspath, sys.argv[1:3])))} structs have grown')
