# SPDX-License-Identifier: BSD-2-Clause
"""A machine of 1 GiB that moves over a Unix socket, timed by what its source says: with RAM that was never touched, and with
a quarter of it random. No guest runs, and neither program has a limit of bandwidth. Used by bench.py."""
import json
import os
import socket
import subprocess
import tempfile
import time

from qmp_cycle import ACCELERATORS, Line

MIB = 1 << 20
RAM_MIB, DATA_MIB = 1024, 256
UNLIMITED = 1 << 40
CASES = {'idle': 0, f'{DATA_MIB} MiB of data': DATA_MIB}


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


def ram_file(folder, name, mib):
    """RAM that begins with so much data, in memory."""
    path = os.path.join(folder, name)
    with open(path, 'wb') as f:
        f.truncate(RAM_MIB * MIB)
        for _ in range(mib):
            f.write(os.urandom(MIB))
    return f'memory-backend-file,id=m,size={RAM_MIB}M,mem-path={path},share=off'


def move(name, program, mib, folder):
    """query-migrate of a source that is done."""
    uri = f'unix:{folder}/mig'
    source_ram = ram_file(folder, 'a', mib) if mib else f'memory-backend-ram,id=m,size={RAM_MIB}M'
    target_ram = ram_file(folder, 'b', 0) if mib else source_ram
    with Vmm(name, program, folder, target_ram, '-incoming', uri), Vmm(name, program, folder, source_ram) as source:
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


def measure(programs):
    """VMM's name -> row -> (unit, value)."""
    out = {name: {} for name in programs}
    for case, mib in CASES.items():
        for name, program in programs.items():
            with tempfile.TemporaryDirectory(prefix='tenon-bench-', dir='/dev/shm') as folder:
                info = move(name, program, mib, folder)
            out[name][f'{case}: whole'] = ('ms', info['total-time'])
            out[name][f'{case}: downtime'] = ('ms', info['downtime'])
    return out
