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
import struct
import time

import qmp
from qtest import Failure, Setup, eq, ok

RAM = '-m 32M'
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


def until(condition, what, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        ok(time.monotonic() < end, what)
        time.sleep(0.01)


def fill(vm):
    """RAM of every kind: random, zero, one word over and over."""
    vm.write(0x100000, bytes(range(256)) * 32)
    vm.write(0x200000, b'\xa5' * 8192)
    vm.write(0x200ff8, b'\0' * 8)


def check(vm):
    eq(vm.read(0x100000, 8192), bytes(range(256)) * 32, 'RAM')
    eq(vm.read(0x200000, 4088), b'\xa5' * 4088, 'RAM that repeats a word')
    eq(vm.read(0x200ff8, 16), b'\0' * 8 + b'\xa5' * 8, 'RAM that almost repeats a word')
    eq(vm.read(0x300000, 4096), b'\0' * 4096, 'RAM that is zero')


class BlkRing:
    """The smallest driver of virtio-blk: VIRTIO 1.3 2.7 (split rings), 4.1.4 (modern PCI), one queue, reads only."""
    BAR, DESC, AVAIL, USED, BUF = 0xe0000000, 0x100000, 0x101000, 0x102000, 0x110000

    def __init__(self, vm):
        self.vm = vm
        self.avail = 0
        dev = 0x80002000
        caps = self.caps(dev)
        self.config(dev, 0x10 + 4 * caps[1][0], self.BAR)
        self.config(dev, 0x14 + 4 * caps[1][0], 0)
        self.config(dev, 4, 7)
        common = self.BAR + caps[1][1]
        self.notify = self.BAR + caps[2][1]
        w = vm.write
        for status in 0, 1, 3:
            w(common + 20, bytes([status]))
        w(common + 8, struct.pack('<I', 1))
        w(common + 12, struct.pack('<I', 1))  # VIRTIO_F_VERSION_1
        w(common + 20, bytes([11]))
        w(common + 22, struct.pack('<H', 0))
        w(common + 24, struct.pack('<H', 16))
        for at, ring in (32, self.DESC), (40, self.AVAIL), (48, self.USED):
            w(common + at, struct.pack('<I', ring))
            w(common + at + 4, struct.pack('<I', 0))
        w(common + 28, struct.pack('<H', 1))
        w(common + 20, bytes([15]))

    def config(self, dev, reg, value=None):
        self.vm.outl(0xcf8, dev | reg & 0xfc)
        return self.vm.inl(0xcfc) if value is None else self.vm.outl(0xcfc, value)

    def caps(self, dev):
        """type -> (BAR, offset)"""
        out, at = {}, self.config(dev, 0x34) & 0xfc
        while at:
            head = self.config(dev, at)
            if head & 0xff == 9:
                out.setdefault(head >> 24, (self.config(dev, at + 4) & 0xff, self.config(dev, at + 8)))
            at = head >> 8 & 0xfc
        return out

    def submit(self, n):
        for i in range(n):
            buf = self.BUF + i * 0x1000
            self.vm.write(buf, struct.pack('<IIQ', 0, 0, i))
            for k, (off, size, flags) in enumerate(((0, 16, 1), (512, 512, 3), (2048, 1, 2))):
                d = 3 * i + k
                self.vm.write(self.DESC + 16 * d, struct.pack('<QIHH', buf + off, size, flags, d + 1))
            self.vm.write(self.AVAIL + 4 + 2 * self.avail, struct.pack('<H', 3 * i))
            self.avail += 1
        self.vm.write(self.AVAIL + 2, struct.pack('<H', self.avail))
        self.vm.write(self.notify, struct.pack('<H', 0))

    def used(self):
        return struct.unpack('<H', self.vm.read(self.USED + 2, 2))[0]
