# SPDX-License-Identifier: BSD-2-Clause
"""virtio-net on a TAP interface (VIRTIO 1.3, 5.1): offloads, large packets, several queues. The world is a packet socket on
the interface, which sees and sets the header of each packet as the device does. Needs the right to make an interface."""
import contextlib
import fcntl
import os
import select
import socket
import struct
import subprocess

import qtest
import virtio
import virtio_nic as net

GUEST_TSO4, GUEST_TSO6, GUEST_ECN, GUEST_UFO, HOST_TSO4, HOST_TSO6, HOST_ECN, HOST_UFO = range(7, 15)
NEEDS_CSUM, DATA_VALID = 1, 2
GSO_NONE, GSO_TCPV4, GSO_UDP_L4 = 0, 1, 5
PACKET_VNET_HDR, SOL_PACKET = 15, 263
ETH_P_ALL, ETH_P_IP = 3, 0x0800
FILTERED = '_filtered'  # with a filter on the cable packets go by way of the host's network layer
ALL = ('pci', 'pci_packed', 'pci_legacy', 'mmio', 'pci' + FILTERED, 'pci_legacy' + FILTERED)


def may_make_interfaces():
    try:
        with open('/dev/net/tun', 'r+b', buffering=0) as f:
            fcntl.ioctl(f, 0x400454ca, struct.pack('16sH22x', b'tnprobe%d', 0x1002))
        return True
    except OSError:
        return False


def checksum(data):
    data += b'\0' * (len(data) & 1)
    total = sum(struct.unpack(f'>{len(data) // 2}H', data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def tcp(payload, sport=2794, dport=1766, partial=False, dst=net.ME, proto=6, src_ip='66.9.149.187', dst_ip='161.142.100.80'):
    """A whole TCP (or, with 17, UDP) packet; partial: its checksum is that of the pseudo header."""
    src, to = socket.inet_aton(src_ip), socket.inet_aton(dst_ip)
    if proto == 6:
        head, at = struct.pack('>HHIIBBHHH', sport, dport, 1, 0, 0x50, 0x10, 512, 0, 0), 16
    else:
        head, at = struct.pack('>HHHH', sport, dport, 8 + len(payload), 0), 6
    segment = head + payload
    pseudo = src + to + struct.pack('>BBH', 0, proto, len(segment))
    value = ~checksum(pseudo) & 0xffff if partial else checksum(pseudo + segment)
    segment = segment[:at] + struct.pack('>H', value) + segment[at + 2:]
    ip = struct.pack('>BBHHHBBH', 0x45, 0, 20 + len(segment), 7, 0, 64, proto, 0) + src + to
    ip = ip[:10] + struct.pack('>H', checksum(ip)) + ip[12:]
    return dst + net.PEER + struct.pack('>H', ETH_P_IP) + ip + segment


def well_summed(packet):
    """Is the transport checksum complete?"""
    ip, segment = packet[14:34], packet[34:]
    return checksum(ip[12:20] + struct.pack('>BBH', 0, ip[9], len(segment)) + segment) == 0


def header(gso=GSO_NONE, size=0, flags=0, start=0, offset=0, hdr_len=0):
    return struct.pack('<BBHHHH', flags, gso, hdr_len, size, start, offset)


TSO = header(GSO_TCPV4, 1000, NEEDS_CSUM, 34, 16, 54)


class World:
    """The interface: packets with their header of 10 bytes."""
    count = 0

    def __init__(self, options=''):
        World.count += 1
        self.name = f'tn{os.getpid() % 100000}x{World.count}'
        self.options, self.sock = options, None

    def args(self):
        return f'-netdev tap,id=n,ifname={self.name},script=no,downscript=no{self.options}'

    def open(self):
        """The interface is there; it goes up, without a word of its own."""
        with contextlib.suppress(OSError), open(f'/proc/sys/net/ipv6/conf/{self.name}/disable_ipv6', 'w') as f:
            f.write('1')
        subprocess.run(['ip', 'link', 'set', self.name, 'up', 'mtu', '9000'], check=True)
        self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.sock.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
        self.sock.bind((self.name, ETH_P_ALL))
        self.sock.settimeout(qtest.TIMEOUT)

    def send(self, packet, hdr=None):
        self.sock.sendall((hdr or header()) + packet)

    def receive(self):
        """The next packet of the guest: (header, packet)."""
        while True:
            data, where = self.sock.recvfrom(1 << 17)
            if where[2] != socket.PACKET_OUTGOING:
                return data[:10], data[10:]

    def silent(self, seconds=0.05):
        """Nothing of the guest's comes."""
        while select.select([self.sock], [], [], seconds)[0]:
            if self.sock.recvfrom(1 << 17)[1][2] != socket.PACKET_OUTGOING:
                return False
        return True

    def close(self):
        if self.sock:
            self.sock.close()


@contextlib.contextmanager
def nic(way='pci', args='', options=''):
    if not may_make_interfaces():
        raise qtest.Skip('no right to make a TAP interface')
    if qtest.QEMU and way.endswith(FILTERED) and 'queues' in options:
        raise qtest.Skip('its filters know one queue')
    with contextlib.closing(World(options)) as world:
        between = ' -object filter-dump,id=f,netdev=n,file=/dev/null' if way.endswith(FILTERED) else ''
        way = net.WAYS[way.removesuffix(FILTERED)]
        with way.machine(f'netdev=n{args}', before=world.args() + between) as m:
            m.sync()
            world.open()
            yield net.Nic(m, way.device(m), world)


@qtest.test
def offloads_are_offered():
    """5.1.3: a TAP leaves checksums and segmentation to both sides"""
    with nic() as n:
        n.start()
        for b in (net.CSUM, net.GUEST_CSUM, GUEST_TSO4, GUEST_TSO6, GUEST_ECN, HOST_TSO4, HOST_TSO6, HOST_ECN):
            qtest.ok(n.dev.has(b), f'feature {b} is not offered')


@qtest.test
def no_offloads_without_a_header():
    """5.1.3: vnet_hdr=off leaves no way to say what is unfinished"""
    with nic(options=',vnet_hdr=off') as n:
        n.start()
        qtest.eq([b for b in net.OFFLOADS if b != 6 and n.dev.has(b)], [], 'offered offloads')
        tokens = n.fill(2)
        n.world.send(net.frame())
        qtest.eq(n.receive(tokens)[1], net.frame(), 'packet')
        n.send(net.frame(net.PEER))
        qtest.eq(n.world.receive()[1], net.frame(net.PEER), 'packet')


@net.on(*ALL)
def both_ways(way):
    """5.1.6.2, 5.1.6.4: packets of all sizes, many at once"""
    with nic(way) as n:
        n.start()
        sizes = [14, 60, 64, 1000, 1514, 1515, 9014]
        tokens = n.fill(80)
        for size in sizes:
            n.world.send(net.frame(n=size))
        for size in sizes:
            hdr, got = n.receive(tokens)
            qtest.eq(got, net.frame(n=size), 'packet')
            qtest.eq(hdr[:10], bytes(10), 'header')
        for size in sizes:
            n.tx.add([bytes(n.hdr) + net.frame(net.PEER, size)])
        n.tx.kick()
        for size in sizes:
            qtest.eq(n.world.receive(), (header(), net.frame(net.PEER, size)), 'packet')


@net.on(*ALL)
def segments_out(way):
    """5.1.6.2: a packet of 60 KiB leaves in one piece, with what is left to do in its header"""
    with nic(way) as n:
        n.start()
        big = tcp(bytes(range(256)) * 240, partial=True, dst=net.PEER)
        for cut in (0, 54):
            parts = [TSO.ljust(n.hdr, b'\0'), big] if not cut else [TSO.ljust(n.hdr, b'\0') + big[:cut], big[cut:]]
            token = n.tx.add(parts)
            n.tx.kick()
            n.tx.wait(token)
            hdr, got = n.world.receive()
            qtest.eq(got, big, 'packet')
            qtest.eq(hdr[:2] + hdr[4:], TSO[:2] + TSO[4:], 'header')


@net.on(*ALL)
def checksum_out(way):
    """5.1.6.2: an unfinished checksum is the back end's, once CSUM is negotiated"""
    with nic(way) as n:
        n.start()
        hdr = header(flags=NEEDS_CSUM, start=34, offset=16)
        n.send(tcp(b'hello', partial=True), hdr=hdr.ljust(n.hdr, b'\0'))
        got = n.world.receive()
        qtest.eq(got[0][0] & NEEDS_CSUM, NEEDS_CSUM, 'flags')
        qtest.eq(struct.unpack_from('<HH', got[0], 6), (34, 16), 'csum_start and csum_offset')


@net.on(*ALL)
def segments_in(way):
    """5.1.6.4.1: a packet of 60 KiB comes in one piece: gso_type, gso_size and NEEDS_CSUM are set; all but the last buffer are
    full. It comes again and again: the first by the slow road, as nobody expects it"""
    with nic(way) as n:
        n.start()
        big = tcp(bytes(range(256)) * 240, partial=True)
        tokens = n.fill(120, 2048)
        for _ in range(3):
            n.world.send(big, TSO)
            hdr, got = n.receive(tokens)
            qtest.eq(got, big, 'packet')
            qtest.eq(hdr[:2], bytes([NEEDS_CSUM, GSO_TCPV4]), 'flags and gso_type')
            qtest.eq(struct.unpack_from('<HHH', hdr, 4), (1000, 34, 16), 'gso_size, csum_start, csum_offset')
            if way != 'pci_legacy' or n.hdr == 12:
                qtest.eq(struct.unpack_from('<H', hdr, 10)[0], -(-(n.hdr + len(big)) // 2048), 'num_buffers')
            n.world.send(net.frame())
            qtest.eq(n.receive(tokens)[1], net.frame(), 'packet')


@net.on(*ALL)
def segments_in_one_buffer(way):
    """5.1.6.3.2: without MRG_RXBUF a buffer of 64 KiB takes it"""
    with nic(way) as n:
        n.start(without=(net.MRG_RXBUF,))
        big = tcp(bytes(range(256)) * 240, partial=True)
        tokens = n.fill(2, 65562)
        for _ in range(2):
            n.world.send(big, TSO)
            qtest.eq(n.receive(tokens)[1], big, 'packet')


@net.on('pci', 'pci_packed', 'pci' + FILTERED)
def segments_in_later(way):
    """5.1.6.4.1: it waits until there are enough buffers, and what follows waits behind it"""
    with nic(way) as n:
        n.start()
        big = tcp(bytes(range(256)) * 40, partial=True)
        tokens = n.fill(3, 1024)
        n.world.send(big, TSO)
        n.world.send(net.frame())
        n.m.step(1000)
        qtest.eq(n.rx.poll(), [], 'used buffers')
        tokens += n.fill(4, 1024)
        qtest.eq(n.rx.poll(), [], 'used buffers')
        tokens += n.fill(5, 1024)
        qtest.eq(n.receive(tokens)[1], big, 'packet')
        qtest.eq(n.receive(tokens)[1], net.frame(), 'packet')


@net.on(*ALL)
def nothing_unfinished_for_a_simple_driver(way):
    """5.1.6.4.1: without GUEST_CSUM and GUEST_TSO4 flags are zero, and packets whole and complete"""
    with nic(way) as n:
        n.start(without=(net.GUEST_CSUM, *range(7, 11), 54, 55, net.CTRL_GUEST_OFFLOADS))
        tokens = n.fill(12)
        n.world.send(tcp(bytes(3000), partial=True), TSO)
        for _ in range(3):
            hdr, got = n.receive(tokens)
            qtest.eq(hdr[:10], bytes(10), 'header')
            qtest.eq(len(got), 1054, 'length')
            qtest.ok(well_summed(got), 'the checksum is wrong')


@net.on('pci', 'pci_packed', 'mmio', 'pci' + FILTERED)
def offloads_change(way):
    """5.1.6.5.8: GUEST_OFFLOADS_SET turns them off and on again"""
    with nic(way) as n:
        n.start()
        if not n.dev.has(net.CTRL_GUEST_OFFLOADS):
            raise qtest.Skip('not offered')
        tokens = n.fill(40)
        qtest.eq(n.command(net.GUEST_OFFLOADS, 0, struct.pack('<Q', 0)), net.OK, 'ack')
        n.world.send(tcp(bytes(3000), partial=True), TSO)
        for _ in range(3):
            hdr, got = n.receive(tokens)
            qtest.eq(hdr[:10], bytes(10), 'header')
            qtest.ok(len(got) == 1054 and well_summed(got), 'not a whole segment')
        some = virtio.bit(net.GUEST_CSUM, GUEST_TSO4)
        qtest.eq(n.command(net.GUEST_OFFLOADS, 0, struct.pack('<Q', some)), net.OK, 'ack')
        n.world.send(tcp(bytes(3000), partial=True), TSO)
        hdr, got = n.receive(tokens)
        qtest.eq(len(got), 3054, 'length')
        qtest.eq(n.command(net.GUEST_OFFLOADS, 0, struct.pack('<Q', 1 << 3)), net.ERR, 'ack')


@net.on('pci', 'pci_legacy')
def dhcp_is_finished(way):
    """a DHCP reply comes with its checksum: clients that read raw sockets believe it"""
    with nic(way) as n:
        n.start()
        tokens = n.fill(2)
        reply = tcp(bytes(300), 67, 68, partial=True, proto=17)
        n.world.send(reply, header(flags=NEEDS_CSUM, start=34, offset=6))
        hdr, got = n.receive(tokens)
        qtest.eq(hdr[0], 0, 'flags')
        qtest.ok(well_summed(got), 'the checksum is wrong')


@net.on('pci', 'pci_packed')
def filters(way):
    """5.1.6.5.1: packets that are read straight into the driver's buffers are filtered like others"""
    with nic(way) as n:
        n.start()
        tokens = n.fill(20)
        n.mode(net.PROMISC, 0)
        qtest.eq([n.passes(tokens, net.frame(a, fill=0)) for a in (net.OTHER, net.GROUP, net.BROADCAST)], [False, False, True],
                 'what passes')


# ---- several queues ----

class Many:
    """Its receive and transmit queues."""

    def __init__(self, n, pairs):
        self.n, self.dev = n, n.dev
        n.hdr = 20 if n.dev.has(net.HASH_REPORT) else 12
        self.rx = [n.dev.queue(2 * i) for i in range(pairs)]
        self.tx = [n.dev.queue(2 * i + 1) for i in range(pairs)]
        n.ctrl = n.dev.queue(2 * pairs)
        n.rx, n.tx = self.rx[0], self.tx[0]
        n.dev.driver_ok()
        for ring in self.rx:
            for _ in range(16):
                ring.add(device=[2048])
            ring.kick()

    def arrival(self):
        """(queue, header, packet) of the one packet that has come."""
        found = []
        def look():
            for i, ring in enumerate(self.rx):
                for token in ring.poll():
                    data = ring.written(token, ring.done[token])
                    found.append((i, data[:self.n.hdr], data[self.n.hdr:]))
                    ring.add(device=[2048])
                    ring.kick()
            return found
        self.n.m.until(look, 'a packet in any queue')
        qtest.eq(len(found), 1, 'number of packets')
        return found[0]


def flows():
    """Packets that hash differently."""
    return [tcp(bytes(20), sport=1000 + i, dport=80) for i in range(24)]


@net.on('pci', 'pci_packed', 'pci' + FILTERED)
def pairs(way):
    """5.1.6.5.6: before VQ_PAIRS_SET only the first pair is used; then as many as it says, and no other"""
    with nic(way, ',mq=on', ',queues=4') as n:
        n.dev.start()
        qtest.eq(n.dev.config_int(8, 2), 4, 'max_virtqueue_pairs')
        many = Many(n, 4)
        def queues():
            used = set()
            for data in flows():
                n.world.send(data)
                q, _, got = many.arrival()
                qtest.eq(got, data, 'packet')
                used.add(q)
            return used
        qtest.eq(queues(), {0}, 'queues in use')
        qtest.eq(n.command(net.MULTI, 0, struct.pack('<H', 4)), net.OK, 'ack')
        qtest.ok(len(queues()) > 1, 'one queue gets everything')
        for i, ring in enumerate(many.tx):
            token = ring.add([bytes(12) + net.frame(net.PEER, 70 + i)])
            ring.kick()
            ring.wait(token)
            qtest.eq(n.world.receive()[1], net.frame(net.PEER, 70 + i), 'packet')
        qtest.eq(n.command(net.MULTI, 0, struct.pack('<H', 2)), net.OK, 'ack')
        qtest.ok(queues() <= {0, 1}, 'a queue that is not in use gets packets')
        qtest.eq(n.command(net.MULTI, 0, struct.pack('<H', 5)), net.ERR, 'ack')


@qtest.test
def pairs_of_a_driver_that_knows_one():
    """5.1.2: without MQ the control queue is the third, and every packet comes to the first"""
    with nic('pci', ',mq=on', ',queues=4') as n:
        n.start(without=(net.MQ,))
        tokens = n.fill(40)
        n.mode(net.ALLMULTI, 1)
        for data in flows():
            n.world.send(data)
            qtest.eq(n.receive(tokens)[1], data, 'packet')


@net.on('pci', 'pci_packed', 'pci' + FILTERED)
def rss(way):
    """5.1.6.5.7.2: the hash chooses the queue by the indirection table; what has none goes to unclassified_queue"""
    with nic(way, ',mq=on,rss=on,hash=on', ',queues=4') as n:
        n.dev.start()
        if not n.dev.has(net.RSS):
            raise qtest.Skip('not offered with this back end')
        many = Many(n, 4)
        table = [(i * 7 + 1) % 4 for i in range(128)]
        qtest.eq(n.command(net.MULTI, 1, net.rss_config(table, unclassified=3, max_tx=4)), net.OK, 'ack')
        published = (('66.9.149.187', 2794, '161.142.100.80', 1766, 0x51ccc178),
                     ('199.92.111.2', 14230, '65.69.140.83', 4739, 0xc626b0ea),
                     ('24.19.198.95', 12898, '12.22.207.184', 38024, 0x5c2b394a),
                     ('38.27.205.30', 48228, '209.142.163.6', 2217, 0xafc7327f),
                     ('153.39.163.191', 44251, '202.188.127.2', 1303, 0x10e828a2))
        for src, sport, dst, dport, value in published:
            data = tcp(bytes(20), sport, dport, src_ip=src, dst_ip=dst)
            n.world.send(data)
            q, hdr, got = many.arrival()
            qtest.eq(got, data, 'packet')
            qtest.eq(struct.unpack_from('<IH', hdr, 12), (value, 2), 'hash_value and hash_report')
            qtest.eq(q, table[value & 127], 'queue')
        n.world.send(net.frame())
        q, hdr, got = many.arrival()
        qtest.eq((q, struct.unpack_from('<IH', hdr, 12)), (3, (0, 0)), 'queue and hash of what is not IP')
        if qtest.QEMU:
            return  # there a queue without buffers holds up the others
        qtest.eq(n.command(net.MULTI, 1, net.rss_config([2], unclassified=0, max_tx=4)), net.OK, 'ack')
        for i in range(20):
            n.world.send(flows()[i])
        n.world.send(net.frame())
        n.m.until(lambda: many.rx[0].poll(), 'the unclassified packet')


@qtest.test
def fewer_pairs_after_a_reset():
    """3.1: a driver that uses one pair of four after one that used all"""
    with nic('pci', ',mq=on', ',queues=4') as n:
        n.dev.start()
        Many(n, 4)
        qtest.eq(n.command(net.MULTI, 0, struct.pack('<H', 4)), net.OK, 'ack')
        n.start(without=(net.MQ,))
        tokens = n.fill(40)
        for data in flows():
            n.world.send(data)
            qtest.eq(n.receive(tokens)[1], data, 'packet')


if __name__ == '__main__':
    qtest.main()
