# SPDX-License-Identifier: BSD-2-Clause
"""examples/virtio-echo: a virtio device of somebody else's, on both transports."""
import os
import struct

import qtest
import virtio


def machine(kind, options=''):
    path = os.environ.get('VIRTIO_ECHO')
    if not path:
        raise qtest.Skip('VIRTIO_ECHO=PATH is not set')
    if kind == 'pci':
        return qtest.Machine(f'-plugin {path} -device virtio-echo-pci,addr=4{options}', machine='q35')
    return qtest.Machine(f'-plugin {path} -device virtio-echo-device{options}', machine='microvm')


def live(m, kind, size=8):
    d = virtio.pci(m, 4) if kind == 'pci' else virtio.mmio(m, 7)
    d.start()
    ring = d.queue(0, size)
    d.driver_ok()
    return d, ring


def say(ring, parts, room):
    token = ring.add(driver=parts, device=room)
    ring.kick()
    return ring.wait(token)


@qtest.test
def echo():
    '''what is sent comes back in capitals, through chains of several parts, and is counted'''
    for kind in ('pci', 'mmio'):
        with machine(kind) as m:
            d, ring = live(m, kind)
            qtest.eq(say(ring, [b'hello, ', b'world'], [5, 100]), b'HELLO, WORLD', 'answer')
            for i in range(20):
                qtest.eq(say(ring, [b'%d' % i], [4]), b'%d' % i, 'answer')
            qtest.eq(say(ring, [b'too long'], [3]), b'TOO', 'answer in little room')
            qtest.eq(d.config_int(0, 4), 22, 'buffers')


@qtest.test
def quiet():
    '''loud=0 leaves the bytes alone'''
    with machine('pci', ',loud=0') as m:
        qtest.eq(say(live(m, 'pci')[1], [b'hello'], [5]), b'hello', 'answer')


@qtest.test
def no_legacy():
    '''a device type without a legacy interface is modern by itself, and cannot be had otherwise'''
    with machine('pci') as m:
        qtest.eq(virtio.pci(m, 4).f.ids(), (0x1af4, 0x107e), 'ids')
    path = os.environ['VIRTIO_ECHO']
    for line, mach in (('virtio-echo-pci,disable-legacy=off', 'q35'), ('virtio-echo-device,force-legacy=on', 'microvm')):
        text = qtest.refuses(f'-plugin {path} -device {line}', machine=mach)
        qtest.ok('device is modern-only' in text, text)


@qtest.test
def hostile_rings():
    '''2.1.2: circles and descriptors to nowhere break the device, and a reset mends it'''
    with machine('pci') as m:
        for desc in (struct.pack('<QIHH', 0x200000, 1, 1, 0), struct.pack('<QIHH', 1 << 50, 1, 0, 0),
                     struct.pack('<QIHH', 0x200000, 1, 1, 0xffff)):
            d, ring = live(m, 'pci')
            m.write(ring.desc, desc)
            ring.offer(0)
            ring.kick()
            m.until(lambda d=d: d.status() & virtio.NEEDS_RESET, 'DEVICE_NEEDS_RESET')
        d, ring = live(m, 'pci')
        qtest.eq(say(ring, [b'again'], [5]), b'AGAIN', 'answer')


if __name__ == '__main__':
    qtest.main()
