#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""isa-debugcon, isa-debug-exit and pvpanic at their ports."""
import pcitool
import qtest
from qtest import eq, ok

DEBUGCON, DEBUG_EXIT, PVPANIC = 0xe9, 0x501, 0x505
PANICKED, CRASH_LOADED, SHUTDOWN = 1, 2, 4


# ---- isa-debugcon ----

@qtest.test
def debugcon_text():
    """isa-debugcon: bytes go to the chardev in order"""
    c = qtest.Chardev()
    with qtest.Machine(f'{c.args("c")} -device isa-debugcon,chardev=c') as m:
        for ch in b'SeaBIOS\n':
            m.outb(DEBUGCON, ch)
        eq(c.receive(8), b'SeaBIOS\n', 'text')


@qtest.test
def debugcon_readback():
    """isa-debugcon: a read tells firmware that the port is there"""
    with qtest.Machine('-chardev null,id=c -device isa-debugcon,chardev=c') as m:
        eq(m.inb(DEBUGCON), 0xe9, 'port')
        eq(m.inw(DEBUGCON), 0xffe9, 'port and its neighbour')


@qtest.test
def debugcon_properties():
    """isa-debugcon: iobase and readback"""
    with qtest.Machine('-chardev null,id=c -device isa-debugcon,chardev=c,iobase=0x402,readback=0x42') as m:
        eq(m.inb(0x402), 0x42, 'port 0x402')
        eq(m.inb(DEBUGCON), 0xff, 'port 0xe9')


@qtest.test
def debugcon_without_chardev():
    """isa-debugcon: is refused without a chardev"""
    message = qtest.refuses('-device isa-debugcon')
    ok("Can't create debugcon device, empty char device" in message, message)


# ---- isa-debug-exit ----

def exits(command):
    m = qtest.Machine('-device isa-debug-exit')
    m.send(command)
    return m.exit_status()


@qtest.test
def debug_exit():
    """isa-debug-exit: v ends the program with status 2 v + 1, modulo 256"""
    eq(exits('outb 0x501 0x0'), 1, 'status of 0')
    eq(exits('outb 0x501 0x10'), 0x21, 'status of 0x10')
    eq(exits('outb 0x502 0x3'), 7, 'status at the second port')
    eq(exits('outw 0x501 0x1ff'), 0xff, 'status of 0x1ff')


@qtest.test
def debug_exit_read():
    """isa-debug-exit: reads 0 and goes on"""
    with qtest.Machine('-device isa-debug-exit,iobase=0xf4,iosize=4') as m:
        eq(m.inb(0xf4), 0, 'port')
        eq(m.inl(0xf4), 0, 'ports')


# ---- pvpanic ----

def pvpanic(options='events=7', **kw):
    return qtest.Machine(f'-device pvpanic,{options}', qmp=True, **kw)


@qtest.test
def pvpanic_events():
    """pvpanic: a read tells the events that are offered"""
    with qtest.Machine('-device pvpanic,events=5') as m:
        eq(m.inb(PVPANIC), 5, 'events')
    with qtest.Machine('-device pvpanic,events=1,ioport=0x600') as m:
        eq(m.inb(0x600), 1, 'events')


@qtest.test(tenon='7 since QEMU 8.2 or so')
def pvpanic_default():
    """pvpanic: all three events are offered by default"""
    with qtest.Machine('-device pvpanic') as m:
        eq(m.inb(PVPANIC), 7, 'events')


@qtest.test
def pvpanic_panicked():
    """pvpanic: a panic is told"""
    with qtest.Machine('-device pvpanic -action panic=none', qmp=True) as m:
        m.outb(PVPANIC, PANICKED)
        eq(m.qmp.event('GUEST_PANICKED')['action'], 'run', 'action')


@qtest.test
def pvpanic_crash_loaded():
    """pvpanic: a crash kernel is told, and the machine goes on"""
    with pvpanic() as m:
        m.outb(PVPANIC, CRASH_LOADED)
        eq(m.qmp.event('GUEST_CRASHLOADED')['action'], 'run', 'action')
        eq(m.qmp.command('query-status')['running'], True, 'running')


def ends(options, event):
    m = qtest.Machine(f'-device pvpanic {options}')
    m.send(f'outb {PVPANIC:#x} {event:#x}')
    return m.exit_status()


@qtest.test
def pvpanic_action():
    """pvpanic: a panic ends the program as -action says"""
    eq(ends('', PANICKED), 0, 'exit status')
    eq(ends('-action panic=exit-failure', PANICKED), 1, 'exit status')


@qtest.test(tenon='since QEMU 9.1')
def pvpanic_shutdown():
    """pvpanic: a shutdown ends the program like any other"""
    eq(ends('', SHUTDOWN), 0, 'exit status')


@qtest.test(tenon='QEMU acts on what it does not offer, too')
def pvpanic_masked():
    """pvpanic: what is not offered is ignored"""
    with pvpanic('events=2') as m:
        m.outb(PVPANIC, PANICKED | CRASH_LOADED)
        m.qmp.event('GUEST_CRASHLOADED')


@qtest.test(tenon='since QEMU 9.1')
def pvpanic_shutdown_told():
    """pvpanic: a shutdown is told before it happens"""
    with pvpanic() as m:
        m.outb(PVPANIC, SHUTDOWN)
        m.qmp.event('GUEST_PVSHUTDOWN')
        eq(m.qmp.event('SHUTDOWN'), {'guest': True, 'reason': 'guest-shutdown'}, 'cause')


@qtest.test
def pvpanic_pci():
    """pvpanic-pci: the register is the first byte of BAR 0 of 1b36:0011"""
    with qtest.Machine('-device pvpanic-pci,addr=4 -action panic=none', machine='pc', qmp=True) as m:
        f = pcitool.Function(m, 4)
        eq((f.ids(), f.get(pcitool.CLASS_REV) >> 16), ((0x1b36, 0x0011), 0x0880), 'identity')
        at = f.place(0, pcitool.MEM_BASE)
        f.enable()
        eq(m.read(at, 1)[0] & 3, 3, 'events')
        m.write(at, bytes([PANICKED]))
        eq(m.qmp.event('GUEST_PANICKED')['action'], 'run', 'action')


if __name__ == '__main__':
    qtest.main()
