#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Linux sleeps with its memory on (ACPI S3) and is woken, in TAP: processors, interrupts, a disk, a NIC and the console work as
before, again and again. Runs where /dev/kvm runs Linux: run-linux-tests --cases suspend."""
import argparse
import pathlib
import shlex
import socket
import sys
import tempfile

import io_guest
import l2
from l2_cases import Tap, case, require
from serial_cases import Shell

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'monitor'))
import qmp  # noqa: E402

MIB = 1 << 20
# What is checked before and after a sleep: the last word is "ok".
WORKS = 'quick_disk a && quick_net 00 10.0.2.15/24 10.0.2.2 && [ $(nproc) = 2 ] && taskset 2 true && echo ok'


class Monitor(qmp.Qmp):
    """Answers are not held against the schema: that takes long here, and is done elsewhere."""

    def get_schema(self):
        return None


class System:
    """One machine."""

    def __init__(self, options, tap, machine):
        self.options, self.tap, self.machine = options, tap, machine

    def case(self, name):
        return case(self.tap, f'{self.machine}: {name}')

    def command(self, folder):
        with open(f'{folder}/a.raw', 'wb') as image:
            image.truncate(16 * MIB)
        extra = ('-drive', f'file={folder}/a.raw,format=raw,if=none,id=a', '-device', 'virtio-blk-pci,drive=a,serial=a',
                 '-netdev', 'user,id=n', '-device', 'virtio-net-pci,netdev=n,mac=52:54:00:0e:00:00',
                 '-qmp', f'unix:{folder}/qmp,server=on,wait=off')
        guest = l2.Guest(kernel=f'{self.options.rig}/kernel/{io_guest.KERNEL}/vmlinux', initrd=f'{self.options.images}/tools.cpio',
                         machine=self.machine, cpus=2, no_reboot=True, append=self.options.append, extra=extra)
        return l2.command_line(self.options.vmm, self.options.binary, guest)

    def run(self):
        with tempfile.TemporaryDirectory(dir='/var/tmp') as folder:
            command = self.command(folder)
            failed_before = self.tap.failed
            with l2.Console(command, self.options.patience, sys.stderr if self.options.verbose else None) as console:
                self.check(console, folder)
            if self.tap.failed > failed_before:
                self.tap.comment('\n'.join(['$ ' + shlex.join(map(str, command)), *console.last_lines(40)]))

    def check(self, console, folder):
        self.shell = Shell(console)
        with self.case('a shell; Linux knows S3, and so does the monitor'):
            io_guest.at_prompt(console)
            s = socket.socket(socket.AF_UNIX)
            s.connect(f'{folder}/qmp')
            self.qmp = Monitor(s)
            require('deep' in self.shell.ask('cat /sys/power/mem_sleep'), 'mem_sleep')
            require(self.qmp.cmd('query-current-machine') == {'wakeup-suspend-support': True}, 'query-current-machine')
            self.require_works()
        for turn in range(self.options.turns):
            with self.case(f'sleeps, is woken, and works: {turn + 1}'):
                self.sleep()
                self.require_works()
        with self.case('Linux did not complain, and powers off'):
            answer = self.shell.ask('faults; echo .')
            require(answer == '.', answer)
            console.send('poweroff -f')
            status = console.exit_status()
            require(status == 0, f'exit status {status}')

    def require_works(self):
        answer = self.shell.ask(WORKS)
        require(answer.splitlines()[-1:] == ['ok'], answer)

    def sleep(self):
        """The shell's line goes on where it has stopped."""
        what = 'echo deep >/sys/power/mem_sleep; echo mem >/sys/power/state && echo slept'
        self.shell.begin(what)
        try:
            self.qmp.event('SUSPEND', timeout=self.options.patience)
            status = self.qmp.cmd('query-status')
            require(status['status'] == 'suspended', f'the state is {status}')
            self.qmp.cmd('system_wakeup')
            self.qmp.event('WAKEUP', timeout=self.options.patience)
        except (OSError, qmp.QmpError, qmp.Failure) as error:
            raise l2.Failure(f'{error}') from error
        answer = self.shell.end(what)
        require(answer.splitlines()[-1:] == ['slept'], answer)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--vmm', choices=('tenon', 'qemu'), default='tenon')
    parser.add_argument('--binary', required=True)
    parser.add_argument('--rig', required=True)
    parser.add_argument('--images', required=True, help='what io_guest.make_images made')
    parser.add_argument('--machine', action='append', choices=('q35', 'pc'))
    parser.add_argument('--turns', type=int, default=3)
    parser.add_argument('--append', default='', help="more of the kernel's command line")
    parser.add_argument('--patience', type=float, default=120, help='seconds for each answer')
    parser.add_argument('--verbose', action='store_true', help="the guest's serial line on stderr")
    return parser.parse_args()


def main():
    tap, options = Tap(), parse_arguments()
    for machine in options.machine or ('q35', 'pc'):
        System(options, tap, machine).run()
    tap.plan()
    return 1 if tap.failed else 0


if __name__ == '__main__':
    sys.exit(main())
