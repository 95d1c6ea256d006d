#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""pci-bridge and pcie-pci-bridge: PCI-to-PCI Bridge 1.2 (3.2 the header, 4 forwarding, 13 slot numbers), PCIe 6.0 7.5.3."""
import pcitool
import qtest
from qtest import eq, ok, test

ECAM = 0xb0000000
BUS_NUMBERS, MEM_WINDOW, CAP_EXP, CAP_SLOT_ID = 0x18, 0x20, 0x10, 0x04
PC = '-device pci-bridge,id=b1,addr=5,chassis_nr=3'
Q35 = '-device pcie-root-port,id=p1,addr=5 -device pcie-pci-bridge,bus=p1,id=b1'
BELOW = ' -device edu,bus=b1,addr=4'
EDU, EDU_ID = 0xe0f00000, 0x010000ed


def bridge_on_pc(m):
    """Bus 1 is behind the bridge; returns it and the function in slot 4 there."""
    f = pcitool.Function(m, 5)
    f.set(BUS_NUMBERS, 0x010100)
    f.set(MEM_WINDOW, 0xe0f0e0f0)
    f.enable()
    return f, pcitool.Function(m, 4, bus=1)


def bridge_on_q35(m):
    """Bus 1 is behind the port, bus 2 behind the bridge."""
    pcitool.Function(m, 0).set(0x60, ECAM | 1)
    port = pcitool.Function(m, 5, ecam=ECAM)
    port.set(BUS_NUMBERS, 0x020100)
    f = pcitool.Function(m, 0, bus=1, ecam=ECAM)
    f.set(BUS_NUMBERS, 0x020201)
    for x in (port, f):
        x.set(MEM_WINDOW, 0xe0f0e0f0)
        x.enable()
    return f, pcitool.Function(m, 4, bus=2, ecam=ECAM)


@test
def forwarding():
    """configuration requests and memory within the window reach the bus below, the rest does not"""
    for machine, options, find in (('pc', PC, bridge_on_pc), ('q35', Q35, bridge_on_q35)):
        with qtest.Machine(options + BELOW, machine=machine) as m:
            f, edu = find(m)
            eq(f.get(8) >> 8, 0x060400, f'{machine}: class')
            eq(edu.get(0), 0x11e81234, f'{machine}: ids below')
            edu.set(0x10, EDU)
            edu.enable()
            eq(m.readl(EDU), EDU_ID, f'{machine}: a register below')
            f.set(MEM_WINDOW, 0x0000fff0)
            eq(m.readl(EDU), 0xffffffff, f'{machine}: with the window closed')


@test
def identity():
    """a chassis on PCI; type 7, PCI Express to PCI bridge, on PCI Express"""
    with qtest.Machine(PC, machine='pc') as m:
        f = pcitool.Function(m, 5)
        eq(f.get(0), 0x00011b36, 'ids')
        at = f.cap(CAP_SLOT_ID)
        ok(at, 'slot numbering')
        eq(f.get(at + 3, 1), 3, 'chassis')
    with qtest.Machine(Q35, machine='q35') as m:
        f = bridge_on_q35(m)[0]
        eq(f.get(0), 0x000e1b36, 'ids')
        eq(f.get(f.cap(CAP_EXP) + 2, 2) >> 4 & 15, 7, 'type')


@test
def without_a_chassis():
    """chassis_nr must be given"""
    text = qtest.refuses('-device pci-bridge,id=b1', 'pc')
    ok('chassis' in text, text)


@test
def coming_and_going():
    """what comes is there; what is to go does at a reset"""
    with qtest.Machine(PC, machine='pc', qmp=True) as m:
        edu = bridge_on_pc(m)[1]
        m.qmp.command('device_add', driver='edu', id='e0', bus='b1', addr='4')
        eq(edu.get(0), 0x11e81234, 'added')
        m.qmp.command('device_del', id='e0')
        eq(edu.get(0), 0x11e81234, 'asked to go')
        m.qmp.command('system_reset')
        m.qmp.event('DEVICE_DELETED')
        eq(bridge_on_pc(m)[1].get(0), 0xffffffff, 'gone')


if __name__ == '__main__':
    qtest.main()
