# SPDX-License-Identifier: BSD-2-Clause
"""A bus of one's own, and a device on it that is in another file. TENON names the host, PLUGINS the folder of the two (this
one by default)."""
import os

import pcitool
import qtest
from qtest import eq, ok

OUT, IN, EDGES, WIRED = 0x00, 0x04, 0x08, 0x0c
SLOT, TABLE, MESSAGE = 4, pcitool.MEM_BASE + 0x1000, 0x100000
BANK = f'-device gpio-bank,id=bank,addr={SLOT}'


FOLDER = os.environ.get('PLUGINS') or os.path.dirname(os.path.abspath(__file__))
PLUGINS = f'-plugin {FOLDER}/gpio-bank.so -plugin {FOLDER}/gpio-not.so'


class Bank:
    """The function with its BARs placed and MSI-X on; self[REGISTER] reads and writes."""

    def __init__(self, parts, **how):
        self.m = qtest.Machine(f'{PLUGINS} {BANK} {parts}', machine='q35', **how)
        self.setup()

    def setup(self):
        self.f = pcitool.Function(self.m, SLOT)
        self.bar = self.f.place(0, pcitool.MEM_BASE)
        self.f.place(1, TABLE)
        self.f.enable()
        self.f.msix(TABLE, 0, MESSAGE, 0x1f)

    def __enter__(self):
        self.m.__enter__()
        return self

    def __exit__(self, *a):
        self.m.__exit__(*a)

    def __getitem__(self, register):
        return self.m.readl(self.bar + register)

    def __setitem__(self, register, v):
        self.m.writel(self.bar + register, v)


@qtest.test
def inverters():
    """what is driven comes back inverted, on the pins that have a part, after their delays"""
    with Bank('-device gpio-not,pin=5,delay=1000 -device gpio-not -device gpio-not,pin=31,delay=1000000') as d:
        eq(d[WIRED], 1 << 5 | 1 | 1 << 31, 'pins with a part')
        d.m.step(2_000_000)
        eq(d[IN], 1 << 5 | 1 | 1 << 31, 'levels while nothing is driven')
        d[OUT] = 0xffffffff
        d.m.step(2000)
        eq(d[IN], 1 << 31, 'levels behind the short delays')
        d.m.step(1_000_000)
        eq(d[IN], 0, 'levels behind all delays')


@qtest.test
def edges():
    """an edge is a bit until it is cleared, and a message"""
    with Bank('-device gpio-not,pin=3') as d:
        d.m.step(2000)
        eq((d[EDGES], d.m.readl(MESSAGE)), (8, 0x1f), 'edges, message')
        d[EDGES] = 8
        d.m.writel(MESSAGE, 0)
        d[OUT] = 8
        d.m.step(2000)
        eq((d[IN], d[EDGES], d.m.readl(MESSAGE)), (0, 8, 0x1f), 'level, edges, message')


@qtest.test
def places():
    """a pin is taken once, and there are 32"""
    for parts, words in (('-device gpio-not,pin=3 -device gpio-not,pin=3', 'pin 3 is wired already'),
                         ('-device gpio-not,pin=32', 'no pin 32'),
                         ('-device gpio-not ' * 33, "All 'gpio-bus' buses are full")):
        text = qtest.refuses(f'{PLUGINS} {BANK} {parts}', machine='q35')
        ok(words in text and len(text.splitlines()) == 1, text)


@qtest.test
def hotplug():
    """a part comes and goes while the machine runs"""
    with Bank('-device gpio-not,pin=1', qmp=True) as d:
        d.m.qmp.command('device_add', driver='gpio-not', id='late', bus='bank.0', pin=9)
        d.m.step(2000)
        eq((d[WIRED], d[IN]), (0x202, 0x202), 'pins and levels')
        d.m.qmp.command('device_del', id='late')
        d.m.qmp.event('DEVICE_DELETED')
        eq((d[WIRED], d[IN]), (2, 2), 'pins and levels')


@qtest.test
def reset():
    """after a reset the parts drive as at the start"""
    with Bank('-device gpio-not,pin=0', qmp=True) as d:
        d[OUT] = 1
        d.m.step(2000)
        eq(d[IN], 0, 'level')
        d.m.reset()
        d.setup()
        d.m.step(2000)
        eq((d[OUT], d[IN]), (0, 1), 'levels')


if __name__ == '__main__':
    qtest.main()
