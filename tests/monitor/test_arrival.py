# SPDX-License-Identifier: BSD-2-Clause
"""What a machine says of itself when it has arrived: network cards, by RARP (RFC 903)."""
import struct

import qmp
import qtest
from migrig import finished, in_state, pair, path
from qmp import eq, ok, test

RAM = '-m 32M'
RARP, MAC = 0x8035, '52:54:00:12:34:56'


class Wire:
    """The other end of a -netdev stream: frames behind their lengths."""

    def __init__(self):
        self.listener = qtest.Listener()
        self.args = (f'-netdev stream,id=n0,server=off,addr.type=unix,addr.path={self.listener.path} '
                     f'-device virtio-net-pci,netdev=n0,addr=4,mac={MAC}')

    def exactly(self, n):
        got = b''
        while len(got) < n:
            part = self.listener.accept().recv(n - len(got))
            ok(part, 'the back end is still there')
            got += part
        return got

    def frame(self):
        return self.exactly(struct.unpack('>I', self.exactly(4))[0])

    def quiet(self, seconds):
        sock = self.listener.accept()
        sock.settimeout(seconds)
        try:
            return not sock.recv(1)
        except TimeoutError:
            return True
        finally:
            sock.settimeout(qtest.TIMEOUT)


def arrive(**parameters):
    """A machine with a card that has moved; the wire at its new place."""
    here, there = Wire(), Wire()
    with pair(f'{RAM} {here.args}', target_args=f'{RAM} {there.args}') as p:
        uri = f'unix:{path()}'
        p.await_('defer')
        p.target.cmd('migrate-set-parameters', **parameters)
        p.target.cmd('migrate-incoming', uri=uri)
        p.source.cmd('migrate', uri=uri)
        finished(p.source)
        in_state(p.target, 'running')
        yield there


@test
def it_is_announced():
    '''as many RARP frames as announce-rounds says, with the address of the card'''
    for wire in arrive(announce_initial=10, announce_max=20, announce_rounds=3, announce_step=5):
        for _ in range(3):
            got = wire.frame()
            eq((got[:6], got[6:12], struct.unpack_from('>H', got, 12)[0], len(got)),
               (b'\xff' * 6, bytes.fromhex(MAC.replace(':', '')), RARP, 60), 'a RARP frame')
        ok(wire.quiet(0.2), 'no more than that')


@test
def nothing_is_said():
    '''announce-rounds=0: silence'''
    for wire in arrive(announce_rounds=0):
        ok(wire.quiet(0.3), 'a frame')


if __name__ == '__main__':
    qmp.main()
