#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A Debian system on a virtio disk, in TAP: it boots to a login on the serial line and on hvc0, its network comes up by
DHCP, it writes and reads its disk, and shuts down cleanly. Runs where /dev/kvm runs Linux: run-linux-tests --cases disk."""
import argparse
import pathlib
import shlex
import sys
import tempfile

import l2
from l2_cases import Tap, add_options, case, require

TRANSPORT = {'q35': 'pci', 'microvm': 'device'}
USER, PASSWORD = 'root', 'tenon'


WAIT_FOR_DHCP = ('for i in $(seq 100); do ip -4 -o addr show scope global | grep -q 10.0.2 && break; sleep 0.3; done; '
                 'ip -c=never -4 -o addr show scope global')


def disk_and_network(rig, machine):
    """What the system needs; what it writes to the disk is forgotten."""
    bus = TRANSPORT[machine]
    return ('-drive', f'file={rig}/disk/disk.raw,format=raw,if=none,id=d0,snapshot=on',
            '-device', f'virtio-blk-{bus},drive=d0,serial=tenon-disk',
            '-netdev', 'user,id=n0', '-device', f'virtio-net-{bus},netdev=n0')


def console_and_rng(machine, folder):
    """What more a small server has."""
    bus = TRANSPORT[machine]
    return ('-device', f'virtio-serial-{bus},id=vs', '-chardev', f'socket,id=h0,path={folder}/hvc0,server=on,wait=off',
            '-device', 'virtconsole,chardev=h0', '-object', 'rng-random,id=r0,filename=/dev/urandom',
            '-device', f'virtio-rng-{bus},rng=r0')


class System:
    """One machine with the disk."""

    def __init__(self, options, tap, machine):
        self.options, self.tap, self.machine = options, tap, machine

    def case(self, name):
        return case(self.tap, f'Debian on {self.machine}: {name}')

    def command(self, folder):
        rig = self.options.rig
        guest = l2.Guest(kernel=f'{rig}/kernel/6.12/vmlinux', initrd=f'{rig}/disk/boot.cpio', machine=self.machine,
                         cpus=2, memory_mib=512, append='root=/dev/vda', no_reboot=True,
                         extra=(*disk_and_network(rig, self.machine), *console_and_rng(self.machine, folder)))
        return l2.command_line(self.options.vmm, self.options.binary, guest)

    def run(self):
        if not self.attempt(again=True):
            self.attempt(again=False)

    def attempt(self, again):
        """False: the guest was lost before its login, and may have another life."""
        with tempfile.TemporaryDirectory(dir='/var/tmp') as folder:
            command = self.command(folder)
            failed_before = self.tap.failed
            with l2.Console(command, self.options.patience, sys.stderr if self.options.verbose else None) as console:
                failure = self.log_in(console)
                if failure and again and console.vanished():
                    self.tap.comment(f'{self.machine}: reset without a word after {console.seconds():.0f} s; once more')
                    return False
                self.check(console, failure, pathlib.Path(folder))
            if self.tap.failed > failed_before:
                self.tap.comment('\n'.join(['$ ' + shlex.join(command), *console.last_lines(30)]))
        return True

    @staticmethod
    def log_in(console):
        try:
            console.log_in(USER, PASSWORD)
        except l2.Failure as failure:
            return failure
        return None

    def check(self, console, failure, folder):
        with self.case('a login on ttyS0'):
            if failure:
                raise failure
            self.tap.comment(f'a shell after {console.seconds():.1f} s')
        if failure:
            return  # its last words say why
        with self.case('a login on hvc0'), l2.SecondLine(console, folder / 'hvc0') as hvc0:
            hvc0.send('')
            hvc0.log_in(USER, PASSWORD)
            require(hvc0.ask('tty') == '/dev/hvc0', 'the shell is elsewhere')
        with self.case('the disk is written and read'):
            console.ask('dd if=/dev/urandom of=/root/a bs=1M count=16 conv=fsync && cp /root/a /root/b && sync && '
                        'echo 3 > /proc/sys/vm/drop_caches')
            answer = console.ask('cmp /root/a /root/b && echo same')
            require('same' in answer, answer)
            require('tenon-disk' in console.ask('cat /sys/block/vda/serial'), 'the serial number')
        with self.case('the network comes up by DHCP'):
            answer = console.ask(WAIT_FOR_DHCP)
            require('10.0.2.15/24' in answer, answer)
            answer = console.ask('ping -c 3 -i 0.3 10.0.2.2')
            require(' 0% packet loss' in answer, answer)
        with self.case('the random number generator gives'):
            answer = console.ask('cat /sys/class/misc/hw_random/rng_current; dd if=/dev/hwrng bs=64 count=4 2>/dev/null '
                                 '| wc -c')
            require('virtio_rng' in answer and '256' in answer, answer)
        with self.case('nothing complained'):
            answer = console.ask("dmesg | grep -E 'WARNING:|BUG:|Oops|nobody cared|I/O error|soft lockup' ; echo .")
            require(answer == '.', answer)
        with self.case('shuts down cleanly'):
            console.send('poweroff')
            status = console.exit_status()
            require(status == 0, f'exit status {status}')
            require('Power down' in console.text, 'no "Power down"')


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    add_options(parser)
    parser.add_argument('--machine', action='append', choices=('q35', 'microvm'))
    return parser.parse_args()


def main():
    options = parse_arguments()
    tap = Tap()
    for machine in options.machine or ('q35', 'microvm'):
        System(options, tap, machine).run()
    tap.plan()
    return 1 if tap.failed else 0


if __name__ == '__main__':
    sys.exit(main())
