# SPDX-License-Identifier: BSD-2-Clause
"""One device on every transport, with both kinds of ring: cases that run once for each.

    @virtio_ways.test('rng')
    def gives_bytes(way):
        '''5.4.6: ...'''
        with way.machine() as m:
            dev = way.device(m)
"""
import functools
import subprocess

import qtest
import virtio

SLOT = 4
SLOTS_MMIO = 32


@functools.cache
def exists(driver):
    return subprocess.run([*qtest.PROGRAM, '-device', f'{driver},help'], capture_output=True, timeout=qtest.TIMEOUT).returncode == 0


class Way:
    """machine(): a machine with the device; device(m): its driver, not started; start(dev): up to FEATURES_OK."""

    def __init__(self, name, kind, bus, options='', legacy=False, packed=False):
        self.name, self.kind, self.bus, self.options = name, kind, bus, options
        self.legacy, self.packed = legacy, packed

    def machine(self, options='', before='', after='', **how):
        pci = self.bus == 'pci'
        driver = f'virtio-{self.kind}-{"pci" if pci else "device"}'
        place = f',addr={SLOT}' if pci else ''
        packed = ',packed=on' if self.packed else ''
        args = f'{before} {self.options} -device {driver}{place}{packed},id=dev{"," if options else ""}{options} {after}'
        if not exists(driver):
            raise qtest.Skip(f'there is no {driver}')
        return qtest.Machine(args, machine='q35' if pci else 'microvm', **how)

    def device(self, m):
        if self.bus == 'pci':
            return (virtio.legacy if self.legacy else virtio.pci)(m, SLOT)
        for slot in reversed(range(SLOTS_MMIO)):
            base = virtio.MMIO_BASE + slot * virtio.MMIO_STEP
            if m.readl(base) == virtio.MMIO_MAGIC and m.readl(base + 8):
                return virtio.Mmio(m, base)
        raise qtest.Failure('no virtio-mmio slot has a device')

    def start(self, dev, **how):
        dev.start(**how)
        qtest.eq(dev.has(virtio.RING_PACKED), self.packed, 'VIRTIO_F_RING_PACKED')
        return dev


def ways(kind):
    return [
        Way('pci', kind, 'pci'),
        Way('pci_packed', kind, 'pci', packed=True),
        Way('pci_legacy', kind, 'pci', legacy=True),
        Way('mmio', kind, 'mmio', '-global virtio-mmio.force-legacy=off'),
        Way('mmio_packed', kind, 'mmio', '-global virtio-mmio.force-legacy=off', packed=True),
        Way('mmio_legacy', kind, 'mmio', '-global virtio-mmio.force-legacy=on', legacy=True),
    ]


def test(kind, *, only=None, tenon=None):
    """A case for each way, or those whose names are in only; it is called with the way."""
    def add(fn):
        for way in ways(kind):
            if only and way.name not in only:
                continue
            case = functools.partial(fn, way)
            case.__name__ = f'{fn.__name__}_{way.name}'
            case.__doc__ = fn.__doc__
            qtest.test(case, tenon=tenon) if tenon else qtest.test(case)
        return fn
    return add
