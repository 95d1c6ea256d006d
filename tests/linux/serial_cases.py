#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Linux on virtio-serial and virtio-rng, in TAP: a shell on hvc0, megabytes through a port and a console with their digests
compared, drivers that come and go, random numbers. Runs where /dev/kvm runs Linux: run-linux-tests --cases serial."""
import argparse
import hashlib
import pathlib
import random
import shlex
import socket
import subprocess
import sys
import tempfile
import threading
import time

import l2
from l2_cases import Tap, add_options, case, require

TRANSPORT = {'q35': 'pci', 'microvm': 'device'}
MODULES = ('virtio_pci', 'virtio_mmio', 'virtio_console', 'virtio_rng')
PROMPT = 'tenon# '
SIZE = 4 << 20
PORT = '/dev/vport0p1'


def devices(machine, folder):
    bus = TRANSPORT[machine]
    return ('-device', f'virtio-serial-{bus}', '-chardev', f'socket,id=h,path={folder}/hvc0,server=on,wait=off',
            '-device', 'virtconsole,chardev=h', '-chardev', f'socket,id=p,path={folder}/port,server=on,wait=off',
            '-device', 'virtserialport,chardev=p,name=org.example.port', '-device', f'virtio-rng-{bus}')


def sha256(data):
    return hashlib.sha256(data).hexdigest()


class Shell:
    """A shell at the other end of a console. Its answers end with a mark, whatever else is printed."""

    def __init__(self, console):
        self.console, self.count = console, 0

    def ask(self, command):
        self.begin(command)
        return self.end(command)

    def begin(self, command):
        self.count += 1
        self.console.send(f"{command}; echo 'tenon-''end {self.count}.'")

    def end(self, what):
        before = self.console.position
        match = self.console.expect(f'tenon-end {self.count}\\.', what)
        return self.console.text[before:self.console.position - len(match.group(0))].replace(PROMPT, '').strip()


class Peer:
    """The host's end of a port."""

    def __init__(self, path, patience):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))
        self.socket.settimeout(patience)

    def receive(self, n):
        got = bytearray()
        while len(got) < n:
            part = self.socket.recv(n - len(got))
            require(part, f'the VMM hung up after {len(got)} bytes')
            got += part
        return bytes(got)

    def send(self, data):
        """In a thread: the guest takes it when it likes."""
        sender = threading.Thread(target=self.socket.sendall, args=(data,), daemon=True)
        sender.start()
        return sender


class System:
    """One machine."""

    def __init__(self, options, tap, machine, kernel):
        self.options, self.tap, self.machine, self.kernel = options, tap, machine, kernel

    def case(self, name):
        return case(self.tap, f'{self.kernel} on {self.machine}: {name}')

    def image(self, folder):
        out = f'{folder}/guest.cpio'
        modules = [word for m in MODULES for word in ('-m', m)]
        subprocess.run([pathlib.Path(__file__).parent / 'mkguest', '-k', self.kernel, *modules, '--rig', self.options.rig,
                        '-o', out], check=True, stdout=sys.stderr)
        return out

    def run(self):
        with tempfile.TemporaryDirectory(dir='/var/tmp') as folder:
            guest = l2.Guest(kernel=f'{self.options.rig}/kernel/{self.kernel}/vmlinuz', initrd=self.image(folder),
                             machine=l2.machine_argument(self.machine), cpus=2, no_reboot=True,
                             extra=devices(self.machine, folder))
            command = l2.command_line(self.options.vmm, self.options.binary, guest)
            failed_before = self.tap.failed
            with l2.Console(command, self.options.patience, sys.stderr if self.options.verbose else None) as console:
                self.check(console, pathlib.Path(folder))
            if self.tap.failed > failed_before:
                self.tap.comment('\n'.join(['$ ' + shlex.join(command), *console.last_lines(30)]))

    def check(self, console, folder):
        shell = Shell(console)
        with self.case('a shell on ttyS0, and the drivers loaded'):
            console.expect(l2.HELLO, 'init')
            console.expect(PROMPT, 'the prompt')
            shell.ask('stty -echo')
            require('org.example.port' in shell.ask('cat /sys/class/virtio-ports/*/name'), 'there is no such port')
        self.check_console(shell, folder)
        self.check_port(shell, Peer(folder / 'port', self.options.patience))
        self.check_rng(shell)
        self.check_end(shell)

    def check_console(self, shell, folder):
        with self.case('a shell on hvc0'), l2.SecondLine(shell.console, folder / 'hvc0') as line:
            shell.ask("(setsid sh -c 'exec sh -i </dev/hvc0 >/dev/hvc0 2>&1' &)")
            line.expect(PROMPT, 'the prompt')
            hvc0 = Shell(line)
            hvc0.ask('stty -echo')
            require(hvc0.ask('tty') == '/dev/hvc0', 'the shell is elsewhere')
            digest = hvc0.ask('dd if=/dev/urandom of=/tmp/c bs=1024 count=16 2>/dev/null; sha256sum </tmp/c').split()[0]
            began = time.monotonic()
            text = hvc0.ask('base64 /tmp/c')
            self.tap.comment(f'{len(text)} bytes of console output in {time.monotonic() - began:.1f} s')
            made = subprocess.run(['base64', '-d'], input=text.encode(), capture_output=True, check=False).stdout
            require(sha256(made) == digest, f'{len(made)} bytes of output are not those of the guest')
            line.send('exit')

    def check_port(self, shell, peer):
        digest = ''
        with self.case('a port carries 4 MiB to the host'):
            digest = shell.ask('dd if=/dev/urandom of=/tmp/x bs=1M count=4 2>/dev/null; sha256sum </tmp/x').split()[0]
            self.tap.comment(self.check_to_host(shell, peer, digest))
        with self.case('a port carries 4 MiB to the guest'):
            data = random.Random(1).randbytes(SIZE)
            began = time.monotonic()
            sender = peer.send(data)
            answer = shell.ask(f'head -c {SIZE} {PORT} | sha256sum')
            require(answer.split()[0] == sha256(data), f'{answer}: the digests differ')
            sender.join(self.options.patience)
            self.tap.comment(f'{SIZE >> 20} MiB in {time.monotonic() - began:.1f} s')
        with self.case('a host that is slow loses nothing'):
            self.check_to_host(shell, peer, digest, 2)

    @staticmethod
    def check_to_host(shell, peer, digest, pause=0):
        shell.begin(f'cat /tmp/x >{PORT}')
        time.sleep(pause)
        began = time.monotonic()
        require(sha256(peer.receive(SIZE)) == digest, 'the digests differ')
        shell.end('the end of cat')
        return f'{SIZE >> 20} MiB in {time.monotonic() - began:.1f} s'

    def check_rng(self, shell):
        with self.case('the random number generator gives'):
            answer = shell.ask('cat /sys/class/misc/hw_random/rng_current; dd if=/dev/hwrng of=/tmp/r bs=4096 count=16 '
                               '2>/dev/null; wc -c </tmp/r; gzip -c /tmp/r | wc -c')
            words = answer.split()
            require(words[0].startswith('virtio_rng') and words[1] == '65536', answer)
            require(int(words[2]) > 65536, f'{answer}: it can be compressed')
        with self.case('the driver of the generator comes and goes'):
            for _ in range(3):
                answer = shell.ask('rmmod virtio_rng && insmod /modules/virtio-rng.ko && head -c 64 /dev/hwrng | wc -c')
                require(answer == '64', answer)

    def check_end(self, shell):
        with self.case('nothing complained'):
            answer = shell.ask("dmesg | grep -E 'WARNING:|BUG:|Oops|nobody cared|soft lockup'")
            require(answer == '', answer)
        with self.case('powers off'):
            shell.console.send('poweroff -f')
            status = shell.console.exit_status()
            require(status == 0, f'exit status {status}')


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    add_options(parser)
    parser.add_argument('--machine', action='append', choices=('q35', 'microvm'))
    parser.add_argument('--kernel', action='append', choices=('6.1', '6.12'))
    return parser.parse_args()


def main():
    options = parse_arguments()
    tap = Tap()
    for machine in options.machine or ('q35', 'microvm'):
        for kernel in options.kernel or ('6.12',):
            System(options, tap, machine, kernel).run()
    tap.plan()
    return 1 if tap.failed else 0


if __name__ == '__main__':
    sys.exit(main())
