# SPDX-License-Identifier: BSD-2-Clause
"""docs/monitor.md: the QMP dialogue that it shows is held."""
import os
import re
import shlex

import qmp
from qmp import Skip, eq, ok, test

PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'docs', 'monitor.md')


def blocks(kind):
    with open(PAGE, encoding='utf-8') as f:
        return re.findall(rf'^```{kind}\n(.*?)^```', f.read(), re.M | re.S)


def pattern(line):
    """... stands for anything."""
    return '.*'.join(re.escape(part) for part in line.split('...')) + r'\r?\n'


def command_line(text):
    """The options of the line in the page that a Vm does not bring itself."""
    words = shlex.split(text)
    eq(words[0], 'tenon')
    at = words.index('-qmp')
    own = words[1:at] + words[at + 2:]
    machine = own.index('-M')
    return own[:machine] + own[machine + 2:], own[machine + 1]


class Raw:
    """A client that reads lines as they are."""

    def __init__(self, sock):
        self.sock, self.data = sock, b''
        sock.settimeout(qmp.TIMEOUT)

    def line(self):
        while b'\n' not in self.data:
            part = self.sock.recv(65536)
            ok(part, 'the monitor is closed')
            self.data += part
        line, self.data = self.data.split(b'\n', 1)
        return line.decode() + '\n'


@test
def dialogue():
    """each line of the dialogue is answered as the page says, in its order"""
    if qmp.QEMU:
        raise Skip('the page says what Tenon says')
    args, machine = command_line(blocks('sh')[0])
    lines = blocks('qmp')[0].splitlines()
    ok(len(lines) > 20, 'the page has no dialogue')
    with qmp.Vm(args, machine=machine, negotiate=False) as vm:
        vm.qmp.close()
        raw = vm.session(kind=Raw)
        for line in lines:
            way, text = line[:3], line[3:]
            if way == '-> ':
                raw.sock.sendall(text.encode() + b'\n')
            else:
                got = raw.line()
                ok(re.fullmatch(pattern(text), got), f'{got!r} comes, not {text!r}')
        eq(vm.exit_status(), 0)


if __name__ == '__main__':
    qmp.main()
