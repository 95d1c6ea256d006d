# SPDX-License-Identifier: BSD-2-Clause
"""virtio over PCI, by a device that does nothing of its own (virtio-scratch), and where data flows by virtio-rng. Numbers are
sections of Virtual I/O Device 1.3."""
import pcitool
import qtest
import virtio
from virtioscratch import (BROKEN, BY_ITSELF, CALL, CONFIG_CHANGED, ID, KICKS, NOTIFY, QUEUE, REFUSE, RESET_DONE, RESET_LATER, START_FAILS,
                           STOP_LATER, STOPPED, Scratch, plugin)

SLOT = 4
ECAM = 0xb0000000


def machine(options='', more='', **how):
    return qtest.Machine(f'{plugin()} {more} -device virtio-scratch-pci,addr={SLOT}{options and ","}{options}', machine='q35', **how)


def refused(options):
    return qtest.refuses(f'{plugin()} -device virtio-scratch-pci,{options}', machine='q35')


def live(m, make=virtio.pci, queues=(0, 1, 2), **how):
    """A device whose queues run."""
    d = make(m, SLOT)
    d.start(**how)
    d.ring = {q: d.queue(q, None if d.legacy else 8) for q in queues}
    d.driver_ok()
    return d, Scratch(d)


# ---- 4.1.2: identity ----

@qtest.test
def modern_ids():
    '''4.1.2.1: a device without legacy interface is 0x1040 + its id, of revision 1'''
    with machine('disable-legacy=on') as m:
        f = pcitool.Function(m, SLOT)
        qtest.eq(f.ids(), (0x1af4, 0x1040 + ID), 'ids')
        qtest.eq(f.get(8, 1), 1, 'revision')
        qtest.eq(f.get(0x2c), 0x11001af4, 'subsystem')
        qtest.eq(f.bar_size(0), 0, 'size of BAR 0')


@qtest.test
def transitional_ids():
    '''4.1.2.1, 4.1.2.3: a transitional device has its own device id, revision 0, and its type as subsystem id'''
    with machine() as m:
        f = pcitool.Function(m, SLOT)
        qtest.eq(f.ids(), (0x1af4, 0x103e), 'ids')
        qtest.eq(f.get(8, 1), 0, 'revision')
        qtest.eq(f.get(0x2c), ID << 16 | 0x1af4, 'subsystem')
        qtest.eq(f.get(pcitool.INTERRUPT_PIN, 1), 1, 'pin')


@qtest.test
def class_code():
    '''class= takes the place of the class code of the device'''
    with machine('class=0x0180') as m:
        qtest.eq(pcitool.Function(m, SLOT).get(pcitool.CLASS_REV) >> 16, 0x0180, 'class')


@qtest.test
def layout_of_bars():
    '''legacy in I/O space at BAR 0, MSI-X at BAR 1, the rest at BAR 4: 64 bits wide and prefetchable'''
    with machine() as m:
        f = pcitool.Function(m, SLOT)
        qtest.eq([f.get(pcitool.BAR0 + 4 * n) & 15 for n in (0, 1, 4)], [1, 0, 12], 'kinds')
        qtest.eq([f.bar_size(n) & 0xffff for n in (0, 1, 2, 4)], [0x40, 0x1000, 0, 0x4000], 'sizes')


@qtest.test
def neither_interface():
    '''a device without any interface is refused'''
    text = refused('disable-legacy=on,disable-modern=on')
    qtest.ok('device cannot work as neither modern nor legacy mode is enabled' in text, text)
    qtest.ok('Set either disable-modern or disable-legacy to off' in text, text)


@qtest.test
def short_name():
    '''a device type by its own name is what the machine has a place for: on q35 the PCI function'''
    with qtest.Machine(f'{plugin()} -device virtio-scratch,addr={SLOT},id=d', machine='q35') as m:
        qtest.eq(pcitool.Function(m, SLOT).ids(), (0x1af4, 0x103e), 'ids')
    with qtest.Machine(f'{plugin()} -device virtio-scratch,id=d', machine='microvm') as m:
        qtest.eq(m.readl(0xfeb00e08), ID, 'DeviceID')
    text = qtest.refuses(f'{plugin()} -device virtio-scratch', machine='none')
    qtest.ok("No 'virtio-bus' bus found for device 'virtio-scratch'" in text, text)


@qtest.test
def old_ways():
    '''switches back to how old versions behaved are refused, not ignored'''
    for option in ('use-started=off', 'use-disabled-flag=off', 'migrate-extra=off', 'virtio-pci-bus-master-bug-migration=on'):
        qtest.ok(option in refused(option), f'{option} is not named')


@qtest.test
def platform_is_not_transitional():
    '''6.1: ACCESS_PLATFORM needs a device without legacy interface'''
    text = refused('iommu_platform=on')
    qtest.ok('VIRTIO_F_IOMMU_PLATFORM was supported by neither legacy nor transitional device' in text, text)
    with machine('iommu_platform=on,disable-legacy=on') as m:
        qtest.ok(virtio.pci(m, SLOT).offered() >> virtio.ACCESS_PLATFORM & 1, 'the bit is not offered')


# ---- 4.1.4: structures ----

@qtest.test
def structures():
    '''4.1.4.1: common configuration, notification, ISR and device configuration, and access by configuration space'''
    with machine() as m:
        d = virtio.pci(m, SLOT)
        for which in (virtio.COMMON, virtio.NOTIFY, virtio.ISR, virtio.DEVICE_CFG, virtio.PCI_CFG):
            qtest.ok(d.cap(which), f'there is no capability of type {which}')
        for c in d.caps:
            qtest.eq(c.offset % 4, 0, 'alignment of a structure')
        qtest.ok(d.cap(virtio.COMMON).length >= 0x40, 'common configuration is too short')
        qtest.eq(d.num_queues(), 3, 'num_queues')


@qtest.test
def disable_modern():
    '''disable-modern=on leaves a legacy device: no capability of virtio, no memory BAR'''
    with machine('disable-modern=on') as m:
        d = virtio.legacy(m, SLOT)
        qtest.eq(d.caps, [], 'capabilities')
        qtest.eq(d.f.bar_size(4), 0, 'size of BAR 4')
        qtest.eq(d.f.ids()[1], 0x103e, 'device id')


@qtest.test
def feature_windows():
    '''4.1.4.3.1: device_feature shows 32 bits as selected, 0 beyond the last; driver_feature reads back'''
    with machine() as m:
        d = virtio.pci(m, SLOT)
        offered = d.offered()
        for n in (virtio.VERSION_1, virtio.INDIRECT_DESC, virtio.EVENT_IDX, virtio.RING_RESET, 0, 7, 64):
            qtest.ok(offered >> n & 1, f'bit {n} is not offered')
        for n in (virtio.RING_PACKED, virtio.IN_ORDER, virtio.NOTIFICATION_DATA, virtio.NOTIFY_ON_EMPTY, virtio.ANY_LAYOUT):
            qtest.ok(not offered >> n & 1, f'bit {n} is offered')
        for select in (4, 0x7fffffff, 0xffffffff):
            d.set(0, select, 4)
            qtest.eq(d.get(0, 4), select, 'device_feature_select')
            qtest.eq(d.get(4, 4), 0, f'features {select}')
        d.accept(1 << 32 | 0x55)
        d.set(8, 1, 4)
        qtest.eq(d.get(0xc, 4), 1, 'driver_feature')


@qtest.test
def bus_properties():
    '''2.2, 6: what the user allows is what is offered'''
    options = 'packed=on,in_order=on,notification_data=on,event_idx=off,indirect_desc=off,queue_reset=off'
    with machine(options) as m:
        offered = virtio.pci(m, SLOT).offered()
        for n in (virtio.RING_PACKED, virtio.IN_ORDER, virtio.NOTIFICATION_DATA):
            qtest.ok(offered >> n & 1, f'bit {n} is not offered')
        for n in (virtio.EVENT_IDX, virtio.INDIRECT_DESC, virtio.RING_RESET):
            qtest.ok(not offered >> n & 1, f'bit {n} is offered')


@qtest.test
def queue_sizes():
    '''4.1.4.3.1: queue_size is the greatest one, 0 where there is no queue'''
    with machine() as m:
        d = virtio.pci(m, SLOT)
        qtest.eq([d.queue_max(q) for q in (0, 1, 2, 3, 1023, 0xffff)], [256, 64, 8, 0, 0, 0], 'queue sizes')
        qtest.eq(d.queue_vector(3, 0), virtio.NO_VECTOR, 'vector of a queue that is not there')


@qtest.test
def queue_registers():
    '''4.1.4.3: addresses and size of a queue read back, of each queue its own'''
    with machine() as m:
        d = virtio.pci(m, SLOT)
        d.start()
        for q in range(3):
            d.select(q)
            for k, off in enumerate((0x20, 0x28, 0x30)):
                d.address(off, 0x1122334400000000 + 0x1000 * (3 * q + k))
            d.set(0x18, 8 >> q, 2)
        for q in range(3):
            d.select(q)
            for k, off in enumerate((0x20, 0x28, 0x30)):
                qtest.eq(d.get(off, 4), 0x1000 * (3 * q + k), 'low half')
                qtest.eq(d.get(off + 4, 4), 0x11223344, 'high half')
            qtest.eq(d.get(0x18, 2), 8 >> q, 'size')


@qtest.test
def sizes_out_of_range():
    '''4.1.4.3.2: sizes of 0 and above the greatest leave queue_size as it was'''
    with machine() as m:
        d = virtio.pci(m, SLOT)
        d.start()
        d.select(1)
        d.set(0x18, 32, 2)
        for bad in (0, 65, 0xffff):
            d.set(0x18, bad, 2)
            qtest.eq(d.get(0x18, 2), 32, 'queue_size')


@qtest.test
def widths():
    '''4.1.3.1: an access of another width than its field changes nothing; a field of 64 bits has two halves'''
    with machine() as m:
        d = virtio.pci(m, SLOT)
        d.start()
        d.select(1)
        d.set(0x18, 0x10, 1)
        d.set(0x20, 0xff, 2)
        d.set(0x14, 0, 4)
        qtest.eq((d.get(0x18, 2), d.get(0x20, 4)), (64, 0), 'size and address')
        qtest.ok(d.status() & virtio.FEATURES_OK, 'a write of 4 bytes was taken for the status')
        m.command(f'writeq {d.at[virtio.COMMON] + 0x28:#x} 0x1122334455667788')
        qtest.eq((d.get(0x28, 4), d.get(0x2c, 4)), (0x55667788, 0x11223344), 'queue_driver')


@qtest.test
def frozen_while_enabled():
    '''4.1.4.3.2: an enabled queue keeps its size and addresses, and queue_enable its 1'''
    with machine() as m:
        d, s = live(m)
        before = [d.get(off, 4) for off in (0x20, 0x24, 0x28)]
        d.select(0)
        d.set(0x18, 4, 2)
        d.address(0x20, 0xdead0000)
        d.set(0x1c, 0, 2)
        qtest.eq(d.get(0x18, 2), 8, 'size')
        qtest.eq(d.enabled(0), 1, 'queue_enable')
        d.select(2)
        qtest.eq([d.get(off, 4) for off in (0x20, 0x24, 0x28)], before, 'addresses')


@qtest.test
def page_per_vq():
    '''4.1.4.4: page-per-vq=on gives each queue a page to notify; the capability reaches as far as the last'''
    with machine('page-per-vq=on') as m:
        d, s = live(m)
        c = d.cap(virtio.NOTIFY)
        qtest.eq(c.multiplier, 4096, 'notify_off_multiplier')
        qtest.ok(c.length >= 2 * 4096 + 2, 'length')
        qtest.eq(d.doorbell(2) - d.doorbell(1), 4096, 'distance')
        d.notify(1)
        m.until(lambda: s.kicks(1) == 1, 'the notification')


@qtest.test
def pio_notify():
    '''4.1.4.4: modern-pio-notify=on adds a doorbell in I/O space, for all queues'''
    with machine('modern-pio-notify=on') as m:
        d, s = live(m)
        pio = next(c for c in d.caps if c.type == virtio.NOTIFY and c.bar == 2)
        qtest.eq(pio.multiplier, 0, 'multiplier')
        m.outw(d.bars[2], 0)
        m.outw(d.bars[2], 2)
        m.until(lambda: s.kicks(0) == 1 and s.kicks(2) == 1, 'the notifications')


@qtest.test
def shared_memory():
    '''4.1.4.7: a shared memory region is told of with 64-bit offset and length, in a BAR that holds it'''
    with machine('shm=0x30000') as m:
        d = virtio.pci(m, SLOT)
        c = d.cap(virtio.SHARED_MEMORY)
        qtest.eq((c.id, c.bar, c.offset, c.length, c.len), (1, 2, 0, 0x30000, 24), 'capability')
        qtest.ok(d.f.bar_size(2) >= 0x30000, 'size of the BAR')
        qtest.eq(m.readl(d.bars[2] + 0x1000), 0xffffffff, 'a hole')


@qtest.test
def window_in_configuration_space():
    '''4.1.4.9.1: pci_cfg_data reads and writes at offset of the BAR, as many bytes as length says'''
    with machine() as m:
        d = virtio.pci(m, SLOT)
        at, common = d.cap(virtio.PCI_CFG).at, d.cap(virtio.COMMON)

        def aim(off, n):
            d.f.set(at + 4, common.bar, 1)
            d.f.set(at + 8, common.offset + off)
            d.f.set(at + 12, n)
        aim(0x12, 2)
        qtest.eq(d.f.get(at + 16, 2), 3, 'num_queues')
        aim(0x14, 1)
        d.f.set(at + 16, virtio.ACKNOWLEDGE, 1)
        qtest.eq(d.status(), virtio.ACKNOWLEDGE, 'status')
        qtest.eq(d.f.get(at + 16, 1), virtio.ACKNOWLEDGE, 'status by the window')
        aim(0x16, 2)
        d.f.set(at + 16, 1, 2)
        aim(0x18, 2)
        qtest.eq(d.f.get(at + 16, 2), 64, 'size of queue 1')
        for bar, off, n in ((common.bar, 0x100000, 4), (0, 0, 4), (5, 0, 1), (common.bar, 1, 2), (common.bar, 0, 3), (common.bar, 0, 0)):
            d.f.set(at + 4, bar, 1)
            d.f.set(at + 8, off)
            d.f.set(at + 12, n)
            d.f.set(at + 16, 0xffffffff)
            d.f.get(at + 16)
        qtest.eq(d.status(), virtio.ACKNOWLEDGE, 'status after windows to nowhere')


# ---- 2.1, 3.1: status and features ----

@qtest.test
def status_bits():
    '''2.1: the status holds what the driver sets, but not what only the device may'''
    with machine() as m:
        d = virtio.pci(m, SLOT)
        d.reset()
        d.set_status(virtio.ACKNOWLEDGE)
        d.set_status(virtio.ACKNOWLEDGE | virtio.DRIVER | virtio.NEEDS_RESET)
        qtest.eq(d.status(), virtio.ACKNOWLEDGE | virtio.DRIVER, 'status')
        d.set_status(d.status() | virtio.FAILED)
        qtest.eq(d.status(), virtio.ACKNOWLEDGE | virtio.DRIVER | virtio.FAILED, 'status')


@qtest.test
def features_refused():
    '''2.2.2, 3.1.1: FEATURES_OK stays clear for a bit that was not offered, without VERSION_1, and when the device objects'''
    with machine() as m:
        d = virtio.pci(m, SLOT)
        s = Scratch(d)
        one = virtio.bit(virtio.VERSION_1)

        def taken(features):
            d.reset()
            d.set_status(virtio.ACKNOWLEDGE | virtio.DRIVER)
            d.accept(features)
            d.set_status(virtio.ACKNOWLEDGE | virtio.DRIVER | virtio.FEATURES_OK)
            return bool(d.status() & virtio.FEATURES_OK)
        qtest.eq(taken(one), True, 'VERSION_1 alone')
        qtest.eq(taken(0x1), False, 'without VERSION_1')
        qtest.eq(taken(one | virtio.bit(virtio.RING_PACKED)), False, 'packed, not offered')
        qtest.eq(taken(one | virtio.bit(70)), False, 'a bit beyond 64, not offered')
        qtest.eq(taken(one | virtio.bit(64)), True, 'a bit beyond 64')
        s.mode(REFUSE)
        qtest.eq(taken(one | 1), False, 'what the device objects to')
        qtest.eq(taken(one), True, 'what it can do with')


@qtest.test
def features_fixed():
    '''3.1.1: features do not change after FEATURES_OK'''
    with machine() as m:
        d = virtio.pci(m, SLOT)
        d.start(virtio.bit(virtio.VERSION_1))
        d.accept(0)
        d.set(8, 1, 4)
        qtest.eq(d.get(0xc, 4), 1, 'driver_feature')


@qtest.test
def no_start_without_features():
    '''3.1.1: DRIVER_OK without FEATURES_OK starts nothing'''
    with machine() as m:
        d = virtio.pci(m, SLOT)
        d.reset()
        d.queue(0, 8)
        d.set_status(virtio.ACKNOWLEDGE | virtio.DRIVER | virtio.DRIVER_OK)
        qtest.ok(not d.status() & virtio.DRIVER_OK, 'DRIVER_OK is set')
        qtest.eq(Scratch(d).starts(), 0, 'queues that were started')


@qtest.test
def queues_start_at_driver_ok():
    '''3.1.1: enabled queues start at DRIVER_OK; one that is enabled later starts then'''
    with machine() as m:
        d = virtio.pci(m, SLOT)
        d.start()
        d.queue(0, 8)
        s = Scratch(d)
        qtest.eq(s.starts(), 0, 'starts before DRIVER_OK')
        d.driver_ok()
        qtest.eq(s.starts(), 1, 'starts at DRIVER_OK')
        d.queue(1, 16)
        qtest.eq(s.starts(), 2, 'starts after enabling another')
        qtest.eq(s.word(QUEUE) >> 16, 16, 'its size')


@qtest.test
def no_notification_before_driver_ok():
    '''2.9, 3.1.1: a notification before DRIVER_OK, or of a queue that is not enabled, is nothing'''
    with machine() as m:
        d = virtio.pci(m, SLOT)
        d.start()
        d.queue(1, 8)
        d.notify(1)
        s = Scratch(d)
        d.driver_ok()
        d.notify(2)
        m.write(d.at[virtio.NOTIFY] + 4 * 700, b'\1\0')
        qtest.eq([s.kicks(q) for q in range(3)], [0, 0, 0], 'notifications')
        d.notify(1)
        qtest.eq(s.kicks(1), 1, 'notifications of queue 1')


@qtest.test
def notification_data():
    '''4.1.5.2: with NOTIFICATION_DATA the upper half of the notification reaches the device'''
    with machine('notification_data=on') as m:
        d = virtio.pci(m, SLOT)
        d.start(d.offered())
        d.queue(0, 8)
        d.queue(1, 8)
        d.driver_ok()
        s = Scratch(d)
        for q in (0, 1):
            d.notify(q, 0x8001 + q)
            qtest.eq((s.kicks(q), s.word(7)), (1, 0x8001 + q), f'notification and data of queue {q}')


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


# ---- 4.1.4.10 and the other legacy sections ----

@qtest.test
def legacy_registers():
    '''4.1.4.10: features, queue sizes, status and configuration by the I/O BAR; the latter moves with MSI-X'''
    with machine() as m:
        d = virtio.legacy(m, SLOT)
        offered = d.offered()
        for n in (0, virtio.NOTIFY_ON_EMPTY, virtio.ANY_LAYOUT, virtio.INDIRECT_DESC, virtio.EVENT_IDX):
            qtest.ok(offered >> n & 1, f'bit {n} is not offered')
        qtest.eq([d.queue_max(q) for q in range(4)], [256, 64, 8, 0], 'queue sizes')
        d.set_config(4, bytes([1, 2, 3, 4]))
        qtest.eq(d.config_int(4, 4), 0x04030201, 'argument')
        d.msix_on([0, 1])
        qtest.eq(d.config_int(4, 4), 0x04030201, 'argument, with MSI-X')
        qtest.eq((d.config_vector(1), d.queue_vector(0, 5)), (1, virtio.NO_VECTOR), 'vectors')


@qtest.test
def legacy_cycle():
    '''4.1.4.10, 3.1.2: a legacy driver without FEATURES_OK starts queues by page frame, notifies, and is interrupted'''
    with machine(intercept=True) as m:
        d, s = live(m, make=virtio.legacy)
        qtest.eq(s.starts(), 3, 'starts')
        qtest.ok(s.word(QUEUE) & 16, 'the device is not told that the driver is a legacy one')
        for q in range(3):
            d.notify(q)
        m.until(lambda: [s.kicks(q) for q in range(3)] == [1, 1, 1], 'the notifications')
        s.do(NOTIFY, 1)
        qtest.eq(m.line(d.gsi()), 1, 'pin')
        qtest.eq(d.interrupt(), 1, 'ISR status')
        qtest.eq(m.line(d.gsi()), 0, 'pin')


@qtest.test
def legacy_reset_waits():
    '''2.4: a legacy driver does not poll: its write returns when the reset is done'''
    with machine() as m:
        d, s = live(m, make=virtio.legacy)
        resets = s.resets()
        s.mode(STOP_LATER | RESET_LATER | BY_ITSELF)
        d.set_status(0)
        qtest.eq((d.status(), s.resets()), (0, resets + 1), 'status and resets')
        d.select(0)
        qtest.eq(m.inl(d.io + 8), 0, 'page frame')


@qtest.test
def legacy_notifies_early():
    '''3.1.2: a legacy driver may notify before DRIVER_OK, and without bus mastering'''
    with machine() as m:
        d = virtio.legacy(m, SLOT)
        d.start()
        d.queue(1)
        d.notify(1)
        s = Scratch(d)
        qtest.eq((s.starts(), s.kicks(1)), (1, 1), 'starts and notifications')
        d.driver_ok()
        qtest.eq(s.starts(), 1, 'starts')
        d.reset()
        d.f.set(pcitool.COMMAND, pcitool.COMMAND_IO | pcitool.COMMAND_MEMORY, 2)
        d.start()
        d.queue(0)
        d.driver_ok()
        qtest.ok(d.f.get(pcitool.COMMAND, 2) & pcitool.COMMAND_MASTER, 'bus mastering stays off')


@qtest.test
def legacy_queue_given_back():
    '''4.1.5.1.3, legacy: page frame 0 takes the queue back, and it can be set up again'''
    with machine() as m:
        d, s = live(m, make=virtio.legacy)
        d.select(1)
        m.outl(d.io + 8, 0)
        qtest.eq((m.inl(d.io + 8), s.stops()), (0, 1), 'page frame and stops')
        d.queue(1)
        s.mode(STOP_LATER | BY_ITSELF)
        d.select(2)
        m.outl(d.io + 8, 0)
        qtest.eq((m.inl(d.io + 8), s.stops()), (0, 2), 'page frame and stops')
        qtest.eq(s.starts(), 4, 'starts')


# ---- data ----

def flow(make, options='', msix=False, indirect=False, n=40, size=8):
    args = f'-object rng-builtin,id=r -device virtio-rng-pci,rng=r,addr={SLOT}{options}'
    with qtest.Machine(args, machine='q35', intercept=True) as m:
        d = make(m, SLOT)
        d.start()
        if msix:
            d.msix_on([0, 1])
            d.queue_vector(0, 1)
        ring = d.queue(0, None if d.legacy else size)
        d.driver_ok()
        for _ in range(n):
            token = ring.add(device=[24, 8], indirect=indirect)
            ring.kick()
            data = ring.wait(token)
            qtest.eq(len(data), 32, 'bytes')
            qtest.ok(any(data), 'nothing but zeros')
            if msix:
                m.until(lambda: d.message(1), 'the message')
            else:
                m.until(lambda: m.line(d.gsi()), 'the interrupt')
                qtest.eq(d.interrupt() & 1, 1, 'ISR status')
        d.reset()


@qtest.test
def data_flows():
    '''2.7, 2.8: buffers come back from split and packed rings, with and without indirect descriptors, by pin and MSI-X'''
    flow(virtio.pci)
    flow(virtio.pci, msix=True, indirect=True)
    flow(virtio.pci, ',packed=on', msix=True)
    flow(virtio.pci, ',packed=on', indirect=True)
    flow(virtio.pci, ',ioeventfd=off')
    flow(virtio.legacy)
    flow(virtio.legacy, msix=True, indirect=True)


if __name__ == '__main__':
    qtest.main()
