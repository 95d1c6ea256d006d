# SPDX-License-Identifier: BSD-2-Clause
"""Two machines and the way between them, for tests of migration.

    with migrig.pair('-device edu', 'q35') as p:
        p.source.writel(...)
        p.move()
        eq(p.target.readl(...), ...)
"""
import contextlib
import itertools
import os
import time

import qmp
from qtest import Failure, Setup, eq

numbers = itertools.count()


def path(name='mig'):
    return os.path.join(Setup.get().folder, f'{name}{next(numbers)}')


def finished(vm, wanted='completed', timeout=30):
    """Waits until no migration is under way; returns query-migrate."""
    end = time.monotonic() + timeout
    while True:
        info = vm.cmd('query-migrate')
        if info.get('status') in ('completed', 'failed', 'cancelled'):
            eq(info['status'], wanted, f'migration ({info.get("error-desc")})')
            return info
        if time.monotonic() > end:
            raise Failure(f'migration does not end: {info}')
        time.sleep(0.005)


def in_state(vm, state, timeout=20):
    end = time.monotonic() + timeout
    while vm.cmd('query-status')['status'] != state:
        if time.monotonic() > end:
            raise Failure(f'the machine is {vm.cmd("query-status")["status"]}, not {state}')
        time.sleep(0.005)


class Target(qmp.Vm):
    """A machine that may have to end by itself."""
    expected = 0

    def dies(self, status=1):
        eq(self.process.wait(20), status, 'status of the target')
        self.expected = status

    def __exit__(self, kind, value, trace):
        status = self.end()
        if kind is None:
            eq(status, self.expected, f'exit status ({self.stderr.strip()})')


class Pair:
    def __init__(self, args, machine, stack, to=None, target_args=None, **how):
        self.args, self.machine, self.how, self.stack = args, machine, how, stack
        self.target_args = args if target_args is None else target_args
        self.source = stack.enter_context(qmp.Vm(args, machine, **how))
        self.target = None

    def await_(self, incoming, **more):
        """The process that is to have it."""
        self.target = self.stack.enter_context(
            Target(f'{self.target_args} -incoming {incoming}', self.machine, **{**self.how, **more}))
        return self.target

    def move(self, state='running', **more):
        """Over a UNIX socket; source and target are as they are afterwards."""
        uri = f'unix:{path()}'
        self.await_(uri, **more)
        self.source.cmd('migrate', uri=uri)
        info = finished(self.source)
        in_state(self.target, state)
        return info

    def save(self):
        """To a file; returns its name."""
        name = path('state')
        self.source.cmd('migrate', uri=f'file:{name}')
        finished(self.source)
        return name


@contextlib.contextmanager
def pair(args='', machine='q35', **how):
    with contextlib.ExitStack() as stack:
        yield Pair(args, machine, stack, **how)
