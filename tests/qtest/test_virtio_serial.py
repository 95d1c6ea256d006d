#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""virtio-serial, virtconsole and virtserialport: Virtual I/O Device 1.3, 5.3."""
import fcntl
import hashlib
import os
import random
import signal
import socket
import struct
import termios
import threading
import time

import qtest
import virtio
import virtio_ways
from qtest import eq, ok

MS = 1000000

# 5.3.3
F_SIZE, F_MULTIPORT, F_EMERG_WRITE = 0, 1, 2
# 5.3.6.2
DEVICE_READY, PORT_ADD, PORT_REMOVE, PORT_READY, CONSOLE_PORT, RESIZE, PORT_OPEN, PORT_NAME = range(8)
# 5.3.2
CONTROL_RX, CONTROL_TX = 2, 3
# 5.3.4
MAX_NR_PORTS, EMERG_WR = 4, 8


def rx_of(port):
    return 2 * port + 2 if port else 0


class Guest:
    """A driver of the device: its queues, and the control messages."""

    def __init__(self, way, m, ports=(0, 1), multiport=True, control_buffers=16, control_size=128):
        self.m, self.dev = m, way.device(m)
        way.start(self.dev, without=() if multiport else (F_MULTIPORT,))
        self.rx = {p: self.dev.queue(rx_of(p)) for p in ports}
        self.tx = {p: self.dev.queue(rx_of(p) + 1) for p in ports}
        self.buffers = []
        if multiport:
            self.control_rx, self.control_tx = self.dev.queue(CONTROL_RX), self.dev.queue(CONTROL_TX)
        self.dev.driver_ok()
        self.control_size = control_size
        if multiport:
            self.give(control_buffers)

    def give(self, n):
        """Buffers for control messages."""
        self.buffers += [self.control_rx.add(device=[self.control_size]) for _ in range(n)]
        self.control_rx.kick()

    def tell_raw(self, data):
        token = self.control_tx.add(driver=[data])
        self.control_tx.kick()
        eq(self.control_tx.wait(token), b'', 'written into a control message of the driver')

    def tell(self, port, event, value):
        self.tell_raw(struct.pack('<IHH', port, event, value))

    def heard_raw(self):
        data = self.control_rx.wait(self.buffers.pop(0))
        self.give(1)
        return data

    def heard(self):
        """The next control message: port, event, value, what follows."""
        data = self.heard_raw()
        ok(len(data) >= 8, f'a control message of {len(data)} bytes')
        return *struct.unpack('<IHH', data[:8]), data[8:]

    def expect(self, port, event, value=None, extra=b''):
        got = self.heard()
        if event == PORT_NAME:
            got = (*got[:3], got[3].rstrip(b'\0'))  # QEMU sends a NUL
        eq(got, (port, event, got[2] if value is None else value, extra), 'control message')

    def silent(self):
        for _ in range(5):
            self.m.step(MS)
        self.control_rx.poll()
        ok(not self.buffers or self.buffers[0] not in self.control_rx.done, 'there is a control message')

    def set_up(self, ports, consoles=(0,), opened=(), names=None):
        """5.3.5: the whole of the initialization; opened: those whose host side is open."""
        self.tell(0xffffffff, DEVICE_READY, 1)
        for p in ports:
            self.expect(p, PORT_ADD)
        for p in ports:
            self.tell(p, PORT_READY, 1)
            if p in consoles:
                self.expect(p, CONSOLE_PORT)
            if names and p in names:
                self.expect(p, PORT_NAME, extra=names[p].encode())
            if p in opened:
                self.expect(p, PORT_OPEN, 1)
            self.tell(p, PORT_OPEN, 1)

    def send(self, port, data):
        token = self.tx[port].add(driver=[data])
        self.tx[port].kick()
        return token

    def write(self, port, data):
        """Sends, and waits until the device has used the buffer."""
        eq(self.tx[port].wait(self.send(port, data)), b'', 'written into a transmit buffer')

    def room(self, port, *sizes):
        tokens = [self.rx[port].add(device=[n]) for n in sizes]
        self.rx[port].kick()
        return tokens

    def read(self, port, n, size=64):
        """n bytes, through buffers of size bytes."""
        got = b''
        while len(got) < n:
            got += self.rx[port].wait(self.room(port, size)[0])
        return got


PCI = virtio_ways.ways('serial')[0]


def console(c):
    return f'-device virtconsole,chardev={c}'


def port(c, options=''):
    return f'-device virtserialport,chardev={c}{options}'


def same(got, want, what):
    """eq() without the bytes."""
    eq((len(got), digest(got)), (len(want), digest(want)), what)


def digest(data):
    return hashlib.sha256(data).hexdigest()


def noise(n, seed=1):
    return random.Random(seed).randbytes(n)


# ---- configuration (5.3.1 to 5.3.5) ----

@qtest.test
def device_id():
    """5.3.1: the device id is 3; the transitional PCI id is 0x1003"""
    with PCI.machine() as m:
        f = PCI.device(m).f
        eq(f.ids(), (0x1af4, 0x1003), 'ids')
        eq(f.get(8) >> 8, 0x078000, 'class')
    with PCI.machine('disable-legacy=on') as m:
        eq(PCI.device(m).f.ids(), (0x1af4, 0x1043), 'ids')


@virtio_ways.test('serial')
def configuration(way):
    """5.3.4: max_nr_ports; 5.3.2: a pair of queues for each port, and the control queues"""
    with way.machine('max_ports=5') as m:
        dev = way.device(m)
        eq(dev.config_int(MAX_NR_PORTS, 4), 5, 'max_nr_ports')
        eq(dev.config(0, 4), bytes(4), 'cols and rows: unknown')
        eq(dev.config_int(EMERG_WR, 4), 0, 'emerg_wr')
        eq([bool(dev.queue_max(q)) for q in (0, 1, 2, 3, 11, 12)], [True] * 5 + [False], 'queues')
        f = dev.offered()
        eq(f >> F_MULTIPORT & 3, 3, 'MULTIPORT and EMERG_WRITE')


@qtest.test
def features_that_are_off():
    """5.3.3: a device with one port has no VIRTIO_CONSOLE_F_MULTIPORT; emergency-write=off takes its bit"""
    with PCI.machine('max_ports=1,emergency-write=off') as m:
        eq(PCI.device(m).offered() >> F_MULTIPORT & 3, 0, 'features')


# ---- one port (5.3.6) ----

@virtio_ways.test('serial')
def single_port(way):
    """5.3.6: without VIRTIO_CONSOLE_F_MULTIPORT port 0 is a console, both ways, without a control message"""
    c = qtest.Chardev()
    with way.machine(before=c.args('c'), after=console('c')) as m:
        g = Guest(way, m, ports=(0,), multiport=False)
        g.write(0, b'login: ')
        eq(c.receive(7), b'login: ', 'output')
        tokens = g.room(0, 4, 64)
        c.send(b'root\n')
        eq(g.rx[0].wait(tokens[0]) + g.rx[0].wait(tokens[1]), b'root\n', 'input')


@virtio_ways.test('serial', only=['pci', 'pci_packed', 'mmio'])
def large_and_scattered(way):
    """5.3.6: buffers of many pieces carry every byte in order, both ways"""
    c = qtest.Chardev()
    data = noise(20000)
    with way.machine(before=c.args('c'), after=console('c')) as m:
        g = Guest(way, m, ports=(0,), multiport=False)
        token = g.tx[0].add(driver=[data[i:i + 700] for i in range(0, len(data), 700)])
        g.tx[0].kick()
        same(c.receive(len(data)), data, 'output')
        g.tx[0].wait(token)
        token = g.rx[0].add(device=[1, 999, 3000])
        g.rx[0].kick()
        c.send(data)
        got = g.rx[0].wait(token)
        same(got + g.read(0, len(data) - len(got), 2000), data, 'input')


@qtest.test(tenon='QEMU gives the input to the console at first')
def console_on_a_mux():
    """a console and a serial port share a character device: input goes to one, Ctrl-A c to the other"""
    c = qtest.Chardev()
    mux = f'{c.args("c")},mux=on -serial chardev:c'
    with PCI.machine(before=mux, after=console('c')) as m:
        g = Guest(PCI, m, ports=(0,), multiport=False)
        m.outb(0x3f8, ord('s'))
        eq(c.receive(1), b's', 'output of the serial port')
        g.write(0, b'console')
        eq(c.receive(7), b'console', 'output of the console')
        c.send(b'1\x01c')
        m.until(lambda: m.inb(0x3fd) & 1, 'a character for the serial port')
        eq(m.inb(0x3f8), ord('1'), 'input of the serial port')
        c.send(b'2')
        eq(g.read(0, 1), b'2', 'input of the console')


# ---- multiport (5.3.6.2) ----

@virtio_ways.test('serial')
def control_messages(way):
    """5.3.5, 5.3.6.2: DEVICE_READY, PORT_ADD, PORT_READY, then console, name and open, in this order"""
    a, b = qtest.Chardev(), qtest.Chardev()
    with way.machine(before=a.args('a') + ' ' + b.args('b'), after=console('a') + ',name=tty ' + port('b', ',nr=3,name=org.x.0')) as m:
        g = Guest(way, m, ports=(0, 3))
        g.silent()
        g.set_up((0, 3), opened=(0, 3), names={0: 'tty', 3: 'org.x.0'})
        g.silent()
        g.write(0, b'console')
        g.write(3, b'port')
        eq(a.receive(7), b'console', 'of port 0')
        eq(b.receive(4), b'port', 'of port 3')
        b.send(b'ping')
        eq(g.read(3, 4), b'ping', 'to port 3')


@qtest.test(tenon='QEMU ends a name with a NUL')
def name_without_nul():
    """5.3.6.2: PORT_NAME is followed by the name, without a NUL"""
    with PCI.machine(after='-device virtserialport,name=n') as m:
        g = Guest(PCI, m)
        g.tell(0, DEVICE_READY, 1)
        g.expect(1, PORT_ADD)
        g.tell(1, PORT_READY, 1)
        eq(g.heard()[1:], (PORT_NAME, 1, b'n'), 'message')


@qtest.test
def numbers_of_ports():
    """5.3.6.2: consoles have the numbers from 0 on, ports from 1 on, unless nr= says it"""
    with PCI.machine(after='-device virtserialport -device virtconsole -device virtserialport,nr=7 -device virtserialport') as m:
        g = Guest(PCI, m)
        g.tell(0, DEVICE_READY, 1)
        eq(sorted(g.heard()[:2] for _ in range(4)), [(p, PORT_ADD) for p in (0, 1, 2, 7)], 'ports')
        g.silent()


@qtest.test(tenon='QEMU announces every port again')
def added_once():
    """5.3.6.2.1: PORT_ADD does not name a port that exists"""
    with PCI.machine(after='-device virtserialport') as m:
        g = Guest(PCI, m)
        g.tell(0, DEVICE_READY, 1)
        g.expect(1, PORT_ADD)
        g.tell(0, DEVICE_READY, 1)
        g.silent()


@qtest.test(tenon='QEMU drops control messages for which there is no buffer')
def messages_wait_for_buffers():
    """5.3.6.2: control messages wait until the driver has a buffer for them"""
    ports = ' '.join('-device virtserialport' for _ in range(20))
    with PCI.machine(after=ports) as m:
        g = Guest(PCI, m, control_buffers=0)
        g.tell(0, DEVICE_READY, 1)
        g.m.step(MS)
        g.give(3)
        for p in range(1, 21):
            g.expect(p, PORT_ADD)
        g.silent()


@virtio_ways.test('serial', only=['pci', 'pci_packed', 'mmio'])
def host_opens_and_closes(way):
    """5.3.6.2: PORT_OPEN follows the connections of the host's side; what is sent without one is lost"""
    name = f'{qtest.Setup.get().folder}/open-{way.name}'
    with way.machine(before=f'-chardev socket,id=c,path={name},server=on,wait=off', after=port('c')) as m:
        g = Guest(way, m)
        g.set_up((1,))
        g.silent()
        g.write(1, b'nobody hears this')
        for _ in range(2):
            with socket.socket(socket.AF_UNIX) as s:
                s.connect(name)
                g.expect(1, PORT_OPEN, 1)
                g.write(1, b'hello')
                eq(s.recv(100), b'hello', 'output')
            g.expect(1, PORT_OPEN, 0)
        g.silent()


@virtio_ways.test('serial', only=['pci', 'pci_packed', 'mmio'])
def host_data_waits_for_the_guest(way):
    """5.3.6.2: what the host sends before the driver has opened the port, or while it is closed, is not lost"""
    c = qtest.Chardev()
    with way.machine(before=c.args('c'), after=port('c')) as m:
        c.send(b'early ')
        g = Guest(way, m)
        tokens = g.room(1, 64, 64, 64)
        g.tell(0, DEVICE_READY, 1)
        g.expect(1, PORT_ADD)
        g.tell(1, PORT_READY, 1)
        g.expect(1, PORT_OPEN, 1)
        m.step(MS)
        eq(g.rx[1].poll(), [], 'used before the port was opened')
        g.tell(1, PORT_OPEN, 1)
        eq(g.rx[1].wait(tokens[0]), b'early ', 'input')
        g.tell(1, PORT_OPEN, 0)
        c.send(b'meanwhile')
        time.sleep(0.05)
        m.step(MS)
        eq(g.rx[1].poll(), [], 'used while the port was closed')
        g.tell(1, PORT_OPEN, 1)
        eq(g.rx[1].wait(tokens[1]), b'meanwhile', 'input')


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


# ---- size (5.3.4, 5.3.6) ----

class Terminal:
    """A terminal for the program's standard input."""

    def __init__(self, cols, rows):
        self.master, self.slave = os.openpty()
        self.size(cols, rows)

    def size(self, cols, rows):
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack('<HHHH', rows, cols, 0, 0))


@virtio_ways.test('serial', only=['pci', 'pci_packed', 'mmio'], tenon='QEMU tells no size')
def size_by_control_message(way):
    """5.3.6.2: a console's size is sent when the port is ready, and when it changes: columns, then rows"""
    t = Terminal(100, 40)
    with way.machine(before='-chardev stdio,id=c', after=console('c'), stdin=t.slave) as m:
        g = Guest(way, m, ports=(0,))
        g.tell(0, DEVICE_READY, 1)
        g.expect(0, PORT_ADD)
        g.tell(0, PORT_READY, 1)
        g.expect(0, CONSOLE_PORT)
        g.expect(0, RESIZE, extra=struct.pack('<HH', 100, 40))
        g.expect(0, PORT_OPEN, 1)
        t.size(132, 50)
        m.process.send_signal(signal.SIGWINCH)
        g.expect(0, RESIZE, extra=struct.pack('<HH', 132, 50))
        g.silent()


@virtio_ways.test('serial', only=['pci', 'mmio'], tenon='QEMU tells no size')
def size_in_configuration_space(way):
    """5.3.6: with VIRTIO_CONSOLE_F_SIZE a configuration change notification says that port 0 has a new size"""
    t = Terminal(100, 40)
    with way.machine(before='-chardev stdio,id=c', after=console('c'), stdin=t.slave) as m:
        g = Guest(way, m, ports=(0,), multiport=False)
        m.until(lambda: g.dev.config(0, 2) != b'\0\0', 'a size')
        eq(struct.unpack('<HH', g.dev.config(0, 4)), (100, 40), 'cols and rows')
        g.dev.interrupt()
        before = g.dev.generation()
        t.size(132, 50)
        m.process.send_signal(signal.SIGWINCH)
        m.until(lambda: g.dev.interrupt() & 2, 'a configuration change notification')
        ok(g.dev.generation() != before, 'the generation has not changed')
        eq(struct.unpack('<HH', g.dev.config(0, 4)), (132, 50), 'cols and rows')


# ---- emergency write (5.3.5) ----

@virtio_ways.test('serial')
def emergency_write(way):
    """5.3.5.1: the lower byte written to emerg_wr is output, even on an unconfigured device"""
    c = qtest.Chardev()
    with way.machine(before=c.args('c'), after=console('c')) as m:
        dev = way.device(m)
        dev.reset()
        for b in b'panic':
            dev.set_config(EMERG_WR, struct.pack('<I', b if way.legacy else 0x12345600 | b))
            m.step(MS)
        eq(c.receive(5), b'panic', 'output')
        eq(dev.config_int(EMERG_WR, 4), 0, 'emerg_wr')


@qtest.test
def emergency_write_off():
    """5.3.5.1: without the feature a write does nothing"""
    c = qtest.Chardev()
    with PCI.machine('emergency-write=off', c.args('c'), console('c')) as m:
        dev = PCI.device(m)
        dev.set_config(EMERG_WR, b'x\0\0\0')
        m.step(MS)
        ok(c.silent(), 'there is output')


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


REFUSED = [
    ('-device virtserialport', "No 'virtio-serial-bus' bus found for device 'virtserialport'"),
    ('-device virtio-serial-pci,max_ports=0', 'Maximum number of serial ports not specified'),
    ('-device virtio-serial-pci,max_ports=512', 'maximum ports supported: 511'),
    ('-device virtio-serial-pci -device virtserialport,nr=0', 'Port number 0 on virtio-serial devices reserved for '
     'virtconsole devices for backward compatibility.'),
    ('-device virtio-serial-pci -device virtserialport,nr=31',
     'virtio-serial-bus: Out-of-range port id specified, max. allowed: 30'),
    ('-device virtio-serial-pci -device virtserialport,nr=1 -device virtserialport,nr=1',
     'virtio-serial-bus: A port already exists at id 1'),
    ('-device virtio-serial-pci,max_ports=2 -device virtserialport -device virtserialport',
     'virtio-serial-bus: Out-of-range port id specified, max. allowed: 1'),
    ('-device virtio-serial-pci -device virtserialport,name=a -device virtserialport,name=a',
     'virtio-serial-bus: A port already exists by name a'),
    ('-device virtio-serial-pci -device virtserialport,name=a -device virtio-serial-pci,id=s '
     '-device virtserialport,bus=s.0,name=a', 'virtio-serial-bus: A port already exists by name a'),
]


@qtest.test
def bad_lines():
    """what is wrong with the command line is said in one line, as QEMU says it"""
    for args, text in REFUSED:
        err = qtest.refuses(args, machine='q35')
        ok(text in err and len(err.splitlines()) == 1, f'{args}: {err!r}')


@qtest.test
def bus_by_name():
    """bus=ID.0 is the device's bus for ports"""
    with PCI.machine(after='-device virtio-serial-pci,id=two,max_ports=9 -device virtconsole,bus=dev.0 '
                           '-device virtserialport,bus=two.0,nr=8') as m:
        g = Guest(PCI, m)
        g.tell(0, DEVICE_READY, 1)
        g.expect(0, PORT_ADD)
        g.silent()


if __name__ == '__main__':
    qtest.main()
