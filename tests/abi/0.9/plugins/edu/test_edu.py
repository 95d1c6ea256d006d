#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""edu from the registers: QEMU's docs/specs/edu. EDU=FILE tests the device of a -plugin instead."""
import os

import pcitool
import qtest
from qtest import eq, ok

ID, LIVENESS, FACTORIAL, STATUS, INT_STATUS, INT_RAISE, INT_ACK = 0x00, 0x04, 0x08, 0x20, 0x24, 0x60, 0x64
DMA_SRC, DMA_DST, DMA_COUNT, DMA_CMD = 0x80, 0x88, 0x90, 0x98
COMPUTING, FACTORIAL_IRQ = 0x01, 0x80
START, TO_MEMORY, IRQ = 1, 2, 4
BUFFER, SIZE = 0x40000, 4096
SLOT, MEMORY = 4, 0x100000
TRANSFER = 130_000_000  # ns; it takes 100 ms
PLUGIN = f'-plugin {os.environ["EDU"]} ' if 'EDU' in os.environ else ''


class Edu:
    """The device with its BAR in place."""

    def __init__(self, options='', **kw):
        self.m = qtest.Machine(f'{PLUGIN}-device edu,id=edu,addr={SLOT}{options}', machine='q35', **kw)
        self.setup()

    def setup(self):
        self.f = pcitool.Function(self.m, SLOT)
        self.bar = self.f.place(0, pcitool.MEM_BASE)
        self.f.enable()

    def __enter__(self):
        self.m.__enter__()
        return self

    def __exit__(self, *a):
        self.m.__exit__(*a)

    def __getitem__(self, reg):
        return self.m.readl(self.bar + reg)

    def __setitem__(self, reg, v):
        self.m.writel(self.bar + reg, v)

    def dma(self, src, dst, count, cmd):
        self[DMA_SRC], self[DMA_DST], self[DMA_COUNT] = src, dst, count
        self[DMA_CMD] = cmd | START

    def wait(self):
        self.m.step(TRANSFER)
        self.m.until(lambda: not self[DMA_CMD] & START, 'the transfer ends')

    def compute(self, n):
        self[FACTORIAL] = n
        self.m.until(lambda: not self[STATUS] & COMPUTING, 'the factorial is there')
        return self[FACTORIAL]

    def pins(self):
        """The I/O APIC's pins that are asserted."""
        self.m.sync()
        return [n for n, level in self.m.lines.items() if level and n >= 16]


@qtest.test
def identity():
    """it is 1234:11e8 revision 10, unclassified, with 1 MiB of memory, INTA and 64-bit MSI [PCI specs]"""
    with Edu() as d:
        eq(d.f.ids(), (0x1234, 0x11e8), 'vendor and device')
        eq(d.f.get(pcitool.CLASS_REV), 0x00ff0010, 'class and revision')
        eq(d.f.get(pcitool.INTERRUPT_PIN, 1), 1, 'pin')
        eq(d.f.get(d.f.cap(pcitool.CAP_MSI) + 2, 2), 0x80, 'message control')
        eq(d.f.bar_size(0), 1 << 20, 'size of BAR 0')


@qtest.test
def id_and_liveness():
    """the identification is 1.0, and the liveness register inverts what is written"""
    with Edu() as d:
        eq(d[ID], 0x010000ed, 'identification')
        for v in 0, 0x12345678, 0xffffffff:
            d[LIVENESS] = v
            eq(d[LIVENESS], ~v & 0xffffffff, 'liveness')


@qtest.test
def widths():
    """below 0x80 only dwords are registers; others and holes read as ones"""
    with Edu() as d:
        eq(d[0x0c], 0xffffffff, 'a hole')
        eq(d.m.number(f'readq {d.bar + FACTORIAL:#x}'), (1 << 64) - 1, 'a qword')
        eq(d[BUFFER], 0xffffffff, 'the buffer, which is not for the processor')


@qtest.test
def factorials():
    """factorials are modulo 2^32"""
    with Edu() as d:
        for n, want in (0, 1), (1, 1), (5, 120), (12, 479001600), (13, 1932053504), (34, 0), (0xffffffff, 0):
            if qtest.QEMU and n > 1000:
                continue  # it multiplies on
            eq(d.compute(n), want, f'{n}!')


@qtest.test
def factorial_intx():
    """a factorial interrupts if asked to; the pin falls with the acknowledgement"""
    with Edu(intercept=True) as d:
        d[STATUS] = FACTORIAL_IRQ
        eq(d.compute(6), 720, '6!')
        d.m.until(lambda: d[INT_STATUS] == 1, 'interrupt status')
        eq(len(d.pins()), 1, 'pins raised')
        ok(d.f.get(pcitool.STATUS, 2) & pcitool.STATUS_INTX, 'Interrupt Status bit')
        d[INT_ACK] = 1
        eq((d[INT_STATUS], d.pins()), (0, []), 'status and pins after the acknowledgement')


@qtest.test
def raise_and_acknowledge():
    """any bits can be raised; the pin stays until all are acknowledged"""
    with Edu(intercept=True) as d:
        d[INT_RAISE] = 0x30
        eq((d[INT_STATUS], len(d.pins())), (0x30, 1), 'status, pins')
        d[INT_ACK] = 0x10
        eq((d[INT_STATUS], len(d.pins())), (0x20, 1), 'status, pins')
        d[INT_ACK] = 0xffffffff
        eq((d[INT_STATUS], d.pins()), (0, []), 'status, pins')


@qtest.test
def intx_disable():
    """Interrupt Disable hides the pin"""
    with Edu(intercept=True) as d:
        d.f.enable(pcitool.COMMAND_INTX_OFF)
        d[INT_RAISE] = 1
        eq(d.pins(), [], 'pins')
        d.f.set(pcitool.COMMAND, 6, 2)
        eq(len(d.pins()), 1, 'pins')


@qtest.test
def msi():
    """with MSI each raise is a message, and the pin stays low"""
    with Edu(intercept=True) as d:
        d.f.msi(MEMORY, 0x4321)
        for _ in range(2):
            d.m.writel(MEMORY, 0)
            d[INT_RAISE] = 2
            eq(d.m.readl(MEMORY), 0x4321, 'message')
        eq(d.pins(), [], 'pins')


@qtest.test
def dma_round_trip():
    """bytes go from memory to the buffer and from there to other memory"""
    data = bytes(range(256)) * 15  # QEMU takes no transfer up to the buffer's very end
    with Edu() as d:
        d.m.write(MEMORY, data)
        d.dma(MEMORY, BUFFER, len(data), 0)
        d.wait()
        d.dma(BUFFER + 16, MEMORY + 0x2001, 100, TO_MEMORY)
        d.wait()
        eq(d.m.read(MEMORY + 0x2000, 103), b'\0' + data[16:116] + b'\0\0', 'memory')


@qtest.test
def dma_takes_time():
    """a transfer is not done before 100 ms, and its registers hold still"""
    with Edu() as d:
        d.m.write(MEMORY, b'\xaa' * 4)
        d.dma(MEMORY, BUFFER, 4, 0)
        ok(d[DMA_CMD] & START, 'START bit')
        d[DMA_COUNT] = 77
        eq(d[DMA_COUNT], 4, 'count')
        d.m.step(20_000_000)
        ok(d[DMA_CMD] & START, 'START bit after 20 ms')
        d.wait()


@qtest.test
def dma_interrupt():
    """a transfer interrupts with bit 8 if asked to"""
    with Edu(intercept=True) as d:
        d.dma(MEMORY, BUFFER, 4, IRQ)
        d.wait()
        d.m.until(lambda: d[INT_STATUS] == 0x100, 'interrupt status')
        eq(len(d.pins()), 1, 'pins')


@qtest.test(tenon='QEMU ends with a fault')
def whole_buffer():
    """a transfer may fill the buffer to its end"""
    data = bytes(range(256)) * 16
    with Edu() as d:
        d.m.write(MEMORY, data)
        d.dma(MEMORY, BUFFER, SIZE, 0)
        d.wait()
        d.dma(BUFFER, MEMORY + SIZE, SIZE, TO_MEMORY)
        d.wait()
        eq(d.m.read(MEMORY + SIZE, SIZE), data, 'memory')


@qtest.test(tenon='QEMU ends with a fault')
def dma_bounds():
    """a transfer beyond the buffer moves nothing, and ends like any other"""
    with Edu() as d:
        d.m.write(MEMORY, b'\x55' * 64)
        for at, count in (BUFFER + SIZE - 8, 9), (BUFFER - 1, 4), (0, 4), (BUFFER, 1 << 32), (1 << 63, 1 << 63):
            d.m.command(f'writeq {d.bar + DMA_SRC:#x} {at:#x}')
            d.m.command(f'writeq {d.bar + DMA_COUNT:#x} {count:#x}')
            d[DMA_DST] = MEMORY
            d[DMA_CMD] = START | TO_MEMORY | IRQ
            d.wait()
            eq(d[INT_STATUS], 0x100, 'interrupt status')
            d[INT_ACK] = 0x100
        eq(d.m.read(MEMORY, 64), b'\x55' * 64, 'memory')


@qtest.test
def dma_mask():
    """addresses are cut to dma_mask"""
    with Edu(',dma_mask=0xfffff') as d:
        d.m.write(0x80000, b'low!')
        d.m.write(0x180000, b'high')
        d.dma(0x180000, BUFFER, 4, 0)
        d.wait()
        d.dma(BUFFER, 0x190000, 4, TO_MEMORY)
        d.wait()
        eq(d.m.read(0x90000, 4), b'low!', 'memory')
        eq(d.m.read(0x190000, 4), bytes(4), 'memory beyond the mask')


@qtest.test
def not_master():
    """without Bus Master Enable no byte is moved, and no message sent"""
    with Edu() as d:
        d.f.msi(MEMORY + 64, 7)
        d.f.set(pcitool.COMMAND, pcitool.COMMAND_MEMORY, 2)
        d.m.write(MEMORY, b'\x11' * 8)
        d.dma(BUFFER, MEMORY, 8, TO_MEMORY | IRQ)
        d.wait()
        eq(d.m.read(MEMORY, 8), b'\x11' * 8, 'memory')
        eq(d.m.readl(MEMORY + 64), 0, 'message')


@qtest.test
def reset():
    """a reset stops the transfer, lowers the pin and forgets the registers"""
    with Edu(qmp=True, intercept=True) as d:
        d[LIVENESS], d[STATUS], d[INT_RAISE] = 5, FACTORIAL_IRQ, 4
        d.dma(MEMORY, BUFFER, 4, IRQ)
        d.m.reset()
        d.setup()
        if not qtest.QEMU:  # it keeps its registers
            eq((d[LIVENESS], d[STATUS], d[INT_STATUS], d[DMA_CMD]), (0, 0, 0, 0), 'registers')
            d.m.step(TRANSFER)
            eq(d[INT_STATUS], 0, 'interrupt status later')
        eq(d.pins(), [], 'pins')


if __name__ == '__main__':
    qtest.main()
