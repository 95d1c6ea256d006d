# SPDX-License-Identifier: BSD-2-Clause
"""A client that others wrote: Python's qemu.qmp, its asynchronous and its older interface, and qmp-shell. Skipped where Python
does not find the package (it comes with QEMU's source, and as qemu.qmp by itself)."""
import asyncio
import importlib.util
import os
import subprocess
import sys

import qmp
import qtest
from qmp import eq, ok, test

EJECT, SLOT = 0xcc8, 5  # the root bus' ACPI registers


def find_client():
    try:
        return importlib.util.find_spec('qemu.qmp')
    except ImportError:
        return None


class Served(qmp.Vm):
    """A machine with a second monitor, at .second, for the client."""

    def __init__(self, args='', **how):
        if not find_client():
            raise qtest.Skip('Python has no package qemu.qmp')
        self.second = os.path.join(qtest.Setup.get().folder, 'second')
        super().__init__(f'-qmp unix:{self.second},server=on,wait=off {args}', machine='q35', **how)

    def legacy(self):
        from qemu.qmp.legacy import QEMUMonitorProtocol
        client = QEMUMonitorProtocol(self.second)
        client.settimeout(qtest.TIMEOUT)
        return client

    def shell(self, *options, lines):
        """What qmp-shell prints when it is told these lines."""
        env = {**os.environ, 'HOME': qtest.Setup.get().folder, 'PYTHONPATH': os.pathsep.join(sys.path)}
        done = subprocess.run([sys.executable, '-m', 'qemu.qmp.qmp_shell', *options, self.second], env=env, text=True,
                              input=''.join(line + '\n' for line in lines), capture_output=True, timeout=qtest.TIMEOUT)
        eq(done.returncode, 0, done.stderr)
        return done.stdout


def with_client(path, work):
    """Runs work(client) with a client of its own, and ends it in peace."""
    from qemu.qmp import QMPClient

    async def session():
        client = QMPClient('tenon')
        await client.connect(path)
        try:
            return await work(client)
        finally:
            await client.disconnect()
    return asyncio.run(asyncio.wait_for(session(), qtest.TIMEOUT))


@test
def greeted():
    """it is greeted, negotiates, and has its answers"""
    async def work(client):
        eq(client.greeting.QMP.version['qemu']['major'], 10)
        eq(await client.execute('query-name'), {'name': 'demo'})
        eq(await client.execute('query-status'), {'status': 'running', 'running': True})
        ok(len(await client.execute('query-qmp-schema')) > 200, 'the schema')
    with Served('-name demo') as vm:
        for _ in range(3):
            with_client(vm.second, work)


@test
def mistaken():
    """errors come with their class, and belong to the command that made them"""
    async def work(client):
        from qemu.qmp import ExecuteError
        results = await asyncio.gather(client.execute('nosuch'), client.execute('stop', {'x': 1}),
                                       client.execute('query-version'), return_exceptions=True)
        ok(isinstance(results[0], ExecuteError) and results[0].error_class == 'CommandNotFound', results[0])
        eq(str(results[1]), "Parameter 'x' is unexpected")
        eq(results[2]['qemu']['major'], 10)
    with Served() as vm:
        with_client(vm.second, work)


@test
def listens():
    """events reach its listeners"""
    async def work(client):
        with client.listener(('STOP', 'RESUME')) as heard:
            await client.execute('stop')
            await client.execute('cont')
            eq([(await heard.get())['event'] for _ in range(2)], ['STOP', 'RESUME'])
    with Served() as vm:
        with_client(vm.second, work)


@test(tenon="QEMU's q35 has no hot-plug on pcie.0")
def plugs():
    """device_add, device_del and DEVICE_DELETED by the older interface"""
    with Served() as vm, vm.legacy() as client:
        client.connect()
        client.cmd('device_add', driver='virtio-rng-pci', id='x', addr=f'{SLOT:x}')
        client.cmd('device_del', id='x')
        eq(client.get_events(), [])
        vm.outl(EJECT, 1 << SLOT)
        while client.pull_event(wait=float(qtest.TIMEOUT))['data'].get('device') != 'x':
            pass


@test
def hands_over():
    """a descriptor goes along with getfd"""
    with Served() as vm, vm.legacy() as client:
        client.connect()
        fd = os.open('/dev/null', os.O_RDONLY)
        client.send_fd_scm(fd)
        os.close(fd)
        client.cmd('getfd', fdname='null')
        client.cmd('closefd', fdname='null')


@test
def is_called():
    """the machine connects to a client that listens"""
    if not find_client():
        raise qtest.Skip('Python has no package qemu.qmp')
    from qemu.qmp.legacy import QEMUMonitorProtocol
    path = os.path.join(qtest.Setup.get().folder, 'called')
    with QEMUMonitorProtocol(path, server=True) as client:
        with Served(f'-qmp unix:{path}'):
            client.accept(timeout=float(qtest.TIMEOUT))
            eq(client.cmd('query-status')['running'], True)


@test
def shell():
    """qmp-shell: commands with words as arguments, and its errors"""
    with Served('-name demo') as vm:
        text = vm.shell('-v', lines=['query-name', 'object-add qom-type=iothread id=t', 'qom-get path=/objects/t property=poll-max-ns',
                                     'device_add driver=nosuch'])
        ok('"name": "demo"' in text.replace("'", '"'), text)
        ok('32768' in text, text)
        ok("'nosuch' is not a valid device model name" in text, text)


@test
def hmp_shell():
    """qmp-shell -H: the commands of people"""
    with Served('-name demo') as vm:
        text = vm.shell('-H', lines=['info name', 'info status', 'nosuch'])
        for part in 'demo', 'VM status: running', "unknown command: 'nosuch'":
            ok(part in text, text)


if __name__ == '__main__':
    qmp.main()
