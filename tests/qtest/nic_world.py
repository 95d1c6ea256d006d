# SPDX-License-Identifier: BSD-2-Clause
"""A network device and what is at the other end of its cable: this program, by a datagram socket."""
import contextlib
import os
import socket

import qtest
from virtio_nic import Nic, WAYS


class World:
    """The other end of the cable."""
    count = 0

    def __init__(self):
        World.count += 1
        base = os.path.join(qtest.Setup.get().folder, f'net{World.count}')
        self.ours, self.theirs = base + '.world', base + '.vm'
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(self.ours)
        self.sock.settimeout(qtest.TIMEOUT)

    def args(self):
        return (f'-netdev dgram,id=n,local.type=unix,local.path={self.theirs},'
                f'remote.type=unix,remote.path={self.ours}')

    def send(self, data):
        self.sock.sendto(data, self.theirs)

    def offer(self, data):
        """Sends it, unless the other end takes no more now."""
        self.sock.settimeout(0)
        with contextlib.suppress(BlockingIOError):
            self.send(data)
        self.sock.settimeout(qtest.TIMEOUT)

    def receive(self):
        return self.sock.recv(1 << 17)

    def silent(self, seconds=0.05):
        self.sock.settimeout(seconds)
        try:
            self.sock.recv(1 << 17)
            return False
        except (TimeoutError, BlockingIOError):
            return True
        finally:
            self.sock.settimeout(qtest.TIMEOUT)

    def close(self):
        self.sock.close()


# ---- transports ----

ALL = tuple(WAYS)
MODERN, SEVERAL = ('pci', 'pci_packed'), ('pci', 'pci_packed', 'pci_legacy')


@contextlib.contextmanager
def nic(way='pci', args=''):
    """A device on that transport, and the world."""
    with contextlib.closing(World()) as world:
        way = WAYS[way]
        with way.machine(f'netdev=n{args}', before=world.args()) as m:
            yield Nic(m, way.device(m), world)
