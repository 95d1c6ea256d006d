#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""-drive, -blockdev and -snapshot on real files, seen through a virtio disk (Virtual I/O Device 1.3, 5.2)."""
import contextlib
import functools
import itertools
import os
import struct
import time
import unittest.mock

import pcitool
import qtest
import virtio
import virtio_ways
from qtest import eq, ok

T_IN, T_OUT, T_FLUSH, T_DISCARD, T_WRITE_ZEROES = 0, 1, 4, 11, 13
S_OK, S_IOERR = 0, 1
KIB, MIB = 1 << 10, 1 << 20
PCI, MMIO = (w for w in virtio_ways.ways('blk') if w.name in ('pci', 'mmio'))
counter = itertools.count()


@functools.cache
def pattern(n, seed=1):
    return bytes((i * 7 + (i >> 8) * 13 + seed) & 0xff for i in range(n))


def image(data, size=None):
    path = os.path.join(qtest.Setup.get().folder, f'drive-{os.getpid()}-{next(counter)}')
    with open(path, 'wb') as f:
        f.write(data)
        f.truncate(size or len(data))
    return path


def content(path):
    with open(path, 'rb') as f:
        return f.read()


class Disk:
    """Its driver: one queue, one request at a time."""

    def __init__(self, m, way=PCI, dev=None):
        self.m = m
        self.dev = dev or way.device(m)
        way.start(self.dev)
        self.ring = self.dev.queue(0)
        self.dev.driver_ok()

    def start(self, kind, sector=0, data=b'', room=()):
        driver = [struct.pack('<IIQ', kind, 0, sector)] + ([data] if data else [])
        parts = self.ring.parts(driver, [*room, 1])
        status = parts[-1][0] + parts[-1][1] - 1
        self.m.write(status, b'\xff')
        token = self.ring.add_parts(parts)
        self.ring.kick()
        return token, status

    def ask(self, kind, sector=0, data=b'', room=()):
        token, status = self.start(kind, sector, data, room)
        self.m.until(lambda: token in self.ring.done or self.ring.poll() or token in self.ring.done, 'the end of a request')
        self.ring.done.pop(token)
        self.got = self.ring.written(token, 1 << 30)
        return self.m.read(status, 1)[0]

    def write(self, sector, data):
        return self.ask(T_OUT, sector, data)

    def read(self, sector, n):
        eq(self.ask(T_IN, sector, room=[n]), S_OK, 'status of a read')
        return self.got[:n]

    def segment(self, kind, sector, sectors, flags=0):
        return self.ask(kind, 0, struct.pack('<QII', sector, sectors, flags))

    def sectors(self):
        return self.dev.config_int(0, 8)


@contextlib.contextmanager
def disk(options, name='d0'):
    with PCI.machine(f'drive={name}', before=options) as m:
        yield Disk(m)


# ---- snapshot ----

def check_snapshot(options, path, before):
    with disk(options) as d:
        eq(d.read(3, 4 * KIB), before[3 * 512:][:4 * KIB], 'data of the image')
        eq(d.write(5, pattern(2 * KIB, 9)), S_OK, 'status')
        eq(d.write(127, pattern(200 * KIB, 3)), S_OK, 'status over clusters')
        eq(d.segment(T_WRITE_ZEROES, 10, 3), S_OK, 'status of zeroes')
        eq(d.ask(T_FLUSH), S_OK, 'status of a flush')
        want = bytearray(before)
        want[5 * 512:5 * 512 + 2 * KIB] = pattern(2 * KIB, 9)
        want[127 * 512:127 * 512 + 200 * KIB] = pattern(200 * KIB, 3)
        want[10 * 512:13 * 512] = bytes(3 * 512)
        eq(d.read(0, 400 * KIB), bytes(want[:400 * KIB]), 'data')
    eq(content(path), before, 'the image')


@qtest.test
def snapshot_of_a_drive():
    """snapshot=on: the guest sees its writes, the image does not"""
    before = pattern(MIB)
    path = image(before)
    check_snapshot(f'-drive file={path},if=none,format=raw,id=d0,snapshot=on', path, before)


@qtest.test
def snapshot_of_all():
    """-snapshot: the same for each drive that does not say otherwise"""
    before = pattern(MIB)
    path = image(before)
    check_snapshot(f'-snapshot -drive file={path},if=none,format=raw,id=d0', path, before)
    with disk(f'-snapshot -drive file={path},if=none,format=raw,id=d0,snapshot=off') as d:
        eq(d.write(0, pattern(512, 7)), S_OK, 'status')
    eq(content(path)[:512], pattern(512, 7), 'the image')


@qtest.test
def snapshot_of_what_cannot_be_written():
    """snapshot=on opens the image for reading only, and beside others who read"""
    path = image(pattern(MIB))
    os.chmod(path, 0o444)
    one = f'-drive file={path},if=none,format=raw,snapshot=on,id='
    with qtest.Machine(f'{one}a {one}d0 -device virtio-blk-pci,drive=a,addr=5 '
                       f'-device virtio-blk-pci,drive=d0,addr={virtio_ways.SLOT}', machine='q35') as m:
        eq(Disk(m).write(0, pattern(512, 2)), S_OK, 'status')
    eq(content(path), pattern(MIB), 'the image')


# ---- nodes ----

@qtest.test
def window_of_a_file():
    """format raw: offset and size show a part of what is below"""
    path = image(pattern(MIB))
    with disk(f'-blockdev file,node-name=f,filename={path} -blockdev raw,node-name=r,file=f,offset=65536,size=131072', 'r') as d:
        eq(d.sectors(), 256, 'sectors')
        eq(d.read(1, KIB), pattern(MIB)[65536 + 512:][:KIB], 'data')
        eq(d.write(255, bytes(512)), S_OK, 'status')
        eq(d.write(256, bytes(512)), S_IOERR, 'status behind the end')
    data = content(path)
    eq(data[65536 + 131072 - 512:65536 + 131072], bytes(512), 'the last sector')
    eq(data[65536 + 131072:], pattern(MIB)[65536 + 131072:], 'what is behind')


@qtest.test
def node_in_json():
    """-blockdev takes JSON, nodes inline"""
    path = image(pattern(MIB))
    options = ['-blockdev', '{"driver":"raw","node-name":"r","read-only":true,"file":{"driver":"file","filename":"' + path + '"}}',
               '-device', f'virtio-blk-pci,drive=r,addr={virtio_ways.SLOT}']
    with qtest.Machine(options, machine='q35') as m:
        d = Disk(m)
        eq(d.read(0, 512), pattern(512), 'data')
        ok(d.dev.offered() >> 5 & 1, 'VIRTIO_BLK_F_RO is not offered')
        eq(d.write(0, bytes(512)), S_IOERR, 'status of a write')


@qtest.test
def nothing_at_all():
    """null-co: a disk of any size that has nothing but zeroes"""
    with disk('-drive driver=null-co,if=none,id=d0,size=1T,read-zeroes=on') as d:
        eq(d.sectors(), 1 << 31, 'sectors')
        eq(d.write(1 << 30, pattern(512)), S_OK, 'status')
        eq(d.read(1 << 30, 512), bytes(512), 'data')


@qtest.test
def odd_size():
    """the last sector of a file that ends inside it is filled up with zeroes"""
    path = image(pattern(1000))
    with disk(f'-drive file={path},if=none,format=raw,id=d0') as d:
        eq(d.sectors(), 2, 'sectors')
        eq(d.read(1, 512), pattern(1000)[512:] + bytes(24), 'data')
        eq(d.write(1, pattern(512, 5)), S_OK, 'status')
    eq(content(path), pattern(512) + pattern(512, 5), 'the file')


# ---- what a drive says of its requests ----

@qtest.test
def zeroes_become_holes():
    """detect-zeroes=unmap: writing nothing frees what was there"""
    path = image(pattern(MIB))
    with disk(f'-drive file={path},if=none,format=raw,id=d0,detect-zeroes=unmap,discard=unmap') as d:
        eq(d.write(0, bytes(512 * KIB)), S_OK, 'status')
    eq(content(path)[:MIB], bytes(512 * KIB) + pattern(MIB)[512 * KIB:], 'the file')
    ok(os.stat(path).st_blocks * 512 < MIB, 'nothing was freed')


@qtest.test
def discard_is_for_those_who_may():
    """discard=ignore keeps what is there, discard=unmap does not"""
    for how, freed in ('ignore', False), ('unmap', True):
        path = image(pattern(MIB))
        with disk(f'-drive file={path},if=none,format=raw,id=d0,discard={how}') as d:
            eq(d.segment(T_DISCARD, 0, 1024), S_OK, 'status')
        eq(os.stat(path).st_blocks * 512 < MIB, freed, f'freed with discard={how}')


@qtest.test
def cache_modes():
    """every cache= reads what it wrote"""
    for mode in 'writeback', 'none', 'writethrough', 'directsync', 'unsafe':
        path = image(bytes(MIB))
        with disk(f'-drive file={path},if=none,format=raw,id=d0,cache={mode}') as d:
            eq(d.write(1, pattern(3 * 512)), S_OK, f'status with cache={mode}')
            eq(d.ask(T_FLUSH), S_OK, f'flush with cache={mode}')
            eq(d.read(1, 3 * 512), pattern(3 * 512), f'data with cache={mode}')
        eq(content(path)[512:2048], pattern(3 * 512), f'the file with cache={mode}')


@qtest.test
def limits_do_not_hold_the_end_up():
    """a machine that is told to end does not wait for what its limits keep back"""
    path = image(bytes(MIB))
    # What is on its way at the end keeps its memory: an answer may still come.
    leaks = unittest.mock.patch.dict(os.environ, ASAN_OPTIONS=f'{os.environ.get("ASAN_OPTIONS", "")}:detect_leaks=0')
    with leaks, disk(f'-drive file={path},if=none,format=raw,id=d0,throttling.iops-total=1') as d:
        for i in range(20):
            d.start(T_OUT, i, pattern(512))
        begun = time.monotonic()
        eq(d.m.end(), 0, 'exit status')
        ok(time.monotonic() - begun < 5, 'it waits')


# ---- if= ----

@qtest.test
def disk_of_its_own():
    """if=virtio makes the disk as well"""
    path = image(pattern(MIB))
    with qtest.Machine(f'-drive file={path},if=virtio,format=raw', machine='q35') as m:
        slot = next(s for s in range(1, 31) if pcitool.Function(m, s).ids() == (0x1af4, 0x1001))
        eq(Disk(m, dev=virtio.pci(m, slot)).read(0, 512), pattern(512), 'data')


@qtest.test(tenon='QEMU makes a virtio-blk-pci there, too')
def disk_of_its_own_on_microvm():
    """if=virtio without PCI: one of the machine's virtio-mmio slots"""
    path = image(pattern(MIB))
    with qtest.Machine(f'-global virtio-mmio.force-legacy=off -drive file={path},if=virtio,format=raw', machine='microvm') as m:
        eq(Disk(m, MMIO).read(0, 512), pattern(512), 'data')


@qtest.test
def refused():
    """a drive that cannot be had: one line that says why"""
    path = image(pattern(MIB))
    good = f'-drive file={path},if=none,format=raw,id=d0'
    for args, text in {
            f'{good} -device virtio-blk-pci,drive=d0 -device virtio-blk-pci,drive=d0':
                "Drive 'd0' is already in use by another device",
            f'-drive file={path},if=virtio,format=raw,id=d0 -device virtio-blk-pci,drive=d0':
                "Drive 'd0' is already in use because it has been automatically connected to another device",
            '-drive if=none,id=d0 -device virtio-blk-pci,drive=d0': 'Device needs media, but drive is empty',
            '-drive file=/nonexistent,if=none,format=raw': "Could not open '/nonexistent': No such file or directory",
            f'{good} {good}': "Duplicate ID 'd0' for drive"}.items():
        message = qtest.refuses(args, machine='q35')
        ok(text in message, f'{args}: {message.strip()!r} does not say {text!r}')
        eq(message.strip().count('\n'), 0, 'lines')


if __name__ == '__main__':
    qtest.main()
