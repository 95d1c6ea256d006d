# SPDX-License-Identifier: BSD-2-Clause
"""What stands between NICs and their back ends: hubs, filter-dump, -nic and -net, warnings and refusals."""
import os
import pathlib
import re
import socket
import struct
import subprocess
import tempfile

import netrig
from netrig import Tenon, eq, fails, frame, ok, test


def pair():
    """A back end on a datagram socket: this end, and the machine's."""
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    here.settimeout(netrig.TIMEOUT)
    return here, there


def nothing(s):
    s.settimeout(0.2)
    try:
        return s.recv(2000) and False
    except socket.timeout:
        return True


# ---- hubs ----

@test
def hub_gives_a_frame_to_all_other_ports():
    """a frame goes out at every port but its own, whatever stands behind a port"""
    a, there_a = pair()
    b, there_b = pair()
    line = ('-netdev dgram,id=a,local.type=fd,local.str={fa} -netdev dgram,id=b,local.type=fd,local.str={fb}'
            ' -netdev hubport,id=pa,hubid=3,netdev=a -netdev hubport,id=pb,hubid=3,netdev=b'
            ' -netdev hubport,id=n,hubid=3 -netdev hubport,id=m,hubid=3')
    with Tenon(line, extra_probes=['m'], fa=there_a, fb=there_b) as t:
        t.send(frame(b'from n'))
        for got in (a.recv(2000), b.recv(2000), t.recv(port=t.more[0])):
            eq(got, frame(b'from n'))
        ok(t.recv(0.2) is None, 'a frame came back to its own port')
        a.send(frame(b'from a'))
        for got in (t.recv(), t.recv(port=t.more[0]), b.recv(2000)):
            eq(got, frame(b'from a'))
        ok(nothing(a), 'a frame came back to its own port')


@test
def hubs_are_apart():
    """what is on hub 1 does not reach hub 2"""
    line = '-netdev hubport,id=n,hubid=1 -netdev hubport,id=m,hubid=2 -netdev hubport,id=o,hubid=1'
    with Tenon(line, extra_probes=['m', 'o']) as t:
        t.send(frame(b'one'))
        eq(t.recv(port=t.more[1]), frame(b'one'))
        ok(t.recv(0.2, port=t.more[0]) is None, 'it reached the other hub')


@test
def hubs_can_be_joined():
    """a port of one hub is the other side of a port of another: they are one network"""
    line = ('-netdev hubport,id=n,hubid=1 -netdev hubport,id=x,hubid=1 -netdev hubport,id=y,hubid=2,netdev=x'
            ' -netdev hubport,id=m,hubid=2')
    with Tenon(line, extra_probes=['m']) as t:
        t.send(frame(b'one'))
        eq(t.recv(port=t.more[0]), frame(b'one'))
        t.send(frame(b'two'), port=t.more[0])
        eq(t.recv(), frame(b'two'))


@test
def a_hub_has_no_room_for_ever():
    """a port that nobody reads loses frames, and the others go on"""
    line = '-netdev hubport,id=n,hubid=1 -netdev hubport,id=m,hubid=1 -netdev hubport,id=o,hubid=1'
    with Tenon(line, extra_probes=['m', 'o']) as t:
        for i in range(2000):
            t.send(frame(i.to_bytes(4, 'big') * 350))
            eq(t.recv(port=t.more[0]), frame(i.to_bytes(4, 'big') * 350), f'frame {i}')


# ---- contexts ----

@test
def front_end_in_an_iothread():
    """a NIC in a thread of its own: frames go both ways at once, in order, with a filter in between and without"""
    with tempfile.TemporaryDirectory() as d:
        for more in ('', f' -object filter-dump,id=f,netdev=n,file={d}/dump,maxlen=60'):
            here, there = socket.socketpair()
            here.settimeout(netrig.TIMEOUT)
            line = '-object iothread,id=t -netdev stream,id=n,addr.type=fd,addr.str={peer}' + more
            with Tenon(line, probe=',iothread=t', peer=there) as t:
                for i in range(1000):
                    data = frame(i.to_bytes(4, 'big') * 350)
                    t.send(data)
                    here.sendall(struct.pack('>I', len(data)) + data)
                    if i % 10 == 9:
                        for k in range(i - 9, i + 1):
                            want = frame(k.to_bytes(4, 'big') * 350)
                            eq(t.recv(), want, f'frame {k}')
                            eq(here.recv(4 + len(want), socket.MSG_WAITALL)[4:], want, f'frame {k}')


# ---- filter-dump ----

def pcap(path):
    """Header and packets of a capture file: [(seconds, length, bytes)]."""
    with open(path, 'rb') as f:
        data = f.read()
    head = struct.unpack('=IHHiIII', data[:24])
    out, at = [], 24
    while at < len(data):
        sec, usec, captured, length = struct.unpack('=IIII', data[at:at + 16])
        ok(usec < 1000000, f'{usec} microseconds')
        out.append((sec, length, data[at + 16:at + 16 + captured]))
        at += 16 + captured
    eq(at, len(data), 'end of the last packet')
    return head, out


@test
def dump_of_both_directions():
    """filter-dump writes what passes, in order, as a capture file of Ethernet frames; maxlen cuts packets"""
    here, there = pair()
    with tempfile.TemporaryDirectory() as d:
        line = ('-netdev dgram,id=n,local.type=fd,local.str={peer}'
                f' -object filter-dump,id=f,netdev=n,file={d}/all -object filter-dump,id=g,netdev=n,file={d}/cut,maxlen=20'
                f' -object filter-dump,id=rx,netdev=n,file={d}/rx,queue=rx'
                f' -object filter-dump,id=tx,netdev=n,file={d}/tx,queue=tx'
                f' -object filter-dump,id=off,netdev=n,file={d}/off,status=off')
        with Tenon(line, peer=there) as t:
            t.send(frame(b'from the guest'))
            eq(here.recv(2000), frame(b'from the guest'))
            here.send(frame(b'to the guest'))
            eq(t.recv(), frame(b'to the guest'))
        head, packets = pcap(d + '/all')
        eq(head, (0xa1b2c3d4, 2, 4, 0, 0, 65536, 1))
        eq([p[2] for p in packets], [frame(b'from the guest'), frame(b'to the guest')])
        head, packets = pcap(d + '/cut')
        eq(head[5], 20)
        eq([(p[1], p[2]) for p in packets], [(28, frame(b'from the guest')[:20]), (26, frame(b'to the guest')[:20])])
        eq([p[2] for p in pcap(d + '/rx')[1]], [frame(b'from the guest')])
        eq([p[2] for p in pcap(d + '/tx')[1]], [frame(b'to the guest')])
        eq(pcap(d + '/off')[1], [])


@test
def dump_is_what_tcpdump_reads():
    """tcpdump, where there is one, reads the file"""
    if subprocess.run(['sh', '-c', 'command -v tcpdump'], capture_output=True, check=False).returncode:
        raise netrig.Skip('no tcpdump here')
    here, there = pair()
    with tempfile.TemporaryDirectory() as d:
        line = f'-netdev dgram,id=n,local.type=fd,local.str={{peer}} -object filter-dump,id=f,netdev=n,file={d}/all'
        with Tenon(line, peer=there) as t:
            t.send(frame(b'x' * 46))
            here.recv(2000)
        out = subprocess.run(['tcpdump', '-ner', d + '/all'], capture_output=True, text=True, check=False).stdout
        ok('52:54:00:12:34:56 > ff:ff:ff:ff:ff:ff' in out, out)


@test
def dump_with_a_slow_guest():
    """packets that wait for a guest without buffers are written once"""
    here, there = pair()
    with tempfile.TemporaryDirectory() as d:
        line = f'-netdev dgram,id=n,local.type=fd,local.str={{peer}} -object filter-dump,id=f,netdev=n,file={d}/all'
        with Tenon(line, peer=there) as t:
            want = [frame(i.to_bytes(4, 'big') * 350) for i in range(600)]
            here.settimeout(0.3)
            n = 0
            try:
                for w in want:
                    here.send(w)
                    n += 1
            except (socket.timeout, BlockingIOError):
                pass
            eq([t.recv() for _ in range(n)], want[:n])
        eq([p[2] for p in pcap(d + '/all')[1]], want[:n])


# ---- the command line ----

def says(options, *lines):
    """The machine starts, and its warnings are these lines, in any order."""
    command = [netrig.program(), '-M', 'none', '-accel', 'qtest', '-nodefaults', '-display', 'none', '-plugin',
               netrig.probe_plugin(), *options.split()]
    p = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        text = p.communicate(timeout=0.7)[0]
        raise netrig.Failure('it ended: ' + text)
    except subprocess.TimeoutExpired:
        p.terminate()
    got = p.communicate(timeout=netrig.TIMEOUT)[0].splitlines()
    eq(p.returncode, 0, 'exit status')
    eq(sorted(got), sorted(lines))


@test
def what_nobody_uses_is_warned_about():
    """texts as QEMU's"""
    says('-netdev hubport,id=a,hubid=1', 'tenon: warning: hub port a has no peer', 'tenon: warning: netdev a has no peer')
    says('-netdev socket,id=s,listen=127.0.0.1:0', 'tenon: warning: netdev s has no peer')
    says('-device net-probe,id=x', 'tenon: warning: nic x has no peer')
    says('-net nic,model=net-probe -nic none', 'tenon: warning: hub 0 is not connected to host network')


@test
def lists():
    """-netdev help, -nic model=help"""
    def out(*words):
        return subprocess.run([netrig.program(), '-plugin', netrig.probe_plugin(), *words], capture_output=True, text=True,
                              check=True).stdout
    text = out('-netdev', 'help')
    ok(text.startswith('Available netdev backend types:\n'), text)
    for name in ('hubport', 'socket', 'stream', 'dgram', 'tap', 'bridge'):
        ok(re.search(f'^{name}$', text, re.M), f'{name} is not listed')
    eq((out('-nic', 'help'), out('-net', 'help')), (text, text))
    ok('net-probe' in out('-nic', 'model=help').splitlines(), 'the probe is no NIC')
    ok('hubid=<int64>' in out('-netdev', 'hubport,help'), 'no properties')


# ---- the pages ----

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
PAGES = ['plugins/net/user/user.md', 'plugins/net/tap/tap.md', 'plugins/net/socket/stream.md', 'plugins/net/socket/dgram.md',
         'plugins/net/socket/socket.md', 'docs/net.md']


def tenon_help(name):
    return subprocess.run([netrig.program(), '-netdev', f'{name},help'], capture_output=True, text=True, check=False).stdout


@test
def pages_have_the_properties():
    """each back end's page names what -netdev TYPE,help names"""
    for page in PAGES[:-1]:
        name = pathlib.Path(page).stem
        has = set(re.findall(r'^  ([\w.-]+)=<', tenon_help(name), re.M))
        if not has:
            continue  # not in this build
        text = (TOP / page).read_text(encoding='utf-8').split('## Properties')[1].split('\n## ')[0]
        rows = re.findall(r'^\| ((?:`[\w.-]+`(?:, )?)+) \|', text, re.M)
        eq({n for row in rows for n in re.findall(r'`([\w.-]+)`', row)}, has, f'properties of {name}')


def commands(page):
    return re.findall(r'^    (tenon .*)$', (TOP / page).read_text(encoding='utf-8'), re.M)


def works(line, folder):
    """The line starts a machine: without the guest, as there is none here."""
    words = line.replace(' -kernel vmlinuz', '').split()[1:]
    command = [netrig.program(), '-accel', 'qtest', '-display', 'none', *words]
    with tempfile.TemporaryFile(mode='w+') as out, \
            subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=out) as p:
        try:
            p.wait(0.7)
        except subprocess.TimeoutExpired:
            p.terminate()
        status = p.wait(netrig.TIMEOUT)
        out.seek(0)
        eq((status, [x for x in out.read().splitlines() if 'hub' not in x]), (0, []), line)


@test
def command_lines_of_the_pages_work():
    """each line of a page starts a machine, and says nothing"""
    listed = subprocess.run([netrig.program(), '-netdev', 'help'], capture_output=True, text=True, check=True).stdout.split()
    with tempfile.TemporaryDirectory() as d:
        for page in PAGES:
            ok(commands(page), f'{page} has no line')
            for line in commands(page):
                if 'user' not in listed and 'tap' not in line and ('user' in line or '-nic model' in line):
                    continue  # built without libslirp
                if ' tap,' in line and not os.access('/dev/net/tun', os.W_OK):
                    continue
                works(line, d)


@test
def bad_lines():
    """what cannot be is said in one line"""
    fails('-nic hubport,hubid=1,model=net-probe,mac=xx', 'mac')
    fails('-netdev foo,id=n', "Parameter 'type' does not accept value 'foo'")
    fails('-netdev vde,id=n', "network backend 'vde'", 'not found')
    fails('-netdev hubport,hubid=1', "Parameter 'id' is missing")
    fails('-netdev hubport,id=n', "Parameter 'hubid' is missing")
    fails('-netdev hubport,id=9x,hubid=1', "'id' expects an identifier")
    fails('-netdev hubport,id=n,hubid=1 -netdev hubport,id=n,hubid=2', "Duplicate ID 'n' for netdev")
    fails('-netdev hubport,id=n,hubid=1,bogus=1', "Invalid parameter 'bogus'")
    fails('-netdev hubport,id=n,hubid=1 -netdev hubport,id=m,hubid=1,netdev=nobody', 'nobody')
    fails('-netdev hubport,id=n,hubid=1 -device net-probe,netdev=n', "can't take value 'n', it's in use")
    fails('-netdev hubport,id=n,hubid=1 -netdev hubport,id=m,hubid=1,netdev=n', "'n' is a port of the same hub")
    two = '-netdev hubport,id=n,hubid=1 -netdev hubport,id=m,hubid=2,netdev=n'
    fails(two, "can't take value 'n', it's in use")
    fails('-netdev hubport,id=n,hubid=1 -object filter-dump,id=f,netdev=n', "Parameter 'file' is missing")
    fails('-netdev hubport,id=n,hubid=1 -object filter-dump,id=f,file=/tmp/x', "Parameter 'netdev' is missing")
    fails('-netdev hubport,id=n,hubid=1 -object filter-dump,id=f,netdev=n,file=/nonexistent/x', '/nonexistent/x')
    fails('-netdev hubport,id=n,hubid=1 -object filter-dump,id=f,netdev=n,file=/dev/null,position=id=g', "'g' not found")
    fails('-netdev hubport,id=n,hubid=1 -nic hubport,hubid=1,model=nosuch', 'Unsupported NIC model: nosuch')
    fails('-netdev hubport,id=n,hubid=1 -net nic,netdev=zz', "netdev 'zz' not found")
    fails('-netdev hubport,id=n,hubid=1 -net hubport,hubid=0', "does not accept value 'hubport'")


if __name__ == '__main__':
    netrig.main()
