# SPDX-License-Identifier: BSD-2-Clause
"""A NIC served by the kernel (vhost=on) that comes while the machine runs and goes while packets flow, by either end."""
import contextlib
import os
import pathlib
import subprocess
import time

import system
from io_guest import MIB, Nic
from l2_cases import require

NIC = Nic('hot', 6, tap='vhost=on', hot=True)
PEER, ADDRESS = '10.9.6.1', '10.9.6.2'
UP = f'. /bin/hot.sh; wait_until nic 06; up 06 {ADDRESS}/24'
DOWN = 'wait_until grep -q 0 /sys/class/net/$(nic 06)/carrier && echo ok'
GONE = 'no_nic() { ! nic 06; }; wait_until no_nic && echo ok'
TRAFFIC = f'while sleep 0.1; do nc {PEER} 7007 </tmp/seed; done >/dev/null 2>&1 & traffic=$!'
# Where it comes: on the root bus (ACPI, which is QEMU's for pc only) and below a root port (pciehp, five seconds to go).
PLACES = {'root bus': ({'addr': '11'}, 3), 'root port': ({'bus': 'rp'}, 1)}


def vhost_threads(pid):
    """Threads of the VMM since Linux 6.4, kernel threads before."""
    names = [path.read_text().strip() for path in pathlib.Path('/proc').glob(f'{pid}/task/*/comm')]
    names += [path.read_text().strip() for path in pathlib.Path('/proc').glob('[0-9]*/comm')]
    return names.count(f'vhost-{pid}')


def descriptors(pid):
    """What each is open on, sorted."""
    return sorted(os.readlink(entry) for entry in pathlib.Path(f'/proc/{pid}/fd').iterdir())


def moved():
    """Bytes from the guest, and to it."""
    folder = pathlib.Path(f'/sys/class/net/{NIC.interface}/statistics')
    return [int((folder / name).read_text()) for name in ('rx_bytes', 'tx_bytes')]


class VhostPlug(system.Monitored):
    """What is done with it, in a machine with ARGUMENTS and other NICs."""

    ARGUMENTS = ('-device', 'pcie-root-port,id=rp,chassis=1,addr=10', *system.Monitored.monitor_arguments('{folder}'))

    def __init__(self, suite, console, folder):
        self.suite, self.options, self.console, self.folder, self.pid = suite, suite.options, console, folder, console.process.pid
        self.connect()
        self.at_first, self.open_at_first = self.kernel_side(), descriptors(self.pid)

    def run(self):
        for place, (where, turns) in PLACES.items():
            if self.options.vmm == 'tenon' or 'bus' in where:
                self.check_place(place, where, turns)

    def check_place(self, place, where, turns):
        with self.suite.case(f'vhost, {place}: {turns} times a NIC comes, carries data, and goes by device_del under traffic'):
            for _ in range(turns):
                self.plug(where)
                with self.traffic():
                    self.unplug()
                    self.ask('netdev_del', id='n6')
                    self.require_released()
                self.require_nothing_left()
        with self.suite.case(f'vhost, {place}: {turns} times by netdev_del under traffic: the NIC loses its link, and goes later'):
            for _ in range(turns):
                self.plug(where)
                with self.traffic():
                    self.ask('netdev_del', id='n6')
                    if self.options.vmm == 'tenon':  # QEMU keeps them as long as the NIC is there
                        self.require_released()
                    self.require_ok(DOWN)
                    self.unplug()
                self.require_nothing_left()

    def plug(self, where):
        self.ask('netdev_add', type='tap', id='n6', ifname=NIC.interface, script='no', downscript='no', vhost=True)
        self.ask('device_add', driver='virtio-net-pci', id='hot', netdev='n6', mac='52:54:00:0e:00:06', **where)
        self.require_ok(UP)
        self.require_ok(f'echoed {PEER}')
        require(vhost_threads(self.pid) == self.at_first[1] + 1, f'{vhost_threads(self.pid)} threads of vhost')

    def unplug(self):
        self.ask('device_del', id='hot')
        self.event('DEVICE_DELETED', device='hot')
        self.require_ok(GONE)

    @contextlib.contextmanager
    def traffic(self):
        """Connections of the guest that send and get back 4 MiB each, and a flood of packets from this side."""
        ping = subprocess.Popen(['ping', '-q', '-f', '-s', '1400', ADDRESS], stdout=subprocess.DEVNULL)
        try:
            self.console.ask(TRAFFIC)
            self.await_bytes(MIB)
            yield
        finally:
            ping.kill()
            ping.wait()
            self.console.ask('kill $traffic; killall nc; wait $traffic 2>/dev/null')

    def await_bytes(self, count):
        """Until as many have gone each way."""
        before, deadline = moved(), time.monotonic() + self.options.patience
        while any(now < then + count for now, then in zip(moved(), before)):
            require(time.monotonic() < deadline, f'bytes: {before} -> {moved()}')
            time.sleep(0.05)

    def require_ok(self, command):
        answer = self.console.ask(command)
        require(answer.splitlines()[-1:] == ['ok'], f'{command}: {answer}')

    def kernel_side(self):
        """What the kernel has from this program for networks: TAPs, vhost-nets, and threads for these."""
        names = [name for name in descriptors(self.pid) if name in ('/dev/net/tun', '/dev/vhost-net')]
        return names, vhost_threads(self.pid)

    def require_released(self):
        now = self.kernel_side()
        require(now == self.at_first, f'of TAPs: {self.at_first}\nbecame {now}')

    def require_nothing_left(self):
        now = descriptors(self.pid)
        require(now == self.open_at_first, f'descriptors: {self.open_at_first}\nbecame {now}')
