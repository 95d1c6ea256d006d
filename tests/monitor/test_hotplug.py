#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Hot-plug: device_add and device_del, with the guest's side played on the registers. Root ports are native (PCI Express
6.0 6.7), the root bus has ACPI's registers (QEMU's docs/specs/acpi_pci_hotplug)."""
import os
import struct
import time

import qmp
import pcitool  # these three behind qmp, which knows where they are
import qtest
import virtio
from qmp import eq, ok, test

ECAM, PMBASE = 0xb0000000, 0x600
UP, DOWN, EJECT, RMV, SELECT, REFUSE = 0xcc0, 0xcc4, 0xcc8, 0xccc, 0xcd0, 0xcd4
SLTCTL, SLTSTA = 0x18, 0x1a
ABP, PDC, PDS = 0x01, 0x08, 0x40
ATTN_OFF, PWR_ON, PWR_BLINK, PWR_OFF, PCC = 0xc0, 0x100, 0x200, 0x300, 0x400
ABSENT = (0xffff, 0xffff)
RNG = (0x1af4, 0x1005)


class Pc(qmp.Vm):
    """q35 whose root bus is driven by its registers."""

    def __init__(self, more='', **how):
        super().__init__(more, machine='q35', **how)

    def slot(self, n):
        return pcitool.Function(self, n)

    def ids(self, slot):
        return self.slot(slot).ids()

    def plug(self, slot=5, driver='virtio-rng-pci', id='x', **more):
        self.cmd('device_add', driver=driver, id=id, addr=f'{slot:x}', **more)

    def eject(self, slot):
        self.outl(EJECT, 1 << slot)

    def gone(self, id):
        """Waits for id's end, which its inner half's comes before."""
        eq(self.event('DEVICE_DELETED', device=id), {'device': id, 'path': f'/machine/peripheral/{id}'})

    def unplug(self, slot=5, id='x'):
        self.cmd('device_del', id=id)
        self.eject(slot)
        self.gone(id)


class Port(Pc):
    """... with a root port at slot 4 whose bus is number 1."""

    def __init__(self, more='', **how):
        super().__init__(f'-device pcie-root-port,id=rp,addr=4,chassis=1 {more}', **how)
        self.setup()

    def setup(self):
        self.f = pcitool.Function(self, 4, ecam=ECAM)
        self.below = pcitool.Function(self, 0, bus=1, ecam=ECAM)
        self.f.set(0x18, 0x010100)
        self.f.set(0x20, 0xe0f0e000)
        self.f.enable()
        self.exp = self.f.cap(pcitool.CAP_EXP)

    def __getitem__(self, reg):
        return self.f.get(self.exp + reg, 2)

    def __setitem__(self, reg, v):
        self.f.set(self.exp + reg, v, 2)

    def add(self, driver='virtio-rng-pci', id='x', **more):
        """Plugs below the port; the guest switches the power on."""
        self.cmd('device_add', driver=driver, id=id, bus='rp', **more)
        self[SLTCTL] = ATTN_OFF | PWR_ON
        self.until(lambda: self.below.ids() != ABSENT, 'the device answers')

    def off(self):
        """What pciehp does when it has been asked, and is done."""
        self[SLTCTL] = ATTN_OFF | PWR_BLINK
        self[SLTCTL] = ATTN_OFF | PWR_OFF | PCC


def deleted(vm):
    return [e for e in vm.qmp.quiet() if e == 'DEVICE_DELETED']


# ---- the root bus ----

@test(tenon="QEMU's q35 has no hot-plug on pcie.0")
def announced():
    """a device on the root bus is announced once in UP, by an event, and answers at once"""
    with Pc() as m:
        eq(m.inl(RMV) >> 5 & 1, 1, 'slot 5 can be plugged')
        before = m.inl(PMBASE + 0x20)
        m.plug(5)
        eq(m.ids(5), RNG)
        m.until(lambda: m.inl(PMBASE + 0x20) != before, 'a general purpose event')
        eq((m.inl(UP), m.inl(UP)), (1 << 5, 0), 'UP')


@test(tenon='as above')
def taken():
    """device_del sets DOWN; the guest ejects, and each half's end is told"""
    with Pc() as m:
        m.plug(5)
        m.cmd('device_del', id='x')
        eq((m.inl(DOWN), m.ids(5)), (1 << 5, RNG), 'DOWN, and it is still there')
        eq(deleted(m), [])
        m.eject(5)
        eq(m.event('DEVICE_DELETED'), {'path': '/machine/peripheral/x/virtio-backend'})
        eq(m.event('DEVICE_DELETED'), {'device': 'x', 'path': '/machine/peripheral/x'})
        eq((m.inl(DOWN), m.ids(5)), (0, ABSENT))
        m.plug(5)
        eq(m.ids(5), RNG, 'another one')


@test(tenon='as above')
def nameless():
    """a device without an id goes by its path"""
    with Pc() as m:
        m.cmd('device_add', driver='virtio-rng-pci', addr='5')
        (path,) = [f'/machine/peripheral-anon/{p["name"]}' for p in m.cmd('qom-list', path='/machine/peripheral-anon')
                   if p['type'] == 'child<virtio-rng-pci>']
        m.cmd('device_del', id=path)
        m.eject(5)
        eq(m.event('DEVICE_DELETED', path=path), {'path': path})


@test(tenon='as above')
def repeated():
    """a guest that did not listen is asked again; one that never answers keeps the device, which works"""
    with Pc() as m:
        m.plug(5)
        for _ in range(3):
            m.cmd('device_del', id='x')
        eq(m.ids(5), RNG)
        eq(deleted(m), [])
        m.eject(5)
        m.gone('x')


@test(tenon='as above')
def refused():
    """a guest that keeps the device says so: DEVICE_UNPLUG_GUEST_ERROR, and it may be asked again"""
    with Pc() as m:
        m.plug(5)
        m.cmd('device_del', id='x')
        m.outl(REFUSE, 1 << 5)
        eq(m.event('DEVICE_UNPLUG_GUEST_ERROR'), {'device': 'x', 'path': '/machine/peripheral/x'})
        eq(m.inl(DOWN), 0)
        m.unplug()


@test(tenon='as above')
def at_reset():
    """a reset of the machine ends what was asked for: the guest that could object is gone"""
    with Pc() as m:
        m.plug(5)
        m.plug(6, id='y')
        m.cmd('device_del', id='x')
        m.cmd('system_reset')
        m.gone('x')
        eq((m.ids(5), m.ids(6)), (ABSENT, RNG))
        eq(m.inl(DOWN), 0)


@test(tenon='as above')
def what_stays():
    """the chipset's slots and the port's cannot be ejected; other buses select nothing"""
    with Port() as m:
        eq(m.inl(RMV) & (1 | 1 << 4 | 1 << 31), 0, 'RMV')
        for n in (0, 4, 31):
            m.eject(n)
        m.plug(5)
        m.cmd('device_del', id='x')
        m.outl(SELECT, 1)
        eq((m.inl(DOWN), m.inl(RMV)), (0, 0))
        m.eject(5)
        eq(m.ids(5), RNG)
        eq([m.ids(n) == ABSENT for n in (0, 4, 31)], [False] * 3)
        m.outl(SELECT, 0)
        m.eject(5)
        m.gone('x')


@test(tenon='as above')
def cold_ones():
    """what was there at start can be taken as well"""
    with Pc('-device virtio-rng-pci,id=x,addr=5') as m:
        eq(m.inl(UP), 0)
        m.unplug()


@test(tenon='as above')
def functions():
    """a slot is seen with its function 0, and goes as a whole"""
    with Pc() as m:
        m.plug(5, id='f1', driver='virtio-rng-pci')
        m.unplug(5, id='f1')
        m.cmd('device_add', driver='virtio-rng-pci', id='f1', addr='5.1')
        eq(m.inl(UP), 0)
        m.cmd('device_add', driver='virtio-rng-pci', id='f0', addr='5.0', multifunction=True)
        eq(m.inl(UP), 1 << 5)
        eq(pcitool.Function(m, 5, 1).ids(), RNG)
        m.cmd('device_del', id='f1')
        m.eject(5)
        m.gone('f1')
        m.gone('f0')


@test(tenon='as above')
def without_acpi():
    """acpi=off: nobody could tell the guest"""
    with qmp.Vm('-device virtio-rng-pci,id=x', machine='q35,acpi=off') as vm:
        eq(vm.error('device_add', driver='virtio-rng-pci', id='y'), "Bus 'pcie.0' does not support hotplugging")
        eq(vm.error('device_del', id='x'), "Bus 'pcie.0' does not support hotplugging")


# ---- root ports ----

@test(tenon='its port waits for ACPI')
def port_asks_once():
    """a port that was asked is asked again after five seconds of the guest's time [6.7.1.8]"""
    with Port() as m:
        m.add()
        m[SLTSTA] = 0xffff
        m.cmd('device_del', id='x')
        eq(m[SLTSTA] & ABP, ABP, 'Attention Button Pressed')
        eq(m.error('device_del', id='x'), 'Device x is already in the process of unplug')
        m.step(5000000000)
        m[SLTSTA] = 0xffff
        m.cmd('device_del', id='x')
        eq(m[SLTSTA] & ABP, ABP, 'pressed again')
        m.off()
        m.gone('x')
        eq(m[SLTSTA] & PDS, 0, 'presence')


@test(tenon='as above')
def port_is_busy():
    """a blinking power indicator: the guest is at it"""
    with Port() as m:
        m.add()
        m[SLTCTL] = ATTN_OFF | PWR_BLINK
        eq(m.error('device_del', id='x'), 'Hot-unplug failed: guest is busy (power indicator blinking)')


@test(tenon='as above')
def port_refuses():
    """an indicator that blinked and is lit again: the guest keeps the device"""
    with Port() as m:
        m.add()
        m.cmd('device_del', id='x')
        m[SLTCTL] = ATTN_OFF | PWR_BLINK
        m[SLTCTL] = ATTN_OFF | PWR_ON
        eq(m.event('DEVICE_UNPLUG_GUEST_ERROR')['device'], 'x')
        m.cmd('device_del', id='x')
        m.off()
        m.gone('x')


@test(tenon='as above')
def port_at_reset():
    """a reset ends what a port was asked for, too"""
    with Port() as m:
        m.add()
        m.cmd('device_del', id='x')
        m.cmd('system_reset')
        m.gone('x')
        m.setup()
        eq((m.below.ids(), m[SLTSTA] & PDS), (ABSENT, 0))


@test
def texts():
    """what cannot be added or taken is refused with QEMU's words, and nothing has changed"""
    with qmp.Vm('-device pcie-root-port,id=rp,chassis=1 -device pcie-root-port,id=off,chassis=2,hotplug=off '
                '-device virtio-rng-pci,id=r0,bus=rp', machine='q35') as vm:
        def add(**a):
            return vm.error('device_add', **a)
        before = vm.hmp('info qom-tree')
        eq(vm.execute('device_add', {})['error']['desc'], "Parameter 'driver' is missing")
        eq(add(driver='nope'), "'nope' is not a valid device model name")
        eq(add(driver='ICH9-LPC'), "Parameter 'driver' expects a pluggable device type")
        eq(add(driver='virtio-rng-pci', id='x', bus='nope'), "Bus 'nope' not found")
        eq(add(driver='virtio-rng-pci', id='x', bus='off'), "Bus 'off' does not support hotplugging")
        eq(add(driver='virtio-rng-pci', id='x', bus='isa.0'), "Device 'virtio-rng-pci' can't go on ISA bus")
        eq(add(driver='isa-serial', id='x'), "Bus 'isa.0' does not support hotplugging")
        eq(add(driver='virtio-rng-pci', id='r0', bus='rp'), "Duplicate device ID 'r0'")
        eq(add(driver='virtio-rng-pci', id='x', bus='rp'),
           'PCI: slot 0 function 0 already occupied by virtio-rng-pci, new func virtio-rng-pci cannot be exposed to guest.')
        eq(vm.execute('device_del', {'id': 'nope'})['error'], {'class': 'DeviceNotFound', 'desc': "Device 'nope' not found"})
        eq(vm.error('device_del', id='/nope'), "Device '/nope' not found")
        eq(vm.error('device_del', id='/machine'), '/machine is not a device')
        eq(vm.error('device_del', id='/machine/peripheral/r0/virtio-backend'),
           "Bus 'virtio-bus' does not support hotplugging")
        eq(vm.hmp('info qom-tree'), before)


@test(tenon='as above')
def bad_properties():
    """a device with a bad property is not there, and its place is free"""
    with Pc() as m:
        for more in ({'nope': 1}, {'max-bytes': '12x'}, {'rng': 'nobody'}, {'addr': '99'}):
            m.error('device_add', **{'driver': 'virtio-rng-pci', 'id': 'x', 'addr': '5', **more})
            eq(m.ids(5), ABSENT)
        m.plug(5)
        eq(m.ids(5), RNG)


# ---- every device with its back end ----

def round_trip(m, driver, ids, after=None, **more):
    """Twice by each way; then the back end has nobody who uses it."""
    for _ in range(2):
        m.plug(5, driver=driver, **more)
        eq(m.ids(5), ids)
        m.unplug()
        m.add(driver, **more)
        eq(m.below.ids()[0], 0x1af4)
        m.cmd('device_del', id='x')
        m.off()
        m.gone('x')
        m.step(6000000000)
    if after:
        after()


def drops(m, command, **arguments):
    """The back end goes, where it can be asked to."""
    answer = m.execute(command, arguments)
    if answer.get('error', {}).get('class') != 'CommandNotFound':
        eq(answer, {'return': {}}, command)


@test(tenon='as above')
def rng():
    """virtio-rng and an object"""
    with Port('-object rng-builtin,id=o') as m:
        round_trip(m, 'virtio-rng-pci', RNG, lambda: drops(m, 'object-del', id='o'), rng='o')


@test(tenon='as above')
def blk():
    """virtio-blk and a disk"""
    with Port('-blockdev driver=null-co,node-name=d,size=1M') as m:
        round_trip(m, 'virtio-blk-pci', (0x1af4, 0x1001), lambda: drops(m, 'blockdev-del', **{'node-name': 'd'}), drive='d')


@test(tenon='as above')
def net():
    """virtio-net and a network"""
    with Port('-netdev socket,id=n,udp=127.0.0.1:9,localaddr=127.0.0.1:0') as m:
        round_trip(m, 'virtio-net-pci', (0x1af4, 0x1000), lambda: drops(m, 'netdev_del', id='n'), netdev='n')


@test(tenon='as above')
def serial():
    """virtio-serial, a port on it, which needs nobody's consent, and a character device"""
    with Port('-chardev null,id=c') as m:
        for _ in range(2):
            m.plug(5, driver='virtio-serial-pci')
            m.cmd('device_add', driver='virtserialport', id='p', chardev='c', name='org.test')
            m.cmd('device_del', id='p')
            m.gone('p')
            m.cmd('device_add', driver='virtserialport', id='p', chardev='c', name='org.test')
            m.unplug()
            m.gone('p') if 'p' in m.hmp('info qtree').split('id "') else None
        drops(m, 'chardev-remove', id='c')


# ---- under I/O ----

def image():
    """A file of 1 MiB of zeros that goes with the tests."""
    path = os.path.join(qtest.Setup.get().folder, 'image')
    with open(path, 'wb') as f:
        f.truncate(1 << 20)
    return path


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


@test(tenon='as above')
def reads_in_flight():
    """a disk goes with requests in flight: each has ended before, or never"""
    with Pc(f'-blockdev driver=file,node-name=d,filename={image()}') as m:
        goes_under_load(m)


@test(tenon='as above')
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


@test(tenon='as above')
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


@test(tenon='as above')
def a_thousand_cycles():
    """a thousand times on the root bus: no memory, descriptor or mapping is left"""
    with Pc('-blockdev driver=null-co,node-name=d,size=1M') as m:
        def cycle():
            m.plug(5, driver='virtio-blk-pci', drive='d')
            m.unplug()
        no_growth(m, cycle, 1000)


@test(tenon='as above')
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


@test(tenon='as above')
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
