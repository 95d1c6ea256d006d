# SPDX-License-Identifier: BSD-2-Clause
"""State files that earlier builds have written: they load, and what was in the middle of its work goes on.

golden/NAME.state are those files. Who changes a class in a way that does not load them has broken every state that users
have kept: give the field a `since` and the state a higher version (docs/migration.md). A file is added when a class gets a
new version, by GOLDEN=write in the environment; one that is there stays."""
import os

import qmp
from migrig import BlkRing, in_state, path
from qmp import eq, ok, test

GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'golden')
WRITE = os.environ.get('GOLDEN') == 'write'
SERIAL = '-chardev null,id=s0 -device isa-serial,chardev=s0'


class Machine:
    """One that the file `name` is of: work() is what its guest has done, check() what must have come along."""

    def __init__(self, name, machine, args):
        self.name, self.machine, self.args = name, machine, f'-m 2M {args}'
        self.file = os.path.join(GOLDEN, f'{name}.state')

    def work(self, vm):
        vm.write(0x1000, bytes(range(256)))
        vm.write(0x180000, b'\x5a' * 8192)
        vm.outb(0x3ff, 0xa5)  # the serial port's scratch register
        for index, value in (0x0a, 0x26), (0x7f, 0x42):  # CMOS: divider, a byte of RAM
            vm.outb(0x70, index)
            vm.outb(0x71, value)

    def check(self, vm):
        eq(vm.read(0x1000, 256), bytes(range(256)), 'RAM')
        eq(vm.read(0x180000, 8192), b'\x5a' * 8192, 'RAM that repeats a word')
        eq(vm.inb(0x3ff), 0xa5, 'a serial port')
        eq(vm.inb(0x71), 0x42, 'the byte of CMOS that 0x70 selects')

    def write(self):
        with qmp.Vm(self.args, self.machine) as vm:
            self.work(vm)
            eq(vm.hmp(f'savevm file:{self.file}'), '')

    def load(self):
        if WRITE and not os.path.exists(self.file):
            self.write()
        with qmp.Vm(f'{self.args} -incoming file:{self.file}', self.machine) as vm:
            in_state(vm, 'running')
            self.check(vm)
            eq(vm.hmp(f'savevm file:{path("again")}'), '')


class Q35(Machine):
    """With requests under way: the disk takes two a second."""
    EDU, EDU_BAR = 0x80002800, 0xe1000000

    def __init__(self):
        super().__init__('q35-1', 'q35', f'{SERIAL} '
                         '-drive if=none,id=d,driver=null-co,size=1M,read-zeroes=on,throttling.iops-total=2 '
                         '-device virtio-blk-pci,drive=d,addr=4 -device edu,addr=5,id=edu '
                         '-netdev socket,id=n,listen=127.0.0.1:0 -device virtio-net-pci,netdev=n,mac=52:54:00:12:34:56 '
                         '-device virtio-rng-pci -device virtio-serial-pci,id=vs -device pcie-root-port,id=rp '
                         '-device pci-testdev,bus=rp -device pvpanic')

    def config(self, vm, reg, value):
        vm.outl(0xcf8, self.EDU | reg)
        vm.outl(0xcfc, value)

    def work(self, vm):
        super().work(vm)
        self.config(vm, 0x10, self.EDU_BAR)
        self.config(vm, 4, 7)
        vm.writel(self.EDU_BAR + 4, 0x12345678)
        BlkRing(vm).submit(5)

    def check(self, vm):
        super().check(vm)
        eq(vm.readl(self.EDU_BAR + 4), 0xffffffff ^ 0x12345678, "edu's live check")
        ring = BlkRing.__new__(BlkRing)
        ring.vm = vm
        for _ in range(200):
            if ring.used() == 5:
                break
            vm.step(500_000_000)
        eq(ring.used(), 5, 'requests that were answered')


class Microvm(Machine):
    def __init__(self):
        super().__init__('microvm-1', 'microvm,rtc=on,isa-serial=off',
                         f'{SERIAL} -device virtio-rng-device -device virtio-blk-device,drive=d '
                         '-drive if=none,id=d,driver=null-co,size=1M')


class Pc(Machine):
    def __init__(self):
        super().__init__('pc-1', 'pc', f'{SERIAL} -device virtio-rng-pci')


@test
def q35():
    '''q35: PCI functions, a ring with requests in it'''
    Q35().load()


@test
def microvm():
    '''microvm: devices on virtio-mmio'''
    Microvm().load()


@test
def pc():
    '''pc: i440FX and PIIX3'''
    Pc().load()


@test
def what_does_not_fit_is_refused():
    '''a file of another machine: a line that names the difference, and status 1'''
    text = qmp.refuses(f'{Q35().args} -device edu,id=more -incoming file:{Q35().file}', 'q35')
    ok('load of migration failed' in text and text.count('\n') == 1, text)


if __name__ == '__main__':
    qmp.main()
