#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Hot-plug under Linux, in TAP: disks and NICs come and go again and again, by root port (pciehp) and by root bus (ACPI), are
used in between, and one goes while it is read, all while another disk is written and verified. Runs where /dev/kvm runs Linux:
run-linux-tests --cases hotplug."""
import argparse
import os
import pathlib
import re
import shlex
import socket
import subprocess
import sys
import tempfile
import time

import l2
from l2_cases import Tap, case, require
from serial_cases import PROMPT, Shell

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'monitor'))
import qmp  # noqa: E402

KERNEL = '6.12'
MODULES = ('virtio_pci', 'virtio_blk', 'virtio_net', 'virtio_rng', 'virtio_console')
MIB = 1 << 20
# A loop that writes, reads past the cache and compares, and counts its turns and its errors.
LOAD = ('dd if=/dev/urandom of=/tmp/pattern bs=64k count=16 2>/dev/null; '
        '{ (while [ ! -e /tmp/stop ]; do dd if=/tmp/pattern of=/dev/vda bs=64k conv=fsync 2>/dev/null; '
        'echo 7 >/proc/sys/vm/drop_caches; dd if=/dev/vda bs=64k count=16 2>/dev/null | cmp - /tmp/pattern || echo x >>/tmp/bad; '
        'echo x >>/tmp/turns; done) >/dev/null 2>&1 & }')
WAIT = 'for i in $(seq 60); do {condition} && break; sleep 0.5; done; {condition} && echo there || echo not'


class Monitor(qmp.Qmp):
    """Answers are not held against the schema: that takes long here, and is done elsewhere."""

    def get_schema(self):
        return None


class Disk:
    """A disk, known by its serial number: a name is taken as long as somebody has the one before open."""
    name, driver, what = 'disk', 'virtio-blk-pci', {'drive': 'd1', 'serial': 'hot'}
    present = 'grep -qs hot /sys/block/vd*/serial'
    find = 'f=$(grep -ls hot /sys/block/vd*/serial); d=${f#/sys/block/}; d=/dev/${d%/serial}; '
    use = (find + 'dd if=/tmp/pattern of=$d bs=64k conv=fsync 2>/dev/null; echo 7 >/proc/sys/vm/drop_caches; '
           'dd if=$d bs=64k count=16 2>/dev/null | cmp - /tmp/pattern && echo same')
    answer = 'same'


class Nic:
    """A NIC that comes as eth0, on the user network."""
    name, driver, what = 'NIC', 'virtio-net-pci', {'netdev': 'n1', 'mac': '52:54:00:00:00:77'}
    present = '[ -e /sys/class/net/eth0 ]'
    use = ('ip addr add 10.0.2.15/24 dev eth0; ip link set eth0 up; '
           'for i in 1 2 3 4 5; do ping -c 1 -W 5 10.0.2.2 >/dev/null && break; sleep 0.3; done && echo answered')
    answer = 'answered'


def footprint(pid):
    """Descriptors and kilobytes of private memory."""
    status = pathlib.Path(f'/proc/{pid}/status').read_text()
    return len(os.listdir(f'/proc/{pid}/fd')), int(status.split('RssAnon:')[1].split()[0])


class System:
    """One machine."""

    def __init__(self, options, tap):
        self.options, self.tap = options, tap

    def case(self, name):
        return case(self.tap, name)

    def image(self, folder):
        out = f'{folder}/guest.cpio'
        modules = [word for m in MODULES for word in ('-m', m)]
        subprocess.run([pathlib.Path(__file__).parent / 'mkguest', '-k', KERNEL, *modules, '--rig', self.options.rig, '-o', out],
                       check=True, stdout=sys.stderr)
        return out

    def command(self, folder):
        for name in ('d0', 'd1'):
            with open(f'{folder}/{name}.raw', 'wb') as image:
                image.truncate(16 * MIB)
        extra = ('-drive', f'file={folder}/d0.raw,format=raw,if=none,id=d0', '-device', 'virtio-blk-pci,drive=d0,addr=8',
                 '-blockdev', f'driver=file,filename={folder}/d1.raw,node-name=d1', '-netdev', 'user,id=n1',
                 '-device', 'pcie-root-port,id=rp,chassis=1,addr=4',
                 '-qmp', f'unix:{folder}/qmp,server=on,wait=off')
        guest = l2.Guest(kernel=f'{self.options.rig}/kernel/{KERNEL}/vmlinuz', initrd=self.image(folder), cpus=2,
                         no_reboot=True, append='pci=realloc' if self.options.vmm == 'qemu' else '', extra=extra)
        return l2.command_line(self.options.vmm, self.options.binary, guest)

    def run(self):
        with tempfile.TemporaryDirectory(dir='/var/tmp') as folder:
            command = self.command(folder)
            failed_before = self.tap.failed
            with l2.Console(command, self.options.patience, sys.stderr if self.options.verbose else None) as console:
                self.check(console, folder)
            if self.tap.failed > failed_before:
                self.tap.comment('\n'.join(['$ ' + shlex.join(map(str, command)), *console.last_lines(40)]))

    def check(self, console, folder):
        self.shell, self.pid = Shell(console), console.process.pid
        with self.case('a shell, and another disk under load'):
            console.expect(l2.HELLO, 'init')
            console.expect(PROMPT, 'the prompt')
            self.shell.ask('stty -echo')
            s = socket.socket(socket.AF_UNIX)
            s.connect(f'{folder}/qmp')
            self.qmp = Monitor(s)
            self.shell.ask(LOAD)
        if self.tap.failed:
            return
        places = [('root port', 'rp', self.options.cycles)]
        if self.options.vmm == 'tenon':
            places.append(('root bus', None, self.options.cycles))
        for place, bus, cycles in places:
            for kind in (Disk, Nic):
                self.check_cycles(kind, place, bus, cycles)
            self.check_busy(place, bus)
        self.check_load()
        self.check_end(console)

    def ask(self, name, **arguments):
        try:
            return self.qmp.cmd(name, **arguments)
        except (OSError, qmp.QmpError, qmp.Failure) as error:
            raise l2.Failure(f'{name}: {error}') from error

    # ---- once round ----

    def plug(self, kind, bus):
        where = {'bus': bus} if bus else {'addr': '9'}
        self.ask('device_add', driver=kind.driver, id='hot', **where, **kind.what)
        answer = self.shell.ask(WAIT.format(condition=kind.present))
        require(answer.endswith('there'), f'Linux does not see it: {answer}\n' + self.shell.ask('dmesg | tail -20; ls /sys/block'))

    def unplug(self):
        self.ask('device_del', id='hot')
        try:
            self.qmp.event('DEVICE_DELETED', timeout=self.options.patience, device='hot')
        except qmp.Failure as failure:
            raise l2.Failure(f'device_del: {failure}') from failure

    def cycle(self, kind, bus):
        self.plug(kind, bus)
        answer = self.shell.ask(kind.use)
        require(kind.answer in answer, f'it does not work: {answer}')
        self.unplug()
        answer = self.shell.ask(WAIT.format(condition=f'! {kind.present}'))
        require(answer.endswith('there'), f'Linux keeps it: {answer}')

    def check_cycles(self, kind, place, bus, cycles):
        with self.case(f'{kind.name} by {place}: {cycles} times'):
            self.cycle(kind, bus)
            before, began = footprint(self.pid), time.monotonic()
            for _ in range(cycles - 1):
                self.cycle(kind, bus)
            after = footprint(self.pid)
            self.tap.comment(f'{(time.monotonic() - began) / max(1, cycles - 1):.1f} s each; descriptors, kB: {before} -> {after}')
            require(after[0] <= before[0], f'descriptors: {before[0]} -> {after[0]}')

    def check_busy(self, place, bus):
        with self.case(f'disk by {place}: goes while it is read and written'):
            self.plug(Disk, bus)
            self.shell.ask(Disk.find + '{ (while [ -b $d ]; do dd if=$d of=/dev/null bs=64k; dd if=/tmp/pattern of=$d bs=64k '
                           'conv=fsync; echo 7 >/proc/sys/vm/drop_caches; done) >/dev/null 2>&1 & }')
            self.unplug()
            answer = self.shell.ask(WAIT.format(condition=f'! {Disk.present}'))
            require(answer.endswith('there'), f'Linux keeps it: {answer}')

    # ---- at last ----

    def check_load(self):
        with self.case('the other disk was written and read without an error'):
            self.shell.ask('touch /tmp/stop; sleep 2')
            answer = self.shell.ask('touch /tmp/bad; echo turns=$(wc -l </tmp/turns) errors=$(wc -l </tmp/bad)')
            found = re.search(r'turns=(\d+) errors=(\d+)', answer)
            require(found and int(found[1]) > 0 and found[2] == '0', answer)
            self.tap.comment(f'{found[1]} turns of 1 MiB')

    def check_end(self, console):
        with self.case('Linux did not complain'):
            answer = self.shell.ask("dmesg | grep -E 'WARNING:|BUG:|Oops|nobody cared|soft lockup|ACPI Error|blocked for' ; echo .")
            require(answer == '.', answer)
            ports = self.shell.ask("dmesg | grep -c 'pcieport.*Button press'; dmesg | grep -c 'pci 0000:00:09.0'").split()
            self.tap.comment(f'dmesg: {ports[0]} presses of the button, {ports[1]} lines of 00:09.0')
        with self.case('shuts down cleanly'):
            console.send('poweroff -f')
            status = console.exit_status()
            require(status == 0, f'exit status {status}')


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--vmm', choices=('tenon', 'qemu'), default='tenon')
    parser.add_argument('--binary', required=True)
    parser.add_argument('--rig', required=True)
    parser.add_argument('--cycles', type=int, default=5, help='of each device by each way')
    parser.add_argument('--patience', type=float, default=120, help='seconds for each answer')
    parser.add_argument('--verbose', action='store_true', help="the guest's serial line on stderr")
    return parser.parse_args()


def main():
    tap = Tap()
    System(parse_arguments(), tap).run()
    tap.plan()
    return 1 if tap.failed else 0


if __name__ == '__main__':
    sys.exit(main())
