#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Hot-plug under Linux, in TAP: disks, NICs, generators and serial ports come with their back ends and go with them, again and
again, all at once, by root port (pciehp) and by root bus (ACPI), and are used in between; a disk goes while it is read; all this
while fio writes and verifies another disk. Runs where /dev/kvm runs Linux: run-linux-tests --cases hotplug."""
import argparse
import dataclasses
import os
import pathlib
import re
import sys
import time

import io_guest
import l2
import system
from l2_cases import Tap, add_options, require

MIB = 1 << 20
PCI = '/sys/bus/pci/devices'
# Of the root bus: with a root port each, and free.
PORTS, SLOTS = (4, 5, 6, 7, 13, 14, 15, 16), (9, 10, 11, 12, 17, 18, 19, 20)
WARM = 3  # turns until memory is what it will be


@dataclasses.dataclass(frozen=True)
class Hot:
    """One device that comes and goes, in a slot of the root bus or below the root port there."""
    slot: int
    folder: str
    kind = ''  # hotplug-guest.sh's word

    @property
    def id(self):
        return f'{self.kind}{self.slot}'

    @property
    def place(self):
        return f"'{PCI}/0000:00:{self.slot:02x}.0" + ("/0000:??:00.0'" if self.slot in PORTS else "'")

    def front(self, driver, **properties):
        where = {'bus': f'rp{self.slot}'} if self.slot in PORTS else {'addr': f'{self.slot:x}'}
        return 'device_add', {'driver': driver, 'id': self.id, **where, **properties}

    def more(self):
        """The argument of use_KIND."""
        return '-'

    def confirm(self, ask):
        """What has to be seen from this side; ask(command, **arguments) is the monitor's."""


class Disk(Hot):
    kind = 'disk'

    def come(self):
        return [('blockdev-add', {'driver': 'raw', 'node-name': f'n{self.slot}',
                                  'file': {'driver': 'file', 'filename': f'{self.folder}/{self.id}.raw'}}),
                self.front('virtio-blk-pci', drive=f'n{self.slot}')]

    def go(self):
        return [('blockdev-del', {'node-name': f'n{self.slot}'})]


class Nic(Hot):
    kind = 'nic'

    def more(self):
        return f'10.0.{100 + self.slot}'

    def come(self):
        return [('netdev_add', {'type': 'user', 'id': f'n{self.slot}', 'net': f'{self.more()}.0/24'}),
                self.front('virtio-net-pci', netdev=f'n{self.slot}')]

    def go(self):
        return [('netdev_del', {'id': f'n{self.slot}'})]


class Rng(Hot):
    kind = 'rng'

    def come(self):
        return [('object-add', {'qom-type': 'rng-builtin', 'id': f'n{self.slot}'}),
                self.front('virtio-rng-pci', rng=f'n{self.slot}')]

    def go(self):
        return [('object-del', {'id': f'n{self.slot}'})]


class Port(Hot):
    """A serial device with a port, which goes with it."""
    kind = 'port'

    def more(self):
        return str(self.slot)

    def come(self):
        return [('chardev-add', {'id': f'n{self.slot}', 'backend': {'type': 'ringbuf', 'data': {'size': 4096}}}),
                self.front('virtio-serial-pci'),
                ('device_add', {'driver': 'virtserialport', 'id': f'p{self.slot}', 'bus': f'{self.id}.0',
                                'chardev': f'n{self.slot}', 'name': f'org.test.{self.slot}'})]

    def confirm(self, ask):
        said = ask('ringbuf-read', device=f'n{self.slot}', size=4096)
        require(said == f'hello from {self.slot}\n', f'the port says {said!r}')

    def go(self):
        return [('chardev-remove', {'id': f'n{self.slot}'})]


def footprint(pid):
    """Descriptors and kilobytes of private memory."""
    status = pathlib.Path(f'/proc/{pid}/status').read_text()
    return len(os.listdir(f'/proc/{pid}/fd')), int(status.split('RssAnon:')[1].split()[0])


class System(system.System):
    """One machine."""

    def command(self, folder):
        self.hot = [kind(slot, folder) for slots in self.slots() for kind, slot in zip(2 * (Disk, Nic, Rng, Port), slots)]
        for name in ('still', *(hot.id for hot in self.hot if hot.kind == 'disk')):
            with open(f'{folder}/{name}.raw', 'wb') as image:
                image.truncate(16 * MIB)
        ports = [w for n in PORTS for w in ('-device', f'pcie-root-port,id=rp{n},chassis={n},addr={n:x}')]
        # RAM that is shared does not count as the program's own.
        extra = ('-object', 'memory-backend-memfd,id=ram,size=512M', '-drive', f'file={folder}/still.raw,format=raw,if=none,id=d0',
                 '-device', 'virtio-blk-pci,drive=d0,addr=8,serial=still', *ports,
                 *self.monitor_arguments(folder))
        guest = l2.Guest(kernel=f'{self.options.rig}/kernel/{io_guest.KERNEL}/vmlinux', initrd=f'{self.options.images}/tools.cpio',
                         machine='q35,memory-backend=ram', cpus=2, no_reboot=True, append='pci=realloc' if self.options.vmm == 'qemu' else '', extra=extra)
        return l2.command_line(self.options.vmm, self.options.binary, guest)

    def slots(self):
        return (PORTS, SLOTS) if self.options.vmm == 'tenon' else (PORTS,)

    def check(self, console, folder):
        with self.case('a shell, and another disk under load'):
            io_guest.at_prompt(console)
            self.connect()
            self.shell.ask('. /bin/hot.sh; verify_on still')
        if self.tap.failed:
            return
        self.check_turns()
        for slots in self.slots():
            self.check_busy(next(hot for hot in self.hot if hot.kind == 'disk' and hot.slot in slots))
        self.check_load()
        self.check_end(console)

    def require_ok(self, word, all_of_them, arguments):
        """A function of hotplug-guest.sh that prints "WORD NAME: ok" for each."""
        answer = self.shell.ask(f'all_{word} ' + ' '.join(arguments))
        missing = [hot.id for hot in all_of_them if f'{word} {hot.id}: ok' not in answer.splitlines()]
        if missing:
            raise l2.Failure(f'not {word}: {missing}: {answer}\n' + self.shell.ask('dmesg | tail -n 20'))

    # ---- once round ----

    def plug(self, hot):
        for command, arguments in hot.come():
            self.ask(command, **arguments)

    def use(self, all_of_them):
        self.require_ok('came', all_of_them, (f'{hot.id} {hot.kind} {hot.place} {hot.more()}' for hot in all_of_them))
        for hot in all_of_them:
            hot.confirm(self.ask)

    def unplug(self, all_of_them):
        """Each is asked to go before the first is waited for: a port lets five seconds pass."""
        waiting = {hot.id for hot in all_of_them}
        for id in waiting:
            self.ask('device_del', id=id)
        while waiting:
            try:
                waiting.discard(self.event('DEVICE_DELETED').get('device'))
            except l2.Failure as failure:
                raise l2.Failure(f'{sorted(waiting)} do not go: {failure}') from failure
        for hot in all_of_them:
            for command, arguments in hot.go():
                self.ask(command, **arguments)
        self.require_ok('went', all_of_them, (f'{hot.id} {hot.place}' for hot in all_of_them))

    def turn(self):
        for hot in self.hot:
            self.plug(hot)
        self.use(self.hot)
        self.unplug(self.hot)

    def check_turns(self):
        """As many as it takes for --cycles of single devices."""
        turns = max(2, -(-self.options.cycles // len(self.hot)))
        warm, before, began = min(WARM, turns - 1), None, time.monotonic()
        with self.case(f'{turns * len(self.hot)} devices come with their back ends, work, and go'):
            for n in range(turns):
                if n == warm:
                    before = footprint(self.pid)
                try:
                    self.turn()
                except l2.Failure:
                    self.tap.comment(self.whereabouts())
                    raise
                if n % 10 == 9:
                    self.tap.comment(f'{n + 1} turns, {time.monotonic() - began:.0f} s: {footprint(self.pid)}')
            after, cycles = footprint(self.pid), (turns - warm) * len(self.hot)
            self.tap.comment(f'{(time.monotonic() - began) / turns:.1f} s a turn of {len(self.hot)}; '
                             f'descriptors, kB after {warm} turns: {before} -> {after}')
            require(after[0] <= before[0], f'descriptors: {before[0]} -> {after[0]}')
            require(turns <= WARM or after[1] <= before[1] + 512 + cycles // 4, f'kB of memory: {before[1]} -> {after[1]}')

    def check_busy(self, disk):
        with self.case(f'{disk.id}: goes while it is read and written'):
            self.plug(disk)
            self.use([disk])
            self.shell.ask(f'keep_busy {disk.place}')
            self.unplug([disk])

    # ---- at last ----

    def check_load(self):
        with self.case('fio found the other disk as it had written it'):
            answer = self.shell.ask('verified')
            found = re.search(r'turns=(\d+) errors=(\d+)', answer)
            require(found and int(found[1]) > 0 and found[2] == '0', answer)
            self.tap.comment(f'{found[1]} turns of 2 MiB')

    def check_end(self, console):
        ports = self.shell.ask("dmesg | grep -c 'pcieport.*Button press'; dmesg | grep -c 'pci 0000:00:09.0'").split()
        self.tap.comment(f'dmesg: {ports[0]} presses of the button, {ports[1]} lines of 00:09.0')
        super().check_end(console)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    add_options(parser)
    parser.add_argument('--images', required=True, help='what io_guest.make_images made')
    parser.add_argument('--cycles', type=int, default=32, help='of single devices; a thousand take half an hour in the rig')
    return parser.parse_args()


def main():
    tap = Tap()
    System(parse_arguments(), tap).run()
    tap.plan()
    return 1 if tap.failed else 0


if __name__ == '__main__':
    sys.exit(main())
