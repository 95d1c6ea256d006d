# SPDX-License-Identifier: BSD-2-Clause
"""What monitors say of migration: capabilities, parameters, how far it is; and snapshots at a terminal."""
import json
import os
import re
import subprocess
import time

import qmp
from migrig import RAM, check, fill, finished, in_state, pair, path
from qmp import eq, ok, test

# QEMU's lines, but for those that are there only if there was something
INFO = ['total time', 'downtime', 'setup', 'transferred ram', 'throughput', 'remaining ram', 'total ram', 'duplicate', 'normal',
        'normal bytes', 'dirty sync count', 'page size', 'multifd bytes', 'pages-per-second', 'precopy ram', 'downtime ram']


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
def how_far_it_is():
    '''query-migrate while it is under way: what is sent and left adds up, and when it is over the times do'''
    with pair(RAM) as p:
        p.source.write(0x400000, os.urandom(1 << 20))
        p.source.cmd('migrate-set-parameters', max_bandwidth=2 << 20)
        uri = f'unix:{path()}'
        p.await_(uri)
        p.source.cmd('migrate', uri=uri)
        seen = []
        while (info := p.source.cmd('query-migrate'))['status'] in ('setup', 'active'):
            if info['status'] == 'active':
                seen.append(info)
            time.sleep(0.01)
        ok(len(seen) > 3, 'it takes its time')
        ok(all('expected-downtime' in i and 'downtime' not in i for i in seen), 'the downtime is expected')
        sent = [i['ram']['transferred'] for i in seen]
        left = [i['ram']['remaining'] for i in seen]
        ok(sent == sorted(sent) and left == sorted(left, reverse=True), f'sent {sent}, left {left}')
        ok(any(0 < n < 32 << 20 for n in left), f'some of it is left: {left}')
        info = finished(p.source)
        ram = info['ram']
        eq(ram['transferred'], ram['precopy-bytes'] + ram['downtime-bytes'])
        eq(ram['page-size'], 4096)
        ok(ram['dirty-sync-count'] >= 2 and ram['mbps'] > 0 and ram['pages-per-second'] > 0, f'{ram}')
        ok(info['total-time'] >= info['setup-time'] + info['downtime'], f'{info}')


@test
def where_it_listens():
    '''socket-address of a target: the port that the kernel has chosen, the path'''
    with pair(RAM) as p:
        t = p.await_('tcp:127.0.0.1:0')
        at, = t.cmd('query-migrate')['socket-address']
        eq((at['type'], at['host'], at['ipv4']), ('inet', '127.0.0.1', True))
        p.source.cmd('migrate', uri=f'tcp:127.0.0.1:{at["port"]}')
        finished(p.source)
        in_state(t, 'running')
    name = path()
    with qmp.Vm(f'{RAM} -incoming unix:{name}', 'q35') as t:
        eq(t.cmd('query-migrate')['socket-address'], [{'type': 'unix', 'path': name}])


@test
def what_blocks_it():
    '''blocked-reasons: why it could not move now, before somebody tries'''
    image = path('image')
    with open(image, 'wb') as f:
        f.truncate(1 << 20)
    with qmp.Vm(f'{RAM} -drive file={image},format=raw,if=none,id=d,snapshot=on -device virtio-blk-pci,drive=d', 'q35') as vm:
        why, = vm.cmd('query-migrate')['blocked-reasons']
        eq(vm.error('migrate', uri='unix:/nowhere'), why)
        ok(vm.hmp('info migrate').startswith(f'Outgoing migration blocked:\n  {why}\n'), 'info migrate')
    with qmp.Vm(RAM, 'q35') as vm:
        eq(vm.cmd('query-migrate'), {})


@test
def a_terminal_that_waits_for_a_machine():
    '''-incoming at a terminal: a line that says how far it is, once it takes longer than a second, and is gone at the end'''
    keyboard, terminal = os.openpty()
    to_terminal = ['sh', '-c', f'exec "$0" "$@" 2> {os.ttyname(terminal)}', *qmp.qtest.PROGRAM]
    with pair(RAM) as p:
        p.source.write(0x400000, os.urandom(1 << 20))
        p.source.cmd('migrate-set-parameters', max_bandwidth=600 << 10)
        uri = f'unix:{path()}'
        p.await_(uri, program=to_terminal)
        p.source.cmd('migrate', uri=uri)
        finished(p.source)
        in_state(p.target, 'running')
        text = os.read(keyboard, 65536).decode()
    os.close(keyboard)
    os.close(terminal)
    shown = re.findall(r'\r\x1b\[Ktenon: receiving the machine: (\d+)%, (\d+) of 32 MiB', text)
    ok(shown and all(int(n) <= 32 for _, n in shown), f'{text!r}')
    ok(text.endswith('\r\x1b[K'), f'{text!r}')


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
        said = p.source.hmp('info migrate')
        ok(said.startswith('Migration status: completed\ntotal time: '), said)
        eq([line.split(':')[0] for line in said.splitlines()][1:], INFO)
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


if __name__ == '__main__':
    qmp.main()
