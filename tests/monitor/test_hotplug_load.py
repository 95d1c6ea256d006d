#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Hot-plug under I/O, from a guest that runs, and many times."""
import os
import struct
import time

import qmp
import qtest  # these two behind qmp, which knows where they are
import virtio
from plug_machine import Pc, Port, ROOT_BUS, image
from qmp import eq, ok, test

# ---- under I/O ----

def in_flight(m, slot):
    """Thirty reads of 4 KiB that have just been made known; returns where their status bytes are."""
    dev = virtio.pci(m, slot)
    dev.start()
    ring = dev.queue(0)
    dev.driver_ok()
    status = []
    for sector in range(0, 240, 8):
        parts = ring.parts([struct.pack('<IIQ', 0, 0, sector)], [4096, 1])
        status.append(parts[-1][0] + parts[-1][1] - 1)
        m.write(status[-1], b'\xff')
        ring.add_parts(parts)
    ring.kick()
    return status


def goes_under_load(m, **more):
    for _ in range(10):
        m.plug(5, driver='virtio-blk-pci', drive='d', **more)
        status = in_flight(m, 5)
        m.unplug()
        after = [m.read(at, 1) for at in status]
        ok(set(after) <= {b'\0', b'\xff'}, f'status bytes: {after}')
        time.sleep(0.005)
        eq([m.read(at, 1) for at in status], after, 'nothing is written when it has gone')


@test(tenon=ROOT_BUS)
def reads_in_flight():
    """a disk goes with requests in flight: each has ended before, or never"""
    with Pc(f'-blockdev driver=file,node-name=d,filename={image()}') as m:
        goes_under_load(m)


@test(tenon=ROOT_BUS)
def reads_in_flight_in_a_thread():
    """the same with an iothread, which can be deleted afterwards"""
    with Pc(f'-blockdev driver=file,node-name=d,filename={image()} -object iothread,id=t') as m:
        goes_under_load(m, iothread='t')
        m.cmd('object-del', id='t')


# ---- a guest of its own: a loop in the reset vector's segment that ejects whatever it is asked for ----

EJECTOR = bytes([0xba, 0xc4, 0x0c,        # mov dx, DOWN
                 0x66, 0xed,              # in eax, dx
                 0x66, 0x85, 0xc0,        # test eax, eax
                 0x74, 0x05,              # jz +5
                 0xba, 0xc8, 0x0c,        # mov dx, EJECT
                 0x66, 0xef,              # out dx, eax
                 0xb9, 0x00, 0x80,        # mov cx, 0x8000
                 0xe2, 0xfe,              # loop .
                 0xeb, 0xea])             # jmp back


def ejector():
    """A ROM of 64 KiB with it."""
    rom = bytearray(b'\xf4' * 0x10000)
    rom[:len(EJECTOR)] = EJECTOR
    rom[0xfff0:0xfff3] = b'\xe9' + struct.pack('<H', -0xfff3 & 0xffff)  # jmp to offset 0
    path = os.path.join(qtest.Setup.get().folder, 'ejector.rom')
    with open(path, 'wb') as f:
        f.write(rom)
    return path


@test(tenon=ROOT_BUS)
def a_guest_that_runs():
    """two hundred times on KVM, with a guest that ejects what it is asked for"""
    if not os.access('/dev/kvm', os.R_OK | os.W_OK):
        raise qtest.Skip('no /dev/kvm')
    with Pc(f'-blockdev driver=null-co,node-name=d,size=1M -bios {ejector()}', accel='kvm') as m:
        def cycle():
            m.plug(5, driver='virtio-blk-pci', drive='d')
            m.cmd('device_del', id='x')
            m.gone('x')
        no_growth(m, cycle, 200)


# ---- many times ----

def footprint(pid):
    """Descriptors, mappings, and kilobytes of memory."""
    with open(f'/proc/{pid}/status') as f:
        rss = next(int(line.split()[1]) for line in f if line.startswith('RssAnon'))
    with open(f'/proc/{pid}/maps') as f:
        maps = sum(1 for _ in f)
    return len(os.listdir(f'/proc/{pid}/fd')), maps, rss


def no_growth(m, cycle, n):
    """After a tenth to get going, n cycles leave no more behind than noise."""
    for _ in range(n // 10):
        cycle()
    before = footprint(m.process.pid)
    for _ in range(n):
        cycle()
    after = footprint(m.process.pid)
    print(f'# {n} cycles: descriptors, mappings, kB of memory {before} -> {after}')
    eq(after[0], before[0], 'descriptors')
    ok(after[1] <= before[1] + 4, f'mappings: {before[1]} -> {after[1]}')
    if not qmp.sanitized(m.process.pid):  # there, what is freed is kept for a while
        ok(after[2] <= before[2] + 256 + n // 4, f'kB of memory: {before[2]} -> {after[2]}')


@test(tenon=ROOT_BUS)
def a_thousand_cycles():
    """a thousand times on the root bus: no memory, descriptor or mapping is left"""
    with Pc('-blockdev driver=null-co,node-name=d,size=1M') as m:
        def cycle():
            m.plug(5, driver='virtio-blk-pci', drive='d')
            m.unplug()
        no_growth(m, cycle, 1000)


@test(tenon=ROOT_BUS)
def back_ends_come_and_go():
    """a hundred times disk, NIC, generator and serial port with their back ends: nothing is left"""
    def around(m, driver, come, go, port=None, **more):
        m.cmd(come[0], **come[1])
        m.plug(5, driver=driver, **more)
        if port:
            m.cmd('device_add', driver='virtserialport', id='p', chardev='b', name='org.test')
        m.unplug()
        m.cmd(go, **{'node-name' if go == 'blockdev-del' else 'id': 'b'})
    with Pc() as m:
        def cycle():
            around(m, 'virtio-blk-pci', ('blockdev-add', {'driver': 'file', 'node-name': 'b', 'filename': path}), 'blockdev-del', drive='b')
            around(m, 'virtio-net-pci', ('netdev_add', {'type': 'user', 'id': 'b'}), 'netdev_del', netdev='b')
            around(m, 'virtio-rng-pci', ('object-add', {'qom-type': 'rng-builtin', 'id': 'b'}), 'object-del', rng='b')
            around(m, 'virtio-serial-pci', ('chardev-add', {'id': 'b', 'backend': {'type': 'ringbuf', 'data': {}}}), 'chardev-remove', port=True)
        path = image()
        no_growth(m, cycle, 100)


@test(tenon=ROOT_BUS)
def many_cycles_on_a_port():
    """two hundred times below a port"""
    with Port() as m:
        def cycle():
            m.add()
            m.cmd('device_del', id='x')
            m.off()
            m.gone('x')
            m.step(6000000000)
        no_growth(m, cycle, 200)


if __name__ == '__main__':
    qmp.main()
