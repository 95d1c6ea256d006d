# SPDX-License-Identifier: BSD-2-Clause
"""Starts a VMM with a Linux guest (L2) and talks to its serial line."""
import dataclasses
import os
import pathlib
import re
import select
import socket
import subprocess
import time

KVM_COUNTERS = pathlib.Path('/sys/kernel/debug/kvm')
HELLO = r'tenon: init after ([0-9.]+) s'


class Failure(Exception):
    """The guest or the VMM did not do what a case expects."""


@dataclasses.dataclass(frozen=True)
class Guest:
    """What a VMM's command line says. The spelling is QEMU's, for every VMM."""
    kernel: str
    initrd: str
    machine: str = 'q35'
    cpus: int = 1
    memory_mib: int = 512
    append: str = ''
    no_reboot: bool = False
    serial: tuple = ('-serial', 'stdio')
    extra: tuple = ()

    def arguments(self):
        arguments = ['-M', self.machine, '-m', f'{self.memory_mib}M', '-smp', str(self.cpus),
                     '-kernel', self.kernel, '-initrd', self.initrd,
                     '-append', f'console=ttyS0 quiet panic=-1 {self.append}'.strip(),
                     '-nographic', '-nodefaults', *self.serial, *self.extra]
        return arguments + ['-no-reboot'] * self.no_reboot


def machine_argument(machine):
    """microvm has an RTC only on request."""
    return 'microvm,rtc=on' if machine == 'microvm' else machine


def command_line(vmm, binary, guest):
    """The whole command line of a VMM: `tenon`, or `qemu` as a stand-in and for comparison."""
    hypervisor = {'tenon': [], 'qemu': ['-accel', 'kvm', '-cpu', 'host', '-no-user-config']}[vmm]
    return [binary, *hypervisor, *guest.arguments()]


def kvm_exits():
    """KVM's counters, summed over the virtual machines that exist now; empty without debugfs."""
    names = {'exits': 'all', 'io_exits': 'pio', 'mmio_exits': 'mmio', 'irq_exits': 'irq', 'halt_exits': 'halt',
             'irq_injections': 'injected'}
    try:
        return {short: int((KVM_COUNTERS / name).read_text()) for name, short in names.items()}
    except OSError:
        return {}


class Console:
    """A running VMM, its serial line on pipes. A context manager: nothing outlives it."""

    def __init__(self, command, patience, echo=None):
        self.command = command
        self.patience = patience  # seconds for each answer
        self.echo = echo          # a stream that gets a copy of all output
        self.text = ''     # all that the VMM has written
        self.position = 0  # up to here an expectation has consumed it
        self.given_up = False
        self.started = time.monotonic()

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, bufsize=0)
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def expect(self, pattern, what):
        """Waits for the pattern in what comes after the last expectation; returns the match. A guest that doesn't
        answer is given up, so that what depends on the answer fails at once."""
        deadline = time.monotonic() + self.patience
        while True:
            match = re.search(pattern, self.text[self.position:])
            if match:
                self.position += match.end()
                return match
            if not self._read(deadline):
                raise Failure(f'{what}: {self._give_up()}')

    def send(self, line):
        try:
            self.process.stdin.write(line.encode() + b'\n')
        except BrokenPipeError as error:
            raise Failure(f'cannot send {line!r}: {self._give_up()}') from error

    def exit_status(self):
        """Waits for the end of the VMM; reads what it still has to say."""
        deadline = time.monotonic() + self.patience
        while self._read(deadline):
            pass
        try:
            return self.process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired as error:
            raise Failure(f'the VMM does not exit within {self.patience} s') from error

    def vanished(self):
        """Has the machine been reset with no word from its kernel? In the rig that happens in some boots of a hundred, with
        QEMU as with any other VMM: the emulated processor loses a guest. A test may begin anew then, once."""
        return self.process.poll() == 0 and not re.search(r'Power down|Restarting system|Kernel panic', self.text)

    def seconds(self):
        return time.monotonic() - self.started

    def last_lines(self, count=12):
        return [line for line in self.text.splitlines() if line.strip()][-count:]

    def log_in(self, user, password):
        """From a login prompt to a root shell with a prompt that cannot be mistaken."""
        self.expect(r'login: ', 'the login prompt')
        self.send(user)
        self.expect(r'Password: ', 'the password prompt')
        self.send(password)
        self.expect(r'# ', 'the shell')
        self.send("stty -echo; PS1='tenon''# '; TERM=dumb")
        self.expect('tenon# ', 'the prompt')

    def ask(self, command, what=None):
        """The output of a command of the shell that log_in reached."""
        self.send(command)
        before = self.position
        match = self.expect('tenon# ', what or command)
        return self.text[before:self.position - len(match.group(0))].strip()

    def _read(self, deadline):
        output = self.process.stdout
        ready, _, _ = select.select([output], [], [], max(0, deadline - time.monotonic()))
        data = os.read(output.fileno(), 65536) if ready else b''
        text = data.decode(errors='replace').replace('\r', '')
        self.text += text
        if self.echo and text:
            print(text, end='', file=self.echo, flush=True)
        return bool(data)

    def _give_up(self):
        if self.given_up:
            return 'the guest was given up before'
        self.given_up = True
        try:
            return f'the VMM exited with {self.process.wait(0.2)}'
        except subprocess.TimeoutExpired:
            exits = kvm_exits()
            self.process.kill()
            return f'not within {self.patience} s; KVM exits: {exits}'


class SecondLine(Console):
    """Another line of a running VMM: a chardev socket."""

    def __init__(self, console, path):
        super().__init__(console.command, console.patience, console.echo)
        self.process = console.process
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, line):
        self.socket.sendall(line.encode() + b'\n')

    def _read(self, deadline):
        ready, _, _ = select.select([self.socket], [], [], max(0, deadline - time.monotonic()))
        data = self.socket.recv(65536) if ready else b''
        self.text += data.decode(errors='replace').replace('\r', '')
        return bool(data)
