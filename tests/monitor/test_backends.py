#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Character devices and descriptors by the monitor: added, changed, removed, handed over."""
import base64
import os
import socket
import struct
import tempfile

import qmp
import qtest
import virtio
from qmp import eq, ok, test

folder = qtest.Setup.get().folder
SERIAL = '-device isa-serial,chardev=ser,id=port'
BARE = qtest.BARE


def add(vm, name, kind, /, **data):
    return vm.cmd('chardev-add', id=name, backend={'type': kind, 'data': data})


def add_error(vm, name, kind, /, **data):
    return vm.error('chardev-add', id=name, backend={'type': kind, 'data': data})


def chardevs(vm):
    return {c['label']: c for c in vm.cmd('query-chardev')}


def tell(queue, message):
    """A control message of the driver."""
    token = queue.add(driver=[message])
    queue.kick()
    queue.wait(token)


def open_fds(vm):
    return len(os.listdir(f'/proc/{vm.process.pid}/fd'))


@test
def chardev_add_and_remove():
    '''chardev-add: every kind that needs nothing; query-chardev lists it; chardev-remove takes it away'''
    with qmp.Vm() as vm:
        before = set(chardevs(vm))
        eq(add(vm, 'n', 'null'), {}, 'answer')
        ok(add(vm, 'p', 'pty')['pty'].startswith('/dev/pts/'), 'no name of a pty')
        path = os.path.join(folder, 'chardev-out')
        add(vm, 'f', 'file', out=path)
        add(vm, 'r', 'ringbuf', size=64)
        ok(os.path.exists(path), 'the file is not there')
        eq(set(chardevs(vm)) - before, {'n', 'p', 'f', 'r'}, 'labels')
        eq(chardevs(vm)['n']['frontend-open'], False, 'frontend-open')
        for name in 'npfr':
            vm.cmd('chardev-remove', id=name)
        eq(set(chardevs(vm)), before, 'labels at the end')


@test
def chardev_add_refusals():
    '''chardev-add: what is wrong is named, in QEMU's words, and nothing is left'''
    with qmp.Vm() as vm:
        add(vm, 'a', 'null')
        before = set(chardevs(vm))
        eq(add_error(vm, 'a', 'null'), "Chardev with id 'a' already exists", 'text')
        eq(add_error(vm, 'f', 'file', out='/nonexist/x'),
           "Failed to add chardev 'f': Could not open '/nonexist/x': No such file or directory", 'text')
        eq(add_error(vm, 'r', 'ringbuf', size=3),
           "Failed to add chardev 'r': size of ringbuf chardev must be power of two", 'text')
        eq(add_error(vm, 'r', 'ringbuf', size='3'), "Invalid parameter type for 'backend.data.size', expected: integer", 'text')
        eq(add_error(vm, 'r', 'nonsense'), "Parameter 'type' does not accept value 'nonsense'", 'text')
        eq(add_error(vm, 's', 'socket', addr={'type': 'unix', 'data': {'path': '/nonexist/s'}}, server=False),
           "Failed to add chardev 's': Failed to connect to '/nonexist/s': No such file or directory", 'text')
        eq(add_error(vm, 's', 'socket', addr={'type': 'fd', 'data': {'str': 'abc'}}),
           "Failed to add chardev 's': File descriptor named 'abc' has not been found", 'text')
        eq(vm.error('chardev-remove', id='zz'), "Chardev 'zz' not found", 'text')
        eq(vm.error('chardev-send-break', id='zz'), "Chardev 'zz' not found", 'text')
        eq(vm.error('chardev-change', id='zz', backend={'type': 'null', 'data': {}}), "Chardev 'zz' does not exist", 'text')
        eq(set(chardevs(vm)), before, 'labels')


@test
def chardev_busy():
    '''chardev-remove: one that a device uses stays'''
    with qmp.Vm(f'-chardev null,id=ser {SERIAL}', machine=BARE) as vm:
        eq(vm.error('chardev-remove', id='ser'), "Chardev 'ser' is busy", 'text')
        eq(chardevs(vm)['ser']['frontend-open'], True, 'frontend-open')


@test
def chardev_change_carries_on():
    '''chardev-change: the serial port goes on with another back end; a failing change changes nothing'''
    out = os.path.join(folder, 'changed')
    with qmp.Vm(f'-chardev ringbuf,id=ser,size=64 {SERIAL}', machine=BARE) as vm:
        vm.outb(0x3f8, ord('a'))
        eq(vm.error('chardev-change', id='ser', backend={'type': 'file', 'data': {'out': '/nonexist/x'}}),
           "Could not open '/nonexist/x': No such file or directory", 'text')
        vm.outb(0x3f8, ord('b'))
        eq(vm.cmd('ringbuf-read', device='ser', size=64), 'ab', 'what came before')
        vm.cmd('chardev-change', id='ser', backend={'type': 'file', 'data': {'out': out}})
        vm.outb(0x3f8, ord('c'))
        vm.until(lambda: open(out).read() == 'c', 'output in the file')
        listener = qtest.Listener()
        vm.cmd('chardev-change', id='ser', backend={'type': 'socket', 'data': {
            'addr': {'type': 'unix', 'data': {'path': listener.path}}, 'server': False}})
        peer = listener.accept()
        peer.sendall(b'x')
        vm.until(lambda: vm.inb(0x3fd) & 1, 'input from the new back end')
        eq(vm.inb(0x3f8), ord('x'), 'input')
        vm.outb(0x3f8, ord('d'))
        eq(peer.recv(1), b'd', 'output')
        eq(vm.error('chardev-remove', id='ser'), "Chardev 'ser' is busy", 'text')
        listener.close()


@test
def monitors_do_not_change():
    '''chardev-change: not below a monitor, nor a mux'''
    with qmp.Vm('-chardev null,id=m,mux=on') as vm:
        own = next(c['label'] for c in vm.cmd('query-chardev') if c['frontend-open'] and c['label'] != 'qtest')
        eq(vm.error('chardev-change', id=own, backend={'type': 'null', 'data': {}}),
           'Chardev user does not support chardev hotswap', 'text')
        eq(vm.error('chardev-change', id='m', backend={'type': 'null', 'data': {}}),
           'Mux device hotswap not supported yet', 'text')


@test
def send_break():
    '''chardev-send-break: the serial port sees it (LSR bit 4)'''
    with qmp.Vm(f'-chardev null,id=ser {SERIAL}', machine=BARE) as vm:
        vm.cmd('chardev-send-break', id='ser')
        vm.until(lambda: vm.inb(0x3fd) & 0x10, 'a break')


@test
def ringbuf():
    '''ringbuf-write, ringbuf-read: as text and base64; the oldest gives way; refusals'''
    with qmp.Vm('-chardev ringbuf,id=r,size=16 -chardev null,id=n') as vm:
        vm.cmd('ringbuf-write', device='r', data='abcd')
        eq(vm.cmd('ringbuf-read', device='r', size=2), 'ab', 'text')
        eq(vm.cmd('ringbuf-read', device='r', size=200, format='base64'), base64.b64encode(b'cd').decode(), 'base64')
        vm.cmd('ringbuf-write', device='r', data=base64.b64encode(bytes(range(65, 65 + 20))).decode(), format='base64')
        eq(vm.cmd('ringbuf-read', device='r', size=99), bytes(range(69, 85)).decode(), 'the newest 16')
        eq(vm.error('ringbuf-write', device='zz', data='x'), "Device 'zz' not found", 'text')
        eq(vm.error('ringbuf-write', device='n', data='x'), 'n is not a ringbuf device', 'text')
        eq(vm.error('ringbuf-write', device='r', data='x!', format='base64'), 'Base64 data contains invalid characters', 'text')
        eq(vm.error('ringbuf-read', device='r', size=0), 'size must be greater than zero', 'text')
        eq(vm.hmp('ringbuf_write r abc'), '', 'output')
        eq(vm.hmp('ringbuf_read r 20'), 'abc\n', 'output')


@test
def hmp_chardevs():
    '''info chardev, chardev-add and their like at the terminal'''
    with qmp.Vm('-chardev null,id=a') as vm:
        ok('a: filename=null\n' in vm.hmp('info chardev'), 'info chardev')
        eq(vm.hmp('chardev-add null,id=h'), '', 'output')
        eq(vm.hmp('chardev-add null'), 'Error: chardev: no id specified\n', 'output')
        eq(vm.hmp('chardev-add nullx,id=h1'), "Error: 'nullx' is not a valid char driver name\n", 'output')
        eq(vm.hmp('chardev-change h ringbuf'), '', 'output')
        ok('h: filename=ringbuf\n' in vm.hmp('info chardev'), 'info chardev')
        eq(vm.hmp('chardev-remove h'), '', 'output')
        eq(vm.hmp('chardev-remove h'), "Error: Chardev 'h' not found\n", 'output')


@test
def backends_of_the_build():
    '''query-chardev-backends: those that chardev-add takes'''
    with qmp.Vm() as vm:
        names = {b['name'] for b in vm.cmd('query-chardev-backends')}
        ok({'null', 'file', 'pty', 'socket', 'ringbuf', 'stdio', 'serial', 'pipe'} <= names, f'{names}')


# ---- descriptors ----

@test
def getfd_for_a_chardev():
    '''getfd, and a chardev on it: the name is used up; closefd of what is there, and is not'''
    with qmp.Vm() as vm:
        mine, its = socket.socketpair()
        vm.cmd('getfd', fds=[its.fileno()], fdname='pair')
        its.close()
        add(vm, 's', 'socket', addr={'type': 'fd', 'data': {'str': 'pair'}}, server=False)
        eq(vm.error('closefd', fdname='pair'), "File descriptor named 'pair' not found", 'text')
        vm.cmd('chardev-remove', id='s')
        eq(mine.recv(1), b'', 'the end of the connection')
        mine.close()


@test
def getfd_is_of_a_session():
    '''getfd: a name belongs to the session that gave it, and stays when its client leaves; another one has names of its own'''
    path = os.path.join(qtest.Setup.get().folder, 'other')
    with qmp.Vm(f'-qmp unix:{path},server=on,wait=off') as vm, open('/dev/null') as f:
        other = vm.session(path)
        vm.qmp.cmd('getfd', fds=[f.fileno()], fdname='x')
        eq(other.error('closefd', fdname='x'), "File descriptor named 'x' not found", 'text')
        other.cmd('getfd', fds=[f.fileno()], fdname='x')
        other.cmd('closefd', fdname='x')
        vm.reconnect().cmd('closefd', fdname='x')
        other.close()


@test
def getfd_refusals():
    '''getfd: without a descriptor, with a digit in front; closefd; nothing is left open'''
    with qmp.Vm() as vm:
        before = open_fds(vm)
        eq(vm.error('getfd', fdname='x'), 'No file descriptor supplied via SCM_RIGHTS', 'text')
        with tempfile.TemporaryFile() as f:
            eq(vm.error('getfd', fds=[f.fileno()], fdname='1x'),
               "Parameter 'fdname' expects a name not starting with a digit", 'text')
            for _ in range(3):
                vm.cmd('getfd', fds=[f.fileno()], fdname='x')
        eq(open_fds(vm), before + 1, 'descriptors: one name has one')
        vm.cmd('closefd', fdname='x')
        eq(vm.error('closefd', fdname='x'), "File descriptor named 'x' not found", 'text')
        eq(open_fds(vm), before, 'descriptors')


@test
def fdsets():
    '''add-fd, query-fdsets, remove-fd; /dev/fdset/N stands for a file, in the mode of its descriptor'''
    with qmp.Vm() as vm, tempfile.NamedTemporaryFile() as f:
        before = open_fds(vm)
        fd = os.open(f.name, os.O_WRONLY)
        got = vm.cmd('add-fd', fds=[fd], opaque='wo:out')
        eq(got['fdset-id'], 0, 'the first set')
        os.close(fd)
        eq(vm.cmd('query-fdsets'), [{'fdset-id': 0, 'fds': [{'fd': got['fd'], 'opaque': 'wo:out'}]}], 'sets')
        add(vm, 'o', 'file', out='/dev/fdset/0', append=True)
        vm.cmd('remove-fd', fdset_id=0)
        eq(vm.cmd('query-fdsets'), [], 'sets')
        eq(add_error(vm, 'o2', 'file', out='/dev/fdset/0'),
           "Failed to add chardev 'o2': Could not open '/dev/fdset/0': No such file or directory", 'text')
        vm.cmd('chardev-remove', id='o')
        eq(open_fds(vm), before, 'descriptors')


@test
def fdset_refusals():
    '''add-fd, remove-fd: refusals in QEMU's words'''
    with qmp.Vm() as vm, tempfile.NamedTemporaryFile() as f:
        eq(vm.error('add-fd'), 'No file descriptor supplied via SCM_RIGHTS', 'text')
        eq(vm.error('remove-fd', fdset_id=1), "File descriptor named 'fdset-id:1' not found", 'text')
        fd = os.open(f.name, os.O_RDONLY)
        eq(vm.cmd('add-fd', fds=[fd], fdset_id=7)['fdset-id'], 7, 'set')
        eq(vm.error('remove-fd', fdset_id=7, fd=12345), "File descriptor named 'fdset-id:7, fd:12345' not found", 'text')
        eq(add_error(vm, 'o', 'file', out='/dev/fdset/7'),
           "Failed to add chardev 'o': Could not open '/dev/fdset/7': Permission denied", 'text')
        os.close(fd)


@test
def add_fd_option():
    '''-add-fd: an inherited descriptor is a set from the start; a bad one is refused'''
    with tempfile.NamedTemporaryFile() as f:
        fd = os.open(f.name, os.O_RDWR)
        os.set_inheritable(fd, True)
        popen = qmp.subprocess.Popen
        qmp.subprocess.Popen = lambda *a, **k: popen(*a, **{**k, 'pass_fds': [fd]})
        try:
            with qmp.Vm(f'-add-fd fd={fd},set=2,opaque=x') as vm:
                sets = vm.cmd('query-fdsets')
                eq((sets[0]['fdset-id'], sets[0]['fds'][0]['opaque']), (2, 'x'), 'set')
        finally:
            qmp.subprocess.Popen = popen
            os.close(fd)
    ok('fd cannot be a standard I/O stream' in qmp.refuses('-add-fd fd=1,set=1'), 'standard output')
    ok('fd is not valid or already in use' in qmp.refuses('-add-fd fd=99,set=1'), 'no descriptor')


@test
def many_times():
    '''a thousand chardevs come and go: no descriptor and no name is left'''
    with qmp.Vm() as vm:
        add(vm, 'warm', 'pty')
        vm.cmd('chardev-remove', id='warm')
        before = open_fds(vm)
        for i in range(1000):
            add(vm, 'c', 'ringbuf' if i % 2 else 'null')
            vm.cmd('chardev-remove', id='c')
        eq(open_fds(vm), before, 'descriptors')


@test
def port_of_the_guest():
    '''VSERPORT_CHANGE: the guest opens its side of a port, and closes it (VIRTIO 1.3, 5.3.6.2)'''
    with qmp.Vm('-chardev null,id=c -device virtio-serial-pci,id=vs,addr=4 -device virtserialport,chardev=c,id=port1,nr=1',
                machine='q35') as vm:
        dev = virtio.pci(vm, 4)
        dev.start()
        queues = [dev.queue(q) for q in range(6)]
        dev.driver_ok()
        for _ in range(8):
            queues[2].add(device=[128])
        queues[2].kick()
        for event, value, port in ((0, 1, 0xffffffff), (3, 1, 1), (6, 1, 1)):  # DEVICE_READY, PORT_READY, PORT_OPEN
            tell(queues[3], struct.pack('<IHH', port, event, value))
        eq(vm.event('VSERPORT_CHANGE'), {'id': 'port1', 'open': True}, 'event')
        tell(queues[3], struct.pack('<IHH', 1, 6, 0))
        vm.step(1000000000)  # at most one a second
        eq(vm.event('VSERPORT_CHANGE'), {'id': 'port1', 'open': False}, 'event')


if __name__ == '__main__':
    qmp.main()
