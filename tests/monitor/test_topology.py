#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""x-tenon-topology, info topology, -dump-topology and info mtree: the machine as data, as a picture and as a list."""
import os
import re
import shutil
import subprocess
import tempfile
import xml.dom.minidom

import qmp
from qmp import Skip, eq, ok, test

MACHINE = ('-m 64 -nodefaults -chardev null,id=c0 -device isa-serial,chardev=c0,id=s0 -device edu,id=e0 '
           '-device pcie-root-port,id=rp0,chassis=1 -blockdev null-co,node-name=n0 '
           '-device virtio-blk-pci,drive=n0,bus=rp0,id=v0')
BAR = 0xe0000000
EDU = 0x80000000 | 1 << 11  # 00:01.0, through the configuration ports
RANGE = re.compile(r'^ +([0-9a-f]{16})-([0-9a-f]{16}) \(prio 0, (\S+)\): (\S+)(?: @([0-9a-f]{16}))?(.*)$')


def vm():
    return qmp.Vm(MACHINE, machine='q35')


def by(key, items):
    return {i[key]: i for i in items if key in i}


def configure(m, offset, value):
    m.outl(0xcf8, EDU | offset)
    m.outl(0xcfc, value)


def place_bar(m):
    configure(m, 0x10, BAR)
    configure(m, 4, 2)


def ranges(text):
    found = [RANGE.match(line) for line in text.splitlines()]
    return [(int(r[1], 16), int(r[2], 16), r[3], r[4], r[6].strip()) for r in found if r]


def dump(name, *more, path=None):
    """Runs -dump-topology into a file of this name; (status, what it says, bytes or None)."""
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, name)
        run = subprocess.run([os.environ['TENON'], '-M', 'q35', '-accel', 'qtest', *MACHINE.split(), *more,
                              '-dump-topology', file], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                             timeout=qmp.TIMEOUT, env=dict(os.environ, **({'PATH': path} if path else {})))
        left = os.listdir(folder)
        if name not in left:
            eq(left, [], 'files that are left')
            return run.returncode, run.stderr, None
        eq(left, [name], 'files')
        with open(file, 'rb') as f:
            return run.returncode, run.stderr, f.read()


# ---- the data ----

@test
def devices():
    """x-tenon-topology: every instance with its place: parent, bus, address"""
    with vm() as m:
        t = m.cmd('x-tenon-topology')
        eq((t['machine'], t['accelerator']), ('q35', 'qtest'))
        ids = by('id', t['devices'])
        eq((ids['e0']['type'], ids['e0']['bus'], ids['e0']['address'], ids['e0']['kind']), ('edu', 'pcie.0', '01.0', 'device'))
        eq((ids['v0']['bus'], ids['c0']['kind']), ('rp0', 'chardev'))
        inner = [d for d in t['devices'] if d.get('parent') == ids['v0']['path']]
        eq([d['type'] for d in inner], ['virtio-blk'])
        paths = [d['path'] for d in t['devices']]
        eq(len(paths), len(set(paths)), 'different paths')
        ok(all(d['realized'] for d in t['devices']), 'everything is realized')


@test
def references():
    """x-tenon-topology: what a property names is an instance, and a bus's owner too"""
    with vm() as m:
        t = m.cmd('x-tenon-topology')
        paths = by('path', t['devices'])
        links = [(d['type'], x['property'], paths[x['target']]['type']) for d in t['devices'] for x in d['links']]
        ok(('isa-serial', 'chardev', 'null') in links, f'{links}')
        ok(('virtio-blk', 'drive', 'null-co') in links, f'{links}')
        names = by('name', t['buses'])
        eq(paths[names['rp0']['owner']]['id'], 'rp0')
        ok(all(d['bus'] in names for d in t['devices'] if 'bus' in d), 'every bus is listed')


@test
def lines():
    """x-tenon-topology: interrupt lines with who drives them, whose pin they end at, and their level"""
    with vm() as m:
        t = m.cmd('x-tenon-topology')
        paths = by('path', t['devices'])
        serial = [x for x in t['lines'] if x.get('user', '').endswith('/s0')]
        eq([(x['gsi'], x['trigger'], x['asserted'], paths[x['controller']]['type']) for x in serial],
           [(4, 'edge', False, 'ioapic')])
        m.outb(0x3fc, 8)  # OUT2 lets the interrupt out (16550, MCR)
        m.outb(0x3f9, 2)  # THR empty (IER)
        asserted = [x['gsi'] for x in m.cmd('x-tenon-topology')['lines'] if x['asserted']]
        eq(asserted, [4])


@test
def address_maps():
    """x-tenon-topology: address maps in order, nothing twice; a BAR comes when the guest places it"""
    with vm() as m:
        def memory():
            return by('name', m.cmd('x-tenon-topology')['address-spaces'])['memory']['ranges']
        before = memory()
        ram = [(r['first'], r['last']) for r in before if r['type'] == 'ram']
        eq((ram[0], ram[-1][1]), ((0, 0xbffff), (64 << 20) - 1))  # PAM shows no RAM above that yet
        place_bar(m)
        after = memory()
        ok(all(a['last'] < b['first'] for a, b in zip(after, after[1:])), 'ranges do not overlap')
        new = [r for r in after if r not in before]
        eq([(r['first'], r['last'], r['type'], r['owner']) for r in new],
           [(BAR, BAR + 0xfffff, 'io', '/machine/peripheral/e0')])


@test
def follows_changes():
    """x-tenon-topology: an object that goes is gone from it"""
    with vm() as m:
        m.cmd('object-add', **{'qom-type': 'rng-builtin', 'id': 'r0'})
        ok('r0' in by('id', m.cmd('x-tenon-topology')['devices']), 'r0 is there')
        m.cmd('object-del', id='r0')
        ok('r0' not in by('id', m.cmd('x-tenon-topology')['devices']), 'r0 is gone')


@test
def arguments():
    """x-tenon-topology: takes none; info topology: likewise"""
    with vm() as m:
        eq(m.error('x-tenon-topology', x=1), "Parameter 'x' is unexpected")
        ok('extraneous characters' in m.hmp('info topology x'), 'refused')


# ---- the picture ----

@test
def graph():
    """info topology: a graph with a node for each instance and bus"""
    with vm() as m:
        t, text = m.cmd('x-tenon-topology'), m.hmp('info topology')
        ok(text.startswith('digraph machine {') and text.rstrip().endswith('}'), text[:40])
        for d in t['devices']:
            ok(f'  "{d["path"]}" [label=' in text, f'{d["path"]} is not drawn')
        for b in t['buses']:
            ok(f'  "bus {b["name"]}" [' in text, f'{b["name"]} is not drawn')


@test
def file_dot():
    """-dump-topology x.dot: the graph is written and the program ends, with status 0"""
    status, said, data = dump('x.dot')
    eq((status, said), (0, ''))
    ok(data.startswith(b'digraph machine {'), data[:40])


@test
def file_svg():
    """-dump-topology x.svg: laid out by dot; every device is in the drawing"""
    if not shutil.which('dot'):
        raise Skip("Graphviz' dot is not installed")
    status, said, data = dump('x.svg')
    eq((status, said), (0, ''))
    titles = [t.firstChild.data for t in xml.dom.minidom.parseString(data).getElementsByTagName('title')]
    ok('/machine/peripheral/e0' in titles and 'bus pcie.0' in titles, f'{titles}')


@test
def no_dot():
    """-dump-topology x.svg without Graphviz: one line that says what to do, status 1, no file"""
    status, said, data = dump('x.svg', path='/nonexistent')
    eq((status, data), (1, None))
    ok(said.count('\n') == 1 and "Graphviz' 'dot' is not installed; write a .dot file" in said, said)


@test
def bad_names():
    """-dump-topology: names without a format, and folders that are not there, are refused"""
    for name, why in (('x', 'must end in .dot'), ('x.b@d', 'must end in .dot'), ('no/x.dot', 'No such file')):
        status, said, data = dump(name)
        eq((status, data), (1, None))
        ok(why in said, said)


@test
def names_are_text():
    """A name with the characters of the graph's language in it stays text"""
    if not shutil.which('dot'):
        raise Skip("Graphviz' dot is not installed")
    status, said, data = dump('x.svg', '-blockdev', 'null-co,node-name=a', '-fw_cfg', 'name=opt/x,string=y',
                              '-object', 'memory-backend-ram,id=m-1.2_3,size=1M')
    eq((status, said), (0, ''))
    texts = [t.firstChild.data for t in xml.dom.minidom.parseString(data).getElementsByTagName('text')]
    ok('m-1.2_3' in texts, f'{texts}')


# ---- info mtree ----

@test
def mtree_flat():
    """info mtree -f: what answers, in order, nothing twice"""
    with vm() as m:
        place_bar(m)
        memory, io = m.hmp('info mtree -f').split('FlatView #1')
        ok(memory.startswith('FlatView #0\n AS "memory", root: system\n Root memory region: system\n'), memory[:80])
        ok(' AS "I/O", root: io\n' in io, io[:80])
        for part in memory, io:
            r = ranges(part)
            ok(r and all(a[1] < b[0] for a, b in zip(r, r[1:])), f'{r}')
        ok(any(r[:3] == (BAR, BAR + 0xfffff, 'i/o') for r in ranges(memory)), memory)
        ok(any(r[:2] == (0x3f8, 0x3ff) for r in ranges(io)), io)


@test
def mtree_owner():
    """info mtree -f -o: whose each range is, by id or by path"""
    with vm() as m:
        place_bar(m)
        owners = {r[0]: r[4] for r in ranges(m.hmp('info mtree -f -o'))}
        eq(owners[BAR], 'owner:{dev id=e0}')
        eq(owners[0x3f8], 'owner:{dev id=s0}')
        ok(owners[0xfec00000].startswith('owner:{dev path=/machine/'), owners[0xfec00000])


@test
def mtree_disabled():
    """info mtree: what does not answer shows only with -D"""
    with vm() as m:
        ok('[disabled]' not in m.hmp('info mtree'), 'nothing is shown as disabled')
        ok('[disabled]' in m.hmp('info mtree -D'), 'a BAR that is not placed is')
        count = len(ranges(m.hmp('info mtree')))
        place_bar(m)
        eq(len(ranges(m.hmp('info mtree'))), count + 1)


@test
def mtree_dispatch():
    """info mtree -f -d: the sorted view in which accesses are looked up"""
    with vm() as m:
        text = m.hmp('info mtree -f -d')
        ok('  Dispatch\n    #0 ' in text, text[:200])


@test
def mtree_arguments():
    """info mtree: an option that it has not is refused"""
    with vm() as m:
        ok('unsupported option -z' in m.hmp('info mtree -z'), m.hmp('info mtree -z'))


if __name__ == '__main__':
    qmp.main()
