#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""virtio-rng, and the sources of entropy behind it: Virtual I/O Device 1.3, 5.4."""
import os
import socket

import qtest
import virtio
import virtio_ways
from qtest import eq, ok

MS = 1000000


def path(name):
    return os.path.join(qtest.Setup.get().folder, f'rng-{os.getpid()}-{name}')


def file_of(data, name='file'):
    with open(path(name), 'wb') as f:
        f.write(data)
    return path(name)


def started(way, m):
    """The device's queue, ready for buffers."""
    dev = way.start(way.device(m))
    ring = dev.queue(0)
    dev.driver_ok()
    return ring


def ask(ring, *sizes):
    token = ring.add(device=sizes)
    ring.kick()
    return token


def source(name, **options):
    words = ''.join(f',{k}={v}' for k, v in options.items())
    return f'-object {name},id=r{words}'


PCI = virtio_ways.ways('rng')[0]


@virtio_ways.test('rng')
def fills_buffers(way):
    """5.4.6: a buffer that the driver makes available is filled with random bytes"""
    with way.machine() as m:
        ring = started(way, m)
        seen = set()
        for _ in range(20):
            data = ring.wait(ask(ring, 24, 40))
            eq(len(data), 64, 'bytes')
            seen.add(data)
        eq(len(seen), 20, 'different answers')


@virtio_ways.test('rng', only=['pci', 'pci_packed'])
def many_buffers(way):
    """5.4.6: buffers that are there together are all filled, more often than the ring has descriptors"""
    with way.machine(before=source('rng-builtin'), options='rng=r') as m:
        ring = started(way, m)
        for _ in range(5):
            tokens = [ring.add(device=[16]) for _ in range(ring.size)]
            ring.kick()
            for t in tokens:
                ok(any(ring.wait(t)), 'only zeros')


@qtest.test
def device_id():
    """5.4.1: the device id is 4; the transitional PCI id is 0x1005"""
    with PCI.machine() as m:
        eq(PCI.device(m).f.ids(), (0x1af4, 0x1005), 'ids')
    with PCI.machine('disable-legacy=on') as m:
        eq(PCI.device(m).f.ids(), (0x1af4, 0x1044), 'ids')


@qtest.test
def features():
    """5.4.3: no feature bits of its own"""
    with PCI.machine() as m:
        eq(PCI.device(m).offered() & 0xffffff, 0, 'features')


@virtio_ways.test('rng', only=['pci', 'pci_packed', 'mmio'])
def random_gives_the_file(way):
    """5.4.6.2: the buffer may be filled in part: a file's bytes, no more than there are, in order"""
    data = bytes(range(1, 101))
    with way.machine('rng=r', source('rng-random', filename=file_of(data))) as m:
        ring = started(way, m)
        eq(ring.wait(ask(ring, 60)), data[:60], 'first bytes')
        eq(ring.wait(ask(ring, 60)), data[60:], 'last bytes')


@qtest.test(tenon='QEMU spins at the end of a file')
def random_waits_for_more():
    """a file that has come to its end gives what is appended to it"""
    name = file_of(b'x')
    with PCI.machine('rng=r', source('rng-random', filename=name)) as m:
        ring = started(PCI, m)
        eq(ring.wait(ask(ring, 8)), b'x', 'the only byte')
        token = ask(ring, 8)
        m.step(10 * MS)
        eq(ring.poll(), [], 'used buffers')
        with open(name, 'ab') as f:
            f.write(b'more')
        eq(ring.wait(token), b'more', 'what was appended')
    eq(m.stderr.count('is at its end'), 1, 'warnings')


@qtest.test(tenon='QEMU spins when the writer of a FIFO has left')
def random_from_a_fifo():
    """a FIFO holds nothing up: not the start without a writer, not the machine when the writer leaves"""
    os.mkfifo(path('fifo'))
    with PCI.machine('rng=r', source('rng-random', filename=path('fifo'))) as m:
        ring = started(PCI, m)
        token = ask(ring, 8)
        m.step(MS)
        eq(ring.poll(), [], 'used buffers')
        for text in (b'abc', b'defgh'):
            with open(path('fifo'), 'wb') as f:
                f.write(text)
            eq(ring.wait(token), text, 'what was written')
            token = ask(ring, 8)


@qtest.test(tenon='QEMU aborts when a read fails')
def random_that_fails():
    """a file that cannot be read is warned of once; the buffer stays with the device, and the machine goes on"""
    with PCI.machine('rng=r', source('rng-random', filename='/proc/self/mem')) as m:
        ring = started(PCI, m)
        ask(ring, 8)
        ask(ring, 8)
        m.step(MS)
        eq(ring.poll(), [], 'used buffers')
        ring.dev.reset()
    eq(m.stderr.count('gives no entropy'), 1, 'warnings')


@virtio_ways.test('rng', only=['pci', 'mmio_packed'])
def egd_protocol(way):
    """rng-egd asks with 0x02 and a count, and takes that many bytes"""
    c = qtest.Chardev()
    with way.machine('rng=r', f'{c.args("c")} {source("rng-egd", chardev="c")}') as m:
        ring = started(way, m)
        token = ask(ring, 64)
        eq(c.receive(2), b'\x02\x40', 'command')
        c.send(b'a' * 30)
        c.send(b'b' * 34)
        eq(ring.wait(token), b'a' * 30 + b'b' * 34, 'entropy')


@qtest.test(tenon='QEMU asks for a large buffer with several commands')
def egd_asks_for_255_at_most():
    """rng-egd fills what one command can of a large buffer, and takes no byte that it did not ask for"""
    c = qtest.Chardev()
    with PCI.machine('rng=r', f'{c.args("c")} {source("rng-egd", chardev="c")}') as m:
        ring = started(PCI, m)
        token = ask(ring, 4096)
        eq(c.receive(2), b'\x02\xff', 'command')
        c.send(b'x' * 255 + b'later')
        eq(ring.wait(token), b'x' * 255, 'entropy')
        token = ask(ring, 5)
        eq(c.receive(2), b'\x02\x05', 'command')
        eq(ring.wait(token), b'later', 'entropy')


def connect(name):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(qtest.TIMEOUT)
    s.connect(name)
    return s


@qtest.test(tenon='QEMU never asks a daemon again')
def egd_comes_back():
    """what a daemon sent before it hung up is used; it is asked again when it has come back"""
    name = path('egd')
    daemon = f'-chardev socket,id=c,path={name},server=on,wait=off {source("rng-egd", chardev="c")}'
    with PCI.machine('rng=r', daemon) as m:
        ring = started(PCI, m)
        token = ask(ring, 8)
        with connect(name) as s:
            eq(s.recv(2), b'\x02\x08', 'command')
            s.sendall(b'abc')
        eq(ring.wait(token), b'abc', 'entropy')
        token = ask(ring, 8)
        m.step(MS)
        eq(ring.poll(), [], 'used buffers')
        with connect(name) as s:
            eq(s.recv(2), b'\x02\x08', 'command')
            s.sendall(b'defghijk')
            eq(ring.wait(token), b'defghijk', 'entropy')


@virtio_ways.test('rng', only=['pci', 'pci_packed', 'mmio'])
def rate(way):
    """max-bytes in each period of guest time, and not one more"""
    with way.machine('max-bytes=16,period=1000') as m:
        ring = started(way, m)
        eq(len(ring.wait(ask(ring, 10))), 10, 'bytes')
        eq(len(ring.wait(ask(ring, 64))), 6, 'rest of the period')
        token = ask(ring, 64)
        m.step(500 * MS)
        eq(ring.poll(), [], 'used within the period')
        m.step(600 * MS)
        eq(len(ring.wait(token)), 16, 'bytes of the next period')


@virtio_ways.test('rng', only=['pci', 'pci_packed', 'pci_legacy', 'mmio'])
def reset_takes_buffers_back(way):
    """2.1.2: a reset ends while the source has nothing, and its bytes go to buffers of the next driver"""
    fifo = path(f'reset-{way.name}')
    os.mkfifo(fifo)
    with way.machine('rng=r', source('rng-random', filename=fifo)) as m:
        ring = started(way, m)
        ask(ring, 8)
        ask(ring, 8)
        m.step(MS)
        ring.dev.reset()
        ring = started(way, m)
        token = ask(ring, 4)
        w = os.open(fifo, os.O_WRONLY)
        os.write(w, b'abcd')
        eq(ring.wait(token), b'abcd', 'entropy')
        os.close(w)


@virtio_ways.test('rng', only=['pci', 'pci_packed', 'mmio'])
def queue_reset_takes_buffers_back(way):
    """2.6.1: a queue reset ends while the source has nothing; the queue is used again"""
    fifo = path(f'qreset-{way.name}')
    os.mkfifo(fifo)
    with way.machine('rng=r', source('rng-random', filename=fifo)) as m:
        ring = started(way, m)
        ok(ring.dev.has(virtio.RING_RESET), 'VIRTIO_F_RING_RESET is not offered')
        ask(ring, 8)
        m.step(MS)
        ring.dev.reset_queue(0)
        ring = ring.dev.queue(0)
        token = ask(ring, 4)
        w = os.open(fifo, os.O_WRONLY)
        os.write(w, b'abcd')
        eq(ring.wait(token), b'abcd', 'entropy')
        os.close(w)


@qtest.test(tenon='QEMU stops its queue')
def nothing_to_write():
    """5.4.6.1: a buffer that the device cannot write comes back empty, and those behind it are served"""
    with PCI.machine() as m:
        ring = started(PCI, m)
        tokens = [ring.add(driver=[b'wrong']) for _ in range(3)]
        good = ask(ring, 8)
        eq(len(ring.wait(good)), 8, 'bytes')
        eq([ring.done[t] for t in tokens], [0, 0, 0], 'lengths')


@qtest.test
def two_devices_one_source():
    """two devices share a source, each with its own requests"""
    more = '-device virtio-rng-pci,addr=5,rng=r'
    with PCI.machine('rng=r', source('rng-builtin'), more) as m:
        rings = []
        for slot in (virtio_ways.SLOT, 5):
            dev = virtio.pci(m, slot)
            dev.heap = virtio.Heap(m, 0x100000 * slot)
            dev.start()
            rings.append(dev.queue(0))
            dev.driver_ok()
        a, b = ask(rings[0], 32), ask(rings[1], 32)
        ok(rings[0].wait(a) != rings[1].wait(b), 'both got the same')


REFUSED = [
    ('-device virtio-rng-pci,rng=no', "Device 'no' not found"),
    ('-device virtio-rng-pci,period=0', "'period' parameter expects a positive integer"),
    ('-device virtio-rng-pci,max-bytes=9223372036854775808',
     "'max-bytes' parameter must be non-negative, and less than 2^63"),
    ('-object rng-random,id=r,filename=/no/such', "Could not open '/no/such': No such file or directory"),
    ('-object rng-egd,id=r', "Parameter 'chardev' is missing"),
]


@qtest.test
def bad_lines():
    """what is wrong with the command line is said in one line, as QEMU says it"""
    for args, text in REFUSED:
        err = qtest.refuses(args, machine='q35')
        ok(text in err and len(err.splitlines()) == 1, f'{args}: {err!r}')


@qtest.test(tenon='QEMU opens it and waits for ever')
def directory_is_no_source():
    """a directory is refused as a source"""
    err = qtest.refuses('-object rng-random,id=r,filename=/tmp', machine='q35')
    ok("Could not open '/tmp': Is a directory" in err, err)


if __name__ == '__main__':
    qtest.main()
