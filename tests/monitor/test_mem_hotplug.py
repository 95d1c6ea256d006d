#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Memory modules that come and go, with the guest's side played on the registers: QEMU's docs/specs/acpi_mem_hotplug."""
import qmp
from qmp import eq, ok, test

BASE = 0x0a00
SELECTOR, OST_EVENT, OST_STATUS = BASE, BASE + 4, BASE + 8
ADDRESS, LENGTH, PROXIMITY, FLAGS = BASE, BASE + 8, BASE + 16, BASE + 20
ENABLED, INSERTING, REMOVING, EJECT = 1, 2, 4, 8
MIB, GIB = 1 << 20, 1 << 30
REGION = 4 * GIB


class Vm(qmp.Vm):
    """128 MiB and three slots."""

    def __init__(self, more='', memory='128M,slots=3,maxmem=1G', machine='q35'):
        super().__init__(f'-m {memory} {more}', machine=machine)

    def backend(self, id='m1', size=64 * MIB):
        self.cmd('object-add', id=id, size=size, **{'qom-type': 'memory-backend-ram'})

    def plug(self, id='d1', memdev='m1', **more):
        self.cmd('device_add', driver='pc-dimm', id=id, memdev=memdev, **more)

    def refuse(self, **more):
        return self.error('device_add', **{'driver': 'pc-dimm', 'id': 'x', 'memdev': 'm1', **more})

    def select(self, i):
        self.outl(SELECTOR, i)

    def quad(self, at):
        return self.inl(at) | self.inl(at + 4) << 32

    def slot(self, i):
        """Address, length, node and flags."""
        self.select(i)
        return self.quad(ADDRESS), self.quad(LENGTH), self.inl(PROXIMITY), self.inb(FLAGS)

    def eject(self, i):
        self.select(i)
        self.outb(FLAGS, EJECT)

    def modules(self):
        return {d['data']['id']: (d['data']['slot'], d['data']['addr'], d['data']['size'])
                for d in self.cmd('query-memory-devices')}


@test
def empty():
    """slots without a module read as nothing, and so does a slot that is not there"""
    with Vm() as vm:
        eq([vm.slot(i) for i in range(4)], [(0, 0, 0, 0)] * 4, 'slots')
        eq(vm.cmd('query-memory-devices'), [], 'modules')
        eq(vm.cmd('query-memory-size-summary'), {'base-memory': 128 * MIB, 'plugged-memory': 0}, 'sizes')


@test
def plugged():
    """a module is RAM above 4 GiB at once; the guest finds where, and takes the event back"""
    with Vm() as vm:
        vm.backend()
        vm.plug()
        eq(vm.modules(), {'d1': (0, REGION, 64 * MIB)}, 'modules')
        eq(vm.slot(0), (REGION, 64 * MIB, 0, ENABLED | INSERTING), 'slot')
        vm.outb(FLAGS, INSERTING)
        eq(vm.inb(FLAGS), ENABLED, 'flags')
        vm.write(REGION + 64 * MIB - 4, b'tail')
        eq(vm.read(REGION + 64 * MIB - 4, 4), b'tail', 'memory')
        eq(vm.cmd('query-memory-size-summary')['plugged-memory'], 64 * MIB, 'plugged')


@test
def cold():
    """-device places modules one behind the other, without an event"""
    with Vm('-object memory-backend-ram,id=m1,size=64M -object memory-backend-ram,id=m2,size=2M '
            '-device pc-dimm,id=d1,memdev=m1 -device pc-dimm,id=d2,memdev=m2,slot=2') as vm:
        eq(vm.modules(), {'d1': (0, REGION, 64 * MIB), 'd2': (2, REGION + 64 * MIB, 2 * MIB)}, 'modules')
        eq([vm.slot(i)[3] for i in range(3)], [ENABLED, 0, ENABLED], 'flags')


@test
def unplugged():
    """device_del asks the guest; its eject takes the memory away, and the back end is free again"""
    with Vm() as vm:
        vm.backend()
        for _ in range(3):
            vm.plug()
            vm.cmd('device_del', id='d1')
            ok(vm.slot(0)[3] & REMOVING, 'the remove event')
            vm.outb(FLAGS, INSERTING | REMOVING)
            vm.write(REGION, b'here')
            vm.eject(0)
            eq(vm.event('DEVICE_DELETED', device='d1')['path'], '/machine/peripheral/d1', 'path')
            eq(vm.slot(0), (0, 0, 0, 0), 'slot')
            ok(vm.read(REGION, 4) != b'here', 'the memory is gone')
        vm.cmd('object-del', id='m1')


@test
def reports():
    """_OST is an event, and stays in query-acpi-ospm-status"""
    with Vm() as vm:
        vm.backend()
        vm.plug(slot=1)
        vm.select(1)
        vm.outl(OST_EVENT, 3)
        vm.outl(OST_STATUS, 1)
        info = {'device': 'd1', 'slot': '1', 'slot-type': 'DIMM', 'source': 3, 'status': 1}
        eq(vm.event('ACPI_DEVICE_OST')['info'], info, 'event')
        ok(info in vm.cmd('query-acpi-ospm-status'), 'the answer')


@test
def fills_the_gap():
    """a place that was left is the first to be taken again"""
    with Vm() as vm:
        for i in 1, 2:
            vm.backend(f'm{i}')
            vm.plug(f'd{i}', f'm{i}')
        vm.cmd('device_del', id='d1')
        vm.eject(0)
        vm.event('DEVICE_DELETED', device='d1')
        vm.backend('m3', 32 * MIB)
        vm.plug('d3', 'm3')
        eq(vm.modules(), {'d2': (1, REGION + 64 * MIB, 64 * MIB), 'd3': (0, REGION, 32 * MIB)}, 'modules')


@test
def refused():
    """no place, no slot, no back end: one text each, nothing changed"""
    with Vm() as vm:
        vm.backend()
        vm.backend('big', 1024 * MIB)
        vm.backend('odd', 4096)
        eq(vm.refuse(slot=3), 'invalid slot number 3, valid range is [0-2]')
        eq(vm.refuse(addr=REGION + 4096), 'address must be aligned to 0x200000 bytes')
        eq(vm.refuse(node=1), "'DIMM property node has value 1' which exceeds the number of numa nodes: 1")
        eq(vm.refuse(memdev='odd'), 'backend memory size must be multiple of 0x200000')
        ok('not enough space' in vm.refuse(memdev='big'), 'too big')
        ok('usable range for memory devices' in vm.refuse(addr=64 * GIB), 'too far')
        vm.plug()
        eq(vm.refuse(), "can't use already busy memdev: m1")
        vm.backend('m2')
        eq(vm.refuse(memdev='m2', slot=0), 'slot 0 is busy')
        eq(vm.refuse(memdev='m2', addr=REGION), "address range conflicts with memory device id='d1'")
        for i in 2, 3:
            vm.backend(f'n{i}', 2 * MIB)
            vm.plug(f'd{i}', f'n{i}')
        eq(vm.refuse(memdev='m2'), 'no free slots available')
        eq(len(vm.modules()), 3, 'modules')
        eq(vm.error('object-del', id='m1'), "object 'm1' is in use, can not be deleted")


@test
def not_enabled():
    """without slots there is no room"""
    for memory in '128M', '128M,maxmem=1G':
        with Vm(memory=memory) as vm:
            vm.backend()
            eq(vm.refuse(), "no slots where allocated, please specify the 'slots' option")


@test(tenon='of a hostile guest')
def eject_unasked():
    """an empty slot, one that is not there, the same twice: only what is there goes"""
    with Vm() as vm:
        vm.backend()
        vm.plug()
        for i in 1, 3, 0x80000000, 0, 0:
            vm.eject(i)
        vm.event('DEVICE_DELETED', device='d1')
        eq(vm.modules(), {}, 'modules')
        vm.plug()
        eq(vm.modules(), {'d1': (0, REGION, 64 * MIB)}, 'modules')


if __name__ == '__main__':
    qmp.main()
