#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Networks by the monitor: back ends that come and go, cables, filters, announcements."""
import os
import socket
import struct
import subprocess
import time

import qmp
import qtest
from qmp import eq, ok, test
import virtio
from virtio_nic import ALLUNI, CTRL_VQ, OK, PROMISC, STATUS, VLAN, Nic, frame, table, MACS

NIC = '-device virtio-net-pci,netdev=n0,id=nic0,addr=4,mac=52:54:00:12:34:56'
S_LINK_UP = 1
RARP = 0x8035


class Stream:
    """The other end of a -netdev stream: frames behind their lengths."""

    def __init__(self):
        self.listener = qtest.Listener()
        self.path = self.listener.path

    def args(self, name='n0'):
        return f'-netdev stream,id={name},server=off,addr.type=unix,addr.path={self.path}'

    def exactly(self, n):
        got = b''
        while len(got) < n:
            part = self.listener.accept().recv(n - len(got))
            ok(part, 'the program hung up')
            got += part
        return got

    def receive(self):
        return self.exactly(struct.unpack('>I', self.exactly(4))[0])

    def quiet(self, seconds):
        conn = self.listener.accept()
        conn.settimeout(seconds)
        try:
            return not conn.recv(1)
        except TimeoutError:
            return True
        finally:
            conn.settimeout(qtest.TIMEOUT)

    def close(self):
        self.listener.close()


class World:
    """A machine with a NIC on a stream."""

    def __init__(self, nic=NIC):
        self.stream = Stream()
        self.vm = qmp.Vm(f'{self.stream.args()} {nic}', machine='q35')
        self.dev = virtio.pci(self.vm, 4)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        try:
            return self.vm.__exit__(*error)
        finally:
            self.stream.close()

    def start(self):
        return Nic(self.vm, self.dev, None).start()

    def link(self):
        return self.dev.config_int(6, 2) & S_LINK_UP


def netdevs(vm):
    return vm.hmp('info network')


def open_fds(vm):
    return len(os.listdir(f'/proc/{vm.process.pid}/fd'))


def address(path, **more):
    return {'type': 'unix', 'path': path, **more}


@test
def netdev_add_and_del():
    '''netdev_add: each type that needs no privilege; info network shows it; netdev_del takes it away'''
    folder = qtest.Setup.get().folder
    with qmp.Vm() as vm:
        vm.cmd('netdev_add', type='user', id='u')
        vm.cmd('netdev_add', type='hubport', id='h', hubid=3)
        vm.cmd('netdev_add', type='stream', id='st', server=True, addr=address(f'{folder}/ns'))
        vm.cmd('netdev_add', type='dgram', id='dg', local=address(f'{folder}/nl'), remote=address(f'{folder}/nr'))
        eq(netdevs(vm), 'hub 3\n \\ h\nu: index=0,type=user,net=10.0.2.0,restrict=off\nst: index=0,type=stream,listening\n'
           f'dg: index=0,type=dgram,udp={folder}/nl:{folder}/nr\n', 'info network')
        for name in ('u', 'h', 'st', 'dg'):
            vm.cmd('netdev_del', id=name)
        eq(netdevs(vm), '', 'info network')


@test
def netdev_add_refusals():
    '''netdev_add, netdev_del: what is wrong is named in QEMU's words, and nothing is left'''
    with qmp.Vm() as vm:
        vm.cmd('netdev_add', type='user', id='n1')
        before = netdevs(vm)
        eq(vm.error('netdev_add', type='user', id='n1'), "Duplicate ID 'n1'", 'text')
        eq(vm.error('netdev_add', type='user', id='1n'), "Parameter 'id' expects an identifier", 'text')
        eq(vm.error('netdev_add', type='zzz', id='n2'), "Parameter 'type' does not accept value 'zzz'", 'text')
        eq(vm.error('netdev_add', type='user', id='n2', bogus=1), "Parameter 'bogus' is unexpected", 'text')
        eq(vm.error('netdev_add', type='socket', id='n2', fd='zz'), "File descriptor named 'zz' has not been found", 'text')
        eq(vm.error('netdev_del', id='zz'), "Device 'zz' not found", 'text')
        eq(vm.execute('netdev_del', {'id': 'zz'})['error']['class'], 'DeviceNotFound', 'class')
        eq(netdevs(vm), before, 'info network')


@test
def stream_events():
    '''NETDEV_STREAM_CONNECTED and _DISCONNECTED, with the peer's address; info network follows'''
    folder = qtest.Setup.get().folder
    with qmp.Vm() as vm:
        vm.cmd('netdev_add', type='stream', id='st', server=True, addr=address(f'{folder}/ev'))
        peer = socket.socket(socket.AF_UNIX)
        peer.connect(f'{folder}/ev')
        got = vm.event('NETDEV_STREAM_CONNECTED', netdev_id='st')
        eq(got['addr'], {'type': 'unix', 'path': f'{folder}/ev'}, 'address')
        eq(netdevs(vm), f'st: index=0,type=stream,unix:{folder}/ev\n', 'info network')
        peer.close()
        vm.event('NETDEV_STREAM_DISCONNECTED', netdev_id='st')
        eq(netdevs(vm), 'st: index=0,type=stream,listening\n', 'info network')


@test
def named_descriptor():
    '''netdev_add fd=NAME: getfd's descriptor becomes the back end's'''
    with qmp.Vm() as vm:
        mine, its = socket.socketpair()
        vm.cmd('getfd', fds=[its.fileno()], fdname='pair')
        its.close()
        vm.cmd('netdev_add', type='stream', id='st', server=False, addr={'type': 'fd', 'str': 'pair'})
        eq(vm.error('closefd', fdname='pair'), "File descriptor named 'pair' not found", 'text')
        vm.cmd('netdev_del', id='st')
        eq(mine.recv(1), b'', 'the end of the connection')
        mine.close()


@test
def set_link_reaches_the_guest():
    '''5.1.4: set_link of the back end or of the NIC changes VIRTIO_NET_S_LINK_UP and raises a configuration interrupt'''
    with World() as w:
        w.start()
        ok(w.dev.has(STATUS), 'no VIRTIO_NET_F_STATUS')
        w.vm.until(w.link, 'the link')
        w.dev.interrupt()
        for name in ('n0', 'nic0'):
            w.vm.cmd('set_link', name=name, up=False)
            w.vm.until(lambda: not w.link(), 'the link to go')
            w.vm.until(lambda: w.dev.interrupt() & 2, 'a configuration interrupt')
            w.vm.cmd('set_link', name=name, up=True)
            w.vm.until(w.link, 'the link to come')
            w.vm.until(lambda: w.dev.interrupt() & 2, 'a configuration interrupt')
        eq(w.vm.error('set_link', name='zz', up=False), "Device 'zz' not found", 'text')
        eq(w.vm.hmp('set_link nic0 off'), '', 'output')
        w.vm.until(lambda: not w.link(), 'the link to go')


@test
def netdev_del_in_use():
    '''netdev_del of one that a NIC uses: the NIC stays without a link, what it sends is lost, and the id is free'''
    with World() as w:
        nic = w.start()
        nic.send(frame())
        w.stream.receive()
        w.vm.cmd('netdev_del', id='n0')
        w.vm.until(lambda: not w.link(), 'the link to go')
        eq(netdevs(w.vm), 'nic0: index=0,type=nic,model=virtio-net-pci,macaddr=52:54:00:12:34:56\n', 'info network')
        nic.send(frame())
        w.vm.cmd('set_link', name='nic0', up=True)
        eq(w.link(), 0, 'the link')
        w.vm.cmd('netdev_add', type='user', id='n0')
        w.vm.cmd('netdev_del', id='n0')


@test
def netdev_del_tap():
    '''netdev_del of a TAP that a NIC reads and writes itself: its descriptors are closed, and the guest may go on sending'''
    if os.geteuid() != 0 or not os.access('/dev/net/tun', os.R_OK | os.W_OK):
        raise qtest.Skip('no right to make a TAP interface')
    name = f'tnd{os.getpid()}'
    with qmp.Vm(f'-netdev tap,id=n0,ifname={name},script=no,downscript=no {NIC}', machine='q35') as vm:
        dev = virtio.pci(vm, 4)
        nic = Nic(vm, dev, None).start()
        subprocess.run(['ip', 'link', 'set', name, 'up'], check=True)
        nic.send(frame())
        before = open_fds(vm)
        vm.cmd('netdev_del', id='n0')
        ok(not os.path.exists(f'/sys/class/net/{name}'), 'the interface is still there')
        ok(open_fds(vm) < before, 'descriptors')
        vm.until(lambda: not dev.config_int(6, 2) & S_LINK_UP, 'the link to go')
        for _ in range(300):
            nic.send(frame())
        vm.cmd('netdev_add', type='user', id='n0')
        vm.cmd('netdev_del', id='n0')


@test
def set_link_of_a_nic_alone():
    '''set_link of a NIC without a back end reaches the guest as well'''
    with qmp.Vm('-device virtio-net-pci,id=nic0,addr=4', machine='q35') as vm:
        dev = virtio.pci(vm, 4)
        Nic(vm, dev, None).start()
        for up in False, True:
            vm.cmd('set_link', name='nic0', up=up)
            vm.until(lambda up=up: bool(dev.config_int(6, 2) & S_LINK_UP) == up, f'the link to be {up}')
        eq(len(netdevs(vm).splitlines()), 1, 'lines of info network')


@test
def rx_filter():
    '''query-rx-filter and NIC_RX_FILTER_CHANGED (5.1.6.5.1 to 5.1.6.5.3): told once until somebody looks again'''
    with World() as w:
        nic = w.start()
        ok(w.dev.has(CTRL_VQ), 'no control queue')
        got = w.vm.cmd('query-rx-filter', name='nic0')[0]
        eq((got['promiscuous'], got['main-mac'], got['unicast'], got['unicast-table']), (True, '52:54:00:12:34:56', 'normal', []),
           'filter')
        nic.mode(PROMISC, 0)
        eq(w.vm.event('NIC_RX_FILTER_CHANGED')['path'], '/machine/peripheral/nic0/virtio-backend', 'path')
        nic.mode(ALLUNI, 1)
        eq(w.vm.qmp.quiet(0.1), [], 'events before anybody has looked')
        eq(nic.command(MACS, 0, table([bytes.fromhex('020000000005')], [])), OK, 'ack')
        eq(nic.command(VLAN, 0, struct.pack('<H', 7)), OK, 'ack')
        got = w.vm.cmd('query-rx-filter')[0]
        eq((got['promiscuous'], got['unicast'], got['vlan'], got['vlan-table'], got['unicast-table']),
           (False, 'all', 'normal', [7], ['02:00:00:00:00:05']), 'filter')
        eq(w.vm.error('query-rx-filter', name='zz'), 'invalid net client name: zz', 'text')
        eq(w.vm.error('query-rx-filter', name='n0'), "net client(n0) isn't a NIC", 'text')


@test
def announce_self():
    '''announce-self: RARP frames in real time, as many as rounds; rounds=0 ends it'''
    with World() as w:
        w.start()
        w.vm.cmd('announce-self', initial=20, max=20, rounds=3, step=10)
        for _ in range(3):
            got = w.stream.receive()
            eq((got[:6], got[6:12], struct.unpack_from('>H', got, 12)[0], len(got)),
               (b'\xff' * 6, bytes.fromhex('525400123456'), RARP, 60), 'a RARP frame')
            eq(got[14:22], bytes.fromhex('0001080006040003'), 'RFC 903: a reverse request')
        ok(w.stream.quiet(0.1), 'a fourth round')
        w.vm.cmd('announce-self', initial=10, max=10, rounds=1000, step=0, id='x')
        w.stream.receive()
        w.vm.cmd('announce-self', initial=0, max=0, rounds=0, step=0, id='x')
        time.sleep(0.05)
        while not w.stream.quiet(0.05):
            w.stream.listener.accept().recv(1 << 16)
        ok(w.stream.quiet(0.1), 'it goes on')
        w.vm.cmd('announce-self', initial=10, max=10, rounds=2, step=0, interfaces=['other'])
        ok(w.stream.quiet(0.1), 'another NIC was meant')


@test
def hmp_networks():
    '''netdev_add, netdev_del, info network, hostfwd_add, hostfwd_remove and info usernet at the terminal'''
    with qmp.Vm() as vm:
        eq(vm.hmp('netdev_add user,id=x1'), '', 'output')
        eq(vm.hmp('netdev_add user'), "Error: Parameter 'id' is missing\n", 'output')
        with socket.socket() as s:
            s.bind(('127.0.0.1', 0))
            port = s.getsockname()[1]
        eq(vm.hmp(f'hostfwd_add x1 tcp:127.0.0.1:{port}-:22'), '', 'output')
        ok('HOST_FORWARD' in vm.hmp('info usernet'), 'info usernet')
        socket.create_connection(('127.0.0.1', port)).close()
        ok('Invalid host forwarding rule' in vm.hmp('hostfwd_add x1 bogus'), 'a bad rule')
        eq(vm.hmp('hostfwd_add zz tcp::1-:2'), "unrecognized netdev id 'zz'\n", 'output')
        eq(vm.hmp(f'hostfwd_remove x1 tcp:127.0.0.1:{port}'), f'host forwarding rule for tcp:127.0.0.1:{port} removed\n', 'output')
        eq(vm.hmp(f'hostfwd_remove x1 tcp:127.0.0.1:{port}'), f'host forwarding rule for tcp:127.0.0.1:{port} not found\n', 'output')
        eq(vm.hmp('netdev_del x1'), '', 'output')
        eq(vm.hmp('netdev_del x1'), "Error: Device 'x1' not found\n", 'output')


@test
def many_times():
    '''a thousand back ends come and go: no descriptor is left'''
    with qmp.Vm() as vm:
        vm.cmd('netdev_add', type='user', id='n')
        vm.cmd('netdev_del', id='n')
        before = open_fds(vm)
        for i in range(1000):
            if i % 10:
                vm.cmd('netdev_add', type='hubport', id='n', hubid=1)
            else:
                vm.cmd('netdev_add', type='user', id='n')
            vm.cmd('netdev_del', id='n')
        eq(open_fds(vm), before, 'descriptors')


if __name__ == '__main__':
    qmp.main()
