#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""pcie-root-port from the registers: PCI Express 6.0 (7.5.3 the capability, 6.7 hot-plug, 6.2 errors)."""
import pcitool
import qtest
from qtest import eq, ok

SLOT, ECAM = 4, 0xb0000000
BUS_NUMBERS, MEM_WINDOW, PREF_WINDOW = 0x18, 0x20, 0x24
LNKCAP, LNKSTA, SLTCAP, SLTCTL, SLTSTA = 0x0c, 0x12, 0x14, 0x18, 0x1a
DLLLA = 0x2000
ABP, PDC, CC, PDS, DLLSC = 0x01, 0x08, 0x10, 0x40, 0x100  # Slot Status
ABPE, PDCE, CCIE, HPIE = 0x01, 0x08, 0x10, 0x20  # Slot Control
ATTN_OFF, PWR_ON, PWR_BLINK, PWR_OFF, PCC = 0xc0, 0x100, 0x200, 0x300, 0x400
MEMORY = 0x100000


# QEMU's q35 hides native hot-plug behind ACPI's unless told not to.
NATIVE = '-global ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off ' if qtest.QEMU else ''


class Port:
    """A port with its bus numbered 1 and a memory window."""

    def __init__(self, options='', more='', **kw):
        self.m = qtest.Machine(f'{NATIVE}-device pcie-root-port,id=rp,addr={SLOT},chassis=1,slot=3,port=7{options} {more}',
                               machine='q35', **kw)
        self.setup()

    def setup(self):
        m = self.m
        pcitool.Function(m, 0).set(0x60, ECAM | 1)  # PCIEXBAR, which QEMU has no firmware for here
        self.f = pcitool.Function(m, SLOT, ecam=ECAM)
        self.below = pcitool.Function(m, 0, bus=1, ecam=ECAM)
        self.f.set(BUS_NUMBERS, 0x010100)
        self.f.set(MEM_WINDOW, 0xe0f0e000)
        self.f.enable()
        self.exp = self.f.cap(pcitool.CAP_EXP)

    def __enter__(self):
        self.m.__enter__()
        return self

    def __exit__(self, *a):
        self.m.__exit__(*a)

    def __getitem__(self, reg):
        return self.f.get(self.exp + reg, 2)

    def __setitem__(self, reg, v):
        self.f.set(self.exp + reg, v, 2)

    def clear(self):
        self[SLTSTA] = 0xffff

    def plug(self):
        self.m.qmp.command('device_add', driver='edu', id='hot', bus='rp')

    def power(self, on):
        self[SLTCTL] = ATTN_OFF | (PWR_ON if on else PWR_OFF | PCC)


@qtest.test
def identity():
    """it is 1b36:000c, a bridge, with the capabilities of QEMU's in the same places"""
    with Port() as d:
        eq(d.f.ids(), (0x1b36, 0x000c), 'vendor and device')
        eq(d.f.get(pcitool.CLASS_REV), 0x06040000, 'class')
        eq(d.f.get(0x0e, 1) & 0x7f, 1, 'header type')
        eq(sorted(d.f.caps()), [(0x0d, 0x40), (0x10, 0x54), (0x11, 0x48)], 'capabilities')
        eq(d.f.ext_caps(), [(pcitool.EXT_AER, 0x100), (pcitool.EXT_ACS, 0x148)], 'extended capabilities')


@qtest.test
def link_and_slot():
    """port, slot, speed and width are as configured [7.5.3.6, 7.5.3.9]"""
    with Port(',x-speed=8,x-width=4') as d:
        cap = d.f.get(d.exp + LNKCAP)
        eq((cap >> 24, cap & 15, cap >> 4 & 63), (7, 3, 4), 'port, speed, width')
        eq(d.f.get(d.exp + SLTCAP), 3 << 19 | 0x2007b, 'Slot Capabilities')


@qtest.test
def no_hotplug():
    """hotplug=off: the slot does not say that it could"""
    with Port(',hotplug=off') as d:
        eq(d.f.get(d.exp + SLTCAP) & 0x40, 0, 'Hot-Plug Capable')


@qtest.test
def empty():
    """an empty slot says so, and nothing answers below"""
    with Port() as d:
        eq((d[SLTSTA] & PDS, d[LNKSTA] & DLLLA), (0, 0), 'presence, link')
        eq(d.below.get(0), 0xffffffff, 'identification')


@qtest.test
def cold():
    """a device that was there at start is powered, and answers behind the bus number and the window"""
    with Port(more='-device edu,bus=rp') as d:
        eq(d[SLTSTA] & PDS, PDS, 'presence')
        eq(d[SLTCTL] & (PWR_OFF | PCC), PWR_ON, 'power')
        eq(d.below.ids(), (0x1234, 0x11e8), 'vendor and device')
        d.below.place(0, pcitool.MEM_BASE)
        d.below.enable()
        eq(d.m.readl(pcitool.MEM_BASE), 0x010000ed, 'BAR')
        d.f.set(MEM_WINDOW, 0x0000fff0)
        eq(d.m.readl(pcitool.MEM_BASE) == 0x010000ed, False, 'BAR without a window')


@qtest.test
def twice():
    """a slot number is there once in a chassis"""
    text = qtest.refuses('-device pcie-root-port,id=a,chassis=2,slot=1 -device pcie-root-port,id=b,chassis=2,slot=1',
                         machine='q35')
    ok("Can't add chassis slot" in text, f'message: {text}')


@qtest.test
def hot_plug():
    """a hot-plugged device is announced by presence and button, and answers once the guest powers the slot [6.7.1]"""
    with Port(qmp=True) as d:
        d.clear()
        d.plug()
        d.m.until(lambda: d[SLTSTA] & PDC, 'Presence Detect Changed')
        eq(d[SLTSTA] & (PDS | ABP), PDS | ABP, 'Slot Status')
        if not qtest.QEMU:
            eq(d.below.get(0), 0xffffffff, 'identification before power')
        d.clear()
        d.power(True)
        d.m.until(lambda: d.below.ids() == (0x1234, 0x11e8), 'the device answers')
        eq(d[LNKSTA] & DLLLA, DLLLA, 'link')
        eq(d[SLTSTA] & CC, CC, 'Command Completed')


@qtest.test
def unplug():
    """a request presses the button; the guest switches off, and the device goes [6.7.1]"""
    with Port(more='-device edu,id=cold,bus=rp', qmp=True) as d:
        d.clear()
        d.m.qmp.command('device_del', id='cold')
        d.m.until(lambda: d[SLTSTA] & ABP, 'Attention Button Pressed')
        d[SLTCTL] = ATTN_OFF | PWR_BLINK
        d[SLTCTL] = ATTN_OFF | PWR_OFF | PCC
        eq(d.m.qmp.event('DEVICE_DELETED')['device'], 'cold', 'device')
        d.m.until(lambda: not d[SLTSTA] & PDS, 'the slot is empty')
        eq(d.below.get(0), 0xffffffff, 'identification')
        d.plug()
        d.power(True)
        d.m.until(lambda: d.below.ids() == (0x1234, 0x11e8), 'another device answers')


@qtest.test
def busy():
    """while the power indicator blinks a second request is refused"""
    with Port(more='-device edu,id=cold,bus=rp', qmp=True) as d:
        d.m.qmp.command('device_del', id='cold')
        d[SLTCTL] = ATTN_OFF | PWR_BLINK
        try:
            d.m.qmp.command('device_del', id='cold')
        except qtest.Failure:
            return
        ok(False, 'the second request was taken')


@qtest.test
def interrupt():
    """an enabled event is one message when the condition rises, or a level on INTA [6.7.3.4]"""
    with Port(qmp=True, intercept=True) as d:
        d.clear()
        d[SLTCTL] = ATTN_OFF | PWR_OFF | PCC | HPIE | PDCE
        d.clear()
        d.plug()
        d.m.until(lambda: any(v for n, v in d.m.lines.items() if n >= 16) or d.m.sync(), 'INTA')
        d.clear()
        d.m.sync()
        eq([n for n, v in d.m.lines.items() if v and n >= 16], [], 'pins')


@qtest.test
def message():
    """with MSI-X the event is a message"""
    with Port(qmp=True) as d:
        table = d.f.place(0, 0xe2000000)
        d.f.msix(table, 0, MEMORY, 0x1234)
        d[SLTCTL] = ATTN_OFF | PWR_OFF | PCC
        d.clear()
        d[SLTCTL] = ATTN_OFF | PWR_OFF | PCC | HPIE | PDCE
        d.plug()
        d.m.until(lambda: d.m.readl(MEMORY) == 0x1234, 'the message')


@qtest.test
def reset():
    """after a reset a filled slot is powered, its device answers, and no event is left"""
    with Port(more='-device edu,id=cold,bus=rp', qmp=True) as d:
        d[SLTCTL] = ATTN_OFF | PWR_ON | HPIE | PDCE
        d.m.reset()
        d.setup()
        eq((d[SLTCTL] & (HPIE | PDCE | PCC), d[SLTSTA] & (ABP | PDC)), (0, 0), 'control, events')
        eq(d.below.ids(), (0x1234, 0x11e8), 'vendor and device')


@qtest.test
def secondary_reset():
    """the bus reset bit resets what is below"""
    with Port(more='-device edu,bus=rp') as d:
        d.below.place(0, pcitool.MEM_BASE)
        d.f.set(0x3e, 0x40, 2)
        d.f.set(0x3e, 0, 2)
        d.m.until(lambda: d.below.get(0x10) == 0, 'BAR 0 is forgotten')


if __name__ == '__main__':
    qtest.main()
