#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""How the guest finds ISA devices: ACPI 6.3 (numbers in brackets are its sections), and the device tree.
QEMU leaves this to firmware, which does not run here."""
import struct
import subprocess
import tempfile

import qtest
from qtest import eq, ok

WHY = 'QEMU needs firmware for its tables'
ENTRY = 0x100000
RSDP = 0xe0000
MICROVM = 'microvm,isa-serial=off,rtc=on,pit=off,pic=off'


def kernel():
    """A PVH kernel that does nothing: one segment, and the note that names its entry."""
    note = struct.pack('<III4sI', 4, 4, 18, b'Xen\0', ENTRY)
    code = b'\xfa\xf4\xeb\xfd'.ljust(16, b'\0')
    at = 64 + 2 * 56
    header = struct.pack('<4sBBBBB7xHHIQQQIHHHHHH', b'\x7fELF', 2, 1, 1, 0, 0, 2, 62, 1, ENTRY, 64, 0, 0, 64, 56, 2, 0, 0, 0)
    load = struct.pack('<IIQQQQQQ', 1, 5, at, ENTRY, ENTRY, len(code), len(code), 1)
    notes = struct.pack('<IIQQQQQQ', 4, 4, at + len(code), 0, 0, len(note), len(note), 4)
    f = tempfile.NamedTemporaryFile(prefix='qtest-', suffix='.elf')
    f.write(header + load + notes + code + note)
    f.flush()
    return f


def table(m, gpa):
    return m.read(gpa, struct.unpack('<I', m.read(gpa + 4, 4))[0])


def dsdt(m):
    """RSDP, XSDT, FADT.X_DSDT [5.2.5.3, 5.2.8, 5.2.9]"""
    eq(m.read(RSDP, 8), b'RSD PTR ', 'signature')
    xsdt = table(m, struct.unpack('<Q', m.read(RSDP + 24, 8))[0])
    for (gpa,) in struct.iter_unpack('<Q', xsdt[36:]):
        t = table(m, gpa)
        if t[:4] == b'FACP':
            return table(m, struct.unpack('<Q', t[140:148])[0])
    raise qtest.Failure('there is no FADT')


def device(aml, name):
    """The body of Device(name) [20.2.5.2]"""
    at = aml.find(b'\x5b\x82')
    while at >= 0:
        lead = aml[at + 2]
        more = lead >> 6
        length = lead & (0x0f if more else 0x3f)
        for i in range(more):
            length |= aml[at + 3 + i] << (4 + 8 * i)
        body = aml[at + 3 + more:at + 2 + length]
        if body.startswith(name):
            return body
        at = aml.find(b'\x5b\x82', at + 2)
    raise qtest.Failure(f'there is no {name.decode()}')


def eisaid(text):
    """The compressed form [19.3.4]: letters of 5 bits, hex digits, big-endian."""
    letters = sum((ord(c) - 0x40) << (10 - 5 * i) for i, c in enumerate(text[:3]))
    return struct.pack('>HH', letters, int(text[3:], 16))


def io(base, length):
    """I/O port descriptor [6.4.2.5]"""
    return struct.pack('<BBHHBB', 0x47, 1, base, base, 1, length)


def gsi(n):
    """Tail of an extended interrupt descriptor with one interrupt [6.4.3.6]"""
    return struct.pack('<BI', 1, n)


def has(body, **parts):
    for what, part in parts.items():
        ok(part in body, f'no {what} {part.hex()} in {body.hex()}')


def described(machine, options, *names):
    with kernel() as k, qtest.Machine(f'-kernel {k.name} {options}', machine=machine) as m:
        aml = dsdt(m)
        return [device(aml, n) for n in names]


@qtest.test(tenon=WHY)
def serial():
    """each serial port is a PNP0501 with its number, ports and interrupt"""
    one, two = described(MICROVM, '-device isa-serial -device isa-serial,iobase=0x2000,irq=3', b'COM1', b'COM2')
    has(one, hid=eisaid('PNP0501'), uid=b'_UID\x01', ports=io(0x3f8, 8), interrupt=gsi(4))
    has(two, hid=eisaid('PNP0501'), uid=b'_UID\x0a\x02', ports=io(0x2000, 8), interrupt=gsi(3))


@qtest.test(tenon=WHY)
def clock():
    """the clock is a PNP0B00 at ports 0x70 and 0x71 with interrupt 8"""
    rtc, = described(MICROVM, '', b'RTC_')
    has(rtc, hid=eisaid('PNP0B00'), ports=io(0x70, 2), interrupt=gsi(8))


@qtest.test(tenon=WHY)
def keyboard_and_mouse():
    """the keyboard is a PNP0303 with both ports, the mouse a PNP0F13"""
    kbd, mou = described(MICROVM, '-device i8042', b'KBD_', b'MOU_')
    has(kbd, hid=eisaid('PNP0303'), data=io(0x60, 1), command=io(0x64, 1), interrupt=gsi(1))
    has(mou, hid=eisaid('PNP0F13'), interrupt=gsi(12))


@qtest.test(tenon=WHY)
def pvpanic():
    """pvpanic is a QEMU0001 with its port and the methods RDPT and WRPT"""
    panic, = described('q35', '-device pvpanic,ioport=0x1505', b'PEVT')
    has(panic, hid=b'_HID\x0dQEMU0001\0', port=io(0x1505, 1), region=b'PEOR\x01\x0b\x05\x15\x01', read=b'RDPT\x00\xa4PEPT',
        write=b'WRPT\x01\x70\x68PEPT')


def tree(options):
    """The flattened device tree."""
    with tempfile.NamedTemporaryFile(prefix='qtest-', suffix='.dtb') as f:
        run = subprocess.run(qtest.command_line(options, f'{MICROVM},acpi=off,dumpdtb={f.name}'), capture_output=True,
                             text=True, timeout=qtest.TIMEOUT)
        eq(run.returncode, 0, f'exit status ({run.stderr.strip()})')
        return f.read()


@qtest.test(tenon=WHY)
def device_tree():
    """without ACPI a device tree names the serial port and the clock"""
    has(tree('-device isa-serial'), serial=b'ns16550a\0', serial_reg=struct.pack('>III', 1, 0x3f8, 8),
        rtc=b'motorola,mc146818\0', rtc_reg=struct.pack('>III', 1, 0x70, 2))


if __name__ == '__main__':
    qtest.main()
