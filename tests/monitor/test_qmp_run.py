# SPDX-License-Identifier: BSD-2-Clause
"""The run state by QMP: what users and guests ask for, and the events that tell of it."""
import os
import signal
import socket
import subprocess
import tempfile
import time

import qmp
import qtest
from qmp import QEMU, eq, ok, test

PM1_CNT, SLP_EN, SCI_EN = 0x604, 1 << 13, 1
S5 = 0  # SLP_TYP
RESET_CONTROL = 0xcf9
PVPANIC = 0x505


def pc(args='', **how):
    """q35; under QEMU without firmware its PM block is nowhere, so it is put where Tenon has it."""
    vm = qmp.Vm(args, machine='q35', **how)
    if QEMU:
        vm.outl(0xcf8, 0x8000f840)
        vm.outl(0xcfc, 0x601)
        vm.outl(0xcf8, 0x8000f844)
        vm.outb(0xcfc, 0x80)
    return vm


def status(vm):
    return vm.cmd('query-status')['status']


# ---- users ----

@test
def waits_for_cont():
    """-S: prelaunch until cont, then RESUME"""
    with qmp.Vm('-S') as vm:
        eq(status(vm), 'prelaunch')
        vm.cmd('cont')
        vm.event('RESUME')
        eq(vm.cmd('query-status'), {'status': 'running', 'running': True})
        vm.cmd('cont')
        eq(vm.qmp.quiet(), [])


@test
def stops_and_goes():
    """stop and cont: STOP, RESUME, and nothing if it is so already"""
    with qmp.Vm() as vm:
        vm.qmp.quiet()
        for _ in range(50):
            vm.cmd('stop')
            eq(status(vm), 'paused')
            vm.cmd('stop')
            vm.cmd('cont')
            eq(status(vm), 'running')
        eq(vm.qmp.quiet(), ['STOP', 'RESUME'] * 50)


@test
def user_resets():
    """system_reset: RESET by host-qmp-system-reset; a stopped machine stands still at its beginning"""
    with pc() as vm:
        vm.cmd('system_reset')
        eq(vm.event('RESET'), {'guest': False, 'reason': 'host-qmp-system-reset'})
        eq(status(vm), 'running')
        vm.cmd('stop')
        vm.cmd('system_reset')
        vm.event('RESET')
        eq(status(vm), 'prelaunch')
        vm.cmd('cont')
        eq(status(vm), 'running')


@test
def quits():
    """quit: SHUTDOWN by host-qmp-quit, the answer, and the end with status 0"""
    with qmp.Vm('-no-shutdown') as vm:
        vm.cmd('quit')
        eq(vm.event('SHUTDOWN'), {'guest': False, 'reason': 'host-qmp-quit'})
        eq(vm.exit_status(), 0)


@test
def is_terminated():
    """SIGTERM: SHUTDOWN by host-signal"""
    with qmp.Vm() as vm:
        vm.process.send_signal(signal.SIGTERM)
        eq(vm.event('SHUTDOWN'), {'guest': False, 'reason': 'host-signal'})
        eq(vm.exit_status(), 0)


@test
def presses_power_button():
    """system_powerdown: POWERDOWN, and the guest's registers show it"""
    with pc() as vm:
        vm.cmd('system_powerdown')
        eq(vm.event('POWERDOWN'), {})
        ok(vm.inw(0x600) & 1 << 8, 'PWRBTN_STS is not set')


@test
def no_nmi_without_a_machine():
    """inject-nmi: the machine none has nobody to take it"""
    with qmp.Vm() as vm:
        eq(vm.error('inject-nmi'), 'machine does not provide NMIs')
    with pc() as vm:
        vm.cmd('inject-nmi')


# ---- guests ----

@test
def guest_shuts_down():
    """soft off: SHUTDOWN by guest-shutdown, and the end"""
    with pc() as vm:
        vm.outw(PM1_CNT, SLP_EN | SCI_EN | S5)
        eq(vm.event('SHUTDOWN'), {'guest': True, 'reason': 'guest-shutdown'})
        eq(vm.exit_status(), 0)


@test
def guest_shuts_down_and_stays():
    """-no-shutdown: the machine stays, stopped; it can be reset, then go on"""
    with pc('-no-shutdown') as vm:
        vm.outw(PM1_CNT, SLP_EN | SCI_EN | S5)
        vm.event('SHUTDOWN')
        vm.event('STOP')
        eq(status(vm), 'shutdown')
        eq(vm.error('cont'), 'Resetting the Virtual Machine is required')
        vm.cmd('system_reset')
        vm.event('RESET')
        vm.cmd('cont')
        vm.event('RESUME')
        eq(status(vm), 'running')


@test
def guest_resets():
    """the guest's reset: RESET by guest-reset; with -no-reboot the end"""
    with pc() as vm:
        vm.qmp.quiet()
        vm.outb(RESET_CONTROL, 6)
        eq(vm.event('RESET'), {'guest': True, 'reason': 'guest-reset'})
        vm.cmd('set-action', reboot='shutdown')
        vm.outb(RESET_CONTROL, 2)
        vm.outb(RESET_CONTROL, 6)
        eq(vm.event('SHUTDOWN'), {'guest': True, 'reason': 'guest-reset'})
        eq(vm.exit_status(), 0)


@test(tenon='QEMU has S3')
def nobody_sleeps():
    """system_wakeup: refused where nothing can sleep, and where nothing does"""
    with pc() as vm:
        eq(vm.error('system_wakeup'), 'Unable to wake up: guest is not in suspended state')
        eq(vm.cmd('query-current-machine'), {'wakeup-suspend-support': True})
    with qmp.Vm() as vm:
        eq(vm.error('system_wakeup'), 'wake-up from suspend is not supported by this guest')
        eq(vm.cmd('query-current-machine'), {'wakeup-suspend-support': False})


@test
def guest_panics():
    """-action panic: GUEST_PANICKED says what follows, and it follows"""
    for action, said, state in (('none', 'run', 'running'), ('pause', 'pause', 'guest-panicked')):
        with pc(f'-device pvpanic -action panic={action}') as vm:
            vm.outb(PVPANIC, 1)
            eq(vm.event('GUEST_PANICKED'), {'action': said})
            eq(status(vm), state)
    with pc('-device pvpanic') as vm:
        vm.outb(PVPANIC, 1)
        eq(vm.event('GUEST_PANICKED'), {'action': 'poweroff'})
        vm.event('STOP')
        eq(vm.event('SHUTDOWN'), {'guest': True, 'reason': 'guest-panic'})
        eq(vm.exit_status(), 0)
    with pc('-device pvpanic -no-shutdown') as vm:
        vm.outb(PVPANIC, 1)
        eq(vm.event('GUEST_PANICKED'), {'action': 'pause'})
        eq(status(vm), 'guest-panicked')
        vm.cmd('cont')
        eq(status(vm), 'running')


@test
def actions_change():
    """set-action while the machine runs"""
    with pc('-device pvpanic') as vm:
        vm.cmd('set-action', panic='pause')
        vm.outb(PVPANIC, 1)
        eq(vm.event('GUEST_PANICKED'), {'action': 'pause'})
        vm.cmd('set-action', panic='exit-failure')
        vm.cmd('cont')
        vm.outb(PVPANIC, 1)
        eq(vm.event('GUEST_PANICKED'), {'action': 'poweroff'})
        eq(vm.event('SHUTDOWN')['reason'], 'guest-panic')
        eq(vm.exit_status(), 1)
        vm.process.returncode = 0  # what the end of the block looks at


# ---- before the machine ----

@test
def preconfig():
    """-preconfig: only what needs no machine, until x-exit-preconfig"""
    with qmp.Vm('-preconfig') as vm:
        eq(status(vm), 'prelaunch')
        eq(vm.error('stop'), "The command 'stop' is permitted only after machine initialization has completed")
        vm.cmd('x-exit-preconfig')
        eq(status(vm), 'running')
        eq(vm.error('x-exit-preconfig'), 'The command is permitted only before machine initialization')
    with qmp.Vm('-preconfig') as vm:
        vm.cmd('quit')
        eq(vm.exit_status(), 0)


@test
def daemonize():
    """-daemonize: the first process ends when the monitor can be used; a mistake is its status"""
    with tempfile.TemporaryDirectory() as folder:
        words = qtest.command_line(f'-daemonize -pidfile pid -qmp unix:{folder}/q,server=on,wait=off', 'none')
        run = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=qmp.TIMEOUT)
        eq((run.returncode, run.stderr), (0, ''))
        with open(f'{folder}/pid', encoding='ascii') as f:
            pid = int(f.read())
        eq(os.readlink(f'/proc/{pid}/cwd'), '/')
        q = qmp.Qmp(connect(f'{folder}/q'))
        q.cmd('quit')
        for _ in range(200):
            if not os.path.exists(f'/proc/{pid}'):
                break
            time.sleep(0.02)
        ok(not os.path.exists(f'{folder}/pid'), 'the file with its number is left')
    run = subprocess.run(qtest.command_line('-daemonize -device nonsense', 'none'), capture_output=True, text=True,
                         timeout=qmp.TIMEOUT)
    eq(run.returncode, 1)
    ok('nonsense' in run.stderr, f'it says {run.stderr!r}')
    ok('cannot use stdio with -daemonize' in qmp.refuses('-daemonize -qmp stdio'), 'stdio is taken')


def connect(path):
    s = socket.socket(socket.AF_UNIX)
    s.connect(path)
    return s


# ---- with a guest, in the sandbox ----

def firmware(code):
    """A ROM of 64 KiB whose reset vector leads to code."""
    rom = bytearray(b'\xf4' * 0x10000)
    rom[:len(code)] = code
    rom[0xfff0:0xfff3] = b'\xe9\x0d\x00'  # jmp to offset 0
    path = os.path.join(qtest.Setup.get().folder, 'loop.rom')
    with open(path, 'wb') as f:
        f.write(rom)
    return path


def on_kvm(args='', code=b'\xeb\xfe'):
    """q35 on KVM, with a guest that does nothing for ever, and the sandbox on."""
    if not os.access('/dev/kvm', os.R_OK | os.W_OK):
        raise qtest.Skip('no /dev/kvm')
    return qmp.Vm(f'-sandbox on -bios {firmware(code)} -smp 2 {args}', machine='q35', accel='kvm')


@test
def runs_on_kvm():
    """stop, cont, system_reset and inject-nmi of a guest that runs"""
    with on_kvm() as vm:
        for _ in range(30):
            vm.cmd('stop')
            eq(status(vm), 'paused')
            vm.cmd('cont')
            vm.cmd('inject-nmi')
            vm.cmd('system_reset')
            vm.event('RESET')
        eq(vm.cmd('query-kvm'), {'enabled': True, 'present': True})
        eq(status(vm), 'running')


@test
def adds_in_the_sandbox():
    """what a monitor adds by name to a machine that runs: files, sockets, plugins that were not open, threads"""
    folder = qtest.Setup.get().folder
    disk = os.path.join(folder, 'disk.raw')
    with open(disk, 'wb') as f:
        f.truncate(1 << 20)
    with on_kvm('-device pcie-root-port,id=rp0 -device pcie-root-port,id=rp1,chassis=1') as vm:
        vm.cmd('object-add', **{'qom-type': 'iothread', 'id': 'io'})
        vm.cmd('object-add', **{'qom-type': 'memory-backend-memfd', 'id': 'm0', 'size': 1 << 20})
        vm.cmd('chardev-add', id='c0', backend={'type': 'file', 'data': {'out': os.path.join(folder, 'c0')}})
        vm.cmd('chardev-add', id='c1', backend={'type': 'socket', 'data': {
            'addr': {'type': 'unix', 'data': {'path': os.path.join(folder, 'c1')}}, 'server': True, 'wait': False}})
        vm.cmd('blockdev-add', **{'driver': 'raw', 'node-name': 'd0', 'file': {'driver': 'file', 'filename': disk}})
        vm.cmd('device_add', driver='virtio-blk-pci', id='blk', drive='d0', bus='rp0', iothread='io')
        vm.cmd('device_add', driver='virtio-rng-pci', id='rng', bus='rp1')
        eq(status(vm), 'running')
        vm.cmd('chardev-remove', id='c1')
        ok(vm.hmp('info qtree'), 'there is no tree')
        eq([i['id'] for i in vm.cmd('query-iothreads')], ['io'])


# ---- questions ----

@test
def questions():
    """the machine's name, number, accelerator, target; options and threads"""
    uuid = '12345678-9abc-4def-8123-456789abcdef'
    with qmp.Vm(f'-name tom -uuid {uuid} -object iothread,id=io1,poll-max-ns=77 -S') as vm:
        eq(vm.cmd('query-name'), {'name': 'tom'})
        eq(vm.cmd('query-uuid'), {'UUID': uuid})
        eq(vm.cmd('query-target'), {'arch': 'x86_64'})
        eq(vm.cmd('query-kvm'), {'enabled': False, 'present': True})
        io = vm.cmd('query-iothreads')
        eq([(i['id'], i['poll-max-ns'], i['aio-max-batch']) for i in io], [('io1', 77, 0)])
        ok(os.path.exists(f'/proc/{vm.process.pid}/task/{io[0]["thread-id"]}'), 'its thread is none of the program')
        mon = vm.cmd('query-command-line-options', option='mon')
        eq({p['name']: p['type'] for p in mon[0]['parameters']}, {'chardev': 'string', 'mode': 'string', 'pretty': 'boolean'})
        ok({'machine', 'smp-opts', 'memory', 'sandbox'} <= {o['option'] for o in vm.cmd('query-command-line-options')},
           'options are missing')
        eq(vm.error('query-command-line-options', option='nope'), 'invalid option name: nope')


if __name__ == '__main__':
    qmp.main()
