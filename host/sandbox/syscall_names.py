#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes the names of the system calls, by number, as initializers of a C array.

    syscall_names.py OUT CC [ARG...]

The numbers are those of the compiler's <sys/syscall.h>."""
import re
import subprocess
import sys


def main():
    out, compiler = sys.argv[1], sys.argv[2:]
    text = subprocess.run(compiler + ['-E', '-dM', '-x', 'c', '-'], input='#include <sys/syscall.h>\n',
                          capture_output=True, text=True, check=True).stdout
    names = {int(n): name for name, n in re.findall(r'^#define __NR_(\w+) (\d+)$', text, re.M)}
    if len(names) < 200:
        sys.exit('<sys/syscall.h> has too few numbers')
    with open(out, 'w') as f:
        for n in sorted(names):
            f.write(f'[{n}] = "{names[n]}",\n')


main()
