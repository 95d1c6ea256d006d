#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Models of processors and versions of machines, as clients see them."""
import os
import subprocess

import qmp
from qmp import eq, ok, test


IN_7_2 = {'alias', 'cpu-max', 'default-cpu-type', 'default-ram-id', 'deprecated', 'hotpluggable-cpus', 'is-default', 'name',
          'numa-mem-supported'}


def refused(version):
    done = subprocess.run([os.environ['TENON'], '-M', 'none'], env={**os.environ, 'TENON_QEMU_VERSION': version}, check=False,
                          capture_output=True, text=True, timeout=20)
    return done.stderr if done.returncode == 1 else ''


def boot_cpu(vm):
    return vm.cmd('query-cpus-fast')[0]['qom-path']


def get(vm, name):
    return vm.cmd('qom-get', path=boot_cpu(vm), property=name)


@test
def properties():
    """a processor says its features by every name, its levels and its words"""
    with qmp.Vm('-cpu Haswell,-pcid', machine='q35') as vm:
        eq([get(vm, n) for n in ('sse4.2', 'sse4-2', 'sse3', 'pcid', 'avx512f')], [True, True, True, False, False])
        eq([get(vm, n) for n in ('vendor', 'family', 'model', 'level')], ['GenuineIntel', 6, 60, 13])
        word = [w for w in get(vm, 'feature-words') if (w['cpuid-input-eax'], w['cpuid-register']) == (7, 'EBX')][0]
        eq(word['features'] & 0xff, 0xb9)


@test
def definitions():
    """query-cpu-definitions has each name once, with the version that it stands for"""
    with qmp.Vm() as vm:
        found = vm.cmd('query-cpu-definitions')
        names = [d['name'] for d in found]
        eq(len(names), len(set(names)))
        by_name = {d['name']: d for d in found}
        eq(by_name['Haswell-noTSX']['alias-of'], 'Haswell-v2')
        eq(by_name['Haswell']['alias-of'], 'Haswell-v1')
        eq(by_name['EPYC-v4']['typename'], 'EPYC-v4-x86_64-cpu')
        ok({d['typename'] for d in found} <= {t['name'] for t in vm.cmd('qom-list-types')}, 'each has a type')


@test
def expansion():
    """query-cpu-model-expansion: what a model has, with what is asked for besides"""
    with qmp.Vm() as vm:
        full = vm.cmd('query-cpu-model-expansion', type='full', model={'name': 'Nehalem', 'props': {'avx': True}})
        props = full['model']['props']
        eq([props[n] for n in ('sse4.2', 'avx', 'avx2')], [True, True, False])
        again = vm.cmd('query-cpu-model-expansion', type='full', model={'name': 'base', 'props': props})
        eq(again['model']['props'], props)
        why = vm.error('query-cpu-model-expansion', type='full', model={'name': 'nosuch'})
        eq(why, "CPU model 'nosuch' not found")


@test
def hotplug_of_the_model_only():
    """a place takes the class of -cpu and no other"""
    with qmp.Vm('-cpu Haswell -smp 1,maxcpus=2,cores=2', machine='q35') as vm:
        place = {'socket-id': 0, 'core-id': 1, 'thread-id': 0}
        why = vm.error('device_add', driver='EPYC-x86_64-cpu', **place)
        eq(why, "Invalid CPU type, expected cpu type: 'Haswell-x86_64-cpu'")
        vm.cmd('device_add', driver='Haswell-x86_64-cpu', id='c1', **place)
        eq(len(vm.cmd('query-cpus-fast')), 2)


@test
def nodes():
    """set-numa-node: nodes and the CPUs in them, while the machine is not there yet"""
    memory = '-m 128M -object memory-backend-ram,id=ram,size=128M -smp 2,sockets=2'
    with qmp.Vm(f'--preconfig {memory}', machine='pc') as vm:
        vm.cmd('set-numa-node', type='node', nodeid=0, memdev='ram')
        eq(vm.error('set-numa-node', type='node', nodeid=0), 'Duplicate NUMA nodeid: 0')
        ok('must be defined' in vm.error('set-numa-node', type='cpu', **{'node-id': 1}), 'a node comes first')
        vm.cmd('set-numa-node', type='node', nodeid=1)
        for node, socket in ((0, 1), (1, 0)):
            vm.cmd('set-numa-node', type='cpu', **{'node-id': node, 'socket-id': socket})
        vm.cmd('x-exit-preconfig')
        vm.event('RESUME')
        places = [c['props'] for c in vm.cmd('query-hotpluggable-cpus')]
        eq({p['socket-id']: p['node-id'] for p in places}, {0: 1, 1: 0}, 'nodes of the sockets')
        ok('only before' in vm.error('set-numa-node', type='node', nodeid=2), 'too late')


@test
def memory_attributes():
    """set-numa-node: what is known of the speed of memory, where -M hmat=on asks for it (ACPI 6.5 5.2.28)"""
    memory = '-m 128M -smp 2,sockets=2 -object memory-backend-ram,id=m0,size=64M -object memory-backend-ram,id=m1,size=64M'
    lb = {'type': 'hmat-lb', 'initiator': 0, 'target': 0, 'hierarchy': 'memory', 'data-type': 'access-latency'}
    with qmp.Vm(f'--preconfig {memory}', machine='pc') as vm:
        for item in (dict(type='node', nodeid=0, memdev='m0', initiator=0), dict(lb, latency=1)):
            ok('(HMAT) is disabled' in vm.error('set-numa-node', **item), 'without hmat=on')
    with qmp.Vm(f'--preconfig {memory}', machine='pc,hmat=on') as vm:
        vm.cmd('set-numa-node', type='node', nodeid=0, memdev='m0', cpus=[0, 1])
        vm.cmd('set-numa-node', type='node', nodeid=1, memdev='m1', initiator=0)
        vm.cmd('set-numa-node', **lb, latency=5)
        eq(vm.error('set-numa-node', **lb, latency=5),
           'Duplicate configuration of the latency for initiator=0 and target=0')
        vm.cmd('x-exit-preconfig')
        vm.event('RESUME')


def queues(vm):
    return vm.cmd('qom-get', path='b0', property='num-queues'), vm.cmd('qom-get', path='b0', property='discard')


@test
def machine_versions():
    """pc-q35-4.1 has the defaults of its day, below the user's -global"""
    disk = '-blockdev null-co,node-name=n,size=1M -device virtio-blk-pci,id=b0,drive=n'
    with qmp.Vm(disk, machine='pc-q35-10.0') as vm:
        eq(queues(vm), (65535, True))
    with qmp.Vm(disk, machine='pc-q35-3.1') as vm:
        eq(queues(vm), (1, False))
    with qmp.Vm(disk + ' -global virtio-blk-device.num-queues=3', machine='pc-q35-3.1') as vm:
        eq(queues(vm), (3, False))
        machines = {m['name']: m for m in vm.cmd('query-machines')}
        eq(machines['pc-q35-10.0']['alias'], 'q35')
        eq((machines['pc-q35-7.0']['deprecated'], machines['pc-q35-7.2']['deprecated']), (True, False))
        ok('pc-i440fx-2.4' in machines and 'pc-i440fx-4.0.1' not in machines, 'versions')


@test
def older_qemu():
    """TENON_QEMU_VERSION=7.2: its version, its machines, and query-machines without what its own programs refuse"""
    os.environ['TENON_QEMU_VERSION'] = '7.2'
    try:
        with qmp.Vm(machine='q35') as vm:
            version = vm.cmd('query-version')['qemu']
            machines = {m['name']: m for m in vm.cmd('query-machines')}
        ok('TENON_QEMU_VERSION=9: it is 7.2 or 10.0' in refused('9'), 'another version')
    finally:
        del os.environ['TENON_QEMU_VERSION']
    eq((version['major'], version['minor']), (7, 2))
    eq((machines['pc-q35-7.2']['alias'], machines['pc-q35-7.0']['deprecated']), ('q35', False))
    ok('pc-q35-8.0' not in machines, 'later ones')
    eq({k for m in machines.values() for k in m} - IN_7_2, set())


if __name__ == '__main__':
    qmp.main()
