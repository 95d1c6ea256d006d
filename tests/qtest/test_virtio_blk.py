#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The block device of VIRTIO 1.3, section 5.2, on every transport and both rings: what it is, and its commands."""
import os
import struct

import qtest
import virtio_ways
from blk_disk import (ALIGNMENT, BLK_SIZE, BLK_SIZE_AT, CAPACITY, CONFIG_WCE, CYLINDERS, DISCARD, DISCARD_ALIGN, DISCARD_SECTORS,
                      DISCARD_SEG, Disk, FLUSH, GEOMETRY, HEADS, Image, KIB, LIFETIME, MIB, MIN_IO, MQ, NUM_QUEUES, OPT_IO, PCI,
                      PHYSICAL_EXP, RO, SECTORS, SECURE_ERASE, SEG_MAX, SEG_MAX_AT, SIZE_MAX, S_IOERR, S_OK, S_UNSUPP, TOPOLOGY,
                      T_DISCARD, T_FLUSH, T_FLUSH_OUT, T_GET_ID, T_GET_LIFETIME, T_IN, T_OUT, T_SCSI_CMD, T_SECURE_ERASE,
                      T_WRITE_ZEROES, UNMAP, UNUSED0, UNUSED1, WRITEBACK, WRITE_ZEROES, WZ_SECTORS, WZ_SEG, WZ_UNMAP, ZONED, disk,
                      machine_json, pattern)
from qtest import eq, ok

# ---- 5.2.1 to 5.2.4: what it is ----

@qtest.test
def device_id():
    """5.2.1: the device id is 2, mass storage; the transitional PCI id is 0x1001"""
    with disk(PCI, start=False) as d:
        eq(d.dev.f.ids(), (0x1af4, 0x1001), 'ids')
        eq(d.dev.f.get(8) >> 8, 0x010000, 'class code')
    with disk(PCI, options='disable-legacy=on', start=False) as d:
        eq(d.dev.f.ids(), (0x1af4, 0x1042), 'ids')


@virtio_ways.test('blk')
def features(way):
    """5.2.3: what a plain disk offers; zones, lifetime, secure erase and the legacy ones not"""
    with disk(way, start=False) as d:
        offered = d.dev.offered()
        for n in SEG_MAX, GEOMETRY, BLK_SIZE, FLUSH, TOPOLOGY, CONFIG_WCE, DISCARD, WRITE_ZEROES:
            ok(offered >> n & 1, f'feature {n} is not offered')
        for n in 0, SIZE_MAX, RO, LIFETIME, SECURE_ERASE, ZONED:
            ok(not offered >> n & 1, f'feature {n} is offered')


@virtio_ways.test('blk', only=['pci', 'mmio'])
def features_off(way):
    """5.2.3: properties take features away"""
    with disk(way, options='config-wce=off,discard=off,write-zeroes=off,num-queues=1', start=False) as d:
        for n in CONFIG_WCE, DISCARD, WRITE_ZEROES, MQ:
            ok(not d.dev.offered() >> n & 1, f'feature {n} is offered')
    with disk(way, options='num-queues=3', start=False) as d:
        ok(d.dev.offered() >> MQ & 1, 'VIRTIO_BLK_F_MQ is not offered')


@virtio_ways.test('blk')
def layout(way):
    """5.2.4: the configuration layout of a disk of 8 MiB with everything given"""
    options = ('physical_block_size=4096,min_io_size=8192,opt_io_size=65536,discard_granularity=4096,max-discard-sectors=100,'
               'max-write-zeroes-sectors=200,cyls=10,heads=20,secs=30,num-queues=2,queue-size=128')
    with disk(way, Image(8 * MIB), options) as d:
        want = {CAPACITY: 16384, SEG_MAX_AT: 126, CYLINDERS: 10, HEADS: 20, SECTORS: 30, BLK_SIZE_AT: 512, PHYSICAL_EXP: 3,
                ALIGNMENT: 0, MIN_IO: 16, OPT_IO: 128, UNUSED0: 0, NUM_QUEUES: 2, DISCARD_SECTORS: 100, DISCARD_ALIGN: 8,
                WZ_SECTORS: 200, WZ_UNMAP: 1, UNUSED1: 0}
        for where, v in want.items():
            if qtest.QEMU and where == UNUSED1:
                continue  # beyond its layout
            eq(d.field(where), v, f'field at {where[0]}')
        ok(d.field(DISCARD_SEG) >= 1 and d.field(WZ_SEG) >= 1, 'no segment')


@virtio_ways.test('blk', only=['pci', 'mmio_packed'])
def seg_max(way):
    """5.2.4: seg_max is the queue's size without header and status, or what QEMU once had"""
    with disk(way, options='queue-size=512') as d:
        eq(d.field(SEG_MAX_AT), 510, 'seg_max')
        eq(d.rings[0].size, 512, 'queue size')
    with disk(way, options='seg-max-adjust=off') as d:
        eq(d.field(SEG_MAX_AT), 126, 'seg_max')


@virtio_ways.test('blk', only=['pci', 'mmio'])
def geometry(way):
    """5.2.4: without a geometry there is a made-up one"""
    with disk(way, Image(504 * MIB)) as d:
        eq([d.field(f) for f in (CYLINDERS, HEADS, SECTORS)], [1024, 16, 63], 'geometry')


@virtio_ways.test('blk', only=['pci', 'mmio'])
def large_blocks(way):
    """5.2.5: blk_size is that of the disk; the protocol's unit is 512 bytes all the same"""
    with disk(way, options='logical_block_size=4096,physical_block_size=4096') as d:
        eq(d.field(BLK_SIZE_AT), 4096, 'blk_size')
        eq(d.field(CAPACITY), MIB // 512, 'capacity')
        eq(d.write(8, pattern(4096)), S_OK, 'status')
        eq(d.image.read(4096, 4096), pattern(4096), 'image')
        eq(d.write(9, pattern(4096)), S_IOERR, 'status at half a block')
        eq(d.write(8, pattern(512)), S_IOERR, 'status of a part of a block')
        eq(d.run(T_IN, 1, room=[4096]).status, S_IOERR, 'status of a read')


# ---- 5.2.6: reads and writes ----

@virtio_ways.test('blk')
def round_trip(way):
    """5.2.6: what is written is on the disk, and is read"""
    with disk(way) as d:
        eq(d.write(3, pattern(2048)), S_OK, 'status')
        eq(d.image.read(3 * 512, 2048), pattern(2048), 'image')
        eq(d.read(3, 2048), pattern(2048), 'data')
        eq(d.read(4, 512), pattern(2048)[512:1024], 'data')
        eq(d.read(0, 512), bytes(512), 'data beside it')


@virtio_ways.test('blk')
def framing(way):
    """2.7.4.1, 5.2.6: header, data and status in any pieces"""
    header = struct.pack('<IIQ', T_OUT, 0, 1)
    with disk(way) as d:
        data = pattern(1024)
        whole = header + data
        for cuts in ([], [1], [15, 17], [8], [16], [16, 500, 501], [10, 16, 528]):
            marks = [0, *cuts, len(whole)]
            request = d.send_raw([whole[a:b] for a, b in zip(marks, marks[1:])], [1]).end()
            eq(request.status, S_OK, f'status with cuts at {cuts}')
            eq(d.image.read(512, 1024), data, 'image')
            data = data[1:] + data[:1]
            whole = header + data
        d.write(1, pattern(1024))
        for sizes in ([1025], [1, 1024], [512, 513], [511, 512, 1, 1], [1024, 1]):
            request = d.send_raw([struct.pack('<IIQ', T_IN, 0, 1)], sizes).end()
            eq(request.status, S_OK, f'status with pieces of {sizes}')
            eq(request.data[:1024], pattern(1024), f'data in pieces of {sizes}')


@virtio_ways.test('blk', only=['pci', 'pci_packed', 'mmio'])
def indirect(way):
    """2.7.5.3: the same by an indirect table"""
    with disk(way) as d:
        eq(d.write(8, [pattern(4096), pattern(512, 9)], indirect=True), S_OK, 'status')
        got = d.send(T_IN, 8, room=[100, 4000, 508], indirect=True).end()
        eq(got.data[:4608], pattern(4096) + pattern(512, 9), 'data')


@virtio_ways.test('blk')
def used_length(way):
    """2.7.8.2: the used length counts what was written: data and status"""
    with disk(way) as d:
        eq(d.run(T_IN, 0, room=[1024]).used, 1025, 'used length of a read')
        eq(d.run(T_OUT, 0, bytes(512)).used, 1, 'used length of a write')
        eq(d.run(T_FLUSH).used, 1, 'used length of a flush')
        eq(d.run(T_GET_ID, room=[20]).used, 21, 'used length of an id')


@virtio_ways.test('blk', tenon='QEMU counts the status behind data that it did not write')
def used_length_of_errors(way):
    """2.7.8.2: bytes that were not written are not counted"""
    with disk(way) as d:
        request = d.run(T_IN, MIB // 512, room=[512])
        eq((request.status, request.used), (S_IOERR, 0), 'status and used length')


@virtio_ways.test('blk')
def many_at_once(way):
    """5.2.6: requests of one batch, neighbours among them, in any order"""
    with disk(way) as d:
        order = [5, 1, 2, 9, 0, 3, 8, 7]
        writes = [d.send(T_OUT, 8 * n, pattern(4096, n), kick=False) for n in order]
        d.rings[0].kick()
        for w in writes:
            eq(w.end().status, S_OK, 'status')
        for n in order:
            eq(d.image.read(4096 * n, 4096), pattern(4096, n), f'block {n}')
        eq(d.image.read(4096 * 4, 4096), bytes(4096), 'block 4')
        reads = [d.send(T_IN, 8 * n, room=[4096], kick=False) for n in order]
        d.rings[0].kick()
        for n, r in zip(order, reads):
            eq(r.end().data[:4096], pattern(4096, n), f'data of block {n}')


@virtio_ways.test('blk', only=['pci', 'pci_packed'])
def more_than_the_ring(way):
    """5.2.6: requests for several times the ring's size"""
    with disk(way, options='queue-size=8') as d:
        for i in range(40):
            eq(d.write(i, pattern(512, i)), S_OK, 'status')
        eq(d.image.read(0, 40 * 512), b''.join(pattern(512, i) for i in range(40)), 'image')


@virtio_ways.test('blk')
def beyond_the_end(way):
    """5.2.6.1: no request goes beyond capacity: IOERR, and nothing is written"""
    with disk(way, Image(64 * KIB)) as d:
        end = 128
        eq(d.write(end - 1, pattern(512)), S_OK, 'the last sector')
        for sector, n in ((end, 512), (end - 1, 1024), (1 << 55, 512), ((1 << 64) - 1, 512), ((1 << 64) - 1, 1024)):
            eq(d.write(sector, pattern(n)), S_IOERR, f'write at {sector:#x}')
            eq(d.run(T_IN, sector, room=[n]).status, S_IOERR, f'read at {sector:#x}')
        eq(os.stat(d.image.path).st_size, 64 * KIB, 'size of the image')
        eq(d.image.read(63 * KIB, 512), bytes(512), 'image')


@virtio_ways.test('blk')
def odd_lengths(way):
    """5.2.6.1: data of reads and writes is a multiple of 512 bytes: else IOERR"""
    with disk(way) as d:
        for n in 1, 511, 513, 1000:
            eq(d.write(0, pattern(n)), S_IOERR, f'write of {n} bytes')
            eq(d.run(T_IN, 0, room=[n]).status, S_IOERR, f'read of {n} bytes')
        eq(d.image.read(0, 1024), bytes(1024), 'image')


@virtio_ways.test('blk', only=['pci', 'mmio', 'pci_legacy'])
def readonly(way):
    """5.2.6.2: with VIRTIO_BLK_F_RO a write is an IOERR, and writes nothing"""
    with disk(way, Image(data=pattern(4096), options='readonly=on')) as d:
        ok(d.dev.offered() >> RO & 1, 'VIRTIO_BLK_F_RO is not offered')
        eq(d.write(0, bytes(512)), S_IOERR, 'status')
        eq(d.image.read(0, 4096), pattern(4096), 'image')
        eq(d.read(0, 512), pattern(512), 'data')
        eq(d.ranges(T_WRITE_ZEROES, (0, 1)), S_IOERR, 'status of write zeroes')
        if not qtest.QEMU:  # it ignores discards before it looks
            eq(d.ranges(T_DISCARD, (0, 1)), S_IOERR, 'status of discard')
        eq(d.run(T_FLUSH).status, S_OK, 'status of flush')


# ---- 5.2.6: the other commands ----

@virtio_ways.test('blk')
def flush(way):
    """5.2.6: a flush succeeds; its legacy synonym, too (5.2.6.3)"""
    with disk(way) as d:
        d.write(0, pattern(512))
        eq(d.run(T_FLUSH).status, S_OK, 'status')
        eq(d.run(T_FLUSH_OUT).status, S_OK, 'status of FLUSH_OUT')


@virtio_ways.test('blk')
def serial(way):
    """5.2.6: the id is a string of at most 20 bytes, padded with NUL"""
    for text in ('', 'disk-1', 'exactly twenty bytes', 'more than twenty bytes are cut'):
        options = f'serial={text}' if text else ''
        with way.machine(f'drive=d0,{options}' if text else 'drive=d0', before=Image().drive()) if ' ' not in text else \
                machine_json(way, {'drive': 'd0', 'serial': text}, Image()) as m:
            got = Disk(way, m).run(T_GET_ID, room=[20])
            eq(got.status, S_OK, 'status')
            if text:
                eq(got.data[:20], text.encode()[:20].ljust(20, b'\0'), 'id')


@virtio_ways.test('blk', only=['pci', 'mmio'], tenon='QEMU pads with one NUL')
def long_id_buffer(way):
    """5.2.6: an id is 20 bytes; what is behind them in a longer buffer is not touched"""
    with disk(way, options='serial=abc') as d:
        request = d.send(T_GET_ID, room=[64], kick=False)
        at = request.ring.buffers[request.token][1][0][0]
        d.m.write(at, b'\x55' * 64)
        d.rings[0].kick()
        request.end()
        eq(request.status, S_OK, 'status')
        eq(request.data[:64], b'abc'.ljust(20, b'\0') + b'\x55' * 44, 'buffer')
        eq(d.run(T_GET_ID, room=[2]).data[:2], b'ab', 'id in a short buffer')


@virtio_ways.test('blk')
def unsupported(way):
    """5.2.6.2, 5.2.6.3: what is not offered is UNSUPP: SCSI commands, lifetime, zones, secure erase, anything else"""
    with disk(way) as d:
        if not qtest.QEMU:  # which looks at the command all the same
            eq(d.run(T_SCSI_CMD, room=[16]).status, S_UNSUPP, 'status of a SCSI command')
        for kind in (T_GET_LIFETIME, T_SECURE_ERASE, 15, 16, 18, 20, 22, 24, 26, 1000):
            eq(d.run(kind, room=[16]).status, S_UNSUPP, f'status of type {kind}')


@virtio_ways.test('blk', only=['pci', 'pci_packed', 'mmio', 'pci_legacy'])
def discard(way):
    """5.2.6.2: discarded sectors are given back to the host"""
    with disk(way, Image(options='discard=unmap', data=pattern(MIB))) as d:
        before = d.image.allocated()
        eq(d.ranges(T_DISCARD, (256, 1024)), S_OK, 'status')
        after = d.image.allocated()
        ok(before - after >= 512 * KIB - 8 * KIB, f'{before} bytes allocated before, {after} after')
        eq(d.read(0, 128 * KIB), pattern(MIB)[:128 * KIB], 'what lies before')
        eq(d.read(1280, 512), pattern(MIB)[1280 * 512:1281 * 512], 'what lies behind')


@virtio_ways.test('blk', only=['pci', 'mmio'])
def discard_ignored(way):
    """5.2.6.2: a device may deallocate; discard=ignore is one that does not"""
    with disk(way, Image(options='discard=ignore', data=pattern(MIB))) as d:
        before = d.image.allocated()
        eq(d.ranges(T_DISCARD, (256, 1024)), S_OK, 'status')
        eq(d.image.allocated(), before, 'bytes allocated')


@virtio_ways.test('blk')
def discard_flags(way):
    """5.2.6.2: unmap or an unknown flag in a discard is UNSUPP, and nothing is discarded"""
    with disk(way, Image(options='discard=unmap', data=pattern(8192))) as d:
        for flags in UNMAP, 2, 1 << 31:
            eq(d.ranges(T_DISCARD, (0, 8, flags)), S_UNSUPP, f'status with flags {flags:#x}')
        eq(d.image.read(0, 8192), pattern(8192), 'image')


@virtio_ways.test('blk')
def write_zeroes(way):
    """5.2.6.2: after write zeroes reads give zeroes, with unmap and without"""
    for flags in 0, UNMAP:
        with disk(way, Image(data=pattern(64 * KIB))) as d:
            eq(d.ranges(T_WRITE_ZEROES, (3, 10, flags)), S_OK, 'status')
            eq(d.read(0, 16 * 512), pattern(3 * 512) + bytes(10 * 512) + pattern(16 * 512)[13 * 512:], 'data')
            eq(d.image.read(3 * 512, 5120), bytes(5120), 'image')


@virtio_ways.test('blk', only=['pci', 'mmio'])
def write_zeroes_unmap(way):
    """5.2.6.2: with unmap sectors may be deallocated, and without they are not"""
    with disk(way, Image(options='discard=unmap', data=pattern(MIB))) as d:
        before = d.image.allocated()
        eq(d.ranges(T_WRITE_ZEROES, (0, 512)), S_OK, 'status')
        kept = d.image.allocated()
        ok(kept >= before - 8 * KIB, f'{before} bytes allocated before, {kept} after')
        eq(d.ranges(T_WRITE_ZEROES, (512, 1024, UNMAP)), S_OK, 'status')
        ok(kept - d.image.allocated() >= 512 * KIB - 8 * KIB, 'nothing was deallocated')
        eq(d.read(0, 1536 * 512), bytes(1536 * 512), 'data')


@virtio_ways.test('blk')
def write_zeroes_flags(way):
    """5.2.6.2: an unknown flag in write zeroes is UNSUPP"""
    with disk(way, Image(data=pattern(8192))) as d:
        for flags in 2, 3, 1 << 31:
            eq(d.ranges(T_WRITE_ZEROES, (0, 8, flags)), S_UNSUPP, f'status with flags {flags:#x}')
        eq(d.image.read(0, 8192), pattern(8192), 'image')


@virtio_ways.test('blk', tenon='QEMU calls the device broken')
def range_bounds(way):
    """5.2.6.1: segments within capacity and within max_*_sectors, as many as max_*_seg, whole ones"""
    with disk(way, options='max-discard-sectors=64,max-write-zeroes-sectors=32') as d:
        for kind, most, seg in (T_DISCARD, 64, DISCARD_SEG), (T_WRITE_ZEROES, 32, WZ_SEG):
            eq(d.ranges(kind, (0, most)), S_OK, 'status at the limit')
            eq(d.ranges(kind, (0, most + 1)), S_IOERR, 'status beyond the limit')
            eq(d.ranges(kind, (2047, 2)), S_IOERR, 'status beyond the end')
            eq(d.ranges(kind, ((1 << 64) - 1, 2)), S_IOERR, 'status where the sum overflows')
            n = d.field(seg)
            eq(d.ranges(kind, *[(i, 1) for i in range(n)]), S_OK, f'status of {n} segments')
            ok(d.ranges(kind, *[(i, 1) for i in range(n + 1)]) != S_OK, f'{n + 1} segments are accepted')
            ok(d.run(kind, 0, bytes(15)).status != S_OK, 'a part of a segment is accepted')


@virtio_ways.test('blk', only=['pci', 'pci_packed', 'mmio'], tenon='QEMU takes one segment')
def several_segments(way):
    """5.2.6: one command, several ranges"""
    with disk(way, Image(data=pattern(64 * KIB))) as d:
        eq(d.ranges(T_WRITE_ZEROES, (1, 1), (5, 2, UNMAP), (9, 0), (20, 1)), S_OK, 'status')
        want = bytearray(pattern(64 * KIB))
        for first, n in (1, 1), (5, 2), (20, 1):
            want[first * 512:(first + n) * 512] = bytes(n * 512)
        eq(d.read(0, 64 * KIB), bytes(want), 'data')


# ---- 5.2.5, 5.2.6.2: the write cache ----

@virtio_ways.test('blk')
def writeback(way):
    """5.2.5: with CONFIG_WCE the driver reads and sets writeback; padding stays 0"""
    with disk(way) as d:
        eq(d.field(WRITEBACK), 1, 'writeback')
        d.dev.set_config(32, b'\0')
        eq(d.field(WRITEBACK), 0, 'writeback')
        eq(d.write(0, pattern(512)), S_OK, 'status of a write')
        d.dev.set_config(32, b'\1')
        eq(d.field(WRITEBACK), 1, 'writeback')
        for at in 0, 12, 33, 57:
            before = d.dev.config(at, 1)
            d.dev.set_config(at, b'\xa5')
            eq(d.dev.config(at, 1), before, f'byte {at}, which is read-only')
        d.dev.set_config(32, b'\0')
        d.start()
        if not (qtest.QEMU and way.name == 'pci_legacy'):  # which keeps it
            eq(d.field(WRITEBACK), 1, 'writeback after a reset')


@virtio_ways.test('blk', only=['pci', 'mmio'])
def write_cache_property(way):
    """5.2.5: the mode after reset is that of write-cache="""
    with disk(way, options='write-cache=off') as d:
        eq(d.field(WRITEBACK), 0, 'writeback')
        ok(d.dev.offered() >> FLUSH & 1, 'FLUSH is not offered')  # 5.2.5.2: MUST, as CONFIG_WCE is


@virtio_ways.test('blk', only=['pci', 'mmio', 'pci_packed'], tenon='QEMU leaves the field at 1')
def writeback_without_flush(way):
    """5.2.5.2: CONFIG_WCE negotiated and FLUSH not: writeback is 0"""
    with disk(way, without=[FLUSH]) as d:
        eq(d.field(WRITEBACK), 0, 'writeback')
        eq(d.write(0, pattern(512)), S_OK, 'status')
        eq(d.image.read(0, 512), pattern(512), 'image')


@virtio_ways.test('blk', only=['pci_legacy', 'mmio_legacy'])
def legacy_writeback(way):
    """5.2.5.3: a legacy driver may set writeback before DRIVER_OK, and features do not change it"""
    with disk(way, start=False) as d:
        way.start(d.dev, without=[FLUSH])
        d.dev.set_config(32, b'\0')
        eq(d.field(WRITEBACK), 0, 'writeback')
        d.rings = [d.dev.queue(0)]
        d.dev.driver_ok()
        eq(d.field(WRITEBACK), 0, 'writeback after DRIVER_OK')
        eq(d.write(0, pattern(512)), S_OK, 'status')


if __name__ == '__main__':
    qtest.main()
