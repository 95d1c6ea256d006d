# SPDX-License-Identifier: BSD-2-Clause
"""The driver's side of a virtio console (VIRTIO 1.3, 5.3)."""
import hashlib
import random
import struct

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
