#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The block drivers file, null-co and nbd under a guest's disk, each in its sandbox."""
import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import time

import qtest
import virtio_ways
from qtest import eq, ok
from test_virtio_blk import MIB, S_IOERR, S_OK, T_DISCARD, T_FLUSH, T_IN, T_WRITE_ZEROES, UNMAP, Disk, Image, pattern

PCI = virtio_ways.ways('blk')[0]
qtest.CASES.clear()  # those of the module above


@contextlib.contextmanager
def machine(blockdev, device='', before=''):
    """A disk on `-blockdev {blockdev},node-name=d0`; the sandbox is on."""
    with PCI.machine(f'drive=d0{device}', before=f'{before} -blockdev {blockdev},node-name=d0') as m:
        d = Disk(PCI, m)
        ok(sealed(m.process.pid), 'no seccomp filter is on')
        yield d


def sealed(pid):
    """A build with a sanitizer leaves the sandbox off by itself."""
    with open(f'/proc/{pid}/status') as f, open(f'/proc/{pid}/exe', 'rb') as program:
        return 'Seccomp:\t2' in f.read() or re.search(b'__[at]san_init', program.read())


def exercise(d, image):
    """Everything that a disk does, seen in the file as well."""
    eq(d.write(8, pattern(64 * 512)), S_OK, 'status of a write')
    eq(d.read(8, 64 * 512), pattern(64 * 512), 'what is read')
    eq(d.run(T_FLUSH).status, S_OK, 'status of a flush')
    eq(image.read(8 * 512, 64 * 512), pattern(64 * 512), 'the file')
    eq(d.ranges(T_WRITE_ZEROES, (8, 8)), S_OK, 'status of zeroes')
    eq(d.ranges(T_WRITE_ZEROES, (16, 8, UNMAP)), S_OK, 'status of zeroes, unmapped')
    eq(d.ranges(T_DISCARD, (24, 8)), S_OK, 'status of a discard')
    eq(d.read(8, 24 * 512), bytes(24 * 512), 'what is zero')
    eq(d.read(32, 40 * 512), pattern(64 * 512)[24 * 512:], 'what was left alone')
    many = [d.send(T_IN, 32, room=[512]) for _ in range(20)]
    ok(all(r.end().status == S_OK for r in many), 'twenty reads')


WAYS = {'io_uring': ',aio=io_uring', 'threads': ',aio=threads', 'default': '', 'direct': ',cache.direct=on',
        'direct_threads': ',cache.direct=on,aio=threads', 'no_flush': ',cache.no-flush=on'}


def add_file_tests():
    for name, options in WAYS.items():
        for thread in ('', 'iothread'):
            def case(options=options, thread=thread):
                image = Image()
                before = '-object iothread,id=io' if thread else ''
                with machine(f'driver=file,filename={image.path},discard=unmap{options}',
                             ',iothread=io' if thread else '', before) as d:
                    exercise(d, image)
            case.__name__ = f'file_{name}{"_" if thread else ""}{thread}'
            case.__doc__ = f'file{options or ", as it comes"}: every operation, in {"an iothread" if thread else "the main loop"}'
            qtest.test(case)


add_file_tests()


@qtest.test
def file_on_tmpfs():
    """file: what lies in memory is copied in the calling thread"""
    image = Image()
    path = f'/dev/shm/tenon-qtest-{os.getpid()}'
    shutil.copyfile(image.path, path)
    image.path = path
    try:
        with machine(f'driver=file,filename={path},discard=unmap') as d:
            exercise(d, image)
    finally:
        os.unlink(path)


@qtest.test
def file_locked():
    """file: a second program is refused, share-rw=on lets it in, locking=off does not ask"""
    image = Image()
    base = f'driver=file,filename={image.path},node-name=d0'
    with machine(f'driver=file,filename={image.path}'):
        message = qtest.refuses(['-blockdev', base, '-device', 'virtio-blk-pci,drive=d0'], machine='q35')
        ok('Failed to get "write" lock' in message and f'Is another process using the image [{image.path}]?' in message,
           message)
        qtest.Machine(f'-blockdev {base},locking=off -device virtio-blk-pci,drive=d0', machine='q35').end()
        if shutil.which('qemu-io'):
            r = subprocess.run(['qemu-io', '-f', 'raw', '-c', 'write 0 512', image.path], capture_output=True, text=True)
            ok(r.returncode == 1 and 'lock' in r.stderr, f'qemu-io may write: {r.stderr}')
    with machine(f'driver=file,filename={image.path}', ',share-rw=on'):
        qtest.Machine(f'-blockdev {base} -device virtio-blk-pci,drive=d0,share-rw=on', machine='q35').end()


@qtest.test
def file_lock_goes_with_the_program():
    """file: no lock is left of a program that was killed, whatever its ring still has"""
    if not shutil.which('qemu-io'):
        raise qtest.Skip('there is no qemu-io')
    image = Image()
    for _ in range(3):
        m = qtest.Machine(f'-blockdev driver=file,filename={image.path},node-name=d0 -device virtio-blk-pci,drive=d0',
                          machine='q35')
        m.process.kill()
        m.process.wait()
        r = subprocess.run(['qemu-io', '-f', 'raw', '-c', 'write 0 512', image.path], capture_output=True, text=True)
        eq(r.returncode, 0, f'exit status of qemu-io: {r.stderr}')
        m.end()


@qtest.test
def host_device():
    """host_device: a loop device, with discards that are ioctls of a thread"""
    image = Image(8 * MIB)
    loop = subprocess.run(['losetup', '--show', '-f', image.path], capture_output=True, text=True)
    if loop.returncode:
        raise qtest.Skip('no loop devices here')
    device = loop.stdout.strip()
    try:
        for aio in ('io_uring', 'threads'):
            with machine(f'driver=host_device,filename={device},discard=unmap,aio={aio},cache.direct=on') as d:
                exercise(d, image)
                eq(d.write(2048, pattern(256 << 10)), S_OK, 'status')
                eq(d.run(T_FLUSH).status, S_OK, 'status of a flush')
                before = image.allocated()
                eq(d.ranges(T_DISCARD, (2048, 512)), S_OK, 'status of a discard')
                ok(image.allocated() <= before - (256 << 10), f'{before} bytes before, {image.allocated()} after')
    finally:
        subprocess.run(['losetup', '-d', device], check=True)


@qtest.test
def null_co():
    """null-co: reads give zeroes with read-zeroes=on, everything succeeds"""
    with machine('driver=null-co,size=16M,read-zeroes=on') as d:
        eq(d.write(0, pattern(4096)), S_OK, 'status')
        eq(d.read(0, 4096), bytes(4096), 'what is read')
        eq(d.run(T_FLUSH).status, S_OK, 'status of a flush')


# ---- nbd ----

class Server:
    """nbdkit on a UNIX socket, or on a TCP port."""

    def __init__(self, *what, port=None):
        if not shutil.which('nbdkit'):
            raise qtest.Skip('there is no nbdkit')
        self.path = os.path.join(qtest.Setup.get().folder, f'nbd-{os.getpid()}')
        self.what, self.port = what, port
        self.start()

    def start(self):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)
        where = ['-i', '127.0.0.1', '-p', str(self.port)] if self.port else ['-U', self.path]
        self.process = subprocess.Popen(['nbdkit', '-f', *where, *self.what], stderr=subprocess.DEVNULL)
        for _ in range(500):
            with contextlib.suppress(OSError):
                with socket.socket(socket.AF_INET if self.port else socket.AF_UNIX) as s:
                    s.connect(('127.0.0.1', self.port) if self.port else self.path)
                return
            time.sleep(0.01)
        raise qtest.Failure('nbdkit does not start')

    def stop(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.stop()

    def blockdev(self, options=''):
        if self.port:
            return f'driver=nbd,server.type=inet,server.host=127.0.0.1,server.port={self.port}{options}'
        return f'driver=nbd,server.type=unix,server.path={self.path}{options}'


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


@qtest.test
def nbd_file():
    """nbd: every operation; the export is a file"""
    image = Image()
    with Server('file', image.path) as s:
        for options in ('', ',iothread=io'):
            with machine(s.blockdev(',discard=unmap'), options, '-object iothread,id=io') as d:
                exercise(d, image)


@qtest.test
def nbd_block_sizes():
    """nbd: a server whose blocks have 4 KiB and a guest whose have 512 bytes"""
    with Server('--filter=blocksize-policy', 'memory', '1M', 'blocksize-minimum=4096', 'blocksize-preferred=4096',
                'blocksize-maximum=65536', 'blocksize-error-policy=error') as s:
        with machine(s.blockdev(), ',logical_block_size=512') as d:
            eq(d.write(0, pattern(300 * 512)), S_OK, 'status of a long write')
            eq(d.write(3, pattern(512, 9)), S_OK, 'status of a short write')
            want = pattern(300 * 512)
            eq(d.read(0, 300 * 512), want[:3 * 512] + pattern(512, 9) + want[4 * 512:], 'what is read')


def comes_back(port, iothread):
    with Server('memory', '1M', port=port) as s:
        with machine(s.blockdev(',reconnect-delay=20'), ',iothread=io' if iothread else '', '-object iothread,id=io') as d:
            eq(d.write(0, pattern(512)), S_OK, 'status')
            s.stop()
            r = d.send(T_IN, 0, room=[512])
            time.sleep(0.2)
            ok(not r.ended(), 'a request does not wait for the server')
            s.start()
            eq(r.end().status, S_OK, 'status after the server is back')
            eq(d.write(0, pattern(512)), S_OK, 'status')


@qtest.test
def nbd_reconnects_unix():
    """nbd: the sandbox lets a lost connection be made again; requests wait for reconnect-delay"""
    comes_back(None, False)


@qtest.test
def nbd_reconnects_unix_iothread():
    """nbd: the same in an iothread"""
    comes_back(None, True)


@qtest.test
def nbd_reconnects_inet():
    """nbd: the same over TCP"""
    comes_back(free_port(), True)


@qtest.test
def nbd_gone():
    """nbd: without a delay requests fail, and the machine goes on"""
    with Server('memory', '1M') as s:
        with machine(s.blockdev(), ',werror=report,rerror=report') as d:
            s.stop()
            eq(d.write(0, pattern(512)), S_IOERR, 'status')
            eq(d.write(0, pattern(512)), S_IOERR, 'status')


if __name__ == '__main__':
    qtest.main()
