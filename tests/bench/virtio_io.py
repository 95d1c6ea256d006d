# SPDX-License-Identifier: BSD-2-Clause
"""Virtio block and network devices of Linux guests, side by side with QEMU's: fio on a disk in memory, iperf3 over TAP."""
import contextlib
import json
import pathlib
import re
import subprocess
import sys

from results import Results

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parent.parent
LINUX = SOURCE / 'tests/linux'
sys.path.insert(0, str(LINUX))
import l2  # noqa: E402

KERNEL = '6.12'
RAM_MIB = 512
DISK_MIB = 256
SECONDS = 2
TAP = 'tenonbench'
# Inside the rig only: on memory, as a disk would be the bottleneck. O_DIRECT and io_uring on both sides.
DISK = pathlib.Path('/tmp/tenon-bench.raw')
DRIVE = ('-drive', f'file={DISK},format=raw,if=none,id=d0,cache=none,aio=io_uring')
IOTHREAD = ('-object', 'iothread,id=t0')
NETDEV = f'tap,id=n0,ifname={TAP},script=no,downscript=no'

# bench: {case: (machine, what the guest runs, devices)}
CASES = {
    'blk': {
        'blk-pci': ('q35', 'blk', (*DRIVE, '-device', 'virtio-blk-pci,drive=d0')),
        'blk-pci, iothread': ('q35', 'blk', (*DRIVE, *IOTHREAD, '-device', 'virtio-blk-pci,drive=d0,iothread=t0')),
        'blk-mmio': ('microvm', 'blk', (*DRIVE, '-device', 'virtio-blk-device,drive=d0')),
    },
    'net': {
        'net-pci': ('q35', 'net', ('-netdev', f'{NETDEV},vhost=off', '-device', 'virtio-net-pci,netdev=n0')),
        'net-pci, vhost': ('q35', 'net', ('-netdev', f'{NETDEV},vhost=on', '-device', 'virtio-net-pci,netdev=n0')),
    },
}
UNITS = {'seq': 'MiB/s', 'tcp': 'Mb/s', 'udp': 'pkt/s'}


def unit_of(row):
    return next((unit for start, unit in UNITS.items() if row.startswith(start)), 'IOPS')


def image(rig, folder):
    """The guest: busybox, the drivers, fio and iperf3 of the rig's root."""
    out = pathlib.Path(folder) / 'bench.cpio'
    modules = ('virtio_pci', 'virtio_mmio', 'virtio_blk', 'virtio_net')
    subprocess.run([LINUX / 'mkguest', '--rig', rig, '--from', f'{rig}/root', *(x for m in modules for x in ('-m', m)),
                    '-p', 'fio', '-p', 'iperf3', '-f', f'{HERE}/guest-io.sh=bin/guest-io.sh', '-o', out], check=True)
    return out


def command(kind, binary, rig, cpio, case):
    machine, what, extra = case
    guest = l2.Guest(kernel=f'{rig}/kernel/{KERNEL}/vmlinux', initrd=str(cpio), machine=machine, memory_mib=RAM_MIB,
                     append=f'mitigations=off once run="sh /bin/guest-io.sh {what} {SECONDS}"', no_reboot=True, extra=extra)
    return l2.command_line(kind, binary, guest)


def run(results, name, kind, line, again=True):
    """One guest's life; every result that it prints. Another one, once, if the rig loses it."""
    with l2.Console(line, patience=180) as console:
        try:
            console.expect(r'bench: done', f'{name}, {kind}: the results')
        except l2.Failure:
            if not again or not console.vanished():
                raise
            print(f'{name} {kind}: reset without a word; once more', file=sys.stderr, flush=True)
            run(results, name, kind, line, again=False)
            return
        for row, value in re.findall(r'bench: (\S+) ([0-9.e+]+)', console.text):
            if row != 'done':
                results.add(f'{name}: {row}', unit_of(row), kind, float(value))
                print(f'{name} {kind}: {row} {value}', file=sys.stderr)  # what is lost if a long run is ended
        print(f'{name} {kind}: {console.seconds():.0f} s', file=sys.stderr, flush=True)


@contextlib.contextmanager
def surroundings(bench):
    """What the guests need on this side: the disk in memory, or the TAP and a server behind it."""
    if bench == 'blk':
        with open(DISK, 'wb') as disk:
            for _ in range(DISK_MIB):
                disk.write(bytes(range(256)) * 4096)
        try:
            yield
        finally:
            DISK.unlink()
        return
    for line in ('modprobe tun', 'modprobe vhost_net', f'ip tuntap add {TAP} mode tap', f'ip addr add 10.9.0.1/24 dev {TAP}',
                 f'ip link set {TAP} up'):
        subprocess.run(line.split(), check=True)
    with subprocess.Popen(['iperf3', '-s'], stdout=subprocess.DEVNULL) as server:
        try:
            yield
        finally:
            server.kill()
    subprocess.run(['ip', 'link', 'del', TAP], check=True)


def measure(options, bench):
    """By turns, so that a busy spell hits both."""
    results = Results(bench, f'Linux {KERNEL}, 1 CPU; higher is better')
    binaries = {'tenon': options.tenon, 'qemu': options.qemu}
    cases = {n: c for n, c in CASES[bench].items() if not options.names or any(n.startswith(x) for x in options.names)}
    with surroundings(bench):
        for turn in range(options.runs):
            for name, case in cases.items():
                for kind in sorted(binaries, reverse=turn % 2):
                    run(results, name, kind, command(kind, binaries[kind], options.rig, options.cpio, case))
    return results.document()


def measure_in_rig(options, bench):
    """In the nested rig with its root full of tools, also where KVM runs Linux here: TAP and disk are its own."""
    options.qemu = options.qemu or f'{options.rig}/bin/qemu-system-x86_64'
    if options.inside:
        return measure(options, bench)
    subprocess.run([LINUX / 'rig-setup', options.rig, '--root'], check=True, stdout=sys.stderr)
    cpio = image(options.rig, options.out)
    inner = ['/usr/bin/python3', '-B', HERE / 'bench.py', bench, '--inside', '--tenon', options.tenon,
             '--qemu', options.qemu, '--rig', options.rig, '--runs', str(options.runs), '--cpio', cpio, *options.names]
    built = pathlib.Path(options.tenon).parent.parent
    rig = [LINUX / 'rig-run', '--rig', options.rig, '--root', pathlib.Path(options.rig) / 'root', '--overlay', '--timeout', '3000']
    for folder in {pathlib.Path(options.rig), SOURCE, built, cpio.parent}:
        rig += ['--share', f'{folder}:{folder}:ro']
    done = subprocess.run([*rig, '--', *map(str, inner)], stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])
