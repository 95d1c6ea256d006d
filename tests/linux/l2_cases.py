#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The Linux boot cases, in TAP: every kernel x machine x number of CPUs. Runs where /dev/kvm runs Linux: run-linux-tests
puts it into the rig's L1."""
import argparse
import contextlib
import itertools
import re
import shlex
import sys
import time

import l2

RTC_TOLERANCE = 5  # seconds; a busy emulated machine takes long between reading and printing
BRIDGES = {'q35': ('0000:00:00.0 8086:29c0 060000', '0000:00:1f.0 8086:2918 060100'),
           'pc': ('0000:00:00.0 8086:1237 060000', '0000:00:01.0 8086:7000 060100')}


class Tap:
    """One line per case; what else is worth knowing becomes a comment."""

    def __init__(self, out=sys.stdout):
        self.out, self.count, self.failed = out, 0, 0

    def result(self, name, error=None):
        self.count += 1
        self.failed += error is not None
        print(f'{"not ok" if error is not None else "ok"} {self.count} - {name}', file=self.out, flush=True)
        if error is not None:
            self.comment(error)

    def comment(self, text):
        for line in str(text).splitlines():
            print(f'# {line}', file=self.out, flush=True)

    def plan(self):
        print(f'1..{self.count}', file=self.out, flush=True)


@contextlib.contextmanager
def case(tap, name):
    """A case passes unless its block raises Failure."""
    try:
        yield
    except l2.Failure as failure:
        tap.result(name, failure)
    else:
        tap.result(name)


def require(condition, text):
    if not condition:
        raise l2.Failure(text)


class Configuration:
    """One column of the matrix and its cases."""

    def __init__(self, options, tap, release, machine, cpus):
        self.options, self.tap, self.release, self.machine, self.cpus = options, tap, release, machine, cpus
        self.name = f'{release} {machine} {cpus} vCPU'

    def run(self):
        self.check_shell()
        self.check_no_reboot()

    @contextlib.contextmanager
    def console(self, image, **changes):
        """A guest with an image of the rig; its last words become comments if a case of it fails."""
        guest = l2.Guest(kernel=f'{self.options.rig}/kernel/{self.release}/vmlinuz',
                         initrd=f'{self.options.rig}/guest/{image}.cpio', cpus=self.cpus,
                         machine=l2.machine_argument(self.machine), **changes)
        command = l2.command_line(self.options.vmm, self.options.binary, guest)
        failed_before = self.tap.failed
        with l2.Console(command, self.options.patience, sys.stderr if self.options.verbose else None) as console:
            yield console
        if self.tap.failed > failed_before:
            self.tap.comment('\n'.join(['$ ' + shlex.join(command), *console.last_lines()]))

    def case(self, name):
        return case(self.tap, f'{self.name}: {name}')

    def check_shell(self):
        """One life of a guest: boots, answers, reboots, comes back, powers off."""
        with self.console('shell', append='run=report') as console:
            with self.case('reaches init and prints on ttyS0'):
                self.tap.comment(self.time_to_init(console))
            report = self.read_report(console)
            self.check_report(report)
            with self.case('takes input on ttyS0'):
                console.send('echo $((6 * 7))nd')
                console.expect('42nd', 'the answer of the shell')
            with self.case('reboots and comes back'):
                console.send('reboot -f')
                console.expect(l2.HELLO, 'the second init')
                console.expect('report done', 'the second report')
            if not console.given_up:
                console.send('poweroff -f')
                self.check_power_off(console)

        if console.given_up:
            with self.console('boot', append='exit=poweroff') as console:
                self.check_power_off(console)

    def check_power_off(self, console):
        with self.case('powers off and the VMM exits with 0'):
            status = console.exit_status()
            require(status == 0, f'exit status {status}')

    @staticmethod
    def time_to_init(console):
        uptime = console.expect(l2.HELLO, 'init').group(1)
        exits = ' '.join(f'{name}={count}' for name, count in l2.kvm_exits().items())
        return f'init after {console.seconds():.1f} s (guest: {uptime} s), KVM exits: {exits}'

    def check_no_reboot(self):
        with self.console('boot', append='exit=reboot', no_reboot=True) as console:
            with self.case('a reboot under -no-reboot ends the VMM with 0'):
                console.expect(l2.HELLO, 'init')
                status = console.exit_status()
                require(status == 0, f'exit status {status}')
                require(len(re.findall(l2.HELLO, console.text)) == 1, 'the guest came back')

    @staticmethod
    def read_report(console):
        """What guest/shell-init.sh reports: {key: [values]}, with the host's time as 'now'; None if it never comes."""
        start = console.position
        try:
            console.expect('report done', 'the report')
        except l2.Failure:
            return None
        report = {'now': time.time(), 'pci': []}
        for key, value in re.findall(r'tenon: (\w+)=(.*)', console.text[start:console.position]):
            report.setdefault(key, []).append(value.strip())
        return report

    def check_report(self, report):
        for name, check in (('has its CPUs', self.check_cpus), ('reads the time from the RTC', self.check_rtc),
                            ('sees the PCI functions of its machine', self.check_pci),
                            ('boots without complaints of the kernel', self.check_complaints)):
            with self.case(name):
                require(report is not None, 'no report of the guest')
                check(report)

    def check_cpus(self, report):
        require(report['cpus'] == [str(self.cpus)], f'{report["cpus"]} CPUs, not {self.cpus}')

    @staticmethod
    def check_rtc(report):
        value = report['rtc'][0].split()[0]
        require(value != 'none', 'no RTC')
        difference = report['now'] - int(value)
        require(abs(difference) <= RTC_TOLERANCE, f'the RTC is {difference:.1f} s behind')

    def check_pci(self, report):
        if self.machine == 'microvm':
            require(report['pci'] == [], f'a machine without PCI shows {report["pci"]}')
            return
        for function in BRIDGES[self.machine]:
            require(function in report['pci'], f'{function} is not in {report["pci"]}')

    @staticmethod
    def check_complaints(report):
        require(report['complaints'] == ['0'], f'{report["complaints"]}: {report.get("dmesg", "")}')


def add_options(parser):
    """What every script of cases knows."""
    parser.add_argument('--vmm', choices=('tenon', 'qemu'), default='tenon')
    parser.add_argument('--binary', required=True)
    parser.add_argument('--rig', required=True)
    parser.add_argument('--patience', type=float, default=120, help='seconds that a guest gets for one answer')
    parser.add_argument('--verbose', action='store_true', help="the guest's serial line on stderr")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    add_options(parser)
    parser.add_argument('--kernel', action='append', choices=('6.1', '6.12'))
    parser.add_argument('--machine', action='append', choices=('q35', 'microvm', 'pc'))
    parser.add_argument('--cpus', action='append', type=int)
    return parser.parse_args()


def main():
    options, tap = parse_arguments(), Tap()
    print('TAP version 13')
    started = time.monotonic()
    for column in itertools.product(options.kernel or ('6.1', '6.12'), options.machine or ('q35', 'microvm', 'pc'),
                                    options.cpus or (1, 2)):
        Configuration(options, tap, *column).run()
    tap.comment(f'{time.monotonic() - started:.0f} s')
    tap.plan()
    return 1 if tap.failed else 0


if __name__ == '__main__':
    sys.exit(main())
