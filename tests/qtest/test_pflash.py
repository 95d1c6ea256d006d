#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Parallel flash: -drive if=pflash and -M pflash0=, where the guest finds it, its commands (Intel StrataFlash J3, 290667),
and what becomes of the files."""
import contextlib
import os
import tempfile

import qtest
from qtest import eq, ok, test

KIB, TOP = 1 << 10, 1 << 32
PROGRAM, ERASE, CLEAR, LOCK, STATUS, ID, QUERY, CONFIRM, BUFFER, ARRAY = 0x40, 0x20, 0x50, 0x60, 0x70, 0x90, 0x98, 0xd0, 0xe8, 0xff
READY, E_ERASE, E_PROGRAM, E_LOCKED = 0x80, 0x20, 0x10, 0x02


@contextlib.contextmanager
def images(*sizes):
    """Files of these sizes, each block of 4 KiB full of its number."""
    with tempfile.TemporaryDirectory() as d:
        paths = [os.path.join(d, f'flash{i}') for i in range(len(sizes))]
        for path, size in zip(paths, sizes):
            with open(path, 'wb') as f:
                f.write(b''.join(bytes([n & 0xff]) * 4096 for n in range((size + 4095) // 4096))[:size])
        yield paths


def drive(path, unit=0, more=''):
    return f'-drive if=pflash,unit={unit},format=raw,file={path}{more} '


def content(path, off=0, n=1):
    with open(path, 'rb') as f:
        f.seek(off)
        return f.read(n)


class Flash:
    """Commands to flash memory at base."""

    def __init__(self, m, base):
        self.m, self.base = m, base

    def put(self, off, v):
        self.m.command(f'writeb {self.base + off:#x} {v:#x}')

    def get(self, off):
        return self.m.number(f'readb {self.base + off:#x}')

    def cycles(self, off, *values):
        for v in values:
            self.put(off, v)


@test
def places():
    """unit 0 ends at 4 GiB, unit 1 in front of it; the last 128 KiB of unit 0 also end at 1 MiB"""
    for machine in ('pc', 'q35'):
        with images(512 * KIB, 256 * KIB) as (code, variables):
            with qtest.Machine(drive(code) + drive(variables, 1) + '-S', machine=machine) as m:
                eq(m.read(TOP - 512 * KIB, 1), b'\0', 'first of unit 0')
                eq(m.read(TOP - 1, 1), b'\x7f', 'last of unit 0')
                eq(m.read(TOP - 768 * KIB, 1), b'\0', 'first of unit 1')
                eq(m.read(TOP - 512 * KIB - 1, 1), b'\x3f', 'last of unit 1')
                eq(m.read(TOP - 768 * KIB - 1, 1), b'\0' if qtest.QEMU else b'\xff', 'in front of both')
                eq(m.read(0xe0000, 1), b'\x60', 'below 1 MiB, first')
                eq(m.read(0xfffff, 1), b'\x7f', 'below 1 MiB, last')


@test
def as_blockdev():
    """-M pflash0= and pflash1= name nodes of -blockdev"""
    with images(64 * KIB, 64 * KIB) as (code, variables):
        nodes = ''.join(f'-blockdev driver=file,node-name={n},filename={p} ' for n, p in (('c', code), ('v', variables)))
        with qtest.Machine(nodes + '-S', machine='q35,pflash0=c,pflash1=v') as m:
            eq(m.read(TOP - 1, 1), b'\x0f', 'last of unit 0')
            f = Flash(m, TOP - 128 * KIB)
            f.cycles(0, ERASE, CONFIRM, ARRAY)
            eq(content(variables), b'\xff', 'file of unit 1')


@test
def in_the_file():
    """4.5, 4.6: an erasure makes ones, programming zeros; once the array is shown again the file has them"""
    with images(64 * KIB, 64 * KIB) as (code, variables):
        with qtest.Machine(drive(code) + drive(variables, 1) + '-S', machine='q35') as m:
            f = Flash(m, TOP - 128 * KIB)
            f.cycles(0x3456, ERASE, CONFIRM)
            eq(f.get(0), READY, 'status')
            f.cycles(0x3010, PROGRAM, 0xa5)
            if not qtest.QEMU:  # which programs ones, too
                f.cycles(0x3010, PROGRAM, 0x0f)
            f.put(0, ARRAY)
            eq(f.get(0x3010), 0xa5 if qtest.QEMU else 0x05, 'the array')
            eq(content(variables, 0x2fff, 3), b'\x02\xff\xff', 'start of the block')
            eq(content(variables, 0x3010), b'\xa5' if qtest.QEMU else b'\x05', 'programmed')
            eq(content(variables, 0x4000), b'\x04', 'behind the block')
            eq(content(code, 0xffff), b'\x0f', 'the other file')


@test
def write_buffer():
    """4.7: words of the write buffer are programmed when they are confirmed"""
    with images(64 * KIB) as (path,):
        with qtest.Machine(drive(path) + '-S', machine='q35') as m:
            f = Flash(m, TOP - 64 * KIB)
            f.cycles(0, ERASE, CONFIRM, BUFFER)
            ok(f.get(0) & READY, 'there is a buffer')
            f.put(0, 4 - 1)
            for i, v in enumerate(b'Tin!'):
                f.put(0x20 + i, v)
            f.cycles(0, CONFIRM, ARRAY)
            eq(m.read(TOP - 64 * KIB + 0x1f, 6), b'\xffTin!\xff', 'the array')
            eq(content(path, 0x20, 4), b'Tin!', 'the file')


@test
def query():
    """JESD68.01: QRY, the size, the blocks"""
    with images(64 * KIB) as (path,):
        with qtest.Machine(drive(path) + '-S', machine='q35') as m:
            f = Flash(m, TOP - 64 * KIB)
            f.put(0x55, QUERY)
            eq(bytes(f.get(i) for i in range(0x10, 0x13)), b'QRY', 'signature')
            eq((f.get(0x27), f.get(0x2d), f.get(0x30) << 8 | f.get(0x2f)), (16, 15, 16), '2^16 bytes, 16 blocks of 16 * 256')
            f.put(0, ARRAY)
            eq(f.get(0x1000), 1, 'the array again')


@test
def seen_as_flash():
    """firmware tells it from RAM and ROM: a cleared status reads as zero"""
    with images(64 * KIB) as (path,):
        with qtest.Machine(drive(path) + '-S', machine='q35') as m:
            f = Flash(m, TOP - 64 * KIB)
            f.put(0, CLEAR)
            ok(f.get(0) != CLEAR, 'no RAM')
            f.put(0, STATUS)
            eq(f.get(0), 0, 'status')


@test(tenon='QEMU has no locks')
def locked():
    """4.11: a locked block cannot be erased"""
    with images(64 * KIB) as (path,):
        with qtest.Machine(drive(path) + '-S', machine='q35') as m:
            f = Flash(m, TOP - 64 * KIB)
            f.cycles(0x1000, LOCK, 1, ERASE, CONFIRM)
            eq(f.get(0), READY | E_ERASE | E_LOCKED, 'status')
            f.put(0, ARRAY)
            eq(f.get(0x1000), 1, 'the block')
            f.cycles(0, LOCK, CONFIRM)
            f.cycles(0x1000, ERASE, CONFIRM, ARRAY)
            eq(f.get(0x1000), 0xff, 'unlocked')


@test
def read_only():
    """readonly=on: programming fails, and nothing changes"""
    with images(64 * KIB) as (path,):
        with qtest.Machine(drive(path, 0, ',readonly=on') + '-S', machine='q35') as m:
            f = Flash(m, TOP - 64 * KIB)
            f.cycles(1, PROGRAM, 0)
            ok(f.get(0) & E_PROGRAM, 'status')
            f.cycles(0, CLEAR, ERASE, CONFIRM)
            ok(f.get(0) & E_ERASE, 'status of an erasure')
            f.put(0, ARRAY)
            eq(m.read(TOP - 64 * KIB, 2), b'\0\0', 'the array')
        eq(content(path), b'\0', 'the file')


@test
def secure():
    """secure=on: who is not in system management mode only reads"""
    with images(64 * KIB) as (path,):
        with qtest.Machine(drive(path) + '-S -global driver=cfi.pflash01,property=secure,value=on', machine='q35') as m:
            f = Flash(m, TOP - 64 * KIB)
            f.cycles(0, ERASE, CONFIRM)
            eq(f.get(0x1000), 1, 'the array')


@test
def reset():
    """a reset shows the array"""
    with images(64 * KIB) as (path,):
        with qtest.Machine(drive(path) + '-S', machine='q35', qmp=True) as m:
            f = Flash(m, TOP - 64 * KIB)
            f.put(0, ID)
            eq(f.get(0x1000), 0, 'identifier')
            m.reset()
            eq(f.get(0x1000), 1, 'the array')


def migrated(m):
    m.until(lambda: m.qmp.command('query-migrate').get('status') in ('completed', 'failed'), 'the end of a migration')
    eq(m.qmp.command('query-migrate')['status'], 'completed', 'migration')


@test(tenon='the target writes its file when it goes on, not before')
def moved():
    """array, mode and locks move with the machine, and into the target's file"""
    with images(64 * KIB, 64 * KIB, 0) as (here, there, state):
        with qtest.Machine(drive(here) + '-S', machine='q35', qmp=True) as m:
            f = Flash(m, TOP - 64 * KIB)
            f.cycles(0x2000, ERASE, CONFIRM)
            f.cycles(0x3000, LOCK, 1, BUFFER, 0)
            f.put(0x2008, 0x5a)
            m.qmp.command('migrate', uri=f'file:{state}')
            migrated(m)
        with qtest.Machine(drive(there) + f'-incoming file:{state}', machine='q35', qmp=True) as m:
            migrated(m)
            f = Flash(m, TOP - 64 * KIB)
            eq(f.get(0), READY, 'status, not the array')
            f.put(0, CONFIRM)
            f.cycles(0x3000, ERASE, CONFIRM)
            ok(f.get(0) & E_LOCKED, 'locked')
            f.put(0, ARRAY)
            eq(m.read(TOP - 64 * KIB + 0x2007, 2), b'\xff\x5a', 'the array')
            m.until(lambda: content(there, 0x2007, 2) == b'\xff\x5a', "the target's file")
            eq(content(there, 0x3000), b'\x03', 'the locked block')


@test
def bad_files():
    """what cannot be flash memory is refused, in one line"""
    with images(64 * KIB, 5000, 0, 8 << 20) as (good, odd, empty, large):
        for args, text in ((drive(odd), 'has invalid size'), (drive(empty), 'has invalid size 0'),
                           (drive(large) + drive(good, 1), 'combined size of system firmware exceeds 8388608 bytes'),
                           (drive(good, 1), 'pflash1 requires pflash0'),
                           (drive(good, 2), 'machine type does not support if=pflash,bus=0,unit=2')):
            ok(text in (said := qtest.refuses(args, 'q35')), said)
        ok('16' in (said := qtest.refuses(drive(good), 'q35,max-fw-size=32M')), said)
        ok('combined size' in (said := qtest.refuses(drive(good), 'q35,max-fw-size=32k')), said)
        ok("can't find value 'none'" in (said := qtest.refuses('', 'q35,pflash0=none')), said)
        ok('clashes with -machine' in (said := qtest.refuses(f'-blockdev driver=file,node-name=n,filename={good} ' +
                                                            drive(odd), 'q35,pflash0=n')), said)


@test(tenon='its text names the class of the machine')
def other_machines():
    """machines without a place for it refuse it"""
    with images(64 * KIB) as (path,):
        ok('does not support if=pflash' in (said := qtest.refuses(drive(path))), said)


@test(tenon='the firmware of QEMU would have to run')
def kernel_in_fw_cfg():
    """with flash memory -kernel, -initrd and -append are for firmware, which reads them from fw_cfg"""
    with images(64 * KIB, 8192, 4096) as (path, kernel, initrd):
        with qtest.Machine(drive(path) + f'-S -kernel {kernel} -initrd {initrd} -append quiet', machine='q35') as m:
            def item(key, n):
                m.outw(0x510, key)
                return bytes(m.inb(0x511) for _ in range(n))
            eq(int.from_bytes(item(0x17, 4), 'little'), 5 * 512, 'setup, as setup_sects 0 says')
            eq(int.from_bytes(item(0x08, 4), 'little'), 8192 - 5 * 512, 'the rest')
            eq(item(0x11, 2048)[-512:], bytes([1]) * 512, 'of the rest')
            eq(int.from_bytes(item(0x0b, 4), 'little'), 4096, 'initrd')
            eq(item(0x15, 6), b'quiet\0', 'command line')


if __name__ == '__main__':
    qtest.main()
