#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Objects by path, types, and objects that come and go: qom-*, device-list-properties, object-add, query-pci, info q*."""
import qmp
from qmp import QEMU, eq, ok, test

PORTS = '-device pcie-root-port,id=rp,chassis=1 -device virtio-rng-pci,id=r0,bus=rp -device virtio-net-pci,id=n0,addr=5'


def machine(more=''):
    return qmp.Vm(f'{PORTS} {more}', machine='q35')


def types_of(vm, path):
    return {p['name']: p['type'] for p in vm.cmd('qom-list', path=path)}


# ---- paths ----

@test
def places():
    """the root has machine, objects and chardevs; the machine has what was made, by name and without"""
    with machine('-object rng-builtin,id=o1') as vm:
        root = types_of(vm, '/')
        eq({k: root.get(k) for k in ('type', 'objects', 'chardevs')},
           {'type': 'string', 'objects': 'child<container>', 'chardevs': 'child<container>'})
        ok(root['machine'].endswith('-machine>'), root['machine'])
        for place in ('peripheral', 'peripheral-anon', 'unattached'):
            eq(types_of(vm, '/machine')[place], 'child<container>', place)
        eq(types_of(vm, '/machine/peripheral'), {'type': 'string', 'rp': 'child<pcie-root-port>',
                                                 'r0': 'child<virtio-rng-pci>', 'n0': 'child<virtio-net-pci>'})
        eq(types_of(vm, '/objects')['o1'], 'child<rng-builtin>')


@test
def halves():
    """a composite has its device as virtio-backend, on virtio-bus, and the properties of both"""
    with machine() as vm:
        r0 = types_of(vm, '/machine/peripheral/r0')
        eq(r0['virtio-backend'], 'child<virtio-rng-device>')
        eq((r0['max-bytes'], r0['vectors'], r0['multifunction']), ('uint64', 'uint32', 'bool'))
        eq(types_of(vm, '/machine/peripheral/r0/virtio-backend')['rng'], 'link<rng-backend>')
        eq(vm.cmd('qom-get', path='/machine/peripheral/r0', property='virtio-backend'),
           '/machine/peripheral/r0/virtio-backend')


@test
def buses():
    """buses are children of who provides them, and link to who sits on them"""
    with machine() as vm:
        eq(types_of(vm, '/machine/peripheral/rp')['rp'], 'child<PCIE>')
        eq(types_of(vm, '/machine/peripheral/rp/rp')['child[0]'], 'link<virtio-rng-pci>')
        eq(vm.cmd('qom-get', path='/machine/peripheral/n0', property='parent_bus'), '/machine/q35/pcie.0')


@test
def ends_of_paths():
    """the end of a path is enough as long as it is one object's"""
    with machine() as vm:
        eq(vm.cmd('qom-get', path='r0/virtio-backend', property='type'), 'virtio-rng-device')
        eq(vm.cmd('qom-get', path='n0', property='type'), 'virtio-net-pci')
        eq(vm.error('qom-list', path='rp'), "Path 'rp' is ambiguous")
        for path in ('/nope', 'nope', 'n0/nope'):
            answer = vm.execute('qom-list', {'path': path})['error']
            eq(answer, {'class': 'DeviceNotFound', 'desc': f"Device '{path}' not found"})


# ---- values ----

@test
def values():
    """a value has its JSON type: numbers, switches, words, addresses, links, back ends by id"""
    with machine('-object memory-backend-ram,id=mm,size=1M') as vm:
        def get(path, name):
            return vm.cmd('qom-get', path=path, property=name)
        eq(get('n0', 'addr'), 0x28)
        eq(get('n0', 'legacy-addr'), '05.0')
        eq(get('n0', 'mac').count(':'), 5)
        eq(get('n0', 'netdev'), '')
        eq(get('n0', 'realized'), True)
        eq(get('/machine/peripheral/rp', 'x-speed'), '16')
        eq(get('mm', 'size'), 1 << 20)
        eq(vm.error('qom-get', path='n0', property='nope'), "Property 'virtio-net-pci.nope' not found")


@test
def sets():
    """what is realized keeps its properties; others say why not"""
    with machine() as vm:
        ok(vm.error('qom-set', path='n0', property='mac', value='52:54:00:00:00:01').startswith(
            "Attempt to set property 'mac' on "), 'mac')
        eq(vm.error('qom-set', path='n0', property='vectors', value=5),
           "Attempt to set property 'vectors' on device 'n0' (type 'virtio-net-pci') after it was realized")
        eq(vm.error('qom-set', path='n0', property='type', value='x'), "Property 'virtio-net-pci.type' is not writable")
        eq(vm.error('qom-set', path='n0', property='nope', value=1), "Property 'virtio-net-pci.nope' not found")
        eq(vm.error('qom-set', path='n0', property='realized', value=5),
           "Invalid parameter type for 'realized', expected: boolean")


@test
def walks():
    """every object of the machine can be listed, and every property of each asked for"""
    with machine() as vm:
        todo, seen = ['/'], 0
        while todo:
            path = todo.pop()
            for p in vm.cmd('qom-list', path=path):
                vm.execute('qom-get', {'path': path, 'property': p['name']})
                if p['type'].startswith('child<'):
                    todo.append(f'{path.rstrip("/")}/{p["name"]}')
            seen += 1
        ok(seen > 15, f'{seen} objects')


# ---- types ----

@test(tenon='its modules make it assert where they are another build\'s')
def types():
    """a type comes from its parent; implements= selects by ancestor, abstract= adds the bases"""
    with qmp.Vm() as vm:
        every = {t['name']: t for t in vm.cmd('qom-list-types', abstract=True)}
        plain = {t['name'] for t in vm.cmd('qom-list-types')}
        for name, t in every.items():
            eq(name in plain, not t.get('abstract', False), name)
        for base in ('object', 'device', 'sys-bus-device', 'pci-device', 'user-creatable'):
            for t in vm.cmd('qom-list-types', implements=base, abstract=True):
                at = t['name']
                while at != base and base != 'user-creatable':
                    at = every[at].get('parent')
                    ok(at, f'{t["name"]} does not come from {base}')
        ok({'virtio-rng-pci', 'edu'} <= {t['name'] for t in vm.cmd('qom-list-types', implements='device')}, 'devices')
        eq({t['name'] for t in vm.cmd('qom-list-types', implements='user-creatable')} >= {'rng-builtin', 'iothread'}, True)
        eq(vm.cmd('qom-list-types', implements='nope'), [])


@test
def properties():
    """the properties of a device's type, with defaults; of bases and strangers none"""
    with qmp.Vm() as vm:
        p = {x['name']: x for x in vm.cmd('device-list-properties', typename='virtio-rng-pci')}
        eq((p['period']['type'], p['period']['default-value']), ('uint32', 65536))
        eq((p['addr']['type'], p['multifunction']['default-value']), ('str', False))
        ok('realized' not in p, 'realized')
        eq(vm.error('device-list-properties', typename='device'),
           "Parameter 'typename' expects a non-abstract device type")
        eq(vm.error('device-list-properties', typename='rng-builtin'),
           "Parameter 'typename' expects a non-abstract device type")
        eq(vm.execute('device-list-properties', {'typename': 'nope'})['error'],
           {'class': 'DeviceNotFound', 'desc': "Device 'nope' not found"})
        eq(vm.error('qom-list-properties', typename='nope'), "Class 'nope' not found")
        ok({'type', 'filename'} <= {x['name'] for x in vm.cmd('qom-list-properties', typename='rng-random')}, 'rng-random')


@test(tenon='as above')
def every_type():
    """each type that is listed tells its properties"""
    with qmp.Vm() as vm:
        for t in vm.cmd('qom-list-types', implements='device'):
            if not t.get('abstract'):
                vm.cmd('device-list-properties', typename=t['name'])
        for t in vm.cmd('qom-list-types', abstract=True):
            vm.cmd('qom-list-properties', typename=t['name'])


# ---- object-add, object-del ----

def object_error(vm, **members):
    return vm.execute('object-add', {k.replace('_', '-'): v for k, v in members.items()})['error']['desc']


@test
def objects_come_and_go():
    """an object is there from object-add to object-del, but for as long as somebody uses it"""
    with machine() as vm:
        vm.cmd('object-add', **{'qom-type': 'rng-builtin', 'id': 'o'})
        eq(types_of(vm, '/objects')['o'], 'child<rng-builtin>')
        eq(object_error(vm, qom_type='rng-builtin', id='o'),
           "attempt to add duplicate property 'o' to object (type 'container')")
        vm.cmd('object-del', id='o')
        eq(vm.error('object-del', id='o'), "object 'o' not found")
        ok('o' not in types_of(vm, '/objects'), 'it is still there')


@test(tenon='a port with ACPI hot-plug is not asked for here')
def used_objects_stay():
    """an object that a device uses is not deleted"""
    with machine() as vm:
        vm.cmd('object-add', **{'qom-type': 'rng-builtin', 'id': 'o'})
        vm.cmd('device_add', driver='virtio-rng-pci', id='u', rng='o')
        eq(vm.error('object-del', id='o'), "object 'o' is in use, can not be deleted")
        eq(vm.cmd('qom-get', path='u', property='rng'), '/objects/o')


@test
def bad_objects():
    """what is missing, unknown or of another type is named, and nothing is made"""
    with machine() as vm:
        eq(object_error(vm, id='x'), "Parameter 'qom-type' is missing")
        eq(object_error(vm, qom_type='nope', id='x'), "Parameter 'qom-type' does not accept value 'nope'")
        eq(object_error(vm, qom_type='rng-builtin'), "Parameter 'id' is missing")
        eq(object_error(vm, qom_type='rng-builtin', id='1x'), "Parameter 'id' expects an identifier")
        eq(object_error(vm, qom_type='memory-backend-ram', id='x', size='1048576'), "Parameter 'size' expects uint64")
        eq(object_error(vm, qom_type='memory-backend-ram', id='x', size=1048576, nope=1), "Parameter 'nope' is unexpected")
        eq(object_error(vm, qom_type='memory-backend-ram', id='x', size=4096, share='on'),
           "Invalid parameter type for 'share', expected: boolean")
        eq(object_error(vm, qom_type='rng-random', id='x', filename=5),
           "Invalid parameter type for 'filename', expected: string")
        object_error(vm, qom_type='memory-backend-ram', id='x')
        object_error(vm, qom_type='rng-random', id='x', filename='/nope/nope')
        ok('x' not in types_of(vm, '/objects'), 'something was made')


# ---- lists of devices ----

@test
def pci():
    """query-pci: functions by bus, what is behind a bridge inside of it"""
    with machine() as vm:
        (root,) = vm.cmd('query-pci')
        at = {(d['slot'], d['function']): d for d in root['devices']}
        eq(at[5, 0]['qdev_id'], 'n0')
        eq(at[5, 0]['class_info'], {'class': 0x200, 'desc': 'Ethernet controller'})
        eq((at[5, 0]['id']['vendor'], at[5, 0]['id']['device']), (0x1af4, 0x1000))
        eq([r['address'] for r in at[5, 0]['regions']], [-1] * len(at[5, 0]['regions']))
        rp = next(d for d in root['devices'] if d['qdev_id'] == 'rp')
        eq(rp['pci_bridge']['bus']['secondary'], 0)
        vm.outl(0xcf8, 0x80000000 | rp['slot'] << 11 | 0x18)
        vm.outl(0xcfc, 0x010100)
        (root,) = vm.cmd('query-pci')
        rp = next(d for d in root['devices'] if d['qdev_id'] == 'rp')
        eq([(d['bus'], d['qdev_id']) for d in rp['pci_bridge']['devices']], [(1, 'r0')])
        text = vm.hmp('info pci')
        ok('  Bus  0, device   5, function 0:\n    Ethernet controller: PCI device 1af4:1000\n' in text, text)
        ok('  Bus  1, device   0, function 0:\n' in text, text)


@test
def trees():
    """info qtree and info qom-tree show the machine"""
    with machine() as vm:
        tree = vm.hmp('info qtree')
        ok('bus: pcie.0\n' in tree and 'dev: virtio-net-pci, id "n0"\n' in tree, tree)
        ok('addr = 05.0\n' in tree and 'multifunction = false\n' in tree, tree)
        ok('class Ethernet controller, addr 00:05.0, pci id 1af4:1000 (sub 1af4:0001)\n' in tree, tree)
        tree = vm.hmp('info qom-tree')
        ok(tree.startswith('/machine (') and '\n    /r0 (virtio-rng-pci)\n      /' in tree, tree)
        ok(vm.hmp('info qom-tree /machine/peripheral').startswith('/peripheral (container)\n  /n0 (virtio-net-pci)\n'),
           'below a path')
        eq(vm.hmp('qom-get n0 addr'), '40\n')
        ok('n0 (child<virtio-net-pci>)\n' in vm.hmp('qom-list /machine/peripheral'), 'qom-list')


@test
def help_texts():
    """device_add and object_add have the help of -device and -object"""
    with machine() as vm:
        text = vm.hmp('device_add virtio-rng-pci,help')
        ok(text.startswith('virtio-rng-pci options:\n') and '\n  max-bytes=<uint64> ' in text, text)
        text = vm.hmp('object_add rng-random,help')
        ok(text.startswith('rng-random options:\n  filename=<'), text)
        if not QEMU:
            ok('name "virtio-rng-pci"' in vm.hmp('device_add help'), 'device_add help')
            ok('rng-builtin' in vm.hmp('object_add help'), 'object_add help')


if __name__ == '__main__':
    qmp.main()
