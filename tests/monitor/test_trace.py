#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Trace events: commands, patterns, the log, files and their reader, static probes."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

import qmp
from qmp import Skip, eq, ok, test

HERE = os.path.dirname(os.path.abspath(__file__))
READER = os.path.join(HERE, '..', '..', 'tools', 'tenon-trace.py')
EVENTS = ['rtc_irq', 'rtc_read', 'rtc_write']


def vm(args=''):
    return qmp.Vm(f'-nodefaults {args}', machine='q35')


def states(m, name='*'):
    return {e['name']: e['state'] for e in m.cmd('trace-event-get-state', name=name)}


def read_seconds(m):
    """Two accesses to the clock: index 0, and what it holds."""
    m.outb(0x70, 0)
    return m.inb(0x71)


def show(path):
    run = subprocess.run([sys.executable, READER, path], capture_output=True, text=True, timeout=qmp.TIMEOUT)
    return run.returncode, run.stdout.splitlines(), run.stderr


def tenon(*args):
    return subprocess.run([os.environ['TENON'], *args], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=qmp.TIMEOUT)


def end(m):
    """Its standard error, once it has ended."""
    m.execute('quit')
    m.exit_status()
    return m.stderr


# ---- commands ----

@test
def get_state():
    """trace-event-get-state: those that a pattern fits, in order; an unknown name is an error, a pattern without fit not"""
    with vm() as m:
        eq(states(m, 'rtc_*'), dict.fromkeys(EVENTS, 'disabled'))
        eq(list(states(m, 'rtc_read')), ['rtc_read'])
        eq(states(m, 'nosuch*'), {})
        eq(m.error('trace-event-get-state', name='nosuch'), 'unknown event "nosuch"')
        eq(m.error('trace-event-get-state'), "Parameter 'name' is missing")


@test
def set_state():
    """trace-event-set-state: one, many, off again; what fails changes nothing"""
    with vm() as m:
        m.cmd('trace-event-set-state', name='rtc_read', enable=True)
        eq(states(m)['rtc_read'], 'enabled')
        eq(m.error('trace-event-set-state', name='nosuch', enable=True), 'unknown event "nosuch"')
        eq(m.error('trace-event-set-state', name='rtc_read'), "Parameter 'enable' is missing")
        eq([n for n, s in states(m).items() if s == 'enabled'], ['rtc_read'])
        m.cmd('trace-event-set-state', name='*', enable=True, ignore_unavailable=True)
        eq(set(states(m).values()), {'enabled'})
        m.cmd('trace-event-set-state', name='rtc_*', enable=False)
        eq(states(m, 'rtc_*'), dict.fromkeys(EVENTS, 'disabled'))


@test
def later_devices():
    """trace-event-set-state with a pattern counts for devices that are plugged in later"""
    with vm('-device pcie-root-port,id=rp0,chassis=1 -blockdev null-co,node-name=n0') as m:
        m.cmd('trace-event-set-state', name='virtio_blk_*', enable=True)
        m.cmd('device_add', driver='virtio-blk-pci', drive='n0', bus='rp0', id='v0')
        eq(set(states(m, 'virtio_blk_*').values()), {'enabled'})


@test
def hmp():
    """trace-event, info trace-events: the same for people"""
    with vm() as m:
        eq(m.hmp('info trace-events rtc_read'), 'rtc_read : state 0\n')
        eq(m.hmp('trace-event rtc_read on'), '')
        eq(m.hmp('info trace-events rtc_*'), 'rtc_irq : state 0\nrtc_read : state 1\nrtc_write : state 0\n')
        eq(m.hmp('trace-event rtc_* off'), '')
        ok('unknown event "nosuch"' in m.hmp('trace-event nosuch on'), 'refused')
        ok('unknown event "nosuch"' in m.hmp('info trace-events nosuch'), 'refused')
        ok("Expected 'on' or 'off'" in m.hmp('trace-event rtc_read maybe'), m.hmp('trace-event rtc_read maybe'))


# ---- the log ----

@test
def log():
    """an event that is on is a line of the log, one that is off is not"""
    with vm('-trace rtc_*') as m:
        read_seconds(m)
        m.cmd('trace-event-set-state', name='*', enable=False)
        read_seconds(m)
        lines = [x for x in end(m).splitlines() if 'rtc_' in x]
        eq(len([x for x in lines if re.search(r'rtc_read register 0x0 is 0x[0-9a-f]+$', x)]), 1, 'reads')


@test
def unknown_names():
    """-trace with a name that no event has: a warning, as a device may still bring it; a pattern: none"""
    with vm('-trace nosuch -trace no*') as m:
        said = end(m)
        ok("trace event 'nosuch' does not exist" in said and said.count('does not exist') == 1, said)


@test
def from_file():
    """-trace events=FILE: patterns a line, # begins a comment; - switches off"""
    with tempfile.NamedTemporaryFile('w') as f:
        f.write('# clock\nrtc_*\n-rtc_irq # not this\n')
        f.flush()
        with vm(f'-trace events={f.name}') as m:
            eq(states(m, 'rtc_*'), {'rtc_irq': 'disabled', 'rtc_read': 'enabled', 'rtc_write': 'enabled'})


# ---- files ----

@test
def simple():
    """-trace file=: records that the reader prints as the log would"""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 't')
        with vm(f'-trace enable=rtc_*,file={path}') as m:
            value = read_seconds(m)
            eq(m.hmp('trace-file'), f'Trace file "{path}" on.\n')
            said = end(m)
        ok('rtc_read' not in said, said)
        status, lines, _ = show(path)
        eq(status, 0)
        reads = [x for x in lines if x.startswith('rtc_read')]
        ok(re.fullmatch(rf'rtc_read [0-9.]+ pid=\d+ register 0x0 is 0x{value:x}', reads[-1]), f'{lines}')
        with open(path, 'rb') as f:  # as QEMU's own reader knows it
            eq(f.read(24).hex(), 'ff' * 8 + (0xf2b177cb0aa429b4).to_bytes(8, 'little').hex()
               + '0400000000000000')


@test
def switch_files():
    """trace-file: off, on, flush, set; what is wrong is named and changes nothing"""
    with tempfile.TemporaryDirectory() as folder, vm('-trace rtc_*') as m:
        one, two = os.path.join(folder, '1'), os.path.join(folder, '2')
        eq(m.hmp(f'trace-file set {one}'), '')
        read_seconds(m)
        m.hmp('trace-file off')
        read_seconds(m)
        m.hmp('trace-file on')
        m.hmp('trace-file flush')
        eq(len([x for x in show(one)[1] if x.startswith('rtc_read')]), 1, 'reads')
        ok('No such file' in m.hmp(f'trace-file set {folder}/no/file'), 'refused')
        eq(m.hmp('trace-file'), f'Trace file "{one}" on.\n')
        m.hmp(f'trace-file set {two}')
        read_seconds(m)
        m.hmp('trace-file flush')
        eq(len([x for x in show(two)[1] if x.startswith('rtc_read')]), 1, 'reads')
        ok('unexpected argument "x"' in m.hmp('trace-file x'), m.hmp('trace-file x'))


@test
def unwritable_file():
    """-trace file=: one that cannot be made is refused. One that fills up: the machine runs on, and the log says so"""
    eq(qmp.refuses('-trace enable=*,file=/nonexistent/t'), "tenon: trace file '/nonexistent/t': No such file or directory\n")
    with vm('-trace enable=*,file=/dev/full') as m:
        read_seconds(m)
        m.hmp('trace-file flush')
        read_seconds(m)
        ok('No space left on device; no more events go there' in end(m), 'said so')


@test
def damaged_file():
    """tenon-trace: a file that is none, or is damaged, is refused; one that ends early is printed as far as it goes"""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 't')
        with vm(f'-trace enable=rtc_*,file={path}') as m:
            read_seconds(m)
            end(m)
        with open(path, 'rb') as f:
            data = f.read()
        whole = show(path)[1]
        for cut in range(24, len(data), 61):
            with open(path, 'wb') as f:
                f.write(data[:cut])
            status, lines, said = show(path)
            eq((status, said, lines), (0, '', whole[:len(lines)]))
        for bad in (b'', b'x' * 100, data[:24] + b'\x07' * 64):
            with open(path, 'wb') as f:
                f.write(bad)
            status, lines, said = show(path)
            ok(status == 1 and said.startswith('tenon-trace: '), said)


# ---- the host's own ----

@test
def host_events():
    """the host's events: run states, commands, events, regions, lines, in the log"""
    with vm('-trace run_state -trace qmp_* -trace region_* -trace memory_map -trace irq_line -trace loop_*') as m:
        m.cmd('stop')
        m.event('STOP')
        m.error('closefd', fdname='x')
        m.cmd('device_add', driver='virtio-rng-pci', id='r', addr='5')
        m.outl(0xcc8, 1 << 5)
        m.outl(0xcf8, 0x8000f840)  # the PM block moves
        m.outl(0xcfc, 0xb001)
        said = end(m)
        for line in ('run_state running', 'run_state paused', 'qmp_command stop', 'qmp_answer error 0 to stop', 'qmp_event STOP',
                     'qmp_answer error 2 to closefd', 'qmp_command device_add', 'region_place at 0xb000 on 1 ich9-pm',
                     'memory_map at 0x0 size 0x'):
            ok(line in said, f'no "{line}" in {said[-3000:]}')
        ok(re.search(r'region_add at 0x[0-9a-f]+ size 0x[0-9a-f]+ ich9-pm', said), 'region_add')
        ok(re.search(r'loop_event fd \d+ events 0x1', said), 'loop_event')


@test
def host_events_in_a_file():
    """texts of the host's events come back from a file"""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 't')
        with vm(f'-trace enable=qmp_*,file={path}') as m:
            m.cmd('stop')
            end(m)
        lines = [re.sub(r' [0-9.]+ pid=\d+', '', line) for line in show(path)[1]]
        at = lines.index('qmp_command stop')
        ok('qmp_answer error 0 to stop' in lines[at:] and 'qmp_event STOP' in lines[at:], f'{lines}')


@test
def guest_exits():
    """vcpu_exit: why the guest was left, for each time"""
    if not os.access('/dev/kvm', os.R_OK | os.W_OK):
        raise Skip('no /dev/kvm')
    with tempfile.TemporaryDirectory() as folder:
        rom = os.path.join(folder, 'rom')
        with open(rom, 'wb') as f:  # out 0x80, al, again and again
            f.write(b'\xe6\x80\xeb\xfc' + bytes(0xffec) + b'\xe9\x0d\x00' + bytes(13))
        with qmp.Vm(f'-nodefaults -bios {rom} -trace vcpu_exit', machine='q35', accel='kvm') as m:
            m.cmd('query-status')
            ok('vcpu_exit cpu 0 reason 2\n' in end(m), 'KVM_EXIT_IO')


# ---- lists, probes ----

@test
def trace_help():
    """-trace help, -d trace:help: every event of every plugin, once, in order; no machine is made"""
    run = tenon('-trace', 'help')
    names = run.stdout.split('\n')[:-1]
    eq((run.returncode, run.stderr), (0, ''))
    eq(names, sorted(set(names)))
    ok(set(EVENTS) <= set(names) and 'virtio_blk_request' in names and 'vcpu_exit' in names, f'{names}')
    eq(tenon('-d', 'trace:help').stdout, run.stdout)


@test
def listed():
    """-trace help: whatever a machine's devices have is in the list"""
    names = set(tenon('-trace', 'help').stdout.split())
    with vm('-device isa-serial -device i8042') as m:
        ok(set(states(m)) <= names, f'{set(states(m)) - names}')


@test
def log_help():
    """-d help: the items, as QEMU lists its own"""
    run = tenon('-d', 'help')
    eq(run.returncode, 0)
    ok(run.stdout.startswith('Log items (comma separated):\n') and 'trace:PATTERN   enable trace events\n' in run.stdout,
       run.stdout)


@test
def probes():
    """static probes: provider tenon, an event's name, as many arguments as its text takes"""
    if not shutil.which('readelf'):
        raise Skip('readelf is not installed')
    program = os.environ['TENON']
    plugin = os.path.join(os.path.dirname(program), '..', 'plugins', 'tenon-virtio-blk.so')
    linked = not os.path.exists(plugin)
    notes = subprocess.run(['readelf', '-n', program if linked else plugin], capture_output=True, text=True, check=True).stdout
    found = re.findall(r'Provider: (\w+)\s+Name: (\w+)\s+Location: .*\s+Arguments: (.*)', notes)
    found = [x for x in found if x[1].startswith('virtio_blk')] if linked else found
    if not found:
        raise Skip('built without <sys/sdt.h>')
    names = {n for n in tenon('-trace', 'help').stdout.split() if n.startswith('virtio_blk')}
    eq({p for p, _, _ in found}, {'tenon'})
    eq({n for _, n, _ in found}, names)
    eq({len(a.split()) for _, n, a in found if n == 'virtio_blk_request'}, {5}, 'arguments')


if __name__ == '__main__':
    qmp.main()
