# SPDX-License-Identifier: BSD-2-Clause
"""The driver's side of virtio-scratch (tests/qtest/virtio-scratch), a device that does on request what a device may do to its
transport."""
import os
import struct

import qtest

ID = 0x3f
CONFIG_CHANGED, BROKEN, NOTIFY, CALL, STOPPED, RESET_DONE = range(1, 7)  # commands
STOP_LATER, RESET_LATER, START_FAILS, REFUSE, BY_ITSELF, LENT = 1, 2, 4, 8, 16, 32  # mode
COMMAND, ARGUMENT, MODE, CALLS, KICKS, DATA, QUEUE, STATUS = 0, 1, 2, 3, 4, 7, 8, 9  # words of its configuration


def plugin():
    """The option that loads it."""
    path = os.environ.get('VIRTIO_SCRATCH')
    if not path:
        raise qtest.Skip('VIRTIO_SCRATCH=PATH is not set')
    return f'-plugin {path}'


class Scratch:
    def __init__(self, dev):
        self.dev = dev

    def word(self, n):
        return self.dev.config_int(4 * n, 4)

    def put(self, n, v):
        self.dev.set_config(4 * n, struct.pack('<I', v))

    def do(self, command, argument=0):
        self.put(ARGUMENT, argument)
        self.put(COMMAND, command)

    def mode(self, bits):
        self.put(MODE, bits)

    def kicks(self, q):
        return self.word(KICKS + q)

    def clear_kicks(self):
        for q in range(3):
            self.put(KICKS + q, 0)

    def resets(self):
        return self.word(CALLS) >> 16

    def starts(self):
        return self.word(CALLS) >> 8 & 0xff

    def stops(self):
        return self.word(CALLS) & 0xff
