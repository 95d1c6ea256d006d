#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""docs/monitor.md: the HMP dialogue that it shows is held."""
import os
import re
import shlex

import hmp
import qtest
from qtest import eq, ok

PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'docs', 'monitor.md')


def blocks(kind):
    with open(PAGE, encoding='utf-8') as f:
        return re.findall(rf'^```{kind}\n(.*?)^```', f.read(), re.M | re.S)


def command_line():
    """The line of the page that makes a monitor for people, without the machine."""
    words = next(w for w in map(shlex.split, blocks('sh')) if '-monitor' in w)
    at = words.index('-M')
    return [w for w in words[1:at] + words[at + 2:] if w not in ('-nodefaults', '-display', 'none')], words[at + 1]


def pattern(lines):
    """A line of ... stands for any lines."""
    return ''.join('(?:.*\n)*?' if line == '...' else re.escape(line) + '\n' for line in lines)


@qtest.test(tenon='the page says what Tenon says')
def dialogue():
    """each command of the dialogue is answered as the page says"""
    greeting, *turns = re.split(r'^\(qemu\) ', blocks('hmp')[0], flags=re.M)
    ok(len(turns) > 10, 'the page has no dialogue')
    args, machine = command_line()
    with hmp.Terminal(args, machine=machine) as t:
        eq(t.greeting.replace(b'\r', b''), greeting.encode() + hmp.PROMPT, 'the greeting')
        for turn in turns[:-1]:
            command, *want = turn.splitlines()
            got = t.command(command)
            ok(re.fullmatch(pattern(want), got), f'{command}: {got!r}')
        eq(turns[-1], 'quit\n', 'the end')
        t.send('quit\r')
        t.process.wait(qtest.TIMEOUT)


if __name__ == '__main__':
    qtest.main()
