#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""query-stats, query-stats-schemas, info stats: what KVM counts, by QEMU's filters."""
import fcntl
import os
import re

import qmp
import qtest
from qmp import Skip, eq, ok, test

KVM_CHECK_EXTENSION, KVM_CAP_BINARY_STATS_FD = 0xae03, 203
HALT = b'\xf4\xeb\xfd'  # hlt, and again


def has_stats():
    try:
        fd = os.open('/dev/kvm', os.O_RDWR)
    except OSError:
        return False
    try:
        return fcntl.ioctl(fd, KVM_CHECK_EXTENSION, KVM_CAP_BINARY_STATS_FD) == 1
    finally:
        os.close(fd)


def vm():
    """Two processors that halt, under KVM."""
    if not has_stats():
        raise Skip('this KVM has no statistics')
    path = os.path.join(qtest.Setup.get().folder, 'halt.bin')
    with open(path, 'wb') as f:
        f.write(b'\xf4' * 0xfff0 + HALT.ljust(16, b'\xf4'))
    return qmp.Vm(f'-nodefaults -m 16 -smp 2 -cpu host -bios {path}', machine='q35', accel='kvm')


def stats(m, **filters):
    return [{s['name']: s['value'] for s in r['stats']} for r in m.cmd('query-stats', **filters)]


@test
def schemas():
    """query-stats-schemas: the VM's and a vCPU's, each with type, and unit, base and exponent where there are some"""
    with vm() as m:
        found = {s['target']: {x['name']: x for x in s['stats']} for s in m.cmd('query-stats-schemas')}
        eq(sorted(found), ['vcpu', 'vm'])
        eq(found['vm']['pages_4k'], {'name': 'pages_4k', 'type': 'instant', 'exponent': 0})
        wait = found['vcpu']['halt_wait_ns']
        eq((wait['unit'], wait['base'], wait['exponent']), ('seconds', 10, -9))
        eq(found['vcpu']['halt_wait_hist']['type'], 'log2-histogram')
        eq(m.cmd('query-stats-schemas', provider='kvm'), m.cmd('query-stats-schemas'))
        eq(m.cmd('query-stats-schemas', provider='cryptodev'), [])
        eq(m.error('query-stats-schemas', provider='no'), "Parameter 'provider' does not accept value 'no'")


@test
def of_the_vm():
    """query-stats of the VM: every statistic of the schema, numbers that live"""
    with vm() as m:
        names = [s['stats'] for s in m.cmd('query-stats-schemas') if s['target'] == 'vm'][0]
        now, = stats(m, target='vm')
        eq(sorted(now), sorted(s['name'] for s in names))
        ok(all(isinstance(v, int) and v >= 0 for v in now.values()), f'{now}')


@test
def of_vcpus():
    """query-stats of vCPUs: one result each, named by its path; a halted one has exits, while the machine runs"""
    with vm() as m:
        found = m.cmd('query-stats', target='vcpu')
        eq(len(found), 2)
        paths = [r['qom-path'] for r in found]
        eq(sorted(paths), sorted(c['qom-path'] for c in m.cmd('query-cpus-fast')))
        first = {s['name']: s['value'] for s in found[0]['stats']}
        ok(first['exits'] > 0, f'{first["exits"]} exits')
        ok(isinstance(first['guest_mode'], bool) and isinstance(first['halt_wait_hist'], list), 'kinds of values')
        one = m.cmd('query-stats', target='vcpu', vcpus=[paths[1], '/nobody'])
        eq([r['qom-path'] for r in one], [paths[1]])
        eq(m.cmd('query-status')['status'], 'running')


@test
def filters():
    """query-stats: by provider and name; names that do not exist give nothing; what is of vCPUs only is refused"""
    with vm() as m:
        eq([list(s) for s in stats(m, target='vm', providers=[{'provider': 'kvm', 'names': ['pages_4k', 'no']}])],
           [['pages_4k']])
        eq(stats(m, target='vm', providers=[{'provider': 'kvm', 'names': ['no']}]), [])
        eq(stats(m, target='vm', providers=[]), [])
        eq(stats(m, target='vm', providers=[{'provider': 'cryptodev'}]), [])
        eq(stats(m, target='cryptodev'), [])
        eq(m.error('query-stats', target='vm', vcpus=['x']), "Parameter 'vcpus' is unexpected")
        eq(m.error('query-stats', target='no'), "Parameter 'target' does not accept value 'no'")
        eq(m.error('query-stats'), "Parameter 'target' is missing")


@test
def paused():
    """query-stats of a vCPU that does not run"""
    with vm() as m:
        m.cmd('stop')
        eq(len(stats(m, target='vcpu')), 2)
        eq(m.cmd('query-status')['status'], 'paused')


@test
def without_kvm():
    """without KVM there is nothing: empty lists"""
    with qmp.Vm('-nodefaults', machine='q35') as m:
        eq(m.cmd('query-stats', target='vm'), [])
        eq(m.cmd('query-stats', target='vcpu'), [])
        eq(m.cmd('query-stats-schemas'), [])
        eq(m.hmp('info stats vm'), '')


@test
def hmp():
    """info stats: a line each with type, unit and value; names as a list"""
    with vm() as m:
        text = m.hmp('info stats vm pages_4k,pages_2m')
        ok(re.fullmatch(r'provider: kvm\n(    pages_(4k|2m) \(instant\): \d+\n){2}', text), text)
        text = m.hmp('info stats vcpu halt_wait_ns,blocking')
        ok(re.search(r'^    halt_wait_ns \(cumulative, ns\): \d+$', text, re.M), text)
        ok(re.search(r'^    blocking \(instant, boolean\): (yes|no)$', text, re.M), text)
        eq(m.hmp('info stats no'), 'invalid stats target no\n')
        eq(m.hmp('info stats vm * no'), 'invalid stats provider no\n')
        eq(m.hmp('info stats vm * kvm'), m.hmp('info stats vm *'))


if __name__ == '__main__':
    qmp.main()
