#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Hot-plug: device_add and device_del, with the guest's side played on the registers."""
import qmp
import pcitool  # behind qmp, which knows where it is
from plug_machine import (ABP, ABSENT, ATTN_OFF, DOWN, PDS, PMBASE, PWR_BLINK, PWR_ON, Pc, Port, REFUSE, RMV, RNG, ROOT_BUS, SELECT,
                          SLTCTL, SLTSTA, UP)
from qmp import eq, test


def deleted(vm):
    return [e for e in vm.qmp.quiet() if e == 'DEVICE_DELETED']


# ---- the root bus ----

@test(tenon=ROOT_BUS)
def announced():
    """a device on the root bus is announced once in UP, by an event, and answers at once"""
    with Pc() as m:
        eq(m.inl(RMV) >> 5 & 1, 1, 'slot 5 can be plugged')
        before = m.inl(PMBASE + 0x20)
        m.plug(5)
        eq(m.ids(5), RNG)
        m.until(lambda: m.inl(PMBASE + 0x20) != before, 'a general purpose event')
        eq((m.inl(UP), m.inl(UP)), (1 << 5, 0), 'UP')


@test(tenon=ROOT_BUS)
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


@test(tenon=ROOT_BUS)
def nameless():
    """a device without an id goes by its path"""
    with Pc() as m:
        m.cmd('device_add', driver='virtio-rng-pci', addr='5')
        (path,) = [f'/machine/peripheral-anon/{p["name"]}' for p in m.cmd('qom-list', path='/machine/peripheral-anon')
                   if p['type'] == 'child<virtio-rng-pci>']
        m.cmd('device_del', id=path)
        m.eject(5)
        eq(m.event('DEVICE_DELETED', path=path), {'path': path})


@test(tenon=ROOT_BUS)
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


@test(tenon=ROOT_BUS)
def refused():
    """a guest that keeps the device says so: DEVICE_UNPLUG_GUEST_ERROR, and it may be asked again"""
    with Pc() as m:
        m.plug(5)
        m.cmd('device_del', id='x')
        m.outl(REFUSE, 1 << 5)
        eq(m.event('DEVICE_UNPLUG_GUEST_ERROR'), {'device': 'x', 'path': '/machine/peripheral/x'})
        eq(m.inl(DOWN), 0)
        m.unplug()


@test(tenon=ROOT_BUS)
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


@test(tenon=ROOT_BUS)
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


@test(tenon=ROOT_BUS)
def cold_ones():
    """what was there at start can be taken as well"""
    with Pc('-device virtio-rng-pci,id=x,addr=5') as m:
        eq(m.inl(UP), 0)
        m.unplug()


@test(tenon=ROOT_BUS)
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


@test(tenon=ROOT_BUS)
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


@test(tenon=ROOT_BUS)
def port_is_busy():
    """a blinking power indicator: the guest is at it"""
    with Port() as m:
        m.add()
        m[SLTCTL] = ATTN_OFF | PWR_BLINK
        eq(m.error('device_del', id='x'), 'Hot-unplug failed: guest is busy (power indicator blinking)')


@test(tenon=ROOT_BUS)
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


@test(tenon=ROOT_BUS)
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


@test(tenon=ROOT_BUS)
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


@test(tenon=ROOT_BUS)
def rng():
    """virtio-rng and an object"""
    with Port('-object rng-builtin,id=o') as m:
        round_trip(m, 'virtio-rng-pci', RNG, lambda: drops(m, 'object-del', id='o'), rng='o')


@test(tenon=ROOT_BUS)
def blk():
    """virtio-blk and a disk"""
    with Port('-blockdev driver=null-co,node-name=d,size=1M') as m:
        round_trip(m, 'virtio-blk-pci', (0x1af4, 0x1001), lambda: drops(m, 'blockdev-del', **{'node-name': 'd'}), drive='d')


@test(tenon=ROOT_BUS)
def net():
    """virtio-net and a network"""
    with Port('-netdev socket,id=n,udp=127.0.0.1:9,localaddr=127.0.0.1:0') as m:
        round_trip(m, 'virtio-net-pci', (0x1af4, 0x1000), lambda: drops(m, 'netdev_del', id='n'), netdev='n')


@test(tenon=ROOT_BUS)
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


if __name__ == '__main__':
    qmp.main()
