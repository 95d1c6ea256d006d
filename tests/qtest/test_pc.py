#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The chipset of pc from its registers: 440FX datasheet 290549-001, PIIX3 290550-002, PIIX4 290562-001, ACPI 6.5."""
import os
import shutil
import subprocess
import tempfile

import pcitool
import qtest
from pm_machine import APM_CNT, BASE, PM1_CNT, PM1_EN, PM1_STS, PM_TMR, PWRBTN, Pm, RST_CNT, SCI, SCI_EN, SLP_EN
from qtest import eq, ok

PMCCFG, DBC, PAM0, SMRAM = 0x50, 0x53, 0x59, 0x72
XBCS, PIRQRCA = 0x4e, 0x60
PMBA, PMREGMISC, SMBBA = 0x40, 0x80, 0x90
GPE0 = 0xafe0


def pc(options='', machine='pc', **kw):
    return qtest.Machine(options, machine=machine, **kw)


class Piix4(Pm):
    """Function 3 and its PM block."""

    def __init__(self, **kw):
        super().__init__(pc(**kw), 1, 3, ((PMBA, BASE | 1, 4), (PMREGMISC, 1, 1)))


@qtest.test
def identities():
    """8086:1237 is the host bridge, 8086:7000 the ISA bridge, 8086:7113 power management"""
    with pc() as m:
        found = {(slot, fn): (f.ids(), f.get(pcitool.CLASS_REV) >> 16)
                 for slot, fn in ((0, 0), (1, 0), (1, 3)) for f in [pcitool.Function(m, slot, fn)]}
        eq(found, {(0, 0): ((0x8086, 0x1237), 0x0600), (1, 0): ((0x8086, 0x7000), 0x0601),
                   (1, 3): ((0x8086, 0x7113), 0x0680)}, 'functions')


@qtest.test
def multi_function():
    """the header of 00:01.0 says that there are further functions, that of 00:00.0 does not [2.2.8, 3.2.9]"""
    with pc() as m:
        eq(pcitool.Function(m, 0).get(0x0e, 1), 0, 'header type of the host bridge')
        eq(pcitool.Function(m, 1).get(0x0e, 1), 0x80, 'header type of the ISA bridge')


@qtest.test(tenon='QEMU has an IDE controller')
def empty_places():
    """no IDE controller at 00:01.1, no USB controller at 00:01.2"""
    with pc() as m:
        for fn in (1, 2):
            eq(pcitool.Function(m, 1, fn).get(0), 0xffffffff, f'function {fn}')


@qtest.test
def mechanism_1():
    """the low bits of a register may be given at either port: 0xcf8 or 0xcfc"""
    with pc() as m:
        m.outl(0xcf8, 0x80000000 | 2)
        eq(m.inw(0xcfc), 0x1237, 'with the low bits in 0xcf8')
        m.outl(0xcf8, 0x80000000)
        eq(m.inw(0xcfe), 0x1237, 'with the low bits in the data port')
        m.outl(0xcf8, 0)
        eq(m.inl(0xcfc), 0xffffffff, 'while not enabled')


@qtest.test
def conventional():
    """the bus is pci.0: a device on it has no PCI Express capability, a virtio one is transitional"""
    with pc('-device virtio-rng-pci,addr=4,bus=pci.0') as m:
        f = pcitool.Function(m, 4)
        eq(f.ids(), (0x1af4, 0x1005), 'vendor and device')
        eq(f.cap(pcitool.CAP_EXP), 0, 'PCI Express capability')


@qtest.test
def host_bridge_stores():
    """PAM0 has bits 5:4, PAM1 to PAM6 both nibbles' RE and WE [3.2.18]"""
    with pc() as m:
        f = pcitool.Function(m, 0)
        for i in range(7):
            eq(f.get(PAM0 + i, 1), 0, f'PAM{i} after reset')
            f.set(PAM0 + i, 0x33, 1)
        eq([f.get(PAM0 + i, 1) & 0x33 for i in range(1, 7)], [0x33] * 6, 'PAM1 to PAM6')
        eq(f.get(PAM0, 1) & 0x30, 0x30, 'PAM0')


@qtest.test(tenon='QEMU has no masks and clears what it does not use')
def host_bridge_defaults():
    """reset values, and reserved bits that stay 0 [3.2.11 to 3.2.26]"""
    with pc() as m:
        f = pcitool.Function(m, 0)
        eq((f.get(PMCCFG, 2), f.get(DBC, 1), f.get(0x57, 1), f.get(0x60)), (0, 0x80, 1, 0x01010101), 'reset values')
        f.set(PAM0, 0xff, 1)
        f.set(PAM0 + 1, 0xff, 1)
        eq((f.get(PAM0, 1), f.get(PAM0 + 1, 1)), (0x30, 0x33), 'PAM0, PAM1')


@qtest.test
def smram_lock():
    """D_LCK locks SMRAM and itself until a reset, and clears D_OPEN [3.2.23]"""
    with pc(qmp=True) as m:
        f = pcitool.Function(m, 0)
        eq(f.get(SMRAM, 1), 0x02, 'after reset')
        f.set(SMRAM, 0x5a, 1)
        eq(f.get(SMRAM, 1) & 0x50, 0x10, 'D_LCK and D_OPEN')
        f.set(SMRAM, 0x0a, 1)
        ok(f.get(SMRAM, 1) & 0x10, 'D_LCK stays')
        m.reset()
        eq(f.get(SMRAM, 1), 0x02, 'after a reset')


@qtest.test
def isa_bridge():
    """XBCS is 3 after reset; PIRQ routes are disabled, and keep what is written [2.2.10, 2.2.11]"""
    with pc() as m:
        f = pcitool.Function(m, 1)
        eq((f.get(XBCS, 2), f.get(PIRQRCA)), (0x03, 0x80808080), 'XBCS, PIRQRC')
        f.set(PIRQRCA, 0x0b0b0a0a)
        eq(f.get(PIRQRCA), 0x0b0b0a0a, 'PIRQRC')


@qtest.test
def reset_control():
    """RST_CPU going from 0 to 1 resets [PIIX3 2.5.6.1]"""
    with pc(qmp=True) as m:
        f = pcitool.Function(m, 1)
        f.set(PIRQRCA, 0x0b, 1)
        m.outb(RST_CNT, 2)
        m.outb(RST_CNT, 6)
        m.qmp.event('RESET')
        eq(f.get(PIRQRCA, 1), 0x80, 'PIRQRCA')


@qtest.test(tenon='no firmware has run on QEMU')
def pm_in_place():
    """without firmware the PM block is at 0x600, enabled"""
    with Piix4() as d:
        eq((d.f.get(PMBA), d.f.get(PMREGMISC, 1), d.f.get(SMBBA)), (0x601, 1, 1), 'PMBA, PMREGMISC, SMBBA')
        ok(d.m.inl(BASE + PM_TMR) != 0xffffffff, 'PM_TMR')


@qtest.test
def pm_moves():
    """the block follows PMBA, and PMIOSE takes it away [7.1.11, 7.1.27]"""
    with Piix4() as d:
        d.set(PM1_EN, PWRBTN)
        d.f.set(PMBA, 0xb000 | 1)
        eq(d.m.inw(0xb000 + PM1_EN), PWRBTN, 'PM1_EN at the new place')
        eq(d.get(PM1_EN), 0xffff, 'the old place')
        d.f.set(PMREGMISC, 0, 1)
        eq(d.m.inw(0xb000 + PM1_EN), 0xffff, 'without PMIOSE')
        d.f.set(PMREGMISC, 1, 1)
        eq(d.m.inw(0xb000 + PM1_EN), PWRBTN, 'with PMIOSE')


@qtest.test
def acpi_enable():
    """commands 0xf1 and 0xf0 switch SCI_EN [ACPI 4.8.2.3]"""
    with Piix4() as d:
        eq(d.get(PM1_CNT) & SCI_EN, 0, 'after reset')
        d.m.outb(APM_CNT, 0xf1)
        ok(d.get(PM1_CNT) & SCI_EN, 'after 0xf1')
        d.m.outb(APM_CNT, 0xf0)
        eq(d.get(PM1_CNT) & SCI_EN, 0, 'after 0xf0')


@qtest.test
def power_button():
    """the power button raises the SCI, until its status is cleared [ACPI 4.8.2.2.1]"""
    with Piix4(qmp=True, intercept=True) as d:
        d.m.outb(APM_CNT, 0xf1)
        d.set(PM1_EN, PWRBTN)
        d.m.qmp.command('system_powerdown')
        d.m.until(lambda: d.m.line(SCI), 'SCI')
        ok(d.get(PM1_STS) & PWRBTN, 'PWRBTN_STS')
        d.set(PM1_STS, PWRBTN)
        eq(d.m.line(SCI), 0, 'SCI')


@qtest.test
def gpe0():
    """GPE0 is at 0xafe0: two bytes of status, two of enable, which keep what is written"""
    with Piix4() as d:
        d.m.outb(GPE0 + 2, 0xa5)
        eq(d.m.inb(GPE0 + 2), 0xa5, 'GPE0_EN')
        eq(d.m.inb(GPE0), 0, 'GPE0_STS')


@qtest.test
def soft_off():
    """SLP_EN with SLP_TYP 0 ends the machine [ACPI 4.8.3.2.1]"""
    with Piix4(qmp=True) as d:
        d.set(PM1_CNT, SLP_EN)
        d.m.qmp.event('SHUTDOWN')
        eq(d.m.exit_status(), 0, 'exit status')


@qtest.test
def acpi_off():
    """acpi=off: there is no function 3, and no APM port"""
    with pc(machine='pc,acpi=off') as m:
        eq(pcitool.Function(m, 1, 3).get(0), 0xffffffff, 'function 3')
        eq(m.inb(BASE + PM_TMR), 0xff, 'PM_TMR')


@qtest.test
def hot_unplug():
    """a device goes when its slot's bit is written to the eject register at 0xae08"""
    with pc('-device virtio-rng-pci,addr=6,id=r0', qmp=True) as m:
        m.qmp.command('device_del', id='r0')
        m.outl(0xae08, 1 << 6)
        while 'device' not in (gone := m.qmp.event('DEVICE_DELETED')):
            pass
        eq(gone, {'device': 'r0', 'path': '/machine/peripheral/r0'}, 'what is gone')
        eq(pcitool.Function(m, 6).get(0), 0xffffffff, 'identity')


@qtest.test
def ospm_status():
    """query-acpi-ospm-status needs ACPI"""
    with pc(qmp=True) as m:
        eq(m.qmp.command('query-acpi-ospm-status'), [], 'slots')
    with pc(machine='none', qmp=True) as m:
        try:
            m.qmp.command('query-acpi-ospm-status')
        except qtest.Failure as e:
            ok('missing ACPI device' in str(e), str(e))
        else:
            raise qtest.Failure('it was answered')


@qtest.test
def ram_size():
    """fw_cfg key 3 is the size of RAM: 128 MiB unless -m says otherwise"""
    for options, size in (('', 128), ('-m 64', 64), ('-m 4G', 4096)):
        with pc(options) as m:
            m.outw(0x510, 3)
            eq(int.from_bytes(bytes(m.inb(0x511) for _ in range(8)), 'little'), size << 20, options or 'default')


@qtest.test
def boot_order():
    """CMOS 0x3d and 0x38 tell firmware the boot order, a nibble each; -boot once= is for the first boot"""
    def order():
        m.outb(0x70, 0x38)
        last = m.inb(0x71)
        m.outb(0x70, 0x3d)
        return last << 8 | m.inb(0x71)
    for options, first, then in (('', 0x3012, 0x3012), ('-boot c', 0x0002, 0x0002), ('-boot nda', 0x1034, 0x1034),
                                 ('-boot order=', 0, 0), ('-boot once=a', 0x0001, 0x3012),
                                 ('-boot once=a,order=c -M fd-bootchk=off', 0x0101, 0x0102)):
        with pc(options, qmp=True) as m:
            eq(order(), first, f'{options} at first')
            m.reset()
            eq(order(), then, f'{options} after a reset')


def nodes(options):
    """Node of each CPU."""
    with pc(options, qmp=True) as m:
        return [c['props']['node-id'] for c in m.qmp.command('query-cpus-fast')]


@qtest.test
def numa_cpus():
    """-numa: sockets in turn, unless cpus= or -numa cpu says where; who is not named is in node 0"""
    two = '-numa node,nodeid=0,memdev=ram -numa node,nodeid=1'
    ram = '-object memory-backend-ram,id=ram,size=128M'
    eq(nodes(f'{ram} -smp 4,sockets=4 {two}'), [0, 1, 0, 1], 'by sockets')
    eq(nodes(f'{ram} -smp 4 -numa node,memdev=ram -numa node,cpus=1-2'), [0, 1, 1, 0], 'by cpus=')
    eq(nodes(f'{ram} -smp 4,sockets=2,cores=2 {two} -numa cpu,node-id=1,socket-id=1,core-id=0'), [0, 0, 1, 0], 'by place')


@qtest.test(tenon='its words are others')
def numa_refused():
    """-numa: backends and mem= do not mix; a CPU needs a node and a place that there are"""
    ram = '-object memory-backend-ram,id=ram,size=64M -numa node,memdev=ram'
    for options, text in ((f'{ram} -numa node,mem=64M', 'mixing both is not allowed'),
                          (f'{ram} -m 64 -numa cpu,socket-id=0', 'Missing mandatory node-id property'),
                          (f'{ram} -m 64 -numa cpu,node-id=3', 'Invalid node-id=3'),
                          (f'{ram} -m 64 -numa cpu,node-id=0,socket-id=9', 'no match found')):
        message = qtest.refuses(options, machine='pc')
        ok(text in message, f'{options}: {message}')


@qtest.test
def ram_map():
    """RAM below 4 GiB ends at 3 GiB when there is more than 3.5 GiB of it"""
    with pc('-m 4G') as m:
        m.writel(0xbffffffc, 0x12345678)
        eq(m.readl(0xbffffffc), 0x12345678, 'below the hole')
        m.writel(0x100000000, 0x9abcdef0)
        eq(m.readl(0x100000000), 0x9abcdef0, 'above it')
        m.writel(0xc0000000, 1)
        ok(m.readl(0xc0000000) != 1, 'in it')


@qtest.test(tenon='about the name of the program')
def as_qemu():
    """a program that is called qemu-system-x86_64 makes pc where no machine is named"""
    with tempfile.TemporaryDirectory() as d:
        link = os.path.join(d, 'qemu-system-x86_64')
        os.symlink(os.path.abspath(shutil.which(qtest.PROGRAM[0])), link)
        for program, default in ((link, 'pc-i440fx-10.0'), (qtest.PROGRAM[0], 'pc-q35-10.0')):
            text = subprocess.run([program, '-M', 'help'], capture_output=True, text=True, timeout=qtest.TIMEOUT).stdout
            eq([x.split()[0] for x in text.splitlines() if '(default)' in x], [default], f'default of {program}')


if __name__ == '__main__':
    qtest.main()
