# SPDX-License-Identifier: BSD-2-Clause
"""virtio over PCI, by a device that does nothing of its own (virtio-scratch): resets, configuration, interrupts, and the
function under it. Numbers are sections of Virtual I/O Device 1.3."""
import pcitool
import qtest
import virtio
from scratch_machine import ECAM, SLOT, live, machine, refused
from virtioscratch import (BROKEN, CALL, CONFIG_CHANGED, ID, NOTIFY, QUEUE, RESET_DONE, RESET_LATER, START_FAILS, STOPPED,
                           STOP_LATER, Scratch, plugin)

# ---- 2.4: device reset ----

@qtest.test
def reset_registers():
    '''2.4.1, 4.1.4.3.1: after a reset all registers are as at the start'''
    with machine() as m:
        d, s = live(m)
        d.msix_on([0, 1])
        d.queue_vector(0, 1)
        d.config_vector(0)
        d.reset()
        qtest.eq([d.enabled(q) for q in range(3)], [0, 0, 0], 'queue_enable')
        qtest.eq([d.queue_max(q) for q in range(3)], [256, 64, 8], 'queue_size')
        d.select(0)
        qtest.eq(d.get(0x1a, 2), virtio.NO_VECTOR, 'vector')
        qtest.eq(d.get(0x10, 2), virtio.NO_VECTOR, 'config vector')
        qtest.eq([d.get(off, 4) for off in (0x20, 0x24, 0x28, 0x2c, 0x30, 0x34)], [0] * 6, 'addresses')
        qtest.eq(s.resets() > 0, True, 'the device was reset')


@qtest.test
def reset_takes_time():
    '''2.1.2, 2.4.1: the old status is read until the reset is done, and nothing is taken in the meantime'''
    with machine() as m:
        d, s = live(m)
        before, mode = s.resets(), STOP_LATER | RESET_LATER
        s.mode(mode)
        old = d.status()
        d.set_status(0)
        qtest.eq(d.status(), old, 'status while queues stop')
        qtest.eq(s.resets(), before, 'resets before queues have stopped')
        d.set_status(virtio.ACKNOWLEDGE)
        d.notify(1)
        qtest.eq((d.status(), s.kicks(1)), (old, 0), 'status and notifications in the meantime')
        s.do(STOPPED)
        m.until(lambda: s.resets() == before + 1, 'the reset of the device')
        qtest.eq(d.status(), old, 'status while the device resets')
        s.do(RESET_DONE)
        m.until(lambda: d.status() == 0, 'the end of the reset')
        s.mode(0)
        live(m)


@qtest.test
def fewer_queues_after_reset():
    '''2.4, row L23: a driver that comes back with fewer queues works, and its notifications arrive'''
    with machine() as m:
        for queues in ((0, 1, 2), (0,), (1, 2), (0, 1, 2)):
            d, s = live(m, queues=queues)
            s.clear_kicks()
            for q in queues:
                d.notify(q)
            m.until(lambda: [s.kicks(q) for q in range(3)] == [int(q in queues) for q in range(3)],
                    f'notifications of queues {queues}')


@qtest.test
def machine_reset():
    '''2.4: a reset of the machine resets the device, whatever it was doing'''
    with machine() as m:
        d, s = live(m)
        m.outb(0xcf9, 0x06)
        m.until(lambda: d.f.get(pcitool.COMMAND, 2) & 7 == 0, 'the reset')
        d = virtio.pci(m, SLOT)
        qtest.eq((d.status(), d.enabled(0)), (0, 0), 'status and queue_enable')
        live(m)


# ---- 2.6.1: queue reset ----

@qtest.test
def queue_reset():
    '''2.6.1.1: a queue that is reset stops alone, has its default values, and can be enabled anew'''
    with machine() as m:
        d, s = live(m)
        d.queue_vector(1, 1)
        d.reset_queue(1)
        qtest.eq([d.enabled(q) for q in range(3)], [1, 0, 1], 'queue_enable')
        qtest.eq(d.queue_max(1), 64, 'queue_size')
        d.notify(1)
        qtest.eq(s.kicks(1), 0, 'notifications of the queue')
        starts = s.starts()
        d.queue(1, 16)
        qtest.eq(s.starts(), starts + 1, 'starts')
        qtest.eq(s.word(QUEUE) >> 16, 16, 'size')
        d.notify(1)
        qtest.eq(s.kicks(1), 1, 'notifications of the queue')


@qtest.test
def queue_reset_takes_time():
    '''2.6.1.1, 4.1.4.3.1: queue_reset is 1 until the queue has stopped'''
    with machine() as m:
        d, s = live(m)
        s.mode(STOP_LATER)
        d.select(1)
        d.set(0x3a, 1, 2)
        qtest.eq((d.get(0x3a, 2), d.get(0x1c, 2)), (1, 1), 'queue_reset and queue_enable')
        s.do(STOPPED)
        m.until(lambda: d.get(0x3a, 2) == 0, 'the end of the queue reset')
        qtest.eq(d.get(0x1c, 2), 0, 'queue_enable')


@qtest.test
def queue_reset_not_negotiated():
    '''2.6.1: without RING_RESET a queue is not reset'''
    with machine() as m:
        d, s = live(m, without=(virtio.RING_RESET,))
        d.select(0)
        d.set(0x3a, 1, 2)
        qtest.eq((d.get(0x3a, 2), d.enabled(0)), (0, 1), 'queue_reset and queue_enable')


# ---- 2.5: configuration space ----

@qtest.test
def configuration():
    '''2.5, 4.1.4.6: the configuration is read and written in any width; what is not there reads as ones'''
    with machine() as m:
        d, s = live(m)
        d.set_config(4, bytes([0x11, 0x22, 0x33, 0x44]))
        qtest.eq([d.config_int(4, 4), d.config_int(6, 2), d.config_int(7, 1)], [0x44332211, 0x4433, 0x44], 'argument')
        d.set_config(5, b'\xff')
        qtest.eq(d.config_int(4, 4), 0x4433ff11, 'argument')
        qtest.eq(d.config_int(40, 4), 0xffffffff, 'beyond the end')
        d.set_config(40, b'\0\0\0\0')


@qtest.test
def generation():
    '''2.5.1, 4.1.4.3.1: config_generation moves when the device changes its configuration'''
    with machine() as m:
        d, s = live(m)
        before = d.generation()
        qtest.eq(d.generation(), before, 'config_generation')
        s.do(CONFIG_CHANGED)
        qtest.eq(d.generation(), before + 1 & 0xff, 'config_generation')


# ---- 4.1.4.5, 4.1.5: interrupts ----

@qtest.test
def pin_and_isr():
    '''4.1.4.5.1: without MSI-X a used buffer sets bit 0 and asserts the pin until ISR status is read'''
    with machine(intercept=True) as m:
        d, s = live(m)
        qtest.eq((d.interrupt(), m.line(d.gsi())), (0, 0), 'before')
        s.do(NOTIFY, 1)
        qtest.eq(m.line(d.gsi()), 1, 'pin')
        qtest.ok(d.f.get(pcitool.STATUS, 2) & pcitool.STATUS_INTX, 'Interrupt Status is clear')
        qtest.eq(d.interrupt(), 1, 'ISR status')
        qtest.eq((m.line(d.gsi()), d.interrupt()), (0, 0), 'after the read')
        qtest.ok(not d.f.get(pcitool.STATUS, 2) & pcitool.STATUS_INTX, 'Interrupt Status is set')


@qtest.test
def configuration_change_by_pin():
    '''4.1.5.4: a configuration change sets bit 1 of ISR status'''
    with machine(intercept=True) as m:
        d, s = live(m)
        s.do(CONFIG_CHANGED)
        qtest.eq(m.line(d.gsi()), 1, 'pin')
        qtest.ok(d.interrupt() & 2, 'bit 1 is clear')
        qtest.eq(m.line(d.gsi()), 0, 'pin')


@qtest.test
def no_change_before_driver_ok():
    '''3.1.1: no notification of a configuration change before DRIVER_OK'''
    with machine(intercept=True) as m:
        d = virtio.pci(m, SLOT)
        d.start()
        Scratch(d).do(CONFIG_CHANGED)
        qtest.eq((m.line(d.gsi()), d.interrupt()), (0, 0), 'pin and ISR status')


@qtest.test
def call_descriptor_by_pin():
    '''a back end that signals its descriptor raises the interrupt of the moment: the pin'''
    with machine(intercept=True) as m:
        d, s = live(m)
        s.do(CALL, 0)
        m.until(lambda: m.line(d.gsi()), 'the interrupt')
        qtest.eq(d.interrupt(), 1, 'ISR status')


@qtest.test
def vectors():
    '''4.1.5.1.2: each event goes to the vector that it is mapped to, several to one, and reads back'''
    with machine(intercept=True) as m:
        d, s = live(m)
        d.msix_on([0, 1, 2])
        qtest.eq([d.queue_vector(0, 1), d.queue_vector(1, 2), d.queue_vector(2, 2), d.config_vector(0)], [1, 2, 2, 0], 'vectors')
        for q, v in ((0, 1), (1, 2), (2, 2)):
            s.do(NOTIFY, q)
            qtest.eq([d.message(i) for i in range(3)], [i == v for i in range(3)], f'messages for queue {q}')
        s.do(CONFIG_CHANGED)
        qtest.eq([d.message(i) for i in range(3)], [True, False, False], 'messages for the configuration')
        qtest.eq(m.line(d.gsi()), 0, 'pin')


@qtest.test
def no_such_vector():
    '''4.1.5.1.2.1: a vector that is not there reads back as NO_VECTOR, and no message comes'''
    with machine() as m:
        d, s = live(m)
        d.msix_on([0, 1])
        qtest.eq([d.queue_vector(0, 4), d.queue_vector(0, 0x7fff), d.config_vector(4)], [virtio.NO_VECTOR] * 3, 'vectors')
        s.do(NOTIFY, 0)
        s.do(CONFIG_CHANGED)
        qtest.eq([d.message(0), d.message(1)], [False, False], 'messages')
        qtest.eq([d.queue_vector(0, 1), d.queue_vector(0, virtio.NO_VECTOR)], [1, virtio.NO_VECTOR], 'vectors')


@qtest.test
def number_of_vectors():
    '''vectors= sets the size of the MSI-X table; by default one for each queue and one; 0: no MSI-X'''
    for options, n in (('', 4), ('vectors=2', 2), ('vectors=200', 200), ('vectors=2048', 2048)):
        with machine(options) as m:
            f = pcitool.Function(m, SLOT)
            qtest.eq((f.get(f.cap(pcitool.CAP_MSIX) + 2, 2) & 0x7ff) + 1, n, 'table size')
    with machine('vectors=0') as m:
        qtest.eq(pcitool.Function(m, SLOT).cap(pcitool.CAP_MSIX), 0, 'MSI-X capability')
    qtest.ok('2049' in refused('vectors=2049'), 'the message does not name the number')


@qtest.test
def call_descriptor_by_vector():
    '''a back end's descriptor follows the vector of its queue; one that is masked waits in the PBA'''
    with machine() as m:
        d, s = live(m)
        d.msix_on([0, 1])
        d.queue_vector(0, 1)
        s.do(CALL, 0)
        m.until(lambda: d.message(1), 'the message of vector 1')
        d.queue_vector(0, 0)
        s.do(CALL, 0)
        m.until(lambda: d.message(0), 'the message of vector 0')
        d.mask(0, True)
        s.do(CALL, 0)
        m.step(1000)
        qtest.eq(d.message(0), False, 'a message while masked')
        d.mask(0, False)
        m.until(lambda: d.message(0), 'the message after unmasking')
        d.queue_vector(0, virtio.NO_VECTOR)
        s.do(CALL, 0)
        m.step(1000)
        qtest.eq([d.message(0), d.message(1)], [False, False], 'messages without vector')


@qtest.test
def broken():
    '''2.1.2: a device beyond help sets DEVICE_NEEDS_RESET and notifies; a reset helps'''
    with machine(intercept=True) as m:
        d, s = live(m)
        s.do(BROKEN)
        qtest.ok(d.status() & virtio.NEEDS_RESET, 'DEVICE_NEEDS_RESET is clear')
        qtest.eq(m.line(d.gsi()), 1, 'pin')
        d, s = live(m)
        qtest.eq(d.status() & virtio.NEEDS_RESET, 0, 'DEVICE_NEEDS_RESET')


@qtest.test
def queue_that_cannot_start():
    '''2.1.2: a queue that the device cannot use makes it need a reset, and no more'''
    with machine() as m:
        d = virtio.pci(m, SLOT)
        d.start()
        d.queue(0, 8)
        Scratch(d).mode(START_FAILS)
        d.driver_ok()
        qtest.ok(d.status() & virtio.NEEDS_RESET, 'DEVICE_NEEDS_RESET is clear')


# ---- the function ----

@qtest.test
def bus_master_off():
    '''a function that is no bus master serves no queue; when it is again, queues go on'''
    with machine() as m:
        d, s = live(m)
        command = d.f.get(pcitool.COMMAND, 2)
        d.f.set(pcitool.COMMAND, command & ~pcitool.COMMAND_MASTER, 2)
        d.notify(1)
        qtest.eq((s.stops(), s.kicks(1)), (3, 0), 'stops and notifications')
        starts = s.starts()
        d.f.set(pcitool.COMMAND, command, 2)
        qtest.eq(s.starts(), starts + 3, 'starts')
        qtest.ok(s.word(QUEUE) & 64, 'the queue begins anew')
        d.notify(1)
        qtest.eq(s.kicks(1), 1, 'notifications')


def behind_a_port(options='', **how):
    return qtest.Machine(f'{plugin()} -device pcie-root-port,id=p,addr=2 -device virtio-scratch-pci,bus=p,id=d,{options}',
                         machine='q35', **how)


def express(m):
    """The function behind the port, its buses numbered and its windows open."""
    port = pcitool.Function(m, 2)
    port.set(0x18, 0x00010100)
    port.set(0x20, 0xe0f0e000)
    port.set(0x24, 0xe0f0e000)
    port.enable()
    m.outl(0xcf8, 0)
    return pcitool.Function(m, 0, bus=1)


@qtest.test
def modern_behind_a_port():
    '''disable-legacy=auto: behind a PCI Express port the device is modern, and a PCI Express endpoint with FLR and PM'''
    with behind_a_port() as m:
        f = express(m)
        qtest.eq(f.ids()[1], 0x1040 + ID, 'device id')
        at = f.cap(pcitool.CAP_EXP)
        qtest.eq(f.get(at + 2, 2) >> 4 & 15, 0, 'port type: endpoint')
        qtest.ok(f.get(at + 4) >> 28 & 1, 'FLR capable')
        qtest.ok(f.cap(1), 'no power management capability')
    with behind_a_port('x-disable-pcie=on') as m:
        qtest.eq(express(m).cap(pcitool.CAP_EXP), 0, 'PCI Express capability')
    with behind_a_port('disable-legacy=off') as m:
        qtest.eq(express(m).ids()[1], 0x103e, 'device id with disable-legacy=off')


@qtest.test
def express_switches():
    '''x-pcie-*-init=off take registers back; aer=on and ats=on add capabilities'''
    with behind_a_port('x-pcie-flr-init=off,x-pcie-pm-init=off,x-pcie-deverr-init=off,x-pcie-lnkctl-init=off') as m:
        f = express(m)
        at, pm = f.cap(pcitool.CAP_EXP), f.cap(1)
        qtest.eq(f.get(at + 4) >> 28 & 1, 0, 'FLR')
        f.set(pm + 4, 3, 2)
        f.set(at + 8, 0x0f, 2)
        f.set(at + 16, 0xff, 2)
        qtest.eq((f.get(pm + 4, 2) & 3, f.get(at + 8, 2) & 15, f.get(at + 16, 2)), (0, 0, 0), 'PM, device and link control')
    with behind_a_port('aer=on,ats=on') as m:
        express(m)
        f = pcitool.Function(m, 0, bus=1, ecam=ECAM)
        qtest.eq([i for i, _ in f.ext_caps()], [pcitool.EXT_AER, 0x0f], 'extended capabilities')


@qtest.test
def function_level_reset():
    '''PCIe 6.6.2: a function level reset leaves nothing of what the driver had set up'''
    with behind_a_port() as m:
        f = express(m)
        d = virtio.Modern(m, 0, bus=1)
        d.start()
        d.queue(0, 8)
        d.driver_ok()
        at = f.cap(pcitool.CAP_EXP)
        f.set(at + 8, f.get(at + 8, 2) | 0x8000, 2)
        m.until(lambda: f.get(0, 2) == 0x1af4 and f.get(pcitool.COMMAND, 2) == 0, 'the end of the reset')
        d = virtio.Modern(m, 0, bus=1)
        qtest.eq((d.status(), d.enabled(0)), (0, 0), 'status and queue_enable')


@qtest.test
def power_states():
    '''PCIe 5.3.1: in D3hot the BARs answer nothing; back in D0 the device is as after a reset'''
    with behind_a_port() as m:
        f = express(m)
        d = virtio.Modern(m, 0, bus=1)
        d.start()
        pm = f.cap(1)
        f.set(pm + 4, 3, 2)
        qtest.eq(m.read(d.at[virtio.COMMON] + 0x14, 1)[0], 0xff, 'status in D3hot')
        f.set(pm + 4, 0, 2)
        m.until(lambda: f.get(0, 2) == 0x1af4 and f.get(pm + 4, 2) & 3 == 0, 'D0')
        qtest.eq(virtio.Modern(m, 0, bus=1).status(), 0, 'status')


@qtest.test
def sleep_without_reset():
    '''PCIe 5.3.1.4: with x-pcie-pm-no-soft-reset=on queues rest in D3hot, and go on in D0'''
    with behind_a_port('x-pcie-pm-no-soft-reset=on') as m:
        f = express(m)
        d = virtio.Modern(m, 0, bus=1)
        d.start()
        d.queue(1, 8)
        d.driver_ok()
        pm, s = f.cap(1), Scratch(d)
        f.set(pm + 4, 3, 2)
        f.set(pm + 4, 0, 2)
        qtest.eq((s.starts(), s.stops()), (2, 1), 'starts and stops')
        qtest.ok(s.word(QUEUE) & 64, 'the queue begins anew')
        d.notify(1)
        qtest.eq(s.kicks(1), 1, 'notifications')


if __name__ == '__main__':
    qtest.main()
