#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Disks by the monitor: nodes and drives that come and go, sizes, limits, media, errors."""
import fcntl
import os
import struct
import subprocess
import time

import qmp
import qtest
import virtio
from qmp import QmpError, eq, ok, test

CAPACITY, S_OK, S_IOERR, T_IN, T_OUT = (0, 8), 0, 1, 0, 1
MIB = 1 << 20
count = 0


def image(size=MIB):
    """A file for a disk."""
    global count
    count += 1
    path = os.path.join(qtest.Setup.get().folder, f'image{os.getpid()}-{count}')
    with open(path, 'wb') as f:
        f.truncate(size)
    return path


class Disk:
    """The driver of a virtio-blk at a slot of q35."""

    def __init__(self, vm, slot=4):
        self.vm = vm
        self.dev = virtio.pci(vm, slot)
        self.dev.start()
        self.ring = self.dev.queue(0)
        self.dev.driver_ok()

    def sectors(self):
        return self.dev.config_int(*CAPACITY)

    def begin(self, kind, sector, data=b'', room=()):
        token = self.ring.add([struct.pack('<IIQ', kind, 0, sector), *([data] if data else [])], [*room, 1])
        self.ring.kick()
        return token

    def write(self, sector, data):
        return self.ring.wait(self.begin(T_OUT, sector, data))[-1]

    def read(self, sector, n=512):
        got = self.ring.wait(self.begin(T_IN, sector, room=[n]))
        return got[-1], got[:n]


def drives(vm):
    return {d['device'] or d['qdev']: d for d in vm.cmd('query-block')}


def nodes(vm):
    return {n['node-name']: n for n in vm.cmd('query-named-block-nodes')}


def open_fds(vm):
    return len(os.listdir(f'/proc/{vm.process.pid}/fd'))


def limits(**some):
    return {**dict.fromkeys(('bps', 'bps_rd', 'bps_wr', 'iops', 'iops_rd', 'iops_wr'), 0), **some}


@test
def query_block():
    '''query-block: drives with and without device and medium, nodes that devices use'''
    a, b = image(), image(2 * MIB)
    with qmp.Vm(f'-drive if=none,id=d0,file={a},format=raw -device virtio-blk-pci,drive=d0,id=blk0 '
                f'-blockdev file,node-name=n0,filename={b} -device virtio-blk-pci,drive=n0,id=blk1 -drive if=none,id=cd',
                machine='q35') as vm:
        got = drives(vm)
        d0, n0, cd = got['d0'], got['/machine/peripheral/blk1/virtio-backend'], got['cd']
        eq((d0['qdev'], d0['removable'], d0['io-status']), ('/machine/peripheral/blk0/virtio-backend', False, 'ok'), 'd0')
        eq((d0['inserted']['file'], d0['inserted']['drv'], d0['inserted']['image']['virtual-size']), (a, 'raw', MIB), 'd0')
        eq((n0['device'], n0['inserted']['node-name'], n0['inserted']['image']['virtual-size']), ('', 'n0', 2 * MIB), 'n0')
        eq(cd, {'device': 'cd', 'type': 'unknown', 'removable': True, 'locked': False}, 'cd')
        ok({'n0'} < set(nodes(vm)), 'named nodes')
        text = vm.hmp('info block')
        ok(f'd0 ({d0["inserted"]["node-name"]}): {a} (raw)\n    Attached to:      /machine/peripheral/blk0/virtio-backend\n'
           '    Cache mode:       writeback\n' in text, text)
        ok('cd: [not inserted]\n    Removable device: not locked, tray closed\n' in text, text)
        ok('n0:' in vm.hmp('info block -n'), 'info block -n')
        ok('virtual size:' in vm.hmp('info block -v d0'), 'info block -v')


@test
def query_blockstats():
    '''query-blockstats counts what a driver does'''
    with qmp.Vm(f'-drive if=none,id=d0,file={image()},format=raw -device virtio-blk-pci,drive=d0,addr=4', machine='q35') as vm:
        disk = Disk(vm)
        eq(disk.write(0, b'x' * 1024), S_OK, 'status')
        eq(disk.read(0)[0], S_OK, 'status')
        stats = vm.cmd('query-blockstats')[0]['stats']
        eq((stats['wr_bytes'], stats['wr_operations'], stats['rd_bytes'], stats['rd_operations']), (1024, 1, 512, 1), 'counters')
        eq(stats['wr_highest_offset'], 1024, 'wr_highest_offset')
        ok(0 < stats['rd_total_time_ns'] < 10**10 and 0 < stats['idle_time_ns'] < 60 * 10**9, f'times: {stats}')
        eq(disk.write(8, b'y' * 512), S_OK, 'status')
        again = vm.cmd('query-blockstats')[0]
        eq((again['stats']['wr_highest_offset'], again['parent']['stats']['wr_highest_offset']), (4608, 4608), 'wr_highest_offset')
        ok(vm.cmd('query-blockstats', query_nodes=True), 'nodes')
        ok('d0: rd_bytes=512 wr_bytes=1536' in vm.hmp('info blockstats'), 'info blockstats')


@test
def latency_histograms():
    '''block-latency-histogram-set: each request is counted in the bin of its time, from then on, until there are no boundaries'''
    with qmp.Vm('-blockdev null-co,node-name=n,size=1048576,latency-ns=20000000 -device virtio-blk-pci,drive=n,addr=4,id=d0',
                machine='q35') as vm:
        disk = Disk(vm)
        path = '/machine/peripheral/d0/virtio-backend'

        def histogram(kind):
            return vm.cmd('query-blockstats')[0]['stats'].get(f'{kind}_latency_histogram')

        def use(**what):
            return vm.execute('block-latency-histogram-set', {'id': path, **{k.replace('_', '-'): v for k, v in what.items()}})
        eq(histogram('rd'), None)
        eq(use(boundaries=[1000, 10**7, 10**10], boundaries_write=[10**7]), {'return': {}})
        for _ in range(3):
            disk.read(0)
        disk.write(0, b'x' * 512)
        eq(histogram('rd'), {'boundaries': [1000, 10**7, 10**10], 'bins': [0, 0, 3, 0]})
        eq(histogram('wr'), {'boundaries': [10**7], 'bins': [0, 1]})
        eq(histogram('flush')['bins'], [0, 0, 0, 0])
        for key, word in (('read', 'read'), ('write', 'write'), ('zap', 'append write'), ('flush', 'flush')):
            eq(use(**{f'boundaries_{key}': [5, 5], 'boundaries': [1]})['error']['desc'], f"Device '{path}' set {word} boundaries fail")
        eq(use(boundaries=[])['error']['desc'], f"Device '{path}' set read boundaries fail")
        ok(qtest.QEMU or histogram('rd')['bins'] == [0, 0, 3, 0], 'a refusal changes what is counted')
        eq(use(), {'return': {}})
        eq([histogram(kind) for kind in ('rd', 'wr', 'zone_append', 'flush')], [None] * 4)
        eq(vm.execute('block-latency-histogram-set', {'id': 'zz'})['error']['class'], 'DeviceNotFound')


@test
def blockdev_add_and_del():
    '''blockdev-add: a file, raw on it, a device on that; blockdev-del in order; refusals in QEMU's words'''
    path = image()
    with qmp.Vm('-drive if=none,id=d0,file=null-co://,format=raw', machine='q35') as vm:
        before, fds = set(nodes(vm)), open_fds(vm)
        vm.cmd('blockdev-add', driver='file', node_name='f1', filename=path)
        vm.cmd('blockdev-add', driver='raw', node_name='r1', file='f1')
        eq(vm.error('blockdev-add', driver='raw', node_name='r1', file='f1'), "Duplicate nodes with node-name='r1'", 'text')
        eq(vm.error('blockdev-add', driver='raw', file='f1'), "'node-name' must be specified for the root node", 'text')
        eq(vm.error('blockdev-add', driver='raw', node_name='r2', file='zz'), "Cannot find device='zz' nor node-name='zz'", 'text')
        eq(vm.error('blockdev-add', driver='zzz', node_name='r2'), "Parameter 'driver' does not accept value 'zzz'", 'text')
        eq(vm.error('blockdev-add', driver='file', node_name='f2', filename='/nonexist'),
           "Could not open '/nonexist': No such file or directory", 'text')
        eq(vm.error('blockdev-add', driver='file', node_name='d0', filename=path), 'node-name=d0 is conflicting with a device id', 'text')
        eq(vm.error('blockdev-del', node_name='f1'), 'Block device f1 is in use', 'text')
        eq(vm.error('blockdev-del', node_name='zz'), "Failed to find node with node-name='zz'", 'text')
        eq(vm.error('blockdev-del', node_name='d0'), "Failed to find node with node-name='d0'", 'text')
        vm.cmd('blockdev-del', node_name='r1')
        vm.cmd('blockdev-del', node_name='f1')
        eq((set(nodes(vm)), open_fds(vm)), (before, fds), 'nodes and descriptors')
        vm.cmd('blockdev-add', driver='raw', node_name='r3', file={'driver': 'file', 'filename': path})
        vm.cmd('blockdev-del', node_name='r3')
        eq((set(nodes(vm)), open_fds(vm)), (before, fds), 'nodes and descriptors: what was written inline goes, too')


@test
def blockdev_by_descriptor():
    '''/dev/fdset/N as a disk's file'''
    path = image()
    with qmp.Vm(machine='q35') as vm:
        for mode in (os.O_RDWR, os.O_RDONLY):
            fd = os.open(path, mode)
            vm.cmd('add-fd', fds=[fd], fdset_id=1)
            os.close(fd)
        vm.cmd('blockdev-add', driver='file', node_name='f', filename='/dev/fdset/1')
        eq(nodes(vm)['f']['image']['virtual-size'], MIB, 'size')
        vm.cmd('remove-fd', fdset_id=1)
        vm.cmd('blockdev-del', node_name='f')


@test
def resize_reaches_the_guest():
    '''5.2.5: block_resize changes the capacity and raises a configuration interrupt; refusals'''
    with qmp.Vm(f'-drive if=none,id=d0,file={image()},format=raw -device virtio-blk-pci,drive=d0,addr=4 '
                '-drive if=none,id=ro,file=null-co://,file.size=1M,format=raw,readonly=on', machine='q35') as vm:
        disk = Disk(vm)
        eq(disk.sectors(), MIB // 512, 'sectors')
        vm.cmd('block_resize', device='d0', size=3 * MIB)
        eq(disk.sectors(), 3 * MIB // 512, 'sectors')
        vm.until(lambda: disk.dev.interrupt() & 2, 'a configuration interrupt')
        eq(disk.write(3 * MIB // 512 - 1, b'e' * 512), S_OK, 'status of the last sector')
        node = drives(vm)['d0']['inserted']['node-name']
        vm.cmd('block_resize', node_name=node, size=2 * MIB)
        eq(disk.sectors(), 2 * MIB // 512, 'sectors')
        eq(vm.hmp('block_resize d0 4'), '', 'output')
        eq(disk.sectors(), 4 * MIB // 512, 'sectors: HMP counts in MiB')
        eq(vm.error('block_resize', device='zz', size=1024), "Cannot find device='zz' nor node-name=''", 'text')
        eq(vm.error('block_resize', size=1024), "Cannot find device='' nor node-name=''", 'text')
        eq(vm.error('block_resize', device='d0', size=-1), "Parameter 'size' expects a >0 size", 'text')
        ok('read-only' in vm.error('block_resize', device='ro', size=2 * MIB), 'a read-only disk')
        eq(disk.sectors(), 4 * MIB // 512, 'sectors')


@test
def limits_of_a_disk_that_runs():
    '''block_set_io_throttle: put on a disk that a device uses, changed, moved to a group, and taken off; I/O goes on'''
    with qmp.Vm(f'-drive if=none,id=d0,file={image()},format=raw -device virtio-blk-pci,drive=d0,id=blk0,addr=4', machine='q35') as vm:
        disk = Disk(vm)
        eq(disk.write(1, b'a' * 512), S_OK, 'status')
        vm.cmd('block_set_io_throttle', device='d0', **limits(iops=1))
        got = drives(vm)['d0']['inserted']
        eq((got['iops'], got['group'], got['drv']), (1, 'd0', 'raw'), 'limits')
        eq(disk.read(1), (S_OK, b'a' * 512), 'what was written')
        token = disk.begin(T_IN, 1, room=[512])
        time.sleep(0.05)
        eq(disk.ring.poll(), [], 'a second request within the same second')
        vm.cmd('block_set_io_throttle', id='blk0', **limits(bps=1000000, bps_max=2000000, bps_max_length=3, group='g'))
        eq(disk.ring.wait(token)[-1], S_OK, 'status of what had to wait')
        got = drives(vm)['d0']['inserted']
        eq((got['bps'], got['bps_max'], got['bps_max_length'], got['iops'], got['group']), (1000000, 2000000, 3, 0, 'g'), 'limits')
        eq(disk.write(2, b'b' * 512), S_OK, 'status')
        vm.cmd('block_set_io_throttle', device='d0', **limits())
        ok('group' not in drives(vm)['d0']['inserted'], 'a group is left')
        eq(disk.read(2), (S_OK, b'b' * 512), 'what was written')
        names = set(nodes(vm))
        for _ in range(20):
            vm.cmd('block_set_io_throttle', device='d0', **limits(iops=1000))
            vm.cmd('block_set_io_throttle', device='d0', **limits())
        eq(set(nodes(vm)), names, 'nodes')


@test
def limits_refused():
    '''block_set_io_throttle: contradictions and unknown disks are refused, and what was stays'''
    with qmp.Vm('-drive if=none,id=d0,file=null-co://,format=raw,throttling.bps-total=5000 -drive if=none,id=cd', machine='q35') as vm:
        ok('cannot be used at the same time' in vm.error('block_set_io_throttle', device='d0', **limits(bps=1, bps_rd=2)), 'text')
        eq(vm.error('block_set_io_throttle', device='zz', **limits(bps=1)), "Device 'zz' not found", 'text')
        eq(vm.error('block_set_io_throttle', device='cd', **limits()), 'Device has no medium', 'text')
        eq(vm.error('block_set_io_throttle', **limits()), "Need exactly one of 'device' and 'id'", 'text')
        eq(drives(vm)['d0']['inserted']['bps'], 5000, 'limit')


@test
def media():
    '''eject, blockdev-change-medium and trays: of a drive without device; a disk in use is not removable'''
    path = image()
    with qmp.Vm(f'-drive if=none,id=cd -drive if=none,id=d0,file={image()},format=raw -device virtio-blk-pci,drive=d0,id=blk0',
                machine='q35') as vm:
        fds = open_fds(vm)
        vm.cmd('blockdev-change-medium', device='cd', filename=path, format='raw')
        eq(drives(vm)['cd']['inserted']['file'], path, 'medium')
        eq(vm.error('blockdev-change-medium', device='cd', filename='/nonexist'),
           "Could not open '/nonexist': No such file or directory", 'text')
        eq(drives(vm)['cd']['inserted']['file'], path, 'medium')
        vm.cmd('eject', device='cd')
        ok('inserted' not in drives(vm)['cd'], 'a medium is left')
        vm.cmd('eject', device='cd')
        eq(vm.hmp(f'change cd {path} raw'), '', 'output')
        eq(vm.hmp('eject cd'), '', 'output')
        eq(open_fds(vm), fds, 'descriptors')
        vm.cmd('blockdev-open-tray', device='cd')
        vm.cmd('blockdev-close-tray', device='cd')
        for name in ('eject', 'blockdev-open-tray', 'blockdev-close-tray'):
            eq(vm.error(name, device='d0'), "Device 'd0' is not removable", 'text')
            eq(vm.error(name, device='zz'), "Device 'zz' not found", 'text')
        eq(vm.error('blockdev-change-medium', device='d0', filename=path), "Device 'd0' is not removable", 'text')
        eq(vm.error('blockdev-remove-medium', id='blk0'), "Device 'blk0' is not removable", 'text')
        eq(vm.error('blockdev-insert-medium', id='zz', node_name='n'), "Device 'zz' not found", 'text')
        eq(vm.error('eject'), "Need exactly one of 'device' and 'id'", 'text')


@test
def drive_add_and_del():
    '''drive_add answers OK, drive_del nothing: what QEMU's own test of them wants to see; errors as they are'''
    with qmp.Vm(machine='q35') as vm:
        fds = open_fds(vm)
        raw = lambda line: vm.cmd('human-monitor-command', **{'command-line': line})  # noqa: E731
        eq(raw('drive_add 0 if=none,id=drive0'), 'OK\r\n', 'output')
        eq(raw('drive_add 0 if=none,id=drive0'), "Duplicate ID 'drive0' for drive\r\n", 'output')
        eq(raw('drive_del drive0'), '', 'output')
        eq(raw('drive_del drive0'), "Device 'drive0' not found\r\n", 'output')
        eq(raw('drive_add 0 if=none,id=x1,file=/nonexist,format=raw'), "Could not open '/nonexist': No such file or directory\r\n",
           'output')
        eq(raw('drive_add 0 if=virtio,id=x1,file=null-co://'), "Can't hot-add drive to type 7\r\n", 'output')
        eq(raw('drive_add -n 0 node-name=x2,driver=null-co'), '', 'output')
        ok('x2' in nodes(vm), 'no node')
        eq(raw('drive_del x2'), '', 'output')
        eq((drives(vm), nodes(vm), open_fds(vm)), ({}, {}, fds), 'what is left')


@test
def drive_del_in_use():
    '''drive_del of a disk in use: its file is let go at once, the guest gets errors, the name is free, and it goes with the device'''
    path = image()
    with qmp.Vm(f'-drive if=none,id=d0,file={path},format=raw -device virtio-blk-pci,drive=d0,id=blk0,addr=4,werror=report,rerror=report',
                machine='q35') as vm:
        disk = Disk(vm)
        eq(disk.write(0, b'a' * 512), S_OK, 'status')
        held = lambda: path in (os.path.realpath(f'/proc/{vm.process.pid}/fd/{n}') for n in os.listdir(f'/proc/{vm.process.pid}/fd'))  # noqa: E731
        ok(held(), 'the file is not open')
        eq(vm.hmp('drive_del d0'), '', 'output')
        ok(not held(), 'the file is still open')
        eq(disk.write(0, b'b' * 512), S_IOERR, 'status')
        ok('d0' not in drives(vm), 'the drive is still there')
        eq(vm.hmp(f'drive_add 0 if=none,id=d0,file={path},format=raw'), 'OK\n', 'output')
        eq(vm.hmp('drive_del d0'), '', 'output')
        eq([d for d in drives(vm).values()], [{'device': '', 'qdev': '/machine/peripheral/blk0/virtio-backend', 'type': 'unknown',
                                              'removable': False, 'locked': False}], 'drives')


@test
def io_errors():
    '''BLOCK_IO_ERROR: which disk, what, and what becomes of it; io-status of a machine that has stopped'''
    with qmp.Vm(f'-drive if=none,id=d0,file={image()},format=raw '
                '-device virtio-blk-pci,drive=d0,id=blk0,addr=4,rerror=report,werror=report', machine='q35') as vm:
        disk = Disk(vm)
        vm.hmp('drive_del d0')
        eq(disk.write(0, b'b' * 512), S_IOERR, 'status')
        got = vm.event('BLOCK_IO_ERROR')
        eq((got['qom-path'], got['operation'], got['action'], got['reason']),
           ('/machine/peripheral/blk0/virtio-backend', 'write', 'report', 'No medium found'), 'event')


@test
def hotplug_with_its_disk():
    '''device_add on a drive and on a node; device_del takes the drive along, and leaves the node'''
    with qmp.Vm('-device pcie-root-port,id=rp,chassis=1', machine='q35') as vm:
        eq(vm.hmp(f'drive_add 0 if=none,id=drive0,file={image()},format=raw'), 'OK\n', 'output')
        vm.cmd('blockdev-add', driver='file', node_name='node0', filename=image())
        for disk, stays in (('drive0', False), ('node0', True)):
            vm.cmd('device_add', driver='virtio-blk-pci', id='dev0', drive=disk, bus='rp')
            try:
                vm.cmd('device_del', id='dev0')
                vm.cmd('system_reset')
                vm.event('DEVICE_DELETED', device='dev0')
            except QmpError as e:
                raise qtest.Skip(f'no unplug here: {e.desc}') from None
            eq('drive0' in drives(vm), False, 'is the drive there')
            eq('node0' in nodes(vm), True, 'is the node there')
        vm.cmd('blockdev-del', node_name='node0')


@test
def throttle_groups():
    '''qom-get and qom-set of a throttle-group's limits reach its disks'''
    with qmp.Vm('-object throttle-group,id=tg,x-iops-total=100 -drive if=none,id=d0,file=null-co://,format=raw,throttling.group=tg',
                machine='q35') as vm:
        eq(drives(vm)['d0']['inserted']['iops'], 100, 'limit')
        vm.cmd('qom-set', path='/objects/tg', property='x-iops-total', value=99)
        eq(vm.cmd('qom-get', path='/objects/tg', property='x-iops-total'), 99, 'property')
        eq(drives(vm)['d0']['inserted']['iops'], 99, 'limit')


def flags_of(vm, path):
    """Of the descriptors that the program has of the file, as open(2) has them; the one for locks is left out."""
    found = []
    for fd in os.listdir(f'/proc/{vm.process.pid}/fd'):
        if os.readlink(f'/proc/{vm.process.pid}/fd/{fd}') == path:
            with open(f'/proc/{vm.process.pid}/fdinfo/{fd}', encoding='ascii') as f:
                found.append(int(f.read().split('flags:')[1].split()[0], 8))
    ok(len(found) == 2, f'{len(found)} descriptors')
    return max(f & (os.O_ACCMODE | os.O_DIRECT) for f in found)


def node(path, **more):
    return {'driver': 'file', 'node-name': 'n0', 'filename': path, **more}


def reopen(vm, *options):
    vm.cmd('blockdev-reopen', options=list(options))


def reopen_error(vm, *options):
    return vm.error('blockdev-reopen', options=list(options))


@test
def reopen_what_the_host_sees_to():
    '''blockdev-reopen: discard, detect-zeroes; what no node can change is named, and what is not said is the default again'''
    path = image()
    with qmp.Vm(f'-blockdev file,node-name=n0,filename={path},aio=threads', machine='q35') as vm:
        reopen(vm, node(path, aio='threads', discard='unmap', **{'detect-zeroes': 'on'}))
        eq(nodes(vm)['n0']['detect_zeroes'], 'on', 'detect_zeroes')
        eq(reopen_error(vm, node('/x', aio='threads')), "Cannot change the option 'filename'", 'text')
        eq(reopen_error(vm, node(path)), "Option 'aio' cannot be reset to its default value", 'text')
        eq(reopen_error(vm, {'driver': 'null-co', 'node-name': 'n0'}), "Cannot change the option 'driver'", 'text')
        eq(reopen_error(vm, {'driver': 'null-co', 'node-name': 'n9'}), "Failed to find node with node-name='n9'", 'text')
        eq(reopen_error(vm, {'driver': 'null-co'}), 'node-name not specified', 'text')
        eq(nodes(vm)['n0']['detect_zeroes'], 'on', 'detect_zeroes')
        reopen(vm, node(path, aio='threads'))
        eq(nodes(vm)['n0']['detect_zeroes'], 'off', 'detect_zeroes')


@test
def reopen_of_a_disk_that_runs():
    '''cache.direct and auto-read-only of a disk while a guest uses it: what it wrote is there, and no descriptor is left'''
    path = image()
    with qmp.Vm(f'-object iothread,id=t -blockdev file,node-name=n0,filename={path} '
                '-device virtio-blk-pci,drive=n0,addr=4,iothread=t,id=d0', machine='q35') as vm:
        disk, fds = Disk(vm), open_fds(vm)
        eq(flags_of(vm, path), os.O_RDWR, 'flags')
        for i in range(10):
            direct = i % 2 == 0
            eq(disk.write(i, bytes([i + 1]) * 512), S_OK, 'status')
            reopen(vm, node(path, cache={'direct': direct}, **{'auto-read-only': direct}))
            eq(bool(flags_of(vm, path) & os.O_DIRECT), direct, 'O_DIRECT')
            eq(nodes(vm)['n0']['cache']['direct'], direct, 'cache.direct')
            for k in range(i + 1):
                eq(disk.read(k), (S_OK, bytes([k + 1]) * 512), 'sector')
        eq(open_fds(vm), fds, 'descriptors')
        other = subprocess.run([os.environ['TENON'], *'-M q35 -accel qtest -display none -nodefaults -device'.split(),
                                'virtio-blk-pci,drive=x', '-drive', f'if=none,file={path},format=raw,id=x'],
                               capture_output=True, text=True, check=False, timeout=qtest.TIMEOUT)
        ok('Failed to get "write" lock' in other.stderr, 'the image is not locked any more')
        eq(reopen_error(vm, node(path, **{'read-only': True})),
           "Read-only block node 'n0' cannot support read-write users", 'text')
        eq(disk.write(0, b'z' * 512), S_OK, 'status')


@test
def reopen_read_only():
    '''read-only, there and back, of a node that nobody writes to; a child in its parent's option follows, one with a name does not'''
    path = image()
    with qmp.Vm(f'-blockdev file,node-name=n0,filename={path}', machine='q35') as vm:
        for ro in (True, False, True):
            reopen(vm, node(path, **{'read-only': ro}))
            eq(nodes(vm)['n0']['ro'], ro, 'ro')
            eq(flags_of(vm, path), os.O_RDONLY if ro else os.O_RDWR, 'flags')
        vm.cmd('blockdev-add', driver='raw', node_name='r0', file='n0', read_only=True)
        raw = {'driver': 'raw', 'node-name': 'r0', 'file': 'n0', 'read-only': True, 'detect-zeroes': 'on'}
        reopen(vm, raw)
        eq(reopen_error(vm, {**raw, 'file': 'n9'}), "Cannot change the option 'file'", 'text')
        eq(flags_of(vm, path), os.O_RDONLY, 'flags')
        other = image()
        vm.cmd('blockdev-add', driver='raw', node_name='r1', file={'driver': 'file', 'filename': other})
        reopen(vm, {'driver': 'raw', 'node-name': 'r1', 'read-only': True, 'file': {'driver': 'file', 'filename': other}})
        eq((nodes(vm)['r1']['ro'], flags_of(vm, other)), (True, os.O_RDONLY), 'r1')


@test
def reopen_of_all_or_none():
    '''of several nodes all change or none; an image that cannot be opened leaves everything as it was'''
    a, b = image(), image()
    with qmp.Vm(f'-blockdev file,node-name=n0,filename={a} -blockdev file,node-name=n1,filename={b} '
                '-device virtio-blk-pci,drive=n0,addr=4', machine='q35') as vm:
        disk, fds = Disk(vm), open_fds(vm)
        direct = {'cache': {'direct': True}}
        os.rename(b, b + '.away')
        text = reopen_error(vm, node(a, **direct), {**node(b, **direct), 'node-name': 'n1'})
        ok(f"Could not open '{b}'" in text, text)
        os.rename(b + '.away', b)
        eq(flags_of(vm, a), os.O_RDWR, 'flags')
        eq(disk.write(0, b'x' * 512), S_OK, 'status')
        eq(open_fds(vm), fds, 'descriptors')
        eq(reopen_error(vm, node(a), node(a)), "Node 'n0' is named twice", 'text')
        with open(b, 'rb') as lock:  # somebody reads it and does not share that, as QEMU's tools have it
            fcntl.fcntl(lock, 37, struct.pack('hhlli4x', fcntl.F_RDLCK, 0, 201, 1, 0))
            reopen(vm, node(a, **direct), {**node(b, **direct), 'node-name': 'n1'})  # nobody uses n1, so it takes no lock
        eq((flags_of(vm, a), flags_of(vm, b)), (os.O_RDWR | os.O_DIRECT,) * 2, 'flags')
        eq(disk.read(0), (S_OK, b'x' * 512), 'sector')


@test
def many_times():
    '''a thousand disks come and go: no descriptor, node or slot is left'''
    path = image()
    with qmp.Vm(machine='q35') as vm:
        vm.cmd('blockdev-add', driver='null-co', node_name='n')
        vm.cmd('blockdev-del', node_name='n')
        fds = open_fds(vm)
        for i in range(500):
            vm.cmd('blockdev-add', driver='raw', node_name='n', file={'driver': 'file', 'filename': path})
            vm.cmd('blockdev-del', node_name='n')
            vm.hmp('drive_add 0 if=none,id=d,file=null-co://,format=raw,throttling.iops-total=5')
            vm.hmp('drive_del d')
        eq((drives(vm), nodes(vm), open_fds(vm)), ({}, {}, fds), 'what is left')


if __name__ == '__main__':
    qmp.main()
