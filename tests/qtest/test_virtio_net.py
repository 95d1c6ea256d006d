# SPDX-License-Identifier: BSD-2-Clause
"""The network device of VIRTIO 1.3, section 5.1, from the driver's side; the world is this program, at the other end of a
datagram socket. Each case runs on the transports and rings that its decorator names."""
import contextlib
import os
import random
import socket
import struct

import qtest
import virtio
from virtio_nic import (ALLMULTI, ALLUNI, ALL_TYPES, ANNOUNCE, BROADCAST, CTRL_GUEST_OFFLOADS, CTRL_MAC_ADDR, CTRL_RX,
                        CTRL_RX_EXTRA, CTRL_VLAN, CTRL_VQ, ERR, GROUP, GUEST_ANNOUNCE, GUEST_OFFLOADS, HASH_REPORT,
                        KEY, MAC, MACS, ME, MQ, MRG_RXBUF, MTU, MULTI, NOBCAST, NOMULTI, NOUNI, Nic, OFFLOADS, OK,
                        OTHER, PEER, PROMISC, RSS, RX, SPEED_DUPLEX, STATUS, VLAN, WAYS, frame, hash_config, on,
                        rss_config, table)

# ---- the world ----

class World:
    """The other end of the cable."""
    count = 0

    def __init__(self):
        World.count += 1
        base = os.path.join(qtest.Setup.get().folder, f'net{World.count}')
        self.ours, self.theirs = base + '.world', base + '.vm'
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(self.ours)
        self.sock.settimeout(qtest.TIMEOUT)

    def args(self):
        return (f'-netdev dgram,id=n,local.type=unix,local.path={self.theirs},'
                f'remote.type=unix,remote.path={self.ours}')

    def send(self, data):
        self.sock.sendto(data, self.theirs)

    def offer(self, data):
        """Sends it, unless the other end takes no more now."""
        self.sock.settimeout(0)
        with contextlib.suppress(BlockingIOError):
            self.send(data)
        self.sock.settimeout(qtest.TIMEOUT)

    def receive(self):
        return self.sock.recv(1 << 17)

    def silent(self, seconds=0.05):
        self.sock.settimeout(seconds)
        try:
            self.sock.recv(1 << 17)
            return False
        except (TimeoutError, BlockingIOError):
            return True
        finally:
            self.sock.settimeout(qtest.TIMEOUT)

    def close(self):
        self.sock.close()


# ---- transports ----

ALL = tuple(WAYS)
MODERN, SEVERAL = ('pci', 'pci_packed'), ('pci', 'pci_packed', 'pci_legacy')


@contextlib.contextmanager
def nic(way='pci', args=''):
    """A device on that transport, and the world."""
    with contextlib.closing(World()) as world:
        way = WAYS[way]
        with way.machine(f'netdev=n{args}', before=world.args()) as m:
            yield Nic(m, way.device(m), world)


# ---- what it is ----

@qtest.test
def identity():
    """5.1.1, 4.1.2.1: device ID 1, as a transitional PCI device 1af4:1000, class Ethernet"""
    with nic() as n:
        qtest.eq(n.dev.f.get(0), 0x1000_1af4, 'vendor and device')
        qtest.eq(n.dev.f.get(8) >> 16, 0x0200, 'class')
        qtest.eq(n.dev.f.get(0x2c) >> 16, 1, 'subsystem')
    with nic(args=',disable-legacy=on') as n:
        qtest.eq(n.dev.f.get(0), 0x1041_1af4, 'vendor and device')


@on(*ALL)
def configuration(way):
    """5.1.4: the address that was not given is 52:54:00:12:34:56, and the link is up"""
    with nic(way) as n:
        n.start()
        qtest.eq(n.mac(), ME, 'mac')
        qtest.eq(n.dev.config_int(6, 2), 1, 'status')


@qtest.test
def next_mac():
    """the second card gets the next address; one that was given is not given again"""
    args = '-device virtio-net-pci,addr=5 -device virtio-net-pci,addr=6,mac=52:54:00:12:34:58 -device virtio-net-pci,addr=7'
    with qtest.Machine(f'-device virtio-net-pci,addr=4 {args}', machine='q35') as m:
        macs = [virtio.pci(m, slot).config(0, 6)[5] for slot in range(4, 8)]
        qtest.eq(macs, [0x56, 0x57, 0x58, 0x59], 'last bytes')


@qtest.test
def no_offloads_for_a_plain_cable():
    """5.1.3: what the back end cannot finish is not offered"""
    with nic() as n:
        n.dev.start()
        offered = [b for b in OFFLOADS if n.dev.offered() >> b & 1]
        qtest.eq([b for b in offered if b != 6], [], 'offered offloads')


@qtest.test
def default_features():
    """5.1.3: what is offered by default: control queue and its commands, status, mergeable buffers, address"""
    with nic() as n:
        n.dev.start()
        for b in (MAC, MRG_RXBUF, STATUS, CTRL_VQ, CTRL_RX, CTRL_VLAN, CTRL_RX_EXTRA, GUEST_ANNOUNCE, CTRL_MAC_ADDR):
            qtest.ok(n.dev.has(b), f'feature {b} is not offered')
        for b in (MTU, MQ, HASH_REPORT, RSS, SPEED_DUPLEX):
            qtest.ok(not n.dev.has(b), f'feature {b} is offered')


@qtest.test
def features_off():
    """each property takes its feature away; what needs it goes too (5.1.3.1)"""
    with nic(args=',ctrl_vq=off,mrg_rxbuf=off,status=off', ) as n:
        n.dev.start()
        for b in (CTRL_VQ, MRG_RXBUF, STATUS):
            qtest.ok(not n.dev.has(b), f'feature {b} is offered')
        if not qtest.QEMU:
            for b in (CTRL_RX, CTRL_VLAN, GUEST_ANNOUNCE, CTRL_MAC_ADDR, CTRL_GUEST_OFFLOADS):
                qtest.ok(not n.dev.has(b), f'feature {b} is offered')


@qtest.test
def mtu_speed_duplex():
    """5.1.4: host_mtu, speed and duplex are reported as given"""
    with nic(args=',host_mtu=1400,speed=10000,duplex=full') as n:
        n.start()
        qtest.ok(n.dev.has(MTU) and n.dev.has(SPEED_DUPLEX), 'they are not offered')
        qtest.eq(n.dev.config_int(10, 2), 1400, 'mtu')
        qtest.eq(n.dev.config_int(12, 4), 10000, 'speed')
        qtest.eq(n.dev.config_int(16, 1), 1, 'duplex')


@qtest.test
def bad_properties():
    """what cannot be is refused by name"""
    for args, text in ((',duplex=maybe', "'duplex' must be 'half' or 'full'"),
                       (',speed=-2', "'speed' must be between 0 and INT_MAX"),
                       (',rx_queue_size=300', 'Invalid rx_queue_size (= 300), must be a power of 2 between 256 and 1024.'),
                       (',rx_queue_size=2048', 'Invalid rx_queue_size (= 2048)'),
                       (',tx_queue_size=128', 'Invalid tx_queue_size (= 128), must be a power of 2 between 256 and')):
        said = qtest.refuses(f'-device virtio-net-pci{args}', machine='q35')
        qtest.ok(text in said, f'{args}: {said!r}')


# ---- 5.1.6.2 transmission ----

@on(*ALL)
def transmit(way):
    """5.1.6.2: a packet behind its header goes out as it is; nothing is written into its buffer"""
    with nic(way) as n:
        n.start()
        for size in (14, 60, 1514):
            data = frame(PEER, size, src=ME)
            n.send(data)
            qtest.eq(n.world.receive(), data, 'packet')
        token = n.tx.add([b'\0' * n.hdr + frame()])
        n.tx.kick()
        qtest.eq(len(n.tx.wait(token)), 0, 'used length')


@on(*ALL)
def transmit_batch(way):
    """5.1.6.2: packets go in the order of the ring, as many as one kick makes available"""
    with nic(way) as n:
        n.start()
        sent = [frame(PEER, 60 + i, fill=i) for i in range(40)]
        tokens = [n.tx.add([b'\0' * n.hdr + s]) for s in sent]
        n.tx.kick()
        for s in sent:
            qtest.eq(n.world.receive(), s, 'packet')
        n.tx.wait(tokens[-1])


@on('pci_legacy', 'mmio_legacy')
def transmit_legacy_headers(way):
    """5.1.6.1: 10 bytes of header without MRG_RXBUF, 12 with it"""
    with nic(way) as n:
        for without, hdr in (((MRG_RXBUF,), 10), ((), 12)):
            n.start(without=without)
            qtest.eq(n.hdr, hdr, 'header')
            n.send(frame(PEER))
            qtest.eq(n.world.receive(), frame(PEER), 'packet')


@on(*SEVERAL)
def transmit_any_layout(way):
    """2.6.4: the header may be cut anywhere, descriptors may be indirect"""
    with nic(way) as n:
        n.start()
        data, hdr = frame(PEER, 100), b'\0' * n.hdr
        whole = hdr + data
        for cuts in ((n.hdr,), (4,), (4, 8, n.hdr + 1), (n.hdr + 14, n.hdr + 50)):
            for indirect in (False, True):
                at = [0, *cuts, len(whole)]
                token = n.tx.add([whole[a:b] for a, b in zip(at, at[1:])], indirect=indirect)
                n.tx.kick()
                n.tx.wait(token)
                qtest.eq(n.world.receive(), data, 'packet')


@on(*MODERN)
def transmit_many_pieces(way):
    """2.7.5: a packet in more pieces than one system call takes"""
    with nic(way, ',tx_queue_size=1024' if not qtest.QEMU else '') as n:
        n.start()
        pieces = min(1024, n.tx.size)
        data = bytes(i & 0xff for i in range(n.hdr + 200 + pieces))
        parts = [b'\0' * n.hdr + data[:1]] + [data[i:i + 1] for i in range(1, pieces - 1)] + [data[pieces - 1:]]
        token = n.tx.add(parts, indirect=True)
        n.tx.kick()
        n.tx.wait(token)
        qtest.eq(n.world.receive(), b''.join(parts)[n.hdr:], 'packet')


@on(*ALL)
def transmit_without_header(way):
    """5.1.6.2: a buffer shorter than the header is beyond help: DEVICE_NEEDS_RESET, and a reset helps"""
    with nic(way) as n:
        n.start()
        n.tx.add([b'\0' * (n.hdr - 1)])
        n.tx.kick()
        n.needs_reset()
        n.start()
        n.send(frame(PEER))
        qtest.eq(n.world.receive(), frame(PEER), 'packet')


@on('pci', 'pci_legacy')
def transmit_what_was_not_negotiated(way):
    """5.1.6.2.1: a segmentation that was not negotiated is not sent, and the next packet is"""
    if qtest.QEMU:
        raise qtest.Skip('QEMU passes the packet on')
    with nic(way) as n:
        n.start()
        n.send(frame(PEER, 3000), hdr=struct.pack('<BBHHHH', 1, 1, 54, 1000, 34, 16).ljust(n.hdr, b'\0'))
        n.send(frame(PEER)[:13])  # no whole Ethernet header
        n.send(frame(PEER), hdr=bytes([0x80]).ljust(n.hdr, b'\0'))  # "MUST ignore flag bits that it does not recognize"
        qtest.eq(n.world.receive(), frame(PEER), 'packet')


@qtest.test
def transmit_by_timer():
    """tx=timer: what one kick offers goes when the timer ends, or with the second kick"""
    if qtest.QEMU:
        raise qtest.Skip('its clock runs')
    with nic(args=',tx=timer,x-txtimer=1000000') as n:
        n.start()
        first, second = frame(PEER, fill=1), frame(PEER, fill=2)
        n.tx.add([b'\0' * n.hdr + first])
        n.tx.kick()
        n.m.step(900000)
        qtest.ok(n.world.silent(), 'the packet went before its time')
        n.m.step(200000)
        qtest.eq(n.world.receive(), first, 'packet')
        n.tx.add([b'\0' * n.hdr + first])
        n.tx.kick()
        qtest.ok(n.world.silent(), 'the packet went before its time')
        n.tx.add([b'\0' * n.hdr + second])
        n.tx.kick()
        qtest.eq(n.world.receive(), first, 'packet')
        qtest.eq(n.world.receive(), second, 'packet')


# ---- 5.1.6.3, 5.1.6.4 receive ----

@on(*ALL)
def receive(way):
    """5.1.6.4: a packet behind its header, which says nothing but one buffer"""
    with nic(way) as n:
        n.start()
        tokens = n.fill(8)
        for size in (14, 60, 1514):
            data = frame(ME, size)
            n.world.send(data)
            hdr, got = n.receive(tokens)
            qtest.eq(got[:size], data, 'packet')
            qtest.eq(got[size:], b'', 'what is behind it')
            qtest.eq(hdr[:10], b'\0' * 10, 'header')
            if n.hdr >= 12:
                qtest.eq(struct.unpack_from('<H', hdr, 10)[0], 1, 'num_buffers')


@on(*ALL)
def receive_merged(way):
    """5.1.6.4.1: a packet over several buffers: num_buffers says how many, all but the last are full"""
    with nic(way) as n:
        n.start()
        tokens = n.fill(16, 128)
        data = bytes(range(256)) * 4
        n.world.send(frame(ME) + data)
        first = n.rx.wait(tokens[0])
        count = struct.unpack_from('<H', first, 10)[0]
        qtest.eq(count, -(-(12 + 60 + len(data)) // 128), 'num_buffers')
        qtest.eq(len(first), 128, 'length of the first buffer')
        got = [n.rx.wait(t) for t in tokens[1:count]]
        qtest.eq({len(g) for g in got[:-1]}, {128}, 'length of the others')
        qtest.eq(first[12:] + b''.join(got), frame(ME) + data, 'packet')
        qtest.eq(n.rx.poll(), [], 'further buffers')


@on(*SEVERAL)
def receive_split_buffers(way):
    """2.6.4: a receive buffer may be cut anywhere, the header too"""
    with nic(way) as n:
        n.start(without=(MRG_RXBUF,))
        sizes = [3, 5, 4, 1, 30, 400, 1200]
        token = n.rx.add(device=sizes)
        n.rx.kick()
        data = frame(ME, 1000)
        n.world.send(data)
        got = n.rx.wait(token)
        qtest.eq(got[n.hdr:], data, 'packet')
        qtest.eq(got[:10], b'\0' * 10, 'header')


@on(*SEVERAL)
def receive_without_merging(way):
    """5.1.6.3.2: without MRG_RXBUF a packet takes one buffer; one that does not fit is dropped"""
    with nic(way) as n:
        n.start(without=(MRG_RXBUF,))
        tokens = n.fill(2, 300)
        n.world.send(frame(ME, 1000))
        n.world.send(frame(ME, 200))
        hdr, got = n.receive(tokens)
        qtest.eq(got, frame(ME, 200), 'packet')
        if n.hdr >= 12 and not qtest.QEMU:  # which says 0
            qtest.eq(struct.unpack_from('<H', hdr, 10)[0], 1, 'num_buffers')


@on(*ALL)
def receive_later(way):
    """5.1.6.3: packets that come before there are buffers are not lost, and keep their order"""
    with nic(way) as n:
        n.start()
        sent = [frame(ME, 70 + i, fill=i) for i in range(10)]
        for s in sent:
            n.world.send(s)
        n.m.step(1000)
        tokens = n.fill(4)
        got = [n.receive(tokens)[1] for _ in range(4)]
        tokens = n.fill(6)
        got += [n.receive(tokens)[1] for _ in range(6)]
        qtest.eq(got, sent, 'packets')


@on(*MODERN)
def receive_merged_later(way):
    """5.1.6.4.1: a packet waits until there are enough buffers for all of it"""
    with nic(way) as n:
        n.start()
        tokens = n.fill(2, 128)
        data = frame(ME, 600)
        n.world.send(data)
        n.m.step(1000)
        qtest.eq(n.rx.poll(), [], 'used buffers')
        tokens += n.fill(2, 128)
        qtest.eq(n.rx.poll(), [], 'used buffers')
        tokens += n.fill(2, 128)
        qtest.eq(n.receive(tokens)[1], data, 'packet')


@on(*MODERN)
def receive_into_crumbs(way):
    """2.7.5: buffers in more pieces than one system call takes; a packet that they cannot hold is dropped, not waited for"""
    if qtest.QEMU:
        raise qtest.Skip('QEMU waits for ever')
    with nic(way, ',rx_queue_size=1024') as n:
        n.start()
        tokens = [n.rx.add(device=[1] * 600, indirect=True) for _ in range(4)]
        n.rx.kick()
        n.world.send(frame(ME, 2000))
        n.world.send(frame(ME, 700))
        n.world.send(frame(ME, 60))
        qtest.eq(n.receive(tokens)[1], frame(ME, 60), 'packet')


@on(*ALL)
def receive_before_the_driver(way):
    """2.1.2: nothing is received before DRIVER_OK; a reset takes all buffers back"""
    with nic(way) as n:
        n.start()
        tokens = n.fill(2)
        n.dev.reset()
        n.m.command(f'memset 0x100000 0x100 0')
        n.start()
        tokens = n.fill(2)
        n.world.send(frame(ME))
        qtest.eq(n.receive(tokens)[1], frame(ME), 'packet')


@on(*MODERN)
def receive_buffer_without_room(way):
    """5.1.6.3.1: a buffer that cannot hold the header is beyond help"""
    if qtest.QEMU:
        raise qtest.Skip('QEMU writes half a header')
    with nic(way) as n:
        n.start()
        n.fill(1, 11)
        n.world.send(frame(ME))
        n.needs_reset()


@on(*MODERN)
def mtu_is_kept(way):
    """5.1.4.1: no packet above mtu is passed on once VIRTIO_NET_F_MTU was negotiated"""
    if qtest.QEMU:
        raise qtest.Skip('QEMU leaves that to the network')
    with nic(way, ',host_mtu=1000') as n:
        n.start()
        tokens = n.fill(8)
        qtest.ok(n.passes(tokens, frame(ME, 1014)), 'a packet of mtu bytes is dropped')
        qtest.ok(not n.passes(tokens, frame(ME, 1015)), 'a longer one passes')
        qtest.ok(n.passes(tokens, frame(ME, 1018, kind=0x8100, fill=0)), 'with its tag it is dropped')
        n.start(without=(MTU,))
        tokens = n.fill(8)
        qtest.ok(n.passes(tokens, frame(ME, 1015)), 'a driver that knows no mtu gets less')


# ---- 5.1.6.5.1, 2: filters ----

@on(*SEVERAL)
def rx_modes(way):
    """5.1.6.5.1.1: promiscuous, all and no unicast, multicast and broadcast"""
    with nic(way) as n:
        n.start()
        tokens = n.fill(100)
        def check(**want):
            for name, dst in (('other', OTHER), ('group', GROUP), ('all', BROADCAST)):
                qtest.eq(n.passes(tokens, frame(dst, fill=0)), want[name], name)
        check(other=True, group=True, all=True)  # a driver without filters sees everything
        n.mode(PROMISC, 0)
        check(other=False, group=False, all=True)
        n.mode(ALLMULTI, 1)
        check(other=False, group=True, all=True)
        n.mode(NOMULTI, 1)
        check(other=False, group=False, all=True)
        n.mode(ALLUNI, 1)
        n.mode(NOBCAST, 1)
        check(other=True, group=False, all=False)
        n.mode(PROMISC, 1)
        check(other=True, group=True, all=True)
        n.mode(PROMISC, 0)
        n.mode(NOUNI, 1)
        n.world.send(frame(ME))
        n.world.send(frame(OTHER))
        n.mode(PROMISC, 1)


@on(*MODERN)
def runts(way):
    """5.1.6.5.1.1: what is shorter than a header has no address: only a promiscuous driver sees it"""
    with nic(way) as n:
        n.start()
        tokens = n.fill(8)
        n.world.send(b'TEST')
        qtest.eq(n.receive(tokens)[1], b'TEST', 'packet')
        n.mode(PROMISC, 0)
        n.world.send(b'\xff' * 13)
        ok = frame(BROADCAST)
        n.world.send(ok)
        qtest.eq(n.receive(tokens)[1], ok, 'the first packet that comes')


@on(*MODERN)
def rx_modes_are_checked(way):
    """5.1.6.5.1: a mode that is not there, or data that is not one byte"""
    with nic(way) as n:
        n.start()
        for which, data in ((6, b'\1'), (255, b'\1'), (PROMISC, b''), (PROMISC, b'\1\1')):
            if not (qtest.QEMU and data == b'\1\1'):
                qtest.eq(n.command(RX, which, data), ERR, f'ack of {which} with {data!r}')


@on(*SEVERAL)
def mac_table(way):
    """5.1.6.5.2.1: the table lets its addresses through; too many of a kind let all of that kind through"""
    with nic(way) as n:
        n.start()
        tokens = n.fill(100)
        n.mode(PROMISC, 0)
        far, many = bytes.fromhex('525400000099'), [bytes([0x52, 0x54, 1, 0, 0, i]) for i in range(70)]
        qtest.eq(n.command(MACS, 0, table([OTHER], [GROUP])), OK, 'ack')
        qtest.eq([n.passes(tokens, frame(a, fill=0)) for a in (OTHER, GROUP, far)], [True, True, False], 'what passes')
        qtest.eq(n.command(MACS, 0, table([], [])), OK, 'ack')
        qtest.eq([n.passes(tokens, frame(a, fill=0)) for a in (OTHER, GROUP, far)], [False] * 3, 'what passes')
        qtest.eq(n.command(MACS, 0, table(many, [GROUP])), OK, 'ack')
        qtest.eq([n.passes(tokens, frame(a, fill=0)) for a in (far, GROUP)], [True] * 2, 'what passes')


@on(*MODERN)
def mac_table_is_checked(way):
    """5.1.6.5.2: counts that do not fit the data are an error, and change nothing"""
    with nic(way) as n:
        n.start()
        good = table([OTHER], [GROUP])
        for data in (good[:-1], good + b'\0', good[:4], b'', struct.pack('<I', 0xffffffff) + good[4:],
                     struct.pack('<I', 0x2aaaaaab) + good[4:]):
            qtest.eq(n.command(MACS, 0, data), ERR, f'ack of {data!r}')


@on(*ALL)
def mac_address(way):
    """5.1.6.5.2.1: MAC_ADDR_SET shows in configuration space and is what the filter accepts, until reset"""
    with nic(way) as n:
        n.start()
        tokens = n.fill(8)
        n.mode(PROMISC, 0)
        qtest.eq(n.command(MACS, 1, OTHER), OK, 'ack')
        qtest.eq(n.mac(), OTHER, 'mac')
        qtest.ok(n.passes(tokens, frame(OTHER, fill=1)), 'the new address is filtered')
        qtest.ok(not n.passes(tokens, frame(ME, fill=1)), 'the old one is not')
        qtest.eq(n.command(MACS, 1, OTHER[:5]), ERR, 'ack')
        n.start()
        qtest.eq(n.mac(), ME, 'mac after a reset')


@on('pci_legacy', 'mmio_legacy')
def mac_legacy(way):
    """5.1.4.3: the address is writable in configuration space, unless there is a command for it"""
    with nic(way) as n:
        n.start(without=(CTRL_MAC_ADDR,))
        n.dev.set_config(0, OTHER)
        qtest.eq(n.mac(), OTHER, 'mac')
        n.start()
        n.dev.set_config(0, OTHER)
        qtest.eq(n.mac(), ME, 'mac')


@qtest.test
def configuration_is_read_only():
    """5.1.4: with VERSION_1 a write changes nothing"""
    with nic() as n:
        n.start(without=(CTRL_MAC_ADDR,))
        n.dev.set_config(0, OTHER)
        n.dev.set_config(6, b'\0\0')
        qtest.eq(n.dev.config(0, 8), ME + b'\1\0', 'configuration')


@on(*SEVERAL)
def filters_after_reset(way):
    """5.1.6.5.2.1: the table is empty after a reset, and the modes are as at the start"""
    with nic(way) as n:
        n.start()
        n.mode(PROMISC, 0)
        n.mode(NOBCAST, 1)
        n.command(MACS, 0, table([OTHER], []))
        n.start()
        tokens = n.fill(10)
        n.mode(PROMISC, 0)
        qtest.eq([n.passes(tokens, frame(a, fill=0)) for a in (OTHER, BROADCAST)], [False, True], 'what passes')


def tagged(vid, dst=ME):
    return dst + PEER + struct.pack('>HHH', 0x8100, 0x6000 | vid, 0x88b5) + bytes(46)


@on(*SEVERAL)
def vlan(way):
    """5.1.6.5.3.1: with CTRL_VLAN only tags of the table pass, which is empty at first; untagged packets pass"""
    with nic(way) as n:
        n.start()
        tokens = n.fill(40)
        n.mode(PROMISC, 0)
        qtest.ok(not n.passes(tokens, tagged(7)), 'tag 7 passes')
        qtest.eq(n.command(VLAN, 0, struct.pack('<H', 7)), OK, 'ack')
        qtest.eq([n.passes(tokens, tagged(v)) for v in (7, 8, 4095)], [True, False, False], 'what passes')
        qtest.eq(n.command(VLAN, 1, struct.pack('<H', 7)), OK, 'ack')
        qtest.ok(not n.passes(tokens, tagged(7)), 'tag 7 passes')
        qtest.eq(n.command(VLAN, 0, struct.pack('<H', 4096)), ERR, 'ack')
        n.start(without=(CTRL_VLAN,))
        tokens = n.fill(10)
        n.mode(PROMISC, 0)
        qtest.ok(n.passes(tokens, tagged(7)), 'a driver without CTRL_VLAN does not see tags')


# ---- 5.1.6.5: the queue itself ----

@on(*ALL)
def control_errors(way):
    """5.1.6.5: what the device does not know is answered with VIRTIO_NET_ERR"""
    with nic(way) as n:
        n.start()
        for which, cmd, data in ((9, 0, b''), (255, 255, b'xyz'), (MACS, 2, b'\0' * 6), (VLAN, 2, b'\1\0'), (ANNOUNCE, 1, b''),
                                 (MULTI, 0, b'\1\0'), (MULTI, 1, b'\0' * 64), (MULTI, 2, b'\0' * 64), (MULTI, 3, b'')):
            if qtest.QEMU and (which, cmd) in ((MULTI, 0), (MULTI, 1), (MULTI, 2)):
                continue
            qtest.eq(n.command(which, cmd, data), ERR, f'ack of {which}.{cmd}')
        n.mode(ALLMULTI, 1)


@on(*MODERN)
def control_framing(way):
    """2.6.4: a command may be cut anywhere, and be indirect"""
    with nic(way) as n:
        n.start()
        whole = bytes([MACS, 1]) + OTHER
        for cuts in ((), (1,), (2,), (1, 3, 5)):
            at = [0, *cuts, len(whole)]
            token = n.ctrl.add([whole[a:b] for a, b in zip(at, at[1:])], [1], indirect=True)
            n.ctrl.kick()
            qtest.eq(n.ctrl.wait(token), b'\0', 'ack')
        qtest.eq(n.mac(), OTHER, 'mac')


@on(*ALL)
def control_without_room(way):
    """5.1.6.5: a command that has no room for its ack, or no header, is beyond help"""
    with nic(way) as n:
        for driver, device in (([b'\0\0\1'], []), ([b'\0'], [1])):
            n.start()
            n.ctrl.add(driver, device)
            n.ctrl.kick()
            n.needs_reset()
        n.start()
        n.mode(PROMISC, 0)


@on(*MODERN)
def commands_need_their_feature(way):
    """5.1.6.5: a command whose feature was not negotiated is an error"""
    if qtest.QEMU:
        raise qtest.Skip('QEMU does not ask for the feature')
    with nic(way, ',rss=on,hash=on,mq=on') as n:
        n.start(without=(CTRL_RX, CTRL_RX_EXTRA, CTRL_VLAN, CTRL_MAC_ADDR, CTRL_GUEST_OFFLOADS, RSS, HASH_REPORT, MQ))
        for which, cmd, data in ((RX, PROMISC, b'\0'), (RX, ALLUNI, b'\0'), (MACS, 0, table([], [])), (MACS, 1, OTHER),
                                 (VLAN, 0, b'\1\0'), (MULTI, 0, b'\1\0'), (MULTI, 1, rss_config([0])),
                                 (MULTI, 2, hash_config()), (GUEST_OFFLOADS, 0, b'\0' * 8)):
            qtest.eq(n.command(which, cmd, data), ERR, f'ack of {which}.{cmd}')


@on(*MODERN)
def no_announcement_to_acknowledge(way):
    """5.1.6.5.4: nothing is to be acknowledged before the device has asked"""
    with nic(way) as n:
        n.start()
        qtest.eq(n.command(ANNOUNCE, 0), ERR, 'ack')


@on(*MODERN)
def pairs(way):
    """5.1.6.5.6: VQ_PAIRS_SET takes 1 to max_virtqueue_pairs"""
    with nic(way, ',mq=on') as n:
        n.start()
        qtest.eq(n.dev.config_int(8, 2), 1, 'max_virtqueue_pairs')
        for count, ack in ((0, ERR), (1, OK), (2, ERR), (0x8000, ERR)):
            qtest.eq(n.command(MULTI, 0, struct.pack('<H', count)), ack, f'ack of {count}')


@on(*MODERN)
def offloads_are_checked(way):
    """5.1.6.5.8: an offload that was not negotiated cannot be turned on"""
    if qtest.QEMU:
        raise qtest.Skip('QEMU offers the command and refuses it')
    with nic(way) as n:
        n.start()
        if not n.dev.has(CTRL_GUEST_OFFLOADS):
            raise qtest.Skip('not offered')
        qtest.eq(n.command(GUEST_OFFLOADS, 0, struct.pack('<Q', 0)), OK, 'ack')
        qtest.eq(n.command(GUEST_OFFLOADS, 0, struct.pack('<Q', 1 << 1)), ERR, 'ack')
        qtest.eq(n.command(GUEST_OFFLOADS, 0, b'\0' * 7), ERR, 'ack')


# ---- 5.1.6.4.3: hash ----

def tcp4(proto=6):
    """The first packet of the published verification suite: 66.9.149.187:2794 to 161.142.100.80:1766."""
    ip = struct.pack('>BBHHHBBH4B4B', 0x45, 0, 40, 0, 0, 64, proto, 0, 66, 9, 149, 187, 161, 142, 100, 80)
    return ME + PEER + b'\x08\0' + ip + struct.pack('>HH', 2794, 1766) + bytes(16)


@on(*MODERN)
def hash_report(way):
    """5.1.6.4.4: hash_value and hash_report, once HASH_CONFIG has named types and key; before, NONE"""
    with nic(way, ',hash=on') as n:
        n.start()
        if not n.dev.has(HASH_REPORT):
            raise qtest.Skip('not offered with this back end')
        qtest.ok(n.dev.config_int(17, 1) >= 40, 'rss_max_key_size is below 40')
        qtest.eq(n.dev.config_int(20, 4), ALL_TYPES, 'supported_hash_types')
        tokens = n.fill(8)
        def report(data):
            n.world.send(data)
            hdr, got = n.receive(tokens)
            qtest.eq(got, data, 'packet')
            qtest.eq(hdr[:12], bytes(10) + b'\1\0', 'header')
            return struct.unpack_from('<IHH', hdr, 12)
        qtest.eq(report(tcp4()), (0, 0, 0), 'hash before HASH_CONFIG')
        qtest.eq(n.command(MULTI, 2, hash_config()), OK, 'ack')
        qtest.eq(report(tcp4()), (0x51ccc178, 2, 0), 'hash of TCP')
        qtest.eq(report(tcp4(1)), (0x323e8fc2, 1, 0), 'hash of another protocol')
        qtest.eq(report(frame()), (0, 0, 0), 'hash of what is not IP')
        qtest.eq(n.command(MULTI, 2, hash_config(types=0x200)), ERR, 'ack')
        qtest.eq(n.command(MULTI, 2, hash_config()[:-1]), ERR, 'ack')
        n.send(frame(PEER))
        qtest.eq(n.world.receive(), frame(PEER), 'packet')


@on(*MODERN)
def rss(way):
    """5.1.6.5.7: RSS_CONFIG: queues that are there, a power of two of entries, a key that fits"""
    with nic(way, ',rss=on,mq=on') as n:
        n.start()
        if not n.dev.has(RSS):
            raise qtest.Skip('not offered with this back end')
        qtest.ok(n.dev.config_int(18, 2) >= 128, 'rss_max_indirection_table_length is below 128')
        tokens = n.fill(8)
        qtest.eq(n.command(MULTI, 1, rss_config([0] * 128)), OK, 'ack')
        n.world.send(tcp4())
        qtest.eq(n.receive(tokens)[1], tcp4(), 'packet')
        n.world.send(frame())
        qtest.eq(n.receive(tokens)[1], frame(), 'unclassified packet')
        bad = (rss_config([0] * 256), rss_config([0], max_tx=2), rss_config([0])[:-1], rss_config([0], key=KEY + b'\0'),
               rss_config([0], mask=0xffff), rss_config([0], types=1 << 9), b'', rss_config([0, 1]),
               rss_config([0, 0, 0]), rss_config([0], unclassified=1))
        for data in () if qtest.QEMU else bad:
            qtest.eq(n.command(MULTI, 1, data), ERR, f'ack of {data.hex()}')
        n.world.send(tcp4())
        qtest.eq(n.receive(tokens)[1], tcp4(), 'packet')


# ---- 5.1.6.5.9: notifications coalescing ----

COALESCING, TX_SET, RX_SET, VQ_SET, VQ_GET = 6, 0, 1, 2, 3
COAL = dict(tenon='QEMU has no coalescing')


def coal(n, cmd, packets, usecs, q=None):
    data = struct.pack('<II', packets, usecs)
    return n.command(COALESCING, cmd, data if q is None else struct.pack('<HH', q, 0xffff) + data)


def coal_of(n, q):
    """(max_packets, max_usecs) that the device says queue q has; None: VIRTIO_NET_ERR."""
    token = n.ctrl.add([bytes([COALESCING, VQ_GET]), struct.pack('<HH', q, 0)], [8, 1])
    n.ctrl.kick()
    data = n.ctrl.wait(token)
    return struct.unpack_from('<II', data) if data[8] == OK else None


def interrupted(n):
    n.m.sync()
    return n.dev.interrupt() & 1


@contextlib.contextmanager
def coalescing(way):
    """A device that coalesces, without the interrupts of its control queue."""
    with nic(way, ',notf_coal=on,vq_notf_coal=on') as n:
        n.start(without=(virtio.EVENT_IDX,))
        n.ctrl.no_interrupt(True)
        yield n


@on(*MODERN, **COAL)
def coalescing_by_packets_and_time(way):
    """5.1.6.5.9.1: a notification after max_packets, or max_usecs after the first of them; buffers are used at once"""
    with coalescing(way) as n:
        tokens = n.fill(20)
        qtest.eq(coal(n, RX_SET, 3, 1000), OK, 'ack')
        n.dev.interrupt()
        for _ in range(2):
            n.world.send(frame())
        n.receive(tokens), n.receive(tokens)
        qtest.eq(interrupted(n), 0, 'interrupt after 2 packets')
        n.m.step(900000)
        qtest.eq(interrupted(n), 0, 'interrupt before the time')
        n.m.step(200000)
        qtest.eq(interrupted(n), 1, 'interrupt after the time')
        for _ in range(3):
            n.world.send(frame())
        for _ in range(3):
            n.receive(tokens)
        qtest.eq(interrupted(n), 1, 'interrupt after 3 packets')
        n.m.step(2000000)
        qtest.eq(interrupted(n), 0, 'another one')


@on(*MODERN, **COAL)
def coalescing_changes(way):
    """5.1.6.5.9.4: new parameters may mean that the notification is due; zero means at once"""
    with coalescing(way) as n:
        qtest.eq(coal(n, TX_SET, 15, 1000000), OK, 'ack')
        n.dev.interrupt()
        for _ in range(10):
            n.send(frame(PEER))
        qtest.eq(interrupted(n), 0, 'interrupt after 10 packets')
        qtest.eq(coal(n, TX_SET, 8, 1000000), OK, 'ack')
        qtest.eq(interrupted(n), 1, 'interrupt after the change')
        n.send(frame(PEER))
        qtest.eq(interrupted(n), 0, 'interrupt after one packet')
        qtest.eq(coal(n, TX_SET, 0, 5), OK, 'ack')
        qtest.eq(interrupted(n), 1, 'interrupt after the change')
        n.send(frame(PEER))
        qtest.eq(interrupted(n), 1, 'interrupt after one packet')


@on(*MODERN, **COAL)
def coalescing_by_queue(way):
    """5.1.6.5.9: the last parameters count, whichever command set them; a queue that is enabled anew has those of its kind"""
    with coalescing(way) as n:
        qtest.eq([coal_of(n, q) for q in range(4)], [(0, 0), (0, 0), None, None], 'parameters')
        coal(n, RX_SET, 1, 2)
        qtest.eq(coal(n, VQ_SET, 3, 4, q=0), OK, 'ack')
        qtest.eq(coal(n, VQ_SET, 5, 6, q=1), OK, 'ack')
        qtest.eq([coal_of(n, q) for q in range(2)], [(3, 4), (5, 6)], 'parameters')
        coal(n, TX_SET, 7, 8)
        qtest.eq([coal_of(n, q) for q in range(2)], [(3, 4), (7, 8)], 'parameters')
        for q in (2, 3, 0xffff):
            qtest.eq(coal(n, VQ_SET, 1, 1, q=q), ERR, f'ack for queue {q}')
        qtest.eq(n.command(COALESCING, RX_SET, bytes(7)), ERR, 'ack')
        qtest.eq(n.command(COALESCING, VQ_SET, bytes(8)), ERR, 'ack')
        qtest.eq(n.command(COALESCING, 4, bytes(8)), ERR, 'ack')
        n.dev.reset_queue(0)
        qtest.eq(coal_of(n, 0), None, 'parameters of a queue that is reset')
        n.dev.queue(0)
        qtest.eq(coal_of(n, 0), (1, 2), 'parameters of a queue that is enabled anew')
        n.start()
        qtest.eq([coal_of(n, q) for q in range(2)], [(0, 0)] * 2, 'parameters after a reset')


@on(*MODERN, **COAL)
def coalescing_needs_its_feature(way):
    """5.1.6.5.9: each command belongs to one of the two features"""
    with nic(way, ',notf_coal=on,vq_notf_coal=on') as n:
        n.start(without=(53,))
        qtest.eq([coal(n, RX_SET, 1, 1), coal(n, VQ_SET, 1, 1, q=0)], [ERR, OK], 'acks')
        n.start(without=(52,))
        qtest.eq([coal(n, RX_SET, 1, 1), coal(n, VQ_SET, 1, 1, q=0), coal_of(n, 0)], [OK, ERR, None], 'acks')


# ---- queues ----

@on(*MODERN)
def queue_reset(way):
    """2.6.1: a queue that is reset forgets its buffers and can be used again"""
    with nic(way) as n:
        n.start()
        if not n.dev.has(virtio.RING_RESET):
            raise qtest.Skip('RING_RESET is not offered')
        n.fill(4)
        n.dev.reset_queue(0)
        n.rx = n.dev.queue(0)
        tokens = n.fill(2)
        n.world.send(frame())
        qtest.eq(n.receive(tokens)[1], frame(), 'packet')
        n.dev.reset_queue(1)
        n.tx = n.dev.queue(1)
        n.send(frame(PEER))
        qtest.eq(n.world.receive(), frame(PEER), 'packet')


@on(*ALL)
def fewer_queues_after_a_reset(way):
    """3.1: a driver that uses fewer queues than the one before"""
    with nic(way) as n:
        n.start()
        n.fill(4)
        n.start(without=(CTRL_VQ, CTRL_RX, CTRL_VLAN, CTRL_RX_EXTRA, GUEST_ANNOUNCE, CTRL_MAC_ADDR, CTRL_GUEST_OFFLOADS))
        tokens = n.fill(1)
        n.world.send(frame())
        qtest.eq(n.receive(tokens)[1], frame(), 'packet')


@on(*MODERN)
def notifications(way):
    """2.7.7, 2.8.7: a used buffer notification for each batch, none when the driver wants none"""
    with nic(way) as n:
        n.start(without=(virtio.EVENT_IDX,))
        n.dev.interrupt()
        n.send(frame(PEER))
        n.m.until(lambda: n.dev.interrupt() & 1, 'an interrupt')
        n.tx.no_interrupt(True)
        n.send(frame(PEER))
        n.m.sync()
        qtest.eq(n.dev.interrupt(), 0, 'ISR')


@on(*SEVERAL)
def hostile_driver(way):
    """whatever a driver writes into its queues, the device lives on"""
    random.seed(way)
    with nic(way, ',rss=on,hash=on,mq=on' if way in MODERN else '') as n:
        for _ in range(12):
            n.start()
            for _ in range(40):
                ring = random.choice((n.rx, n.tx, n.ctrl))
                if len(ring.free) < 8:
                    break
                head = bytes([random.randrange(8), random.randrange(4)]) if ring is n.ctrl else b''
                driver = [head] + [random.randbytes(random.choice((0, 1, 4, 8, 12, 60, 700))) for _ in range(random.randrange(3))]
                device = [random.choice((0, 1, 10, 12, 64, 2048)) for _ in range(random.randrange(3))]
                if not device and not b''.join(driver):
                    driver = [b'\0']
                ring.add([d for d in driver if d], [d for d in device if d] or ([1] if not b''.join(driver) else []),
                         indirect=not n.dev.legacy and random.random() < 0.3)
                ring.kick()
                n.world.offer(frame(random.choice((ME, OTHER, GROUP, BROADCAST)), random.choice((14, 60, 1500, 9000))))
                while not n.world.silent(0):
                    pass
        n.start()
        last = frame(PEER, 61)
        n.send(last)
        n.m.until(lambda: n.world.receive() == last, 'the last packet')


if __name__ == '__main__':
    qtest.main()
