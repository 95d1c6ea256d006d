#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What a host bridge hides of RAM moves with the machine, and so does what is in it."""
import os
import tempfile
import time

import qmp
from qmp import eq, test

BRIDGES = (('pc', 0x59), ('q35', 0x90))


def config(vm, reg, v):
    vm.outl(0xcf8, 0x80000000 | reg & ~3)
    vm.outb(0xcfc + (reg & 3), v)


def completed(vm):
    while (state := vm.cmd('query-migrate').get('status')) not in ('completed', 'failed'):
        time.sleep(0.02)
    return state


@test
def moved():
    """a segment that is RAM, one that cannot be written and one that is hidden are so at the target"""
    for machine, pam in BRIDGES:
        with tempfile.TemporaryDirectory() as d:
            path = os.path.join(d, 'state')
            with qmp.Vm('-m 32M', machine=machine) as vm:
                config(vm, pam + 1, 0x33)
                for address in (0xc0000, 0xc4000):
                    vm.write(address, b'\x42')
                config(vm, pam + 1, 0x13)
                config(vm, pam + 2, 0x33)
                vm.write(0xc8000, b'\x43')
                config(vm, pam + 2, 0x30)
                vm.cmd('stop')
                vm.cmd('migrate', uri=f'file:{path}')
                eq(completed(vm), 'completed')
            with qmp.Vm(f'-m 32M -incoming file:{path} -S', machine=machine) as vm:
                eq(completed(vm), 'completed')
                vm.cmd('cont')
                vm.write(0xc4000, b'\x99')
                eq([vm.read(a, 1) for a in (0xc0000, 0xc4000, 0xc8000)], [b'\x42', b'\x42', b'\xff'])
                config(vm, pam + 2, 0x33)
                eq(vm.read(0xc8000, 1), b'\x43')


if __name__ == '__main__':
    qmp.main()
