#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What a machine has without being asked, and what puts a device in or leaves it out: the table of docs/devices.md.
Where its firmware is."""
import os

import qtest
from qtest import eq, ok

WHY = 'QEMU\'s machines have other devices'
SERIAL, I8042, RTC, PM_TIMER, IOAPIC, GED = 0x3fd, 0x64, 0x71, 0x608, 0xfec00000, 0xfea00200


@qtest.test(tenon=WHY)
def serial():
    """a serial port is there with -serial and not without, nor with -serial none"""
    for machine in ('q35', 'microvm'):
        for args, there in (('', False), ('-serial none', False), ('-serial null', True)):
            with qtest.Machine(args, machine=machine) as m:
                eq(m.inb(SERIAL) != 0xff, there, f'{machine} {args}: a serial port')


@qtest.test(tenon=WHY)
def clock():
    """the real-time clock is in every PC, and cannot be switched off"""
    for machine in ('q35', 'microvm', 'q35,acpi=off', 'microvm,acpi=off'):
        with qtest.Machine(machine=machine) as m:
            m.outb(0x70, 0x0d)
            eq(m.inb(RTC), 0x80, f'{machine}: register D')
        ok('rtc' in qtest.refuses('', machine=f'{machine},rtc=off'), f'{machine},rtc=off is not named')


@qtest.test(tenon=WHY)
def ioapic():
    """the I/O APIC is there as soon as anything uses a pin, and not for itself"""
    for args, there in (('', False), ('-chardev null,id=c -device log-device,chardev=c', False)):
        with qtest.Machine(args, machine='none') as m:
            eq(m.readl(IOAPIC) != 0xffffffff, there, f'none {args}: an I/O APIC')
    with qtest.Machine('-serial null', machine='microvm') as m:
        eq(m.readl(IOAPIC), 0, 'IOREGSEL')


@qtest.test(tenon=WHY)
def i8042_or_acpi():
    """q35 has ACPI's registers, or without ACPI a keyboard controller to reboot through; both if asked"""
    for machine, acpi, keyboard in (('q35', True, False), ('q35,acpi=off', False, True), ('q35,i8042=on', True, True),
                                    ('q35,acpi=off,i8042=off', False, False)):
        with qtest.Machine(machine=machine) as m:
            eq(m.inl(PM_TIMER) != 0xffffffff, acpi, f'{machine}: a PM timer')
            eq(m.inb(I8042) != 0xff, keyboard, f'{machine}: a keyboard controller')


@qtest.test(tenon=WHY)
def ged_or_i8042():
    """microvm has the generic event device, or without ACPI a keyboard controller"""
    for machine, acpi, keyboard in (('microvm', True, False), ('microvm,acpi=off', False, True)):
        with qtest.Machine(machine=machine) as m:
            eq(m.read(GED, 1) != b'\xff', acpi, f'{machine}: sleep control')
            eq(m.inb(I8042) != 0xff, keyboard, f'{machine}: a keyboard controller')


@qtest.test(tenon=WHY)
def nothing():
    """the empty machine answers all-ones everywhere, and takes writes"""
    with qtest.Machine(machine='none') as m:
        m.outb(0x70, 0x0d)
        for port in (SERIAL, I8042, RTC, 0xcf8, 0x510):
            eq(m.inb(port), 0xff, f'port {port:#x}')
        m.writel(0xfee00000, 0)
        eq(m.readl(0xfee00000), 0xffffffff, 'memory')


@qtest.test
def any_order():
    """what an option refers to may come after it"""
    words = ['-device isa-debugcon,iobase=0x402,chardev=c', '-chardev null,id=c', '-M memory-backend=m', '-m 64M',
             '-object memory-backend-memfd,id=m,size=64M']
    for turn in range(len(words)):
        with qtest.Machine(' '.join(words[turn:] + words[:turn])) as m:
            eq(m.inb(0x402), 0xe9, 'the port')
            m.writel(0x3fffffc, 0x1234)
            eq(m.readl(0x3fffffc), 0x1234, 'the end of memory')


@qtest.test(tenon='QEMU\'s reset leaves PAM as it was')
def firmware():
    """firmware ends at 4 GiB and at 1 MiB, where it cannot be written; MCH's PAM0 shows RAM there until a reset"""
    for kib in (64, 128, 256):
        image = os.urandom(kib << 10)
        path = os.path.join(qtest.Setup.get().folder, 'firmware')
        with open(path, 'wb') as f:
            f.write(image)
        low, first = min(kib, 128) << 10, image[-0x10000:][:7]
        with qtest.Machine(f'-bios {path}', machine='q35,i8042=on') as m:
            m.write((4 << 30) - 16, bytes(16))
            eq(m.read((4 << 30) - len(image), len(image)), image, f'the {kib} KiB below 4 GiB')
            m.write(0xf0000, b'changed')
            eq(m.read((1 << 20) - low, low), image[-low:], f'the {low >> 10} KiB below 1 MiB')
            m.outl(0xcf8, 0x80000090)  # PAM0, 0xf0000 to 0xfffff: bits 5:4
            m.outb(0xcfc, 0x30)
            m.write(0xf0000, b'changed')
            eq(m.read(0xf0000, 7), b'changed', 'the RAM')
            m.reset(done=lambda: m.read(0xf0000, 7) == first)


if __name__ == '__main__':
    qtest.main()
