#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What q35 itself brings, with Linux's drivers for it, in TAP: the speed of memory as the table HMAT tells it, and the ICH9's
watchdog, which is fed, stopped, and left without food. Runs where /dev/kvm runs Linux: run-linux-tests --cases platform."""
import argparse
import subprocess
import sys
import time

import l2
import system
from io_guest import HERE, KERNEL
from l2_cases import Tap, add_options, require
from serial_cases import PROMPT

MIB = 1 << 20
NODE_MIB = 256
HEARTBEAT = 3  # seconds; the timer's least are 2.4 (ICH9 13.9.11)
WATCHDOG = '/sys/class/watchdog/watchdog0'
INITIATORS = 'cd /sys/devices/system/node/node{0}/access0/initiators && ls -d node* && cat {1}'
SIDE_CACHE = 'cd /sys/devices/system/node/node{0}/memory_side_cache/index1 && cat size line_size indexing write_policy'

# Of each node seen from node 0, which has the processors: read and write latency in ns, bandwidth in MB/s.
SPEEDS = {0: {'read_latency': 10, 'write_latency': 15, 'read_bandwidth': 20480, 'write_bandwidth': 10240},
          1: {'read_latency': 95, 'write_latency': 350, 'read_bandwidth': 4096, 'write_bandwidth': 512}}
CACHE = {'size': 64 * MIB, 'line': 64, 'associativity': 'direct', 'policy': 'write-through'}
CACHE_SEEN = [str(64 * MIB), '64', '0', '1']  # Documentation/ABI/stable/sysfs-devices-node


def numa_arguments():
    """Two nodes: the processors and memory, and memory alone, behind a cache."""
    words = ['-numa', 'node,nodeid=0,memdev=m0', '-numa', 'node,nodeid=1,memdev=m1,initiator=0',
             '-numa', 'cpu,node-id=0,socket-id=0', '-numa', 'cpu,node-id=0,socket-id=1']
    for node, speeds in SPEEDS.items():
        words = ['-object', f'memory-backend-ram,id=m{node},size={NODE_MIB}M', *words]
        for name, value in speeds.items():
            said = f'latency={value}' if name.endswith('latency') else f'bandwidth={value}M'
            words += ['-numa', f'hmat-lb,initiator=0,target={node},hierarchy=memory,data-type={name.replace("_", "-")},{said}']
    return words + ['-numa', 'hmat-cache,node-id=1,level=1,' + ','.join(f'{name}={value}' for name, value in CACHE.items())]


class System(system.System):
    """One machine."""

    def command(self, folder):
        out = f'{folder}/guest.cpio'
        subprocess.run([HERE / 'mkguest', '-k', KERNEL, '-m', 'lpc_ich', '-m', 'iTCO_wdt', '--rig', self.options.rig, '-o', out],
                       check=True, stdout=sys.stderr)
        guest = l2.Guest(kernel=f'{self.options.rig}/kernel/{KERNEL}/vmlinux', initrd=out, machine='q35,hmat=on',
                         cpus='2,sockets=2', memory_mib=2 * NODE_MIB, extra=(*numa_arguments(), *self.monitor_arguments(folder)))
        return l2.command_line(self.options.vmm, self.options.binary, guest)

    def check(self, console, folder):
        with self.case('a shell'):
            self.at_prompt()
            self.connect()
        for node, speeds in SPEEDS.items():
            self.check_speeds(node, speeds)
        with self.case('HMAT: Linux sees the cache before memory'):
            answer = self.shell.ask(SIDE_CACHE.format(1))
            require(answer.split() == CACHE_SEEN, answer)
            answer = self.shell.ask('ls -d /sys/devices/system/node/node0/memory_side_cache')
            require('No such file' in answer, answer)
        self.check_watchdog()
        self.check_end(console)

    def at_prompt(self):
        self.shell.console.expect(l2.HELLO, 'init')
        self.shell.console.expect(PROMPT, 'the prompt')
        self.shell.ask('stty -echo; set +m; dmesg -n 1')

    # ---- HMAT ----

    def check_speeds(self, node, speeds):
        with self.case(f'HMAT: Linux sees the speed of node {node}, and from where'):
            answer = self.shell.ask(INITIATORS.format(node, ' '.join(speeds)))
            require(answer.split() == ['node0', *map(str, speeds.values())], answer)

    # ---- the watchdog ----

    def check_watchdog(self):
        with self.case('watchdog: iTCO_wdt finds the timer of the ICH9'):
            self.feed()
        with self.case('watchdog: fed, the machine runs on'):
            self.require_silence()
        with self.case('watchdog: told to stop, it counts no more'):
            left = self.shell.ask('kill $dog; wait $dog; for i in 1 2 3 4; do cat timeleft; sleep 1; done').split()
            require(len(left) == 4 and len(set(left)) == 1, left)
            self.require_silence()
        with self.case('watchdog: left without food, it pauses the machine when that is asked for, which then goes on'):
            self.feed()
            self.require_bite('pause')
            status = self.ask('query-status')
            require(status['status'] == 'watchdog', status)
            self.ask('cont')
            require(self.shell.ask('echo alive') == 'alive', 'the shell')
        with self.case('watchdog: left without food, it resets the machine: Linux starts anew'):
            self.feed()
            self.require_bite('reset')
            self.at_prompt()
            self.feed()
            self.shell.ask('kill $dog; wait $dog')

    def feed(self):
        """Busybox's daemon feeds it every second; it tells it to stop when it is told to end, and not when it is killed."""
        answer = self.shell.ask(f'watchdog -F -t 1 -T {HEARTBEAT} /dev/watchdog & dog=$!; sleep 1; cd {WATCHDOG} && '
                                'cat identity state timeout; dmesg | grep "iTCO_wdt.*Found"')
        require(answer.split()[:3] == ['iTCO_wdt', 'active', str(HEARTBEAT)], answer)
        require('ICH9 TCO device (Version=2, TCOBASE=0x0660)' in answer, answer)

    def require_silence(self):
        """For longer than both timeouts."""
        self.shell.ask(f'sleep {3 * HEARTBEAT}')
        heard = self.qmp.quiet()
        require('WATCHDOG' not in heard, heard)

    def require_bite(self, action):
        """After two timeouts: the first is the guest's to handle."""
        self.ask('watchdog-set-action', action=action)
        began = time.monotonic()
        self.shell.ask('kill -9 $dog; wait $dog')
        said = self.event('WATCHDOG')
        took = time.monotonic() - began
        self.tap.comment(f'{said["action"]} {took:.1f} s after its feeder died')
        require(said['action'] == action and took >= 2 * HEARTBEAT - 1, f'{said} after {took} s')


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    add_options(parser)
    return parser.parse_args()


def main():
    tap = Tap()
    System(parse_arguments(), tap).run()
    tap.plan()
    return 1 if tap.failed else 0


if __name__ == '__main__':
    sys.exit(main())
