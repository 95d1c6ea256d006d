#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""x-query-virtio-*: what the registers and the rings of virtio devices hold, while a driver uses them."""
import struct

import qmp
import virtio
import virtioscratch
from qmp import eq, ok, test

BLK = '/machine/peripheral/d0/virtio-backend'
S_OK, T_IN = 0, 0
RUNS = {'ACKNOWLEDGE', 'DRIVER', 'FEATURES_OK', 'DRIVER_OK'}
MACHINE = ('-drive if=none,id=d,file=null-co://,format=raw -device virtio-blk-pci,drive=d,id=d0,addr=4 '
           '-device virtio-net-pci,id=n0 -device virtio-serial-pci,id=s0 -device virtio-rng-pci,id=r0')


class Disk:
    """The driver of d0."""

    def __init__(self, vm):
        self.dev = virtio.pci(vm, 4)
        self.dev.start()
        self.ring = self.dev.queue(0)
        self.dev.driver_ok()

    def read(self, sector=0):
        return self.ring.wait(self.ring_add(sector))[-1]

    def ring_add(self, sector):
        token = self.ring.add([struct.pack('<IIQ', T_IN, 0, sector)], [512, 1])
        self.ring.kick()
        return token


def words(texts):
    """The names among 'VIRTIO_X_NAME: what it means'."""
    return {t.split(':')[0].split('_S_')[-1].split('_F_')[-1] for t in texts}


def status(vm, path=BLK):
    return vm.cmd('x-query-virtio-status', path=path)


@test
def registers():
    '''x-query-virtio-status: of a device before its driver, and with it'''
    with qmp.Vm(MACHINE, machine='q35') as vm:
        got = status(vm)
        eq((got['name'], got['device-id'], got['num-vqs'], got['started'], got['device-endian']),
           ('virtio-blk', 2, 1, False, 'little'), 'status')
        eq((got['status'], got['guest-features']['transports'], got['bus-name']), ({'statuses': []}, [], ''), 'status')
        ok({'FLUSH', 'SEG_MAX', 'BLK_SIZE'} <= words(got['host-features']['dev-features']), got['host-features'])
        ok({'VERSION_1', 'EVENT_IDX'} <= words(got['host-features']['transports']), got['host-features'])
        disk = Disk(vm)
        eq(disk.read(), S_OK, 'status of a request')
        got = status(vm)
        eq((words(got['status']['statuses']), got['started'], got['broken'], got['vm-running']), (RUNS, True, False, True), 'status')
        ok('VERSION_1' in words(got['guest-features']['transports']), got['guest-features'])
        eq(status(vm, '/machine/peripheral/s0/virtio-backend')['bus-name'], 's0.0', 'bus-name')
        vm.cmd('stop')
        eq(status(vm)['vm-running'], False, 'vm-running')


@test
def rings():
    '''x-query-virtio-queue-status and -element: indices and descriptors, while requests come and go on'''
    with qmp.Vm(MACHINE, machine='q35') as vm:
        before = vm.cmd('x-query-virtio-queue-status', path=BLK, queue=0)
        eq((before['vring-desc'], before['used-idx'], before['signalled-used-valid']), (0, 0, False), 'queue')
        eq(vm.error('x-query-virtio-queue-element', path=BLK, queue=0), 'Region caches not initialized', 'text')
        disk = Disk(vm)
        for n in range(1, 6):
            eq(disk.read(n), S_OK, 'status of a request')
            got = vm.cmd('x-query-virtio-queue-status', path=BLK, queue=0)
            eq((got['last-avail-idx'], got['used-idx'], got['shadow-avail-idx'], got['inuse']), (n, n, n, 0), 'indices')
        ok(got['vring-desc'] and got['vring-avail'] and got['vring-used'] and got['vring-num'], got)
        vm.cmd('stop')
        eq(vm.cmd('x-query-virtio-queue-status', path=BLK, queue=0)['used-idx'], 5, 'used-idx of a machine that stands still')
        vm.cmd('cont')
        one = vm.cmd('x-query-virtio-queue-element', path=BLK, queue=0, index=4)
        eq([(d['len'], d['flags']) for d in one['descs']], [(16, ['next']), (512, ['next', 'write']), (1, ['write'])], 'descriptors')
        eq((one['name'], one['avail']['idx'], one['used']['idx'], one['avail']['ring']), ('virtio-blk', 5, 5, one['index']), 'rings')
        eq(disk.read(9), S_OK, 'status of a request')


@test
def every_device():
    '''each device and queue answers, packed rings by their indices'''
    with qmp.Vm(MACHINE + ' -device virtio-rng-pci,id=p0,packed=on,addr=9', machine='q35') as vm:
        devices = vm.cmd('x-query-virtio')
        eq(len(devices), 5, 'devices')
        for d in devices:
            for q in range(min(status(vm, d['path'])['num-vqs'], 4)):
                eq(vm.cmd('x-query-virtio-queue-status', path=d['path'], queue=q)['queue-index'], q, 'queue-index')
        dev = virtio.pci(vm, 9)
        dev.start()
        ring = dev.queue(0)
        dev.driver_ok()
        token = ring.add([], [16])
        ring.kick()
        ring.wait(token)
        path = '/machine/peripheral/p0/virtio-backend'
        got = vm.cmd('x-query-virtio-queue-status', path=path, queue=0)
        eq((got['last-avail-idx'] & 0x7fff, got['used-idx'] & 0x7fff), (1, 1), 'indices')
        eq(vm.error('x-query-virtio-queue-element', path=path, queue=0), 'Packed ring not supported', 'text')


@test
def lent_queues():
    '''vhost-started: while a back end serves one of the queues'''
    with qmp.Vm(f'{virtioscratch.plugin()} -device virtio-scratch-pci,id=s1,addr=5', machine='q35') as vm:
        path = '/machine/peripheral/s1/virtio-backend'

        def refusal(queue):
            return vm.error('x-query-virtio-vhost-queue-status', path=path, queue=queue)
        dev = virtio.pci(vm, 5)
        dev.start()
        scratch = virtioscratch.Scratch(dev)
        eq(status(vm, path)['vhost-started'], False, 'vhost-started')
        scratch.mode(virtioscratch.LENT)
        eq(status(vm, path)['vhost-started'], True, 'vhost-started')
        ok('vhost_started:           true' in vm.hmp(f'info virtio-status {path}'), 'info virtio-status')
        eq([refusal(q) for q in (0, 1)], ['Error: vhost device has not started yet',
                                          'Queue 1 of virtio-scratch is served by vhost, which is not asked'], 'texts')
        scratch.mode(0)
        eq(status(vm, path)['vhost-started'], False, 'vhost-started')


@test
def refusals():
    '''what is no virtio device, or no queue of it'''
    with qmp.Vm(MACHINE, machine='q35') as vm:
        eq(vm.error('x-query-virtio-status', path='/machine/peripheral/d0'),
           'Path /machine/peripheral/d0 is not a realized VirtIODevice', 'text')
        eq(vm.error('x-query-virtio-queue-status', path='x', queue=0), 'Path x is not a VirtIO device', 'text')
        eq(vm.error('x-query-virtio-queue-status', path=BLK, queue=99), 'Invalid virtqueue number 99', 'text')
        eq(vm.error('x-query-virtio-vhost-queue-status', path=BLK, queue=0), 'Error: vhost device has not started yet', 'text')


@test
def a_chain_without_end():
    '''a loop that a driver has made is shown once around, and nothing is read beyond the table'''
    with qmp.Vm(MACHINE, machine='q35') as vm:
        disk = Disk(vm)
        eq(disk.read(), S_OK, 'status of a request')
        vm.cmd('stop')
        q = vm.cmd('x-query-virtio-queue-status', path=BLK, queue=0)
        head = vm.cmd('x-query-virtio-queue-element', path=BLK, queue=0, index=0)['index']
        vm.write(q['vring-desc'] + 16 * head, struct.pack('<QIHH', 0, 1, 1, head))
        got = vm.cmd('x-query-virtio-queue-element', path=BLK, queue=0, index=0)
        eq(len(got['descs']), q['vring-num'], 'descriptors')
        vm.write(q['vring-desc'] + 16 * head, struct.pack('<QIHH', 0, 1, 1, 0xffff))
        eq(len(vm.cmd('x-query-virtio-queue-element', path=BLK, queue=0, index=0)['descs']), 1, 'descriptors')


@test
def at_the_terminal():
    '''info virtio-status, virtio-queue-status, virtio-queue-element; gpa2hpa, sync-profile'''
    with qmp.Vm(MACHINE, machine='q35') as vm:
        text = vm.hmp(f'info virtio-status {BLK}')
        ok(text.startswith(f'{BLK}:\n  device_name:             virtio-blk \n  device_id:               2\n'), text)
        ok('\n  Host features:\n\tVIRTIO_RING_F_EVENT_IDX: Used & avail. event fields enabled,\n' in text, text)
        Disk(vm).read()
        text = vm.hmp(f'info virtio-queue-status {BLK} 0')
        ok('  used_idx:             1\n' in text and '    num_default:  ' in text, text)
        text = vm.hmp(f'info virtio-queue-element {BLK} 0 0')
        ok(' len 16 (next),\n' in text and ' len 1 (write)\n  avail:\n    flags: 0\n' in text, text)
        ok('string expected' in vm.hmp('info virtio-status'), 'usage')
        eq(vm.hmp('sync-profile'), 'sync-profile is off\n', 'output')
        eq(vm.hmp('sync-profile zz'), "Error: invalid parameter 'zz', expecting 'on', 'off', or 'reset'\n", 'output')
        ok(vm.hmp('info sync-profile').startswith('Type               Object  Call site'), 'output')
        text = vm.hmp('gpa2hpa 0')
        ok('Host physical address for 0x0 (' in text or 'for root' in text, text)
        eq(vm.hmp('gpa2hpa 0x100000000000'), 'No memory is mapped at address 0x100000000000\n', 'output')


if __name__ == '__main__':
    qmp.main()
