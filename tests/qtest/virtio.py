# SPDX-License-Identifier: BSD-2-Clause
"""A driver for virtio devices over the qtest protocol: PCI modern and legacy, MMIO version 2 and 1; split and packed rings
(Virtual I/O Device 1.3).

    with qtest.Machine('-device virtio-rng-pci,addr=4', machine='q35') as m:
        dev = virtio.pci(m, 4)                    # or virtio.legacy(m, 4), virtio.mmio(m, 0)
        dev.start()                               # status and features up to FEATURES_OK
        ring = dev.queue(0)                       # a split or packed ring, as negotiated
        dev.driver_ok()
        token = ring.add(device=[64])             # one buffer: 64 bytes for the device to write
        ring.kick()
        data = ring.wait(token)                   # what it wrote

The four transports have one interface (class Device); rings have another (class Split, class Packed). Nothing is checked but
what a driver must: tests do that.
"""
import struct

import pcitool
import qtest
from virtio_rings import DESC_WRITE, EVENT_IDX, Heap, PAGE, Packed, Split  # two of them for who imports this module

# 2.1 device status
ACKNOWLEDGE, DRIVER, DRIVER_OK, FEATURES_OK, NEEDS_RESET, FAILED = 1, 2, 4, 8, 64, 128
# 6 reserved feature bits, and those of the ring
NOTIFY_ON_EMPTY, ANY_LAYOUT, INDIRECT_DESC, VERSION_1, ACCESS_PLATFORM, RING_PACKED, IN_ORDER = 24, 27, 28, 32, 33, 34, 35
NOTIFICATION_DATA, RING_RESET = 38, 40
NO_VECTOR = 0xffff


def bit(*numbers):
    """A mask with these bits."""
    return sum(1 << n for n in numbers)


class Device:
    """What a driver does with any transport. Subclasses say how the registers are reached."""
    legacy = False

    def __init__(self, m):
        self.m, self.heap, self.features = m, Heap(m), 0
        self.rings = {}

    # registers: of the transport
    def status(self): raise NotImplementedError
    def set_status(self, v): raise NotImplementedError
    def offered(self): raise NotImplementedError
    def accept(self, features): raise NotImplementedError
    def generation(self): raise NotImplementedError
    def config(self, off, n): raise NotImplementedError
    def set_config(self, off, data): raise NotImplementedError
    def select(self, q): raise NotImplementedError
    def queue_max(self, q): raise NotImplementedError
    def place_queue(self, q, size, desc, driver, device): raise NotImplementedError
    def notify(self, q, data=None): raise NotImplementedError
    def interrupt(self):
        """What is pending, as bits (1 queue, 2 configuration), which takes it away."""
        raise NotImplementedError

    # what is common
    def reset(self):
        """Resets, and waits until the device says that it has."""
        self.set_status(0)
        self.m.until(lambda: self.status() == 0, 'the end of a reset')
        self.rings = {}

    def start(self, want=None, without=()):
        """Reset to FEATURES_OK. want: a mask; None: all that is offered but NOTIFICATION_DATA and bits in without."""
        self.reset()
        self.set_status(ACKNOWLEDGE)
        self.set_status(ACKNOWLEDGE | DRIVER)
        offered = self.offered()
        self.features = offered & ~bit(NOTIFICATION_DATA, *without) if want is None else want
        self.accept(self.features)
        if not self.legacy:
            self.set_status(ACKNOWLEDGE | DRIVER | FEATURES_OK)
            qtest.ok(self.status() & FEATURES_OK, f'FEATURES_OK is refused, of {self.features:#x}')
        return self.features

    def driver_ok(self):
        self.set_status(self.status() | DRIVER_OK)

    def has(self, n):
        return bool(self.features >> n & 1)

    def queue(self, q, size=None, **how):
        """Sets up queue q with size descriptors (all it can have), as split or packed ring."""
        size = size or self.queue_max(q)
        ring = (Packed if self.has(RING_PACKED) else Split)(self, q, size, **how)
        self.rings[q] = ring
        self.place_queue(q, size, *ring.areas())
        return ring

    def config_int(self, off, n):
        return int.from_bytes(self.config(off, n), 'little')


# ---- PCI (4.1) ----

COMMON, NOTIFY, ISR, DEVICE_CFG, PCI_CFG, SHARED_MEMORY = 1, 2, 3, 4, 5, 8
CAP_VENDOR = 0x09


class VirtioCap:
    """struct virtio_pci_cap, and what may come behind it."""

    def __init__(self, f, at):
        self.at, self.len, self.type = at, f.get(at + 2, 1), f.get(at + 3, 1)
        self.bar, self.id = f.get(at + 4, 1), f.get(at + 5, 1)
        self.offset, self.length = f.get(at + 8), f.get(at + 12)
        self.multiplier = f.get(at + 16) if self.type == NOTIFY else 0
        if self.type == SHARED_MEMORY:
            self.offset |= f.get(at + 16) << 32
            self.length |= f.get(at + 20) << 32


class PciDevice(Device):
    """The function: its BARs are placed here, I/O at 0xc000 and memory at 0xe0000000 from slot * 0x1000000 on."""

    def __init__(self, m, slot, fn=0, bus=0, ecam=0):
        super().__init__(m)
        self.f = pcitool.Function(m, slot, fn, bus, ecam)
        self.bars, self.vectors = {}, {}
        self.caps = [VirtioCap(self.f, at) for which, at in self.f.caps() if which == CAP_VENDOR]
        io, mem = pcitool.IO_BASE + slot * 0x100, pcitool.MEM_BASE + slot * 0x1000000
        n = 0
        while n < 6:
            kind = self.f.get(pcitool.BAR0 + 4 * n)
            wide = kind & 7 == 4
            size = self.f.bar_size(n)
            if size and kind & 1:
                io = (io + size - 1) & -size
                self.bars[n] = self.f.place(n, io)
                io += size
            elif size:
                mem = (mem + size - 1) & -size
                self.bars[n] = self.f.place(n, mem)
                mem += size
                if wide:
                    self.f.set(pcitool.BAR0 + 4 * n + 4, 0)
            n += 2 if wide else 1
        self.f.enable()

    def cap(self, which):
        """The first capability of that type."""
        return next((c for c in self.caps if c.type == which), None)

    def gsi(self):
        """The I/O APIC's pin that INTA of this slot of bus 0 ends at."""
        return 16 + ((self.f.address >> 11 & 31) + self.f.get(pcitool.INTERRUPT_PIN, 1) - 1) % 8

    # MSI-X: messages are writes to memory
    def msix_table(self):
        at = self.f.cap(pcitool.CAP_MSIX)
        where = self.f.get(at + 4)
        return self.bars[where & 7] + (where & ~7)

    def msix_on(self, vectors):
        """Switches MSI-X on; vector i of `vectors` writes 0xbeef0000 + i."""
        for i in vectors:
            self.vectors[i] = self.heap.take(4)
            self.f.msix(self.msix_table(), i, self.vectors[i], 0xbeef0000 + i)

    def mask(self, vector, on):
        self.m.writel(self.msix_table() + 16 * vector + 12, int(on))

    def message(self, vector):
        """True if vector's message has come since the last call."""
        v = self.m.readl(self.vectors[vector])
        if v:
            qtest.eq(v, 0xbeef0000 + vector, 'message')
            self.m.writel(self.vectors[vector], 0)
        return v != 0


class Modern(PciDevice):
    """4.1.4: registers in memory, found by capabilities."""

    def __init__(self, m, slot, **where):
        super().__init__(m, slot, **where)
        self.at = {c.type: self.bars[c.bar] + c.offset for c in reversed(self.caps) if c.type in (COMMON, NOTIFY, ISR, DEVICE_CFG)}

    def get(self, off, size):
        return int.from_bytes(self.m.read(self.at[COMMON] + off, size), 'little')

    def set(self, off, v, size):
        self.m.write(self.at[COMMON] + off, (v & (1 << 8 * size) - 1).to_bytes(size, 'little'))

    def status(self):
        return self.get(0x14, 1)

    def set_status(self, v):
        self.set(0x14, v, 1)

    def offered(self):
        v = 0
        for i in range(4):
            self.set(0, i, 4)
            v |= self.get(4, 4) << 32 * i
        return v

    def accept(self, features):
        for i in range(4):
            self.set(8, i, 4)
            self.set(0xc, features >> 32 * i & 0xffffffff, 4)

    def generation(self):
        return self.get(0x15, 1)

    def num_queues(self):
        return self.get(0x12, 2)

    def config(self, off, n):
        return self.m.read(self.at[DEVICE_CFG] + off, n)

    def set_config(self, off, data):
        self.m.write(self.at[DEVICE_CFG] + off, data)

    def select(self, q):
        self.set(0x16, q, 2)

    def queue_max(self, q):
        self.select(q)
        return self.get(0x18, 2)

    def address(self, off, v):
        self.set(off, v & 0xffffffff, 4)
        self.set(off + 4, v >> 32, 4)

    def place_queue(self, q, size, desc, driver, device):
        self.select(q)
        self.set(0x18, size, 2)
        self.address(0x20, desc)
        self.address(0x28, driver)
        self.address(0x30, device)
        self.set(0x1c, 1, 2)

    def enabled(self, q):
        self.select(q)
        return self.get(0x1c, 2)

    def reset_queue(self, q):
        """2.6.1, and waits for it."""
        self.select(q)
        self.set(0x3a, 1, 2)
        self.m.until(lambda: self.get(0x3a, 2) == 0, 'the end of a queue reset')

    def doorbell(self, q):
        self.select(q)
        return self.at[NOTIFY] + self.get(0x1e, 2) * self.cap(NOTIFY).multiplier

    def notify(self, q, data=None):
        """data: with NOTIFICATION_DATA, the upper 16 bits."""
        if data is None:
            self.m.write(self.doorbell(q), struct.pack('<H', q))
        else:
            self.m.write(self.doorbell(q), struct.pack('<HH', q, data))

    def interrupt(self):
        return self.m.read(self.at[ISR], 1)[0]

    def queue_vector(self, q, vector):
        """Sets it; returns what the device made of it."""
        self.select(q)
        self.set(0x1a, vector, 2)
        return self.get(0x1a, 2)

    def config_vector(self, vector):
        self.set(0x10, vector, 2)
        return self.get(0x10, 2)


class Legacy(PciDevice):
    """4.1.4.10: registers in I/O space."""
    legacy = True

    def __init__(self, m, slot, **where):
        super().__init__(m, slot, **where)
        self.io = self.bars[0]

    def config_base(self):
        on = self.f.cap(pcitool.CAP_MSIX) and self.f.get(self.f.cap(pcitool.CAP_MSIX) + 2, 2) & pcitool.MSIX_ENABLE
        return self.io + (24 if on else 20)

    def status(self):
        return self.m.inb(self.io + 18)

    def set_status(self, v):
        self.m.outb(self.io + 18, v)

    def offered(self):
        return self.m.inl(self.io)

    def accept(self, features):
        self.m.outl(self.io + 4, features & 0xffffffff)

    def generation(self):
        return 0

    def config(self, off, n):
        return bytes(self.m.inb(self.config_base() + off + i) for i in range(n))

    def set_config(self, off, data):
        for i, b in enumerate(data):
            self.m.outb(self.config_base() + off + i, b)

    def select(self, q):
        self.m.outw(self.io + 14, q)

    def queue_max(self, q):
        self.select(q)
        return self.m.inw(self.io + 12)

    def place_queue(self, q, size, desc, driver, device):
        self.select(q)
        self.m.outl(self.io + 8, desc >> 12)

    def notify(self, q, data=None):
        self.m.outw(self.io + 16, q)

    def interrupt(self):
        return self.m.inb(self.io + 19)

    def queue_vector(self, q, vector):
        self.select(q)
        self.m.outw(self.io + 22, vector)
        return self.m.inw(self.io + 22)

    def config_vector(self, vector):
        self.m.outw(self.io + 20, vector)
        return self.m.inw(self.io + 20)


# ---- MMIO (4.2) ----

MMIO_BASE, MMIO_STEP, MMIO_MAGIC = 0xfeb00000, 0x200, 0x74726976


class Mmio(Device):
    """4.2.2: version 2; 4.2.4: version 1, which is the legacy interface."""

    def __init__(self, m, base):
        super().__init__(m)
        self.base = base
        qtest.eq(self.get(0), MMIO_MAGIC, 'MagicValue')
        self.version = self.get(4)
        self.legacy = self.version == 1
        if self.legacy:
            self.set(0x28, PAGE)

    def get(self, off):
        return self.m.readl(self.base + off)

    def set(self, off, v):
        self.m.writel(self.base + off, v & 0xffffffff)

    def status(self):
        return self.get(0x70)

    def set_status(self, v):
        self.set(0x70, v)
        if self.legacy and v == 0:
            self.set(0x28, PAGE)

    def offered(self):
        v = 0
        for i in range(1 if self.legacy else 4):
            self.set(0x14, i)
            v |= self.get(0x10) << 32 * i
        return v

    def accept(self, features):
        for i in range(1 if self.legacy else 4):
            self.set(0x24, i)
            self.set(0x20, features >> 32 * i)

    def generation(self):
        return self.get(0xfc)

    def config(self, off, n):
        return self.m.read(self.base + 0x100 + off, n)

    def set_config(self, off, data):
        self.m.write(self.base + 0x100 + off, data)

    def select(self, q):
        self.set(0x30, q)

    def queue_max(self, q):
        self.select(q)
        return self.get(0x34)

    def address(self, off, v):
        self.set(off, v)
        self.set(off + 4, v >> 32)

    def place_queue(self, q, size, desc, driver, device):
        self.select(q)
        self.set(0x38, size)
        if self.legacy:
            self.set(0x3c, PAGE)
            self.set(0x40, desc // PAGE)
            return
        self.address(0x80, desc)
        self.address(0x90, driver)
        self.address(0xa0, device)
        self.set(0x44, 1)

    def enabled(self, q):
        self.select(q)
        return self.get(0x44)

    def reset_queue(self, q):
        """2.6.1, and waits for it."""
        self.select(q)
        self.set(0xc0, 1)
        self.m.until(lambda: self.get(0xc0) == 0, 'the end of a queue reset')

    def notify(self, q, data=None):
        self.set(0x50, q | (data or 0) << 16)

    def interrupt(self):
        v = self.get(0x60)
        self.set(0x64, v)
        return v


def pci(m, slot, **where):
    return Modern(m, slot, **where)


def legacy(m, slot, **where):
    return Legacy(m, slot, **where)


def mmio(m, slot):
    """The transport in slot `slot` of a microvm."""
    return Mmio(m, MMIO_BASE + slot * MMIO_STEP)
