# SPDX-License-Identifier: BSD-2-Clause
"""virtio over PCI, by a device that does nothing of its own (virtio-scratch), and where data flows by virtio-rng: identity,
structures, status and features. Numbers are sections of Virtual I/O Device 1.3."""
import pcitool
import qtest
import virtio
from scratch_machine import SLOT, live, machine, refused
from virtioscratch import ID, QUEUE, REFUSE, Scratch, plugin

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
