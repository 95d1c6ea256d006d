# SPDX-License-Identifier: BSD-2-Clause
"""Monitors timed from a client's side: a command and its answer, and a PCI device that is plugged and unplugged. No guest
runs: a client of the qtest protocol ejects the slot, as ACPI of the machine `pc` has it. Used by bench.py.

QEMU of a distribution has no accelerator qtest; with tcg and -S its processors stand still likewise."""""
import os
import socket
import subprocess
import tempfile
import time

PATIENCE = 30  # seconds
COMMANDS, CYCLES = 2000, 200
ACCELERATORS = {'tenon': 'qtest', 'qemu': 'tcg'}
SLOT = 6
EJECT = 0xae08  # of the ACPI hot-plug registers: a bit for each slot
ROUND_TRIPS = {'round trip: query-status': b'{"execute": "query-status"}\n',
               'round trip: qom-get': b'{"execute": "qom-get", "arguments": {"path": "/machine", "property": "type"}}\n'}
ADD = b'{"execute": "device_add", "arguments": {"driver": "virtio-rng-pci", "id": "d0", "addr": "%d"}}\n' % SLOT
DELETE = b'{"execute": "device_del", "arguments": {"id": "d0"}}\n'


class Line:
    """One connection that speaks in lines."""

    def __init__(self, sock):
        self.sock, self.data = sock, b''
        sock.settimeout(PATIENCE)

    def read(self):
        while b'\n' not in self.data:
            part = self.sock.recv(65536)
            if not part:
                raise SystemExit('bench: the connection is closed')
            self.data += part
        line, _, self.data = self.data.partition(b'\n')
        return line

    def until(self, word):
        """The next line with the word in it; an error is none."""
        while word not in (line := self.read()):
            if b'"error"' in line:
                raise SystemExit(f'bench: {line.decode()}')
        return line

    def ask(self, request, word=b'"return"'):
        self.sock.sendall(request)
        return self.until(word)


def listening(path):
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(path)
    sock.listen(1)
    sock.settimeout(PATIENCE)
    return sock


class Vmm:
    """A program that does nothing but answer; a context manager."""

    def __init__(self, name, program):
        self.folder = tempfile.TemporaryDirectory(prefix='tenon-bench-')
        paths = [os.path.join(self.folder.name, name) for name in ('qmp', 'qtest')]
        listeners = [listening(path) for path in paths]
        self.process = subprocess.Popen([program, '-M', 'pc', '-accel', ACCELERATORS[name], '-S', '-m', '64', '-nodefaults',
                                         '-display', 'none', '-qtest-log', '/dev/null', '-qmp', f'unix:{paths[0]}',
                                         '-qtest', f'unix:{paths[1]}'], stdin=subprocess.DEVNULL)
        self.qmp, self.qtest = [Line(x.accept()[0]) for x in listeners]
        self.qmp.until(b'"QMP"')
        self.qmp.ask(b'{"execute": "qmp_capabilities"}\n')

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.folder.cleanup()

    def round_trip(self, request):
        """Microseconds of one, of many."""
        start = time.perf_counter()
        for _ in range(COMMANDS):
            self.qmp.ask(request)
        return (time.perf_counter() - start) / COMMANDS * 1e6

    def cycle(self):
        """Microseconds from device_add to the event that the device is gone."""
        start = time.perf_counter()
        for _ in range(CYCLES):
            self.qmp.ask(ADD)
            self.qmp.ask(DELETE)
            self.qtest.ask(b'outl 0x%x 0x%x\n' % (EJECT, 1 << SLOT), b'OK')
            self.qmp.until(b'"/machine/peripheral/d0"')
        return (time.perf_counter() - start) / CYCLES * 1e6


def measure(programs):
    """VMM's name -> row -> microseconds."""
    out = {}
    for name, program in programs.items():
        with Vmm(name, program) as vmm:
            out[name] = {row: vmm.round_trip(request) for row, request in ROUND_TRIPS.items()}
            out[name]['device_add, device_del, eject, event'] = vmm.cycle()
    return out
