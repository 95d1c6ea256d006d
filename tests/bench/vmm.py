# SPDX-License-Identifier: BSD-2-Clause
"""The two programs that are compared, started with the same command line."""
import dataclasses
import os
import pathlib
import select
import shutil
import subprocess
import time

PATIENCE = 60  # seconds
RAM_MIB = 128
MICROVM = 'microvm,acpi=on,rtc=on,isa-serial=on'


@dataclasses.dataclass(frozen=True)
class Vmm:
    name: str
    program: tuple

    def command(self, machine, kernel, append, *more):
        """A machine with one CPU, the two debugging ports and nothing else that can be left out."""
        return [*self.program, '-M', machine, '-m', str(RAM_MIB), '-smp', '1', '-nodefaults', '-no-user-config',
                '-display', 'none', '-kernel', str(kernel), '-append', append,
                '-chardev', 'stdio,id=out,signal=off', '-device', 'isa-debugcon,iobase=0xe9,chardev=out',
                '-device', 'isa-debug-exit,iobase=0x501,iosize=2', *more]


def pair(tenon, qemu):
    """(tenon, QEMU); QEMU with its I/O APIC in user space, as tenon has it."""
    found = shutil.which(qemu) if qemu else shutil.which('qemu-system-x86_64')
    if not found:
        raise SystemExit('bench: no QEMU to compare with')
    return (Vmm('tenon', (os.path.abspath(tenon), '-accel', 'kvm')),
            Vmm('qemu', (found, '-accel', 'kvm,kernel-irqchip=split', '-cpu', 'host')))


class Running:
    """A started VMM whose output is read as it comes; a context manager that leaves nothing running."""

    def __init__(self, command):
        self.command, self.text = command, b''

    def __enter__(self):
        self.started = time.monotonic()
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, bufsize=0)
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def until(self, marker, patience=PATIENCE):
        """Seconds from exec to the moment when marker has been written."""
        deadline = self.started + patience
        while marker not in self.text:
            ready, _, _ = select.select([self.process.stdout], [], [], max(0, deadline - time.monotonic()))
            data = os.read(self.process.stdout.fileno(), 65536) if ready else b''
            if not data:
                tail = self.text[-400:].decode(errors='replace')
                raise SystemExit(f'bench: no {marker!r} from {" ".join(self.command)}\n{tail}')
            self.text += data
        return time.monotonic() - self.started

    def to_end(self):
        """Seconds from exec to exit; what is written until then is in text."""
        while data := os.read(self.process.stdout.fileno(), 65536):
            self.text += data
        self.process.wait(PATIENCE)
        return time.monotonic() - self.started

    def pid(self):
        """Of the VMM itself, not of a wrapper around it."""
        children = pathlib.Path(f'/proc/{self.process.pid}/task/{self.process.pid}/children')
        below = children.read_text(encoding='ascii').split() if children.exists() else []
        return int(below[0]) if below else self.process.pid


def beyond_ram(pid, ram_mib):
    """KiB of a process's memory beside the guest's RAM: (resident, proportional set size)."""
    mappings, size = [], None
    for line in pathlib.Path(f'/proc/{pid}/smaps').read_text(encoding='ascii', errors='replace').splitlines():
        key, _, rest = line.partition(':')
        if key == 'Size':
            size = {'Size': int(rest.split()[0])}
            mappings.append(size)
        elif key in ('Rss', 'Pss'):
            size[key] = int(rest.split()[0])
    if not any(m['Size'] == ram_mib * 1024 for m in mappings):
        raise SystemExit(f'bench: process {pid} has no mapping of {ram_mib} MiB for the guest')
    others = [m for m in mappings if m['Size'] != ram_mib * 1024]
    return sum(m['Rss'] for m in others), sum(m['Pss'] for m in others)
