# SPDX-License-Identifier: BSD-2-Clause
"""-netdev user, from a guest's side frame by frame: ARP, DHCP, DNS, TFTP, ping, and TCP and UDP in both directions."""
import os
import random
import re
import select
import shutil
import socket
import struct
import subprocess
import tempfile
import threading

import netrig
from netrig import Tenon, eq, fails, ok, test
from tinyip import Guest, Tcp, checksum, ip


def need_user():
    text = subprocess.run([netrig.program(), '-netdev', 'help'], capture_output=True, text=True, check=True).stdout
    if 'user' not in text.split():
        raise netrig.Skip('built without libslirp')


class Net:
    """A machine with -netdev user and these options, and a guest in it."""

    def __init__(self, options='', **address):
        need_user()
        self.t = Tenon('-netdev user,id=n' + options)
        self.g = Guest(self.t, **address)

    def __enter__(self):
        self.t.__enter__()
        return self.g

    def __exit__(self, *what):
        return self.t.__exit__(*what)


def tcp_server():
    s = socket.socket()
    s.bind(('127.0.0.1', 0))
    s.listen(5)
    s.settimeout(netrig.TIMEOUT)
    return s, s.getsockname()[1]


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


# ---- the network itself ----

@test
def arp_of_router_and_name_server():
    """10.0.2.2 and 10.0.2.3 answer ARP; 10.0.2.99 does not"""
    with Net() as g:
        ok(g.mac_of(ip('10.0.2.2')) and g.mac_of(ip('10.0.2.3')), 'no address')
        g.arp(ip('10.0.2.99'))
        ok(all(p[1] != ip('10.0.2.99') for p in g.frames(0.3)), 'somebody is 10.0.2.99')


@test
def ping_of_the_router():
    """10.0.2.2 answers an echo request with its data"""
    with Net() as g:
        eq(g.ping(ip('10.0.2.2'), b'x' * 500), b'x' * 500)


@test
def dhcp_as_usual():
    """DISCOVER and REQUEST: 10.0.2.15 with mask, router 10.0.2.2, name server 10.0.2.3"""
    with Net() as g:
        address, o, _ = g.dhcp(1)
        eq((address, o[53]), (ip('10.0.2.15'), b'\2'))
        address, o, _ = g.dhcp(3, bytes([50, 4]) + address)
        eq((address, o[53]), (ip('10.0.2.15'), b'\5'))
        eq((o[1], o[3], o[6], o[54]), (ip('255.255.255.0'), ip('10.0.2.2'), ip('10.0.2.3'), ip('10.0.2.2')))


@test
def dhcp_as_options_say():
    """net, host, dhcpstart, dns, hostname, domainname, dnssearch, bootfile and tftp-server-name reach the guest"""
    line = (',net=192.168.76.0/24,host=192.168.76.1,dhcpstart=192.168.76.9,dns=192.168.76.4,hostname=vm7,domainname=a.test'
            ',dnssearch=b.test,dnssearch=c.test,bootfile=pxe.0,tftp-server-name=boot.test')
    with Net(line, address='192.168.76.9', router='192.168.76.1') as g:
        address, o, whole = g.dhcp(1)
        eq(address, ip('192.168.76.9'))
        eq((o[3], o[6]), (ip('192.168.76.1'), ip('192.168.76.4')))
        eq((o[12], o[15], o[66]), (b'vm7', b'a.test', b'boot.test'))
        ok(b'\1b\4test\0' in o[119] and b'\1c' in o[119], repr(o[119]))
        eq(whole[108:].split(b'\0')[0], b'pxe.0')


@test
def json_of_the_same():
    """QMP's form of a list: [{"str": ...}]"""
    need_user()
    line = '-netdev \'{{"type":"user","id":"n","dnssearch":[{{"str":"b.test"}},{{"str":"c.test"}}],"dhcpstart":"10.0.2.20"}}\''
    with Tenon(line) as t:
        address, o, _ = Guest(t).dhcp(1)
        eq(address, ip('10.0.2.20'))
        ok(b'\1b\4test\0' in o[119] and b'\1c' in o[119], repr(o[119]))


@test
def names():
    """a question to 10.0.2.3 goes to the host's name server, or comes back refused by nobody: the machine lives"""
    with Net() as g:
        q = struct.pack('!HHHHHH', 0x77, 0x100, 1, 0, 0, 0) + b'\x09localhost\0' + struct.pack('!HH', 1, 1)
        g.send_udp(5000, ip('10.0.2.3'), 53, q)
        answer = g.recv_udp(5000, 2)
        ok(answer is None or answer[2][:2] == b'\0\x77', repr(answer))
        eq(g.ping(ip('10.0.2.2')), b'abcdefgh')


@test
def ipv6():
    """fec0::2 answers neighbour solicitation (RFC 4861) and echo requests; with ipv6=off it does not"""
    me, router = bytes.fromhex('fec0' + '00' * 13 + '15'), bytes.fromhex('fec0' + '00' * 13 + '02')
    group = bytes.fromhex('ff02' + '00' * 9 + '01ff' + '000002')

    def send(g, dst, mac, kind, body):
        p = bytes([kind, 0, 0, 0]) + body
        pseudo = me + dst + struct.pack('!IHBB', len(p), 0, 0, 58)
        p = p[:2] + struct.pack('!H', checksum(pseudo + p)) + p[4:]
        g.eth(mac, 0x86dd, struct.pack('!IHBB', 6 << 28, len(p), 58, 255) + me + dst + p)

    def answer(g, kind):
        while True:
            f = g.t.recv(1)
            if f is None or (f[12:14] == b'\x86\xdd' and f[20] == 58 and f[54] == kind):
                return f

    solicit = bytes(4) + router + b'\1\1' + netrig.GUEST_MAC
    with Net() as g:
        send(g, group, b'\x33\x33\xff\0\0\2', 135, solicit)
        f = answer(g, 136)
        ok(f, 'no neighbour advertisement')
        send(g, router, f[6:12], 128, b'\0\1\0\1echo')
        f = answer(g, 129)
        ok(f and f[58:] == b'\0\1\0\1echo', f'{netrig.show(f)}')
    with Net(',ipv6=off') as g:
        send(g, group, b'\x33\x33\xff\0\0\2', 135, solicit)
        ok(answer(g, 136) is None, 'somebody is there')


# ---- TFTP (RFC 1350) ----

def tftp_get(g, name):
    """The file, or the error's number."""
    port, out, block = 3000 + len(name), b'', 1
    g.send_udp(port, ip('10.0.2.2'), 69, b'\0\1' + name + b'\0octet\0')
    while True:
        a = g.recv_udp(port)
        ok(a, 'no answer of TFTP')
        op, number = struct.unpack('!HH', a[2][:4])
        if op == 5:
            return number
        eq((op, number), (3, block), 'block')
        out += a[2][4:]
        g.send_udp(port, ip('10.0.2.2'), a[1], b'\0\4' + a[2][2:4])
        if len(a[2]) < 516:
            return out
        block += 1


@test
def tftp():
    """the router serves the files of the directory, and none outside of it"""
    with tempfile.TemporaryDirectory() as d:
        os.mkdir(d + '/pub')
        data = os.urandom(5000)
        for path in (d + '/pub/file', d + '/secret'):
            with open(path, 'wb') as f:
                f.write(data)
        with Net(f',tftp={d}/pub') as g:
            eq(tftp_get(g, b'file'), data)
            eq(tftp_get(g, b'nothing'), 1)
            eq(tftp_get(g, b'../secret'), 2)


@test
def no_tftp_unless_asked():
    """without tftp= there is no file server"""
    with Net() as g:
        eq(tftp_get(g, b'etc/passwd'), 2)


# ---- out ----

@test
def tcp_to_the_host():
    """10.0.2.2 is the host's loopback: bytes go both ways, and each end's close reaches the other"""
    s, port = tcp_server()
    with Net() as g:
        c = Tcp(g, ip('10.0.2.2'), port)
        ok(c.connect(), 'refused')
        peer = s.accept()[0]
        peer.settimeout(netrig.TIMEOUT)
        c.send(b'from the guest')
        eq(peer.recv(100), b'from the guest')
        peer.sendall(b'x' * 40000)
        eq(c.read(40000), b'x' * 40000)
        peer.shutdown(socket.SHUT_WR)
        c.read_end()
        c.close()
        eq(peer.recv(100), b'')


@test
def tcp_to_nobody():
    """a port that nobody listens at is refused"""
    with Net() as g:
        ok(not Tcp(g, ip('10.0.2.2'), free_port()).connect(), 'somebody answered')


@test
def many_connections():
    """connections come and go, and their descriptors' numbers are used again"""
    s, port = tcp_server()
    with Net() as g:
        for i in range(30):
            c = Tcp(g, ip('10.0.2.2'), port, local=30000 + i)
            ok(c.connect(), 'refused')
            peer = s.accept()[0]
            peer.settimeout(netrig.TIMEOUT)
            c.send(bytes([i]) * 10)
            eq(peer.recv(100), bytes([i]) * 10)
            peer.close()
            c.read_end()
            c.close()


@test
def udp_to_the_host():
    """a datagram arrives, and its answer comes back"""
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(('127.0.0.1', 0))
    s.settimeout(netrig.TIMEOUT)
    with Net() as g:
        g.send_udp(4000, ip('10.0.2.2'), s.getsockname()[1], b'question')
        data, where = s.recvfrom(100)
        eq(data, b'question')
        s.sendto(b'answer', where)
        eq(g.recv_udp(4000), (ip('10.0.2.2'), s.getsockname()[1], b'answer'))


@test
def restricted():
    """restrict=on: the network is there, the host is not; what is forwarded still comes in"""
    s, port = tcp_server()
    fwd = free_port()
    with Net(f',restrict=on,hostfwd=tcp:127.0.0.1:{fwd}-:80') as g:
        eq(g.dhcp(1)[0], ip('10.0.2.15'))
        s.settimeout(0.5)
        try:
            Tcp(g, ip('10.0.2.2'), port).connect()
            s.accept()
            raise netrig.Failure('the host was reached')
        except (socket.timeout, netrig.Failure) as e:
            ok('reached' not in str(e), str(e))
        c = socket.create_connection(('127.0.0.1', fwd), netrig.TIMEOUT)
        Tcp(g, local=80).accept()
        c.close()


# ---- in ----

def listeners(pid):
    """How many TCP sockets the process waits at."""
    inodes = set()
    for fd in os.listdir(f'/proc/{pid}/fd'):
        link = os.readlink(f'/proc/{pid}/fd/{fd}')
        inodes |= {link[8:-1]} if link.startswith('socket:[') else set()
    n = 0
    for table in ('tcp', 'tcp6'):
        if not os.path.exists(f'/proc/{pid}/net/{table}'):
            continue
        with open(f'/proc/{pid}/net/{table}', encoding='ascii') as f:
            rows = [line.split() for line in f.readlines()[1:]]
        n += sum(1 for r in rows if r[3] == '0A' and r[9] in inodes)
    return n


def children(pid):
    """How many processes hang on pid, itself left out."""
    def count(of):
        with open(f'/proc/{of}/task/{of}/children', encoding='ascii') as f:
            below = f.read().split()
        return len(below) + sum(count(c) for c in below)
    try:
        return count(pid)
    except (FileNotFoundError, ProcessLookupError):  # one ended meanwhile
        return children(pid)


@test
def nothing_else_comes_in():
    """the host has a port for each hostfwd, and none without"""
    with Net() as g:
        g.mac_of(ip('10.0.2.2'))
        eq(listeners(g.t.process.pid), 0)
    with Net(f',hostfwd=tcp:127.0.0.1:{free_port()}-:80') as g:
        g.mac_of(ip('10.0.2.2'))
        eq(listeners(g.t.process.pid), 1)


@test
def hostfwd_tcp():
    """a connection to the host's port is one to the guest's, both ways"""
    fwd, other = free_port(), free_port()
    with Net(f',hostfwd=tcp:127.0.0.1:{fwd}-:80,hostfwd=tcp:127.0.0.1:{other}-10.0.2.15:81') as g:
        g.mac_of(ip('10.0.2.2'))  # the machine has started
        for host_port, guest_port in ((fwd, 80), (other, 81)):
            c = socket.create_connection(('127.0.0.1', host_port), netrig.TIMEOUT)
            c.settimeout(netrig.TIMEOUT)
            t = Tcp(g, local=guest_port)
            t.accept()
            c.sendall(b'request')
            eq(t.read(7), b'request')
            t.send(b'reply' * 1000)
            got = b''
            while len(got) < 5000:
                got += c.recv(5000)
            eq(got, b'reply' * 1000)
            c.close()
            t.read_end()


@test
def hostfwd_udp():
    """the same for datagrams"""
    fwd = free_port(socket.SOCK_DGRAM)
    with Net(f',hostfwd=udp:127.0.0.1:{fwd}-:53') as g:
        g.mac_of(ip('10.0.2.2'))
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.settimeout(netrig.TIMEOUT)
        s.sendto(b'question', ('127.0.0.1', fwd))
        src, port, data = g.recv_udp(53)
        eq(data, b'question')
        g.send_udp(53, src, port, b'answer')
        eq(s.recv(100), b'answer')


@test
def guestfwd():
    """an address inside leads to a connection that was made at the start, over TCP or a UNIX socket"""
    need_user()
    s, port = tcp_server()
    with tempfile.TemporaryDirectory() as d, socket.socket(socket.AF_UNIX) as u:
        u.bind(d + '/s')
        u.listen(1)
        u.settimeout(netrig.TIMEOUT)
        line = f',guestfwd=tcp:10.0.2.100:1234-tcp:127.0.0.1:{port},guestfwd=tcp:10.0.2.101:9-unix:{d}/s'
        with Net(line) as g:
            for where, service, listener in (('10.0.2.100', 1234, s), ('10.0.2.101', 9, u)):
                peer = listener.accept()[0]
                peer.settimeout(netrig.TIMEOUT)
                c = Tcp(g, ip(where), service)
                ok(c.connect(), 'refused')
                c.send(b'hello')
                eq(peer.recv(100), b'hello')
                peer.sendall(b'there' * 2000)
                eq(c.read(10000), b'there' * 2000)


def called(g, where, port=7, local=0):
    c = Tcp(g, ip(where), port, local=local)
    ok(c.connect(), 'refused')
    return c


@test
def guestfwd_to_a_command():
    """each connection has a program of its own, whose standard streams it is; what ends on one side ends on the other"""
    with tempfile.TemporaryDirectory() as d:
        line = (f',"guestfwd=tcp:10.0.2.100:7-cmd:sh -c \'echo hello; cat; echo gone >{d}/gone\'"'
                ',"guestfwd=tcp:10.0.2.101:9-cmd:echo \'a  b\'"')
        with Net(line) as g:
            calls = []
            for local in (40001, 40002):
                c = called(g, '10.0.2.100', local=local)
                eq(c.read(6), b'hello\n')
                c.send(b'x' * 20000)
                eq(c.read(20000), b'x' * 20000)
                calls.append(c)
            first, second = calls
            first.close()
            netrig.until(lambda: os.path.exists(d + '/gone'), 'the end of its program')
            second.send(b'still here')
            eq(second.read(10), b'still here')
            second.close()
            third = called(g, '10.0.2.101', 9)
            eq(third.read(5), b'a  b\n')
            third.read_end()
        eq([n for n in os.listdir(tempfile.gettempdir()) if re.fullmatch('tenon-[0-9a-f]{16}', n)], [], 'files')


@test
def guestfwd_to_a_command_in_numbers():
    """a guest that connects without end has 64 programs at most, and the network lives"""
    with Net(',guestfwd=tcp:10.0.2.100:7-cmd:cat') as g:
        g.mac_of(ip('10.0.2.2'))
        before = children(g.t.process.pid)
        for i in range(80):
            called(g, '10.0.2.100', local=41000 + i)
        netrig.until(lambda: children(g.t.process.pid) - before >= 128, '64 programs, and who waits for each')
        eq(g.ping(ip('10.0.2.2')), b'abcdefgh')
        eq(children(g.t.process.pid) - before, 128, 'processes')


@test
def guestfwd_without_programs():
    """-sandbox on,spawn=deny: the connection ends at once, one line says why, and the machine lives"""
    with Net(',guestfwd=tcp:10.0.2.100:7-cmd:cat -sandbox on,spawn=deny') as g:
        called(g, '10.0.2.100').read_end()
        called(g, '10.0.2.100', local=40001).read_end()
        eq(g.t.text().count("guestfwd: 'cat' cannot be started: Operation not permitted"), 1, g.t.text())
        eq(g.ping(ip('10.0.2.2')), b'abcdefgh')


@test
def guestfwd_to_a_command_at_run_time():
    """netdev_add of such a network while the machine runs, and its end"""
    need_user()
    with tempfile.TemporaryDirectory() as d, Tenon('-netdev hubport,id=n,hubid=0 -qmp unix:' + d + '/q,server=on,wait=off') as t:
        q = netrig.Qmp(d + '/q')
        q.cmd('netdev_add', type='user', id='u', guestfwd=[{'str': 'tcp:10.0.2.100:7-cmd:cat'}])
        q.cmd('netdev_add', type='hubport', id='h', hubid=0, netdev='u')
        c = called(Guest(t), '10.0.2.100')
        c.send(b'hello')
        eq(c.read(5), b'hello')
        before = children(t.process.pid)
        q.cmd('netdev_del', id='h')
        q.cmd('netdev_del', id='u')
        netrig.until(lambda: children(t.process.pid) < before, 'the end of the program')


def need_samba():
    if not os.access('/usr/sbin/smbd', os.X_OK) or not shutil.which('smbclient'):
        raise netrig.Skip('no Samba')


def samba_folders():
    return [n for n in os.listdir(tempfile.gettempdir()) if n.startswith('tenon-smb-')]


class Relayed(threading.Thread):
    """A program on this machine, connected to a service within the network: its bytes go through the guest."""

    def __init__(self, g, where, service):
        super().__init__(daemon=True)
        self.listener, self.port = tcp_server()
        self.c = called(g, where, service)
        self.start()

    def run(self):
        here, _ = self.listener.accept()
        while not self.c.ended:
            if select.select([here], [], [], 0.02)[0]:
                data = here.recv(1400)
                if not data:
                    break
                self.c.send(data)
            self.c.take_some()
            here.sendall(self.c.data)
            self.c.data = b''
        here.close()


def smbclient(g, commands, where='10.0.2.4', service=445):
    relayed = Relayed(g, where, service)
    run = subprocess.run(['smbclient', '-N', '-p', str(relayed.port), '//127.0.0.1/qemu', '-c', commands],
                         capture_output=True, text=True, timeout=60, check=False)
    relayed.join(netrig.TIMEOUT)
    return run


@test
def smb():
    """Samba's client reads and writes a directory at .4, at either port; nothing is left of the server"""
    need_samba()
    before = samba_folders()
    with tempfile.TemporaryDirectory() as d:
        data = os.urandom(300000)
        with open(d + '/in', 'wb') as f:
            f.write(data)
        os.mkdir(d + '/a folder')
        with Net(f',"smb={d}"') as g:
            run = smbclient(g, f'get in {d}/out; put {d}/in "a folder/back"')
            eq(run.returncode, 0, run.stdout + run.stderr)
            for name in ('out', 'a folder/back'):
                with open(f'{d}/{name}', 'rb') as f:
                    ok(f.read() == data, f'{name} differs')
            run = smbclient(g, f'cd "a folder"; del back', service=139)
            eq(run.returncode, 0, run.stdout + run.stderr)
            eq(os.listdir(d + '/a folder'), [])
            eq(len(samba_folders()), len(before) + 1, 'its folder')
        netrig.until(lambda: samba_folders() == before, 'the end of its folder')


@test
def smb_elsewhere_at_run_time():
    """netdev_add with smbserver= in a machine that runs in its sandbox; the folder goes with a machine that is killed"""
    need_user()
    need_samba()
    before = samba_folders()
    with tempfile.TemporaryDirectory() as d:
        t = Tenon('-sandbox on -netdev hubport,id=n,hubid=0 -qmp unix:' + d + '/q,server=on,wait=off')
        q = netrig.Qmp(d + '/q')
        q.cmd('netdev_add', type='user', id='u', smb=d, smbserver='10.0.2.77')
        q.cmd('netdev_add', type='hubport', id='h', hubid=0, netdev='u')
        run = smbclient(Guest(t), 'put /etc/passwd here', where='10.0.2.77')
        t.process.kill()
        t.close()
        eq(run.returncode, 0, run.stdout + run.stderr)
        ok(os.path.exists(d + '/here'), 'nothing was written')
        netrig.until(lambda: samba_folders() == before, 'the end of its folder')


@test
def smb_without_programs():
    """-sandbox on,spawn=deny: as for guestfwd, and the folder goes with the machine"""
    need_user()
    need_samba()
    before = samba_folders()
    with tempfile.TemporaryDirectory() as d:
        with Net(f',smb={d} -sandbox on,spawn=deny') as g:
            called(g, '10.0.2.4', 445).read_end()
            eq(g.t.text().count("smb: '/usr/sbin/smbd' cannot be started: Operation not permitted"), 1, g.t.text())
            eq(g.ping(ip('10.0.2.2')), b'abcdefgh')
        netrig.until(lambda: samba_folders() == before, 'the end of its folder')


def fragments(g, proto, dst, payload, size=1480):
    """The payload in fragments, the last one first."""
    pieces = [(at, payload[at:at + size]) for at in range(0, len(payload), size)]
    for at, data in reversed(pieces):
        more = at + size < len(payload)
        head = struct.pack('!BBHHHBBH', 0x45, 0, 20 + len(data), 0x4242, more << 13 | at // 8, 64, proto, 0)
        head += g.address + dst
        head = head[:10] + struct.pack('!H', checksum(head)) + head[12:]
        g.eth(g.mac_of(g.router), 0x0800, head + data)


@test
def fragments_from_the_guest():
    """a datagram in fragments arrives whole, up to the longest"""
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(('127.0.0.1', 0))
    s.settimeout(netrig.TIMEOUT)
    with Net() as g:
        for n in (3000, 65507):
            data = os.urandom(n)
            p = struct.pack('!HHHH', 4000, s.getsockname()[1], 8 + n, 0) + data
            p = p[:6] + struct.pack('!H', checksum(g.pseudo(17, ip('10.0.2.2'), p) + p) or 0xffff) + p[8:]
            fragments(g, 17, ip('10.0.2.2'), p)
            ok(s.recv(70000) == data, f'{n} bytes did not arrive as they were')


@test
def hostile_fragments():
    """fragments with any offset, length and flags leave the network working: libslirp's own reassembly would crash"""
    r = random.Random(7)
    with Net() as g:
        router = g.mac_of(g.router)
        for _ in range(5000):
            n = r.choice((0, 1, 7, 8, 9, 16, 100, 1480))
            head = struct.pack('!BBHHHBBH', 0x45 + r.choice((0, 0, 0, 1, 10)), 0, 20 + n, r.randrange(4), r.randrange(65536)
                               if r.random() < .3 else r.choice((0x2000, 0x2001, 1, 2, 0x2002)), 64, r.choice((1, 6, 17)), 0)
            head += g.address + r.choice((g.router, ip('10.0.2.3'), ip('224.0.0.1')))
            head = head[:10] + struct.pack('!H', checksum(head)) + head[12:]
            g.eth(router, 0x0800, head + r.randbytes(n))
        eq(g.ping(ip('10.0.2.2')), b'abcdefgh')


@test
def frames_of_any_kind():
    """short, long, broken and strange frames leave the network working"""
    with Net() as g:
        for n in (1, 13, 14, 15, 33, 34, 60, 1514, 9000, 65535, 69632):
            for kind in (0x0800, 0x0806, 0x86dd, 0x8899):
                head = b'\xff' * 6 + netrig.GUEST_MAC + struct.pack('!H', kind)
                g.t.send((head + os.urandom(n))[:n])
                g.t.send((head + b'\x45\0' + os.urandom(n))[:n])
        eq(g.ping(ip('10.0.2.2')), b'abcdefgh')


@test
def bad_lines():
    """what cannot be is said in one line"""
    need_user()
    fails('-netdev user,id=n,hostfwd=bad', "Invalid host forwarding rule 'bad' (No : separators)")
    fails('-netdev user,id=n,hostfwd=tcp::1-:22x', 'Bad guest port')
    s, port = tcp_server()
    fails(f'-netdev user,id=n,hostfwd=tcp:127.0.0.1:{port}-:22', 'Could not set up host forwarding rule', str(port))
    s.close()
    fails('-netdev user,id=n,guestfwd=foo', "Invalid guest forwarding rule 'foo'")
    fails('-netdev user,id=n,guestfwd=tcp:10.0.2.100:1-cmd:', 'Invalid guest forwarding rule')
    fails('-netdev user,id=n,guestfwd=tcp:10.0.2.100:1-cmd:\\"cat', 'Invalid guest forwarding rule')
    fails('-netdev user,id=n,guestfwd=tcp:9.9.9.9:1-cmd:cat', 'conflicting/invalid host:port in guest forwarding rule')
    fails('-netdev user,id=n,guestfwd=tcp:10.0.2.100:1-chardev:c', 'as the target')
    fails(f'-netdev user,id=n,guestfwd=tcp:10.0.2.100:1-tcp:127.0.0.1:{port}', 'Connection refused')
    fails('-netdev user,id=n,guestfwd=tcp:9.9.9.9:1-unix:/nonexistent/s', 'No such file')
    fails('-netdev user,id=n,net=10.0.2.0/33', 'Invalid netmask provided (must be in range 4-32)')
    fails('-netdev user,id=n,host=1.2.3.4', "Host doesn't belong to network")
    fails('-netdev user,id=n,ipv6-prefix=xyz', 'xyz')
    fails('-netdev user,id=n,ipv4=off,ipv6=off', 'leave nothing')
    fails('-netdev user,id=n,ipv4=off,net=10.0.2.0/24', 'IPv4 disabled')
    fails('-netdev user,id=n,smb=/nonexistent', "Error accessing shared directory '/nonexistent'")
    fails('-netdev user,id=n,smb=', "Error accessing shared directory ''")
    fails('-netdev user,id=n,smbserver=here', "Failed to parse SMB address 'here'")
    fails('-netdev user,id=n,smb=/,smbserver=9.9.9.9', "conflicting/invalid smbserver address '9.9.9.9'")
    fails('-netdev user,id=n,smb=/,ipv4=off', 'smb= needs ipv4')
    fails('-netdev user,id=n,tftp=/nonexistent', '/nonexistent')
    fails('-netdev user,id=n,hostname=' + 'x' * 300, 'hostname')
    fails('-netdev user,id=n,restrict=maybe', 'restrict', "'on' or 'off'")


if __name__ == '__main__':
    netrig.main()
