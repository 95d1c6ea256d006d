# SPDX-License-Identifier: BSD-2-Clause
"""The legacy interface of virtio over PCI, by a device that does nothing of its own (virtio-scratch). Numbers are sections of
Virtual I/O Device 1.3."""
import pcitool
import qtest
import virtio
from scratch_machine import SLOT, live, machine
from virtioscratch import BY_ITSELF, NOTIFY, QUEUE, RESET_LATER, STOP_LATER, Scratch

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


if __name__ == '__main__':
    qtest.main()
