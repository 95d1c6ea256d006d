#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Moves a bare-metal guest on KVM from process to process while it works: memory that it writes, a second CPU, timer
interrupts and clocks must not show it. TENON=PATH, --guests DIR as run_kvm_tests.py; TENON_OTHER=PATH is another build,
which takes turns. Reports in TAP."""

import argparse
import os
import shlex
import subprocess
import sys
import tempfile
import threading
import time

from plug_test import Qmp
from run_kvm_tests import CHECK, EXIT_PASS, Monitor, Report

TIMEOUT = 60


class Process:
    """One that runs the guest, or waits for it. Its lines are collected in a thread."""
    count = 0

    def __init__(self, monitor, guests, scratch, append, cpus=1, incoming=None, other=False, machine='q35', guest='migrate'):
        Process.count += 1
        self.path = os.path.join(scratch, f'qmp{Process.count}')
        program = monitor.program()
        if other and os.environ.get('TENON_OTHER'):
            program = [*shlex.split(os.environ['TENON_OTHER']), '-accel', 'kvm']
        args = [*program, '-M', machine, '-m', '128', '-smp', str(cpus), '-nodefaults', '-display', 'none',
                '-kernel', os.path.join(guests, f'{guest}.elf'), '-append', f'console=0xe9 {append}',
                '-chardev', 'stdio,id=tap,signal=off', '-device', 'isa-debugcon,iobase=0xe9,chardev=tap',
                '-device', 'isa-debug-exit,iobase=0x501,iosize=2', '-qmp', f'unix:{self.path},server=on,wait=off']
        args += ['-incoming', incoming] if incoming else ['-S']  # a guest that ends at once must not outrun its monitor
        self.lines = []
        self.process = subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        self.qmp = Qmp(self.path)
        if not incoming:
            self.qmp.cmd('cont')

    def read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip('\r\n'))

    def rounds(self):
        seen = [int(x.split()[-1]) for x in self.lines if x.startswith('# round')]
        return seen[-1] if seen else 0

    def wait_round(self, n):
        end = time.monotonic() + TIMEOUT
        while self.rounds() < n and self.process.poll() is None and time.monotonic() < end:
            time.sleep(0.005)
        return self.rounds() >= n

    def migrate(self, uri):
        return self.qmp.cmd('migrate', uri=uri)

    def info(self):
        return self.qmp.cmd('query-migrate')['return']

    def finished(self):
        end = time.monotonic() + TIMEOUT
        while time.monotonic() < end:
            info = self.info()
            if info.get('status') in ('completed', 'failed', 'cancelled'):
                return info
            time.sleep(0.01)
        return info

    def passed(self):
        """The guest's own verdict, and its lines."""
        try:
            status = self.process.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return False, self.lines
        self.reader.join(5)
        return status == EXIT_PASS, self.lines

    def end(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(20)


class Moves:
    def __init__(self, report, monitor, guests, scratch):
        self.report, self.make = report, lambda *a, **k: self.keep(Process(monitor, guests, scratch, *a, **k))
        self.scratch, self.all, self.n = scratch, [], 0

    def keep(self, p):
        self.all.append(p)
        return p

    def path(self):
        self.n += 1
        return os.path.join(self.scratch, f'x{self.n}')

    def verdict(self, name, p):
        good, lines = p.passed()
        for line in lines:
            m = CHECK.match(line)
            if m:
                self.report.check(m[1] == 'ok', f'{name}: {m[2]}')
        self.report.check(good, f'{name}: the guest ends by itself, and is content')

    def live(self, name, cpus, append, hops=1, machine='q35', guest='migrate', step=50):
        """From process to process while it runs."""
        p = self.make(append, cpus, machine=machine, guest=guest)
        if not p.wait_round(step) and any('# SKIP' in x for x in p.lines):
            self.report.comment(f'{name}: {p.lines[0]}')
            return
        self.report.check(p.rounds() >= step, f'{name}: the guest works')
        for hop in range(hops):
            uri = f'unix:{self.path()}'
            q = self.make(append, cpus, incoming=uri, other=hop % 2 == 0, machine=machine, guest=guest)
            before = p.rounds()
            p.migrate(uri)
            info = p.finished()
            self.report.check(info['status'] == 'completed', f'{name}: hop {hop + 1} is completed'
                              f' {info.get("error-desc", "")}')
            self.report.comment(f'{name}: round {before}: downtime {info.get("downtime")} ms of {info.get("total-time")},'
                                f' {info.get("ram", {}).get("dirty-sync-count")} passes')
            state = p.qmp.cmd('query-status')['return']['status']
            self.report.check(state == 'postmigrate', f'{name}: the source stands still ({state})')
            p = q
            self.report.check(p.wait_round(before + 2 * step), f'{name}: the guest goes on')
        self.verdict(name, p)

    def file(self, name):
        """To a file, while it runs, and from it twice."""
        append = 'rounds=300 pages=256'
        p = self.make(append)
        p.wait_round(50)
        state = self.path()
        p.migrate(f'file:{state}')
        self.report.check(p.finished()['status'] == 'completed', f'{name}: it is saved')
        for turn in range(2):
            self.verdict(f'{name}, turn {turn + 1}', self.make(append, incoming=f'file:{state}'))
        p.qmp.cmd('cont')
        self.verdict(f'{name}, at home', p)

    def snapshot(self, name):
        """savevm while it runs, loadvm later: it goes on from there, in the same process."""
        p = self.make('rounds=300 pages=256')
        p.wait_round(100)
        state = self.path()
        answer = p.qmp.cmd('human-monitor-command', **{'command-line': f'savevm file:{state}'})
        self.report.check(answer.get('return') == '', f'{name}: savevm {answer}')
        at = p.rounds()
        p.wait_round(at + 150)
        answer = p.qmp.cmd('human-monitor-command', **{'command-line': f'loadvm file:{state}'})
        self.report.check(answer.get('return') == '', f'{name}: loadvm {answer}')
        self.verdict(name, p)
        seen = [x for x in p.lines if x.startswith('# round')]
        self.report.check(len(seen) > len(set(seen)), f'{name}: rounds were run again')

    def cancel(self, name):
        """A migration that is cancelled, or whose other side dies: the guest does not see it."""
        append = 'rounds=300 pages=2048'
        p = self.make(append)
        p.wait_round(50)
        p.qmp.cmd('migrate-set-parameters', **{'max-bandwidth': 4 << 20})
        for how in 'cancel', 'death':
            uri = f'unix:{self.path()}'
            q = self.make(append, incoming=uri)
            p.migrate(uri)
            time.sleep(0.2)
            if how == 'cancel':
                p.qmp.cmd('migrate_cancel')
            else:
                q.process.kill()
            info = p.finished()
            self.report.check(info['status'] == ('cancelled' if how == 'cancel' else 'failed'), f'{name}: by {how}')
        self.verdict(name, p)

    def converge(self, name):
        """A guest that writes faster than its memory is sent: vCPUs are slowed down until it fits."""
        append = 'rounds=100000 pages=4096'
        p = self.make(append)
        p.wait_round(50)
        p.qmp.cmd('migrate-set-capabilities', capabilities=[{'capability': 'auto-converge', 'state': True}])
        p.qmp.cmd('migrate-set-parameters', **{'max-bandwidth': 64 << 20, 'downtime-limit': 20, 'cpu-throttle-initial': 60,
                                               'cpu-throttle-increment': 20})
        uri = f'unix:{self.path()}'
        q = self.make(append, incoming=uri)
        p.migrate(uri)
        seen, end = [0], time.monotonic() + TIMEOUT
        while self.active(p) and time.monotonic() < end:
            seen.append(p.info().get('cpu-throttle-percentage', 0))
            time.sleep(0.02)
        self.report.comment(f'{name}: at most {max(seen)} per cent: {p.info()}')
        self.report.check(max(seen) >= 80, f'{name}: vCPUs are slowed down')
        self.report.check(p.info()['status'] == 'completed', f'{name}: it is completed')
        at = q.rounds()
        self.report.check(q.wait_round(at + 100), f'{name}: the guest goes on')
        q.end()

    @staticmethod
    def active(p):
        return p.info().get('status') in ('setup', 'active', 'device')

    def run(self, names):
        cases = {
            'live': lambda name: self.live(name, 1, 'rounds=450 pages=1024', hops=3),
            'live-smp': lambda name: self.live(name, 2, 'rounds=350 pages=512 ap=1', hops=2),
            'live-microvm': lambda name: self.live(name, 1, 'rounds=250 pages=256', machine='microvm,acpi=on'),
            'live-nested': lambda name: self.live(name, 1, 'rounds=400', hops=3, guest='nested', step=20),
            'file': self.file,
            'snapshot': self.snapshot,
            'cancelled': self.cancel,
            'converge': self.converge,
        }
        for name in names or cases:
            cases[name](name)
        for p in self.all:
            p.end()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--guests', default='.')
    parser.add_argument('names', nargs='*', help='of cases; all, if none is given')
    args = parser.parse_args()
    monitor, report = Monitor(), Report(False)
    why = monitor.missing() or ('QEMU has its own tests' if monitor.qemu else None)
    if why:
        print(f'1..0 # SKIP {why}')
        return 0
    with tempfile.TemporaryDirectory(prefix='kvm-mig-') as scratch:
        moves = Moves(report, monitor, args.guests, scratch)
        try:
            moves.run(args.names)
        finally:
            for p in moves.all:
                if p.process.poll() is None:
                    p.process.kill()
    print(f'1..{report.n}')
    return report.bad != 0


if __name__ == '__main__':
    sys.exit(main())
