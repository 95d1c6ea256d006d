#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What host bridges show of RAM: PAM (440FX 3.2.18, 3 Series 5.1.18), TSEG and SMBASE (3 Series 5.1.27, 5.1.28)."""
import os
import tempfile

import pcitool
import qtest
from qtest import eq, test

BRIDGES = (('pc', 0x59), ('q35', 0x90))
F_SMBASE, SMRAM, ESMRAMC = 0x9c, 0x9d, 0x9e
NONE, READ, RAM = 0, 1, 3
SEGMENTS = [(0xf0000, 0x10000)] + [(0xc0000 + i * 0x4000, 0x4000) for i in range(12)]
MIB = 1 << 20
IMAGE = bytes(i & 0xff for i in range(0x20000 - 1)) + b'\xa5'


class Bridge:
    """A machine and PAM of its host bridge."""

    def __init__(self, machine, pam, options=''):
        self.m = qtest.Machine(options, machine=machine, qmp=True)
        self.f = pcitool.Function(self.m, 0)
        self.pam = pam

    def __enter__(self):
        self.m.__enter__()
        return self

    def __exit__(self, *a):
        self.m.__exit__(*a)

    def get(self, address):
        return self.m.read(address, 1)[0]

    def put(self, address, v):
        self.m.write(address, bytes([v]))

    def set(self, i, bits):
        reg, high = (self.pam, True) if i == 0 else (self.pam + (i + 1) // 2, i % 2 == 0)
        old = self.f.get(reg, 1)
        self.f.set(reg, old & 0x0f | bits << 4 if high else old & 0xf0 | bits, 1)

    def ends(self, i):
        base, size = SEGMENTS[i]
        return self.get(base), self.get(base + size - 1)

    def write(self, i, v):
        base, size = SEGMENTS[i]
        self.put(base, v)
        self.put(base + size - 1, v)


@test
def segments():
    """each of the 13 segments is nothing, RAM that keeps what is in it, or RAM that cannot be written"""
    for machine, pam in BRIDGES:
        with Bridge(machine, pam) as b:
            for i in range(13):
                if qtest.QEMU and i == 0 or qtest.QEMU and i > 8:
                    continue  # firmware is there
                eq(b.ends(i), (0xff, 0xff), f'{machine}: segment {i} after reset')
                b.set(i, RAM)
                eq(b.ends(i), (0, 0), f'{machine}: segment {i}, RAM')
                b.write(i, 0x42)
                b.set(i, READ)
                b.write(i, 0x99)
                eq(b.ends(i), (0x42, 0x42), f'{machine}: segment {i}, RAM for reading')
                b.set(i, NONE)
                eq(b.ends(i), (0xff, 0xff), f'{machine}: segment {i}, hidden')
                b.set(i, RAM)
                eq(b.ends(i), (0x42, 0x42), f'{machine}: segment {i}, again')


@test
def firmware_behind():
    """where RAM is not shown the end of the firmware is; a reset brings it back"""
    for machine, pam in BRIDGES:
        with tempfile.NamedTemporaryFile() as f:
            f.write(IMAGE)
            f.flush()
            with Bridge(machine, pam, f'-bios {f.name} -S') as b:
                eq(b.get(0xfffff), 0xa5, 'the last byte')
                eq(b.get(0xe0001), 1, 'the second')
                b.set(0, RAM)
                b.write(0, 0x11)
                eq(b.ends(0), (0x11, 0x11), 'RAM in front')
                eq(b.get(0xffffffff), 0xa5, 'below 4 GiB')
                b.m.reset()
                eq(b.get(0xfffff), 0xa5, 'after a reset')


@test
def neighbours_stay():
    """what is beside a hidden range is RAM as before"""
    with Bridge('q35', 0x90, '-m 64M') as b:
        b.put(0xbffff, 0x21)
        b.put(0x100000, 0x22)
        b.set(0, RAM)
        b.set(0, NONE)
        eq((b.get(0xbffff), b.get(0x100000)), (0x21, 0x22), 'beside')


@test
def tseg():
    """T_EN and G_SMRAME take the top of memory away, as much as TSEG_SZ says; a reset gives it back"""
    for bits, size in ((0, 1), (1, 2), (2, 8), (3, 16)):
        with Bridge('q35', 0x90, '-m 64M') as b:
            b.put((64 - size) * MIB, 0x55)
            b.f.set(ESMRAMC, bits << 1 | 1, 1)
            eq(b.get((64 - size) * MIB), 0x55, 'G_SMRAME is clear')
            b.f.set(SMRAM, 0x0a, 1)
            eq(b.get((64 - size) * MIB - 1), 0, 'below TSEG')
            eq((b.get((64 - size) * MIB), b.get(64 * MIB - 1)), (0xff, 0xff), f'TSEG of {size} MiB')
            b.f.set(SMRAM, 0x02, 1)
            eq(b.get((64 - size) * MIB), 0x55, 'given back')


@test
def smbase():
    """F_SMBASE says that it can, then takes the memory at SMBASE until a reset"""
    with Bridge('q35', 0x90) as b:
        b.put(0x30000, 0x32)
        b.f.set(F_SMBASE, 2, 1)
        eq((b.f.get(F_SMBASE, 1), b.get(0x30000)), (0, 0x32), 'nobody asked first')
        b.f.set(F_SMBASE, 0xff, 1)
        eq(b.f.get(F_SMBASE, 1), 1, 'the answer')
        b.f.set(F_SMBASE, 2, 1)
        b.f.set(F_SMBASE, 0, 1)
        eq((b.f.get(F_SMBASE, 1), b.get(0x30000), b.get(0x4ffff)), (2, 0xff, 0xff), 'locked')
        eq(b.get(0x50000), 0, 'behind it')


if __name__ == '__main__':
    qtest.main()
