#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Instructions that the VMM spends on a request, counted by callgrind; no guest runs, the qtest protocol rings the doorbell.

usage: instructions.py blk|net TENON QEMU     prints JSON for bench.py

A batch of requests is made available at once, by one write of the index and one kick; the same commands are sent with nothing
made available, and the difference is divided by the number of requests. The block back end is null-co, the network's the
other end of a datagram socket, so that what is counted is the device, its transport and the layers behind it."""
import contextlib
import json
import os
import pathlib
import re
import socket
import struct
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / 'qtest'))

BATCH, BATCHES, RING = 64, 20, 256
EXIT_PORT = 0x501
VALGRIND = 'valgrind -q --log-file={out}.log --tool=callgrind --callgrind-out-file={out} {program}'


def inner(kind, busy):
    """One run of the program that the environment names, under callgrind."""
    import qtest
    import virtio
    args, parts = DEVICES[kind]
    sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sink.bind(('127.0.0.1', 47002))  # what it has no room for is dropped
    m = qtest.Machine(f'{args} -device isa-debug-exit,iobase={EXIT_PORT}', machine='q35')
    try:
        dev = virtio.pci(m, 4)
        dev.start(without=(virtio.RING_PACKED,))
        ring = dev.queue({'blk': 0, 'net': 1}[kind], RING)
        if kind == 'net':
            dev.queue(0, RING)
        dev.driver_ok()
        heads = []
        for _ in range(BATCH):
            slots = [ring.free.pop(0) for _ in parts]
            where = [(dev.heap.put(p) if isinstance(p, bytes) else dev.heap.take(p), len(p) if isinstance(p, bytes) else p,
                      0 if isinstance(p, bytes) else virtio.DESC_WRITE) for p in parts]
            ring.chain(ring.desc, slots, where)
            heads.append(slots[0])
        for i in range(RING):
            m.write(ring.avail + 4 + 2 * i, struct.pack('<H', heads[i % BATCH]))
        for i in range(BATCHES + 1):
            done = BATCH * (i + 1) if busy or i == 0 else BATCH
            m.write(ring.avail + 2, struct.pack('<H', done))
            ring.kick()
            time.sleep(0.3 if i else 2)
            used = struct.unpack('<H', m.read(ring.used + 2, 2))[0]
            qtest.eq(used, done, 'the used index')
        with contextlib.suppress(Exception):  # callgrind keeps signals to itself: the program ends by a port
            m.outb(EXIT_PORT, 0)
    finally:
        m.process.wait(60)
        sink.close()


BLK_HEADER = struct.pack('<IIQ', 0, 0, 8)
DEVICES = {
    'blk': ('-drive driver=null-co,read-zeroes=off,size=1G,if=none,id=d0 -device virtio-blk-pci,drive=d0,num-queues=1,addr=4',
            (BLK_HEADER, 4096, 1)),
    'net': ('-netdev dgram,id=n0,local.type=inet,local.host=127.0.0.1,local.port=47001,'
            'remote.type=inet,remote.host=127.0.0.1,remote.port=47002 '
            '-device virtio-net-pci,netdev=n0,addr=4', (bytes(12) + b'\xff' * 12 + b'\x88\xb5' + bytes(46),)),
}


def count(vmm, program, kind, busy):
    with tempfile.TemporaryDirectory() as folder:
        out = f'{folder}/callgrind'
        environment = {**os.environ, 'PYTHONDONTWRITEBYTECODE': '1',
                       'QEMU' if vmm == 'qemu' else 'TENON': VALGRIND.format(out=out, program=program)}
        environment['VMM'] = 'qemu' if vmm == 'qemu' else ''
        subprocess.run([sys.executable, __file__, '--inner', kind, str(int(busy))], env=environment, check=True,
                       stdout=sys.stderr)
        return int(re.search(r'^totals: (\d+)', pathlib.Path(out).read_text(encoding='utf-8'), re.M)[1])


def measure(kind, programs):
    per = {}
    for vmm, program in programs.items():
        per[vmm] = (count(vmm, program, kind, True) - count(vmm, program, kind, False)) / (BATCH * BATCHES)
        print(f'{kind} {vmm}: {per[vmm]:.0f} instructions for a request', file=sys.stderr)
    return per


if __name__ == '__main__':
    if sys.argv[1] == '--inner':
        inner(sys.argv[2], int(sys.argv[3]))
    else:
        print(json.dumps(measure(sys.argv[1], {'tenon': sys.argv[2], 'qemu': sys.argv[3]})))
