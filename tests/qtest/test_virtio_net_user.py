# SPDX-License-Identifier: BSD-2-Clause
"""virtio-net (VIRTIO 1.3, 5.1) on -netdev user and on a hub: a driver here asks the network that is inside for an address,
and for an echo."""
import contextlib
import os
import struct
import subprocess
import sys

import pcitool
import qtest
import virtio
from virtio_nic import Nic, WAYS, on

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'net'))
import tinyip  # noqa: E402  the other test folder's

MACHINES = ('pci', 'pci_packed', 'mmio')


class Wire:
    """What tinyip wants of a machine: frames through the NIC's queues, which has MAC address 52:54:00:12:34:56."""

    def __init__(self, nic):
        self.nic, self.tokens = nic, nic.fill(64)

    def send(self, data):
        self.nic.send(data.ljust(60, b'\0'))

    def recv(self, timeout=None):
        del timeout  # what is to come comes soon, or the test fails
        data = self.nic.receive(self.tokens)[1]
        self.tokens += self.nic.fill(1)
        return data


def need_user():
    text = subprocess.run([*qtest.PROGRAM, '-netdev', 'help'], capture_output=True, text=True, check=False).stdout
    if 'user' not in text.split():
        raise qtest.Skip('built without libslirp')


@contextlib.contextmanager
def guest(way, back):
    need_user()
    way = WAYS[way]
    with way.machine('netdev=n,mac=52:54:00:12:34:56', before=back) as m:
        yield tinyip.Guest(Wire(Nic(m, way.device(m), None).start()))


@on(*MACHINES)
def address_and_echo(way):
    """5.1.6: DHCP and an echo of the router, through the queues of the device"""
    with guest(way, '-netdev user,id=n') as g:
        address, options, _ = g.dhcp(1)
        qtest.eq((address, options[3]), (tinyip.ip('10.0.2.15'), tinyip.ip('10.0.2.2')), 'address and router')
        qtest.eq(g.ping(tinyip.ip('10.0.2.2'), b'x' * 900), b'x' * 900, 'echo')


@on('pci')
def through_a_hub(way):
    """the same with a hub in between"""
    with guest(way, '-netdev user,id=u -netdev hubport,id=p,hubid=0,netdev=u -netdev hubport,id=n,hubid=0') as g:
        qtest.eq(g.ping(tinyip.ip('10.0.2.2'), b'x' * 900), b'x' * 900, 'echo')


@on('pci')
def with_a_dump(way):
    """filter-dump sees what the driver sent, without the device's header"""
    path = os.path.join(qtest.Setup.get().folder, 'user.pcap')
    with guest(way, f'-netdev user,id=n -object filter-dump,id=f,netdev=n,file={path}') as g:
        qtest.eq(g.ping(tinyip.ip('10.0.2.2'), b'needle'), b'needle', 'echo')
    with open(path, 'rb') as f:
        data = f.read()
    qtest.eq(data.count(b'needle'), 2, 'times of the data in the file')
    first = struct.unpack('=IIII', data[24:40])
    qtest.eq(first[2], 60, 'length of the first packet')


def echo_of_first_nic(options):
    """The network that these options make answers a driver of the NIC that they make."""
    with qtest.Machine(options, machine='q35') as m:
        slot = next(i for i in range(1, 31) if pcitool.Function(m, i).get(0) in (0x10001af4, 0x10411af4))
        g = tinyip.Guest(Wire(Nic(m, virtio.pci(m, slot), None).start()))
        qtest.eq(g.ping(tinyip.ip('10.0.2.2')), b'abcdefgh', 'echo')


@qtest.test
def nic_options():
    """-nic makes NIC and back end, which is user if no type is given; so does -net, by hub 0 or with netdev="""
    need_user()
    for line in ('-nic model=virtio-net-pci', '-nic user', '-net nic -net user', '-netdev user,id=u -net nic,netdev=u',
                 '-net user,id=u -net nic,model=virtio,macaddr=52:54:00:12:34:56'):
        echo_of_first_nic(line)


if __name__ == '__main__':
    qtest.main()
