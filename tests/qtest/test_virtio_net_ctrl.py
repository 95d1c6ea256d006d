# SPDX-License-Identifier: BSD-2-Clause
"""The control queue of the network device of VIRTIO 1.3, section 5.1.6.5, and what it switches: filters, hashes, notifications.
Each case runs on the transports and rings that its decorator names."""
import contextlib
import struct

import qtest
import virtio
from nic_world import ALL, MODERN, SEVERAL, nic
from virtio_nic import (ALLMULTI, ALLUNI, ALL_TYPES, ANNOUNCE, BROADCAST, CTRL_GUEST_OFFLOADS, CTRL_MAC_ADDR, CTRL_RX,
                        CTRL_RX_EXTRA, CTRL_VLAN, ERR, GROUP, GUEST_OFFLOADS, HASH_REPORT, KEY, MACS, ME, MQ, MULTI, NOBCAST,
                        NOMULTI, NOUNI, OK, OTHER, PEER, PROMISC, RSS, RX, VLAN, frame, hash_config, on, rss_config, table)

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


if __name__ == '__main__':
    qtest.main()
