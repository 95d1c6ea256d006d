#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""acpi-ged from the registers: QEMU's docs/specs/acpi_hw_reduced_hotplug, ACPI 6.5 4.8.3.7."""
import qtest
from qtest import eq

SELECTOR, SLEEP_CTL, SLEEP_STS, RESET = 0xfea00000, 0xfea00200, 0xfea00201, 0xfea00202
POWER_DOWN, SLP_EN, S5, GSI = 2, 0x20, 5, 9
MACHINE = 'microvm,acpi=on,isa-serial=off,pit=off,pic=off'


def machine(**kw):
    return qtest.Machine('', machine=MACHINE, qmp=True, **kw)


def writeb(m, at, v):
    m.command(f'writeb {at:#x} {v:#x}')


def press(m):
    """The power button; the event is there when this returns."""
    m.qmp.command('system_powerdown')
    m.qmp.event('POWERDOWN')


@qtest.test
def quiet():
    """nothing is pending at start"""
    with machine() as m:
        eq(m.readl(SELECTOR), 0, 'selector')


@qtest.test
def power_button():
    """the power button is event 1; reading the selector takes it"""
    with machine() as m:
        press(m)
        eq(m.readl(SELECTOR), POWER_DOWN, 'selector')
        eq(m.readl(SELECTOR), 0, 'selector, read again')


@qtest.test(tenon='QEMU pulses the line')
def line():
    """the interrupt is high while an event is pending, with an edge for each"""
    with machine(intercept=True) as m:
        press(m)
        eq(m.line(GSI), 1, 'interrupt')
        m.new_edges()
        press(m)
        eq(m.new_edges(), [(GSI, 0), (GSI, 1)], 'edges')
        m.readl(SELECTOR)
        eq(m.line(GSI), 0, 'interrupt')


@qtest.test
def soft_off():
    """SLP_EN with SLP_TYP 5 ends the machine"""
    with machine() as m:
        writeb(m, SLEEP_CTL, S5 << 2 | SLP_EN)
        eq(m.qmp.event('SHUTDOWN')['guest'], True, 'guest')
        eq(m.exit_status(), 0, 'exit status')


@qtest.test
def guest_reset():
    """0x42 in the reset register resets, other values do not"""
    with machine() as m:
        writeb(m, RESET, 0x41)
        writeb(m, RESET, 0x42)
        eq(m.qmp.event('RESET')['guest'], True, 'guest')


@qtest.test
def reset_forgets():
    """a reset drops what is pending"""
    with machine(intercept=True) as m:
        press(m)
        m.reset()
        if not qtest.QEMU:  # it keeps the event
            eq((m.readl(SELECTOR), m.line(GSI)), (0, 0), 'selector, interrupt')


if __name__ == '__main__':
    qtest.main()
