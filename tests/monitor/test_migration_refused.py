# SPDX-License-Identifier: BSD-2-Clause
"""Migrations that are cancelled, or refused, or of which only a part comes: the machine goes on where it was."""
import os
import socket
import struct
import threading
import time

import qmp
from migrig import RAM, check, fill, finished, in_state, pair, path, until
from qmp import eq, ok, test
from statefile import crc32c, sections


# ---- cancelled, refused ----

def hold_back(vm):
    vm.cmd('migrate-set-parameters', max_bandwidth=20000)


@test
def cancelled():
    '''migrate_cancel: the source goes on, may migrate again; the target ends with status 1'''
    with pair(RAM) as p:
        fill(p.source)
        p.source.write(0x400000, os.urandom(1 << 20))
        hold_back(p.source)
        uri = f'unix:{path()}'
        t = p.await_(uri)
        p.source.cmd('migrate', uri=uri)
        eq(p.source.error('migrate', uri=uri), "There's a migration process in progress")
        ok(p.source.cmd('query-migrate')['status'] in ('setup', 'active'), 'it is under way')
        eq(p.source.error('device_add', driver='edu'), 'device_add not allowed while migrating')
        p.source.cmd('migrate_cancel')
        finished(p.source, 'cancelled')
        eq(p.source.cmd('query-status')['status'], 'running')
        t.dies()
        p.source.cmd('migrate-set-parameters', max_bandwidth=0)
        p.move()
        check(p.target)


def at_switchover(p):
    """It has got as far as where the user decides; the target."""
    uri = f'unix:{path()}'
    t = p.await_(uri)
    p.source.cmd('migrate-set-capabilities', capabilities=[{'capability': 'pause-before-switchover', 'state': True}])
    p.source.cmd('migrate', uri=uri)
    until(lambda: p.source.cmd('query-migrate')['status'] == 'pre-switchover', 'it is pre-switchover')
    eq(p.source.cmd('query-status')['status'], 'finish-migrate')
    return t


@test
def cancelled_at_switchover():
    '''migrate_cancel while the machine stands still: it goes on at the source, and can migrate again'''
    with pair(RAM) as p:
        fill(p.source)
        t = at_switchover(p)
        p.source.cmd('migrate_cancel')
        finished(p.source, 'cancelled')
        in_state(p.source, 'running')
        t.dies()
        t = at_switchover(p)
        p.source.cmd('migrate-continue', state='pre-switchover')
        finished(p.source)
        in_state(t, 'running')
        check(t)


@test
def a_target_that_dies_at_switchover():
    '''it goes while the user thinks: migrate-continue fails, the machine goes on at the source'''
    with pair(RAM) as p:
        t = at_switchover(p)
        t.process.kill()
        t.dies(-9)
        p.source.cmd('migrate-continue', state='pre-switchover')
        finished(p.source, 'failed')
        in_state(p.source, 'running')


@test
def the_bandwidth_is_limited():
    '''max-bandwidth: a megabyte takes its time, and the monitor answers meanwhile'''
    with pair(RAM) as p:
        p.source.write(0x400000, os.urandom(1 << 20))
        p.source.cmd('migrate-set-parameters', max_bandwidth=2 << 20)
        eq(p.source.cmd('query-migrate-parameters')['max-bandwidth'], 2 << 20)
        uri = f'unix:{path()}'
        p.await_(uri)
        begin = time.monotonic()
        p.source.cmd('migrate', uri=uri)
        info = finished(p.source)
        took = time.monotonic() - begin
        ok(took > 0.35, f'it took {took:.3f} s')
        ok(info['ram']['mbps'] < 40, f'{info["ram"]["mbps"]} mbps')


@test
def a_target_that_dies():
    '''the other side goes in the middle: the source says so and runs on'''
    with pair(RAM) as p:
        p.source.write(0x400000, os.urandom(1 << 20))
        hold_back(p.source)
        uri = f'unix:{path()}'
        t = p.await_(uri)
        p.source.cmd('migrate', uri=uri)
        time.sleep(0.1)
        t.process.kill()
        t.dies(-9)
        p.source.cmd('migrate-set-parameters', max_bandwidth=0)
        finished(p.source, 'failed')
        eq(p.source.cmd('query-status')['status'], 'running')


@test
def a_target_that_never_answers():
    '''a peer that takes everything and closes: the source takes the machine back'''
    name = path('deaf')
    with socket.socket(socket.AF_UNIX) as s, qmp.Vm(RAM, 'q35') as vm:
        s.bind(name)
        s.listen()

        def swallow():
            peer = s.accept()[0]
            while b'MARK' not in peer.recv(1 << 20):
                pass
            peer.close()
        t = threading.Thread(target=swallow)
        t.start()
        vm.cmd('migrate', uri=f'unix:{name}')
        info = finished(vm, 'failed')
        t.join()
        ok('has gone' in info['error-desc'], info['error-desc'])
        eq(vm.cmd('query-status')['status'], 'running')


class Peer:
    """The other side of a migration: takes what comes, and says what a target would up to a point."""

    def __init__(self, answer):
        self.answer, self.path = answer, path('peer')
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.bind(self.path)
        self.sock.listen()
        self.thread = threading.Thread(target=self.run)

    @staticmethod
    def section(kind, text=b''):
        head = kind + struct.pack('<II', 0, len(text))
        return head + struct.pack('<I', crc32c(head + text)) + text

    @staticmethod
    def take(conn, n):
        data = b''
        while len(data) < n:
            part = conn.recv(n - len(data))
            if not part:
                return None
            data += part
        return data

    def run(self):
        conn = self.sock.accept()[0]
        with conn:
            self.take(conn, 16)
            while head := self.take(conn, 16):
                kind, _, n, _ = struct.unpack('<4sIII', head)
                self.take(conn, n)
                if kind == b'MARK':
                    conn.sendall(self.section(b'MARK'))
                if kind == b'END ':
                    conn.sendall(self.answer)
                    break

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.sock.close()
        self.thread.join()


def goes_on_after(answer, words):
    """The peer has everything and then says this: the machine goes on at the source; what the user is told."""
    with qmp.Vm(RAM, 'q35') as vm, Peer(answer) as peer:
        vm.cmd('migrate', uri=f'unix:{peer.path}')
        text = finished(vm, 'failed')['error-desc']
        ok(words in text, text)
        eq(vm.cmd('query-status')['status'], 'running')
        vm.write(0x100000, b'alive')
        eq(vm.read(0x100000, 5), b'alive')
        return text


@test
def a_target_that_goes_with_everything():
    '''a peer that has all of it and never says that it does: the machine is the source's'''
    goes_on_after(b'', 'has gone')
    goes_on_after(Peer.section(b'OK  ')[:7], 'has gone')


@test
def a_target_that_says_nonsense():
    '''an answer that is none: the machine is the source's, and what is told fits a terminal'''
    goes_on_after(b'\xff' * 16, 'damaged')
    goes_on_after(Peer.section(b'MARK'), 'refuses')
    text = goes_on_after(Peer.section(b'ERR ', b'no\x1b[2J\xff' * 2000), 'the destination refuses it: no?[2J?no')
    ok(len(text) < 1000 and text.isprintable(), f'{text!r}')


def refused(p, words, target_args, machine=None):
    """The target refuses, naming words; the source goes on."""
    uri = f'unix:{path()}'
    p.target_args = target_args
    p.machine = machine or p.machine
    t = p.await_(uri)
    p.source.cmd('migrate', uri=uri)
    text = finished(p.source, 'failed')['error-desc']
    ok(all(w in text for w in words), text)
    eq(p.source.cmd('query-status')['status'], 'running')
    t.dies()


@test
def another_machine_is_refused():
    '''what the target has must be what the source has: machine, RAM, devices, by name'''
    with pair(RAM) as p:
        refused(p, ["'ram'", '0x2000000', '0x4000000'], '-m 64M')
    with pair(f'{RAM} -device edu,id=e') as p:
        refused(p, ['/machine/peripheral/e', "'edu'"], RAM)
    with pair(RAM) as p:
        refused(p, ['/machine/peripheral/e', 'here only'], f'{RAM} -device edu,id=e')
    with pair(RAM) as p:
        refused(p, ["'q35'", "'microvm'"], RAM, 'microvm')


@test
def another_place_is_refused():
    '''a register that the guest cannot change differs: the device and the register are named'''
    with pair(f'{RAM} -device virtio-rng-pci,id=r,vectors=3') as p:
        refused(p, ["Device 'r'"], f'{RAM} -device virtio-rng-pci,id=r,vectors=2')


@test
def what_cannot_move_is_named():
    '''a device that may not migrate blocks it, by name; and the snapshot of a disk'''
    image = path('image')
    with open(image, 'wb') as f:
        f.truncate(1 << 20)
    with qmp.Vm(f'{RAM} -drive file={image},format=raw,if=none,id=d,snapshot=on -device virtio-blk-pci,drive=d',
                'q35') as vm:
        text = vm.error('migrate', uri='unix:/nowhere')
        ok('State blocked by non-migratable device' in text, text)


@test
def bad_uris():
    '''a bad address is an error, and nothing has begun'''
    with qmp.Vm(RAM, 'q35') as vm:
        eq(vm.error('migrate', uri='bogus'), 'unknown migration protocol: bogus')
        eq(vm.error('migrate'), "need either 'uri' or 'channels' argument")
        eq(vm.error('migrate', uri='file:/nowhere/x'), "Could not create '/nowhere/x': No such file or directory")
        eq(vm.error('migrate-incoming', uri='tcp:0:1'), "'-incoming' was not specified on the command line")
        ok('nope' in vm.error('migrate', uri='fd:nope'), 'the name')
        for bad in 'tcp:x', 'tcp::', 'unix:', 'file:', 'file:x,offset=z':
            vm.error('migrate', uri=bad)
        vm.cmd('migrate_cancel')
        eq(vm.cmd('query-status')['status'], 'running')


# ---- files that are no state ----

def damaged(data):
    """What a file may be instead of sound."""
    s = sections(data)
    yield 'empty', b''
    yield 'foreign', b'QEVM' + data[4:]
    yield 'another format', data[:8] + b'\x09' + data[9:]
    for name, cut in ('header', 10), ('configuration', 40), ('middle', len(data) // 2), ('last byte', len(data) - 1):
        yield f'cut in the {name}', data[:cut]
    yield 'without its end', data[:s[-1][0]]
    for at, kind, n in s[:3] + s[-3:]:
        spot = at + 16 + n // 2
        yield f'a bit of {kind.decode()}', data[:spot] + bytes([data[spot] ^ 1]) + data[spot + 1:]
        yield f'without {kind.decode()}', data[:at] + data[at + 16 + n:]
        if kind != b'END ':
            yield f'twice {kind.decode()}', data[:at + 16 + n] + data[at:]


@test
def damaged_files_are_refused_as_a_whole():
    '''file: truncated, damaged, foreign: status 1, one line; and loadvm leaves the running machine as it is'''
    with pair(RAM) as p:
        fill(p.source)
        name = p.save()
        with open(name, 'rb') as f:
            data = f.read()
        p.source.cmd('cont')
        bad = path('bad')
        tried = 0
        for what, content in damaged(data):
            with open(bad, 'wb') as f:
                f.write(content)
            text = p.source.hmp(f'loadvm file:{bad}')
            ok(text.startswith('Error: '), f'{what}: {text!r}')
            ok('lost' not in text, f'{what}: {text!r}')
            tried += 1
        check(p.source)
        eq(p.source.cmd('query-status')['status'], 'running')
        with open(bad, 'wb') as f:
            f.write(data[:-1])
        text = qmp.refuses(f'{RAM} -incoming file:{bad}', 'q35')
        ok('load of migration failed' in text and text.count('\n') == 1, text)
        ok(tried > 15, 'many were tried')


@test
def garbage_over_a_socket():
    '''whoever talks nonsense to -incoming: the process ends with status 1; with exit-on-error off it stays, and never runs'''
    for content in b'', b'GET / HTTP/1.0\r\n\r\n', os.urandom(4096), b'TENONVM\n' + struct.pack('<II', 1, 1) + b'\xff' * 64:
        name = path()
        with qmp.Vm(f'{RAM} -incoming defer', 'q35') as t, socket.socket(socket.AF_UNIX) as s:
            t.cmd('migrate-incoming', uri=f'unix:{name}', exit_on_error=False)
            s.connect(name)
            s.sendall(content)
            s.close()
            finished(t, 'failed')
            t.cmd('cont')
            eq(t.cmd('query-status')['status'], 'inmigrate')

if __name__ == '__main__':
    qmp.main()
