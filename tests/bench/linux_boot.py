# SPDX-License-Identifier: BSD-2-Clause
"""Linux boots, measured: time to init, KVM exits until then, memory beyond the guest's RAM."""
import json
import pathlib
import subprocess
import sys

import vmm
from results import Results

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parent.parent
LINUX = SOURCE / 'tests/linux'
sys.path.insert(0, str(LINUX))
import l2  # noqa: E402

RAM_MIB = 512
KERNEL = '6.12'
INIT = b'tenon: init after '
# What both may leave out, to measure the VMM and not the kernel's self-tests.
APPEND = 'tsc=reliable no_timer_check mitigations=off nokaslr cryptomgr.notests random.trust_cpu=on'
MICROVM = 'microvm,rtc=on,isa-serial=on,x-option-roms=off'
QBOOT = ('-bios', 'qboot.rom')

# name: machine, image, and what QEMU gets besides. As a rule q35 has its default firmware; qboot is the fastest there is.
CASES = {
    'q35/vmlinux': ('q35', 'vmlinux', ()),
    'q35/vmlinux, QEMU with qboot': ('q35', 'vmlinux', QBOOT),
    'q35/bzImage': ('q35', 'vmlinuz', ()),
    'microvm/vmlinux, QEMU with qboot': (MICROVM, 'vmlinux', QBOOT),
    'microvm/bzImage, QEMU with qboot': (MICROVM, 'vmlinuz', QBOOT),
}


def command(kind, binary, rig, case):
    machine, image, for_qemu = CASES[case]
    guest = l2.Guest(kernel=f'{rig}/kernel/{KERNEL}/{image}', initrd=f'{rig}/guest/boot.cpio', machine=machine,
                     memory_mib=RAM_MIB, append=APPEND, no_reboot=True, extra=for_qemu if kind == 'qemu' else ())
    return l2.command_line(kind, binary, guest)


def boot(results, name, kind, line):
    with vmm.Running(line) as running:
        seconds = running.until(INIT, patience=120)
        exits = l2.kvm_exits()
        rss, _ = vmm.beyond_ram(running.pid(), RAM_MIB)
    results.add(f'{name}: exec to init', 'ms', kind, seconds * 1000)
    results.add(f'{name}: memory beyond RAM', 'KiB', kind, rss)
    for counter in ('all', 'pio', 'mmio'):
        if counter in exits:
            results.add(f'{name}: KVM exits, {counter}', 'exits', kind, exits[counter])
    print(f'{name} {kind}: {seconds:.2f} s, {exits.get("all")} exits, {rss} KiB', file=sys.stderr, flush=True)


def measure(tenon, qemu, rig, runs, names):
    """Boots by turns, so that a busy spell hits both."""
    results = Results('linux', f'Linux {KERNEL}, 1 CPU, {RAM_MIB} MiB, from exec to init')
    binaries = {'tenon': tenon, 'qemu': qemu}
    cases = [c for c in CASES if not names or any(c.startswith(n) for n in names)]
    for _ in range(runs):
        for case in cases:
            for kind, binary in binaries.items():
                boot(results, case, kind, command(kind, binary, rig, case))
    return results.document()


def measure_somewhere(options):
    """Here where KVM runs Linux, else in the nested rig, which must be there."""
    qemu = options.qemu or f'{options.rig}/bin/qemu-system-x86_64'
    here = subprocess.run([LINUX / 'kvm-runs-linux', '--quiet'], check=False).returncode == 0
    if here or options.inside:
        return measure(options.tenon, qemu, options.rig, options.runs, options.names)
    subprocess.run([LINUX / 'rig-setup', options.rig], check=True, stdout=sys.stderr)
    inner = ['/usr/bin/python3', '-B', HERE / 'bench.py', 'linux', '--inside', '--tenon', options.tenon, '--qemu', qemu,
             '--rig', options.rig, '--runs', str(options.runs), *options.names]
    rig = [LINUX / 'rig-run', '--rig', options.rig, '--timeout', '3000', '--see', options.rig, '--see', SOURCE,
           '--see', pathlib.Path(options.tenon).parent.parent]
    done = subprocess.run([*rig, '--', *map(str, inner)], stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])
