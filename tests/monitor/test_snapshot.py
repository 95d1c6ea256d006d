# SPDX-License-Identifier: BSD-2-Clause
"""savevm and loadvm while they are under way: other monitors are answered, they can be cancelled, a terminal waits. The file
is a FIFO that nobody empties, so that what has begun does not end before the test has looked."""
import fcntl
import os
import socket
import threading

import hmp
import qmp
from migrig import finished, in_state, path
from qmp import eq, ok, test

RAM = '-m 32M'
F_SETPIPE_SZ = 1031  # Python has it since 3.10


class Fifo:
    """A file that takes no more than a pipe holds, until it is emptied."""

    def __init__(self):
        self.path = path('fifo')
        os.mkfifo(self.path)
        self.fd = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)
        fcntl.fcntl(self.fd, F_SETPIPE_SZ, 4096)
        self.data = b''

    def empty(self):
        """Takes everything up to the end, in a thread."""
        os.set_blocking(self.fd, True)
        thread = threading.Thread(target=self.read)
        thread.start()
        return thread

    def read(self):
        while part := os.read(self.fd, 1 << 20):
            self.data += part

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.fd)


def connect(name):
    s = socket.socket(socket.AF_UNIX)
    s.connect(name)
    return qmp.Qmp(s)


def fill(vm):
    vm.write(0x100000, os.urandom(1 << 20))


@test
def detached():
    '''savevm -d: returns at once; query-migrate says how far it is; the machine stands still, then goes on'''
    with qmp.Vm(RAM, 'q35') as vm, Fifo() as fifo:
        fill(vm)
        eq(vm.hmp(f'savevm -d file:{fifo.path}'), '')
        in_state(vm, 'save-vm')
        info = vm.cmd('query-migrate')
        eq(info['status'], 'active')
        eq(info['ram']['total'], 32 << 20)
        ok(info['ram']['remaining'] > 0, f'some of it is still to come: {info}')
        reader = fifo.empty()
        finished(vm)
        in_state(vm, 'running')
        reader.join()
        name = path('state')
        with open(name, 'wb') as f:
            f.write(fifo.data)
        eq(vm.hmp(f'loadvm -d file:{name}'), '')
        finished(vm)
        in_state(vm, 'running')


@test
def what_waits_for_the_end():
    '''while it is saved: cont is refused as QEMU does, another migration and hotplug are, a reset is done after it'''
    with qmp.Vm(RAM, 'q35') as vm, Fifo() as fifo:
        fill(vm)
        eq(vm.hmp(f'savevm -d file:{fifo.path}'), '')
        in_state(vm, 'save-vm')
        eq(vm.error('cont'), 'Migration is not finalized yet')
        eq(vm.error('migrate', uri='unix:/x'), "There's a migration process in progress")
        ok('while migrating' in vm.error('device_add', driver='edu', id='e'), 'hotplug is refused')
        vm.cmd('system_reset')
        eq(vm.cmd('query-status')['status'], 'save-vm')
        fifo.empty().join()
        vm.event('RESUME')
        vm.event('RESET')
        finished(vm)
        in_state(vm, 'running')


@test
def cancelled():
    '''migrate_cancel ends savevm: the machine goes on, and can be saved again'''
    with qmp.Vm(RAM, 'q35') as vm, Fifo() as fifo:
        fill(vm)
        eq(vm.hmp(f'savevm -d file:{fifo.path}'), '')
        in_state(vm, 'save-vm')
        vm.cmd('migrate_cancel')
        finished(vm, 'cancelled')
        in_state(vm, 'running')
        eq(vm.hmp(f'savevm file:{path("state")}'), '')


@test
def paused_stays_paused():
    '''savevm and loadvm of a machine that is paused leave it so'''
    with qmp.Vm(RAM, 'q35') as vm:
        vm.cmd('stop')
        name = path('state')
        eq(vm.hmp(f'savevm file:{name}'), '')
        in_state(vm, 'paused')
        vm.cmd('cont')
        eq(vm.hmp(f'loadvm file:{name}'), '')
        in_state(vm, 'paused')


@test
def only_whole_files_are_loaded():
    '''loadvm: what cannot be looked through before it is used is refused'''
    with qmp.Vm(RAM, 'q35') as vm, Fifo() as fifo:
        ok('regular file' in vm.hmp(f'loadvm file:{fifo.path}'), 'a FIFO')
        in_state(vm, 'running')


@test
def a_terminal_waits():
    '''at a terminal: no prompt until it is over, QMP is answered meanwhile, and what it failed of is said'''
    control = path('qmp')
    with Fifo() as fifo, hmp.Socket(f'{RAM} -qmp unix:{control},server=on,wait=off', 'q35') as t:
        other = connect(control)
        t.send(f'savevm file:{fifo.path}\r')
        t.until(b'\r\n')
        end = 100
        while other.cmd('query-status')['status'] != 'save-vm' and end:
            end -= 1
        t.send('info status\r')
        ok(t.silent(0.2), f'nothing is said before the end, but {t.got!r}')
        other.cmd('migrate_cancel')
        eq(t.answer(), 'Error: migration was cancelled\n')
        t.until(b'info status\r\n')
        eq(t.answer(), 'VM status: running\n')
        t.send(f'migrate -d unix:{path()}\r')
        t.until(b'\r\n')
        ok('Failed to connect' in t.answer(), 'an error at once')
        other.close()


@test
def a_terminal_hangs_up():
    '''who asked may go: it is saved all the same'''
    control = path('qmp')
    with Fifo() as fifo, hmp.Socket(f'{RAM} -qmp unix:{control},server=on,wait=off', 'q35') as t:
        other = connect(control)
        t.send(f'savevm file:{fifo.path}\r')
        t.until(b'\r\n')
        t.hang_up()
        in_state(other, 'save-vm')
        fifo.empty().join()
        finished(other)
        in_state(other, 'running')
        other.close()
        t.connect()


if __name__ == '__main__':
    qmp.main()
