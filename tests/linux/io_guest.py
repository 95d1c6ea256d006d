# SPDX-License-Identifier: BSD-2-Clause
"""The guests of io_cases.py: their images, disks and NICs, and what is around them on this side."""
import contextlib
import dataclasses
import json
import os
import pathlib
import re
import shlex
import socket
import subprocess
import sys
import tarfile
import tempfile
import threading

import l2
from l2_cases import case, require

HERE = pathlib.Path(__file__).resolve().parent
KERNEL = '6.12'
MIB = 1 << 20
PROMPT = 'tenon# '
TRANSPORT = {'q35': 'pci', 'microvm': 'device'}
PROGRAMS = ('fio', 'iperf3', 'ethtool', 'ping', 'kexec', 'mkfs.ext4', 'e2fsck', 'fstrim', 'blkdiscard')
MODULES = ('virtio_pci', 'virtio_mmio', 'virtio_blk', 'virtio_net', 'virtio_console', 'virtio_rng', 'ext4')
ECHO_PORT = 7007
SANITIZERS = r'ERROR: AddressSanitizer|runtime error:|WARNING: ThreadSanitizer|ERROR: LeakSanitizer'


def make_images(rig, folder):
    """Made where mkguest's tools are, which is not in the rig: a guest with the tools, a smaller one for a second kernel,
    and both kernel and image as a disk to boot them from."""
    made_from = (HERE / 'mkguest', *HERE.glob('*-guest.sh'), HERE / 'guest/shell-init.sh', pathlib.Path(__file__),
                 pathlib.Path(rig) / 'root/.stamp')
    if (folder / 'boot.tar').exists() and all(f.stat().st_mtime < (folder / 'boot.tar').stat().st_mtime for f in made_from):
        return
    folder.mkdir(parents=True, exist_ok=True)
    common = [HERE / 'mkguest', '--rig', rig, *(x for m in MODULES for x in ('-m', m)), '-f', f'{HERE}/io-guest.sh=bin/io.sh',
              '-f', f'{HERE}/hotplug-guest.sh=bin/hot.sh']
    programs = [x for p in PROGRAMS for x in ('-p', p)]
    subprocess.run([*common, '--from', f'{rig}/root', *programs, '-o', folder / 'tools.cpio'], check=True)
    subprocess.run([*common, '--from', f'{rig}/root', '-p', 'ping', '-o', folder / 'second.cpio'], check=True)
    with tarfile.open(folder / 'boot.tar', 'w') as tar:
        tar.add(f'{rig}/kernel/{KERNEL}/vmlinuz', 'vmlinuz')
        tar.add(folder / 'second.cpio', 'second.cpio')


@dataclasses.dataclass(frozen=True)
class Disk:
    """A drive and the device on it: both have the name, and the disk as its serial number, too."""
    name: str
    drive: str = ''
    device: dict = dataclasses.field(default_factory=dict)
    file: str = ''  # default: a new image of its own
    size: int = 32 * MIB

    def arguments(self, machine, folder):
        file = self.file or f'{folder}/{self.name}.raw'
        properties = {'driver': f'virtio-blk-{TRANSPORT[machine]}', 'drive': self.name, 'serial': self.name, **self.device}
        drive = f'file={file},format=raw,if=none,id={self.name}'
        return '-drive', ','.join(filter(None, (drive, self.drive))), '-device', json.dumps(properties)

    def make(self, folder):
        """Full of ones: a hole is what the guest has made."""
        if not self.file:
            with open(f'{folder}/{self.name}.raw', 'wb') as image:
                for _ in range(self.size // MIB):
                    image.write(b'\xff' * MIB)


@dataclasses.dataclass(frozen=True)
class Nic:
    """A NIC on a TAP of its own, in network 10.9.NUMBER.0/24; or on the back end that `netdev` says."""
    name: str
    number: int
    device: str = ''
    tap: str = ''      # more options of the back end
    netdev: str = ''
    queues: int = 1
    mtu: int = 1500
    hot: bool = False  # not there at the start

    @property
    def interface(self):
        return f'tenonio{self.number}'

    def arguments(self, machine):
        if self.hot:
            return ()
        back = self.netdev or f'tap,ifname={self.interface},script=no,downscript=no,queues={self.queues}'
        device = f'virtio-net-{TRANSPORT[machine]},netdev=n{self.number},mac=52:54:00:0e:00:{self.number:02d}'
        return ('-netdev', ','.join(filter(None, (f'{back},id=n{self.number}', self.tap))),
                '-device', ','.join(filter(None, (device, self.device))))


def run(line):
    subprocess.run(line.split(), check=True)


@contextlib.contextmanager
def interfaces(nics):
    """The TAPs, each with a server of iperf3 and all with one that sends back what it gets."""
    nics = [nic for nic in nics if not nic.netdev]
    run('modprobe tun')
    run('modprobe vhost_net')
    with contextlib.ExitStack() as stack:
        for nic in nics:
            run(f'ip tuntap add {nic.interface} mode tap' + ' multi_queue' * (nic.queues > 1))
            stack.callback(run, f'ip link del {nic.interface}')
            run(f'ip addr add 10.9.{nic.number}.1/24 dev {nic.interface}')
            run(f'ip link set {nic.interface} mtu {nic.mtu} up')
            server = subprocess.Popen(['iperf3', '-s', '-B', f'10.9.{nic.number}.1'], stdout=subprocess.DEVNULL)
            stack.callback(server.wait)
            stack.callback(server.kill)
        echo = stack.enter_context(socket.create_server(('', ECHO_PORT)))
        stack.callback(echo.shutdown, socket.SHUT_RDWR)
        threading.Thread(target=serve_echo, args=(echo,), daemon=True).start()
        yield


def serve_echo(server):
    with contextlib.suppress(OSError):
        while True:
            peer, _ = server.accept()
            threading.Thread(target=echo_one, args=(peer,), daemon=True).start()


def echo_one(peer):
    with peer, contextlib.suppress(OSError):
        data = bytearray()
        while part := peer.recv(65536):
            data += part
        peer.sendall(data)


class PortPeer:
    """The host's end of a chardev: sends back what it gets, or only reads it."""

    def __init__(self, path, echo):
        self.socket, self.echo = socket.socket(socket.AF_UNIX), echo
        self.socket.connect(str(path))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        with contextlib.suppress(OSError):
            while part := self.socket.recv(65536):
                if self.echo:
                    self.socket.sendall(part)


class Suite:
    """What all guests share: the options, where results go, a folder for images and sockets."""

    def __init__(self, options, tap):
        self.options, self.tap = options, tap

    @contextlib.contextmanager
    def guest(self, name, machine, disks=(), nics=(), extra=(), memory_mib=512, append=''):
        """A guest with the tools, at the prompt; yields (console, folder). At the end it has to power off in peace."""
        with contextlib.ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory(dir='/tmp'))
            stack.enter_context(interfaces(nics))
            for disk in disks:
                disk.make(folder)
            words = [w for d in disks for w in d.arguments(machine, folder)] + [w for n in nics for w in n.arguments(machine)]
            guest = l2.Guest(kernel=f'{self.options.rig}/kernel/{KERNEL}/vmlinux', initrd=f'{self.options.images}/tools.cpio',
                             machine=machine, cpus=2, memory_mib=memory_mib, no_reboot=True, append=f'{append} {self.options.append}',
                             extra=(*words, *(word.format(folder=folder) for word in extra)))
            command = l2.command_line(self.options.vmm, self.options.binary, guest)
            failed_before = self.tap.failed
            echo = sys.stderr if self.options.verbose else None
            with l2.Console(command, self.options.patience, echo) as console:
                try:
                    with self.case(f'{name}: reaches a shell'):
                        at_prompt(console)
                    yield console, pathlib.Path(folder)
                except (l2.Failure, OSError) as failure:
                    self.tap.result(f'{name}: all that follows', failure)
                finally:
                    self.complain(name, console)
            if self.tap.failed > failed_before:
                self.tap.comment('\n'.join(['$ ' + shlex.join(command), *console.last_lines(40)]))

    def complain(self, name, console):
        self.tap.comment(f'{name}: {console.seconds():.0f} s')
        found = re.search(SANITIZERS, console.text)
        if found:
            self.tap.result(f'{name}: no sanitizer complains', console.text[found.start():found.start() + 6000])

    def case(self, name):
        return case(self.tap, name)

    def asked(self, name, console, command):
        """A case: the command's last line is "ok"."""
        with self.case(name):
            answer = console.ask(command)
            require(answer.splitlines()[-1:] == ['ok'], f'{command}: {answer}')

    def each(self, names, console, command, prefix, name):
        """A case for each name, of a command that prints "PREFIX NAME: ok" for each."""
        try:
            answer = console.ask(command)
        except l2.Failure as failure:
            answer = str(failure)
        for one in names:
            with self.case(name.format(one)):
                require(f'{prefix} {one}: ok' in answer, answer)

    def end(self, name, console):
        with self.case(f'{name}: no complaint of the kernel, and power off'):
            answer = console.ask('faults; echo .')
            require(answer == '.', answer)
            console.send('poweroff -f')
            status = console.exit_status()
            require(status == 0, f'exit status {status}')


def at_prompt(console):
    """From a kernel that starts to a shell with the functions of io-guest.sh. Nothing but answers on the line."""
    console.expect(l2.HELLO, 'init')
    console.send("dmesg -n 1; stty -echo; set +m; TERM=dumb; . /bin/io.sh; make_seed; echo rea''dy")
    console.expect('ready', 'the functions of io-guest.sh')
    console.expect(PROMPT, 'the prompt')


def processor_seconds(pid):
    """Of a process, all its threads."""
    fields = pathlib.Path(f'/proc/{pid}/stat').read_text().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')
