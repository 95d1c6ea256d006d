# SPDX-License-Identifier: BSD-2-Clause
"""A machine with virtio-scratch on PCI."""
import qtest
import virtio
from virtioscratch import Scratch, plugin

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
