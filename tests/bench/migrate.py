# SPDX-License-Identifier: BSD-2-Clause
"""A machine of 1 GiB that moves over a Unix socket, timed by what its source says. No guest runs, and neither program has a
limit of bandwidth. RAM is in one of three states:

- idle: never touched, at either end;
- zero: all of it was written to and is zero again, at both ends: who sends it has to look;
- data: full of random bytes.

Of the last two the pages are there before the clock starts, in files that all runs share: neither program waits for a
kernel, or a hypervisor below it, that has to find memory first. Tenon's time ends when the target has said that it has
everything, QEMU's when the last byte is written. Used by bench.py."""
import json
import os
import socket
import subprocess
import tempfile
import time

from qmp_cycle import ACCELERATORS, Line

MIB = 1 << 20
RAM_MIB = 1024
UNLIMITED = 1 << 40
CASES = {'idle': None, 'zero': bytes(MIB), 'data': os.urandom(MIB)}


class Vmm:
    """One end; a context manager."""
    count = 0

    def __init__(self, name, program, folder, ram, *more):
        Vmm.count += 1
        path = os.path.join(folder, f'qmp{Vmm.count}')
        self.process = subprocess.Popen([program, '-M', 'pc,memory-backend=m', '-accel', ACCELERATORS[name], '-S', '-m', str(RAM_MIB),
                                         '-object', ram, '-nodefaults', '-display', 'none', '-qmp',
                                         f'unix:{path},server=on,wait=off', *more], stdin=subprocess.DEVNULL)
        self.qmp = Line(self.connect(path))
        self.qmp.until(b'"QMP"')
        self.ask('qmp_capabilities')

    @staticmethod
    def connect(path):
        for _ in range(1000):
            sock = socket.socket(socket.AF_UNIX)
            try:
                sock.connect(path)
                return sock
            except OSError:
                sock.close()
                time.sleep(0.01)
        raise SystemExit('bench: no monitor')

    def ask(self, command, **arguments):
        line = self.qmp.ask(json.dumps({'execute': command, 'arguments': arguments}).encode() + b'\n')
        return json.loads(line)['return']

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def prepare(folder, content):
    """Options of the RAM of source and target: full of `content` and of zeros, or None for what was never touched."""
    if content is None:
        return (f'memory-backend-ram,id=m,size={RAM_MIB}M',) * 2
    for name, mib in ('a', content), ('b', bytes(MIB)):
        with open(f'{folder}/{name}', 'wb') as f:
            for _ in range(RAM_MIB):
                f.write(mib)
    return tuple(f'memory-backend-file,id=m,size={RAM_MIB}M,mem-path={folder}/{name},share=on' for name in 'ab')


def move(name, program, ram, folder):
    """query-migrate of a source that is done."""
    uri = f'unix:{folder}/mig'
    with Vmm(name, program, folder, ram[1], '-incoming', uri), Vmm(name, program, folder, ram[0]) as source:
        source.ask('migrate-set-parameters', **{'max-bandwidth': UNLIMITED})
        source.ask('migrate', uri=uri)
        for _ in range(6000):
            info = source.ask('query-migrate')
            if info['status'] in ('completed', 'failed'):
                break
            time.sleep(0.01)
    if info['status'] != 'completed':
        raise SystemExit(f'bench: {name}: {info}')
    return info


def measure(programs, runs):
    """Yields (row, unit, VMM's name, value)."""
    for case, content in CASES.items():
        with tempfile.TemporaryDirectory(prefix='tenon-bench-', dir='/dev/shm') as folder:
            ram = prepare(folder, content)
            for name, program in list(programs.items()) * runs:
                info = move(name, program, ram, folder)
                yield f'{case}: whole', 'ms', name, info['total-time']
                yield f'{case}: downtime', 'ms', name, info['downtime']
