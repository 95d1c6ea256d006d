"""@NAME@ from its registers, in a machine without a CPU: TENON and PLUGIN name the two files (make check sets them)."""
import os

import pcitool
import qtest

ID, VALUE, ADDRESS, GO, STATUS = 0x00, 0x04, 0x08, 0x10, 0x14
DONE, FAILED = 1, 2
SLOT, TABLE = 4, pcitool.MEM_BASE + 0x1000
MESSAGE, MEMORY, NOWHERE = 0x100000, 0x200000, 0xf0000000


class Device:
    """The function with its BARs placed and MSI-X on; self[REGISTER] reads and writes."""

    def __init__(self, options='', **how):
        self.m = qtest.Machine(f'-plugin {os.environ["PLUGIN"]} -device @NAME@,addr={SLOT}{options}', machine='q35', **how)
        self.setup()

    def setup(self):
        self.f = pcitool.Function(self.m, SLOT)
        self.bar = self.f.place(0, pcitool.MEM_BASE)
        self.f.place(1, TABLE)
        self.f.enable()
        self.f.msix(TABLE, 0, MESSAGE, 0xcafe)

    def __enter__(self):
        self.m.__enter__()
        return self

    def __exit__(self, *a):
        self.m.__exit__(*a)

    def __getitem__(self, register):
        return self.m.readl(self.bar + register)

    def __setitem__(self, register, v):
        self.m.writel(self.bar + register, v)

    def go(self, address, value):
        self[ADDRESS], self[VALUE], self[GO] = address, value, 1


@qtest.test
def dma():
    """GO writes VALUE to memory and sends a message"""
    with Device() as d:
        d.go(MEMORY, 0x12345678)
        qtest.eq(d[STATUS], DONE, 'status')
        qtest.eq(d.m.readl(MEMORY), 0x12345678, 'memory')
        qtest.eq(d.m.readl(MESSAGE), 0xcafe, 'message')


@qtest.test
def no_memory():
    """an address without memory is an error that the guest sees, and nothing else"""
    with Device() as d:
        d.go(NOWHERE, 1)
        qtest.eq(d[STATUS], FAILED, 'status')
        d[STATUS] = 0
        qtest.eq((d[STATUS], d[ID]), (0, 1), 'status, ID')


@qtest.test
def reset():
    """a reset forgets everything, and VALUE is what `first` says"""
    with Device(',first=7', qmp=True) as d:
        d[VALUE], d[ADDRESS] = 99, MEMORY
        d.m.reset()
        d.setup()
        qtest.eq((d[VALUE], d[ADDRESS], d[STATUS]), (7, 0, 0), 'registers')


if __name__ == '__main__':
    qtest.main()
