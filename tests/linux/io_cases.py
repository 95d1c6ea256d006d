#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Linux on virtio disks and networks, in TAP: files, checksums and every cache mode; TCP both ways with and without offloads;
drivers that come and go, another kernel in the same machine, load on everything at once, servers and disks that fail. Runs
where /dev/kvm runs Linux, as root: run-linux-tests --cases io."""
import argparse
import contextlib
import itertools
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time

from io_guest import Disk, MIB, Nic, PROMPT, PortPeer, Suite, at_prompt, processor_seconds, run
import io_vhost
import l2
from l2_cases import Tap, add_options, require

CACHES = ('writeback', 'none', 'writethrough', 'unsafe', 'directsync')
THREADS = ('-object', 'iothread,id=t0', '-object', 'iothread,id=t1')
MAPPING = {'num-queues': 2, 'iothread-vq-mapping': [{'iothread': 't0'}, {'iothread': 't1'}]}

# Each cache mode, both ways to read and write, each way to be interrupted and to be served.
DISKS = (
    Disk('msix', 'cache=writeback,aio=threads'),
    Disk('intx', 'cache=none,aio=io_uring', {'vectors': 0}),
    Disk('packed', 'cache=none,aio=threads', {'packed': True}),
    Disk('iothread', 'cache=writethrough,aio=io_uring', {'iothread': 't0'}),
    Disk('mapping', 'cache=writeback,aio=io_uring', MAPPING),
    Disk('unsafe', 'cache=unsafe,aio=threads', {'num-queues': 2, 'iothread': 't1'}),
    Disk('directsync', 'cache=directsync,aio=io_uring', {'queue-size': 16}),
)
# A name is the serial number, too: at most 20 characters (VIRTIO 1.3, 5.2.6).
SPARSE, FIXED = Disk('sparse', 'discard=unmap'), Disk('fixed', 'readonly=on')
MATRIX = tuple(Disk(f'{cache}-{aio[-5:]}', f'cache={cache},aio={aio}') for cache, aio in itertools.product(CACHES, ('threads', 'io_uring')))

OFFLOADS = ('csum', 'gso', 'guest_csum', 'guest_tso4', 'guest_tso6', 'guest_ecn', 'guest_ufo', 'host_tso4', 'host_tso6', 'host_ecn',
            'host_ufo', 'guest_uso4', 'guest_uso6', 'host_uso')
NICS = (
    Nic('offloads', 0),
    Nic('bare', 1, ','.join(f'{name}=off' for name in OFFLOADS)),
    Nic('mrg_rxbuf=off', 2, 'mrg_rxbuf=off'),
    Nic('queues=2', 3, 'mq=on,vectors=6', queues=2),
    Nic('packed, MTU 9000', 4, 'packed=on,host_mtu=9000', mtu=9000),
    Nic('vhost', 5, 'id=vhost', tap='vhost=on'),
)
FORWARDED, GUEST_PORT = 2022, 22


class DiskCases(Suite):
    """Cases of disks."""

    def run(self):
        with self.guest('disks', 'q35', (*DISKS, SPARSE, FIXED), extra=THREADS) as (console, folder):
            self.check_files(console, DISKS)
            self.check_interrupts(console)
            self.check_holes(console, folder / 'sparse.raw')
            self.asked('disks: readonly=on: a write is refused', console, 'refuses_writes fixed')
            self.end('disks', console)
        if self.options.long:
            with self.guest('cache modes', 'q35', MATRIX, memory_mib=768) as (console, _):
                self.check_files(console, MATRIX)
                self.end('cache modes', console)

    def check_files(self, console, disks):
        names = [disk.name for disk in disks]
        words = ' '.join(names)
        self.each(names, console, f'all_files {words}', 'files', 'disk {}: a file system keeps its files')
        self.each(names, console, f'verify {self.options.verify} {words}', 'verify', 'disk {}: random blocks come back as written')

    def check_interrupts(self, console):
        with self.case('disks: vectors=0 takes INTx, MSI-X is a vector for each queue'):
            lines = console.ask('for d in msix intx mapping; do v=$(readlink -f /sys/block/$(basename $(disk $d))/device); '
                                'grep "${v##*/}" /proc/interrupts | sed "s/^/$d /"; done').splitlines()
            of = {name: [line for line in lines if line.startswith(name + ' ')] for name in ('msix', 'intx', 'mapping')}
            require(len(of['intx']) == 1 and 'IO-APIC' in of['intx'][0], '\n'.join(lines))
            require(len(of['msix']) == 3 and all('MSI' in line for line in of['msix']), '\n'.join(lines))
            require(len(of['mapping']) == 3, '\n'.join(lines))

    def check_holes(self, console, image):
        with self.case('disks: what fstrim gives back is free on this side'):
            before = image.stat().st_blocks * 512
            answer = console.ask('trim sparse')
            require(answer == 'ok', answer)
            after = image.stat().st_blocks * 512
            require(after < before // 2, f'{before} bytes before, {after} after')
        self.asked('disks: zeroes are written without data', console, 'zeroes sparse')


class NetCases(Suite):
    """Cases of networks."""

    def run(self):
        tftp = pathlib.Path('/tmp/tenon-tftp')
        tftp.mkdir(exist_ok=True)
        (tftp / 'file').write_bytes(bytes(range(256)) * 1000)
        user = Nic('user', 9, netdev=f'user,tftp={tftp},hostfwd=tcp:127.0.0.1:{FORWARDED}-:{GUEST_PORT}')
        with self.guest('networks', 'q35', (), (*NICS, io_vhost.NIC, user), io_vhost.VhostPlug.ARGUMENTS) as (console, folder):
            for nic in NICS:
                self.check_tap(console, nic)
            self.check_features(console)
            plug = io_vhost.VhostPlug(self, console, folder)
            self.check_lent(console, plug)
            plug.run()
            self.asked('vhost: the NIC that stayed still works', console, 'echoed 10.9.5.1')
            self.check_user(console)
            self.end('networks', console)

    def check_tap(self, console, nic):
        peer = f'10.9.{nic.number}.1'
        self.asked(f'net {nic.name}: data there and back is the same', console,
                   f'up {nic.number:02d} 10.9.{nic.number}.2/24 >/dev/null && echoed {peer}')
        with self.case(f'net {nic.name}: TCP both ways'):
            answer = console.ask(f'throughput {peer}')
            require(re.fullmatch(r'[1-9][0-9.]*\s+[1-9][0-9.]*', answer), answer)
        size = nic.mtu - 28
        with self.case(f'net {nic.name}: 300 packets of {size} bytes in a flood'):
            answer = console.ask(f'ping -q -f -c 300 -M do -s {size} {peer}')
            require(' 0% packet loss' in answer, answer)

    def check_features(self, console):
        with self.case('net: Linux sees the offloads that are on, and none that is off'):
            names = r'^(tx-checksumming|rx-checksumming|tcp-segmentation-offload): (on|off)'
            on = dict(re.findall(names, console.ask('ethtool -k $(nic 00)'), re.M))
            off = dict(re.findall(names, console.ask('ethtool -k $(nic 01)'), re.M))
            require(set(on.values()) == {'on'} and len(on) == 3, on)
            require(off['tx-checksumming'] == 'off' and off['tcp-segmentation-offload'] == 'off', off)
        with self.case('net: two queues are used, and one again'):
            answer = console.ask('ethtool -l $(nic 03)')
            require(re.search(r'Current.*Combined:\s+2', answer, re.S), answer)
            for count in (1, 2):
                answer = console.ask(f'ethtool -L $(nic 03) combined {count}; echoed 10.9.3.1')
                require(answer == 'ok', f'{count} queues: {answer}')
        with self.case('net: the MTU is the host\'s'):
            require(console.ask('cat /sys/class/net/$(nic 04)/mtu') == '9000', 'it is not')
        if self.options.vmm == 'tenon':
            with self.case('net: vhost=on: a thread of the kernel does the work'):
                require(io_vhost.vhost_threads(console.process.pid), 'there is none')

    def check_lent(self, console, plug):
        with self.case('net: vhost-started while the kernel serves a queue of a machine that runs'):
            served = []
            for verb in ('query-status', 'stop', 'cont'):
                plug.ask(verb)
                served += [plug.ask('x-query-virtio-status', path='/machine/peripheral/vhost/virtio-backend')['vhost-started']]
            require(served == [True, False, True], served)
            require(console.ask('echoed 10.9.5.1') == 'ok', 'no echo afterwards')

    def check_user(self, console):
        self.asked('user network: an address by DHCP', console, 'dhcp 09')
        with self.case('user network: the address is 10.0.2.15, the router answers'):
            answer = console.ask('ip -4 -o addr show dev $(nic 09); ping -q -c 3 -i 0.1 10.0.2.2')
            require('10.0.2.15/24' in answer and ' 0% packet loss' in answer, answer)
        with self.case('user network: a file by TFTP'):
            answer = console.ask('tftp -g -r file -l /tmp/file 10.0.2.2; wc -c </tmp/file; sha256sum </tmp/file')
            sum_here = subprocess.run(['sha256sum', '/tmp/tenon-tftp/file'], capture_output=True, text=True, check=True).stdout
            require('256000' in answer and sum_here.split()[0] in answer, answer)
        with self.case('user network: a connection from this side into the guest'):
            console.ask(f'(nc -l -p {GUEST_PORT} </tmp/file >/tmp/got &)')
            with connected(('127.0.0.1', FORWARDED), self.options.patience) as peer:
                peer.sendall(b'hello')
                got = receive(peer, 256000)
            require(got == bytes(range(256)) * 1000, f'{len(got)} bytes')
            console.ask('while [ ! -s /tmp/got ]; do sleep 0.1; done')
            require(console.ask('cat /tmp/got') == 'hello', 'the guest got nothing')


def connected(address, patience):
    deadline = time.monotonic() + patience
    while True:
        try:
            return socket.create_connection(address, patience)
        except OSError as error:
            if time.monotonic() > deadline:
                raise l2.Failure(str(error)) from error
            time.sleep(0.2)


def receive(peer, size):
    data = bytearray()
    with contextlib.suppress(OSError):
        while len(data) < size and (part := peer.recv(65536)):
            data += part
    return bytes(data)


class MmioCases(DiskCases, NetCases):
    """The same devices on microvm's transport."""

    def run(self):
        disks = (Disk('mmio'), Disk('packed', 'cache=none', {'packed': True}), Disk('mapping', 'cache=none,aio=io_uring', MAPPING))
        nics = (Nic('mmio', 0), Nic('mmio, vhost', 1, tap='vhost=on'), Nic('mmio, packed, queues=2', 2, 'packed=on,mq=on', queues=2))
        with self.guest('microvm', 'microvm', disks, nics, THREADS) as (console, _):
            self.check_files(console, disks)
            for nic in nics:
                self.check_tap(console, nic)
            self.end('microvm', console)


class LifeCases(Suite):
    """A machine with everything: drivers come and go, load, another kernel."""

    DISKS = (Disk('a', 'cache=none,aio=io_uring', MAPPING), Disk('b', 'cache=writeback', {'packed': True}))
    NICS = (Nic('tap', 0, 'mq=on,vectors=6', queues=2), Nic('vhost', 10, tap='vhost=on'), Nic('user', 9, netdev='user'))
    OTHERS = ('-device', 'virtio-serial-pci', '-chardev', 'socket,id=h,path={folder}/hvc0,server=on,wait=off',
              '-device', 'virtconsole,chardev=h', '-chardev', 'socket,id=p,path={folder}/port,server=on,wait=off',
              '-device', 'virtserialport,chardev=p,name=echo', '-chardev', 'socket,id=s,path={folder}/sink,server=on,wait=off',
              '-device', 'virtserialport,chardev=s,name=sink', '-device', 'virtio-rng-pci')

    def run(self):
        with self.everything('all') as console:
            self.check_load(console)
            self.check_drivers(console)
            self.check_second_kernel(console)

    @contextlib.contextmanager
    def everything(self, name, append=''):
        boot = Disk('boot', 'readonly=on', file=f'{self.options.images}/boot.tar')
        with self.guest(name, 'q35', (*self.DISKS, boot), self.NICS, (*THREADS, *self.OTHERS), 1024, append) as (console, folder):
            peers = [PortPeer(folder / name, echo=name == 'port') for name in ('hvc0', 'port', 'sink')]
            self.asked(f'{name}: all devices work', console, 'all_quick')
            yield console
            self.end(name, console)
            del peers

    def check_load(self, console):
        seconds = self.options.load
        console.patience += seconds
        answer = ''
        with self.case(f'load on all devices for {seconds} s'):
            console.ask('dhcp 09')
            answer = console.ask(f'load {seconds}')
            self.tap.comment(answer)
            require(len(re.findall(r'^load \S+: [1-9][0-9]* ok$', answer, re.M)) == 8, 'not all went well')
        console.patience -= seconds

    def check_drivers(self, console):
        times = self.options.turns
        console.patience += times
        for kind in ('blk', 'net', 'rng', 'console'):
            self.asked(f'virtio-{kind}: the driver comes and goes {times} times', console, f'rebind {kind} {times}')
        console.patience -= times
        self.asked('virtio_pci: the module comes and goes', console, 'reload_transport virtio_pci; all_quick')

    def check_second_kernel(self, console):
        """One CPU, so that there are fewer queues than before; the first kernel only takes bus mastering away."""
        with self.case('kexec: all devices work in a kernel with one CPU'):
            self.load_kernel(console, '')
            console.send('disturb blk; disturb net; kexec -e')
            self.check_second(console)

    def check_crash(self, console):
        """The first kernel dies at once: the second finds queues that run, and requests under way in memory that is not its own."""
        with self.case('panic: all devices work in the crash kernel'):
            self.load_kernel(console, '-p')
            console.send('disturb blk; disturb net; disturb rng; disturb console; echo c >/proc/sysrq-trigger')
            self.check_second(console)

    def load_kernel(self, console, how):
        line = f'console=ttyS0 quiet panic=-1 nr_cpus=1 {self.options.append}'
        answer = console.ask(f"load_kernel '{line}' {how}")
        require(answer.splitlines()[-1:] == ['ok'], answer)

    @staticmethod
    def check_second(console):
        at_prompt(console)
        require(console.ask('nproc') == '1', 'there are more CPUs')
        answer = console.ask('all_quick')
        require(answer == 'ok', answer)


class CrashCases(LifeCases):
    """A kernel that dies, with all devices running. With --long only: in the rig the crash kernel takes a minute to come."""

    def run(self):
        with self.everything('crash', 'crashkernel=256M') as console:
            self.check_crash(console)


class FaultCases(Suite):
    """Servers and disks that fail."""

    def run(self):
        self.check_lost()
        self.check_stop()

    def check_lost(self):
        """An NBD server that dies under load and comes back; an image without room, werror=report."""
        with NbdServer() as server, small_room('/tmp/tenon-room', 8) as room:
            disks = (Disk('nbd', 'rerror=report,werror=report', file=f'nbd:unix:{server.path}'),
                     Disk('room', 'werror=report,cache=none', file=str(room)))
            with self.guest('faults', 'q35', disks) as (console, _):
                self.asked('NBD: blocks come back as written', console, 'quick_disk nbd')
                with self.case('NBD: the server dies under load: the guest gets errors, the machine lives'):
                    console.send('echo loaded; verify 24m nbd; echo over')
                    console.expect('loaded', 'the shell')
                    time.sleep(3)
                    server.kill()
                    console.expect('over', 'the end of the load')
                    console.expect(PROMPT, 'the prompt')
                    answer = console.ask('quick_disk nbd')
                    require('ok' not in answer, answer)
                with self.case('NBD: the server comes back, and so does the disk'):
                    server.start()
                    console.ask('for i in $(seq 40); do sleep 1; [ "$(quick_disk nbd 2>&1)" != ok ] || break; done')
                    answer = console.ask('quick_disk nbd')
                    require(answer == 'ok', answer)
                self.check_room(console)
                self.end('faults', console)

    def check_room(self, console):
        with self.case('no room, werror=report: the guest gets an I/O error, and reads what is there'):
            answer = console.ask('for i in 1 2 3 4; do cat /tmp/seed; done | dd of=$(disk room) bs=1M oflag=direct iflag=fullblock; '
                                 'echo status $?')
            require('status 1' in answer, answer)
            answer = console.ask('dd if=$(disk room) bs=1M count=4 iflag=direct 2>/dev/null | is_seed && echo ok')
            require(answer == 'ok', answer)

    def check_stop(self):
        """An image without room, werror=stop."""
        with small_room('/tmp/tenon-room', 8) as room:
            disks = (Disk('room', 'werror=stop,cache=none', file=str(room)),)
            with self.guest('stop', 'q35', disks) as (console, _):
                with self.case('no room, werror=stop: the machine pauses, and takes no time'):
                    console.send('for i in 1 2 3 4; do cat /tmp/seed; done | dd of=$(disk room) bs=1M oflag=direct; echo over')
                    used = self.until_idle(console)
                    require('over' not in console.text[console.position:], 'the guest went on')
                    require(console.process.poll() is None, 'the VMM is gone')
                    self.tap.comment(f'{used:.2f} s of processor time in 2 s')
                with self.case('no room, werror=stop: SIGTERM ends it'):
                    console.process.send_signal(signal.SIGTERM)
                    status = console.exit_status()
                    require(status in (0, -signal.SIGTERM), f'exit status {status}')

    def until_idle(self, console):
        deadline = time.monotonic() + self.options.patience
        while True:
            before = processor_seconds(console.process.pid)
            time.sleep(2)
            used = processor_seconds(console.process.pid) - before
            if used < 0.05:
                return used
            require(time.monotonic() < deadline, f'{used:.2f} s of processor time in 2 s')


class NbdServer:
    """nbdkit on an image; dies by SIGKILL, and may be started again."""

    path, image = '/tmp/tenon-nbd.sock', '/tmp/tenon-nbd.raw'

    def __enter__(self):
        pathlib.Path(self.image).write_bytes(b'\xff' * 32 * MIB)
        self.start()
        return self

    def __exit__(self, *_):
        self.kill()
        os.unlink(self.image)

    def start(self):
        pathlib.Path(self.path).unlink(missing_ok=True)
        self.process = subprocess.Popen(['nbdkit', '-f', '-U', self.path, 'file', self.image])
        while not os.path.exists(self.path):
            require(self.process.poll() is None, 'nbdkit does not start')
            time.sleep(0.05)

    def kill(self):
        self.process.kill()
        self.process.wait()


@contextlib.contextmanager
def small_room(folder, mib):
    """A sparse image that is larger than the file system that it is on."""
    pathlib.Path(folder).mkdir(exist_ok=True)
    run(f'mount -t tmpfs -o size={mib}m room {folder}')
    try:
        image = pathlib.Path(folder) / 'image.raw'
        image.touch()
        os.truncate(image, 32 * MIB)
        yield image
    finally:
        run(f'umount -l {folder}')


CASES = {'disks': DiskCases, 'networks': NetCases, 'microvm': MmioCases, 'all': LifeCases, 'faults': FaultCases, 'crash': CrashCases}
DEFAULT = ('disks', 'networks', 'microvm', 'all', 'faults')


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    add_options(parser)
    parser.add_argument('--images', required=True, help='what io_guest.make_images has made')
    parser.add_argument('--only', action='append', choices=tuple(CASES))
    parser.add_argument('--long', action='store_true', help='ten minutes of load, drivers 100 times, each cache mode with each aio')
    parser.add_argument('--load', type=int, help='seconds of load')
    parser.add_argument('--turns', type=int, help='how often each driver comes and goes')
    parser.add_argument('--verify', help='how much of each disk is verified')
    parser.add_argument('--append', default='', help='more of the guest kernel\'s command line')
    options = parser.parse_args()
    options.load = options.load or (600 if options.long else 20)
    options.turns = options.turns or (100 if options.long else 10)
    options.verify = options.verify or ('16m' if options.long else '2m')
    return options


def main():
    options, tap = parse_arguments(), Tap()
    if os.geteuid() != 0:
        print('1..0 # SKIP TAP interfaces need root')
        return 0
    for name in options.only or (CASES if options.long else DEFAULT):
        CASES[name](options, tap).run()
    tap.plan()
    return 1 if tap.failed else 0


if __name__ == '__main__':
    sys.exit(main())
