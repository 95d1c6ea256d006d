# SPDX-License-Identifier: BSD-2-Clause
"""Migration without a guest: devices in the middle of their work, over every kind of channel; what is refused, and what
goes on after that."""
import json
import os
import socket
import struct
import subprocess
import sys
import threading
import time

import qmp
from migrig import BlkRing, finished, in_state, pair, path
from qmp import Failure, eq, ok, test

RAM = '-m 32M'


# ---- channels ----

def fill(vm):
    """RAM of every kind: random, zero, one word over and over."""
    vm.write(0x100000, bytes(range(256)) * 32)
    vm.write(0x200000, b'\xa5' * 8192)
    vm.write(0x200ff8, b'\0' * 8)


def check(vm):
    eq(vm.read(0x100000, 8192), bytes(range(256)) * 32, 'RAM')
    eq(vm.read(0x200000, 4088), b'\xa5' * 4088, 'RAM that repeats a word')
    eq(vm.read(0x200ff8, 16), b'\0' * 8 + b'\xa5' * 8, 'RAM that almost repeats a word')
    eq(vm.read(0x300000, 4096), b'\0' * 4096, 'RAM that is zero')


@test
def over_a_unix_socket():
    '''unix: RAM is the same there; the source stands still and the target runs'''
    with pair(RAM) as p:
        fill(p.source)
        info = p.move()
        check(p.target)
        in_state(p.source, 'postmigrate')
        ram = info['ram']
        eq(ram['remaining'], 0)
        eq(ram['total'], 32 << 20)
        ok(ram['normal'] >= 2 and ram['duplicate'] >= 8000, f'pages are {ram}')
        eq(ram['normal-bytes'], ram['normal'] * 4096)
        ok(info['downtime'] < 1000 and info['total-time'] >= info['downtime'], f'times are {info}')


@test
def over_tcp():
    '''tcp: to a port of this host'''
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        port = s.getsockname()[1]
    with pair(RAM) as p:
        fill(p.source)
        p.await_(f'tcp:127.0.0.1:{port}')
        p.source.cmd('migrate', channels=[{'channel-type': 'main', 'addr': {
            'transport': 'socket', 'type': 'inet', 'host': '127.0.0.1', 'port': str(port)}}])
        finished(p.source)
        in_state(p.target, 'running')
        check(p.target)


@test
def to_a_file_and_back():
    '''file: the state is a file, from which any number of machines go on'''
    with pair(RAM) as p:
        fill(p.source)
        name = p.save()
        for _ in range(2):
            in_state(p.await_(f'file:{name}'), 'running')
            check(p.target)
        in_state(p.source, 'postmigrate')
        p.source.cmd('cont')
        in_state(p.source, 'running')
        check(p.source)


@test
def over_descriptors():
    '''fd: what getfd was given: here the two ends of a socketpair, and one that -incoming inherits'''
    with pair(RAM) as p:
        fill(p.source)
        a, b = socket.socketpair()
        p.await_('defer')
        p.source.qmp.cmd('getfd', [a.fileno()], fdname='there')
        p.target.qmp.cmd('getfd', [b.fileno()], fdname='here')
        a.close()
        b.close()
        p.target.cmd('migrate-incoming', uri='fd:here')
        p.source.cmd('migrate', uri='fd:there')
        finished(p.source)
        in_state(p.target, 'running')
        check(p.target)


@test
def over_commands():
    '''exec: through a program, which another process starts: this one is in the sandbox'''
    name = path('piped')
    with pair(RAM) as p:
        fill(p.source)
        p.source.cmd('migrate', uri=f'exec:gzip -1 > {name}')
        finished(p.source)
        with pair(RAM) as q:
            t = q.stack.enter_context(qmp.Vm([*RAM.split(), '-incoming', f'exec:gzip -dc {name}'], 'q35'))
            in_state(t, 'running')
            check(t)


@test
def a_command_ends_with_its_migration():
    '''exec: a program that does not read is ended by migrate_cancel, and by the end of the machine'''
    for how in 'migrate_cancel', 'quit':
        said = path('pid')
        with qmp.Vm(RAM, 'q35') as vm:
            vm.write(0x100000, os.urandom(1 << 20))
            vm.cmd('migrate', uri=f'exec:echo $$ > {said}.new; mv {said}.new {said}; exec sleep 1000')
            until(lambda: os.path.exists(said), 'the program starts')
            vm.cmd(how)
            if how == 'migrate_cancel':
                finished(vm, 'cancelled')
                in_state(vm, 'running')
        with open(said) as f:
            pid = f.read().strip()
        until(lambda: not os.path.exists(f'/proc/{pid}'), f'{how}: the program ends')


def until(condition, what, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        ok(time.monotonic() < end, what)
        time.sleep(0.01)


@test
def commands_are_refused_by_spawn_deny():
    '''exec: with -sandbox spawn=deny: an error, and the machine runs on'''
    with qmp.Vm(f'{RAM} -sandbox on,spawn=deny', 'q35') as vm:
        text = vm.error('migrate', uri='exec:cat')
        ok('sandbox' in text, text)
        eq(vm.cmd('query-status')['status'], 'running')


@test
def a_command_that_fails_is_a_failed_migration():
    '''exec: its exit status counts'''
    with qmp.Vm(RAM, 'q35') as vm:
        vm.cmd('migrate', uri='exec:cat > /dev/null; exit 3')
        ok('status 3' in finished(vm, 'failed')['error-desc'], 'the status')
        eq(vm.cmd('query-status')['status'], 'running')


# ---- states of the two ends ----

@test
def a_paused_machine_stays_paused():
    '''what was paused is paused there, and goes on with cont'''
    with pair(f'{RAM} -S') as p:
        fill(p.source)
        uri = f'unix:{path()}'
        t = p.await_(uri)
        p.source.cmd('migrate', uri=uri)
        finished(p.source)
        in_state(t, 'prelaunch')
        check(t)
        t.cmd('cont')
        in_state(t, 'running')


@test
def what_waits_does_not_run():
    '''-incoming: inmigrate until the state has come, with no device at work; cont decides what follows'''
    with pair(RAM) as p:
        uri = f'unix:{path()}'
        t = p.await_('defer')
        eq(t.cmd('query-status')['status'], 'inmigrate')
        eq(t.cmd('query-migrate'), {})
        eq(t.error('migrate', uri='unix:/x'), 'Guest is waiting for an incoming migration')
        t.cmd('cont')
        eq(t.cmd('query-status')['status'], 'inmigrate')
        t.cmd('migrate-incoming', uri=uri)
        eq(t.error('migrate-incoming', uri=uri), 'The incoming migration has already been started')
        p.source.cmd('migrate', uri=uri)
        finished(p.source)
        in_state(t, 'running')


@test
def events():
    '''MIGRATION and MIGRATION_PASS with the capability events, STOP at the source, RESUME at the target'''
    with pair(RAM) as p:
        uri = f'unix:{path()}'
        t = p.await_('defer')
        for vm in p.source, t:
            vm.cmd('migrate-set-capabilities', capabilities=[{'capability': 'events', 'state': True}])
        t.cmd('migrate-incoming', uri=uri)
        t.event('MIGRATION', status='setup')
        p.source.cmd('migrate', uri=uri)
        p.source.event('MIGRATION', status='setup')
        p.source.event('MIGRATION', status='active')
        eq(p.source.event('MIGRATION_PASS')['pass'], 1)
        p.source.event('STOP')
        p.source.event('MIGRATION', status='device')
        p.source.event('MIGRATION', status='completed')
        t.event('MIGRATION', status='active')
        t.event('MIGRATION', status='completed')
        t.event('RESUME')


@test
def the_clock_goes_on():
    '''guest time is the same there, and timers on it'''
    with pair(f'{RAM} -rtc clock=vm') as p:
        p.source.step(5_000_000_000)
        p.move()
        eq(int(p.target.command('clock_step 1')[-1]), 5_000_000_001)


@test
def user_goes_before_switchover():
    '''pause-before-switchover: the machine stands still until migrate-continue'''
    with pair(RAM) as p:
        uri = f'unix:{path()}'
        p.await_(uri)
        p.source.cmd('migrate-set-capabilities', capabilities=[{'capability': 'pause-before-switchover', 'state': True}])
        p.source.cmd('migrate', uri=uri)
        end = time.monotonic() + 20
        while p.source.cmd('query-migrate')['status'] != 'pre-switchover':
            ok(time.monotonic() < end, 'it is pre-switchover')
        eq(p.source.error('migrate-continue', state='device'), 'Migration not in expected state: pre-switchover')
        p.source.cmd('migrate-continue', state='pre-switchover')
        finished(p.source)
        in_state(p.target, 'running')


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


# ---- capabilities and parameters ----

@test
def capabilities():
    '''those that are there can be switched; postcopy and the like are refused, and nothing is set then'''
    with qmp.Vm(machine='none') as vm:
        names = {c['capability']: c['state'] for c in vm.cmd('query-migrate-capabilities')}
        eq(len(names), 22)
        ok(not any(names.values()), 'all are off')
        both = [{'capability': 'events', 'state': True}, {'capability': 'postcopy-ram', 'state': True}]
        ok('Postcopy is not supported' in vm.error('migrate-set-capabilities', capabilities=both), 'postcopy')
        ok(not any(c['state'] for c in vm.cmd('query-migrate-capabilities')), 'nothing was set')
        eq(vm.error('migrate-set-capabilities', capabilities=[{'capability': 'multifd', 'state': True}]),
           "Capability 'multifd' is not supported")


@test
def parameters():
    '''set all or none, in their ranges'''
    with qmp.Vm(machine='none') as vm:
        p = vm.cmd('query-migrate-parameters')
        eq(p['max-bandwidth'], 134217728)
        eq(p['downtime-limit'], 300)
        vm.cmd('migrate-set-parameters', downtime_limit=10, multifd_channels=4)
        p = vm.cmd('query-migrate-parameters')
        eq((p['downtime-limit'], p['multifd-channels']), (10, 4))
        eq(vm.error('migrate-set-parameters', max_bandwidth=1, downtime_limit=3000000),
           "Parameter 'downtime_limit' expects an integer in the range of 0 to (2000 * 1000) ms")
        eq(vm.cmd('query-migrate-parameters')['max-bandwidth'], 134217728)
        ok('not supported' in vm.error('migrate-set-parameters', mode='cpr-reboot'), 'mode')


@test
def at_the_terminal():
    '''HMP: migrate, info migrate, capabilities and parameters'''
    with pair(RAM) as p:
        fill(p.source)
        uri = f'unix:{path()}'
        t = p.await_('defer')
        eq(t.hmp(f'migrate_incoming {uri}'), '')
        eq(p.source.hmp('migrate_set_parameter max-bandwidth 64'), '')
        ok('max-bandwidth: 67108864 bytes/second\n' in p.source.hmp('info migrate_parameters'), 'bandwidth')
        eq(p.source.hmp('migrate_set_capability events on'), '')
        ok('events: on\n' in p.source.hmp('info migrate_capabilities'), 'capability')
        eq(p.source.hmp(f'migrate -d {uri}'), '')
        finished(p.source)
        ok(p.source.hmp('info migrate').startswith('Migration status: completed\n'), 'status')
        in_state(t, 'running')
        check(t)


@test
def snapshots():
    '''savevm and loadvm of a file: the machine is again what it was, in the same process'''
    name = path('snap')
    with qmp.Vm(f'{RAM} -device edu,addr=5', 'q35') as vm:
        fill(vm)
        vm.outl(0xcf8, 0x80002810)
        vm.outl(0xcfc, 0xe0000000)
        vm.outl(0xcf8, 0x80002804)
        vm.outl(0xcfc, 7)
        vm.writel(0xe0000004, 0x12345678)
        eq(vm.hmp(f'savevm file:{name}'), '')
        eq(vm.cmd('query-status')['status'], 'running')
        vm.write(0x100000, b'x' * 8192)
        vm.write(0x300000, b'x' * 8192)
        vm.writel(0xe0000004, 1)
        vm.outl(0xcfc, 0)
        eq(vm.hmp(f'loadvm file:{name}'), '')
        check(vm)
        eq(vm.readl(0xe0000004), 0x12345678 ^ 0xffffffff)
        ok('give file:PATH' in vm.hmp('savevm x'), 'a tag')
        ok('Error' in vm.hmp('loadvm file:/nowhere'), 'no file')
        eq(vm.cmd('query-status')['status'], 'running')


# ---- disks ----

@test
def the_image_changes_hands():
    '''one image for both ends: the target waits with it open, and has its lock when the source has let go; a source that
    takes the machine back has the disk again'''
    image = path('image')
    with open(image, 'wb') as f:
        f.truncate(1 << 20)
    disk = f'-drive file={image},format=raw,if=none,id=d -device virtio-blk-pci,drive=d'
    with pair(f'{RAM} {disk}') as p:
        p.await_(f'unix:{path("early")}')
        p.target.process.terminate()
        p.target.process.wait(20)
        p.source.cmd('stop')
        p.source.cmd('cont')
        p.move()
        in_state(p.source, 'postmigrate')
        ok('lock' in p.source.error('cont'), 'the disk is another process\'s')
        eq(p.source.cmd('query-status')['status'], 'postmigrate')
        p.target.cmd('quit')
        p.target.process.wait(20)
        p.source.cmd('cont')
        in_state(p.source, 'running')


@test
def requests_in_flight():
    '''a request that waits for its disk (throttled) is finished at the source, or by the target from the ring'''
    args = ('-drive if=none,id=d,driver=null-co,size=1M,read-zeroes=on,throttling.iops-total=2 '
            '-device virtio-blk-pci,drive=d,addr=4')
    with pair(f'{RAM} {args}') as p:
        ring = BlkRing(p.source)
        ring.submit(5)
        p.move()
        ring.vm = p.target
        end = time.monotonic() + 20
        while ring.used() < 5 and time.monotonic() < end:
            p.target.step(500_000_000)
        eq(ring.used(), 5, 'requests that were answered')


# ---- every device ----

DEVICES = ['edu', 'pci-testdev', 'pcie-root-port,id=rp', 'isa-serial,chardev=sc -chardev null,id=sc', 'isa-debugcon,iobase=0xe9,chardev=dc -chardev null,id=dc', 'isa-debug-exit', 'pvpanic',
           'log-device,chardev=lc -chardev null,id=lc', 'virtio-rng-pci', 'virtio-serial-pci,id=vs -device virtserialport,bus=vs.0',
           'virtio-serial-pci,id=vs -chardev ringbuf,id=c -device virtconsole,bus=vs.0,chardev=c',
           'virtio-blk-pci,drive=d -drive if=none,id=d,driver=null-co,size=1M',
           'virtio-net-pci,netdev=n -netdev socket,id=n,listen=127.0.0.1:0',
           'pcie-root-port,id=rp -device virtio-rng-pci,bus=rp']


def parts_of(name):
    """What a file says of devices, by path: guest time and RAM are left out."""
    with open(name, 'rb') as f:
        data = f.read()
    out = {}
    for at, kind, n in sections(data):
        body = data[at + 16:at + 16 + n]
        if kind in (b'DEV ', b'PCI '):
            end = 3 + struct.unpack_from('<H', body)[0]
            out[kind, body[2:end]] = body[end:]
    return out


def same_twice(args, machine):
    with pair(f'{RAM} -rtc clock=vm {args}', machine) as p:
        uri = f'unix:{path()}'
        p.await_(uri)
        p.source.cmd('stop')
        first = parts_of_saved(p.source)
        p.source.cmd('migrate', uri=uri)
        finished(p.source)
        in_state(p.target, 'paused')
        second = parts_of_saved(p.target)
        ok(len(first) > 3, f'{args}: there are devices')
        for key in first:
            ok(second.get(key) == first[key], f'{args}: {key} is another one there')


def parts_of_saved(vm):
    name = path('state')
    eq(vm.hmp(f'savevm file:{name}'), '')
    return parts_of(name)


@test
def every_device_is_the_same_there():
    '''what a device says of itself at the source it says at the target, byte for byte'''
    for args in DEVICES:
        same_twice(f'-device {args}', 'q35')
    for machine in 'microvm,rtc=on', 'pc':
        same_twice('', machine)
    same_twice('-device virtio-rng-device', 'microvm,rtc=on')


# ---- files that are no state ----

def sections(data):
    """(offset, type, length) of each."""
    at, out = 16, []
    while at < len(data):
        kind, _, n, _ = struct.unpack_from('<4sIII', data, at)
        out.append((at, kind, n))
        at += 16 + n
    return out


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
def the_file_can_be_inspected():
    '''tenon-inspect: what is in a file as text and as JSON, and what is wrong with a damaged one'''
    tool = os.path.join(os.path.dirname(os.path.dirname(qmp.qtest.PROGRAM[0])), 'tools', 'tenon-inspect')
    if not os.path.exists(tool):
        raise qmp.Skip('tenon-inspect is not beside tenon')
    with pair(f'{RAM} -device edu,id=e') as p:
        fill(p.source)
        name = p.save()
    text = subprocess.run([tool, name], capture_output=True, text=True, check=True).stdout
    ok('machine q35' in text and 'memory  ram 0x2000000 bytes' in text, text)
    ok('device  /machine/peripheral/e edu version 1' in text, text)
    data = json.loads(subprocess.run([tool, '--json', name], capture_output=True, text=True, check=True).stdout)
    eq(data['configuration']['machine'], 'q35')
    eq(data['ram']['data-pages'] + data['ram']['fill-pages'] >= 8192, True)
    states = {(x['kind'], x['of']): x['state'] for x in data['parts']}
    eq(states['device', '/machine/peripheral/e']['state'], 'edu')
    eq(states['machine', '']['fields']['clock'], 0)
    with open(name, 'r+b') as f:
        f.seek(100)
        f.write(b'!')
    bad = subprocess.run([tool, name], capture_output=True, text=True, check=False)
    eq(bad.returncode, 1)
    ok('section 0 is damaged: wrong checksum' in bad.stderr, bad.stderr)


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
