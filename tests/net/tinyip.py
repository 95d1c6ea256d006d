# SPDX-License-Identifier: BSD-2-Clause
"""As much of IPv4 as a guest needs to try a network: ARP, ICMP echo, UDP, DHCP, and one TCP connection at a time."""
import random
import struct

import netrig
from netrig import GUEST_MAC, eq, ok

ETH_IP, ETH_ARP = 0x0800, 0x0806
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


def ip(text):
    return bytes(int(x) for x in text.split('.'))


def checksum(data):
    """RFC 1071."""
    if len(data) % 2:
        data += b'\0'
    s = sum(struct.unpack(f'!{len(data) // 2}H', data))
    while s >> 16:
        s = (s & 0xffff) + (s >> 16)
    return ~s & 0xffff


class Guest:
    """The guest's end of a network; machine is a netrig.Tenon."""

    def __init__(self, machine, address='10.0.2.15', router='10.0.2.2'):
        self.t = machine
        self.address, self.router = ip(address), ip(router)
        self.macs = {}
        self.ident = 1

    # ---- Ethernet and ARP ----

    def eth(self, dst, kind, payload):
        self.t.send(dst + GUEST_MAC + struct.pack('!H', kind) + payload)

    def arp(self, target, op=1, to=b'\xff' * 6, mac=bytes(6)):
        body = struct.pack('!HHBBH', 1, ETH_IP, 6, 4, op) + GUEST_MAC + self.address + mac + target
        self.eth(to, ETH_ARP, body)

    def answer_arp(self, f):
        op, sha, spa, tpa = struct.unpack('!H', f[20:22])[0], f[22:28], f[28:32], f[38:42]
        self.macs[spa] = sha
        if op == 1 and tpa == self.address:
            self.arp(spa, 2, sha, sha)

    def frames(self, timeout=netrig.TIMEOUT):
        """IPv4 packets as (protocol, source, destination, payload), while ARP is answered; ends when nothing comes."""
        while True:
            f = self.t.recv(timeout)
            if f is None:
                return
            kind = struct.unpack('!H', f[12:14])[0]
            if kind == ETH_ARP:
                self.answer_arp(f)
                yield 'arp', f[28:32], f[38:42], f
            elif kind == ETH_IP:
                p = f[14:]
                length = struct.unpack('!H', p[2:4])[0]
                head = (p[0] & 15) * 4
                eq(checksum(p[:head]), 0, 'checksum of the IP header')
                yield p[9], p[12:16], p[16:20], p[head:length]

    def next(self, want, what, timeout=netrig.TIMEOUT):
        """The first packet that want() is true of, or a failure."""
        for p in self.frames(timeout):
            if want(*p):
                return p
        raise netrig.Failure(f'{what} did not come')

    def mac_of(self, target):
        if target not in self.macs:
            self.arp(target)
            self.next(lambda kind, *_: kind == 'arp' and target in self.macs, 'an ARP reply')
        return self.macs[target]

    # ---- IP ----

    def send_ip(self, proto, dst, payload, src=None, mac=None):
        self.ident += 1
        head = struct.pack('!BBHHHBBH', 0x45, 0, 20 + len(payload), self.ident, 0, 64, proto, 0)
        head += (src or self.address) + dst
        head = head[:10] + struct.pack('!H', checksum(head)) + head[12:]
        near = dst if dst[:3] == self.address[:3] else self.router
        self.eth(mac or self.mac_of(near), ETH_IP, head + payload)

    def pseudo(self, proto, dst, payload, src=None):
        return (src or self.address) + dst + struct.pack('!BBH', 0, proto, len(payload))

    # ---- ICMP ----

    def ping(self, dst, data=b'abcdefgh'):
        """The data of an echo reply (RFC 792); None if none comes."""
        echo = struct.pack('!BBHHH', 8, 0, 0, 7, 1) + data
        self.send_ip(1, dst, echo[:2] + struct.pack('!H', checksum(echo)) + echo[4:])
        for proto, src, _, p in self.frames(1):
            if proto == 1 and src == dst and p[0] == 0:
                return p[8:]
        return None

    # ---- UDP ----

    def send_udp(self, sport, dst, dport, data, **where):
        p = struct.pack('!HHHH', sport, dport, 8 + len(data), 0) + data
        c = checksum(self.pseudo(17, dst, p, where.get('src')) + p) or 0xffff
        self.send_ip(17, dst, p[:6] + struct.pack('!H', c) + p[8:], **where)

    def recv_udp(self, port, timeout=netrig.TIMEOUT):
        """(source, source port, data) of the next datagram to this port; None."""
        for proto, src, _, p in self.frames(timeout):
            if proto == 17 and struct.unpack('!H', p[2:4])[0] == port:
                return src, struct.unpack('!H', p[:2])[0], p[8:]
        return None

    # ---- DHCP (RFC 2131) ----

    def dhcp(self, kind, more=b''):
        """The answer's address and options, to a DISCOVER (1) or REQUEST (3)."""
        head = struct.pack('!BBBBIHH', 1, 1, 6, 0, 0x1234, 0, 0x8000) + bytes(16) + GUEST_MAC + bytes(10 + 64 + 128)
        options = b'\x63\x82\x53\x63' + bytes([53, 1, kind]) + more + b'\xff'
        self.send_udp(68, b'\xff' * 4, 67, head + options, src=bytes(4), mac=b'\xff' * 6)
        answer = self.recv_udp(68)
        ok(answer, 'no answer of DHCP')
        data = answer[2]
        eq(data[4:8], struct.pack('!I', 0x1234), 'transaction')
        return data[16:20], self.options(data[240:]), data

    @staticmethod
    def options(data):
        out, i = {}, 0
        while data[i] != 255:
            if data[i]:
                out[data[i]] = data[i + 2:i + 2 + data[i + 1]]
                i += data[i + 1] + 1
            i += 1
        return out


class Tcp:
    """One connection of a Guest, without loss or reordering: what is between is a program's memory."""

    def __init__(self, guest, peer=None, port=0, local=0):
        self.g, self.peer, self.port = guest, peer, port
        self.local = local or random.randint(20000, 60000)
        self.seq, self.ack, self.data, self.ended, self.reset = random.getrandbits(30), 0, b'', False, False

    def segment(self, flags, data=b''):
        p = struct.pack('!HHIIBBHHH', self.local, self.port, self.seq & 0xffffffff, self.ack & 0xffffffff, 0x50, flags,
                        65535, 0, 0) + data
        c = checksum(self.g.pseudo(6, self.peer, p) + p)
        self.g.send_ip(6, self.peer, p[:16] + struct.pack('!H', c) + p[18:])
        self.seq += len(data) + (1 if flags & (SYN | FIN) else 0)

    def take(self, p):
        """One segment of the peer; its flags."""
        flags, seq = p[13], struct.unpack('!I', p[4:8])[0]
        data = p[(p[12] >> 4) * 4:]
        self.reset |= bool(flags & RST)
        if flags & SYN:
            self.ack = seq + 1
        elif seq == self.ack & 0xffffffff:
            self.data += data
            self.ack += len(data) + (1 if flags & FIN else 0)
            self.ended |= bool(flags & FIN)
            if data or flags & FIN:
                self.segment(ACK)
        return flags

    def pump(self, done, what, timeout=netrig.TIMEOUT):
        """Takes segments until done() is true."""
        if done():
            return
        for proto, src, _, p in self.g.frames(timeout):
            if proto == 6 and struct.unpack('!H', p[2:4])[0] == self.local and (self.peer in (None, src)):
                self.peer, self.port = src, struct.unpack('!H', p[:2])[0]
                self.last = self.take(p)
                if done():
                    return
        raise netrig.Failure(f'{what} did not come')

    def take_some(self, timeout=0.01):
        """Takes the segments that have come."""
        for proto, src, _, p in self.g.frames(timeout):
            if proto == 6 and src == self.peer and struct.unpack('!H', p[2:4])[0] == self.local:
                self.take(p)

    def connect(self):
        self.last = 0
        self.segment(SYN)
        self.pump(lambda: self.reset or self.last & SYN, 'an answer to SYN')
        if not self.reset:
            self.segment(ACK)
        return not self.reset

    def accept(self):
        self.last = 0
        self.pump(lambda: self.last & SYN, 'a SYN')
        self.segment(SYN | ACK)

    def send(self, data):
        for i in range(0, len(data), 1400):
            self.segment(PSH | ACK, data[i:i + 1400])

    def read(self, n):
        self.pump(lambda: len(self.data) >= n, f'{n} bytes')
        out, self.data = self.data[:n], self.data[n:]
        return out

    def read_end(self):
        self.pump(lambda: self.ended, 'the end')

    def close(self):
        self.segment(FIN | ACK)
