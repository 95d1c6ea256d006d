# SPDX-License-Identifier: BSD-2-Clause
"""-netdev tap on interfaces of this machine: for root, where there is /dev/net/tun."""
import fcntl
import os
import socket
import stat
import struct
import subprocess
import tempfile

import netrig
from netrig import Tenon, eq, fails, frame, ok, test

TUNSETIFF = 0x400454ca
IFF_TAP, IFF_MULTI_QUEUE, IFF_NO_PI, IFF_VNET_HDR = 2, 0x100, 0x1000, 0x4000
SIOCGIFFLAGS, SIOCSIFFLAGS = 0x8913, 0x8914
ETH_P_ALL = 3


def need_tun():
    """Skips where no interface can be made; a raw socket to look at one needs rights, too."""
    try:
        fd = os.open('/dev/net/tun', os.O_RDWR)
        fcntl.ioctl(fd, TUNSETIFF, struct.pack('16sH22x', b'tnprobe%d', IFF_TAP | IFF_NO_PI))
        os.close(fd)
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close()
    except OSError as e:
        raise netrig.Skip(f'no TAP here: {e}') from e


def name():
    return f'tn{os.getpid() % 100000}'


def interfaces():
    return [n for _, n in socket.if_nameindex()]


class Wire:
    """The kernel's side of the interface: it is brought up, and frames go in and come out by a raw socket."""

    def __init__(self, ifname):
        netrig.until(lambda: ifname in interfaces(), ifname)
        ask = struct.pack('16sH22x', ifname.encode(), 0)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            flags = struct.unpack('16sH22x', fcntl.ioctl(s, SIOCGIFFLAGS, ask))[1]
            fcntl.ioctl(s, SIOCSIFFLAGS, struct.pack('16sH22x', ifname.encode(), flags | 1))
        self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.sock.bind((ifname, 0))
        self.sock.settimeout(netrig.TIMEOUT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def recv(self):
        """The next frame of ours: the kernel sends its own, too."""
        while True:
            data = self.sock.recv(1 << 17)
            if data[12:14] == b'\x88\xb5':
                return data


def ours(t):
    while True:
        data = t.recv()
        ok(data is not None, 'no frame came')
        if b'\x88\xb5' in data[12:26]:
            return data


def both_ways(t, wire):
    netrig.until(lambda: (t.send(frame(b'out')), wire.recv())[1] == frame(b'out'), 'a frame on the interface')
    wire.sock.send(frame(b'in', src=b'\2' * 6))
    eq(ours(t), frame(b'in', src=b'\2' * 6))


@test
def tap_made_here():
    """ifname= is the interface's name; frames pass both ways; it is gone afterwards"""
    need_tun()
    with Tenon(f'-netdev tap,id=n,ifname={name()},script=no,downscript=no') as t, Wire(name()) as w:
        both_ways(t, w)
    ok(name() not in interfaces(), 'the interface is still there')


@test
def tap_without_a_name():
    """the kernel finds a name: tapN"""
    need_tun()
    before = set(interfaces())
    with Tenon('-netdev tap,id=n,script=no,downscript=no'):
        new = netrig.until(lambda: set(interfaces()) - before, 'a new interface')
        eq([n[:3] for n in new], ['tap'])


@test
def tap_without_headers():
    """vnet_hdr=off and a front end without offloads see the same frames"""
    need_tun()
    with Tenon(f'-netdev tap,id=n,ifname={name()},script=no,downscript=no,vnet_hdr=off') as t, Wire(name()) as w:
        both_ways(t, w)


@test
def tap_with_headers():
    """a front end with offloads gets a virtio_net_hdr of its length before each frame, and gives one (virtio 1.3 5.1.6)"""
    need_tun()
    line = f'-netdev tap,id=n,ifname={name()},script=no,downscript=no'
    for length in (10, 12):
        with Tenon(line, probe=f',hdr={length}') as t, Wire(name()) as w:
            t.send(b'\0' * length + frame(b'out'))
            netrig.until(lambda: (t.send(b'\0' * length + frame(b'out')), w.recv())[1] == frame(b'out'), 'a frame')
            w.sock.send(frame(b'in', src=b'\2' * 6))
            eq(ours(t)[length:], frame(b'in', src=b'\2' * 6))


@test
def nic_in_an_iothread():
    """the front end's own thread writes to the interface, while the main thread reads from it"""
    need_tun()
    line = f'-object iothread,id=t -netdev tap,id=n,ifname={name()},script=no,downscript=no'
    with Tenon(line, probe=',iothread=t') as t, Wire(name()) as w:
        both_ways(t, w)
        for i in range(300):
            t.send(frame(i.to_bytes(4, 'big') * 300))
            w.sock.send(frame(i.to_bytes(4, 'big') * 300, src=b'\2' * 6))
            if i % 10 == 9:
                for k in range(i - 9, i + 1):
                    eq(ours(t)[14:18], k.to_bytes(4, 'big'), 'to the guest')
                    got = w.recv()
                    while got[6] == 2:  # what this side sent is seen here, too
                        got = w.recv()
                    if got[14:17] != b'out':
                        eq(got[14:18], k.to_bytes(4, 'big'), 'from the guest')


@test
def offloads_need_the_interface_s_headers():
    """without vnet_hdr the front end hears no"""
    need_tun()
    t = Tenon(f'-netdev tap,id=n,ifname={name()},script=no,downscript=no,vnet_hdr=off', probe=',hdr=12')
    status, text = t.wait_exit()
    eq(status, 1)
    ok('no virtio_net_hdr' in text, text)


@test
def dump_leaves_headers_out():
    """filter-dump writes frames, not what stands before them"""
    need_tun()
    with tempfile.TemporaryDirectory() as d:
        line = (f'-netdev tap,id=n,ifname={name()},script=no,downscript=no -object filter-dump,id=f,netdev=n,file={d}/x')
        with Tenon(line, probe=',hdr=12') as t, Wire(name()) as w:
            netrig.until(lambda: (t.send(b'\0' * 12 + frame(b'out')), w.recv())[1] == frame(b'out'), 'a frame')
        with open(d + '/x', 'rb') as f:
            data = f.read()
        ok(struct.pack('=II', 17, 17) + frame(b'out') in data, 'the frame is not in the file')


def open_tap(flags):
    fd = os.open('/dev/net/tun', os.O_RDWR)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack('16sH22x', name().encode(), IFF_TAP | IFF_NO_PI | flags))
    return os.fdopen(fd, 'rb', buffering=0)


@test
def tap_from_a_descriptor():
    """fd= takes an open TAP, with headers or without"""
    need_tun()
    for flags in (0, IFF_VNET_HDR):
        with open_tap(flags) as f, Tenon('-netdev tap,id=n,fd={tap}', tap=f) as t, Wire(name()) as w:
            both_ways(t, w)


@test
def queues_from_descriptors():
    """fds= takes several queues of one interface; what does not fit together is refused"""
    need_tun()
    with open_tap(IFF_VNET_HDR | IFF_MULTI_QUEUE) as a, open_tap(IFF_VNET_HDR | IFF_MULTI_QUEUE) as b:
        with Tenon('-netdev tap,id=n,fds={a}:{b}', a=a, b=b) as t, Wire(name()) as w:
            netrig.until(lambda: (t.send(frame(b'out')), w.recv())[1] == frame(b'out'), 'a frame')
        fails('-netdev tap,id=n,fds={a}:{b},vnet_hdr=off', 'are invalid with fds=', a=a, b=b)


@test
def scripts():
    """script= runs with the name before the machine starts, downscript= when it has ended, the interface still there"""
    need_tun()
    with tempfile.TemporaryDirectory() as d:
        for which in ('up', 'down'):
            with open(f'{d}/{which}', 'w', encoding='ascii') as f:
                f.write(f'#!/bin/sh\necho "$1 $(cat /sys/class/net/$1/address >/dev/null && echo there)" > {d}/{which}.out\n')
            os.chmod(f'{d}/{which}', stat.S_IRWXU)
        for end in (lambda t: None, lambda t: t.process.kill()):
            t = Tenon(f'-netdev tap,id=n,ifname={name()},script={d}/up,downscript={d}/down')
            with Wire(name()) as w:
                both_ways(t, w)  # it runs: who waits to run downscript has been started
            netrig.until(lambda: os.path.exists(d + '/up.out') and os.path.getsize(d + '/up.out'), 'the script')
            with open(d + '/up.out', encoding='ascii') as f:
                eq(f.read(), name() + ' there\n')
            ok(not os.path.exists(d + '/down.out'), 'downscript came too early')
            end(t)
            t.close()
            netrig.until(lambda: os.path.exists(d + '/down.out') and os.path.getsize(d + '/down.out'), 'the downscript')
            with open(d + '/down.out', encoding='ascii') as f:
                eq(f.read(), name() + ' there\n')
            os.unlink(d + '/down.out')
            os.unlink(d + '/up.out')
            netrig.until(lambda: name() not in interfaces(), 'the end of the interface')


def write_scripts(d):
    for which in ('up', 'down'):
        with open(f'{d}/{which}', 'w', encoding='ascii') as f:
            f.write(f'#!/bin/sh\necho "$1 $(cat /sys/class/net/$1/address >/dev/null && echo there)" >>{d}/{which}.out\n')
        os.chmod(f'{d}/{which}', stat.S_IRWXU)


def read(path):
    with open(path, encoding='ascii') as f:
        return f.read()


@test
def scripts_at_run_time():
    """netdev_add runs script=, netdev_del downscript=, and each has run when the command answers; in the sandbox, too"""
    need_tun()
    with tempfile.TemporaryDirectory() as d:
        write_scripts(d)
        with Tenon(f'-netdev hubport,id=n,hubid=0 -qmp unix:{d}/q,server=on,wait=off') as t:
            q = netrig.Qmp(d + '/q')
            fds = len(os.listdir(f'/proc/{t.process.pid}/fd'))
            for i in range(1, 4):  # the name is free again each time
                q.cmd('netdev_add', type='tap', id='t', ifname=name(), script=d + '/up', downscript=d + '/down')
                eq(read(d + '/up.out'), f'{name()} there\n' * i)
                q.cmd('netdev_del', id='t')
                eq(read(d + '/down.out'), f'{name()} there\n' * i)
                ok(name() not in interfaces(), 'the interface is still there')
            answer = q.ask('netdev_add', type='tap', id='t', ifname=name(), script='/bin/false', downscript='no')
            ok('/bin/false failed with status 1' in str(answer), str(answer))
            answer = q.ask('netdev_add', type='tap', id='t', ifname=name(), script=d + '/none', downscript='no')
            ok(d + '/none' in str(answer), str(answer))
            ok(name() not in interfaces(), 'the interface is still there')
            eq(len(os.listdir(f'/proc/{t.process.pid}/fd')), fds, 'descriptors')
            q.cmd('netdev_add', type='tap', id='t', ifname=name(), script='no', downscript=d + '/down')
            t.process.kill()
            t.process.wait()
            netrig.until(lambda: read(d + '/down.out') == f'{name()} there\n' * 4, 'the downscript')
            netrig.until(lambda: name() not in interfaces(), 'the end of the interface')
            t.process.returncode = 0


@test
def no_scripts_at_run_time():
    """-sandbox on,spawn=deny: a TAP that wants one is refused, one that does not is made"""
    need_tun()
    with tempfile.TemporaryDirectory() as d:
        write_scripts(d)
        with Tenon(f'-netdev hubport,id=n,hubid=0 -sandbox on,spawn=deny -qmp unix:{d}/q,server=on,wait=off'):
            q = netrig.Qmp(d + '/q')
            answer = q.ask('netdev_add', type='tap', id='t', ifname=name(), script=d + '/up', downscript='no')
            ok('cannot be started from inside the sandbox' in str(answer), str(answer))
            ok(name() not in interfaces(), 'the interface is still there')
            q.cmd('netdev_add', type='tap', id='t', ifname=name(), script='no', downscript='no')
            q.cmd('netdev_del', id='t')


HELPER = '''#!/usr/bin/env python3
import array, fcntl, os, socket, struct, sys
opts = dict(a[2:].split('=') for a in sys.argv[1:] if '=' in a)
open({log!r}, 'w').write(' '.join(sys.argv[1:]))
fd = os.open('/dev/net/tun', os.O_RDWR)
fcntl.ioctl(fd, {iff}, struct.pack('16sH22x', {name!r}, {flags}))
s = socket.socket(fileno=int(opts['fd']))
s.sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [fd]))])
'''


@test
def bridge_helper():
    """bridge, and tap with helper=, take the TAP that a program sends"""
    need_tun()
    with tempfile.TemporaryDirectory() as d:
        with open(d + '/helper', 'w', encoding='ascii') as f:
            f.write(HELPER.format(log=d + '/log', iff=TUNSETIFF, name=name().encode(), flags=IFF_TAP | IFF_NO_PI | IFF_VNET_HDR))
        os.chmod(d + '/helper', stat.S_IRWXU)
        for line in (f'-netdev bridge,id=n,br=br7,helper={d}/helper', f'-netdev tap,id=n,br=br7,helper={d}/helper'):
            with Tenon(line) as t, Wire(name()) as w:
                both_ways(t, w)
            with open(d + '/log', encoding='ascii') as f:
                eq(f.read(), '--use-vnet --fd=3 --br=br7')


@test
def bridge_helper_at_run_time():
    """the same by netdev_add"""
    need_tun()
    with tempfile.TemporaryDirectory() as d:
        with open(d + '/helper', 'w', encoding='ascii') as f:
            f.write(HELPER.format(log=d + '/log', iff=TUNSETIFF, name=name().encode(), flags=IFF_TAP | IFF_NO_PI | IFF_VNET_HDR))
        os.chmod(d + '/helper', stat.S_IRWXU)
        with Tenon(f'-netdev hubport,id=n,hubid=0 -qmp unix:{d}/q,server=on,wait=off') as t:
            q = netrig.Qmp(d + '/q')
            q.cmd('netdev_add', type='bridge', id='b', br='br7', helper=d + '/helper')
            eq(read(d + '/log'), '--use-vnet --fd=3 --br=br7')
            q.cmd('netdev_add', type='hubport', id='h', hubid=0, netdev='b')
            with Wire(name()) as w:
                both_ways(t, w)


@test
def vhost_that_is_not_there():
    """vhost=on without /dev/vhost-net is a warning, vhostforce=on an error"""
    need_tun()
    if os.path.exists('/dev/vhost-net'):
        raise netrig.Skip('there is /dev/vhost-net here')
    line = f'-netdev tap,id=n,ifname={name()},script=no,downscript=no,vhost=on'
    with Tenon(line) as t, Wire(name()) as w:
        both_ways(t, w)
        ok('vhost-net requested but could not be initialized' in t.text(), t.text())
    fails(line + ',vhostforce=on', '/dev/vhost-net')


@test
def bad_lines():
    """what cannot be is said in one line"""
    need_tun()
    fails('-netdev tap,id=n,fd=99', "Can't use file descriptor 99")
    fails('-netdev tap,id=n,fd=0', 'no TAP')
    fails('-netdev tap,id=n,fd=0,ifname=x', 'are invalid with fd=')
    fails('-netdev tap,id=n,fds=0:1,queues=2', 'are invalid with fds=')
    fails('-netdev tap,id=n,fds=0:x', "'x' is no file descriptor")
    fails('-netdev tap,id=n,ifname=a-name-that-is-too-long', 'a-name-that-is-too-long')
    fails('-netdev tap,id=n,ifname=lo,script=no,downscript=no', 'could not configure /dev/net/tun (lo)')
    fails(f'-netdev tap,id=n,ifname={name()},script=/nonexistent', '/nonexistent')
    fails(f'-netdev tap,id=n,ifname={name()},script=/bin/false', '/bin/false failed with status 1')
    fails('-netdev tap,id=n,helper=/bin/true', 'bridge helper failed')
    fails('-netdev tap,id=n,queues=1000', 'queues')
    fails(f'-netdev tap,id=n,ifname={name()},script=no,downscript=no,vhost=off,vhostfd=0', 'vhost')
    ok(name() not in interfaces(), 'the interface is still there')


@test
def multiqueue():
    """queues=2 makes an interface of several queues"""
    need_tun()
    with Tenon(f'-netdev tap,id=n,ifname={name()},script=no,downscript=no,queues=2') as t, Wire(name()) as w:
        netrig.until(lambda: (t.send(frame(b'out')), w.recv())[1] == frame(b'out'), 'a frame on the interface')
        out = subprocess.run(['ls', f'/sys/class/net/{name()}/queues'], capture_output=True, text=True, check=True).stdout
        ok('tx-0' in out, out)


if __name__ == '__main__':
    netrig.main()
