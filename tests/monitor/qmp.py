# SPDX-License-Identifier: BSD-2-Clause
"""A QMP client, and machines to talk to: for all tests of the monitor.

    import qmp
    from qmp import eq, test

    @test
    def stops():
        '''stop: the machine is paused, and says so'''
        with qmp.Vm('-S') as vm:
            vm.cmd('cont')
            vm.cmd('stop')
            vm.event('STOP')
            eq(vm.cmd('query-status')['status'], 'paused')
            eq(vm.error('stop', x=1), "Parameter 'x' is unexpected")

    if __name__ == '__main__':
        qmp.main()

Every answer and every event is held against query-qmp-schema of the program itself. TENON=PATH is the program; VMM=qemu
and QEMU=PATH run the same tests against QEMU, as tests/qtest/qtest.py says, on whose machines these are built: outb(),
read(), clock_step() and the like work here, too.
"""
import array
import json
import os
import re
import select
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'qtest'))
import qtest  # noqa: E402
from qtest import QEMU, TIMEOUT, Failure, Skip, eq, main, ok, test  # noqa: E402, F401


class QmpError(Exception):
    """A command was answered by an error: .cls and .desc."""

    def __init__(self, name, error):
        super().__init__(f'{name}: {error["desc"]}')
        self.cls, self.desc = error['class'], error['desc']


# ---- the schema ----

class Schema:
    """What query-qmp-schema says."""

    def __init__(self, entries):
        self.entries = entries
        self.by_name = {e['name']: e for e in entries}
        eq(len(self.by_name), len(entries), 'names in the schema')

    def of(self, meta):
        return [e for e in self.entries if e['meta-type'] == meta]

    def members(self, name):
        return self.by_name[name].get('members', [])

    def check(self, name, value, where):
        """Fails unless value is of the type; where is for the text."""
        getattr(self, '_' + self.by_name[name]['meta-type'])(self.by_name[name], value, where)

    def _builtin(self, t, value, where):
        kinds = {'string': str, 'boolean': bool, 'int': int, 'number': (int, float), 'null': type(None),
                 'object': dict, 'array': list, 'value': object}
        kind = t['json-type']
        good = isinstance(value, kinds[kind]) and not (kind in ('int', 'number') and isinstance(value, bool))
        ok(good, f'{where} is {value!r}, not {kind}')

    def _enum(self, t, value, where):
        ok(value in [m['name'] for m in t['members']], f'{where} is {value!r}, which is not of {t["name"]}')

    def _array(self, t, value, where):
        ok(isinstance(value, list), f'{where} is {value!r}, not a list')
        for i, v in enumerate(value):
            self.check(t['element-type'], v, f'{where}[{i}]')

    def _object(self, t, value, where):
        ok(isinstance(value, dict), f'{where} is {value!r}, not an object')
        members = self.members_of_value(t, value)
        for m in members:
            if m['name'] in value:
                self.check(m['type'], value[m['name']], f'{where}.{m["name"]}')
            else:
                ok('default' in m, f'{where}.{m["name"]} is missing')
        extra = set(value) - {m['name'] for m in members}
        ok(not extra, f'{where} has {sorted(extra)}, which {t["name"]} has not')

    def members_of_value(self, t, value):
        more = [v['type'] for v in t.get('variants', []) if v['case'] == value.get(t['tag'])]
        return t['members'] + [m for name in more for m in self.members(name)]

    def _alternate(self, t, value, where):
        for m in t['members']:
            if self.json_kind(m['type']) == type(value):
                return self.check(m['type'], value, where)
        raise Failure(f'{where} is {value!r}, which is none of {t["name"]}')

    def json_kind(self, name):
        t = self.by_name[name]
        if t['meta-type'] == 'builtin':
            return {'string': str, 'boolean': bool, 'int': int, 'number': float, 'null': type(None)}[t['json-type']]
        return {'enum': str, 'object': dict, 'array': list}[t['meta-type']]


# ---- a session ----

class Qmp:
    """One client. negotiate=False: the greeting is read, and nothing said. oob=True asks for it."""

    schema = None  # of the program: the same for all its sessions

    def __init__(self, sock, negotiate=True, oob=False):
        self.sock, self.data, self.events, self.answers = sock, b'', [], []
        sock.settimeout(TIMEOUT)
        self.greeting = self.read()
        ok('QMP' in self.greeting, f'the greeting is {str(self.greeting)[:200]}')
        if negotiate:
            self.cmd('qmp_capabilities', **({'enable': ['oob']} if oob else {}))

    def send(self, what, fds=()):
        """A request as a dict, or raw bytes; descriptors go along."""
        raw = what if isinstance(what, bytes) else json.dumps(what).encode() + b'\n'
        ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', fds))] if fds else []
        if ancillary:
            raw = raw[self.sock.sendmsg([raw], ancillary):]
        self.sock.sendall(raw)

    def read(self, timeout=TIMEOUT):
        """The next message, an event or not."""
        end = time.monotonic() + timeout
        while b'\n' not in self.data:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.sock], [], [], left)[0]:
                raise Failure('the monitor says nothing')
            part = self.sock.recv(1 << 20)
            if not part:
                raise Failure('the monitor is closed')
            self.data += part
        line, self.data = self.data.split(b'\n', 1)
        return json.loads(line)

    def reply(self, timeout=TIMEOUT):
        """The next answer; events before it are kept."""
        while True:
            message = self.read(timeout)
            if 'event' not in message:
                return message
            self.check_event(message)
            self.events.append(message)

    def execute(self, name, arguments=None, fds=(), **more):
        """Sends a command and returns its whole answer: {'return': ...} or {'error': ...}."""
        request = {'execute': name, **more}
        if arguments is not None:
            request['arguments'] = arguments
        self.send(request, fds)
        return self.reply()

    def cmd(self, name, /, fds=(), **arguments):
        """Runs a command; returns its answer or raises QmpError. Python's _ is QMP's -: cmd('x', poll_max=1); what has
        a _ in QMP is given as cmd('x', **{'a_b': 1}) if no member a-b exists in the schema."""
        if name != 'qmp_capabilities':
            self.get_schema()  # now: there may be no later
        answer = self.execute(name, self.spell(name, arguments), fds)
        if 'error' in answer:
            raise QmpError(name, answer['error'])
        self.check_answer(name, answer['return'])
        return answer['return']

    def error(self, name, /, **arguments):
        """Runs a command that must fail; returns its text."""
        try:
            answer = self.cmd(name, **arguments)
        except QmpError as e:
            return e.desc
        raise Failure(f'{name} is answered by {answer!r}, not by an error')

    def hmp(self, line, cpu=None):
        """Runs a line as a person's monitor would; returns what it prints."""
        extra = {} if cpu is None else {'cpu-index': cpu}
        return self.cmd('human-monitor-command', **{'command-line': line}, **extra).replace('\r\n', '\n')

    def event(self, name, timeout=TIMEOUT, **data):
        """Waits for an event whose data has these members, and takes it and those before it away; returns its data."""
        while True:
            if self.events:
                e = self.events.pop(0)
            else:
                e = self.read(timeout)
                ok('event' in e, f'an answer comes instead of {name}: {e!r}')
                self.check_event(e)
            got = e.get('data', {})
            if e['event'] == name and all(got.get(k.replace('_', '-'), got.get(k)) == v for k, v in data.items()):
                return got

    def quiet(self, seconds=0.2):
        """The names of events that come within this time, and those that were kept."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.data.count(b'\n') or select.select([self.sock], [], [], max(0, end - time.monotonic()))[0]:
                self.events.append(self.read())
        names = [e['event'] for e in self.events]
        self.events = []
        return names

    def close(self):
        self.sock.close()

    # what the schema says

    def get_schema(self):
        if self.schema is None:
            answer = self.execute('query-qmp-schema')
            if 'return' in answer:
                self.schema = Schema(answer['return'])
        return self.schema

    def spell(self, name, arguments):
        if not any('_' in k for k in arguments) or not self.get_schema():
            return arguments
        entry = self.schema.by_name.get(name)
        known = {m['name'] for m in self.schema.members(entry['arg-type'])} if entry else set()
        return {k if k in known or k.replace('_', '-') not in known else k.replace('_', '-'): v
                for k, v in arguments.items()}

    def check_answer(self, name, value):
        if name != 'qmp_capabilities' and self.schema:
            entry = self.schema.by_name.get(name)
            ok(entry and entry['meta-type'] == 'command', f'{name} is not in the schema')
            self.schema.check(entry['ret-type'], value, name)

    def check_event(self, e):
        ok(isinstance(e['timestamp']['seconds'], int), f'{e!r} has no time')
        if self.schema:
            ok(e['event'] in self.schema.by_name, f'{e["event"]} is not in the schema')
            self.schema.check(self.schema.by_name[e['event']]['arg-type'], e.get('data', {}), e['event'])


# ---- a machine ----

class Vm(qtest.Machine):
    """A running program with one session, .qmp, whose methods cmd, error, hmp, event and execute are here too. session()
    makes more. accel='kvm' runs a guest; else ports, memory and the clock are driven as in qtest.Machine."""
    count = 0

    def __init__(self, args='', machine='none', accel='qtest', negotiate=True, program=None, env=None):
        Vm.count += 1
        folder = qtest.Setup.get().folder
        self.path = os.path.join(folder, f'm{Vm.count}')
        self.lines, self.edges, self.monitor, self.text = {}, [], None, None
        self.qtest = qtest.Listener() if accel == 'qtest' else None
        words = qtest.command_line(args, machine)
        if accel != 'qtest':
            at = words.index('-accel')
            words[at + 1] = accel
        else:
            words += ['-qtest', f'unix:{self.qtest.path}', '-qtest-log', '/dev/null']
        if program:
            words[:len(qtest.PROGRAM)] = program
        words += ['-qmp', f'unix:{self.path},server=on,wait=off']
        # What it prints (the name of a pseudo-terminal) is no line of the test's.
        self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                        text=True, env=env)
        try:
            if self.qtest:
                self.text = qtest.Lines(self.connect(self.qtest))
            self.qmp = self.session(negotiate=negotiate)
        except BaseException:
            self.process.kill()
            raise

    def session(self, path=None, kind=Qmp, **how):
        """One more client; only one at a time has a socket. kind(socket, **how) is what it becomes."""
        s = socket.socket(socket.AF_UNIX)
        end = time.monotonic() + TIMEOUT
        while True:
            try:
                s.connect(path or self.path)
                break
            except OSError:
                if self.process.poll() is not None:
                    self.refused(self.process.stderr.read().strip())
                if time.monotonic() > end:
                    raise Failure(f'{path or self.path} cannot be connected to') from None
                time.sleep(0.01)
        return kind(s, **how)

    def reconnect(self, **how):
        """Leaves, and comes back."""
        self.qmp.close()
        schema = self.qmp.schema
        self.qmp = self.session(**how)
        self.qmp.schema = schema
        return self.qmp

    def cmd(self, name, /, **arguments):
        return self.qmp.cmd(name, **arguments)

    def error(self, name, /, **arguments):
        return self.qmp.error(name, **arguments)

    def hmp(self, line, cpu=None):
        return self.qmp.hmp(line, cpu)

    def event(self, name, timeout=TIMEOUT, **data):
        return self.qmp.event(name, timeout, **data)

    def execute(self, name, arguments=None, **more):
        return self.qmp.execute(name, arguments, **more)

    def end(self):
        status = super().end()
        self.qmp.close()
        return status


def sanitized(pid):
    """Is it a build with a sanitizer: gcc's runtime is libasan.so, clang's libclang_rt.asan-x86_64.so."""
    with open(f'/proc/{pid}/maps') as f:
        return re.search(r'(?:lib|rt\.)[atu]b?san[-.]', f.read()) is not None


def refuses(args, machine='none'):
    """Starts what must not start; returns its message."""
    return qtest.refuses(args, machine)
