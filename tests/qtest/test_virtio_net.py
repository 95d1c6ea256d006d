# SPDX-License-Identifier: BSD-2-Clause
"""The network device of VIRTIO 1.3, section 5.1, from the driver's side: what it is, its packets, its queues. The world is this
program. Each case runs on the transports and rings that its decorator names."""
import random
import struct

import qtest
import virtio
from nic_world import ALL, MODERN, SEVERAL, nic
from virtio_nic import (BROADCAST, CTRL_GUEST_OFFLOADS, CTRL_MAC_ADDR, CTRL_RX, CTRL_RX_EXTRA, CTRL_VLAN, CTRL_VQ, GROUP,
                        GUEST_ANNOUNCE, HASH_REPORT, MAC, ME, MQ, MRG_RXBUF, MTU, OFFLOADS, OTHER, PEER, RSS, SPEED_DUPLEX,
                        STATUS, frame, on)

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
