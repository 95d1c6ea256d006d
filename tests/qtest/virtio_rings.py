# SPDX-License-Identifier: BSD-2-Clause
"""The driver's side of a virtqueue (Virtual I/O Device 1.3, 2.6 to 2.8): split and packed rings, and memory for both. virtio.py
has the devices that they belong to."""
import struct

import qtest

EVENT_IDX = 29  # 6: the feature bit
PAGE = 4096
DESC_NEXT, DESC_WRITE, DESC_INDIRECT = 1, 2, 4
PACKED_AVAIL, PACKED_USED = 1 << 7, 1 << 15


class Heap:
    """Guest memory to take from; it is never given back."""

    def __init__(self, m, base=0x100000):
        self.m, self.next = m, base

    def take(self, n, align=16):
        at = (self.next + align - 1) & -align
        self.next = at + n
        self.m.command(f'memset {at:#x} {max(n, 1):#x} 0')
        return at

    def put(self, data):
        at = self.take(len(data))
        if data:
            self.m.write(at, data)
        return at


class Ring:
    """What both formats share. A buffer is a list of parts: bytes for the device to read, then sizes for it to write."""

    def __init__(self, dev, q, size):
        self.dev, self.m, self.q, self.size = dev, dev.m, q, size
        self.free = list(range(size))
        self.buffers = {}  # token: (descriptors, [(address, len)] that the device writes)
        self.done = {}  # token: bytes that the device says it wrote

    def parts(self, driver, device):
        """[(address, len, flags)] of a buffer."""
        heap = self.dev.heap
        return [(heap.put(d), len(d), 0) for d in driver] + [(heap.take(n), n, DESC_WRITE) for n in device]

    def written(self, token, n):
        """The n bytes that the device wrote."""
        data = b''.join(self.m.read(at, size) for at, size in self.buffers[token][1])
        return data[:n]

    def add(self, driver=(), device=(), indirect=False):
        """Makes a buffer available: data that the device reads, sizes that it writes. Returns its token."""
        return self.add_parts(self.parts(driver, device), indirect)

    def note(self, token, descriptors, parts):
        self.buffers[token] = (descriptors, [(at, n) for at, n, flags in parts if flags & DESC_WRITE])
        return token

    def kick(self, data=None):
        self.dev.notify(self.q, data)

    def poll(self):
        """Takes what has been used, and asks for an interrupt at the next; returns the tokens."""
        tokens = []
        while True:
            got = self.next_used()
            if got is None:
                self.rearm()
                return tokens
            token, n = got
            self.free += self.buffers[token][0]
            self.done[token] = n
            tokens.append(token)

    def wait(self, token):
        """Waits until the buffer is used; returns what the device wrote, as much as it says."""
        self.m.until(lambda: self.poll() or token in self.done, f'the use of a buffer of queue {self.q}')
        while token not in self.done:
            self.m.until(lambda: token in self.done or self.poll(), f'the use of a buffer of queue {self.q}')
        return self.written(token, self.done.pop(token))


class Split(Ring):
    """2.7."""
    auto_event = True  # poll() moves used_event on; a test of used_event switches that off

    def __init__(self, dev, q, size, align=PAGE):
        super().__init__(dev, q, size)
        self.desc = dev.heap.take(16 * size, PAGE)
        if dev.legacy:  # 2.7.2: one piece
            self.avail = dev.heap.take(6 + 2 * size, 2)
            self.used = dev.heap.take(6 + 8 * size, align)
            qtest.eq(self.avail, self.desc + 16 * size, 'place of the available ring')
        else:
            self.avail, self.used = dev.heap.take(6 + 2 * size, 2), dev.heap.take(6 + 8 * size, 4)
        self.next, self.seen = 0, 0

    def areas(self):
        return self.desc, self.avail, self.used

    def write_desc(self, table, i, at, n, flags, link):
        self.m.write(table + 16 * i, struct.pack('<QIHH', at, n, flags, link))

    def chain(self, table, slots, parts):
        for k, (at, n, flags) in enumerate(parts):
            last = k == len(parts) - 1
            self.write_desc(table, slots[k], at, n, flags | (0 if last else DESC_NEXT), 0 if last else slots[k + 1])

    def add_parts(self, parts, indirect=False):
        slots = [self.free.pop(0) for _ in range(1 if indirect else len(parts))]
        if indirect:
            table = self.dev.heap.take(16 * len(parts))
            self.chain(table, range(len(parts)), parts)
            self.write_desc(self.desc, slots[0], table, 16 * len(parts), DESC_INDIRECT, 0)
        else:
            self.chain(self.desc, slots, parts)
        self.note(slots[0], slots, parts)
        self.offer(slots[0])
        return slots[0]

    def offer(self, head):
        """Puts head into the available ring."""
        self.m.write(self.avail + 4 + 2 * (self.next % self.size), struct.pack('<H', head))
        self.next = (self.next + 1) & 0xffff
        self.m.write(self.avail + 2, struct.pack('<H', self.next))

    def next_used(self):
        if self.seen == struct.unpack('<H', self.m.read(self.used + 2, 2))[0]:
            return None
        token, n = struct.unpack('<II', self.m.read(self.used + 4 + 8 * (self.seen % self.size), 8))
        self.seen = (self.seen + 1) & 0xffff
        qtest.ok(token in self.buffers, f'descriptor {token} is used and was not available')
        return token, n

    def rearm(self):
        if self.auto_event and self.dev.has(EVENT_IDX):
            self.used_event(self.seen)

    # 2.7.7, 2.7.10: suppression of notifications, both ways
    def no_interrupt(self, on):
        self.m.write(self.avail, struct.pack('<H', int(on)))

    def used_event(self, index):
        self.m.write(self.avail + 4 + 2 * self.size, struct.pack('<H', index & 0xffff))

    def no_notify(self):
        return struct.unpack('<H', self.m.read(self.used, 2))[0]

    def avail_event(self):
        return struct.unpack('<H', self.m.read(self.used + 4 + 8 * self.size, 2))[0]


class Packed(Ring):
    """2.8."""

    def __init__(self, dev, q, size):
        super().__init__(dev, q, size)
        self.desc = dev.heap.take(16 * size)
        self.driver, self.device = dev.heap.take(4, 4), dev.heap.take(4, 4)
        self.next, self.wrap, self.seen, self.seen_wrap, self.ids = 0, 1, 0, 1, 0

    def areas(self):
        return self.desc, self.driver, self.device

    def marks(self, wrap):
        """2.8.1: AVAIL is the wrap counter, USED its inverse."""
        return PACKED_AVAIL if wrap else PACKED_USED

    def add_parts(self, parts, indirect=False):
        token, self.ids = self.ids, (self.ids + 1) % self.size
        if indirect:
            table = self.dev.heap.take(16 * len(parts))
            for k, (at, n, flags) in enumerate(parts):
                self.m.write(table + 16 * k, struct.pack('<QIHH', at, n, token, flags))
            entries = [(table, 16 * len(parts), DESC_INDIRECT)]
        else:
            entries = parts
        places = []
        for k, (at, n, flags) in enumerate(entries):
            flags |= DESC_NEXT if k < len(entries) - 1 else 0
            places.append((self.next, struct.pack('<QIHH', at, n, token, flags | self.marks(self.wrap))))
            self.next += 1
            if self.next == self.size:
                self.next, self.wrap = 0, 1 - self.wrap
        for i, d in reversed(places):  # the head last: it makes the buffer available
            self.m.write(self.desc + 16 * i, d)
        self.note(token, [self.free.pop(0) for _ in entries], parts)
        return token

    def next_used(self):
        _, n, token, flags = struct.unpack('<QIHH', self.m.read(self.desc + 16 * self.seen, 16))
        avail, used = bool(flags & PACKED_AVAIL), bool(flags & PACKED_USED)
        if avail != used or used != bool(self.seen_wrap):
            return None
        qtest.ok(token in self.buffers, f'buffer {token} is used and was not available')
        self.seen += len(self.buffers[token][0])
        if self.seen >= self.size:
            self.seen, self.seen_wrap = self.seen - self.size, 1 - self.seen_wrap
        return token, n

    def rearm(self):
        """Interrupts stay on: no_interrupt() and used_event() are the test's."""

    # 2.8.10: suppression of notifications: 0 always, 1 never, 2 at a descriptor (EVENT_IDX)
    def no_interrupt(self, on):
        self.m.write(self.driver, struct.pack('<HH', 0, int(on)))

    def used_event(self, index, wrap):
        self.m.write(self.driver, struct.pack('<HH', index | wrap << 15, 2))

    def device_event(self):
        """(offset and wrap, flags) of the device's suppression structure."""
        return struct.unpack('<HH', self.m.read(self.device, 4))

    def place(self):
        """What a notification with data says (4.1.5.2)."""
        return self.next | self.wrap << 15
