#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs a bare-metal guest on KVM to and from whose machine a processor and a memory module come and go, and whose memory
is dumped. TENON=PATH, --guests DIR as run_kvm_tests.py; reports in TAP."""

import argparse
import contextlib
import json
import mmap
import os
import shlex
import socket
import struct
import subprocess
import sys
import tempfile
import time

from run_kvm_tests import CHECK, EXIT_PASS, PLAN, Monitor, Report

ROUNDS, TIMEOUT = 5, 60
MIB = 1 << 20
CPU = {'driver': 'host-x86_64-cpu', 'id': 'c1', 'socket-id': 0, 'core-id': 1, 'thread-id': 0}
DIMM = {'driver': 'pc-dimm', 'id': 'd1', 'memdev': 'm1'}


class Qmp:
    def __init__(self, path):
        for _ in range(500):
            self.sock = socket.socket(socket.AF_UNIX)
            try:
                self.sock.connect(path)
                break
            except OSError:
                self.sock.close()
                time.sleep(0.02)
        self.sock.settimeout(TIMEOUT)
        self.file = self.sock.makefile('rw')
        self.events = []
        self.file.readline()
        self.cmd('qmp_capabilities')

    def cmd(self, name, **arguments):
        self.file.write(json.dumps({'execute': name, 'arguments': arguments}) + '\n')
        self.file.flush()
        while True:
            answer = json.loads(self.file.readline())
            if 'event' not in answer:
                return answer
            self.events.append(answer)

    def event(self, name):
        while not any(e['event'] == name for e in self.events):
            self.events.append(json.loads(self.file.readline()))
        self.events = [e for e in self.events if e['event'] != name]


class Guest:
    """tenon with the guest, whose lines are read one by one."""

    def __init__(self, monitor, guests, scratch, append):
        self.socket = os.path.join(scratch, 'qmp')
        args = [*monitor.program(), '-M', 'q35', '-m', '128,slots=2,maxmem=1G', '-smp', '1,maxcpus=2,sockets=1,cores=2',
                '-nodefaults', '-display', 'none', '-kernel', os.path.join(guests, 'plug.elf'),
                '-append', f'console=0xe9 {append}', '-object', f'memory-backend-ram,id=m1,size={64 * MIB}',
                '-chardev', 'stdio,id=tap,signal=off', '-device', 'isa-debugcon,iobase=0xe9,chardev=tap',
                '-device', 'isa-debug-exit,iobase=0x501,iosize=2', '-qmp', f'unix:{self.socket},server=on,wait=off']
        self.args = args
        self.process = subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)

    def lines(self):
        for line in self.process.stdout:
            yield line.rstrip('\r\n')


def threads(pid):
    names = []
    for t in os.listdir(f'/proc/{pid}/task'):
        with contextlib.suppress(OSError), open(f'/proc/{pid}/task/{t}/comm') as f:
            names.append(f.read().strip())
    return sorted(n for n in names if n.startswith('CPU '))


def has_threads(pid, names):
    """A thread takes its name when it begins."""
    for _ in range(100):
        if threads(pid) == names:
            return True
        time.sleep(0.02)
    return False


def answer(guest, qmp, want, report):
    """Does what the guest waits for."""
    if want == 'cpu':
        report.check('error' not in qmp.cmd('device_add', **CPU), 'device_add of a processor')
        seen = {c['cpu-index']: c['thread-id'] for c in qmp.cmd('query-cpus-fast')['return']}
        report.check(sorted(seen) == [0, 1] and os.path.isdir(f'/proc/{guest.process.pid}/task/{seen[1]}'),
                     'query-cpus-fast names its thread')
        report.check(has_threads(guest.process.pid, ['CPU 0/KVM', 'CPU 1/KVM']), 'there are two threads')
    elif want == 'no cpu':
        report.check('error' not in qmp.cmd('device_del', id='c1'), 'device_del of the processor')
        qmp.event('DEVICE_DELETED')
        report.check(has_threads(guest.process.pid, ['CPU 0/KVM']), 'its thread is gone')
    elif want == 'memory':
        report.check('error' not in qmp.cmd('device_add', **DIMM), 'device_add of a module')
    elif want == 'no memory':
        report.check('error' not in qmp.cmd('device_del', id='d1'), 'device_del of the module')
        qmp.event('DEVICE_DELETED')


def pass_on(guest, qmp, report):
    """The guest's checks, and answers to what it wants, until it ends or says "want end"."""
    for line in guest.lines():
        check = CHECK.match(line)
        if check:
            report.check(check[1] == 'ok', f'plug: {check[2]}')
        elif line == '# want end':
            return
        elif line.startswith('# want '):
            answer(guest, qmp, line.removeprefix('# want '), report)
        elif not PLAN.match(line):
            report.comment(line)


# ---- a dump, read as an ELF core file ----

class Core:
    def __init__(self, path):
        with open(path, 'rb') as f:
            self.data = mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ)
        head = struct.unpack_from('<16sHHIQQQIHHHHHH', self.data)
        self.kind, self.machine = head[1], head[2]
        count = head[10]
        if count == 0xffff:  # PN_XNUM: the first section header has the number
            count = struct.unpack_from('<I', self.data, head[6] + 44)[0]
        self.headers = [struct.unpack_from('<IIQQQQQQ', self.data, head[5] + 56 * i) for i in range(count)]

    def notes(self):
        found = []
        for kind, _, off, _, _, size, _, _ in self.headers:
            end = off + size
            while kind == 4 and off < end:
                named, length, what = struct.unpack_from('<III', self.data, off)
                name = self.data[off + 12:off + 12 + named].rstrip(b'\0').decode()
                off += 12 + (named + 3 & ~3)
                found.append((name, what, self.data[off:off + length]))
                off += length + 3 & ~3
        return found

    def physical(self, gpa, n):
        for kind, _, off, _, paddr, size, _, _ in self.headers:
            if kind == 1 and paddr <= gpa and gpa + n <= paddr + size:
                return self.data[off + gpa - paddr:off + gpa - paddr + n]
        return None

    def virtual(self, va, n):
        for kind, _, off, vaddr, _, size, _, _ in self.headers:
            if kind == 1 and vaddr <= va and va + n <= vaddr + size:
                return self.data[off + va - vaddr:off + va - vaddr + n]
        return None


def symbol(elf, name):
    """Address and size of a symbol of the guest."""
    for line in subprocess.run(['nm', '-S', elf], capture_output=True, text=True, check=True).stdout.splitlines():
        words = line.split()
        if words[-1] == name:
            return int(words[0], 16), int(words[1], 16)
    return None


def check_dump(path, elf, ram, cpus, report):
    core = Core(path)
    at, _ = symbol(elf, 'mark')
    report.check((core.kind, core.machine) == (4, 62), 'dump: an x86-64 core file')
    regs = [n for n in core.notes() if n[0] == 'CORE' and n[1] == 1]
    more = [n for n in core.notes() if n[0] == 'QEMU']
    report.check([len(regs), len(more)] == [cpus, cpus], f'dump: notes of {cpus} processors')
    report.check({len(n[2]) for n in regs} == {336} and {len(n[2]) for n in more} == {440}, 'dump: their lengths')
    rip = struct.unpack_from('<27Q', regs[0][2], 112)[16]
    report.check(0x100000 <= rip < ram, f'dump: the processor is in the guest, at {rip:#x}')
    report.check(core.physical(at, 16) == b'non-plu!ent!tone', 'dump: memory by physical address')
    report.check(core.virtual(at, 16) == b'non-plu!ent!tone', 'dump: memory by virtual address')
    return core


def dump(guest, qmp, scratch, elf, report):
    path = os.path.join(scratch, 'core')
    for paging in False, True:
        report.check('error' not in qmp.cmd('dump-guest-memory', paging=paging, protocol=f'file:{path}'), 'dump')
        qmp.event('DUMP_COMPLETED')
        check_dump(path, elf, 128 * MIB, 2, report)
        gdb = subprocess.run(['readelf', '-a', path], capture_output=True, text=True)
        report.check(gdb.returncode == 0 and 'Warning' not in gdb.stderr, f'readelf takes it {gdb.stderr[:200]}')
        os.unlink(path)
    report.check('error' not in qmp.cmd('dump-guest-memory', paging=False, detach=True, protocol=f'file:{path}'), 'detached')
    qmp.event('DUMP_COMPLETED')
    report.check(qmp.cmd('query-dump')['return']['status'] == 'completed', 'query-dump')
    report.check(os.path.getsize(path) > 128 * MIB, 'its size')
    report.check(qmp.cmd('query-status')['return']['running'], 'the machine runs on')
    os.unlink(path)
    at, _ = symbol(elf, 'mark')
    for name in 'memsave', 'pmemsave':
        report.check('error' not in qmp.cmd(name, val=at, size=16, filename=path), name)
        with open(path, 'rb') as f:
            report.check(f.read() == b'non-plu!ent!tone', f'{name}: what is there')
        os.unlink(path)


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--guests', default=here, help='where the .elf files are')
    options = parser.parse_args()
    monitor = Monitor()
    why = monitor.missing() or ('only tenon makes processors by that name' if monitor.qemu else None)
    if why:
        print(f'1..0 # SKIP {why}')
        return 0
    report = Report(False)
    elf = os.path.join(options.guests, 'plug.elf')
    with tempfile.TemporaryDirectory(prefix='tenon-plug-') as scratch:
        guest = Guest(monitor, options.guests, scratch, f'rounds={ROUNDS}')
        pass_on(guest, Qmp(guest.socket), report)
        report.check(guest.process.wait(TIMEOUT) == EXIT_PASS, 'the guest ends well')
    with tempfile.TemporaryDirectory(prefix='tenon-plug-') as scratch:
        guest = Guest(monitor, options.guests, scratch, 'rounds=1 hold=1')
        qmp = Qmp(guest.socket)
        pass_on(guest, qmp, report)
        report.check('error' not in qmp.cmd('device_add', **CPU), 'a processor for the dump')
        dump(guest, qmp, scratch, elf, report)
        qmp.cmd('quit')
        report.check(guest.process.wait(TIMEOUT) == 0, 'quit')
    if report.bad:
        report.comment(shlex.join(guest.args))
    print(f'1..{report.n}')
    return report.bad != 0


if __name__ == '__main__':
    sys.exit(main())
