#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs the bare-metal guests on a virtual machine monitor and reports in TAP.

    run_kvm_tests.py [--guests DIR] [--list] [-v] [NAME...]

TENON=PATH runs that tenon with KVM; VMM=qemu runs qemu-system-x86_64 instead (QEMU=PATH, ACCEL=tcg or kvm), which has
the same devices: the guests themselves are checked that way. Without either, everything is skipped.
A guest's checks count one by one; so does the status with which the monitor ends."""

import argparse
import dataclasses
import json
import os
import re
import shlex
import socket
import subprocess
import sys
import tempfile
import threading
import time

EXIT_PASS = 1  # isa-debug-exit: (value << 1) | 1
CHECK = re.compile(r'^(ok|not ok)\b(?: \d+)?(?: - )?(.*)$')
PLAN = re.compile(r'^1\.\.(\d+)$')


@dataclasses.dataclass
class Case:
    """One guest on one machine. devices and append are command-line text; status is what the monitor ends with;
    events are QMP events that must have been seen."""
    name: str
    guest: str
    machine: str = 'q35'
    devices: str = ''
    append: str = ''
    memory: int = 256
    cpus: int = 1
    status: int = EXIT_PASS
    timeout: float = 20
    events: tuple = ()
    tenon: bool = True  # False: tenon has not what it needs


EDU = '-device edu,addr=4'
MICROVM = 'microvm,acpi=on,rtc=on,isa-serial=on'
SERIAL = '-serial null'

CASES = [
    Case('smoke-microvm', 'smoke', MICROVM, append='mem_mib=256 hello=world'),
    Case('smoke-q35', 'smoke', append='mem_mib=256 hello=world'),
    Case('smoke-x2apic', 'smoke', append='hello=world x2apic=1'),
    Case('pio-microvm', 'pio', MICROVM, SERIAL),
    Case('pio-q35', 'pio', devices=SERIAL),
    Case('ioapic-microvm', 'ioapic', MICROVM, SERIAL),
    Case('ioapic-q35', 'ioapic', devices=f'{SERIAL} {EDU}'),
    Case('msi-ecam', 'msi', devices=EDU),
    Case('msi-cf8', 'msi', devices=EDU, append='pci=cf8'),
    Case('msi-x2apic', 'msi', devices=EDU, append='x2apic=1'),
    Case('pcitest', 'pcitest', devices='-device pci-testdev,addr=5'),
    Case('virtio-pci', 'virtio_rng', devices='-device virtio-rng-pci'),
    Case('virtio-mmio', 'virtio_rng', 'microvm,ioapic2=off',
         '-global virtio-mmio.force-legacy=false -device virtio-rng-device', 'transport=mmio'),
    Case('smp-q35', 'smp', cpus=2),
    Case('smp-x2apic', 'smp', cpus=2, append='x2apic=1'),
    Case('smp-microvm', 'smp', MICROVM, cpus=2),
    Case('reset-q35', 'reset', append='methods=cat'),
    Case('reset-i8042', 'reset', 'q35,acpi=off,i8042=on', append='methods=kct'),
    Case('reset-microvm', 'reset', MICROVM, append='methods=at'),
    Case('reset-smp', 'reset', append='methods=catt ap=1', cpus=2),
    Case('shutdown-q35', 'shutdown', status=0),
    Case('shutdown-microvm', 'shutdown', MICROVM, status=0),
    Case('sleep-q35', 'sleep', events=('SUSPEND', 'WAKEUP')),
    Case('sleep-pc', 'sleep', 'pc', events=('SUSPEND', 'WAKEUP')),
    Case('rtc-q35', 'rtc'),
    Case('rtc-microvm', 'rtc', MICROVM),
    Case('pvpanic', 'pvpanic', devices='-device pvpanic', status=0,
         events=('GUEST_CRASHLOADED', 'GUEST_PANICKED'), tenon=False),
    Case('pvpanic-action', 'pvpanic', devices='-device pvpanic -action panic=exit-failure', status=1),
    Case('timing-pio', 'timing', MICROVM, append='kind=pio-out n=2000'),
    Case('timing-mmio', 'timing', MICROVM, append='kind=mmio-read n=2000'),
    Case('acpi-q35', 'acpi_tables', append='need=FACP,APIC,MCFG'),
    Case('acpi-microvm', 'acpi_tables', MICROVM, append='need=FACP,APIC'),
]


class Monitor:
    """How to start tenon or QEMU: both take the same command line but for the accelerator."""

    def __init__(self):
        self.tenon = os.environ.get('TENON')
        self.qemu = os.environ.get('VMM') == 'qemu'

    def missing(self):
        """Why nothing can run here, or None."""
        if self.qemu:
            return None
        if not self.tenon:
            return 'neither TENON=PATH nor VMM=qemu is set'
        if not os.access('/dev/kvm', os.R_OK | os.W_OK):
            return 'no access to /dev/kvm'
        return None

    def program(self):
        if not self.qemu:
            return [*shlex.split(self.tenon), '-accel', 'kvm']
        qemu, accel = os.environ.get('QEMU', 'qemu-system-x86_64'), os.environ.get('ACCEL', 'tcg')
        if accel == 'kvm':  # the IOAPIC in user space, as tenon has it
            return [qemu, '-accel', 'kvm,kernel-irqchip=split', '-cpu', 'host']
        return [qemu, '-accel', accel, '-cpu', 'max']

    def command(self, case, kernel, qmp):
        """The whole command line; the guest prints on port 0xe9, which leaves 0x402 to firmware. Where nothing
        answers, QEMU's memory reads zeros and hardware's reads ones: so does tenon's."""
        append = f'console=0xe9 {case.append}' + (' unclaimed=zeros' if self.qemu else '')
        args = [*self.program(), '-M', case.machine, '-m', str(case.memory), '-smp', str(case.cpus),
                '-nodefaults', '-no-user-config', '-display', 'none', '-kernel', kernel,
                '-append', append,
                '-chardev', 'stdio,id=tap,signal=off', '-device', 'isa-debugcon,iobase=0xe9,chardev=tap',
                '-device', 'isa-debug-exit,iobase=0x501,iosize=2', *shlex.split(case.devices)]
        if qmp:
            args += ['-S', '-qmp', f'unix:{qmp},server=on,wait=off']
        return args


class QmpListener(threading.Thread):
    """Connects to the monitor's QMP socket, lets the stopped machine go, and collects event names."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.path, self.events = path, []
        self.start()

    def connect(self):
        deadline = time.monotonic() + 10
        while True:
            s = socket.socket(socket.AF_UNIX)
            try:
                s.connect(self.path)
                return s
            except OSError:
                s.close()
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)

    def run(self):
        try:
            with self.connect() as s, s.makefile('rw') as f:
                for command in ('qmp_capabilities', 'cont'):
                    f.write(json.dumps({'execute': command}) + '\n')
                    f.flush()
                for line in f:
                    event = json.loads(line).get('event')
                    if event:
                        self.events.append(event)
                    if event == 'SUSPEND':
                        f.write(json.dumps({'execute': 'system_wakeup'}) + '\n')
                        f.flush()
        except (OSError, ValueError):
            pass


def run_monitor(args, timeout):
    """Returns (status, output lines, what the monitor said on stderr); status None after a timeout."""
    p = subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        out, err = p.communicate(timeout=timeout)
        status = p.returncode
    except subprocess.TimeoutExpired:
        p.kill()
        out, err = p.communicate()
        status = None
    return status, out.decode(errors='replace').splitlines(), err.decode(errors='replace').strip()


class Report:
    """TAP of all cases in one stream."""

    def __init__(self, verbose):
        self.verbose, self.n, self.bad = verbose, 0, 0

    def check(self, passed, what):
        self.n += 1
        self.bad += not passed
        print(f"{'ok' if passed else 'not ok'} {self.n} - {what}", flush=True)

    def comment(self, text):
        print(f'# {text}', flush=True)

    def guest_lines(self, case, lines):
        """Passes a guest's checks on. Returns (how many there were, the plan it printed or None)."""
        count, plan = 0, None
        for line in lines:
            check, planned = CHECK.match(line), PLAN.match(line)
            if check:
                count += 1
                self.check(check[1] == 'ok', f'{case.name}: {check[2]}')
            elif planned:
                plan = int(planned[1])
            elif line.startswith('Bail out!'):
                self.check(False, f'{case.name}: {line}')
            elif self.verbose or line.startswith('# '):
                self.comment(f"{case.name}: {line.removeprefix('# ')}")
        return count, plan


def run_case(case, monitor, guests, report):
    kernel = os.path.join(guests, case.guest + '.elf')
    with tempfile.TemporaryDirectory(prefix='tenon-kvm-') as scratch:
        qmp = os.path.join(scratch, 'qmp') if case.events else None
        args = monitor.command(case, kernel, qmp)
        if report.verbose:
            report.comment(shlex.join(args))
        listener = QmpListener(qmp) if qmp else None
        status, lines, err = run_monitor(args, case.timeout)
        if listener:
            listener.join(5)
    bad_before = report.bad
    count, plan = report.guest_lines(case, lines)
    report.check(plan == count, f'{case.name}: {count} checks, {plan} planned')
    ended = f'timeout after {case.timeout:g} s' if status is None else f'status {status}'
    report.check(status == case.status, f'{case.name}: {ended}, {case.status} expected')
    for event in case.events:
        report.check(event in listener.events, f'{case.name}: QMP event {event}')
    if report.bad > bad_before:
        for line in err.splitlines():
            report.comment(f'{case.name}: stderr: {line}')
        report.comment(f'{case.name}: {shlex.join(args)}')


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--guests', default=here, help='where the .elf files are')
    parser.add_argument('--list', action='store_true', help='print the cases')
    parser.add_argument('-v', '--verbose', action='store_true', help='print command lines and all output')
    parser.add_argument('names', nargs='*', help='cases, or beginnings of their names; all without')
    options = parser.parse_args()
    cases = [c for c in CASES if not options.names or any(c.name.startswith(n) for n in options.names)]
    if options.list:
        print('\n'.join(c.name for c in cases))
        return 0
    monitor = Monitor()
    why = monitor.missing()
    if why:
        print(f'1..0 # SKIP {why}')
        return 0
    report = Report(options.verbose)
    for case in (c for c in cases if monitor.qemu or c.tenon):
        run_case(case, monitor, options.guests, report)
    print(f'1..{report.n}')
    return report.bad != 0


if __name__ == '__main__':
    sys.exit(main())
