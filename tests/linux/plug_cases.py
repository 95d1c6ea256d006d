#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Processors and memory that come and go under Linux, in TAP: CPUs are brought online, used and taken away under load, memory
modules are onlined, filled and offlined, one that is in use stays; and the memory of a running kernel is dumped. Runs where
/dev/kvm runs Linux: run-linux-tests --cases plug."""
import argparse
import os
import pathlib
import subprocess
import sys

import l2
import system
from l2_cases import Tap, add_options, require
from serial_cases import PROMPT

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path.append(str(TESTS / 'kvm'))
import plug_test  # noqa: E402

KERNEL = '6.12'
MIB = 1 << 20
RAM, MODULE = 320, 256  # MiB
WAIT = 'for i in $(seq 300); do {condition} && break; sleep 0.1; done; {condition} && echo there || echo not'
CPU = '/sys/devices/system/cpu/cpu{0}'
BURN = 'for c in $(seq 4); do (while [ ! -e /tmp/stop ]; do :; done) & done'
TOTAL = "awk '/^MemTotal/ { print $2 }' /proc/meminfo"
FILL = 'mount -t tmpfs -o size=90% big /root && dd if=/dev/zero of=/root/x bs=1M count={} 2>/dev/null; echo end >>/root/x'
OST_BUSY = 0x80  # of statuses that say no (ACPI 6.3, table 6-218)


class System(system.System):
    """One machine."""

    def command(self, folder):
        out = f'{folder}/guest.cpio'
        subprocess.run([TESTS / 'linux/mkguest', '-k', KERNEL, '--rig', self.options.rig, '-o', out], check=True, stdout=sys.stderr)
        extra = ('-m', f'{RAM}M,slots=2,maxmem=4G', *self.monitor_arguments(folder))
        guest = l2.Guest(kernel=f'{self.options.rig}/kernel/{KERNEL}/vmlinuz', initrd=out, cpus='1,maxcpus=3,sockets=3',
                         no_reboot=True, append='nokaslr' if self.options.nokaslr else '', extra=extra)
        return l2.command_line(self.options.vmm, self.options.binary, guest)

    def check(self, console, folder):
        with self.case('a shell; Linux knows where processors and memory may come'):
            console.expect(l2.HELLO, 'init')
            console.expect(PROMPT, 'the prompt')
            self.shell.ask('stty -echo')
            self.connect()
            possible = self.shell.ask('cat /sys/devices/system/cpu/possible')
            require(possible == '0-2', f'possible processors: {possible}')
            srat = self.shell.ask("dmesg | grep 'SRAT.*hotplug'")
            require('0x100000000' in srat, f'SRAT: {srat}')
        self.check_cpus()
        self.check_memory()
        if self.options.vmm == 'tenon':
            self.check_dump()
        self.check_end(console)

    # ---- asking ----

    def wait(self, condition, what):
        answer = self.shell.ask(WAIT.format(condition=condition))
        require(answer.endswith('there'), f'{what}: {answer}')

    def number(self, command):
        answer = self.shell.ask(command)
        require(answer.isdigit(), answer)
        return int(answer)

    # ---- processors ----

    def plug_cpu(self, i):
        self.ask('device_add', driver='host-x86_64-cpu', id=f'c{i}', **{'socket-id': i, 'core-id': 0, 'thread-id': 0})
        self.wait(f'[ -e {CPU.format(i)}/online ]', f'Linux does not see CPU {i}')
        self.shell.ask(f'echo 1 >{CPU.format(i)}/online')
        self.wait(f'[ $(cat {CPU.format(i)}/online) = 1 ]', f'CPU {i} does not come online')

    def unplug_cpu(self, i):
        self.ask('device_del', id=f'c{i}')
        self.event('DEVICE_DELETED', device=f'c{i}')
        self.wait(f'[ ! -e {CPU.format(i)}/online ]', f'Linux keeps CPU {i}')

    def check_cpus(self):
        with self.case('a CPU comes online, and runs what is bound to it'):
            self.plug_cpu(1)
            require(self.number('nproc') == 2, 'nproc')
            require(self.shell.ask("taskset 2 sh -c 'cut -d\" \" -f39 /proc/self/stat'") == '1', 'it ran elsewhere')
        with self.case('it goes'):
            self.unplug_cpu(1)
            require(self.number('nproc') == 1, 'nproc')
            require(len(self.ask('query-cpus-fast')) == 1, 'query-cpus-fast')
        with self.case(f'two come and go {self.options.cycles} times, under load'):
            self.shell.ask(f'rm -f /tmp/stop; {{ {BURN}; }} 2>/dev/null')
            for _ in range(self.options.cycles):
                for i in 1, 2:
                    self.plug_cpu(i)
                for i in 2, 1:
                    self.unplug_cpu(i)
            self.shell.ask('touch /tmp/stop; wait 2>/dev/null')

    # ---- memory ----

    def plug_memory(self, id):
        self.ask('object-add', id=f'm-{id}', size=MODULE * MIB, **{'qom-type': 'memory-backend-ram'})
        self.ask('device_add', driver='pc-dimm', id=id, memdev=f'm-{id}')

    def check_memory(self):
        self.shell.ask('echo online_movable >/sys/devices/system/memory/auto_online_blocks')
        before = self.number(TOTAL)
        grown = before + MODULE * 1024 * 9 // 10
        with self.case('a module is onlined, and holds more than there was before'):
            self.plug_memory('d1')
            self.wait(f'[ $({TOTAL}) -gt {grown} ]', 'MemTotal does not grow')
            fill = (RAM + MODULE) * 6 // 10
            answer = self.shell.ask(FILL.format(fill) + '; wc -c </root/x; tail -c 4 /root/x')
            require(answer.split() == [str(fill * MIB + 4), 'end'], answer)
            require(self.ask('query-memory-size-summary')['plugged-memory'] == MODULE * MIB, 'the summary')
        with self.case('it is offlined, and goes'):
            self.shell.ask('rm /root/x; umount /root')
            self.ask('device_del', id='d1')
            self.event('DEVICE_DELETED', device='d1')
            self.wait(f'[ $({TOTAL}) -lt {grown} ]', 'MemTotal does not shrink')
            self.ask('object-del', id='m-d1')
        with self.case('one that the kernel itself uses stays: it says no, and the module is whole'):
            self.shell.ask('echo online_kernel >/sys/devices/system/memory/auto_online_blocks')
            self.plug_memory('d2')
            self.wait(f'[ $({TOTAL}) -gt {grown} ]', 'MemTotal does not grow')
            self.shell.ask(FILL.format(fill))
            self.qmp.events = []
            self.ask('device_del', id='d2')
            while self.event('ACPI_DEVICE_OST')['info']['status'] < OST_BUSY:
                pass
            self.tap.comment(f'_OST: {self.ask("query-acpi-ospm-status")[0]}')
            require(len(self.ask('query-memory-devices')) == 1, 'query-memory-devices')
            require(self.shell.ask('tail -c 4 /root/x; rm /root/x; umount /root') == 'end', 'what was in it')

    # ---- dump ----

    def dump(self, path, paging):
        self.ask('dump-guest-memory', paging=paging, detach=True, protocol=f'file:{path}')
        result = self.event('DUMP_COMPLETED')
        require(result['result']['status'] == 'completed', result)

    def check_dump(self):
        path = f'{self.folder}/core'
        banner = self.shell.ask("echo 0 >/proc/sys/kernel/kptr_restrict; awk '$3 == \"linux_banner\" { print $1 }' /proc/kallsyms")
        with self.case('dump-guest-memory paging=true: the banner is where the kernel says'):
            self.dump(path, paging=True)
            core = plug_test.Core(path)
            text = core.virtual(int(banner, 16), 14)
            os.unlink(path)
            known = f'{len(core.headers)} headers, the last of {core.headers[-1]}'
            require(text == b'Linux version ', f'at {banner}: {text}; {known}')
            require(len([n for n in core.notes() if n[0] == 'CORE']) == 1, 'notes')
        with self.case('dump-guest-memory: a core file of all memory, which readelf takes'):
            self.dump(path, paging=False)
            size = os.path.getsize(path)
            os.unlink(path)
            require(size > (RAM + MODULE) * MIB, f'{size} bytes')


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    add_options(parser)
    parser.add_argument('--cycles', type=int, default=3)
    parser.add_argument('--nokaslr', action='store_true')
    return parser.parse_args()


def main():
    tap = Tap()
    System(parse_arguments(), tap).run()
    tap.plan()
    return 1 if tap.failed else 0


if __name__ == '__main__':
    sys.exit(main())
