# SPDX-License-Identifier: BSD-2-Clause
"""netdev-ping behind a virtio-net. TENON names the host, PLUGINS the folder of the plugin (this one by default)."""
import os
import struct

import qtest
import virtio
from virtio_nic import Nic

FOLDER = os.environ.get('PLUGINS') or os.path.dirname(os.path.abspath(__file__))
ME, HOST = bytes.fromhex('525400123456'), bytes.fromhex('020000000007')
MY_IP, HOST_IP, OTHER_IP = bytes([10, 0, 2, 15]), bytes([10, 0, 2, 77]), bytes([10, 0, 2, 78])
IP, ARP = b'\x08\x00', b'\x08\x06'


def machine(options='address=10.0.2.77'):
    return qtest.Machine(f'-plugin {FOLDER}/netdev-ping.so -netdev ping,id=n,{options} '
                         f'-device virtio-net-pci,netdev=n,addr=4', machine='q35')


def nic_of(m):
    return Nic(m, virtio.pci(m, 4), None).start()


def arp(operation, from_mac, from_ip, to_mac, to_ip):
    return b'\0\1\x08\0\6\4' + struct.pack('>H', operation) + from_mac + from_ip + to_mac + to_ip


def checksum(data):
    data += b'\0' * (len(data) % 2)
    total = sum(struct.unpack(f'>{len(data) // 2}H', data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total ^ 0xffff


def icmp(kind, payload):
    head = struct.pack('>BBHHH', kind, 0, 0, 0x1234, 1)
    return head[:2] + struct.pack('>H', checksum(head + payload)) + head[4:] + payload


def ip(source, target, payload):
    head = struct.pack('>BBHHHBBH4s4s', 0x45, 0, 20 + len(payload), 1, 0, 64, 1, 0, source, target)
    return head[:10] + struct.pack('>H', checksum(head)) + head[12:] + payload


def echo(target=HOST_IP, payload=b'a' * 56):
    return HOST + ME + IP + ip(MY_IP, target, icmp(8, payload))


@qtest.test
def asks_who_has():
    """RFC 826: a request for its address is answered, one for another's is not"""
    with machine() as m:
        nic = nic_of(m)
        buffers = nic.fill(4)
        for target in OTHER_IP, HOST_IP:
            nic.send(b'\xff' * 6 + ME + ARP + arp(1, ME, MY_IP, bytes(6), target))
        qtest.eq(nic.receive(buffers)[1], ME + HOST + ARP + arp(2, HOST, HOST_IP, ME, MY_IP), 'answer')


@qtest.test
def pings():
    """RFC 792: an echo comes back as a reply with a good checksum, whatever its payload"""
    with machine() as m:
        nic = nic_of(m)
        buffers = nic.fill(40, 4096)
        nic.send(echo(OTHER_IP))
        for n in [*range(0, 34), 1472]:
            payload = bytes((7 * i + n) % 256 for i in range(n))
            nic.send(echo(payload=payload))
            want = ME + HOST + IP + ip(HOST_IP, MY_IP, icmp(0, payload))
            qtest.eq(nic.receive(buffers)[1], want, f'reply to {n} bytes')


@qtest.test
def nonsense():
    """what is cut short or is something else is not answered"""
    with machine() as m:
        nic = nic_of(m)
        buffers = nic.fill(4)
        request = b'\xff' * 6 + ME + ARP + arp(1, ME, MY_IP, bytes(6), HOST_IP)
        for n in 0, 1, 13, 14, 20, 41:
            nic.send(request[:n])
        for n in 15, 34, 41:
            nic.send(echo()[:n])
        nic.send(HOST + ME + IP + b'\x4f' + echo()[15:])
        nic.send(HOST + ME + b'\x86\xdd' + echo()[14:])
        nic.send(request)
        qtest.eq(nic.receive(buffers)[1][:14], ME + HOST + ARP, 'the only answer')


@qtest.test
def full():
    """more than it keeps is kept by the guest, and goes on when there is room"""
    with machine() as m:
        nic = nic_of(m)
        tokens = [nic.tx.add([b'\0' * nic.hdr + echo(payload=b'%03d' % i)]) for i in range(100)]
        nic.tx.kick()
        buffers = nic.fill(120)
        for i in range(100):
            qtest.ok(nic.receive(buffers)[1].endswith(b'%03d' % i), f'reply {i}')
        for t in tokens:
            nic.tx.wait(t)


@qtest.test
def bad_address():
    """an address that is none is refused by name"""
    text = qtest.refuses(f'-plugin {FOLDER}/netdev-ping.so -netdev ping,id=n,address=1.2.3', machine='q35')
    qtest.ok("'1.2.3'" in text and len(text.splitlines()) == 1, text)


if __name__ == '__main__':
    qtest.main()
