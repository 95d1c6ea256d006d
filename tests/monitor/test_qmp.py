# SPDX-License-Identifier: BSD-2-Clause
"""Sessions of QMP: greeting, capabilities, requests and their ids, the stream, events, clients that behave badly."""
import json
import os
import socket
import subprocess
import time

import qmp
from qmp import QEMU, Failure, eq, ok, test

NOT_FOUND = 'CommandNotFound'


def error_of(answer):
    return answer['error']['class'], answer['error']['desc']


# ---- negotiation ----

@test
def greets():
    """a client is greeted with the version of QEMU that is meant, and what it may ask for"""
    with qmp.Vm() as vm:
        hello = vm.qmp.greeting['QMP']
        eq((hello['version']['qemu']['major'], hello['version']['qemu']['minor']), (10, 0))
        eq(hello['capabilities'], ['oob'])
        eq(hello['version'], vm.cmd('query-version'))


@test
def negotiates_first():
    """until qmp_capabilities nothing else can be asked; afterwards it cannot"""
    with qmp.Vm(negotiate=False) as vm:
        for name in ('query-status', 'nope'):
            eq(error_of(vm.execute(name)),
               (NOT_FOUND, "Expecting capabilities negotiation with 'qmp_capabilities'"))
        eq(error_of(vm.execute('qmp_capabilities', {'enable': 'oob'}))[1],
           "Invalid parameter type for 'enable', expected: array")
        ok('error' in vm.execute('qmp_capabilities', {'enable': ['time-travel']}), 'an unknown capability is taken')
        eq(vm.execute('qmp_capabilities'), {'return': {}})
        eq(error_of(vm.execute('qmp_capabilities')),
           (NOT_FOUND, 'Capabilities negotiation is already complete, command ignored'))


@test
def oob_is_agreed_on():
    """exec-oob is for who has asked for it, and for commands that can"""
    with qmp.Vm() as vm:
        vm.qmp.send({'exec-oob': 'query-name', 'id': 1})
        eq(vm.qmp.reply(), {'id': 1, 'error': {'class': 'GenericError',
                                               'desc': "QMP input member 'exec-oob' is unexpected"}})
        q = vm.reconnect(oob=True)
        q.send({'exec-oob': 'query-name', 'id': 2})
        eq(q.reply()['error']['desc'], 'The command query-name does not support OOB')
        q.send({'exec-oob': 'nosuch', 'id': 3})
        eq(error_of(q.reply()), (NOT_FOUND, 'The command nosuch has not been found'))
        q.send({'exec-oob': 'query-name', 'execute': 'query-name'})
        eq(q.reply()['error']['class'], 'GenericError')


# ---- requests ----

@test
def echoes_ids():
    """an id of any kind comes back with the answer, good or bad"""
    with qmp.Vm() as vm:
        for i in (1, -3, 'x', None, True, [1, {'a': 'b'}], {'deep': [[]]}, 18446744073709551615, 'Grüße 🙂', ''):
            eq(vm.execute('query-name', id=i), {'return': {}, 'id': i})
            eq(vm.execute('no-such', id=i)['id'], i)


@test
def names_bad_members():
    """a request is an object with execute, arguments and id, and nothing else"""
    with qmp.Vm() as vm:
        for request, text in ((b'[1]', 'QMP input must be a JSON object'), (b'"x"', 'QMP input must be a JSON object'),
                              (b'12 ', 'QMP input must be a JSON object'), (b'null ', 'QMP input must be a JSON object'),
                              (b'{}', "QMP input lacks member 'execute'"),
                              (b'{"execute":1}', "QMP input member 'execute' must be a string"),
                              (b'{"foo":1}', "QMP input member 'foo' is unexpected"),
                              (b'{"execute":"query-name","foo":1}', "QMP input member 'foo' is unexpected"),
                              (b'{"execute":"query-name","arguments":1}',
                               "QMP input member 'arguments' must be an object")):
            vm.qmp.send(request)
            eq(error_of(vm.qmp.reply()), ('GenericError', text), f'answer to {request}')


@test
def names_bad_arguments():
    """arguments are held against the command's table, in QEMU's words"""
    with qmp.Vm() as vm:
        eq(vm.error('query-status', x=1), "Parameter 'x' is unexpected")
        eq(vm.error('watchdog-set-action'), "Parameter 'action' is missing")
        eq(vm.error('watchdog-set-action', action=1), "Invalid parameter type for 'action', expected: string")
        eq(vm.error('watchdog-set-action', action='sing'), "Parameter 'action' does not accept value 'sing'")
        eq(vm.error('set-action', reboot=None), "Invalid parameter type for 'reboot', expected: string")
        eq(vm.error('human-monitor-command', **{'command-line': 'info version', 'cpu-index': 1.5}),
           "Invalid parameter type for 'cpu-index', expected: integer")


@test
def unknown_commands():
    """CommandNotFound, and the name"""
    with qmp.Vm() as vm:
        eq(error_of(vm.execute('query-gic-capabilities')),
           (NOT_FOUND, 'The command query-gic-capabilities has not been found'))


# ---- the stream ----

@test
def requests_in_a_row():
    """many requests without a line's end between them are answered in order"""
    with qmp.Vm() as vm:
        vm.qmp.send(b''.join(json.dumps({'execute': 'query-name', 'id': i}).encode() for i in range(500)))
        eq([vm.qmp.reply()['id'] for _ in range(500)], list(range(500)))


@test
def requests_in_pieces():
    """a request may come byte by byte, with blanks anywhere between its tokens"""
    with qmp.Vm() as vm:
        for b in b' { "execute"\n:\t"query-name" ,\r\n "id" : [ 1 , -2.5e3 ] }\n':
            vm.qmp.send(bytes([b]))
        eq(vm.qmp.reply(), {'return': {}, 'id': [1, -2500.0]})


@test
def goes_on_after_errors():
    """what is no JSON is answered by one error, and the next request by its answer"""
    with qmp.Vm() as vm:
        for bad, text in ((b'{"execute" 1}', 'missing : in object pair'), (b'{"a":1,}', None), (b'[1 2]', None), (b'}', None),
                          (b']', None), (b':', None), (b'{"a":tru}', "invalid keyword 'tru'"), (b'{1:2}', None),
                          (b'{"a":1,"a":2}', 'duplicate key'), (b'{"a":"\\q"}', None), (b'%', "stray '%'"),
                          (b'\xff', None), (b'\x01', None), (b'\0', None), (b'{"a":"\xc3("}', None)):
            vm.qmp.send(bad + b'{"execute":"query-name","id":"next"}')
            answer = vm.qmp.reply()
            ok('JSON parse error' in answer['error']['desc'], f'{bad} is answered by {answer}')
            ok(text is None or text in answer['error']['desc'], f'{bad} is answered by {answer}')
            eq(vm.qmp.reply(), {'return': {}, 'id': 'next'}, f'answer after {bad}')


@test
def broken_strings_and_numbers():
    """a string that a control character cuts and a malformed number end what they stand in"""
    with qmp.Vm() as vm:
        for bad in (b'{"a":"b\nc"}', b'{"a":01}', b'{"a":1.}', b'{"a":-}', b'{"a":"b\xff"}'):
            vm.qmp.send(bad + b'{"execute":"query-name","id":"next"}')
            answers = [vm.qmp.reply()]
            while answers[-1].get('id') != 'next':
                answers.append(vm.qmp.reply())
            ok(all('error' in a for a in answers[:-1]) and 1 <= len(answers) - 1 <= 3, f'{bad}: {answers}')


@test
def resets_on_ff():
    """a byte 0xff ends whatever has begun: a client's way to a known state"""
    with qmp.Vm() as vm:
        vm.qmp.send(b'{"execute": ["\xff{"execute":"query-name","id":1}')
        ok('error' in vm.qmp.reply(), 'no error')
        eq(vm.qmp.reply(), {'return': {}, 'id': 1})


@test
def limits_depth():
    """nesting has an end"""
    with qmp.Vm() as vm:
        vm.qmp.send(b'{"execute":"query-name","id":' + b'[' * 40 + b']' * 40 + b'}')
        ok('return' in vm.qmp.reply(), 'depth 40 is refused')
        vm.qmp.send(b'[' * 5000 + b'\xff')
        eq(vm.qmp.reply()['error']['desc'], 'JSON nesting depth limit exceeded')
        vm.qmp.send({'execute': 'query-name', 'id': 'last'})
        while vm.qmp.reply().get('id') != 'last':
            pass


@test
def limits_size():
    """a huge message is answered by an error, and costs no other session anything"""
    with qmp.Vm() as vm:
        vm.qmp.send({'execute': 'query-name', 'id': 'a' * 1000000})
        eq(len(vm.qmp.reply()['id']), 1000000)
        piece = b'b' * (1 << 20)
        vm.qmp.send(b'{"execute":"')
        for _ in range(80 if QEMU else 20):
            vm.qmp.send(piece)
        vm.qmp.send(b'"}\xff')
        eq(vm.qmp.reply()['error']['desc'], 'JSON token size limit exceeded')
        vm.qmp.send({'execute': 'query-name', 'id': 'last'})
        while vm.qmp.reply().get('id') != 'last':
            pass


# ---- clients ----

@test
def comes_back():
    """a client that leaves takes its capabilities and its half a request with it"""
    with qmp.Vm() as vm:
        vm.qmp.send(b'{"execute":')
        q = vm.reconnect(negotiate=False)
        eq(q.execute('query-name')['error']['class'], NOT_FOUND)
        q.cmd('qmp_capabilities')
        eq(q.cmd('query-name'), {})


@test
def leaves_at_once():
    """what a client asked before it left is done"""
    with qmp.Vm() as vm:
        vm.qmp.send(b'{"execute":"stop"}{"execute":"query-status"}' + b'{"execute":"set-action","arguments":{"panic":"none"}}')
        for _ in range(100):
            if vm.reconnect().cmd('query-status')['status'] == 'paused':
                return
            time.sleep(0.01)
        raise Failure('the machine is not stopped')


@test
def end_of_file():
    """what was asked before the end of a file is answered: a shell's way"""
    words = qmp.qtest.command_line('-qmp stdio', 'none')
    asked = b''.join(b'{"execute":"%s"}' % name for name in (b'qmp_capabilities', b'query-qmp-schema', b'query-name', b'quit'))
    run = subprocess.run(words, input=asked, capture_output=True, timeout=qmp.TIMEOUT)
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    eq([list(line)[0] for line in lines], ['QMP', 'return', 'return', 'return', 'timestamp', 'return'])
    eq(run.returncode, 0)


@test
def several_sessions():
    """each session negotiates for itself; all hear of events"""
    with qmp.Vm(f'-chardev socket,id=c2,path={qmp.qtest.Setup.get().folder}/second,server=on,wait=off '
                '-mon chardev=c2,mode=control') as vm:
        other = vm.session(f'{qmp.qtest.Setup.get().folder}/second', negotiate=False)
        eq(other.execute('query-name')['error']['class'], NOT_FOUND)
        other.cmd('qmp_capabilities')
        vm.cmd('stop')
        vm.event('STOP')
        other.event('STOP')
        other.close()
        eq(vm.cmd('query-status')['status'], 'paused')


@test
def no_events_before_negotiation():
    """who has not negotiated hears no events"""
    folder = qmp.qtest.Setup.get().folder
    with qmp.Vm(f'-qmp unix:{folder}/quiet,server=on,wait=off') as vm:
        other = vm.session(f'{folder}/quiet', negotiate=False)
        vm.cmd('stop')
        eq(other.quiet(), [])


@test
def pretty():
    """pretty=on: one member a line"""
    folder = qmp.qtest.Setup.get().folder
    with qmp.Vm(f'-chardev socket,id=p,path={folder}/pretty,server=on,wait=off -mon chardev=p,mode=control,pretty=on') as vm:
        s = socket.socket(socket.AF_UNIX)
        s.connect(f'{folder}/pretty')
        s.settimeout(qmp.TIMEOUT)
        text = b''
        while b'\n}' not in text:
            text += s.recv(4096)
        ok(b'\n    "QMP": {\n' in text, f'the greeting is {text}')
        s.close()
        vm.cmd('query-name')


@test
def vanishes():
    """a client that vanishes in the middle of a command costs nobody anything"""
    with qmp.Vm() as vm:
        for i in range(20):
            vm.qmp.send(b'{"execute":"stop"}{"execute":"cont"}{"execute":"query-qmp-schema"}' * (i + 1) + b'{"exec')
            vm.reconnect()
        eq(vm.cmd('query-status')['running'], True)


@test
def never_reads():
    """a client that never reads is not listened to any more; others are"""
    folder = qmp.qtest.Setup.get().folder
    with qmp.Vm(f'-qmp unix:{folder}/deaf,server=on,wait=off') as vm:
        deaf = socket.socket(socket.AF_UNIX)
        deaf.connect(f'{folder}/deaf')
        deaf.setblocking(False)
        sent, stuck = 0, 0
        deaf.send(b'{"execute":"qmp_capabilities"}')
        while stuck < 10 and sent < 8 << 20:
            try:
                sent += deaf.send(b'{"execute":"query-qmp-schema"}' * 100)
            except BlockingIOError:
                stuck += 1
                time.sleep(0.02)
        eq(stuck, 10, 'sends that were refused')
        before = time.monotonic()
        for _ in range(20):
            vm.cmd('stop')
            vm.cmd('cont')
        ok(time.monotonic() - before < 10, 'the other session is held up')
        with open(f'/proc/{vm.process.pid}/statm') as f:
            ok(int(f.read().split()[1]) * os.sysconf('SC_PAGESIZE') < 400 << 20, 'memory grows')
        deaf.close()


@test
def strings_are_ascii():
    """answers are US-ASCII: other characters are escaped"""
    with qmp.Vm('-name größe') as vm:
        vm.qmp.send({'execute': 'query-name'})
        while b'\n' not in vm.qmp.data:
            vm.qmp.data += vm.qmp.sock.recv(4096)
        ok(b'gr\\u00F6\\u00DFe' in vm.qmp.data, f'the answer is {vm.qmp.data}')
        eq(vm.qmp.reply()['return'], {'name': 'größe'})


if __name__ == '__main__':
    try:
        qmp.main()
    except Failure as e:
        raise SystemExit(str(e)) from None
