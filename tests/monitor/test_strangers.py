#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Back ends of other people's plugins, as clients see them: their names are in the schema and taken, their members theirs."""
import os

import qmp
from qmp import eq, ok, test


def machine(plugin=True):
    path = os.environ.get('NETDEV_PING')
    if not path:
        raise qmp.qtest.Skip('NETDEV_PING=PATH is not set')
    return qmp.Vm(f'-plugin {path}' if plugin else '', machine='q35')


def entries(vm):
    return {e['name']: e for e in vm.cmd('query-qmp-schema')}


@test
def schema():
    """query-qmp-schema has its name among those of networks while the plugin is there"""
    for there in (True, False):
        with machine(there) as vm:
            found = entries(vm)
            eq('ping' in found['NetClientDriver']['values'], there, 'the name')
            eq('ping' in [v['case'] for v in found['Netdev']['variants']], there, 'the case')


@test
def objects():
    """object-add's qom-type is one of what can be made"""
    with machine() as vm:
        found = entries(vm)
        ok({'iothread', 'memory-backend-ram', 'throttle-group'} <= set(found['ObjectType']['values']), 'ObjectType')
        eq(vm.error('object-add', **{'qom-type': 'nosuch', 'id': 'x'}), "Parameter 'qom-type' does not accept value 'nosuch'")


@test
def members():
    """netdev_add takes its members, and refuses what is none of them"""
    with machine() as vm:
        eq(vm.error('netdev_add', type='ping', id='p', nosuch='1'), "Invalid parameter 'nosuch'")
        vm.cmd('netdev_add', type='ping', id='p', address='10.0.0.1')
        vm.cmd('device_add', driver='virtio-net-pci', id='n', netdev='p')
        eq(vm.cmd('query-rx-filter', name='n')[0]['name'], 'n')
    with machine(False) as vm:
        eq(vm.error('netdev_add', type='ping', id='p'), "Parameter 'type' does not accept value 'ping'")


if __name__ == '__main__':
    qmp.main()
