#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Linux that moves while it works, in TAP: to a second process over a UNIX socket, to a file, and from the file to a third one,
while fio writes and verifies a disk and the network answers. Runs where /dev/kvm runs Linux: run-linux-tests --cases migrate."""
import argparse
import contextlib
import pathlib
import re
import shlex
import socket
import sys
import tempfile
import time

import io_guest
import l2
from io_guest import MIB
from l2_cases import Tap, add_options, case, require
from serial_cases import Shell
from system import Monitor

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'monitor'))
import qmp  # noqa: E402

NETWORK = ('ip addr add 10.0.2.15/24 dev eth0; ip link set eth0 up; '
           'for i in 1 2 3 4 5; do ping -c 1 -W 5 10.0.2.2 >/dev/null && break; sleep 0.3; done && echo answered')


class Place:
    """A process that has the machine, or is to have it."""

    def __init__(self, stack, command, folder, number, patience, echo):
        self.path = f'{folder}/qmp{number}'
        command = [*command, '-qmp', f'unix:{self.path},server=on,wait=off']
        self.console = stack.enter_context(l2.Console(command, patience, echo))
        self.patience = patience
        self.qmp = Monitor(self.connect())

    def connect(self):
        for _ in range(600):
            s = socket.socket(socket.AF_UNIX)
            try:
                s.connect(self.path)
                return s
            except OSError:
                s.close()
                time.sleep(0.05)
        raise l2.Failure(f'no monitor at {self.path}')

    def ask(self, name, **arguments):
        try:
            return self.qmp.cmd(name, **arguments)
        except (OSError, qmp.QmpError, qmp.Failure) as error:
            raise l2.Failure(f'{name}: {error}') from error

    def wait_running(self):
        end = time.monotonic() + self.patience
        while self.ask('query-status')['status'] != 'running':
            require(time.monotonic() < end, 'it does not run')
            time.sleep(0.2)

    def migrate(self, uri):
        self.ask('migrate-set-parameters', **{'max-bandwidth': 0})
        self.ask('migrate', uri=uri)
        end = time.monotonic() + self.patience
        while time.monotonic() < end:
            info = self.ask('query-migrate')
            if info['status'] in ('completed', 'failed', 'cancelled'):
                require(info['status'] == 'completed', f'migration: {info}')
                return info
            time.sleep(0.2)
        raise l2.Failure(f'migration does not end: {info}')


class System:
    """One machine."""

    def __init__(self, options, tap, machine):
        self.options, self.tap, self.machine, self.places = options, tap, machine, 0
        self.shell = None

    def case(self, name):
        return case(self.tap, f'{self.machine}: {name}')

    def command(self, folder):
        with open(f'{folder}/d0.raw', 'wb') as image:
            image.truncate(16 * MIB)
        bus = 'pci' if self.machine == 'q35' else 'device'
        extra = ('-drive', f'file={folder}/d0.raw,format=raw,if=none,id=d0', '-device', f'virtio-blk-{bus},drive=d0,serial=still,id=disk',
                 '-netdev', 'user,id=n0', '-device', f'virtio-net-{bus},netdev=n0,id=nic',
                 '-device', f'virtio-rng-{bus},id=rng')
        guest = l2.Guest(kernel=f'{self.options.rig}/kernel/{io_guest.KERNEL}/vmlinux', initrd=f'{self.options.images}/tools.cpio',
                         cpus=self.options.cpus, machine=self.machine, memory_mib=512, no_reboot=True, extra=extra)
        return l2.command_line(self.options.vmm, self.options.binary, guest)

    def run(self):
        with tempfile.TemporaryDirectory(dir='/var/tmp') as self.folder, contextlib.ExitStack() as self.stack:
            self.line = self.command(self.folder)
            failed_before = self.tap.failed
            place = self.check(self.place())
            if self.tap.failed > failed_before:
                self.tap.comment('\n'.join(['$ ' + shlex.join(map(str, self.line)), *place.console.last_lines(40)]))

    def place(self, *more):
        self.places += 1
        return Place(self.stack, [*self.line, *more], self.folder, self.places, self.options.patience,
                     sys.stderr if self.options.verbose else None)

    def check(self, place):
        with self.case('a shell, a disk under load, a network'):
            shell = Shell(place.console)
            io_guest.at_prompt(place.console)
            shell.ask('. /bin/hot.sh; verify_on still')
            self.shell = shell
            require('answered' in self.shell.ask(NETWORK), 'the network')
        if not self.shell:
            return place
        for hop in range(self.options.hops):
            place = self.hop(place, hop)
        place = self.through_a_file(place)
        self.check_load()
        self.check_end(place)
        return place

    def turns(self, before=''):
        return int(self.shell.ask(f"{before}grep -c ': ok' /tmp/verify").split()[-1])

    def still_works(self, place, what):
        """The shell on the serial line goes on in the new place, and the load and the network with it."""
        self.shell = Shell(place.console)
        place.wait_running()  # what is typed before is lost with the state that it came into
        before = self.turns()
        answer = self.shell.ask(NETWORK.split(';', 2)[2])
        require('answered' in answer, f'{what}: the network: {answer}')
        for _ in range(60):
            if self.turns('sleep 1; ') > before:
                return
        raise l2.Failure(f'{what}: the disk does nothing more')

    def hop(self, place, hop):
        with self.case(f'to another process while it runs, {hop + 1}'):
            uri = f'unix:{self.folder}/mig{hop}'
            target = self.place('-incoming', uri)
            info = place.migrate(uri)
            self.tap.comment(f'downtime {info["downtime"]} ms of {info["total-time"]} ms, {info["ram"]["dirty-sync-count"]} passes, '
                             f'{info["ram"]["transferred"] >> 20} MiB')
            require(place.ask('query-status')['status'] == 'postmigrate', 'the source still runs')
            self.still_works(target, 'there')
            place = target
        return place

    def through_a_file(self, place):
        with self.case('to a file, and from it to another process'):
            state = f'{self.folder}/state'
            info = place.migrate(f'file:{state}')
            self.tap.comment(f'{pathlib.Path(state).stat().st_size >> 20} MiB in {info["total-time"]} ms')
            target = self.place('-incoming', f'file:{state}')
            self.still_works(target, 'from the file')
            place = target
        return place

    def check_load(self):
        with self.case('fio found the disk as it had written it'):
            answer = self.shell.ask('verified')
            found = re.search(r'turns=(\d+) errors=(\d+)', answer)
            require(found and int(found[1]) > 0 and found[2] == '0', answer)
            self.tap.comment(f'{found[1]} turns of 2 MiB')

    def check_end(self, place):
        with self.case('Linux did not complain'):
            answer = self.shell.ask("dmesg | grep -E 'WARNING:|BUG:|Oops|nobody cared|soft lockup|blocked for|I/O error' ; echo .")
            require(answer == '.', answer)
        with self.case('shuts down cleanly'):
            place.console.send('poweroff -f')
            status = place.console.exit_status()
            require(status == 0, f'exit status {status}')


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    add_options(parser)
    parser.add_argument('--images', required=True, help='what io_guest.make_images made')
    parser.add_argument('--machine', action='append', choices=('q35', 'microvm'))
    parser.add_argument('--cpus', type=int, default=2)
    parser.add_argument('--hops', type=int, default=1)
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
