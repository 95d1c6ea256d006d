#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""pci-testdev from the registers: QEMU's docs/specs/pci-testdev."""
import pcitool
import qtest
from qtest import eq, ok

SLOT = 5
TEST, WIDTH, OFFSET, DATA, COUNT, NAME = 0, 1, 4, 8, 12, 16
NAMES = ('no-eventfd', 'wildcard-eventfd', 'datamatch-eventfd')


class Bar:
    """One of the two BARs: bytes and dwords, by memory accesses or ports."""

    def __init__(self, m, n):
        self.f = pcitool.Function(m, SLOT)
        self.n = n
        self.base = self.f.place(n, (pcitool.MEM_BASE, pcitool.IO_BASE)[n])
        self.f.enable()
        self.put = m.outb if n else lambda at, v: m.command(f'writeb {at:#x} {v:#x}')
        self.get = m.inb if n else lambda at: m.number(f'readb {at:#x}')
        self.get4 = m.inl if n else m.readl

    def start(self, test):
        self.put(self.base + TEST, test)

    def name(self):
        text = ''
        while (c := self.get(self.base + NAME + len(text))) and len(text) < 32:
            text += chr(c)
        return text


def machine(options='', **kw):
    return qtest.Machine(f'-device pci-testdev,id=t,addr={SLOT}{options}', machine='q35', **kw)


def both(check):
    for n in 0, 1:
        with machine() as m:
            check(Bar(m, n))


@qtest.test
def identity():
    """it is 1b36:0005, with 4 KiB of memory and 256 ports; BAR 2 only if membar asks for it"""
    with machine() as m:
        f = pcitool.Function(m, SLOT)
        eq(f.ids(), (0x1b36, 0x0005), 'vendor and device')
        eq([f.bar_size(n) for n in range(3)], [4096, 256, 0], 'sizes of BARs')
    with machine(',membar=2M') as m:
        f = pcitool.Function(m, SLOT)
        eq(f.bar_size(2), 2 << 20, 'size of BAR 2')
        eq(f.get(0x18) & 0xf, 0xc, 'kind of BAR 2')


@qtest.test
def header():
    """each BAR offers three tests; the number behind them is none"""
    def check(b):
        for i, name in enumerate(NAMES):
            b.start(i)
            eq(b.name(), ('mmio-', 'portio-')[b.n] + name, 'name')
            eq(b.get(b.base + WIDTH), 1, 'width')
            eq(b.get4(b.base + COUNT), 0, 'count')
            eq(b.get4(b.base + OFFSET), (2048, 128)[b.n] + 3 * b.n + i, 'offset')
            eq(b.get4(b.base + DATA), 0xce if i == 1 else 0xfa, 'data')
        b.start(3)
        eq((b.get(b.base + WIDTH), b.name()), (0, ''), 'width and name of no test')
    both(check)


@qtest.test
def counts():
    """a trapped write of the right byte to the right place is counted, another is not"""
    def check(b):
        b.start(0)
        at = b.base + b.get4(b.base + OFFSET)
        for place, v, want in (at, 0xfa, 1), (at, 0xfb, 1), (at + 1, 0xfa, 1), (at, 0xfa, 2):
            b.put(place, v)
            eq(b.get4(b.base + COUNT), want, 'count')
        b.start(0)
        eq(b.get4(b.base + COUNT), 0, 'count of a new start')
    both(check)


@qtest.test
def eventfds():
    """an eventfd takes the writes that match, or they are counted"""
    def check(b):
        for test in 1, 2:
            b.start(test)
            at, data = b.base + b.get4(b.base + OFFSET), b.get4(b.base + DATA)
            for _ in range(3):
                b.put(at, data)
            ok(b.get4(b.base + COUNT) in (0, 3), f'count {b.get4(b.base + COUNT)}')
            before = b.get4(b.base + COUNT)
            b.put(at, data ^ 1)
            if test == 2:
                eq(b.get4(b.base + COUNT), before, 'count after other data')
    both(check)


@qtest.test
def moved():
    """the eventfd follows the BAR"""
    with machine() as m:
        b = Bar(m, 0)
        b.start(2)
        off = b.get4(b.base + OFFSET)
        b.base = b.f.place(0, pcitool.MEM_BASE + 0x100000)
        b.put(b.base + off, 0xfa)
        ok(b.get4(b.base + COUNT) in (0, 1), 'count')
        eq(m.readl(pcitool.MEM_BASE + TEST), m.readl(pcitool.MEM_BASE + 0x8000), 'the old place')


@qtest.test
def one_test():
    """there is one test at a time: starting one on a BAR ends the other's"""
    with machine() as m:
        memory, ports = Bar(m, 0), Bar(m, 1)
        memory.start(0)
        ports.start(0)
        memory.put(memory.base + 2048, 0xfa)
        eq(ports.get4(ports.base + COUNT), 0, 'count')
        ports.put(ports.base + 128 + 3, 0xfa)
        eq(ports.get4(ports.base + COUNT), 1, 'count')


@qtest.test
def reset():
    """a reset stops the test"""
    with machine(qmp=True) as m:
        b = Bar(m, 0)
        b.start(1)
        m.reset()
        b = Bar(m, 0)
        eq((b.get(b.base + WIDTH), b.name()), (0, ''), 'width and name')


@qtest.test(tenon='this QEMU has no membar-backed')
def backed():
    """membar-backed: BAR 2 is memory"""
    with machine(',membar=1M,membar-backed=on') as m:
        f = pcitool.Function(m, SLOT)
        at = f.place(2, 0xe1000000)
        f.set(0x1c, 0)
        f.enable()
        m.write(at + 0xffff0, b'last bytes of it')
        eq(m.read(at + 0xffff0, 16), b'last bytes of it', 'memory')


if __name__ == '__main__':
    qtest.main()
