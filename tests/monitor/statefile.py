# SPDX-License-Identifier: BSD-2-Clause
"""State files taken apart and put together, as host/migration/format.h and host/core/state_format.h describe them.

    f = StateFile(data)
    for part in f.parts:               # devices, functions, vCPUs, the machine
        for field in part.fields:      # .path, .kind, .size of an element, .count
            bad = f.replaced(part, field, b'...')
"""
import struct
import zlib

HEADER, SECTION = 16, 16
PATHS = {b'DEV ', b'PCI '}
PREFIX = {b'VCPU': 4, b'MACH': 0}
U8, U16, U32, U64, BOOL, BYTES, TIMER, SUB = range(1, 9)
SUBSECTION, DEV = 64, 65
SIZES = {U8: 1, U16: 2, U32: 4, U64: 8, BOOL: 1, BYTES: 1, TIMER: 9, DEV: 1}


def crc32c_table():
    for n in range(256):
        for _ in range(8):
            n = n >> 1 ^ (0x82f63b78 if n & 1 else 0)
        yield n


TABLE = tuple(crc32c_table())


def crc32c(data):
    """RFC 3720 B.4"""
    crc = 0xffffffff
    for byte in data:
        crc = crc >> 8 ^ TABLE[(crc ^ byte) & 255]
    return crc ^ 0xffffffff


class Field:
    def __init__(self, path, kind, count, at):
        self.path, self.kind, self.count, self.at, self.size = path, kind, count, at, SIZES[kind]

    def __len__(self):
        return self.count * self.size


class Part:
    """A section with a state in it."""

    def __init__(self, data, at, kind, n):
        self.at, self.kind, self.payload = at, kind, data[at + SECTION:at + SECTION + n]
        self.begin = 3 + struct.unpack_from('<H', self.payload)[0] if kind in PATHS else PREFIX[kind]
        self.of = self.payload[2:self.begin - 1].decode() if kind in PATHS else ''
        self.fields = []
        self.cls, end = self.part(self.begin + 12, '')
        assert self.payload[self.begin:self.begin + 4] == b'TnSt' and end == n - 4

    def name(self, at):
        n = self.payload[at]
        return self.payload[at + 1:at + 1 + n].decode(), at + n + 2

    def part(self, at, path):
        name, at = self.name(at)
        n = struct.unpack_from('<II', self.payload, at)[1]
        at += 8
        end = at + n
        while at < end:
            at = self.item(at, path)
        return name, end

    def item(self, at, path):
        kind = self.payload[at]
        name, at = self.name(at + 1)
        count = struct.unpack_from('<I', self.payload, at)[0]
        at += 4
        if kind in SIZES:
            self.fields.append(Field(f'{path}{name}', kind, count, at))
            return at + count * SIZES[kind]
        for i in range(count):
            at = self.part(at, f'{path}{name}[{i}].')[1]
        return at

    def replaced(self, field, value):
        """The payload with another value in the field, and its checksum."""
        assert len(value) == len(field)
        state = self.payload[self.begin:field.at] + value + self.payload[field.at + len(field):-4]
        return self.payload[:self.begin] + state + struct.pack('<I', zlib.crc32(state))


class StateFile:
    def __init__(self, data):
        self.data, self.parts = data, []
        at = HEADER
        while at < len(data):
            kind, _, n, _ = struct.unpack_from('<4sIII', data, at)
            if kind in PATHS or kind in PREFIX:
                self.parts.append(Part(data, at, kind, n))
            at += SECTION + n

    def replaced(self, part, field, value):
        """The whole file, sound but for what it says."""
        payload = part.replaced(field, value)
        head = self.data[part.at:part.at + 12]
        return (self.data[:part.at] + head + struct.pack('<I', crc32c(head + payload)) + payload
                + self.data[part.at + SECTION + len(payload):])


def sections(data):
    """(offset, type, length) of each."""
    at, out = 16, []
    while at < len(data):
        kind, _, n, _ = struct.unpack_from('<4sIII', data, at)
        out.append((at, kind, n))
        at += 16 + n
    return out
