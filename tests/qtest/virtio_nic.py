# SPDX-License-Identifier: BSD-2-Clause
"""The driver's side of a network device (VIRTIO 1.3, 5.1), for tests; the world is what the test makes it."""
import functools
import struct

import qtest
import virtio
import virtio_ways

CSUM, GUEST_CSUM, CTRL_GUEST_OFFLOADS, MTU, MAC = 0, 1, 2, 3, 5
MRG_RXBUF, STATUS, CTRL_VQ, CTRL_RX, CTRL_VLAN, CTRL_RX_EXTRA, GUEST_ANNOUNCE, MQ, CTRL_MAC_ADDR = range(15, 24)
HASH_REPORT, RSS, SPEED_DUPLEX = 57, 60, 63
BAD_FEATURE = 30  # QEMU's legacy interface: who takes it is taken for a driver that takes everything
OFFLOADS = (0, 1, 6, 7, 8, 9, 10, 11, 12, 13, 14, 54, 55, 56)
OK, ERR = 0, 1
RX, MACS, VLAN, ANNOUNCE, MULTI, GUEST_OFFLOADS = range(6)
PROMISC, ALLMULTI, ALLUNI, NOMULTI, NOUNI, NOBCAST = range(6)

ME = bytes.fromhex('525400123456')
PEER = bytes.fromhex('020000000001')
OTHER = bytes.fromhex('525400aabbcc')
GROUP = bytes.fromhex('333300000001')
BROADCAST = b'\xff' * 6


def frame(dst=ME, n=60, kind=0x88b5, fill=0x5a, src=PEER):
    """n bytes to dst, of a type that nobody else uses."""
    return (dst + src + struct.pack('>H', kind)).ljust(n, bytes([fill]))


class Nic:
    """A device that runs: its queues, and what a driver does with them."""

    def __init__(self, m, dev, world):
        self.m, self.dev, self.world = m, dev, world

    def start(self, want=None, without=(), pairs=1):
        self.dev.start(want, (*without, BAD_FEATURE))
        self.set_up(pairs)
        return self

    def set_up(self, pairs=1):
        dev = self.dev
        self.hdr = 20 if dev.has(HASH_REPORT) else 12 if dev.has(virtio.VERSION_1) or dev.has(MRG_RXBUF) else 10
        self.rx, self.tx = dev.queue(0), dev.queue(1)
        self.ctrl = dev.queue(2 * pairs) if dev.has(CTRL_VQ) else None
        dev.driver_ok()

    # transmit
    def send(self, data, hdr=None, **how):
        token = self.tx.add([(hdr or b'\0' * self.hdr) + data], **how)
        self.tx.kick()
        return self.tx.wait(token)

    # receive
    def fill(self, n, size=2048):
        tokens = [self.rx.add(device=[size]) for _ in range(n)]
        self.rx.kick()
        return tokens

    def receive(self, tokens):
        """The next packet: (header, data), from the first of these buffers; they are taken off the list."""
        first = self.rx.wait(tokens.pop(0))
        hdr, data = first[:self.hdr], first[self.hdr:]
        count = struct.unpack_from('<H', hdr, 10)[0] if self.hdr >= 12 else 1
        for _ in range(count - 1):
            data += self.rx.wait(tokens.pop(0))
        return hdr, data

    def silent(self):
        """Nothing comes: the packets sent so far are followed by one that every filter lets through."""
        return self.rx.poll() == []

    def passes(self, tokens, data):
        """Does this packet come? One that does is sent behind it, in promiscuous mode or not."""
        self.world.send(data)
        mark = frame(self.mac(), fill=0x77)
        self.world.send(mark)
        got = self.receive(tokens)[1]
        if got == mark:
            return False
        qtest.eq(got, data, 'packet')
        qtest.eq(self.receive(tokens)[1], mark, 'packet')
        return True

    # control
    def command(self, which, cmd, data=b'', **how):
        token = self.ctrl.add([bytes([which, cmd]), data] if data else [bytes([which, cmd])], [1], **how)
        self.ctrl.kick()
        return self.ctrl.wait(token)[0]

    def mode(self, which, on):
        qtest.eq(self.command(RX, which, bytes([on])), OK, 'ack')

    def mac(self):
        return self.dev.config(0, 6)

    def needs_reset(self):
        self.m.until(lambda: self.dev.status() & virtio.NEEDS_RESET or self.dev.legacy, 'DEVICE_NEEDS_RESET')


# ---- what commands carry ----

def table(unicast, multicast):
    return b''.join(struct.pack('<I', len(t)) + b''.join(t) for t in (unicast, multicast))


KEY = bytes.fromhex('6d5a56da255b0ec24167253d43a38fb0d0ca2bcbae7b30b477cb2da38030f20c6a42b73bbeac01fa')
ALL_TYPES = 0x1ff


def hash_config(types=ALL_TYPES, key=KEY):
    return struct.pack('<I8xB', types, len(key)) + key


def rss_config(queues, types=ALL_TYPES, unclassified=0, max_tx=1, key=KEY, mask=None):
    mask = len(queues) - 1 if mask is None else mask
    return (struct.pack('<IHH', types, mask, unclassified) + b''.join(struct.pack('<H', q) for q in queues) +
            struct.pack('<HB', max_tx, len(key)) + key)


# ---- transports ----

WAYS = {w.name: w for w in virtio_ways.ways('net')}


def on(*ways, **how):
    """The case for each of these ways, with the way's name."""
    def add(f):
        for way in ways:
            case = functools.partial(f, way)
            case.__name__ = f'{f.__name__}_{way}'
            case.__doc__ = f'{f.__doc__} ({way})'
            qtest.test(**how)(case) if how else qtest.test(case)
        return f
    return add
