# SPDX-License-Identifier: BSD-2-Clause
"""Migration without a guest: devices in the middle of their work, over every kind of channel. What is refused is in
test_migration_refused.py, what monitors are shown in test_migration_monitor.py."""
import os
import socket
import struct
import time

import qmp
from migrig import RAM, BlkRing, check, fill, finished, in_state, pair, path, until
from qmp import eq, ok, test
from statefile import sections


# ---- channels ----

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


def resident(vm):
    """MiB of memory that its process has."""
    with open(f'/proc/{vm.process.pid}/status') as f:
        return sum(int(line.split()[1]) for line in f if line.startswith(('RssAnon', 'RssShmem'))) >> 10


@test
def what_nobody_wrote_to_stays_so():
    '''RAM without content costs a few bytes of the stream and nothing at either end, private or shared'''
    for ram in '-m 512M', '-m 512M -M memory-backend=m -object memory-backend-memfd,id=m,size=512M':
        with pair(ram) as p:
            p.source.write(0x10000000, b'here')
            before = resident(p.source)
            info = p.move()
            eq(p.target.read(0x10000000, 4), b'here')
            eq(p.target.read(0xffffffc, 4), b'\0' * 4)
            sent, at_source, at_target = info['ram']['transferred'], resident(p.source), resident(p.target)
            ok(sent < 4 << 20, f'{ram}: {sent} bytes were sent')
            ok(at_source - before < 32 and at_target < 300, f'{ram}: {before} then {at_source}, there {at_target} MiB')


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

if __name__ == '__main__':
    qmp.main()
