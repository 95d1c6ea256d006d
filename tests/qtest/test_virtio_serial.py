#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""virtio-serial: Virtual I/O Device 1.3, 5.3, on every transport and both rings; and that what comes in goes out."""
import fcntl
import os
import signal
import socket
import struct
import termios
import time

import qtest
import virtio_ways
from qtest import eq, ok
from serial_guest import (CONSOLE_PORT, DEVICE_READY, EMERG_WR, F_MULTIPORT, Guest, MAX_NR_PORTS, MS, PCI, PORT_ADD, PORT_NAME,
                          PORT_OPEN, PORT_READY, RESIZE, console, noise, port, same)

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
