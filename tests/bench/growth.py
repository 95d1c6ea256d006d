#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What idle virtio disks cost: start-up time and memory with 1 to 64 of them, and with 1 to 16 queues each. No guest runs: the
program is ready when it answers the qtest protocol. Used by bench.py; alone: growth.py TENON QEMU prints JSON."""
import json
import os
import pathlib
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / 'qtest'))

DEVICES, QUEUES = (0, 1, 8, 64), (1, 4, 16)
RAM_KIB = 128 << 10


def disks(count, queues):
    """Eight functions to a slot, from slot 3 on."""
    line = []
    for i in range(count):
        line += ['-drive', f'driver=null-co,size=1G,if=none,id=d{i}', '-device',
                 f'virtio-blk-pci,drive=d{i},num-queues={queues},addr={3 + i // 8:x}.{i % 8},multifunction=on']
    return ['-m', f'{RAM_KIB}k', *line]


def beyond_ram(pid):
    """KiB of the process but for the guest's RAM."""
    total = size = 0
    for line in pathlib.Path(f'/proc/{pid}/smaps').read_text(encoding='ascii', errors='replace').splitlines():
        key, _, rest = line.partition(':')
        if key == 'Size':
            size = int(rest.split()[0])
        elif key == 'Rss' and size != RAM_KIB:
            total += int(rest.split()[0])
    return total


def inner():
    """One program, that of the environment: {case: [milliseconds, KiB]}."""
    import qtest
    qtest.Setup.get()
    found = {}
    for count, queues in [(n, 1) for n in DEVICES] + [(8, n) for n in QUEUES[1:]]:
        started = time.monotonic()
        with qtest.Machine(disks(count, queues), machine='q35') as m:
            m.command('readb 0x0')
            found[f'{count} disks, {queues} queues'] = [(time.monotonic() - started) * 1000, beyond_ram(m.process.pid)]
    print(json.dumps(found))


def measure(programs):
    found = {}
    for vmm, program in programs.items():
        environment = {**os.environ, 'PYTHONDONTWRITEBYTECODE': '1', 'VMM': 'qemu' if vmm == 'qemu' else '',
                       'QEMU' if vmm == 'qemu' else 'TENON': program}
        run = subprocess.run([sys.executable, __file__, '--inner'], env=environment, check=True, stdout=subprocess.PIPE, text=True)
        found[vmm] = json.loads(run.stdout.splitlines()[-1])
    return found


if __name__ == '__main__':
    if sys.argv[1] == '--inner':
        inner()
    else:
        print(json.dumps(measure({'tenon': sys.argv[1], 'qemu': sys.argv[2]}), indent=1))
