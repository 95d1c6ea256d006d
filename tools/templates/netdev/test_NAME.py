"""@NAME@ behind a virtio-net, in a machine without a CPU: TENON and PLUGIN name the two files (make check sets them)."""
import os

import qtest
import virtio
from virtio_nic import Nic

ME, PEER = bytes.fromhex('525400123456'), bytes.fromhex('020000000001')


def machine(options=''):
    return qtest.Machine(f'-plugin {os.environ["PLUGIN"]} -netdev @NAME@,id=n{options} '
                         f'-device virtio-net-pci,netdev=n,addr=4', machine='q35')


def nic_of(m):
    return Nic(m, virtio.pci(m, 4), None).start()


def frame(i, dst=PEER, src=ME):
    return dst + src + b'\x88\xb5' + bytes([i]) * 50


@qtest.test
def comes_back():
    """a frame comes back, its addresses exchanged"""
    with machine() as m:
        nic = nic_of(m)
        buffers = nic.fill(4)
        nic.send(frame(1))
        m.step(1000)
        qtest.eq(nic.receive(buffers)[1], frame(1, ME, PEER), 'frame')


@qtest.test
def takes_its_time():
    """it comes after `delay` and not before"""
    with machine(',delay=1000') as m:
        nic = nic_of(m)
        buffers = nic.fill(4)
        nic.send(frame(1))
        m.step(900_000)
        qtest.ok(nic.silent(), 'a frame came too soon')
        m.step(200_000)
        qtest.eq(nic.receive(buffers)[1], frame(1, ME, PEER), 'frame')


@qtest.test
def nowhere_to_go():
    """while the guest has no buffers frames wait, and more than fit keep the guest from sending"""
    with machine() as m:
        nic = nic_of(m)
        for i in range(60):
            nic.send(frame(i))
        m.step(1000)
        buffers = nic.fill(60)
        for i in range(60):
            qtest.eq(nic.receive(buffers)[1], frame(i, ME, PEER), f'frame {i}')


if __name__ == '__main__':
    qtest.main()
