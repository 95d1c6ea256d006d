# SPDX-License-Identifier: BSD-2-Clause
"""A machine with the ACPI PM block (ACPI 6.5, 4.8) of a southbridge in I/O space."""
import pcitool
import qtest

PM1_STS, PM1_EN, PM1_CNT, PM_TMR = 0, 2, 4, 8
SCI_EN, SLP_EN, WAK, PWRBTN, RTC, TMR = 1, 0x2000, 0x8000, 0x100, 0x400, 1
APM_CNT, APM_STS, RST_CNT = 0xb2, 0xb3, 0xcf9
BASE, SCI = 0x600, 9


class Pm:
    """The function and its block, which is in place as it is on Tenon from the start: firmware would have written `registers`,
    (register, value, size) each."""

    def __init__(self, machine, slot, function, registers):
        self.m = machine
        self.f = pcitool.Function(machine, slot, function)
        for register in registers if qtest.QEMU else ():
            self.f.set(*register)

    def __enter__(self):
        self.m.__enter__()
        return self

    def __exit__(self, *a):
        self.m.__exit__(*a)

    def get(self, reg):
        return self.m.inw(BASE + reg)

    def set(self, reg, v):
        self.m.outw(BASE + reg, v)
