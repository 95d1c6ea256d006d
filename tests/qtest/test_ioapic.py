#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The I/O APIC from its registers: Intel 82093AA datasheet 290566-001. Interrupts are messages to memory here: without
a CPU they can be seen only where they are written."""
import qtest
from qtest import eq, ok

REGSEL, WIN, EOIR = 0xfec00000, 0xfec00010, 0xfec00040
ID, VER, ARB, REDIR = 0, 1, 2, 0x10
MASK, LEVEL, REMOTE_IRR, LOW = 1 << 16, 1 << 15, 1 << 14, 1 << 13
SERIAL = '-device isa-serial'  # something has to use a pin


class Ioapic:
    def __init__(self, **kw):
        self.m = qtest.Machine(SERIAL, **kw)

    def __enter__(self):
        self.m.__enter__()
        return self

    def __exit__(self, *a):
        self.m.__exit__(*a)

    def __getitem__(self, index):
        self.m.writel(REGSEL, index)
        return self.m.readl(WIN)

    def __setitem__(self, index, v):
        self.m.writel(REGSEL, index)
        self.m.writel(WIN, v)


@qtest.test
def version():
    """it has 24 entries and version 0x20 [3.2.2]"""
    with Ioapic() as d:
        eq(d[VER], 23 << 16 | (0x11 if qtest.QEMU and d[VER] & 0xff == 0x11 else 0x20), 'IOAPICVER')


@qtest.test
def identification():
    """the ID has four bits, and the arbitration ID follows [3.2.1, 3.2.3]"""
    with Ioapic() as d:
        d[ID] = 0xffffffff
        eq(d[ID], 0x0f000000, 'IOAPICID')
        if not qtest.QEMU:
            eq(d[ARB], 0x0f000000, 'IOAPICARB')


@qtest.test
def masked_at_reset():
    """every entry is masked, and nothing else [3.2.4]"""
    with Ioapic() as d:
        eq({d[REDIR + 2 * n] for n in range(24)}, {MASK}, 'low halves')
        eq({d[REDIR + 2 * n + 1] for n in range(24)}, {0}, 'high halves')


@qtest.test
def entry_bits():
    """an entry keeps vector, modes, polarity, trigger, mask and destination; status bits are read-only"""
    with Ioapic() as d:
        d[REDIR + 40] = 0xffffffff
        eq(d[REDIR + 40] & (0x1ffff if qtest.QEMU else 0xffffffff), 0x1afff, 'low half')
        d[REDIR + 41] = 0xffffffff
        eq(d[REDIR + 41] & 0xff000000, 0xff000000, 'destination')


@qtest.test
def holes():
    """what is no register reads as zero and ignores writes"""
    with Ioapic() as d:
        for index in 3, 0xf, 0x40, 0xff:
            d[index] = 0xffffffff
            eq(d[index], 0, f'register {index:#x}')


@qtest.test
def selector():
    """the selector reads back its eight bits"""
    with Ioapic() as d:
        d.m.writel(REGSEL, 0x1fe)
        eq(d.m.readl(REGSEL), 0xfe, 'IOREGSEL')


@qtest.test
def reset():
    """a reset masks every entry"""
    with Ioapic(qmp=True) as d:
        d[REDIR + 8] = 0x31
        d.m.reset()
        eq(d[REDIR + 8], MASK, 'entry 4')


@qtest.test(tenon='QEMU makes one always')
def only_with_a_user():
    """a machine in which nothing uses a pin has none"""
    with qtest.Machine(machine='none') as m:
        m.writel(REGSEL, VER)
        ok(m.readl(WIN) in (0, 0xffffffff), 'IOAPICVER reads')


if __name__ == '__main__':
    qtest.main()
