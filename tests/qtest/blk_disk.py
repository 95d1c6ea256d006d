# SPDX-License-Identifier: BSD-2-Clause
"""The driver's side of a virtio disk (VIRTIO 1.3, 5.2), and the image behind it."""
import contextlib
import itertools
import json
import os
import struct

import qtest
import virtio_ways
from qtest import eq

SIZE_MAX, SEG_MAX, GEOMETRY, RO, BLK_SIZE, FLUSH, TOPOLOGY, CONFIG_WCE, MQ, DISCARD, WRITE_ZEROES, LIFETIME, SECURE_ERASE, ZONED = \
    1, 2, 4, 5, 6, 9, 10, 11, 12, 13, 14, 15, 16, 17
T_IN, T_OUT, T_SCSI_CMD, T_FLUSH, T_FLUSH_OUT, T_GET_ID, T_GET_LIFETIME, T_DISCARD, T_WRITE_ZEROES, T_SECURE_ERASE = \
    0, 1, 2, 4, 5, 8, 10, 11, 13, 14
S_OK, S_IOERR, S_UNSUPP = 0, 1, 2
UNMAP = 1
KIB, MIB = 1 << 10, 1 << 20

# 5.2.4: offset and length
CAPACITY, SEG_MAX_AT, CYLINDERS, HEADS, SECTORS, BLK_SIZE_AT = (0, 8), (12, 4), (16, 2), (18, 1), (19, 1), (20, 4)
PHYSICAL_EXP, ALIGNMENT, MIN_IO, OPT_IO, WRITEBACK, UNUSED0, NUM_QUEUES = (24, 1), (25, 1), (26, 2), (28, 4), (32, 1), (33, 1), (34, 2)
DISCARD_SECTORS, DISCARD_SEG, DISCARD_ALIGN = (36, 4), (40, 4), (44, 4)
WZ_SECTORS, WZ_SEG, WZ_UNMAP, UNUSED1 = (48, 4), (52, 4), (56, 1), (57, 3)

PCI = virtio_ways.ways('blk')[0]
counter = itertools.count()


# ---- disks and their drivers ----

class Image:
    """A file of the host's, and the -drive that makes it a disk."""

    def __init__(self, size=MIB, data=None, options='', name=None):
        self.path = os.path.join(qtest.Setup.get().folder, f'blk-{os.getpid()}-{next(counter)}')
        self.options = options
        with open(self.path, 'wb') as f:
            f.truncate(size)
            if data:
                f.write(data)

    def drive(self, name='d0'):
        return f'-drive file={self.path},if=none,format=raw,id={name}{"," if self.options else ""}{self.options}'

    def read(self, off, n):
        with open(self.path, 'rb') as f:
            f.seek(off)
            return f.read(n)

    def allocated(self):
        return os.stat(self.path).st_blocks * 512


class Disk:
    """The driver: one queue unless told otherwise."""

    def __init__(self, way, m, queues=1, start=True, **how):
        self.m, self.way = m, way
        self.dev = way.device(m)
        self.rings = []
        if start:
            self.start(queues, **how)

    def start(self, queues=1, **how):
        self.way.start(self.dev, **how)
        self.rings = [self.dev.queue(i) for i in range(queues)]
        self.dev.driver_ok()

    def field(self, where):
        return self.dev.config_int(*where)

    def send(self, kind, sector=0, data=(), room=(), q=0, kick=True, **how):
        """A request in pieces of its own. data: bytes, or a list of them; room: sizes of what is read."""
        ring = self.rings[q]
        pieces = [data] if isinstance(data, bytes) else list(data)
        return self.send_raw([struct.pack('<IIQ', kind, 0, sector), *pieces], [*room, 1], q, kick, **how)

    def send_raw(self, driver, device, q=0, kick=True, **how):
        ring = self.rings[q]
        parts = ring.parts(driver, device)
        at = parts[-1][0] + parts[-1][1] - 1
        self.m.write(at, b'\xff')
        token = ring.add_parts(parts, **how)
        if kick:
            ring.kick()
        return Request(self, q, token, at)

    def run(self, *args, **how):
        return self.send(*args, **how).end()

    def write(self, sector, data, **how):
        return self.run(T_OUT, sector, data, **how).status

    def read(self, sector, n, **how):
        got = self.run(T_IN, sector, room=[n], **how)
        eq(got.status, S_OK, 'status of a read')
        return got.data[:n]

    def ranges(self, kind, *segments, **how):
        """Segments of (sector, sectors[, flags])."""
        data = b''.join(struct.pack('<QII', s[0], s[1], s[2] if len(s) > 2 else 0) for s in segments)
        return self.run(kind, 0, data, **how).status


class Request:
    def __init__(self, disk, q, token, at):
        self.ring, self.token, self.at, self.m = disk.rings[q], token, at, disk.m

    def end(self):
        ring = self.ring
        self.m.until(lambda: self.token in ring.done or ring.poll() or self.token in ring.done, 'the end of a request')
        while self.token not in ring.done:
            self.m.until(lambda: ring.poll(), 'the end of a request')
        self.used = ring.done.pop(self.token)
        self.data = ring.written(self.token, 1 << 30)
        self.status = self.m.read(self.at, 1)[0]
        return self

    def ended(self):
        self.ring.poll()
        return self.token in self.ring.done


def pattern(n, seed=1):
    return bytes((i * 7 + (i >> 8) * 13 + seed) & 0xff for i in range(n))


@contextlib.contextmanager
def disk(way, image=None, options='', before='', queues=1, start=True, **how):
    image = image or Image()
    with way.machine(f'drive=d0{"," if options else ""}{options}', before=f'{before} {image.drive()}') as m:
        d = Disk(way, m, queues, start, **how)
        d.image = image
        yield d


def machine_json(way, options, image, before=''):
    """The device by JSON, where commas and lists cannot be written."""
    pci = way.bus == 'pci'
    device = {'driver': 'virtio-blk-pci' if pci else 'virtio-blk-device', 'id': 'dev', **options}
    if pci:
        device['addr'] = str(virtio_ways.SLOT)
    if way.packed:
        device['packed'] = True
    if not virtio_ways.exists(device['driver']):
        raise qtest.Skip(f'there is no {device["driver"]}')
    args = [*f'{before} {way.options} {image.drive()}'.split(), '-device', json.dumps(device)]
    return qtest.Machine(args, machine='q35' if pci else 'microvm')
