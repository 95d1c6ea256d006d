#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""query-blockstats: intervals, and what becomes of requests that are no good."""
import struct
import time

import qmp
import qtest
import virtio
from qmp import eq, ok, test

S_OK, T_IN, T_OUT = b'\0', 0, 1
MS = 10**6
SLOW = '-drive if=none,id=d0,driver=null-co,size=1M,latency-ns=20000000'
BEYOND = 1 << 20


class Disk:
    """The driver of a virtio-blk in slot 4 of q35."""

    def __init__(self, vm):
        dev = virtio.pci(vm, 4)
        dev.start()
        self.ring = dev.queue(0)
        dev.driver_ok()

    def ask(self, kind, sector):
        """The status; nothing, where the device does not say that it has written that far."""
        data = ([b'x' * 512], []) if kind == T_OUT else ([], [512])
        token = self.ring.add([struct.pack('<IIQ', kind, 0, sector), *data[0]], [*data[1], 1])
        self.ring.kick()
        return self.ring.wait(token)[-1:]


def machine(drive, device=''):
    return qmp.Vm(f'{drive} -device virtio-blk-pci,drive=d0,addr=4{device}', machine='q35')


def stats(vm):
    return vm.cmd('query-blockstats')[0]['stats']


def tick(vm, seconds):
    """Time goes by on every clock that a program may count by."""
    vm.step(int(seconds * 10**9))
    time.sleep(seconds)


@test
def intervals():
    '''stats-intervals: latencies and queue depth of each interval, by kind; nothing once it is over'''
    with machine(SLOW + ',stats-intervals.0=1,stats-intervals.1=3600') as vm:
        eq([t['interval_length'] for t in stats(vm)['timed_stats']], [1, 3600], 'intervals')
        eq({v for k, v in stats(vm)['timed_stats'][1].items() if k != 'interval_length'}, {0}, 'before the first request')
        disk = Disk(vm)
        for sector in range(3):
            eq(disk.ask(T_IN, sector), S_OK, 'status')
        eq(disk.ask(T_OUT, 0), S_OK, 'status')
        tick(vm, 1.1)
        short, long = stats(vm)['timed_stats']
        least = MS if qtest.QEMU else 20 * MS  # with qtest, QEMU says that each takes 1 ms
        for kind in ('rd', 'wr'):
            low, middle, high = (long[f'{v}_{kind}_latency_ns'] for v in ('min', 'avg', 'max'))
            ok(least <= low <= middle <= high < 60 * 10**9, long)
            ok(0 < long[f'avg_{kind}_queue_depth'] < 1, long)
            eq([short[f'{v}_{kind}_latency_ns'] for v in ('min', 'avg', 'max')], [0, 0, 0], 'the second is over')
        for kind in ('flush', 'zone_append'):
            eq([long[f'{v}_{kind}_latency_ns'] for v in ('min', 'avg', 'max')], [0, 0, 0], f'no {kind}')


@test
def intervals_of_disks_only():
    '''a drive without stats-intervals has none, and neither has a node'''
    with machine(SLOW) as vm:
        eq(stats(vm)['timed_stats'], [], 'timed_stats')
        vm.hmp('drive_add 0 if=none,id=d1,file=null-co://,format=raw,stats-intervals.0=7')
        got = [s for s in vm.cmd('query-blockstats') if s['device'] == 'd1'][0]
        eq([t['interval_length'] for t in got['stats']['timed_stats']], [7], 'timed_stats')
        below = got['parent']['stats']
        eq((below['timed_stats'], below['account_failed'], below['account_invalid']), ([], False, False), 'of the node')
        for node in vm.cmd('query-blockstats', query_nodes=True):
            eq((node['stats']['timed_stats'], node['stats']['account_failed']), ([], False), 'of a node')


@test
def refusals():
    '''intervals that are none: refused in QEMU's words'''
    for text, says in (('0=0', 'Invalid interval length: 0'), ('0=1.5', 'Invalid interval length: 1.5'),
                       ('0=0x10', 'Invalid interval length: 0x10'), ('1=5', 'Invalid option stats-intervals.1')):
        got = qtest.refuses(f'{SLOW},stats-intervals.{text}', machine='q35').strip().split('\n')[-1]
        ok(got.endswith(says), got)


@test
def accounting():
    '''account_failed and account_invalid: what the drive says, unless the device does'''
    for drive, device, want in (('', '', (True, True)),
                                (',stats-account-failed=off', '', (False, True)),
                                (',stats-account-failed=off,stats-account-invalid=off', ',account-failed=on', (True, False)),
                                ('', ',account-invalid=off,account-failed=auto', (True, False))):
        with machine(SLOW + drive, device) as vm:
            got = stats(vm)
            eq((got['account_failed'], got['account_invalid']), want, drive + device)


@test
def refused_by_the_device():
    '''5.2.6.2: requests beyond the end are invalid_*_operations, and none of the others; they end idle_time_ns, or do not'''
    for device, known in (('', True), (',account-invalid=off', False)):
        with machine(SLOW, device) as vm:
            disk = Disk(vm)
            ok(S_OK not in [disk.ask(kind, BEYOND) for kind in (T_IN, T_IN, T_OUT)], 'status')
            got = stats(vm)
            eq([got[f'invalid_{kind}_operations'] for kind in ('rd', 'wr', 'flush', 'unmap')], [2, 1, 0, 0], 'invalid')
            eq([got[f'{what}rd_operations'] for what in ('', 'failed_')], [0, 0], 'other counters')
            eq('idle_time_ns' in got, known, 'idle_time_ns')


if __name__ == '__main__':
    qmp.main()
