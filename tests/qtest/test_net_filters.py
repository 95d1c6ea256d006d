#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""filter-mirror and filter-redirector: packets of a back end, by way of character devices."""
import contextlib
import socket
import struct

import qtest
from qtest import eq, ok

PEER = '-netdev hubport,id=h,hubid=0,netdev=n'  # takes every packet, without a driver


class World:
    """The other end of `-netdev socket`: frames behind their length in 4 bytes, big-endian. Of a chardev likewise."""

    def __init__(self):
        self.listener = qtest.Listener()

    @property
    def path(self):
        return self.listener.path

    def netdev(self):
        return f'-netdev stream,id=n,addr.type=unix,addr.path={self.path}'

    def chardev(self, name):
        return f'-chardev socket,id={name},path={self.path}'

    def send(self, data, size=None):
        self.listener.accept().sendall(struct.pack('>I', len(data) if size is None else size) + data)

    def receive(self):
        conn = self.listener.accept()
        head = conn.recv(4, socket.MSG_WAITALL)
        return conn.recv(struct.unpack('>I', head)[0], socket.MSG_WAITALL)

    def silent(self, seconds=0.1):
        self.listener.accept().settimeout(seconds)
        try:
            return self.listener.accept().recv(1) == b''
        except TimeoutError:
            return True
        finally:
            self.listener.accept().settimeout(qtest.TIMEOUT)


@contextlib.contextmanager
def machine(world, options):
    with qtest.Machine(f'{world.netdev()} {PEER} {options}', machine='q35', qmp=True) as m:
        m.qmp.command('query-status')  # what has connected by now is known
        yield m


@qtest.test
def mirror():
    """filter-mirror: a copy of each packet from the back end follows its length in 4 bytes"""
    net, copy = World(), World()
    with machine(net, f'{copy.chardev("c")} -object filter-mirror,id=f,netdev=n,queue=tx,outdev=c'):
        for n in (5, 60, 1514):
            net.send(bytes([n & 255]) * n)
            eq(copy.receive(), bytes([n & 255]) * n, 'copy')


@qtest.test
def mirror_header():
    """filter-mirror: with vnet_hdr_support the header's length comes between; here there is no header"""
    net, copy = World(), World()
    with machine(net, f'{copy.chardev("c")} -object filter-mirror,id=f,netdev=n,queue=tx,outdev=c,vnet_hdr_support=on'):
        net.send(b'hello')
        conn = copy.listener.accept()
        eq(conn.recv(13, socket.MSG_WAITALL), struct.pack('>II', 5, 0) + b'hello', 'stream')


@qtest.test
def mirror_status():
    """filter-mirror: status=off lets packets pass without a copy, at run time too"""
    net, copy = World(), World()
    with machine(net, f'{copy.chardev("c")} -object filter-mirror,id=f,netdev=n,queue=tx,outdev=c,status=off') as m:
        net.send(b'first')
        ok(copy.silent(), 'a copy came')
        m.qmp.command('qom-set', path='/objects/f', property='status', value='on')
        net.send(b'second')
        eq(copy.receive(), b'second', 'copy')


@qtest.test
def redirect_out_and_in():
    """filter-redirector: packets leave by one and come back by another, in the same direction"""
    net, out, back, seen = World(), World(), World(), World()
    with machine(net, f'{out.chardev("o")} {back.chardev("i")} {seen.chardev("s")} '
                 '-object filter-redirector,id=f0,netdev=n,queue=tx,outdev=o '
                 '-object filter-redirector,id=f1,netdev=n,queue=tx,indev=i '
                 '-object filter-mirror,id=f2,netdev=n,queue=tx,outdev=s'):
        net.send(b'to the guest')
        eq(out.receive(), b'to the guest', 'what leaves')
        ok(seen.silent(), 'the packet has passed')
        back.send(b'another')
        eq(seen.receive(), b'another', 'what comes back')


@qtest.test
def redirect_to_the_world():
    """filter-redirector: queue=rx is the direction from the guest"""
    net, back = World(), World()
    with machine(net, f'{back.chardev("i")} -object filter-redirector,id=f,netdev=n,queue=rx,indev=i'):
        back.send(b'from nobody')
        eq(net.receive(), b'from nobody', 'packet')


@qtest.test
def hostile_lengths():
    """filter-redirector: a length that no packet has is skipped, byte-wise pieces and two packets at once are not"""
    net, back = World(), World()
    with machine(net, f'{back.chardev("i")} -object filter-redirector,id=f,netdev=n,queue=rx,indev=i'):
        conn = back.listener.accept()
        conn.sendall(struct.pack('>II', 0, 0xffffffff))
        for b in struct.pack('>I', 3) + b'abc':
            conn.sendall(bytes([b]))
        conn.sendall(struct.pack('>I', 2) + b'de' + struct.pack('>I', 1) + b'f')
        eq([net.receive() for _ in range(3)], [b'abc', b'de', b'f'], 'packets')


@qtest.test
def refused():
    """what is missing is named"""
    for options, text in (('filter-mirror,id=f,netdev=n', "filter mirror needs 'outdev' property set"),
                          ('filter-redirector,id=f,netdev=n', "filter redirector needs 'indev' or 'outdev'"),
                          ('filter-redirector,id=f,netdev=n,indev=c,outdev=c', "'indev' and 'outdev' could not be same"),
                          ('filter-mirror,id=f,outdev=c', "Parameter 'netdev' is missing")):
        message = qtest.refuses(f'-netdev hubport,id=n,hubid=0 -chardev null,id=c -object {options}', machine='q35')
        ok(text in message, f'{options}: {message}')


if __name__ == '__main__':
    qtest.main()
