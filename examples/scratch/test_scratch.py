# SPDX-License-Identifier: BSD-2-Clause
"""virtio-scratch as a driver meets it, on both transports. TENON names the host, PLUGINS the folder of the plugin (this one by
default)."""
import os
import struct

import qtest
import virtio

READ, WRITE, FILL = range(3)
OK, RANGE, UNSUPPORTED = range(3)
FOLDER = os.environ.get('PLUGINS') or os.path.dirname(os.path.abspath(__file__))
PLUGIN = f'-plugin {FOLDER}/virtio-scratch.so'


def machine(kind, options='', **how):
    if kind == 'pci':
        return qtest.Machine(f'{PLUGIN} -device virtio-scratch-pci,addr=4{options}', machine='q35', **how)
    return qtest.Machine(f'{PLUGIN} -device virtio-scratch-device{options}', machine='microvm', **how)


def live(m, kind):
    d = virtio.pci(m, 4) if kind == 'pci' else virtio.mmio(m, 7)
    d.start()
    ring = d.queue(0, 16)
    d.driver_ok()
    return d, ring


def ask(ring, op, offset, data=b'', room=0, length=0, fill=0):
    """One request; (status, bytes)."""
    token = ring.add(driver=[struct.pack('<IIII', op, offset, length, fill), *([data] if data else [])],
                     device=[*([room] if room else []), 1])
    ring.kick()
    answer = ring.wait(token)
    return answer[-1], answer[:-1]


@qtest.test
def requests():
    """what is written and filled is read, on each transport and ring; requests are counted"""
    for kind, options in ('pci', ''), ('pci', ',packed=on'), ('mmio', ''):
        with machine(kind, options) as m:
            d, ring = live(m, kind)
            qtest.eq(ask(ring, WRITE, 100, b'hello, world'), (OK, b''), 'WRITE')
            qtest.eq(ask(ring, FILL, 102, length=2, fill=0x2e), (OK, b''), 'FILL')
            qtest.eq(ask(ring, READ, 99, room=14), (OK, b'\0he..o, world\0'), 'READ')
            qtest.eq((d.config_int(0, 4), d.config_int(4, 4)), (65536, 3), 'size, requests')


@qtest.test
def bounds():
    """nothing outside the pad is touched, up to its last byte everything is"""
    with machine('pci', ',size=512') as m:
        ring = live(m, 'pci')[1]
        qtest.eq(ask(ring, WRITE, 508, b'last')[0], OK, 'WRITE at the end')
        qtest.eq(ask(ring, READ, 508, room=4), (OK, b'last'), 'READ at the end')
        for op, offset, more in ((WRITE, 509, {'data': b'last'}), (READ, 0xffffffff, {'room': 8}),
                                 (FILL, 256, {'length': 257}), (FILL, 1, {'length': 0xffffffff})):
            qtest.eq(ask(ring, op, offset, **more)[0], RANGE, f'operation {op} at {offset}')
        qtest.eq(ask(ring, 7, 0)[0], UNSUPPORTED, 'operation 7')
    text = qtest.refuses(f'{PLUGIN} -device virtio-scratch-pci,size=100', machine='q35')
    qtest.ok('size' in text, text)


@qtest.test
def broken():
    """2.1.2: a request that cannot be answered breaks the device, and a reset mends it"""
    with machine('pci') as m:
        d, ring = live(m, 'pci')
        ring.add(driver=[b'short'], device=[1])
        ring.kick()
        m.until(lambda: d.status() & virtio.NEEDS_RESET, 'DEVICE_NEEDS_RESET')
        ring = live(m, 'pci')[1]
        qtest.eq(ask(ring, WRITE, 0, b'again')[0], OK, 'WRITE')


@qtest.test
def state():
    """the pad and the queue go on in another process"""
    file = os.path.join(qtest.Setup.get().folder, 'scratch.state')
    with machine('pci', qmp=True) as m:
        ring = live(m, 'pci')[1]
        ask(ring, WRITE, 7, b'kept')
        m.qmp.command('migrate', uri=f'file:{file}')
        m.until(lambda: m.qmp.command('query-migrate').get('status') == 'completed', 'the end of a migration')
        with machine('pci', f' -incoming file:{file}', qmp=True) as other:
            other.until(lambda: other.qmp.command('query-status')['running'], 'the machine runs')
            ring.m = ring.dev.m = ring.dev.heap.m = ring.dev.f.m = other
            qtest.eq(ask(ring, READ, 7, room=4), (OK, b'kept'), 'READ')


if __name__ == '__main__':
    qtest.main()
