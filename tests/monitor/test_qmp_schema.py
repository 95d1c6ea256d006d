# SPDX-License-Identifier: BSD-2-Clause
"""Every command of query-qmp-schema, called with arguments that the schema makes: good ones, and bad ones of each kind.

Good arguments are of the right types, and seldom of something that exists: the answer may be an error of the command's
own, but never one about types; a successful answer is of its type. After each round the program still answers.
"""
import os

import qmp
from qmp import eq, ok, test

LEAVES = {'quit'}  # ends the program
# What would make a file or a process, or lead away: only their mistakes are tried.
ONLY_BAD = LEAVES | {'memsave', 'pmemsave', 'dump-guest-memory', 'migrate', 'migrate-incoming', 'chardev-add', 'chardev-change',
                     'netdev_add', 'blockdev-add', 'trace-event-set-state', 'snapshot-save', 'screendump', 'x-query-virtio',
                     'xen-save-devices-state', 'nbd-server-start', 'migrate-recover', 'x-trace-file', 'topology',
                     'x-dump-topology', 'object-add', 'add_client', 'chardev-remove'}


class Made:
    """Values that the schema allows: with what must be there, or with every member that may be."""

    def __init__(self, schema, whole=False):
        self.schema, self.whole = schema, whole

    def value(self, name, depth=0):
        t = self.schema.by_name[name]
        return getattr(self, '_' + t['meta-type'])(t, depth)

    def _builtin(self, t, depth):
        return {'string': 'x-none', 'boolean': False, 'int': 1, 'number': 1.5, 'null': None, 'value': 1, 'object': {},
                'array': []}[t['json-type']]

    def _enum(self, t, depth):
        return t['members'][0]['name']

    def _array(self, t, depth):
        return [self.value(t['element-type'], depth + 1)] if depth < 6 else []

    def _object(self, t, depth):
        made = {m['name']: self.value(m['type'], depth + 1) for m in t['members']
                if 'default' not in m or (self.whole and depth < 4)}
        for v in t.get('variants', []):
            if v['case'] == made.get(t['tag']):
                made.update(self._object(self.schema.by_name[v['type']], depth))
        return made

    def _alternate(self, t, depth):
        return self.value(t['members'][0]['type'], depth + 1)

    def wrong(self, name):
        """A value of a kind that the type does not take; None: it takes every kind."""
        t = self.schema.by_name[name]
        if t['meta-type'] == 'builtin':
            return {'string': 17, 'boolean': 'yes', 'int': 'one', 'number': 'one', 'null': 1}.get(t['json-type'])
        if t['meta-type'] == 'alternate':
            kinds = {self.schema.json_kind(m['type']) for m in t['members']}
            return next((v for v in ('x', [], 17, {}, False) if type(v) not in kinds and
                         not (type(v) is int and float in kinds)), None)
        return {'enum': 17, 'array': {}, 'object': []}[t['meta-type']]


def about_types(desc):
    return any(s in desc for s in ('Invalid parameter type', 'is unexpected', 'is missing', 'does not accept value',
                                   'has not been found', 'is in no table'))


def alive(vm):
    eq(vm.qmp.execute('query-name', id='alive').get('id'), 'alive')


def machine():
    return qmp.Vm('-device virtio-rng-pci,id=r -object iothread,id=io -chardev null,id=nul', machine='q35')


def each_command(vm, whole=False):
    schema = vm.qmp.get_schema()
    for c in schema.of('command'):
        if c['name'] == 'qmp_capabilities':
            continue
        yield c, schema.by_name[c['arg-type']], Made(schema, whole)


@test
def answers_good_arguments():
    """with arguments of the right types a command answers by its type, or by an error of its own"""
    answers(whole=False)


@test
def answers_all_arguments():
    """the same with every argument that a command knows"""
    answers(whole=True)


def answers(whole):
    with machine() as vm:
        for c, args, made in each_command(vm, whole):
            if c['name'] in ONLY_BAD:
                continue
            answer = vm.qmp.execute(c['name'], made.value(args['name']), id=c['name'])
            eq(answer.get('id'), c['name'])
            if 'return' in answer:
                vm.qmp.check_answer(c['name'], answer['return'])
            else:
                desc = answer['error']['desc']
                ok(desc and not ('Invalid parameter type' in desc or 'is in no table' in desc or 'is unexpected' in desc),
                   f'{c["name"]} {made.value(args["name"])}: {desc}')
        alive(vm)


@test
def names_missing_arguments():
    """each argument that must be there is named when it is not"""
    with machine() as vm:
        for c, args, made in each_command(vm):
            for m in args.get('members', []):
                if 'default' in m or c['name'] in ('object-add', 'chardev-add') and m['name'] != 'id':
                    continue
                given = made.value(args['name'])
                del given[m['name']]
                desc = vm.qmp.execute(c['name'], given)['error']['desc']
                eq(desc, f"Parameter '{m['name']}' is missing", c['name'])
        alive(vm)


@test
def names_wrong_types():
    """each argument of a wrong type is named, with the type that is expected"""
    with machine() as vm:
        for c, args, made in each_command(vm):
            for m in args.get('members', []):
                wrong = made.wrong(m['type'])
                if wrong is None:
                    continue
                answer = vm.qmp.execute(c['name'], {**made.value(args['name']), m['name']: wrong})
                ok('error' in answer, f'{c["name"]} takes {m["name"]}={wrong!r}')
                desc = answer['error']['desc']
                ok(f"'{m['name']}'" in desc and ('Invalid parameter type' in desc or 'expects' in desc),
                   f'{c["name"]} with {m["name"]}={wrong!r}: {desc}')
        alive(vm)


@test
def names_wrong_words():
    """a word that an enumeration has not is named"""
    with machine() as vm:
        for c, args, made in each_command(vm):
            for m in args.get('members', []):
                if vm.qmp.schema.by_name[m['type']]['meta-type'] != 'enum':
                    continue
                desc = vm.qmp.execute(c['name'], {**made.value(args['name']), m['name']: 'no-such-word'})['error']['desc']
                eq(desc, f"Parameter '{m['name']}' does not accept value 'no-such-word'", c['name'])
        alive(vm)


@test
def names_unexpected_arguments():
    """what no command has is refused by all but those that take anything"""
    free = {'device_add', 'netdev_add', 'object-add', 'blockdev-add', 'blockdev-reopen', 'chardev-add'}
    with machine() as vm:
        for c, args, made in each_command(vm):
            if c['name'] in free:
                continue
            answer = vm.qmp.execute(c['name'], {**made.value(args['name']), 'x-surprise': 1})
            eq(answer.get('error', {}).get('desc'), "Parameter 'x-surprise' is unexpected", c['name'])
        alive(vm)


@test
def schema_is_whole():
    """every type that is mentioned is described, once; query-commands lists the commands of the schema"""
    with machine() as vm:
        schema = vm.qmp.get_schema()
        mentioned = set()
        for e in schema.entries:
            mentioned |= {e[k] for k in ('arg-type', 'ret-type', 'element-type') if k in e}
            if e['meta-type'] in ('object', 'alternate'):
                mentioned |= {m['type'] for m in e['members']} | {v['type'] for v in e.get('variants', [])}
        names = {e['name'] for e in schema.entries}
        eq(mentioned - names, set())
        eq({c['name'] for c in vm.cmd('query-commands')}, {c['name'] for c in schema.of('command')})
        for e in schema.of('object'):
            if 'tag' in e:
                tag = schema.by_name[next(m['type'] for m in e['members'] if m['name'] == e['tag'])]
                eq({v['case'] for v in e['variants']}, {m['name'] for m in tag['members']}, e['name'])


@test
def names_are_qemus():
    """no command or event but those of QEMU 10.0, and a few that begin with x-"""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'qemu-10.0-names.txt')
    with open(path) as f:
        known = set(f.read().split())
    with machine() as vm:
        mine = {e['name'] for e in vm.qmp.get_schema().entries if e['meta-type'] in ('command', 'event')}
        eq({n for n in mine - known if not n.startswith('x-')}, set())


if __name__ == '__main__':
    qmp.main()
