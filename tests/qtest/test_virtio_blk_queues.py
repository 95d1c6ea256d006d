#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The block device of VIRTIO 1.3, section 5.2, on every transport and both rings: queues, threads, errors, properties."""
import contextlib
import json
import os
import struct

import qtest
import virtio
import virtio_ways
from blk_disk import (CAPACITY, Disk, Image, KIB, MIB, NUM_QUEUES, PCI, S_IOERR, S_OK, T_FLUSH, T_IN, T_OUT, disk, machine_json,
                      pattern)
from qtest import eq, ok

# ---- queues ----

@virtio_ways.test('blk')
def multiqueue(way):
    """5.2.2: each of num_queues queues serves requests"""
    with disk(way, options='num-queues=4', queues=4) as d:
        eq(d.field(NUM_QUEUES), 4, 'num_queues')
        for q in range(4):
            eq(d.write(q, pattern(512, q), q=q), S_OK, f'status on queue {q}')
        requests = [d.send(T_IN, q, room=[512], q=q) for q in range(4)]
        for q, r in enumerate(requests):
            eq(r.end().data[:512], pattern(512, q), f'data on queue {q}')


@virtio_ways.test('blk')
def fewer_queues_after_reset(way):
    """5.2.2: after a reset a driver may use fewer queues than there are, and more later"""
    with disk(way, options='num-queues=4', queues=4) as d:
        for queues in 1, 3, 4, 2:
            d.start(queues)
            for q in range(queues):
                eq(d.write(q, pattern(512, 7 * queues + q), q=q), S_OK, f'status on queue {q} of {queues}')
            eq(d.image.read(0, 512 * queues), b''.join(pattern(512, 7 * queues + q) for q in range(queues)), 'image')


@virtio_ways.test('blk', only=['pci', 'pci_packed', 'mmio', 'mmio_packed'])
def queue_reset(way):
    """2.6.1: one queue is reset and set up again; the other goes on"""
    if qtest.QEMU and way.bus == 'mmio':
        raise qtest.Skip('no queue reset over MMIO')
    with disk(way, options='num-queues=2', queues=2) as d:
        d.write(0, pattern(512), q=0)
        d.dev.reset_queue(0)
        eq(d.write(1, pattern(512, 2), q=1), S_OK, 'status on the other queue')
        d.rings[0] = d.dev.queue(0, 64)
        eq(d.write(2, pattern(512, 3), q=0), S_OK, 'status on the queue that was reset')


SLOW = 'throttling.iops-total=2'


@virtio_ways.test('blk')
def reset_in_flight(way):
    """2.1.2: a reset with requests in flight ends, and none of them is seen after it"""
    with disk(way, Image(options=SLOW)) as d:
        requests = [d.send(T_OUT, i, pattern(512, i)) for i in range(4)]
        d.start()
        ring = d.rings[0]
        eq(ring.poll(), [], 'what is used after a reset')
        d.start()
        eq(ring.poll(), [], 'what is used after a reset')
        ok(requests, 'none')


@virtio_ways.test('blk', only=['pci', 'pci_packed', 'mmio'])
def queue_reset_in_flight(way):
    """2.6.1: a queue reset with requests in flight ends"""
    if qtest.QEMU and way.bus == 'mmio':
        raise qtest.Skip('no queue reset over MMIO')
    with disk(way, Image(options=SLOW)) as d:
        for i in range(4):
            d.send(T_OUT, i, pattern(512, i))
        d.dev.reset_queue(0)
        d.rings[0] = d.dev.queue(0)
        eq(d.rings[0].poll(), [], 'what is used after a reset')


@virtio_ways.test('blk', only=['pci', 'pci_packed', 'mmio_legacy'])
def throttled(way):
    """5.2.6: a slow drive completes all of them, later"""
    with disk(way, Image(options='throttling.iops-total=50')) as d:
        requests = [d.send(T_OUT, 2 * i, pattern(512, i), kick=False) for i in range(20)]
        d.rings[0].kick()
        for r in requests:
            d.m.until(lambda r=r: d.m.step(50000000) or r.ended(), 'the end of a throttled request')
            eq(r.end().status, S_OK, 'status')


@virtio_ways.test('blk', only=['pci', 'pci_packed', 'pci_legacy', 'mmio'])
def iothread(way):
    """iothread=: the queues are served by another thread"""
    with disk(way, options='iothread=t,num-queues=2', before='-object iothread,id=t', queues=2) as d:
        for i in range(20):
            eq(d.write(i, pattern(512, i), q=i & 1), S_OK, 'status')
        eq(d.image.read(0, 20 * 512), b''.join(pattern(512, i) for i in range(20)), 'image')
        d.start(1)
        eq(d.read(3, 512), pattern(512, 3), 'data after a reset')


def has_vq_mapping():
    return not qtest.QEMU or 'iothread-vq-mapping' in os.popen(f'{" ".join(qtest.PROGRAM)} -device virtio-blk-device,help').read()


@virtio_ways.test('blk', only=['pci', 'pci_packed', 'mmio'])
def iothread_vq_mapping(way):
    """iothread-vq-mapping: queues are spread over threads, as told or in turn"""
    if not has_vq_mapping():
        raise qtest.Skip('no iothread-vq-mapping')
    before = '-object iothread,id=a -object iothread,id=b'
    for mapping in ([{'iothread': 'a'}, {'iothread': 'b'}],
                    [{'iothread': 'a', 'vqs': [0, 3]}, {'iothread': 'b', 'vqs': [1, 2]}]):
        image = Image()
        with machine_json(way, {'drive': 'd0', 'num-queues': 4, 'iothread-vq-mapping': mapping}, image, before) as m:
            d = Disk(way, m, 4)
            requests = [d.send(T_OUT, i, pattern(512, i), q=i % 4) for i in range(40)]
            for r in requests:
                eq(r.end().status, S_OK, 'status')
            eq(image.read(0, 40 * 512), b''.join(pattern(512, i) for i in range(40)), 'image')
            for queues in 2, 4:
                d.start(queues)
                eq([d.read(q, 512, q=q) for q in range(queues)], [pattern(512, q) for q in range(queues)], 'data')
            d.dev.reset()


@virtio_ways.test('blk', only=['pci', 'pci_packed'])
def reset_in_flight_in_iothread(way):
    """2.1.2: the same when another thread has the requests"""
    with disk(way, Image(options=SLOW), options='iothread=t', before='-object iothread,id=t') as d:
        for i in range(4):
            d.send(T_OUT, i, pattern(512, i))
        d.start()
        eq(d.rings[0].poll(), [], 'what is used after a reset')


# ---- errors ----

@contextlib.contextmanager
def small_files(limit):
    """Programs that are started now cannot write beyond limit bytes of a file."""
    words = qtest.PROGRAM[:]
    qtest.PROGRAM[:] = ['sh', '-c', f'trap "" XFSZ; ulimit -f {limit // 512}; exec "$@"', 'sh', *words]
    try:
        yield
    finally:
        qtest.PROGRAM[:] = words


@virtio_ways.test('blk', only=['pci', 'pci_packed', 'pci_legacy', 'mmio'])
def werror_report(way):
    """5.2.6.2: a write that fails is an IOERR; of neighbours only the bad one"""
    image = Image()
    with small_files(64 * KIB), disk(way, image, 'werror=report') as d:
        requests = [d.send(T_OUT, n, pattern(512, n), kick=False) for n in (126, 127, 128, 129)]
        d.rings[0].kick()
        status = [r.end().status for r in requests]
        eq(status[2:], [S_IOERR, S_IOERR], 'status beyond the limit')
        if not qtest.QEMU:
            eq(status[:2], [S_OK, S_OK], 'status before the limit')
        eq(d.write(0, pattern(512)), S_OK, 'status')


@virtio_ways.test('blk', only=['pci', 'mmio'])
def werror_ignore(way):
    """werror=ignore: a write that fails is none"""
    with small_files(64 * KIB), disk(way, Image(), 'werror=ignore') as d:
        eq(d.write(128, pattern(512)), S_OK, 'status')


@virtio_ways.test('blk', only=['pci', 'pci_packed', 'mmio'])
def werror_stop(way):
    """werror=stop: the machine stops, and the request is not answered"""
    with small_files(64 * KIB), disk(way, Image(), 'werror=stop') as d:
        good = d.send(T_OUT, 1, pattern(512))
        eq(good.end().status, S_OK, 'status of a good one')
        bad = d.send(T_OUT, 128, pattern(512))
        for _ in range(20):
            d.m.sync()
            ok(not bad.ended(), 'it is answered')


@virtio_ways.test('blk', only=['pci', 'pci_packed', 'mmio'])
def no_room_for_a_status(way):
    """5.2.6: what has no header or no status is no request: the device needs a reset, and lives on after it"""
    for driver, device in (([struct.pack('<IIQ', T_FLUSH, 0, 0)], []), ([b'short'], [1])):
        with disk(way) as d:
            parts = d.rings[0].parts(driver, device)
            d.rings[0].add_parts(parts)
            d.rings[0].kick()
            d.m.until(lambda: d.dev.status() & virtio.NEEDS_RESET, 'DEVICE_NEEDS_RESET')
            d.start()
            eq(d.write(0, pattern(512)), S_OK, 'status after a reset')


@qtest.test
def resize():
    """5.2.6.2: another capacity is a configuration change"""
    image = Image()
    with qtest.Machine(f'{image.drive()} -device virtio-blk-pci,drive=d0,addr={virtio_ways.SLOT}', machine='q35', qmp=True) as m:
        d = Disk(PCI, m)
        generation = d.dev.generation()
        m.qmp.command('block_resize', device='d0', size=2 * MIB)
        m.until(lambda: d.field(CAPACITY) == 4096, 'another capacity')
        ok(d.dev.interrupt() & 2, 'no configuration interrupt')
        ok(d.dev.generation() != generation, 'the same generation')
        eq(d.write(4095, pattern(512)), S_OK, 'status at the new end')


@qtest.test(tenon='other events')
def trace():
    """-trace virtio_blk*: a request and its end"""
    with disk(PCI, before='-trace virtio_blk*') as d:
        d.write(8, pattern(512))
        m = d.m
    for text in 'virtio_blk_request', 'operation 2 at 4096, 512 bytes', 'ends with status 0':
        ok(text in m.stderr, f'{text!r} is not in {m.stderr!r}')


# ---- properties ----

@qtest.test
def bad_properties():
    """each with one line that says what is wrong"""
    image = Image()
    for options, text in {
            '': 'drive property not set',
            'drive=nothere': "Property 'virtio-blk-device.drive' can't find value 'nothere'",
            'drive=d0,num-queues=0': 'num-queues property must be larger than 0',
            'drive=d0,queue-size=100': 'must be a power of 2',
            'drive=d0,queue-size=2048': 'must be a power of 2',
            'drive=d0,logical_block_size=100': 'logical_block_size',
            'drive=d0,logical_block_size=4096,physical_block_size=512': 'logical_block_size > physical_block_size not supported',
            'drive=d0,min_io_size=100': 'min_io_size must be a multiple of',
            'drive=d0,max-discard-sectors=0': 'invalid max-discard-sectors property (0)',
            'drive=d0,cyls=10': 'must be between 1',
            'drive=d0,rerror=maybe': 'rerror'}.items():
        message = qtest.refuses(f'{image.drive()} -device virtio-blk-pci{"," if options else ""}{options}', machine='q35')
        want = text if not text.startswith('Property') else text.split('.')[1]
        ok(want in message, f'{options or "nothing"}: {message.strip()!r} does not say {want!r}')
        eq(message.strip().count('\n'), 0, 'lines')


@qtest.test
def bad_vq_mappings():
    """iothread-vq-mapping that cannot be"""
    if not has_vq_mapping():
        raise qtest.Skip('no iothread-vq-mapping')
    image = Image()
    for mapping, text in (([{'iothread': 'a', 'vqs': [0]}, {'iothread': 'b'}], 'must have vqs or none of them must have it'),
                          ([{'iothread': 'a', 'vqs': [0, 0]}], 'cannot assign vq 0'),
                          ([{'iothread': 'a', 'vqs': [0]}], 'missing vq 1'),
                          ([{'iothread': 'a', 'vqs': [0, 1, 2]}], 'must be less than num_queues 2'),
                          ([{'iothread': 'a'}, {'iothread': 'a'}], 'duplicate')):
        device = {'driver': 'virtio-blk-pci', 'drive': 'd0', 'num-queues': 2, 'iothread-vq-mapping': mapping}
        message = qtest.refuses([*image.drive().split(), '-object', 'iothread,id=a', '-object', 'iothread,id=b',
                                 '-device', json.dumps(device)], machine='q35')
        ok(text in message, f'{mapping}: {message.strip()!r} does not say {text!r}')


if __name__ == '__main__':
    qtest.main()
