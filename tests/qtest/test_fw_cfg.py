#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""fw_cfg from the registers: QEMU's docs/specs/fw_cfg."""
import struct

import qtest
from qtest import eq, ok

SELECTOR, DATA, DMA_HIGH, DMA_LOW = 0x510, 0x511, 0x514, 0x518
SIGNATURE, ID, RAM_SIZE, NB_CPUS, DIR = 0, 1, 3, 5, 0x19
ERROR, READ, SKIP, SELECT, WRITE = 1, 2, 4, 8, 16
AT, BUFFER = 0x100000, 0x101000
FILES = '-fw_cfg name=opt/org.example/b,string=second -fw_cfg name=opt/org.example/a,string=hello'


def machine(options=FILES, **kw):
    return qtest.Machine(options + ' -m 64 -smp 3', machine='q35', **kw)


def read(m, key, n):
    m.outw(SELECTOR, key)
    return bytes(m.inb(DATA) for _ in range(n))


def files(m):
    """name -> (key, size)"""
    n, = struct.unpack('>I', read(m, DIR, 4))
    found = {}
    for _ in range(n):
        size, key, name = struct.unpack('>IHxx56s', bytes(m.inb(DATA) for _ in range(64)))
        found[name.rstrip(b'\0').decode()] = key, size
    return found


def dma(m, control, length, gpa):
    """One operation; the control field afterwards."""
    m.write(AT, struct.pack('>IIQ', control, length, gpa))
    m.outl(DMA_HIGH, 0)
    m.outl(DMA_LOW, int.from_bytes(AT.to_bytes(4, 'big'), 'little'))
    return struct.unpack('>I', m.read(AT, 4))[0]


@qtest.test
def signature():
    """the signature is there at start, and the ID says that there is DMA [Firmware Configuration Items]"""
    with machine() as m:
        eq(bytes(m.inb(DATA) for _ in range(4)), b'QEMU', 'signature')
        eq(read(m, ID, 4), b'\3\0\0\0', 'ID')


@qtest.test
def numbers():
    """memory size and processors are little-endian; past the end are zeros"""
    with machine() as m:
        eq(read(m, RAM_SIZE, 10), struct.pack('<Qxx', 64 << 20), 'RAM size')
        eq(read(m, NB_CPUS, 3), b'\3\0\0', 'processors')


@qtest.test
def sleeping_states():
    """etc/system-states: which sleeping states there are, a byte each, and SLP_TYP"""
    for option, want in (('', bytes((0x80, 0, 0, 0x81, 0x82, 0x80))),
                         ('-global ICH9-LPC.disable_s3=1 -global ICH9-LPC.disable_s4=1', bytes((0x80, 0, 0, 1, 2, 0x80)))):
        with machine(option) as m:
            eq(read(m, *files(m)['etc/system-states']), want, 'states')


@qtest.test
def directory():
    """the directory has the user's files in order of their names [File Directory]"""
    with machine() as m:
        d = files(m)
        ok('etc/e820' in d, f'files are {list(d)}')
        eq(d['opt/org.example/b'][0] - d['opt/org.example/a'][0], 1, 'distance of keys')
        key, size = d['opt/org.example/a']
        eq(read(m, key, size + 1), b'hello\0', 'contents')
        eq(list(d), sorted(d), 'names')


@qtest.test
def unknown_key():
    """a key without an item reads as zeros"""
    with machine() as m:
        eq(read(m, 0x3000, 4), bytes(4), 'data')


@qtest.test
def data_port_alone():
    """data is 8 bits wide and read-only; the selector cannot be read"""
    with machine() as m:
        m.outw(SELECTOR, SIGNATURE)
        m.outb(DATA, 0x55)
        eq(bytes(m.inb(DATA) for _ in range(4)), b'QEMU', 'signature')


@qtest.test
def dma_signature():
    """the DMA register reads as its signature"""
    with machine() as m:
        eq(struct.pack('<II', m.inl(DMA_HIGH), m.inl(DMA_LOW)), b'QEMU CFG', 'register')


@qtest.test
def dma_read():
    """DMA selects, skips and reads; bytes past the end are zeros"""
    with machine() as m:
        key, _ = files(m)['opt/org.example/a']
        m.write(BUFFER, b'\xff' * 8)
        eq(dma(m, key << 16 | SELECT | SKIP, 1, 0), 0, 'control')
        eq(dma(m, READ, 6, BUFFER), 0, 'control')
        eq(m.read(BUFFER, 8), b'ello\0\0\xff\xff', 'memory')


@qtest.test
def dma_and_ports_share():
    """the offset is one for both ways"""
    with machine() as m:
        eq(read(m, SIGNATURE, 1), b'Q', 'first byte')
        eq(dma(m, READ, 2, BUFFER), 0, 'control')
        eq(m.read(BUFFER, 2), b'EM', 'memory')
        eq(m.inb(DATA), ord('U'), 'last byte')


@qtest.test
def dma_write_refused():
    """writing to an item that nobody listens to is an error, and changes nothing"""
    with machine() as m:
        m.write(BUFFER, b'XXXX')
        eq(dma(m, SIGNATURE << 16 | SELECT | WRITE, 4, BUFFER), ERROR, 'control')
        eq(read(m, SIGNATURE, 4), b'QEMU', 'signature')


@qtest.test(tenon='QEMU writes to the space between')
def dma_beyond_memory():
    """DMA to where no memory is: the error bit"""
    with machine() as m:
        eq(dma(m, SIGNATURE << 16 | SELECT | READ, 4, 0xd0000000), ERROR, 'control')


@qtest.test
def dma_off():
    """dma_enabled=off: no DMA register, and the ID says so"""
    with machine('-global fw_cfg_io.dma_enabled=off') as m:
        eq(read(m, ID, 4)[0], 1, 'ID')
        eq(m.inl(DMA_LOW), 0xffffffff, 'register')


@qtest.test
def reset():
    """after a reset the signature is selected, and files have the keys that they had"""
    with machine(qmp=True) as m:
        before = files(m)
        m.reset()
        if not qtest.QEMU:  # firmware has read something
            eq(bytes(m.inb(DATA) for _ in range(4)), b'QEMU', 'signature')
        eq(files(m), before, 'files')


if __name__ == '__main__':
    qtest.main()
