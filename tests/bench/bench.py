#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Compares tenon with QEMU, side by side: the same command line, by turns, medians and their ratio.

  bench.py start    from exec to the guest's first instruction, and to the end of a guest that leaves at once
  bench.py memory   resident memory beyond the guest's RAM, the guest halted
  bench.py exits    a guest's access to a port or register that is answered in user space, and back
  bench.py linux    from exec to init of Linux: time, KVM exits, memory; in the nested rig where KVM cannot run Linux
  bench.py blk      virtio-blk under fio, the disk in memory; in the nested rig
  bench.py net      virtio-net over TAP under iperf3; in the nested rig
  bench.py instructions   what the VMM spends on a virtio request, counted by callgrind
  bench.py growth   start-up and memory of 1 to 64 idle virtio disks, and of 1 to 16 queues
  bench.py qmp      a command of the monitor and its answer, and a device that is plugged and unplugged
  bench.py image    a program with its plugins linked in (--image) beside one that loads them: start, memory, -device help
  bench.py report   what the others wrote to --out, as a Markdown table

start, memory and exits need a KVM, any KVM. Absolute numbers of a shared machine mean little, ratios do."""
import argparse
import json
import os
import pathlib
import re
import sys
import time

import growth
import images
import instructions
import linux_boot
import migrate
import qmp_cycle
import results
import virtio_io
import vmm

MACHINES = {'q35': 'q35', 'microvm': vmm.MICROVM}
HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parent.parent


def guest(options, name):
    """A bare-metal guest's file."""
    folders = options.guests or [SOURCE / 'build/tests/kvm', SOURCE / 'build/tests/bench']
    found = [f / f'{name}.elf' for f in folders if (f / f'{name}.elf').exists()]
    if not found:
        raise SystemExit(f'bench: no {name}.elf in {", ".join(map(str, folders))}')
    return found[0]


def each_by_turns(options):
    """(machine's name, its argument, VMM), runs times."""
    for _ in range(options.runs):
        for name, machine in MACHINES.items():
            for program in vmm.pair(options.tenon, options.qemu):
                yield name, machine, program


def bench_start(options):
    out = results.Results('start', 'exec to the first guest instruction; PVH ELF, no firmware needed')
    for name, machine, program in each_by_turns(options):
        with vmm.Running(program.command(machine, guest(options, 'first'), '')) as running:
            out.add(f'{name}: first instruction', 'ms', program.name, running.until(b'!') * 1000)
            out.add(f'{name}: start and exit', 'ms', program.name, running.to_end() * 1000)
    return out.document()


def bench_memory(options):
    out = results.Results('memory', f'KiB beyond the {vmm.RAM_MIB} MiB of guest RAM')
    for name, machine, program in each_by_turns(options):
        with vmm.Running(program.command(machine, guest(options, 'first'), 's')) as running:
            running.until(b'!')
            time.sleep(0.3)
            rss, pss = vmm.beyond_ram(running.pid(), vmm.RAM_MIB)
        out.add(f'{name}: resident', 'KiB', program.name, rss)
        out.add(f'{name}: proportional', 'KiB', program.name, pss)
    return out.document()


# What both have: isa-debug-exit and isa-debugcon answer reads; the I/O APIC is in user space; nothing is at 0x2f0.
ACCESSES = {
    'read of isa-debug-exit': 'kind=pio-in port=0x501',
    'read of isa-debugcon': 'kind=pio-in port=0xe9',
    'write to an empty port': 'kind=pio-out port=0x2f0',
    'read of the I/O APIC': 'kind=mmio-read mmio=0xfec00000',
    'write to the I/O APIC': 'kind=mmio-write mmio=0xfec00000',
}


def bench_exits(options):
    out = results.Results('exits', 'an access from the guest to user space and back, microvm')
    for _ in range(options.runs):
        for what, kind in ACCESSES.items():
            for program in vmm.pair(options.tenon, options.qemu):
                append = f'console=0xe9 n={options.accesses} {kind}'
                line = program.command(vmm.MICROVM, guest(options, 'timing'), append, '-serial', 'null')
                with vmm.Running(line) as running:
                    running.to_end()
                found = re.search(rb'ns_each=(\d+)', running.text)
                if not found:
                    raise SystemExit(f'bench: {what}, {program.name}: {running.text[-400:]!r}')
                out.add(what, 'ns', program.name, int(found[1]))
    return out.document()


def bench_instructions(options):
    out = results.Results('instructions', 'of the VMM for one virtio request, in batches of 64; no guest, callgrind')
    programs = {'tenon': f'{options.tenon} -sandbox off', 'qemu': options.qemu or 'qemu-system-x86_64'}
    for what, kind in (('virtio-blk, 4 KiB read of null-co', 'blk'), ('virtio-net, 60 bytes sent to a datagram socket', 'net')):
        for _ in range(options.runs):
            for vmm_name, value in instructions.measure(kind, programs).items():
                out.add(what, 'instr', vmm_name, value)
    return out.document()


def bench_growth(options):
    out = results.Results('growth', 'idle virtio-blk-pci on null-co; from exec to the first answer to qtest, and memory beyond RAM')
    programs = {'tenon': options.tenon, 'qemu': options.qemu or 'qemu-system-x86_64'}
    for _ in range(options.runs):
        for vmm_name, cases in growth.measure(programs).items():
            for case, (milliseconds, kib) in cases.items():
                out.add(f'{case}: start', 'ms', vmm_name, milliseconds)
                out.add(f'{case}: memory', 'KiB', vmm_name, kib)
    return out.document()


def bench_qmp(options):
    out = results.Results('qmp', 'a client at the other end of a Unix socket; no guest')
    programs = {'tenon': options.tenon, 'qemu': options.qemu or 'qemu-system-x86_64'}
    for _ in range(options.runs):
        for vmm_name, rows in qmp_cycle.measure(programs).items():
            for row, microseconds in rows.items():
                out.add(row, 'us', vmm_name, microseconds)
    return out.document()


def bench_migrate(options):
    out = results.Results('migrate', f'a machine of {migrate.RAM_MIB} MiB over a Unix socket; no guest')
    programs = {'tenon': options.tenon, 'qemu': options.qemu or 'qemu-system-x86_64'}
    for row, unit, vmm_name, value in migrate.measure(programs, options.runs):
        out.add(row, unit, vmm_name, value)
    return out.document()


def bench_image(options):
    out = results.Results('image', 'plugins linked in, and as files; microvm, disk, entropy, no firmware', pair=('linked', 'files'))
    programs = {'linked': pathlib.Path(options.image).resolve(), 'files': pathlib.Path(options.tenon)}
    for row, unit, which, value in images.measure(programs, guest(options, 'first'), options.runs, images.index_tool(options.tenon),
                                                  images.plugins_of(options.tenon)):
        out.add(row, unit, which, value)
    return out.document()


def parse():
    build = SOURCE / 'build'
    default_rig = os.environ.get('TENON_RIG') or pathlib.Path(
        os.environ.get('XDG_CACHE_HOME') or pathlib.Path.home() / '.cache') / 'tenon-rig'
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('what', choices=('start', 'memory', 'exits', 'linux', 'blk', 'net', 'instructions', 'growth', 'qmp', 'migrate', 'image', 'report'))
    parser.add_argument('names', nargs='*', help='linux, blk, net: only cases that begin so, such as q35/vmlinux')
    parser.add_argument('--tenon', default=os.environ.get('TENON', build / 'host/tenon'))
    parser.add_argument('--image', default=build / 'tests/image/tenon-microvm', help='image: the program with its plugins linked in')
    parser.add_argument('--qemu', help='default: the first in the path; linux: the rig\'s')
    parser.add_argument('--guests', type=pathlib.Path, action='append', default=[], help='where .elf files are; repeatable')
    parser.add_argument('--rig', default=default_rig)
    parser.add_argument('--runs', type=int)
    parser.add_argument('--accesses', type=int, default=20000)
    parser.add_argument('--out', default=build / 'bench', help='folder for the JSON')
    parser.add_argument('--cpio', help=argparse.SUPPRESS)
    parser.add_argument('--inside', action='store_true', help=argparse.SUPPRESS)
    return parser.parse_intermixed_args()


RUNS = {'start': 11, 'memory': 5, 'exits': 7, 'linux': 5, 'blk': 5, 'net': 5, 'instructions': 1, 'growth': 5, 'qmp': 7, 'migrate': 9, 'image': 31}


def main():
    options = parse()
    if options.what == 'report':
        print('\n'.join(results.table(options.out)))
        return
    options.runs = options.runs or RUNS[options.what]
    options.tenon = os.path.abspath(options.tenon)
    bench = {'start': bench_start, 'memory': bench_memory, 'exits': bench_exits, 'linux': linux_boot.measure_somewhere,
             'instructions': bench_instructions, 'growth': bench_growth, 'qmp': bench_qmp, 'migrate': bench_migrate, 'image': bench_image, 'blk': lambda o: virtio_io.measure_in_rig(o, 'blk'), 'net': lambda o: virtio_io.measure_in_rig(o, 'net')}
    document = bench[options.what](options)
    if options.inside:
        print(json.dumps(document))
        return
    results.show(document)
    results.save(document, options.out)


if __name__ == '__main__':
    sys.exit(main())
