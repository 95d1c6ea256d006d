# SPDX-License-Identifier: BSD-2-Clause
"""virtio over PCI, by a device that does nothing of its own (tests/qtest/virtio-scratch)."""
import os

import pcitool
import qtest
import virtio

PLUGIN = os.environ.get('VIRTIO_SCRATCH', '')
SLOT = 4
ID = 0x3f


def machine(options='', more='', **how):
    if not PLUGIN:
        raise qtest.Skip('VIRTIO_SCRATCH=PATH is not set')
    return qtest.Machine(f'-plugin {PLUGIN} {more} -device virtio-scratch-pci,addr={SLOT},{options}', machine='q35', **how)


@qtest.test
def modern_ids():
    '''4.1.2.1: a device without legacy interface is 0x1040 + its id, of revision 1'''
    with machine('disable-legacy=on') as m:
        f = pcitool.Function(m, SLOT)
        qtest.eq(f.ids(), (0x1af4, 0x1040 + ID), 'ids')
        qtest.eq(f.get(8, 1), 1, 'revision')
        qtest.eq(f.get(0x2c), 0x11001af4, 'subsystem')


@qtest.test
def four_structures():
    '''4.1.4.1: common configuration, notification, ISR and device configuration, and access by configuration space'''
    with machine() as m:
        d = virtio.pci(m, SLOT)
        for which in (virtio.COMMON, virtio.NOTIFY, virtio.ISR, virtio.DEVICE_CFG, virtio.PCI_CFG):
            qtest.ok(d.cap(which), f'there is no capability of type {which}')
        qtest.eq(d.num_queues(), 3, 'num_queues')
        d.start()
        qtest.eq([d.queue_max(q) for q in range(4)], [256, 64, 8, 0], 'queue sizes')


if __name__ == '__main__':
    qtest.main()
