#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Linux sleeps with its memory on (ACPI S3) and is woken, in TAP: processors, interrupts, a disk, a NIC and the console work as
before, again and again. Runs where /dev/kvm runs Linux: run-linux-tests --cases suspend."""
import argparse
import sys

import io_guest
import l2
import system
from l2_cases import Tap, add_options, require

MIB = 1 << 20
# What is checked before and after a sleep: the last word is "ok".
WORKS = 'quick_disk a && quick_net 00 10.0.2.15/24 10.0.2.2 && [ $(nproc) = 2 ] && taskset 2 true && echo ok'

SLEEP = 'echo deep >/sys/power/mem_sleep; echo mem >/sys/power/state && echo slept'


class System(system.System):
    """One machine."""

    def __init__(self, options, tap, machine):
        super().__init__(options, tap)
        self.machine, self.prefix = machine, f'{machine}: '

    def command(self, folder):
        with open(f'{folder}/a.raw', 'wb') as image:
            image.truncate(16 * MIB)
        extra = ('-drive', f'file={folder}/a.raw,format=raw,if=none,id=a', '-device', 'virtio-blk-pci,drive=a,serial=a',
                 '-netdev', 'user,id=n', '-device', 'virtio-net-pci,netdev=n,mac=52:54:00:0e:00:00',
                 *self.monitor_arguments(folder))
        guest = l2.Guest(kernel=f'{self.options.rig}/kernel/{io_guest.KERNEL}/vmlinux', initrd=f'{self.options.images}/tools.cpio',
                         machine=f'{self.machine},i8042=on', cpus=2, no_reboot=True, append=self.options.append, extra=extra)
        return l2.command_line(self.options.vmm, self.options.binary, guest)

    def check(self, console, folder):
        with self.case('a shell; Linux knows S3, and so does the monitor'):
            io_guest.at_prompt(console)
            self.connect()
            require('deep' in self.shell.ask('cat /sys/power/mem_sleep'), 'mem_sleep')
            require(self.ask('query-current-machine') == {'wakeup-suspend-support': True}, 'query-current-machine')
            self.require_works()
        with self.case('the alarm of the clock wakes it'):
            self.sleep_until(f'echo +3 >/sys/class/rtc/rtc0/wakealarm; {SLEEP}')
            self.require_works()
        with self.case('a key wakes it'):
            self.sleep(lambda: self.ask('send-key', keys=[{'type': 'qcode', 'data': 'shift'}]))
            self.require_works()
        for turn in range(self.options.turns):
            with self.case(f'sleeps, is woken, and works: {turn + 1}'):
                self.sleep()
                self.require_works()
        self.check_end(console)

    def require_works(self):
        answer = self.shell.ask(WORKS)
        require(answer.splitlines()[-1:] == ['ok'], answer)

    def sleep(self, wake=None):
        self.sleep_until(SLEEP, wake or (lambda: self.ask('system_wakeup')))

    def sleep_until(self, what, wake=lambda: None):
        """The shell's line goes on where it has stopped."""
        self.shell.begin(what)
        self.event('SUSPEND')
        status = self.ask('query-status')
        require(status['status'] == 'suspended', f'the state is {status}')
        wake()
        self.event('WAKEUP')
        answer = self.shell.end(what)
        require(answer.splitlines()[-1:] == ['slept'], answer)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    add_options(parser)
    parser.add_argument('--images', required=True, help='what io_guest.make_images made')
    parser.add_argument('--machine', action='append', choices=('q35', 'pc'))
    parser.add_argument('--turns', type=int, default=3)
    parser.add_argument('--append', default='', help="more of the kernel's command line")
    return parser.parse_args()


def main():
    tap, options = Tap(), parse_arguments()
    for machine in options.machine or ('q35', 'pc'):
        System(options, tap, machine).run()
    tap.plan()
    return 1 if tap.failed else 0


if __name__ == '__main__':
    sys.exit(main())
