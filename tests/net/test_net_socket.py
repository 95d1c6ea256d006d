# SPDX-License-Identifier: BSD-2-Clause
"""-netdev stream, dgram and socket between the plugin and peers here, and between two processes."""
import os
import socket
import struct
import tempfile

import netrig
from netrig import Tenon, eq, fails, frame, ok, test


def pack(data):
    """A frame on a stream: its length, 32 bits, big-endian, and itself."""
    return struct.pack('>I', len(data)) + data


def read_exactly(s, n):
    s.settimeout(netrig.TIMEOUT)
    out = b''
    while len(out) < n:
        part = s.recv(n - len(out))
        ok(part, f'the stream ends after {len(out)} of {n} bytes')
        out += part
    return out


def unpack(s):
    return read_exactly(s, struct.unpack('>I', read_exactly(s, 4))[0])


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def tcp_listener():
    s = socket.socket()
    s.bind(('127.0.0.1', 0))
    s.listen(5)
    s.settimeout(netrig.TIMEOUT)
    return s, s.getsockname()[1]


def connect(port):
    s = socket.socket()
    netrig.until(lambda: s.connect_ex(('127.0.0.1', port)) == 0, 'a listening socket')
    return s


def both_ways(t, peer):
    """In first: once that has come the cable is in, whatever was before."""
    peer.sendall(pack(frame(b'in')))
    eq(t.recv(), frame(b'in'))
    t.send(frame(b'out'))
    eq(unpack(peer), frame(b'out'))


# ---- stream ----

@test
def stream_client_over_tcp():
    """a client connects while the machine starts, and frames pass both ways behind their length"""
    s, port = tcp_listener()
    with Tenon(f'-netdev stream,id=n,addr.type=inet,addr.host=127.0.0.1,addr.port={port}') as t:
        both_ways(t, s.accept()[0])


@test
def stream_server_over_tcp():
    """a server's link is down until its peer comes, and down again when it has left; the next one is taken"""
    port = free_port()
    with Tenon(f'-netdev stream,id=n,server=on,addr.type=inet,addr.host=127.0.0.1,addr.port={port}') as t:
        for _ in range(2):
            peer = connect(port)
            both_ways(t, peer)
            peer.close()
            t.wait_link(False)


@test
def stream_over_unix_sockets():
    """the same over a path, which is gone afterwards"""
    with tempfile.TemporaryDirectory() as d:
        path = d + '/s'
        with Tenon(f'-netdev stream,id=n,server=on,addr.type=unix,addr.path={path}') as t:
            peer = socket.socket(socket.AF_UNIX)
            netrig.until(lambda: peer.connect_ex(path) == 0, 'a listening socket')
            both_ways(t, peer)
        ok(not os.path.exists(path), 'the socket is still there')


@test
def stream_over_a_descriptor():
    """addr.type=fd takes an open socket"""
    here, there = socket.socketpair()
    with Tenon('-netdev stream,id=n,addr.type=fd,addr.str={peer}', peer=there) as t:
        both_ways(t, here)


@test
def stream_in_json():
    """the same option in JSON"""
    here, there = socket.socketpair()
    with Tenon('-netdev \'{{"type":"stream","id":"n","addr":{{"type":"fd","str":"{peer}"}}}}\'', peer=there) as t:
        both_ways(t, here)


@test
def stream_frames_in_pieces():
    """frames that come byte by byte, or many at once, are the same frames"""
    here, there = socket.socketpair()
    with Tenon('-netdev stream,id=n,addr.type=fd,addr.str={peer}', peer=there) as t:
        for byte in pack(frame(b'slow')):
            here.sendall(bytes([byte]))
        eq(t.recv(), frame(b'slow'))
        many = [frame(bytes([i]) * (i * 40)) for i in range(1, 101)]
        here.sendall(b''.join(pack(m) for m in many))
        for m in many:
            eq(t.recv(), m)


@test
def stream_frame_too_long_drops_the_connection():
    """a length that no frame can have ends the connection, and the next one works"""
    port = free_port()
    with Tenon(f'-netdev stream,id=n,server=on,addr.type=inet,addr.host=127.0.0.1,addr.port={port}') as t:
        peer = connect(port)
        peer.sendall(pack(frame(b'good')) + struct.pack('>I', 0x7fffffff) + b'x' * 100)
        eq(t.recv(), frame(b'good'))
        t.wait_link(False)
        peer = connect(port)
        both_ways(t, peer)


@test
def stream_longest_and_empty_frames():
    """69632 bytes pass; one more does not; a frame of nothing is no frame"""
    here, there = socket.socketpair()
    with Tenon('-netdev stream,id=n,addr.type=fd,addr.str={peer}', peer=there) as t:
        long = frame(b'l' * (69632 - 14))
        here.sendall(pack(b'') + pack(long))
        eq(len(t.recv()), 69632)
        here.sendall(struct.pack('>I', 69633))
        t.wait_link(False)


@test
def stream_slow_peer():
    """a peer that does not read stops the guest's sending, not the machine, and nothing is lost or torn"""
    here, there = socket.socketpair()
    with Tenon('-netdev stream,id=n,addr.type=fd,addr.str={peer}', peer=there) as t:
        t.sock.settimeout(0.3)
        n = 0
        try:
            while n < 3000:
                t.sock.sendall(frame(n.to_bytes(4, 'big') * 350))
                n += 1
        except (socket.timeout, BlockingIOError):
            pass
        ok(200 < n < 3000, f'{n} frames were taken')
        for i in range(n):
            eq(unpack(here), frame(i.to_bytes(4, 'big') * 350), f'frame {i}')


@test
def slow_guest():
    """a guest without buffers stops the peer's sending, and nothing is lost"""
    here, there = socket.socketpair()
    with Tenon('-netdev stream,id=n,addr.type=fd,addr.str={peer}', peer=there) as t:
        here.settimeout(0.3)
        n = 0
        try:
            while n < 3000:
                here.sendall(pack(frame(n.to_bytes(4, 'big') * 350)))
                n += 1
        except socket.timeout:
            pass
        ok(n < 3000, 'the peer was never stopped')
        for i in range(n):
            eq(t.recv(), frame(i.to_bytes(4, 'big') * 350), f'frame {i}')


@test
def stream_reconnects():
    """reconnect-ms: a client comes back to a server that was away, also after the sandbox has closed"""
    s, port = tcp_listener()
    line = f'-netdev stream,id=n,addr.type=inet,addr.host=127.0.0.1,addr.port={port},reconnect-ms=50'
    with Tenon(line) as t:
        for _ in range(2):
            peer = s.accept()[0]
            both_ways(t, peer)
            peer.close()


@test
def stream_reconnects_over_unix_sockets():
    """the same over a path; the server may come later than the machine"""
    with tempfile.TemporaryDirectory() as d:
        line = f'-netdev stream,id=n,addr.type=unix,addr.path={d}/s,reconnect-ms=50'
        with Tenon(line) as t, socket.socket(socket.AF_UNIX) as s:
            t.wait_link(False)
            s.bind(d + '/s')
            s.listen(1)
            s.settimeout(netrig.TIMEOUT)
            for _ in range(2):
                peer = s.accept()[0]
                both_ways(t, peer)
                peer.close()


@test
def stream_takes_a_listening_descriptor():
    """addr.type=fd with a socket that listens is a server"""
    s, port = tcp_listener()
    with Tenon('-netdev stream,id=n,addr.type=fd,addr.str={s}', s=s) as t:
        for _ in range(2):
            peer = connect(port)
            both_ways(t, peer)
            peer.close()
            t.wait_link(False)


@test
def stream_refused():
    """a client without reconnect= that nobody answers ends the start, with a line"""
    port = free_port()
    fails(f'-netdev stream,id=n,addr.type=inet,addr.host=127.0.0.1,addr.port={port}', 'Connection refused',
          f'127.0.0.1:{port}')


@test
def two_machines_over_a_stream():
    """two processes are each other's network"""
    with tempfile.TemporaryDirectory() as d:
        at = f'addr.type=unix,addr.path={d}/s'
        with Tenon(f'-netdev stream,id=n,server=on,{at}') as a:
            netrig.until(lambda: os.path.exists(d + '/s'), 'a listening socket')
            with Tenon(f'-netdev stream,id=n,{at}') as b:
                b.send(frame(b'to a'))  # first: it waits for a to answer, and then the cable is in
                eq(a.recv(), frame(b'to a'))
                a.send(frame(b'to b'))
                eq(b.recv(), frame(b'to b'))


# ---- dgram ----

def udp(port=0):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(('127.0.0.1', port))
    s.settimeout(netrig.TIMEOUT)
    return s


@test
def dgram_over_udp():
    """a frame is a datagram, with nothing around it"""
    peer, port = udp(), free_port(socket.SOCK_DGRAM)
    line = (f'-netdev dgram,id=n,local.type=inet,local.host=127.0.0.1,local.port={port},'
            f'remote.type=inet,remote.host=127.0.0.1,remote.port={peer.getsockname()[1]}')
    with Tenon(line) as t:
        t.send(frame(b'out'))
        eq(peer.recv(2000), frame(b'out'))
        peer.sendto(frame(b'in'), ('127.0.0.1', port))
        eq(t.recv(), frame(b'in'))


@test
def dgram_over_unix_sockets():
    """the same over paths"""
    with tempfile.TemporaryDirectory() as d:
        peer = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        peer.bind(d + '/there')
        peer.settimeout(netrig.TIMEOUT)
        line = (f'-netdev dgram,id=n,local.type=unix,local.path={d}/here,remote.type=unix,remote.path={d}/there')
        with Tenon(line) as t:
            t.send(frame(b'out'))
            eq(peer.recv(2000), frame(b'out'))
            peer.sendto(frame(b'in'), d + '/here')
            eq(t.recv(), frame(b'in'))
        ok(not os.path.exists(d + '/here'), 'the socket is still there')


@test
def dgram_over_a_descriptor():
    """local.type=fd takes an open, connected socket"""
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    here.settimeout(netrig.TIMEOUT)
    with Tenon('-netdev dgram,id=n,local.type=fd,local.str={peer}', peer=there) as t:
        t.send(frame(b'out'))
        eq(here.recv(2000), frame(b'out'))
        here.send(frame(b'in'))
        eq(t.recv(), frame(b'in'))


def multicast_works():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton('239.1.2.3') + socket.inet_aton('127.0.0.1'))
    except OSError as e:
        raise netrig.Skip(f'no multicast here: {e}') from e
    finally:
        s.close()


@test
def multicast_groups():
    """dgram and socket,mcast= are members of one group, and hear each other"""
    multicast_works()
    port = free_port(socket.SOCK_DGRAM)
    a = (f'-netdev dgram,id=n,remote.type=inet,remote.host=239.1.2.3,remote.port={port},'
         'local.type=inet,local.host=127.0.0.1')
    b = f'-netdev socket,id=n,mcast=239.1.2.3:{port},localaddr=127.0.0.1'
    with Tenon(a) as ta, Tenon(b) as tb:
        netrig.until(lambda: (ta.send(frame(b'from a')), tb.recv(0.2))[1] == frame(b'from a'), 'a frame of a')
        tb.send(frame(b'from b'))
        netrig.until(lambda: ta.recv(0.2) == frame(b'from b'), 'a frame of b')


@test
def dgram_peer_that_is_not_there_yet():
    """what is sent to nobody is lost, and later frames arrive"""
    port, there = free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_DGRAM)
    line = (f'-netdev dgram,id=n,local.type=inet,local.host=127.0.0.1,local.port={port},'
            f'remote.type=inet,remote.host=127.0.0.1,remote.port={there}')
    with Tenon(line) as t:
        t.send(frame(b'lost'))
        peer = udp(there)
        got = netrig.until(lambda: (t.send(frame(b'seen')), recv_or_none(peer))[1], 'a frame')
        ok(got in (frame(b'seen'), frame(b'lost')), netrig.show(got))


def recv_or_none(s):
    s.settimeout(0.2)
    try:
        return s.recv(2000)
    except socket.timeout:
        return None


# ---- socket ----

@test
def socket_listen_and_connect():
    """-netdev socket: the older form of both ends"""
    port = free_port()
    with Tenon(f'-netdev socket,id=n,listen=127.0.0.1:{port}') as t:
        peer = connect(port)
        both_ways(t, peer)
    s, port = tcp_listener()
    with Tenon(f'-netdev socket,id=n,connect=127.0.0.1:{port}') as t:
        both_ways(t, s.accept()[0])


@test
def socket_udp():
    """udp= with localaddr="""
    peer, port = udp(), free_port(socket.SOCK_DGRAM)
    with Tenon(f'-netdev socket,id=n,udp=127.0.0.1:{peer.getsockname()[1]},localaddr=127.0.0.1:{port}') as t:
        t.send(frame(b'out'))
        eq(peer.recv(2000), frame(b'out'))
        peer.sendto(frame(b'in'), ('127.0.0.1', port))
        eq(t.recv(), frame(b'in'))


@test
def socket_descriptors():
    """fd= is a stream or a datagram socket, whichever it is"""
    here, there = socket.socketpair()
    with Tenon('-netdev socket,id=n,fd={peer}', peer=there) as t:
        both_ways(t, here)
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    here.settimeout(netrig.TIMEOUT)
    with Tenon('-netdev socket,id=n,fd={peer}', peer=there) as t:
        t.send(frame(b'out'))
        eq(here.recv(2000), frame(b'out'))


@test
def bad_lines():
    """what cannot be is said in one line"""
    fails('-netdev stream,id=n', "Parameter 'addr' is missing")
    fails('-netdev stream,id=n,addr.type=inet', "Parameter 'addr.host' is missing")
    fails('-netdev stream,id=n,addr.type=carrier-pigeon', 'carrier-pigeon')
    fails('-netdev stream,id=n,addr.type=unix,addr.path=' + 'x' * 200, 'too long')
    fails('-netdev stream,id=n,addr.type=fd,addr.str=99', 'fd=99')
    fails('-netdev stream,id=n,server=on,reconnect=1,addr.type=unix,addr.path=/nonexistent/x', 'reconnect')
    fails('-netdev stream,id=n,server=on,addr.type=unix,addr.path=/nonexistent/x', '/nonexistent/x', 'No such file')
    fails('-netdev dgram,id=n', 'dgram requires local= parameter')
    fails('-netdev dgram,id=n,local.type=inet,local.host=127.0.0.1,local.port=0', 'requires remote parameter')
    fails('-netdev socket,id=n', 'exactly one of listen=, connect=, mcast= or udp= is required')
    fails('-netdev socket,id=n,udp=127.0.0.1:9', 'localaddr= is mandatory with udp=')
    fails('-netdev socket,id=n,listen=foo', "doesn't contain ':'")
    fails('-netdev socket,id=n,connect=127.0.0.1:70000', 'port number')
    fails('-netdev socket,id=n,mcast=127.0.0.1:9', 'not a multicast address')
    fails('-netdev stream,id=n,addr.type=unix,addr.path=/x,colour=red', "Invalid parameter 'colour'")


if __name__ == '__main__':
    netrig.main()
