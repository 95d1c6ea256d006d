# SPDX-License-Identifier: BSD-2-Clause
"""PCI functions for tests: configuration accesses, BARs, capabilities, MSI. A test is its own firmware: it places what it uses."""
import struct

IO_BASE, MEM_BASE = 0xc000, 0xe0000000
COMMAND, STATUS, CLASS_REV, BAR0, INTERRUPT_PIN = 0x04, 0x06, 0x08, 0x10, 0x3d
COMMAND_IO, COMMAND_MEMORY, COMMAND_MASTER, COMMAND_INTX_OFF = 1, 2, 4, 0x400
STATUS_CAPS, STATUS_INTX = 0x10, 0x08
CAP_LIST, CAP_MSI, CAP_MSIX, CAP_EXP = 0x34, 0x05, 0x11, 0x10
EXT_AER, EXT_ACS = 0x01, 0x0d
MSI_ENABLE, MSIX_ENABLE = 1, 0x8000


def devfn(slot, fn=0):
    return slot << 3 | fn


class Function:
    """One function: reads and writes of 1, 2 or 4 bytes by configuration mechanism #1, at ecam if that is given."""

    def __init__(self, m, slot, fn=0, bus=0, ecam=0):
        self.m, self.address = m, bus << 16 | devfn(slot, fn) << 8
        self.ecam = ecam and ecam + (bus << 20 | devfn(slot, fn) << 12)

    def get(self, off, size=4):
        if self.ecam:
            return int.from_bytes(self.m.read(self.ecam + off, size), 'little')
        self.m.outl(0xcf8, 0x80000000 | self.address | off & 0xfc)
        return {1: self.m.inb, 2: self.m.inw, 4: self.m.inl}[size](0xcfc + (off & 3))

    def set(self, off, v, size=4):
        if self.ecam:
            self.m.write(self.ecam + off, v.to_bytes(size, 'little'))
            return
        self.m.outl(0xcf8, 0x80000000 | self.address | off & 0xfc)
        {1: self.m.outb, 2: self.m.outw, 4: self.m.outl}[size](0xcfc + (off & 3), v)

    def ids(self):
        return self.get(0, 2), self.get(2, 2)

    def bar_size(self, n):
        """Size of BAR n (its low dword's part), which it leaves unmapped."""
        self.set(BAR0 + 4 * n, 0xffffffff)
        v = self.get(BAR0 + 4 * n)
        return -(v & (~3 if v & 1 else ~15)) & 0xffffffff

    def place(self, n, address):
        self.set(BAR0 + 4 * n, address)
        return address

    def enable(self, bits=COMMAND_IO | COMMAND_MEMORY | COMMAND_MASTER):
        self.set(COMMAND, self.get(COMMAND, 2) | bits, 2)

    def caps(self):
        """(id, offset) of each capability, in the order of the list."""
        at = self.get(CAP_LIST, 1) if self.get(STATUS, 2) & STATUS_CAPS else 0
        found = []
        while at and len(found) < 48:
            found.append((self.get(at, 1), at))
            at = self.get(at + 1, 1)
        return found

    def cap(self, which):
        return dict(self.caps()).get(which, 0)

    def ext_caps(self):
        """(id, offset) of each extended capability; needs ecam."""
        at, found = 0x100, []
        while at and len(found) < 48:
            head = self.get(at)
            if head & 0xffff:
                found.append((head & 0xffff, at))
            at = head >> 20
        return found

    def msi(self, address, data):
        """Switches MSI on (64-bit address): vector 0 writes data to address."""
        at = self.cap(CAP_MSI)
        self.set(at + 4, address)
        self.set(at + 8, 0)
        self.set(at + 12, data, 2)
        self.set(at + 2, self.get(at + 2, 2) | MSI_ENABLE, 2)

    def msix(self, table, vector, address, data):
        """Switches MSI-X on: vector, whose table is in memory at table, writes data to address."""
        at = self.cap(CAP_MSIX)
        self.m.write(table + 16 * vector, struct.pack('<QII', address, data, 0))
        self.set(at + 2, self.get(at + 2, 2) | MSIX_ENABLE, 2)
