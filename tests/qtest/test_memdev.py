#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""RAM out of memory back ends: -object memory-backend-*, -M memory-backend=, -numa node,memdev=."""
import mmap
import os

import qtest
from qtest import eq, ok

WORD = b'tenon was here'


def shared_file():
    return os.path.join(qtest.Setup.get().folder, 'ram')


@qtest.test
def file_is_the_memory():
    """what the guest writes is in the file, with a bare 'share' as with share=on"""
    for share in ('share', 'share=on'):
        path = shared_file()
        back_end = f'-m 64M -object memory-backend-file,id=m,size=64M,{share},mem-path={path}'
        with qtest.Machine(f'{back_end} -M memory-backend=m') as m:
            m.write(0x100000, WORD)
            with open(path, 'rb') as f, mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ) as view:
                eq(view[0x100000:0x100000 + len(WORD)], WORD, f'the file, {share}')
                eq(len(view), 64 << 20, 'size of the file')
        os.unlink(path)


@qtest.test
def private_file():
    """without share the file keeps what it had, and the guest sees that"""
    path = shared_file()
    with open(path, 'wb') as f:
        f.truncate(64 << 20)
        f.seek(0x100000)
        f.write(WORD)
    with qtest.Machine(f'-m 64M -object memory-backend-file,id=m,size=64M,mem-path={path} -M memory-backend=m') as m:
        eq(m.read(0x100000, len(WORD)), WORD, 'memory')
        m.write(0x100000, bytes(len(WORD)))
    with open(path, 'rb') as f:
        f.seek(0x100000)
        eq(f.read(len(WORD)), WORD, 'the file')
    os.unlink(path)


@qtest.test
def numa_node():
    """a node's memory comes out of its back end; two nodes follow each other"""
    objects = ' '.join(f'-object memory-backend-memfd,id=m{i},size=32M,share=on -numa node,memdev=m{i}' for i in (0, 1))
    with qtest.Machine(f'-m 64M {objects}', machine='q35') as m:
        for gpa in (0x100000, 0x1ffff00, 0x2000000, 0x3ffff00):
            m.write(gpa, WORD)
            eq(m.read(gpa, len(WORD)), WORD, f'memory at {gpa:#x}')


@qtest.test
def sizes_agree():
    """nodes that do not add up to -m, and a back end of another size, are refused"""
    small = '-object memory-backend-memfd,id=m,size=32M,share=on'
    message = qtest.refuses(f'-m 64M {small} -numa node,memdev=m', machine='q35')
    ok('NUMA' in message, message)
    message = qtest.refuses(f'-m 64M {small} -M memory-backend=m', machine='q35')
    ok('size' in message, message)


@qtest.test
def in_use():
    """one back end is the memory of one node only"""
    message = qtest.refuses('-m 64M -object memory-backend-memfd,id=m,size=32M -numa node,memdev=m -numa node,memdev=m',
                            machine='q35')
    ok("multiple times" in message, message)


if __name__ == '__main__':
    qtest.main()
