#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Cloud Hypervisor's command line: what tenon-ch makes of it, what it refuses, and a guest that finds what is there by default.

usage: test_ch.py TENON_CH TENON [GUEST]   GUEST: tests/kvm's virtio_rng
"""
import os
import pathlib
import shlex
import subprocess
import sys
import tempfile
import time

import tenon

BEGIN = 'tenon -display none -nodefaults'
CPU = '-smp 1,maxcpus=1 -cpu host -M q35 -m size=512M'
RNG = '-object rng-random,id=rng0,filename=/dev/urandom -device virtio-rng-pci,rng=rng0'
SERIAL = '-chardev null,id=serial0 -device isa-serial,chardev=serial0'
CONSOLE = '-chardev stdio,id=console0,signal=off -device virtio-serial-pci,id=consoles -device virtconsole,bus=consoles.0,chardev=console0'
REST = f'{CPU} {RNG} {SERIAL} {CONSOLE}'

# What is said, and what tenon is told.
SAME = {
    '--kernel k': f'{BEGIN} -kernel k {REST}',
    '--firmware=f': f'{BEGIN} -bios f {REST}',
    '--kernel k --initramfs i --cmdline "a b"': f"{BEGIN} -kernel k -initrd i -append 'a b' {REST}",
    '--kernel k --serial tty --console off':
        f'{BEGIN} -kernel k {CPU} {RNG} -chardev stdio,id=serial0,signal=off -device isa-serial,chardev=serial0',
    '--kernel k --serial off --console file=c,d':
        None,
    '--kernel k --serial off --console file=log':
        f'{BEGIN} -kernel k {CPU} {RNG} ' + CONSOLE.replace('stdio,id=console0,signal=off', 'file,id=console0,path=log'),
    '--kernel k --rng src=/dev/hwrng': f'{BEGIN} -kernel k {REST}'.replace('urandom', 'hwrng'),
    '--kernel k --cpus boot=2,max=8,topology=2:2:1:2 --memory size=1G,shared=on':
        f'{BEGIN} -kernel k -smp 2,maxcpus=8,threads=2,cores=2,dies=1,sockets=2 -cpu host -M q35,memory-backend=ram0 -m size=1G '
        f'-object memory-backend-memfd,id=ram0,size=1G,share=on,merge=off,prealloc=off {RNG} {SERIAL} {CONSOLE}',
    '--kernel k --disk path=a path=b,readonly=on,direct,id=x,serial=s,bw_size=1000,bw_refill_time=100':
        f'{BEGIN} -kernel k -drive file=a,format=raw,if=none,id=drive0 '
        '-device virtio-blk-pci,id=disk0,drive=drive0,num-queues=1,queue-size=128 '
        '-drive file=b,format=raw,if=none,id=drive1,readonly=on,cache=none,throttling.bps-total=10000 '
        f'-device virtio-blk-pci,id=x,drive=drive1,num-queues=1,queue-size=128,serial=s {REST}',
    '--kernel k --net tap=t0,mac=52:54:00:00:00:01,num_queues=4 --net fd=[3,4],mtu=9000,num_queues=4,offload_csum=off':
        f'{BEGIN} -kernel k -netdev tap,id=net0,ifname=t0,script=no,downscript=no,queues=2 '
        '-device virtio-net-pci,netdev=net0,rx_queue_size=256,tx_queue_size=256,mq=on,mac=52:54:00:00:00:01 '
        '-netdev tap,id=net1,fds=3:4 -device virtio-net-pci,netdev=net1,rx_queue_size=256,tx_queue_size=256,mq=on,host_mtu=9000,'
        f'csum=off,guest_csum=off {REST}',
    '--kernel k --net tap=t0,mac=[1,x=2],id=[a,b]':
        f'{BEGIN} -kernel k -netdev tap,id=net0,ifname=t0,script=no,downscript=no,queues=1 '
        f"-device 'virtio-net-pci,netdev=net0,rx_queue_size=256,tx_queue_size=256,id=[a,,b],mac=[1,,x=2]' {REST}",
    '--kernel k --pvpanic --seccomp false --log-file l': f'{BEGIN} -kernel k -device pvpanic-pci -sandbox off -D l {REST}',
}

# One line that names it.
REFUSED = {
    '': '--kernel or --firmware is missing',
    '--kernel': '--kernel: a value is missing',
    '--kernel k --serial tty': '--serial tty and --console tty: there is one terminal',
    '--kernel k --nosuch 1': '--nosuch: there is no such option',
    '--kernel k --vsock cid=3': '--vsock: there is nothing like it here',
    '--kernel k --disk readonly=on': '--disk readonly=on: path is missing',
    '--kernel k --disk path=a,bogus=1': '--disk: bogus is not known here',
    '--kernel k --disk path=a,readonly=maybe': "--disk: readonly is on or off, not 'maybe'",
    '--kernel k --disk path=a,bw_size=5': '--disk: bw_size and bw_refill_time go together',
    '--kernel k --cpus boot=x': "--cpus: boot is a number, not 'x'",
    '--kernel k --cpus topology=1:2': "--cpus: topology is THREADS:CORES:DIES:PACKAGES, not '1:2'",
    '--kernel k --memory size=': '--memory: size has no value',
    '--kernel k --memory hugepage_size=2M': '--memory: hugepage_size wants hugepages=on',
    '--kernel k --net num_queues=3': '--net: num_queues is even and at least 2, not 3',
    '--kernel k --net tap=a,fd=3': '--net: tap and fd exclude each other',
    '--kernel k --net ip=10.0.0.1': '--net: ip is not known here',
    '--kernel k --console file': '--console: it is off, null',
    '--kernel k --seccomp log': "--seccomp: it is true or false, not 'log'",
    '--kernel k --print=1': '--print: it takes no value',
}


def run(program, words, named='tenon'):
    return subprocess.run([program, *words], env={**os.environ, 'TENON': named}, capture_output=True, text=True, timeout=tenon.PATIENCE,
                          check=False)


def translated(tap, program):
    for said, expected in SAME.items():
        done = run(program, [*shlex.split(said), '--print'])
        if expected is None:  # a comma ends a value there
            tap.case(f'refused: {said}', [done.stdout] * (done.returncode != 1))
        else:
            tap.case(said, [] if done.stdout == expected + '\n' else [f'expected {expected}', f'got {done.stdout}{done.stderr}'])


def refused(tap, program):
    for said, why in REFUSED.items():
        done = run(program, shlex.split(said))
        good = done.returncode == 1 and done.stderr.startswith('tenon-ch: ' + why) and done.stderr.count('\n') == 1 and not done.stdout
        tap.case(f'refused: {said or "nothing"}', [] if good else [f'status {done.returncode}', done.stdout, done.stderr])


def runs(tap, program, vmm, guest):
    """The guest looks for virtio-rng and prints on the serial port, which nobody asked for otherwise."""
    name = 'a guest finds the source of entropy that nobody asked for'
    if not guest or not os.path.exists(guest) or not tenon.has_kvm():
        tap.case(name, skip='no KVM, or no guest')
        return
    with tempfile.TemporaryDirectory() as folder:
        log = pathlib.Path(folder) / 'serial'
        words = ['--kernel', guest, '--cmdline', 'console=serial', '--serial', f'file={log}', '--console', 'off', '--memory', 'size=128M']
        with subprocess.Popen([program, *words], env={**os.environ, 'TENON': vmm}, stderr=subprocess.PIPE, text=True) as vm:
            until, text = time.monotonic() + tenon.PATIENCE, ''
            while '\n1..' not in text and vm.poll() is None and time.monotonic() < until:
                time.sleep(0.05)
                text = log.read_text(errors='replace') if log.exists() else ''
            vm.terminate()
            errors = vm.communicate()[1]
        tap.case(name, [] if '\n1..' in text and 'not ok' not in text else [text, errors])


def main():
    tap = tenon.Tap()
    program, vmm = sys.argv[1:3]
    translated(tap, program)
    refused(tap, program)
    runs(tap, program, vmm, sys.argv[3] if len(sys.argv) > 3 else None)
    return tap.done()


if __name__ == '__main__':
    sys.exit(main())
