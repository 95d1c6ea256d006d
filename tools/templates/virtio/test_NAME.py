"""@NAME@ as a driver meets it, on both transports: TENON and PLUGIN name the two files (make check sets them)."""
import os

import qtest
import virtio


def machine(kind, options=''):
    plugin = f'-plugin {os.environ["PLUGIN"]}'
    if kind == 'pci':
        return qtest.Machine(f'{plugin} -device @NAME@-pci,addr=4{options}', machine='q35')
    return qtest.Machine(f'{plugin} -device @NAME@-device{options}', machine='microvm')


def live(m, kind, **how):
    """The device behind DRIVER_OK, and its queue."""
    d = virtio.pci(m, 4) if kind == 'pci' else virtio.mmio(m, 7)
    d.start(**how)
    ring = d.queue(0, 8)
    d.driver_ok()
    return d, ring


def say(ring, parts, room):
    token = ring.add(driver=parts, device=room)
    ring.kick()
    return ring.wait(token)


@qtest.test
def answers():
    """each byte comes back with `plus` added, in pieces of any size, and is counted"""
    for kind in ('pci', 'mmio'):
        with machine(kind, ',plus=2') as m:
            d, ring = live(m, kind)
            qtest.eq(say(ring, [b'ABC', b'DE'], [2, 100]), b'CDEFG', 'answer')
            qtest.eq(say(ring, [b'\xff'], [1]), b'\x01', 'answer')
            qtest.eq(d.config_int(0, 4), 2, 'answers')


@qtest.test
def packed():
    """2.8: the same with a packed ring"""
    with machine('pci', ',packed=on') as m:
        d, ring = live(m, 'pci')
        qtest.ok(d.has(virtio.RING_PACKED), 'RING_PACKED')
        qtest.eq(say(ring, [b'HAL'], [3]), b'IBM', 'answer')


@qtest.test
def little_room():
    """what does not fit is left out"""
    with machine('pci') as m:
        qtest.eq(say(live(m, 'pci')[1], [b'long'], [2]), b'mp', 'answer')


if __name__ == '__main__':
    qtest.main()
