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
MACHINES = {'q35': 'q35', 'microvm': 'microvm,rtc=on,isa-serial=on,x-option-roms=off'}
IMAGES = {'vmlinux': 'vmlinux', 'bzImage': 'vmlinuz'}


def command(kind, binary, rig, machine, image):
    guest = l2.Guest(kernel=f'{rig}/kernel/{KERNEL}/{IMAGES[image]}', initrd=f'{rig}/guest/boot.cpio',
                     machine=MACHINES[machine], memory_mib=RAM_MIB, append=APPEND, no_reboot=True)
    # microvm runs no option ROM, without which QEMU's firmware does not find a bzImage
    roms = guest if image == 'vmlinux' or kind == 'tenon' else l2.dataclasses.replace(
        guest, machine=guest.machine.replace(',x-option-roms=off', ''))
    return l2.command_line(kind, binary, roms)


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
    cases = [(m, i) for m in MACHINES for i in IMAGES if not names or f'{m}/{i}' in names]
    for _ in range(runs):
        for machine, image in cases:
            for kind, binary in binaries.items():
                boot(results, f'{machine}/{image}', kind, command(kind, binary, rig, machine, image))
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
