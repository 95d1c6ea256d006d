# SPDX-License-Identifier: BSD-2-Clause
"""A q35 for hot-plug, with the guest's side played on the registers. Root ports are native (PCI Express 6.0 6.7), the root bus
has ACPI's registers (QEMU's docs/specs/acpi_pci_hotplug)."""
import os

import qmp
import pcitool  # these two behind qmp, which knows where they are
import qtest
from qmp import eq

ECAM, PMBASE = 0xb0000000, 0x600
UP, DOWN, EJECT, RMV, SELECT, REFUSE = 0xcc0, 0xcc4, 0xcc8, 0xccc, 0xcd0, 0xcd4
SLTCTL, SLTSTA = 0x18, 0x1a
ABP, PDC, PDS = 0x01, 0x08, 0x40
ATTN_OFF, PWR_ON, PWR_BLINK, PWR_OFF, PCC = 0xc0, 0x100, 0x200, 0x300, 0x400
ABSENT = (0xffff, 0xffff)
RNG = (0x1af4, 0x1005)
ROOT_BUS = "QEMU's q35 has no hot-plug on pcie.0"


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


def image():
    """A file of 1 MiB of zeros that goes with the tests."""
    path = os.path.join(qtest.Setup.get().folder, 'image')
    with open(path, 'wb') as f:
        f.truncate(1 << 20)
    return path
