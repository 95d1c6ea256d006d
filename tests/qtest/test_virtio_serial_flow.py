#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""virtio-serial, Virtual I/O Device 1.3, 5.3: flow control, and drivers that break the rules."""
import hashlib
import threading

import qtest
import virtio_ways
from qtest import eq, ok
from serial_guest import (CONSOLE_PORT, DEVICE_READY, Guest, MS, PCI, PORT_ADD, PORT_NAME, PORT_OPEN, PORT_READY, PORT_REMOVE,
                          RESIZE, console, digest, noise, port, rx_of, same)

# ---- flow control ----

def drain(c, n):
    """The digest of the n bytes that the host's side has for us."""
    h = hashlib.sha256()
    while n:
        part = c.accept().recv(min(n, 65536))
        ok(part, 'the program hung up')
        h.update(part)
        n -= len(part)
    return h.hexdigest()


@virtio_ways.test('serial', only=['pci', 'pci_packed', 'mmio'])
def full_host_stalls_one_port(way):
    """5.3.6: a host that does not read stalls its own port only, and nothing is lost"""
    a, b = qtest.Chardev(), qtest.Chardev()
    data = noise(1 << 19)
    with way.machine(before=a.args('a') + ' ' + b.args('b'), after=port('a') + ' ' + port('b')) as m:
        g = Guest(way, m, ports=(1, 2))
        g.set_up((1, 2), opened=(1, 2))
        tokens = [g.send(1, data[i:i + 8192]) for i in range(0, len(data), 8192)]
        m.step(MS)
        g.tx[1].poll()
        ok(tokens[-1] not in g.tx[1].done, 'all was taken at once')
        g.write(2, b'the other port')
        eq(b.receive(14), b'the other port', 'output of the other port')
        b.send(b'and back')
        eq(g.read(2, 8), b'and back', 'input of the other port')
        eq(drain(a, len(data)), digest(data), 'digest of the output')
        for t in tokens:
            g.tx[1].wait(t)


@virtio_ways.test('serial', only=['pci', 'pci_packed', 'mmio'])
def guest_without_buffers_stalls_one_port(way):
    """5.3.6: a guest that gives no buffers stalls its own port only, and nothing is lost"""
    a, b = qtest.Chardev(), qtest.Chardev()
    data = noise(1 << 17)
    with way.machine(before=a.args('a') + ' ' + b.args('b'), after=port('a') + ' ' + port('b')) as m:
        g = Guest(way, m, ports=(1, 2))
        g.set_up((1, 2), opened=(1, 2))
        a.accept().setblocking(True)
        sender = threading.Thread(target=a.accept().sendall, args=(data,))
        sender.start()
        b.send(b'the other port')
        eq(g.read(2, 14), b'the other port', 'input of the other port')
        g.write(2, b'and back')
        eq(b.receive(8), b'and back', 'output of the other port')
        same(g.read(1, len(data), 4096), data, 'input')
        sender.join()


@virtio_ways.test('serial', only=['pci', 'pci_packed', 'pci_legacy', 'mmio'])
def reset_with_data_under_way(way):
    """2.1.2: a reset ends while the host takes nothing; the next driver finds the ports as they are"""
    c = qtest.Chardev()
    with way.machine(before=c.args('c'), after=port('c')) as m:
        g = Guest(way, m)
        g.set_up((1,), opened=(1,))
        for i in range(100):
            g.send(1, bytes(8192))
        m.step(MS)
        g.dev.reset()
        g = Guest(way, m)
        c.accept().settimeout(0.2)
        try:
            while c.accept().recv(1 << 20):
                pass
        except TimeoutError:
            pass
        c.accept().settimeout(qtest.TIMEOUT)
        g.set_up((1,), opened=(1,))
        g.write(1, b'again')
        eq(c.receive(5), b'again', 'output')


@virtio_ways.test('serial', only=['pci', 'pci_packed', 'mmio'], tenon='QEMU has no queue reset here')
def queue_reset_with_data_under_way(way):
    """2.6.1: a queue reset ends while the host takes nothing; the queue is used again"""
    c = qtest.Chardev()
    with way.machine(before=c.args('c'), after=port('c')) as m:
        g = Guest(way, m)
        g.set_up((1,), opened=(1,))
        for i in range(100):
            g.send(1, bytes(8192))
        m.step(MS)
        g.dev.reset_queue(rx_of(1) + 1)
        g.tx[1] = g.dev.queue(rx_of(1) + 1)
        token = g.send(1, b'again')
        got = b''
        while not got.endswith(b'again'):
            got += c.receive(1) if len(got) % 8192 else c.accept().recv(1 << 20)
        eq(got.strip(b'\0'), b'again', 'what is not zero of the output')
        g.tx[1].wait(token)


@qtest.test(tenon='QEMU drops console output at once')
def console_that_nobody_reads():
    """a console whose reader has stopped stalls the guest for a second, not for ever"""
    c = qtest.Chardev()
    with PCI.machine(before=c.args('c'), after=console('c')) as m:
        g = Guest(PCI, m, ports=(0,), multiport=False)
        tokens = [g.send(0, bytes(8192)) for _ in range(100)]
        m.step(MS)
        g.tx[0].poll()
        ok(tokens[-1] not in g.tx[0].done, 'all was taken at once')
        g.tx[0].wait(tokens[-1])
        c.accept().settimeout(0.3)
        try:
            while c.accept().recv(1 << 20):
                pass
        except TimeoutError:
            pass
        c.accept().settimeout(qtest.TIMEOUT)
        g.write(0, b'again')
        eq(c.receive(5), b'again', 'output')
    ok('nobody reads the console' in m.stderr, m.stderr)


# ---- drivers that break the rules ----

@virtio_ways.test('serial', only=['pci', 'pci_packed', 'mmio'])
def control_messages_that_mean_nothing(way):
    """5.3.6.2: messages that are short, long, of no port or of no meaning are ignored"""
    c = qtest.Chardev()
    with way.machine(before=c.args('c'), after=port('c')) as m:
        g = Guest(way, m)
        for data in (b'', b'x', bytes(7), bytes(5000)):
            if data or not qtest.QEMU:
                g.tell_raw(data or b'\0')
        for event in (PORT_READY, PORT_OPEN):
            for p in (0, 1, 2, 30, 31, 0xffffffff):
                g.tell(p, event, 1)
        for event in (PORT_ADD, PORT_REMOVE, CONSOLE_PORT, RESIZE, PORT_NAME, 8, 0xffff):
            g.tell(1, event, 1)
        if not qtest.QEMU:
            g.silent()
            g.set_up((1,), opened=(1,))
            g.write(1, b'works')
            eq(c.receive(5), b'works', 'output')


@qtest.test(tenon='QEMU gives up the whole device')
def small_control_buffers():
    """5.3.6.2: a control buffer that is too small gets what fits, one that cannot be written nothing"""
    with PCI.machine(after='-device virtserialport,name=abcdef') as m:
        g = Guest(PCI, m, control_buffers=0, control_size=10)
        wrong = g.control_rx.add(driver=[b'read me'])
        g.control_rx.kick()
        g.give(3)
        g.tell(0, DEVICE_READY, 1)
        g.control_rx.wait(wrong)
        g.tell(1, PORT_READY, 1)
        eq(g.heard_raw()[8:], b'ab', 'what fits of the name')


@qtest.test
def port_that_is_never_ready():
    """5.3.6.2: a driver that never sends PORT_READY hears nothing of the port, and the others work"""
    a, b = qtest.Chardev(), qtest.Chardev()
    with PCI.machine(before=a.args('a') + ' ' + b.args('b'), after=port('a') + ' ' + port('b')) as m:
        g = Guest(PCI, m, ports=(1, 2))
        a.send(b'x' * 100)
        g.tell(0, DEVICE_READY, 1)
        g.expect(1, PORT_ADD)
        g.expect(2, PORT_ADD)
        g.tell(2, PORT_READY, 1)
        g.expect(2, PORT_OPEN, 1)
        g.tell(2, PORT_OPEN, 1)
        b.send(b'works')
        eq(g.read(2, 5), b'works', 'input')
        g.silent()


@virtio_ways.test('serial', only=['pci', 'pci_packed'], tenon='QEMU breaks the device')
def buffers_of_the_wrong_kind(way):
    """5.3.6.1: device-readable buffers in a receiveq and device-writable ones in a transmitq come back unused"""
    c = qtest.Chardev()
    with way.machine(before=c.args('c'), after=console('c')) as m:
        g = Guest(way, m, ports=(0,), multiport=False)
        wrong = g.tx[0].add(device=[16])
        g.tx[0].kick()
        eq(g.tx[0].wait(wrong), b'', 'written')
        wrong = g.rx[0].add(driver=[b'read me'])
        right = g.room(0, 16)[0]
        c.send(b'input')
        eq(g.rx[0].wait(right), b'input', 'input')
        g.rx[0].wait(wrong)


if __name__ == '__main__':
    qtest.main()
