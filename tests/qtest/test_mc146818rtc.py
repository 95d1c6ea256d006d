#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""mc146818rtc from the registers: Motorola MC146818A, 1984; names in brackets are headings of its data sheet."""
import qtest
from qtest import eq, ok

INDEX, DATA = 0x70, 0x71
SECONDS, MINUTES, HOURS, WEEKDAY, DAY, MONTH, YEAR, CENTURY = 0, 2, 4, 6, 7, 8, 9, 0x32
SECONDS_ALARM, MINUTES_ALARM, HOURS_ALARM = 1, 3, 5
A, B, C, D = 10, 11, 12, 13
A_UIP, A_32KHZ = 0x80, 0x20
B_SET, B_PIE, B_AIE, B_UIE, B_DM, B_24H = 0x80, 0x40, 0x20, 0x10, 4, 2
C_IRQF, C_PF, C_AF, C_UF = 0x80, 0x40, 0x20, 0x10
ANY = 0xc0
SECOND = 1_000_000_000

LEAP_EVE = '-rtc base=2024-02-28T23:59:58,clock=vm'


class Rtc:
    """Registers of the chip: r[SECONDS] = 0x59."""

    def __init__(self, m):
        self.m = m

    def __getitem__(self, reg):
        self.m.outb(INDEX, reg)
        return self.m.inb(DATA)

    def __setitem__(self, reg, v):
        self.m.outb(INDEX, reg)
        self.m.outb(DATA, v)

    def time(self):
        return self[HOURS], self[MINUTES], self[SECONDS]

    def date(self):
        return self[CENTURY], self[YEAR], self[MONTH], self[DAY]


def machine(options=LEAP_EVE, **kw):
    return qtest.Machine(options, **kw)


@qtest.test
def time_of_day():
    """the time that -rtc names is there in BCD, of 24 hours, with the day of the week [Table 2]"""
    with machine() as m:
        r = Rtc(m)
        eq(r[B] & (B_DM | B_24H), B_24H, 'B')
        eq(r.time()[:2], (0x23, 0x59), 'time')
        ok(r[SECONDS] in (0x58, 0x59), 'seconds')
        eq(r.date(), (0x20, 0x24, 0x02, 0x28), 'date')
        eq(r[WEEKDAY], 4, 'day of the week')


@qtest.test
def leap_day():
    """the day after the 28th of February 2024 is the 29th"""
    with machine() as m:
        r = Rtc(m)
        m.step(5 * SECOND // 2)
        eq(r.time()[:2], (0, 0), 'time')
        eq(r.date(), (0x20, 0x24, 0x02, 0x29), 'date')
        eq(r[WEEKDAY], 5, 'day of the week')


@qtest.test
def new_century():
    """the last second of 2099 is followed by the year 2100"""
    with machine('-rtc base=2099-12-31T23:59:58,clock=vm') as m:
        m.step(5 * SECOND // 2)
        eq(Rtc(m).date(), (0x21, 0x00, 0x01, 0x01), 'date')


@qtest.test
def binary_twelve_hours():
    """register B chooses binary numbers and a clock of 12 hours [Register B]"""
    with machine() as m:
        r = Rtc(m)
        r[B] = B_DM
        eq(r.time()[:2], (0x8b, 59), 'time')
        eq(r.date(), (20, 24, 2, 28), 'date')


@qtest.test
def set_time():
    """with SET the guest writes a new time, which runs on when SET is cleared [Register B]"""
    with machine() as m:
        r = Rtc(m)
        r[B] = r[B] | B_SET
        for reg, v in ((SECONDS, 0x30), (MINUTES, 0x15), (HOURS, 0x12), (WEEKDAY, 2), (DAY, 0x31), (MONTH, 0x05),
                       (YEAR, 0x99), (CENTURY, 0x19)):
            r[reg] = v
        m.step(SECOND * 6 // 5)
        eq(r.time(), (0x12, 0x15, 0x30), 'time with SET')
        r[B] = r[B] & ~B_SET
        m.step(SECOND * 5 // 4)
        eq(r.time()[:2], (0x12, 0x15), 'time')
        ok(r[SECONDS] in (0x31, 0x32), 'seconds')
        eq(r.date(), (0x19, 0x99, 0x05, 0x31), 'date')


@qtest.test
def index_is_write_only():
    """the index port reads all-ones"""
    with machine() as m:
        m.outb(INDEX, 0x12)
        eq(m.inb(INDEX), 0xff, 'port 0x70')


@qtest.test
def valid():
    """register D says that the battery is good and cannot be written [Register D]"""
    with machine() as m:
        r = Rtc(m)
        eq(r[D], 0x80, 'D')
        r[D] = 0
        eq(r[D], 0x80, 'D')


@qtest.test
def ram():
    """a byte of RAM holds any value, also over a reset"""
    with machine('-device i8042') as m:
        r = Rtc(m)
        for v in (0x5a, 0xff, 0x00, 0xa5):
            r[0x7f] = v
            eq(r[0x7f], v, 'RAM')
        r[B] = B_24H | B_AIE
        m.reset(lambda: r[B] == B_24H)
        eq(r[0x7f], 0xa5, 'RAM after a reset')


@qtest.test
def nmi_mask():
    """bit 7 of the index port is no part of the index"""
    with machine() as m:
        r = Rtc(m)
        r[0x7e] = 0x11
        eq(r[0xfe], 0x11, 'RAM')


@qtest.test
def century_of_ps2():
    """the century is at 0x37 too, where the PS/2 had it"""
    with machine() as m:
        eq(Rtc(m)[0x37], 0x20, 'century')


@qtest.test
def update_flag():
    """each second sets UF; reading C clears it [Register C]"""
    with machine(intercept=True) as m:
        r = Rtc(m)
        r[C]
        r[B] = B_24H | B_UIE
        m.step(SECOND * 21 // 20)
        eq(m.line(8), 1, 'IRQ 8')
        eq(r[C] & (C_IRQF | C_UF), C_IRQF | C_UF, 'C')
        eq(m.line(8), 0, 'IRQ 8')
        eq(r[C] & C_UF, 0, 'C')


@qtest.test
def alarm():
    """the alarm comes when all three bytes match, "any" included [Time, Calendar, and Alarm Locations]"""
    with machine(intercept=True) as m:
        r = Rtc(m)
        r[HOURS_ALARM], r[MINUTES_ALARM], r[SECONDS_ALARM] = ANY, 0x00, 0x00
        r[C]
        r[B] = B_24H | B_AIE
        eq(m.line(8), 0, 'IRQ 8')
        m.step(5 * SECOND // 2)
        eq(m.line(8), 1, 'IRQ 8')
        eq(r[C] & (C_IRQF | C_AF), C_IRQF | C_AF, 'C')
        eq(m.line(8), 0, 'IRQ 8')


@qtest.test
def alarm_of_another_time():
    """no alarm comes at other times"""
    with machine(intercept=True) as m:
        r = Rtc(m)
        r[HOURS_ALARM], r[MINUTES_ALARM], r[SECONDS_ALARM] = 0x12, 0x00, 0x00
        r[C]
        r[B] = B_24H | B_AIE
        m.step(5 * SECOND // 2)
        eq(m.line(8), 0, 'IRQ 8')
        eq(r[C] & C_AF, 0, 'C')


@qtest.test
def periodic():
    """the periodic interrupt comes at the rate of register A, with or after each read of C [Table 5]"""
    with machine(intercept=True) as m:
        r = Rtc(m)
        r[A] = A_32KHZ | 15  # 2 Hz
        r[C]
        r[B] = B_24H | B_PIE
        for _ in range(3):
            m.step(SECOND * 11 // 20)
            eq(m.line(8), 1, 'IRQ 8')
            eq(r[C] & (C_IRQF | C_PF), C_IRQF | C_PF, 'C')
            eq(m.line(8), 0, 'IRQ 8')


@qtest.test
def periodic_off():
    """rate 0 has no periodic interrupt [Table 5]"""
    with machine(intercept=True) as m:
        r = Rtc(m)
        r[A] = A_32KHZ
        r[C]
        r[B] = B_24H | B_PIE
        m.step(SECOND // 2)
        eq(m.line(8), 0, 'IRQ 8')


@qtest.test(tenon='needs steps of the clock')
def update_in_progress():
    """UIP is up for the 244 us before an update [Update Cycle]"""
    with machine('-rtc base=2024-01-01T00:00:00,clock=vm') as m:
        r = Rtc(m)
        eq(r[A] & A_UIP, 0, 'A')
        m.step(SECOND - 300_000)
        eq(r[A] & A_UIP, 0, 'A 300 us before')
        m.step(100_000)
        eq(r[A] & A_UIP, A_UIP, 'A 200 us before')
        eq(r[SECONDS], 0, 'seconds')
        m.step(200_000)
        eq(r[A] & A_UIP, 0, 'A')
        eq(r[SECONDS], 1, 'seconds')


@qtest.test
def divider_reset():
    """the time stands still while the divider is held in reset [Divider Control]"""
    with machine() as m:
        r = Rtc(m)
        r[A] = 0x70
        before = r.time()
        m.step(SECOND * 5 // 4)
        eq(r.time(), before, 'time')


@qtest.test
def reset():
    """a reset turns interrupts off, drops the line and leaves the time [RESET]"""
    with machine(f'{LEAP_EVE} -device i8042', intercept=True) as m:
        r = Rtc(m)
        r[A] = A_32KHZ | 6
        r[B] = B_24H | B_PIE | B_AIE
        m.step(SECOND // 10)
        eq(m.line(8), 1, 'IRQ 8')
        m.reset(lambda: r[B] & (B_PIE | B_AIE) == 0)
        eq(m.line(8), 0, 'IRQ 8')
        eq(r[C] & C_IRQF, 0, 'C')
        eq(r[YEAR], 0x24, 'year')


@qtest.test(tenon='QEMU leaves UIE')
def reset_uie():
    """a reset turns the update interrupt off too [RESET]"""
    with machine('-device i8042') as m:
        r = Rtc(m)
        r[B] = B_24H | B_UIE
        m.reset(lambda: r[B] & B_UIE == 0)


@qtest.test
def host_time():
    """without -rtc base= the time is that of the host"""
    import time
    with machine('') as m:
        r = Rtc(m)
        now = time.gmtime()
        eq((r[CENTURY], r[YEAR]), (int(str(now.tm_year)[:2], 16), int(str(now.tm_year)[2:], 16)), 'year')


if __name__ == '__main__':
    qtest.main()
