#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""vmcoreinfo: the file that the guest writes by fw_cfg's DMA (QEMU docs/specs/vmcoreinfo, docs/specs/fw_cfg)."""
import struct

import qtest
from qtest import eq, ok

DIRECTORY, NAME, BUFFER, ACCESS = 0x19, b'etc/vmcoreinfo', 0x10000, 0x20000
READ, SELECT, WRITE = 2, 8, 16
DMA = 0x514
FRESH = struct.pack('<HHIQ', 1, 0, 0, 0)


def dma(m, control, length):
    """One request at ACCESS about BUFFER; the control word at its end."""
    m.write(ACCESS, struct.pack('>IIQ', control, length, BUFFER))
    m.outl(DMA, 0)
    m.outl(DMA + 4, int.from_bytes(struct.pack('>I', ACCESS), 'little'))
    return struct.unpack('>I', m.read(ACCESS, 4))[0]


def find(m):
    """Key and size of the file."""
    m.outw(0x510, DIRECTORY)
    entries = int.from_bytes(bytes(m.inb(0x511) for _ in range(4)), 'big')
    for _ in range(entries):
        size, key, _, name = struct.unpack('>IHH56s', bytes(m.inb(0x511) for _ in range(64)))
        if name.rstrip(b'\0') == NAME:
            return key, size
    raise qtest.Failure('no such file')


def contents(m, key):
    eq(dma(m, key << 16 | SELECT | READ, 16), 0, 'control after a read')
    return m.read(BUFFER, 16)


@qtest.test
def fresh():
    """the host reads ELF notes; the guest has written nothing"""
    with qtest.Machine('-device vmcoreinfo', machine='q35') as m:
        key, size = find(m)
        eq(size, 16, 'size')
        eq(contents(m, key), FRESH, 'contents')


@qtest.test
def written():
    """what the guest writes is read back, until a reset"""
    with qtest.Machine('-device vmcoreinfo', machine='q35', qmp=True) as m:
        key, _ = find(m)
        note = struct.pack('<HHIQ', 1, 1, 0x100000, 0xffffff00)
        m.write(BUFFER, note)
        eq(dma(m, key << 16 | SELECT | WRITE, 16), 0, 'control after a write')
        m.write(BUFFER, bytes(16))
        eq(contents(m, key), note, 'contents')
        m.reset()
        eq(contents(m, key), FRESH, 'contents after a reset')


@qtest.test
def too_much():
    """a write beyond the end of the file is an error, and changes nothing behind it"""
    with qtest.Machine('-device vmcoreinfo', machine='q35') as m:
        key, _ = find(m)
        m.write(BUFFER, b'\xff' * 64)
        dma(m, key << 16 | SELECT | WRITE, 64)
        eq(len(contents(m, key)), 16, 'size')


@qtest.test
def one():
    """there is at most one, and it needs fw_cfg"""
    message = qtest.refuses('-device vmcoreinfo -device vmcoreinfo', machine='q35')
    ok("'etc/vmcoreinfo' exists already" in message, message)
    message = qtest.refuses('-device vmcoreinfo', machine='none')
    ok('vmcoreinfo device requires fw_cfg with DMA' in message, message)


if __name__ == '__main__':
    qtest.main()
