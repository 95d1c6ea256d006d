#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Keep what the ABI is today as tests/abi/VERSION, once and for good:

    tenon/     the public headers, drafts left out
    layout.c   sizes, offsets and values, as assertions for a compiler
    plugins/   plugins that were written for it, with their tests

check_frozen.py compares later headers with the first two, test_frozen_plugins.py runs the third on later hosts.

usage: freeze.py VERSION
"""
import glob
import os
import shutil
import sys
import tempfile

import cdecl
from check_frozen import headers_of, may_grow, present, probe, run_probe

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
HEADERS = os.path.join(TOP, 'include/plugin-abi/tenon/*.h')
# Those that need no helper library: such a library is a plugin's own, and no part of the ABI.
PLUGINS = {
    'edu': ('examples/edu/edu.c', 'tests/qtest/test_edu.py'),
    'gpio': ('examples/gpio/*.[ch]', 'examples/gpio/test_gpio.py'),
    'netdev-ping': ('examples/netdev-ping/*.c', 'examples/netdev-ping/test_ping.py'),
    'virtio-echo': ('examples/virtio-echo/*.c', 'tests/qtest/test_virtio_echo.py'),
}


def copy_all(patterns, to):
    os.makedirs(to)
    for pattern in patterns:
        for p in glob.glob(os.path.join(TOP, pattern)):
            shutil.copy(p, to)


def numbers(root):
    """What a compiler makes of the headers in root: see check_frozen.probe()."""
    headers = cdecl.merge(headers_of(root))
    common, _ = present(headers, headers)
    includes = [os.path.relpath(p, root) for p in headers_of(root)]
    with tempfile.TemporaryDirectory() as tmp:
        return headers, run_probe('cc', root, probe(headers, headers, common, includes), tmp)


def assertions(headers, was):
    for name, s in headers.structs.items():
        yield f'SIZE({name}, {">=" if may_grow(s) else "=="}, {was[name][0]});'
        for m in s.members:
            offset, size, _ = was[f'{name}.{m.name}']
            yield f'MEMBER({name}, {m.name}, {offset}, {size});'
    for e in headers.enums:
        yield f'VALUE({e}, {was[e][0]});'


def layout(root, version):
    headers, was = numbers(root)
    includes = [f'#include <{os.path.relpath(p, root)}>' for p in headers_of(root)]
    return '\n'.join([
        '/* SPDX-License-Identifier: BSD-2-Clause */',
        f'/* The layout of ABI {version}, made by freeze.py: every later header keeps it. */',
        '#include <stddef.h>', *includes, '',
        '#define SIZE(s, is, n) _Static_assert(sizeof(struct s) is n, "size of " #s)',
        '#define MEMBER(s, m, at, n) \\',
        '    _Static_assert(offsetof(struct s, m) == at && sizeof(((struct s *)0)->m) == n, #s "." #m)',
        '#define VALUE(e, n) _Static_assert((long long)(e) == n, #e)', '',
        *assertions(headers, was), ''])


def main():
    version = sys.argv[1]
    to = os.path.join(HERE, version)
    copy_all([os.path.relpath(HEADERS, TOP)], os.path.join(to, 'tenon'))  # fails if it is there: a version is frozen once
    with open(os.path.join(to, 'layout.c'), 'w', encoding='utf-8') as f:
        f.write(layout(to, version))
    for name, patterns in PLUGINS.items():
        copy_all(patterns, os.path.join(to, 'plugins', name))
    print(f'{to}: {len(os.listdir(os.path.join(to, "tenon")))} headers, {len(PLUGINS)} projects')


if __name__ == '__main__':
    sys.exit(main())
