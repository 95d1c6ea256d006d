#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Processors that come and go, with the guest's side played on the registers: QEMU's docs/specs/acpi_cpu_hotplug."""
import qmp
from qmp import eq, ok, test

BASE = 0x0cd8
SELECTOR, DATA2, FLAGS, COMMAND, DATA = BASE, BASE, BASE + 4, BASE + 5, BASE + 8
ENABLED, INSERTING, REMOVING, EJECT = 1, 2, 4, 8
NEXT_EVENT, OST_EVENT, OST_STATUS, ARCH_ID = 0, 1, 2, 3
CPU = 'max-x86_64-cpu'


class Vm(qmp.Vm):
    """Four places for CPUs, one of them taken: a socket of two cores of two threads."""

    def __init__(self, smp='1,maxcpus=4,sockets=1,cores=2,threads=2', more='', machine='q35'):
        super().__init__(f'-cpu max -smp {smp} {more}', machine=machine)
        self.outl(SELECTOR, 0)  # QEMU: from its older interface to this one
        self.outb(COMMAND, NEXT_EVENT)

    def plug(self, id='c1', core=0, thread=1, **more):
        self.cmd('device_add', driver=CPU, id=id, **{'socket-id': 0, 'core-id': core, 'thread-id': thread}, **more)

    def select(self, i):
        self.outl(SELECTOR, i)

    def flags(self, i):
        self.select(i)
        return self.inb(FLAGS)

    def next_event(self, start=0):
        self.select(start)
        self.outb(COMMAND, NEXT_EVENT)
        return self.inl(DATA)

    def ost(self, i, event, status):
        self.select(i)
        self.outb(COMMAND, OST_EVENT)
        self.outl(DATA, event)
        self.outb(COMMAND, OST_STATUS)
        self.outl(DATA, status)

    def eject(self, i):
        self.select(i)
        self.outb(FLAGS, EJECT)

    def indexes(self):
        return sorted(c['cpu-index'] for c in self.cmd('query-cpus-fast'))


def place(core, thread):
    return {'socket-id': 0, 'core-id': core, 'thread-id': thread}


@test
def slots():
    """query-hotpluggable-cpus has every place, the last first; who is there has a path"""
    with Vm() as vm:
        slots = vm.cmd('query-hotpluggable-cpus')
        eq([s['props'] for s in slots], [place(1, 1), place(1, 0), place(0, 1), place(0, 0)], 'places')
        eq([s.get('qom-path') for s in slots], [None, None, None, '/machine/unattached/device[0]'], 'paths')
        eq({(s['type'], s['vcpus-count']) for s in slots}, {(CPU, 1)}, 'what fits')


@test
def at_start():
    """only the boot processor is enabled, and nothing has happened"""
    with Vm() as vm:
        eq([vm.flags(i) for i in range(4)], [ENABLED, 0, 0, 0], 'flags')
        eq(vm.flags(4), 0, 'flags of no slot')


@test
def plugged():
    """device_add fills the place; the guest finds it by the next event, and takes the event back"""
    with Vm() as vm:
        vm.plug()
        eq(vm.indexes(), [0, 1], 'processors')
        eq(vm.next_event(), 1, 'slot with an event')
        eq(vm.inb(FLAGS), ENABLED | INSERTING, 'flags')
        vm.outb(FLAGS, INSERTING)
        eq(vm.flags(1), ENABLED, 'flags afterwards')
        eq(vm.next_event(3), 3, 'the selector where nothing happened')


@test
def architecture_id():
    """command 3 gives the APIC id of the selected slot, whether or not it is filled"""
    with Vm(smp='1,maxcpus=6,sockets=2,cores=3,threads=1') as vm:
        ids = []
        for i in range(6):
            vm.select(i)
            vm.outb(COMMAND, ARCH_ID)
            ids.append((vm.inl(DATA), vm.inl(DATA2)))
        eq(ids, [(0, 0), (1, 0), (2, 0), (4, 0), (5, 0), (6, 0)], 'APIC ids')


@test(tenon='a QEMU without its qtest accelerator waits for its processor')
def unplugged():
    """device_del asks the guest; its eject takes the processor away, and the place can be filled again"""
    with Vm() as vm:
        for _ in range(3):
            vm.plug()
            vm.outb(FLAGS, INSERTING)
            vm.cmd('device_del', id='c1')
            eq(vm.next_event(), 1, 'slot with an event')
            ok(vm.inb(FLAGS) & REMOVING, 'the remove event')
            vm.outb(FLAGS, REMOVING)
            eq(vm.indexes(), [0, 1], 'processors before the eject')
            vm.eject(1)
            eq(vm.event('DEVICE_DELETED', device='c1')['path'], '/machine/peripheral/c1', 'path')
            eq(vm.flags(1), 0, 'flags')
            eq(vm.indexes(), [0], 'processors')


@test
def reports():
    """_OST is an event, and stays in query-acpi-ospm-status"""
    with Vm() as vm:
        vm.plug()
        vm.ost(1, 0x103, 0x83)
        info = {'device': 'c1', 'slot': '1', 'slot-type': 'CPU', 'source': 0x103, 'status': 0x83}
        eq(vm.event('ACPI_DEVICE_OST')['info'], info, 'event')
        ok(info in vm.cmd('query-acpi-ospm-status'), 'the answer')


@test(tenon='of a hostile guest')
def boot_processor_stays():
    """device_del of the boot processor is refused, and a guest that ejects it changes nothing"""
    with Vm(smp='2') as vm:
        eq(vm.error('device_del', id='/machine/unattached/device[0]'), 'Boot CPU is unpluggable', 'text')
        vm.eject(0)
        vm.eject(7)
        eq(vm.indexes(), [0, 1], 'processors')


@test(tenon='of a hostile guest')
def eject_unasked():
    """what a guest ejects without being asked goes; an empty slot has nothing to lose"""
    with Vm(smp='2,maxcpus=3') as vm:
        vm.eject(2)
        vm.eject(1)
        vm.eject(1)
        eq(vm.event('DEVICE_DELETED')['path'], '/machine/unattached/device[1]', 'path')
        eq(vm.indexes(), [0], 'processors')


@test(tenon='QEMU has its own class')
def reset():
    """after a reset the tables say what is there: no event is left, and the selector is 0"""
    with Vm() as vm:
        vm.plug()
        vm.select(3)
        vm.cmd('system_reset')
        vm.event('RESET')
        eq(vm.inb(FLAGS), ENABLED, 'flags of slot 0')
        eq(vm.flags(1), ENABLED, 'flags of slot 1')


@test
def refused():
    """a place that is taken, incomplete or not there, and another model: one text each, nothing changed"""
    with Vm() as vm:
        def add(**props):
            return vm.error('device_add', **{'driver': CPU, 'id': 'x', **{k.replace('_', '-'): v for k, v in props.items()}})
        eq(add(), 'CPU socket-id is not set')
        eq(add(socket_id=0), 'CPU core-id is not set')
        eq(add(socket_id=0, core_id=0), 'CPU thread-id is not set')
        eq(add(socket_id=1, core_id=0, thread_id=0), 'Invalid CPU socket-id: 1 must be in range 0:0')
        eq(add(socket_id=0, core_id=2, thread_id=0), 'Invalid CPU core-id: 2 must be in range 0:1')
        eq(add(socket_id=0, core_id=0, thread_id=2), 'Invalid CPU thread-id: 2 must be in range 0:1')
        eq(add(socket_id=0, core_id=0, thread_id=0), 'CPU[0] with APIC ID 0 exists')
        other = 'qemu64-x86_64-cpu' if qmp.QEMU else 'host-x86_64-cpu'
        eq(add(driver=other, socket_id=0), f"Invalid CPU type, expected cpu type: '{CPU}'")
        eq(vm.indexes(), [0], 'processors')


@test(tenon='QEMU names other machines')
def elsewhere():
    """a machine without the registers has no places"""
    with qmp.Vm('-smp 1,maxcpus=2', machine='microvm') as vm:
        eq(vm.error('query-hotpluggable-cpus'), 'machine does not support hot-plugging CPUs')
        ok('can not be hotplugged' in vm.error('device_add', driver=CPU, **place(0, 0)), 'the text')


@test(tenon='the text of -device')
def cold():
    """-device fills a place before the machine starts: no event"""
    with Vm(more=f'-device {CPU},id=c3,socket-id=0,core-id=1,thread-id=1') as vm:
        eq(vm.indexes(), [0, 3], 'processors')
        eq(vm.flags(3), ENABLED, 'flags')


if __name__ == '__main__':
    qmp.main()
