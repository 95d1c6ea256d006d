#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""ICH9-LPC and mch from the registers: ICH9 datasheet 316972-004, ACPI 6.5; 3 Series datasheet 316966-002."""
import pcitool
import qtest
from pm_machine import APM_CNT, APM_STS, BASE, PM1_CNT, PM1_EN, PM1_STS, PM_TMR, PWRBTN, Pm, RST_CNT, RTC, SCI, SCI_EN, SLP_EN, TMR, WAK
from qtest import eq, ok

PMBASE, ACPI_CNTL, PIRQA, RCBA = 0x40, 0x44, 0x60, 0xf0
GPE0_STS, GPE0_EN, SMI_EN = 0x20, 0x28, 0x30
PCIEXBAR, PAM0, SMRAM, TOLUD = 0x60, 0x90, 0x9d, 0xb0


class Lpc(Pm):
    """The bridge and its PM block."""

    def __init__(self, options='', machine='q35', **kw):
        super().__init__(qtest.Machine(options, machine=machine, **kw), 0x1f, 0, ((PMBASE, BASE | 1, 4), (ACPI_CNTL, 0x80, 1)))

    def acpi_on(self):
        self.m.outb(APM_CNT, 2)
        ok(self.get(PM1_CNT) & SCI_EN, 'SCI_EN')


@qtest.test
def identity():
    """the bridge is function 0 of a multi-function device, 8086:2918, class 0601"""
    with Lpc() as d:
        eq(d.f.ids(), (0x8086, 0x2918), 'vendor and device')
        eq(d.f.get(pcitool.CLASS_REV) >> 8, 0x060100, 'class')
        eq(d.f.get(0x0e, 1), 0x80, 'header type')


@qtest.test(tenon='no firmware has run on QEMU')
def pm_in_place():
    """without firmware the PM block is at 0x600, enabled"""
    with Lpc() as d:
        eq((d.f.get(PMBASE), d.f.get(ACPI_CNTL, 1)), (0x601, 0x80), 'PMBASE, ACPI_CNTL')
        ok(d.m.inl(BASE + PM_TMR) != 0xffffffff, 'PM_TMR')


@qtest.test
def pm_moves():
    """the block follows PMBASE, and ACPI_EN takes it away [13.1.13, 13.1.14]"""
    with Lpc() as d:
        d.set(PM1_EN, PWRBTN)
        d.f.set(PMBASE, 0xb000 | 1)
        eq(d.m.inw(0xb000 + PM1_EN), PWRBTN, 'PM1_EN at the new place')
        eq(d.get(PM1_EN), 0xffff, 'the old place')
        d.f.set(ACPI_CNTL, 0, 1)
        eq(d.m.inw(0xb000 + PM1_EN), 0xffff, 'without ACPI_EN')
        d.f.set(ACPI_CNTL, 0x80, 1)
        eq(d.m.inw(0xb000 + PM1_EN), PWRBTN, 'with ACPI_EN')


@qtest.test(tenon='QEMU lets bits 2:1 be written')
def base_bits():
    """PMBASE has bits 15:7, bit 0 is read-only [13.1.13]"""
    with Lpc() as d:
        d.f.set(PMBASE, 0xffffffff)
        eq(d.f.get(PMBASE), 0xff81, 'PMBASE')
        d.f.set(PMBASE, 0)
        eq(d.f.get(PMBASE), 1, 'PMBASE')


@qtest.test(tenon='QEMU lets all bits be written')
def other_masks():
    """PIRQ routes and RCBA keep their reserved bits [13.1.17, 13.1.35]"""
    with Lpc() as d:
        eq(d.f.get(PIRQA), 0x80808080, 'PIRQ[A-D]_ROUT')
        d.f.set(PIRQA, 0xffffffff)
        eq(d.f.get(PIRQA), 0x8f8f8f8f, 'PIRQ[A-D]_ROUT')
        d.f.set(PIRQA + 1, 0, 1)
        eq(d.f.get(PIRQA), 0x8f8f008f, 'PIRQ[A-D]_ROUT')
        d.f.set(RCBA, 0xffffffff)
        eq(d.f.get(RCBA), 0xffffc001, 'RCBA')


@qtest.test
def acpi_enable():
    """commands 2 and 3 switch SCI_EN; the byte beside them is scratch [ACPI 4.8.2.3]"""
    with Lpc() as d:
        if not qtest.QEMU:
            eq(d.get(PM1_CNT) & SCI_EN, 0, 'SCI_EN at reset')
        d.acpi_on()
        d.m.outb(APM_CNT, 3)
        eq(d.get(PM1_CNT) & SCI_EN, 0, 'SCI_EN')
        d.m.outb(APM_STS, 0x5a)
        eq(d.m.inb(APM_STS), 0x5a, 'APM_STS')


@qtest.test(tenon='QEMU says so without SMM only')
def no_smm():
    """SMI_EN tells firmware that SMM is taken care of"""
    with Lpc() as d:
        eq(d.m.inl(BASE + SMI_EN), 0x20, 'SMI_EN')


@qtest.test
def power_button():
    """the power button raises the SCI, until its status is cleared [ACPI 4.8.2.2.1]"""
    with Lpc(qmp=True, intercept=True) as d:
        d.acpi_on()
        d.set(PM1_EN, PWRBTN)
        d.m.qmp.command('system_powerdown')
        d.m.until(lambda: d.get(PM1_STS) & PWRBTN, 'PWRBTN_STS')
        eq(d.m.line(SCI), 1, 'SCI')
        d.set(PM1_STS, PWRBTN)
        eq((d.m.line(SCI), d.get(PM1_STS) & PWRBTN), (0, 0), 'SCI, PWRBTN_STS')


@qtest.test(tenon='QEMU forgets a button that is not enabled')
def power_button_before_enable():
    """the power button is latched without being enabled, and raises the SCI when it is"""
    with Lpc(qmp=True, intercept=True) as d:
        d.acpi_on()
        d.m.qmp.command('system_powerdown')
        d.m.until(lambda: d.get(PM1_STS) & PWRBTN, 'PWRBTN_STS')
        eq(d.m.line(SCI), 0, 'SCI')
        d.set(PM1_EN, PWRBTN)
        eq(d.m.line(SCI), 1, 'SCI')


@qtest.test
def timer():
    """PM_TMR counts 24 bits at 3.579545 MHz [ACPI 4.8.2.1]"""
    with Lpc() as d:
        a = d.m.inl(BASE + PM_TMR)
        d.m.step(100_000_000)
        ticks = (d.m.inl(BASE + PM_TMR) - a) & 0xffffff
        ok(357954 <= ticks <= 357956 or (qtest.QEMU and 350000 < ticks < 700000), f'{ticks} ticks in 100 ms')


@qtest.test
def timer_overflow():
    """the change of its highest bit sets TMR_STS, and raises the SCI if that is enabled"""
    with Lpc(intercept=True) as d:
        d.acpi_on()
        d.set(PM1_STS, TMR)
        d.set(PM1_EN, TMR)
        d.m.step(2_400_000_000)
        d.m.until(lambda: d.get(PM1_STS) & TMR, 'TMR_STS')
        eq(d.m.line(SCI), 1, 'SCI')


@qtest.test
def gpe_enables():
    """GPE0 has 8 bytes of status and 8 of enable; enables keep what is written [13.8.3.6]"""
    with Lpc() as d:
        for i in range(8):
            d.m.outb(BASE + GPE0_EN + i, 0x80 | i)
        eq([d.m.inb(BASE + GPE0_EN + i) for i in range(8)], [0x80 | i for i in range(8)], 'enables')
        eq(d.m.inl(BASE + GPE0_STS), 0, 'status')


@qtest.test
def soft_off():
    """SLP_EN with SLP_TYP 0 ends the machine [ACPI 4.8.3.2.1]"""
    with Lpc(qmp=True) as d:
        d.set(PM1_CNT, SLP_EN)
        eq(d.m.qmp.event('SHUTDOWN')['guest'], True, 'guest')
        eq(d.m.exit_status(), 0, 'exit status')


@qtest.test(tenon="without firmware QEMU's PM block is nowhere after the reset that waking is")
def suspend_to_memory():
    """SLP_TYP 1 is S3: the machine stands still until it is woken, and WAK_STS tells [ACPI 4.8.3.1, 16.1.3]"""
    with Lpc(qmp=True) as d:
        eq(d.m.qmp.command('query-current-machine'), {'wakeup-suspend-support': True}, 'support')
        d.set(PM1_CNT, 1 << 10 | SLP_EN)
        d.m.qmp.event('SUSPEND')
        eq(d.m.qmp.command('query-status')['status'], 'suspended', 'state')
        d.m.qmp.command('system_wakeup')
        d.m.qmp.event('WAKEUP')
        eq(d.m.qmp.command('query-status')['status'], 'running', 'state')
        eq(d.get(PM1_STS) & (WAK | PWRBTN), WAK | PWRBTN, 'PM1_STS')
        d.set(PM1_STS, WAK | PWRBTN)
        eq(d.get(PM1_STS) & WAK, 0, 'PM1_STS')


def set_alarm(m):
    """To the second after the next, by a clock that is binary."""
    def put(reg, v):
        m.outb(0x70, reg)
        m.outb(0x71, v)
    put(0x0b, 0x06)
    m.outb(0x70, 0)
    now = m.inb(0x71)
    for reg, v in ((5, 0xc0), (3, 0xc0), (1, (now + 2) % 60), (0x0b, 0x26)):
        put(reg, v)


@qtest.test(tenon="without firmware QEMU's PM block is nowhere after the reset that waking is")
def woken_by_the_alarm():
    """RTC_EN: the clock's alarm wakes, and RTC_STS tells; without it the machine sleeps on [ACPI 4.8.2.4, 4.8.3.1]"""
    for enabled in True, False:
        with Lpc('-rtc base=2024-02-28T12:00:00,clock=vm', qmp=True) as d:
            set_alarm(d.m)
            d.set(PM1_EN, RTC if enabled else 0)
            d.set(PM1_CNT, 1 << 10 | SLP_EN)
            d.m.qmp.event('SUSPEND')
            d.m.step(5 * 10**9)
            if not enabled:
                eq(d.m.qmp.command('query-status')['status'], 'suspended', 'state')
                continue
            d.m.qmp.event('WAKEUP')
            eq(d.get(PM1_STS) & (WAK | RTC | PWRBTN), WAK | RTC, 'PM1_STS')


@qtest.test
def alarm_of_a_machine_that_runs():
    """the alarm is a fixed event: RTC_STS, and the SCI if RTC_EN is set [ACPI 4.8.2.4]"""
    with Lpc('-rtc base=2024-02-28T12:00:00,clock=vm', qmp=True, intercept=True) as d:
        d.acpi_on()
        d.set(PM1_EN, RTC)
        set_alarm(d.m)
        d.m.step(5 * 10**9)
        eq(d.get(PM1_STS) & (RTC | WAK), RTC, 'PM1_STS')
        eq(d.m.line(SCI), 1, 'SCI')
        d.set(PM1_STS, RTC)
        eq(d.m.line(SCI), 0, 'SCI')
        eq(d.m.qmp.command('query-status')['status'], 'running', 'state')


@qtest.test(tenon="without firmware QEMU's PM block is nowhere after the reset that waking is")
def woken_by_a_key():
    """a key or a button of the mouse wakes, which is told as the power button's doing; a movement does not"""
    for what in ({'type': 'key', 'data': {'down': True, 'key': {'type': 'qcode', 'data': 'a'}}},
                 {'type': 'btn', 'data': {'down': True, 'button': 'left'}}):
        with Lpc('-device i8042', qmp=True) as d:
            d.set(PM1_CNT, 1 << 10 | SLP_EN)
            d.m.qmp.event('SUSPEND')
            d.m.qmp.command('input-send-event', events=[{'type': 'rel', 'data': {'axis': 'x', 'value': 5}}])
            eq(d.m.qmp.command('query-status')['status'], 'suspended', 'state')
            d.m.qmp.command('input-send-event', events=[what])
            d.m.qmp.event('WAKEUP')
            eq(d.get(PM1_STS) & (WAK | RTC | PWRBTN), WAK | PWRBTN, 'PM1_STS')


@qtest.test
def suspend_to_disk():
    """SLP_TYP 2 is S4: as soft off, and monitors hear of it"""
    with Lpc(qmp=True) as d:
        d.set(PM1_CNT, 2 << 10 | SLP_EN)
        d.m.qmp.event('SUSPEND_DISK')
        eq(d.m.qmp.event('SHUTDOWN')['guest'], True, 'guest')
        eq(d.m.exit_status(), 0, 'exit status')


@qtest.test(tenon='QEMU only leaves them out of the tables')
def no_suspend():
    """disable_s3, disable_s4: nothing happens"""
    with Lpc('-global ICH9-LPC.disable_s3=1 -global ICH9-LPC.disable_s4=1', qmp=True) as d:
        for slp_typ in 1, 2:
            d.set(PM1_CNT, slp_typ << 10 | SLP_EN)
            eq(d.m.qmp.command('query-status')['status'], 'running', 'state')


@qtest.test
def reset_control():
    """RST_CPU going from 0 to 1 resets [13.7.5]"""
    with Lpc(qmp=True) as d:
        d.m.outb(RST_CNT, 0x02)
        d.m.outb(RST_CNT, 0x06)
        eq(d.m.qmp.event('RESET')['guest'], True, 'guest')


@qtest.test(tenon='without firmware QEMU leaves nothing in place')
def reset_registers():
    """a reset puts the PM block and the root complex registers back in their places and clears them"""
    with Lpc(qmp=True) as d:
        d.m.writel(0xfed1c000, 0x12345678)
        eq(d.m.readl(0xfed1c000), 0x12345678, 'RCBA+0')
        d.set(PM1_EN, PWRBTN)
        d.f.set(PMBASE, 0xb001)
        d.f.set(RCBA, 0)
        d.m.reset()
        eq((d.f.get(PMBASE), d.f.get(RCBA), d.get(PM1_EN)), (0x601, 0xfed1c001, 0), 'PMBASE, RCBA, PM1_EN')
        eq(d.m.readl(0xfed1c000), 0, 'RCBA+0')


@qtest.test
def rcrb():
    """the root complex register block is where RCBA says, and keeps what is written"""
    with Lpc() as d:
        d.f.set(RCBA, 0xfed1c001)
        d.m.writel(0xfed1c000 + 0x3410, 0x12345678)
        eq(d.m.readl(0xfed1c000 + 0x3410), 0x12345678, 'GCS')
        d.f.set(RCBA, 0)
        ok(d.m.readl(0xfed1c000 + 0x3410) != 0x12345678, 'without the enable bit')


@qtest.test(tenon='QEMU keeps the PM block')
def acpi_off():
    """acpi=off: no PM block and no APM ports; the reset control register stays"""
    with Lpc(machine='q35,acpi=off', qmp=True) as d:
        eq((d.get(PM1_STS), d.m.inb(APM_STS)), (0xffff, 0xff), 'ports')
        d.m.outb(RST_CNT, 0x06)
        d.m.qmp.event('RESET')


@qtest.test
def host_bridge():
    """the host bridge is 8086:29c0, class 0600, at 00:00.0"""
    with qtest.Machine(machine='q35') as m:
        f = pcitool.Function(m, 0)
        eq(f.ids(), (0x8086, 0x29c0), 'vendor and device')
        eq(f.get(pcitool.CLASS_REV) >> 8, 0x060000, 'class')


@qtest.test(tenon='no firmware has run on QEMU')
def pciexbar():
    """PCIEXBAR says where the configuration window is, and TOLUD where low memory ends"""
    with qtest.Machine('-m 256', machine='q35') as m:
        f = pcitool.Function(m, 0)
        base = f.get(PCIEXBAR)
        eq((base & 1, f.get(PCIEXBAR + 4)), (1, 0), 'enable bit, high half')
        eq(m.readl(base & ~1), 0x29c08086, 'the window')
        f.set(PCIEXBAR, 0xc0000001)
        eq(f.get(PCIEXBAR), base, 'PCIEXBAR after a write')
        eq(f.get(TOLUD, 2), 0x1000, 'TOLUD')


@qtest.test
def pam():
    """PAM and SMRAM keep what is written; D_LCK locks SMRAM, and clears D_OPEN"""
    with qtest.Machine(machine='q35') as m:
        f = pcitool.Function(m, 0)
        for i in range(7):
            f.set(PAM0 + i, 0x30, 1)
            eq(f.get(PAM0 + i, 1), 0x30, f'PAM{i}')
        if qtest.QEMU:
            return
        eq(f.get(SMRAM, 1), 2, 'SMRAM')
        f.set(SMRAM, 0x48, 1)
        eq(f.get(SMRAM, 1), 0x4a, 'SMRAM')
        f.set(SMRAM, 0x50, 1)
        eq(f.get(SMRAM, 1) & 0x50, 0x10, 'SMRAM, being locked')
        f.set(SMRAM, 0x40, 1)
        eq(f.get(SMRAM, 1) & 0x50, 0x10, 'SMRAM when locked')


# ---- TCO: the watchdog (13.9) ----

TCO, TICK = BASE + 0x60, 600_000_000
RLD, STS1, STS2, CNT1, CNT2, SW_IRQ, TIMER = 0, 4, 6, 8, 0xa, 0x10, 0x12
TIMEOUT, SECOND, BOOT, HALT, LOCK = 8, 2, 4, 0x800, 0x1000


def tco(d, reg, v=None):
    return d.m.inw(TCO + reg) if v is None else d.m.outw(TCO + reg, v)


def start_tco(d, ticks):
    tco(d, CNT1, HALT)
    tco(d, TIMER, ticks)
    tco(d, RLD, 1)
    tco(d, CNT1, 0)


@qtest.test
def tco_defaults():
    """13.9: values after a reset; TCO1_CNT stays locked once it is"""
    with Lpc() as d:
        eq((tco(d, RLD), tco(d, STS1), tco(d, STS2), tco(d, CNT1), tco(d, CNT2), tco(d, TIMER)), (0, 0, 0, 0, 8, 4), 'words')
        eq(d.m.inb(TCO + SW_IRQ), 3, 'SW_IRQ_GEN')
        tco(d, CNT1, LOCK)
        tco(d, CNT1, 0)
        eq(tco(d, CNT1), LOCK, 'TCO1_CNT')


@qtest.test
def tco_counts():
    """13.9.1: it counts down in ticks of 0.6 s; a write loads it, TMR_HLT keeps it"""
    with Lpc() as d:
        start_tco(d, 10)
        eq(tco(d, RLD), 10, 'at first')
        d.m.step(3 * TICK)
        eq(tco(d, RLD), 7, 'after three')
        tco(d, RLD, 1)
        eq(tco(d, RLD), 10, 'loaded')
        d.m.step(TICK)
        tco(d, CNT1, HALT)
        d.m.step(100 * TICK)
        eq(tco(d, STS1), 0, 'nothing while it is halted')


@qtest.test
def tco_no_reboot():
    """13.9.4, 13.9.5: with NO_REBOOT both timeouts are bits that a one clears, and it counts on"""
    with Lpc('-global ICH9-LPC.noreboot=on') as d:
        start_tco(d, 8)
        d.m.step(8 * TICK)
        eq((tco(d, STS1) & TIMEOUT, tco(d, STS2)), (TIMEOUT, 0), 'first')
        tco(d, STS1, TIMEOUT)
        eq(tco(d, STS1), 0, 'cleared')
        d.m.step(8 * TICK)
        eq((tco(d, STS1), tco(d, STS2)), (TIMEOUT, SECOND | BOOT), 'second')
        tco(d, STS2, SECOND | BOOT)
        eq(tco(d, STS2), 0, 'cleared, too')


@qtest.test
def tco_bites():
    """a guest that lets it run out twice hangs: WATCHDOG, and what -action says"""
    for action in ('none', 'pause'):
        with Lpc(f'-watchdog-action {action}', qmp=True) as d:
            start_tco(d, 4)
            d.m.step(8 * TICK)
            eq(d.m.qmp.event('WATCHDOG'), {'action': action}, 'event')
    with Lpc('-watchdog-action reset', qmp=True) as d:
        start_tco(d, 4)
        d.m.step(8 * TICK)
        d.m.qmp.event('RESET')
        eq(tco(d, TIMER), 4, 'after the reset')


if __name__ == '__main__':
    qtest.main()
