#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A command line that cannot be had is refused in one line that names the culprit, with status 1 and without a trace:
no file, no changed terminal.

usage: test_bad_lines.py TENON INCLUDE_DIR CC...
"""
import dataclasses
import os
import pathlib
import sys

import bad_plugins
import images
import tenon

HERE = pathlib.Path(__file__).resolve().parent


@dataclasses.dataclass
class Bad:
    """A line, what its refusal must name, the files it finds, and whether only a machine on KVM gets that far."""
    line: str
    culprit: str
    files: dict = dataclasses.field(default_factory=dict)
    kvm: bool = False
    advice: int = 0  # lines
    todo: str = None


def kernel(image, *rest, **more):
    return Bad('-kernel k' + ''.join(f' {r}' for r in rest), more.pop('culprit', 'k: '), {'k': image, **more}, kvm=True)


OPTIONS = [
    Bad('-nosuchoption', '-nosuchoption'),
    Bad('-m', '-m'),
    Bad('-m banana', 'banana'),
    Bad('-m 128M,bogus=1', 'bogus'),
    Bad('-m 1G,maxmem=512M', 'maxmem'),
    Bad('-m 99999999T', '99999999T'),
    Bad('-m 65T', '-m'),
    Bad('-smp 0', 'smp'),
    Bad('-smp 100000', '100000'),
    Bad('-smp 4,cores=3', 'cores'),
    Bad('-M nosuch', 'nosuch', advice=1),
    Bad('-M q35,bogus=1', 'bogus'),
    Bad('-M q35,acpi=maybe', 'acpi'),
    Bad('-M q35,rtc=off', 'rtc'),
    Bad('-M microvm,rtc=off', 'rtc'),
    Bad('-accel nosuch', 'nosuch'),
    Bad('-cpu nosuch', 'nosuch', kvm=True, advice=1),
    Bad('-cpu host,nosuchflag=on', 'nosuchflag', kvm=True),
    Bad('-uuid xyz', '-uuid'),
    Bad('-rtc base=yesterday', 'yesterday'),
    Bad('-rtc base=9999-12-31', '-rtc base='),
    Bad('-m 64M -numa node,cpus=', 'cpus='),
    Bad('-m 64M -numa node,cpus=0-', 'cpus=0-'),
    Bad('-m 64M -numa node,initiator=0', '(HMAT) is disabled'),
    Bad('-M hmat=on -m 64M -numa node,cpus=0 -numa hmat-lb,initiator=0,target=1,hierarchy=memory,data-type=access-latency,latency=1',
        'Invalid target=1'),
    Bad('-M hmat=on -m 64M -numa node,cpus=0 -numa node,initiator=5', 'NUMA node 5 is missing'),
    Bad('-boot order=q', "'q'"),
    Bad('-action reboot=never', 'never'),
    Bad('-sandbox maybe', 'maybe'),
    Bad('-d nosuch', 'nosuch'),
    Bad('-D nowhere/log', 'nowhere/log'),
    Bad('-pidfile nowhere/pid', 'nowhere/pid'),
    Bad('-trace events=nowhere', 'nowhere'),
    Bad('-trace file=nowhere/t', 'nowhere/t'),
    Bad('-readconfig nowhere.cfg', 'nowhere.cfg'),
    Bad('-readconfig c', 'c:1', {'c': b'no group\n'}),
    Bad('-set device.x.y=1', 'x'),
    Bad('-global bogus', 'bogus'),
    Bad('-parallel stdio', 'stdio'),
    Bad('-serial nosuch:x', 'nosuch'),
    Bad('-usbdevice nosuch', 'nosuch'),
]

DEVICES = [
    Bad('-device nosuch', "'nosuch' is not a valid device model name"),
    Bad('-device isa-serial,bogus=1', "Property 'isa-serial.bogus' not found"),
    Bad('-device isa-serial,iobase=banana', 'banana'),
    Bad('-device isa-serial,iobase=0x100000000', 'iobase'),
    Bad('-device isa-serial,irq=99', '99'),
    Bad('-device isa-serial,bus=nosuch', "Bus 'nosuch' not found"),
    Bad('-device isa-serial,chardev=nosuch', 'nosuch'),
    Bad('-device isa-serial,id=0bad', '0bad'),
    Bad('-chardev null,id=c -device isa-serial,id=x,chardev=c -chardev null,id=d -device isa-serial,id=x,chardev=d', "'x'"),
    Bad('-chardev null,id=c -device isa-serial,chardev=c -device isa-serial,chardev=c', 'chardev=c'),
    Bad('-chardev null,id=c -chardev null,id=d -device isa-serial,iobase=0x2f0,irq=5,chardev=c '
        '-device isa-serial,iobase=0x2f4,irq=7,chardev=d', '0x2f4'),
    Bad('-device nosuch,help', 'nosuch'),
    Bad('-device {"driver":"isa-serial","bogus":1}', 'bogus'),
    Bad('-device {"driver":', '-device'),
    Bad('-device edu,addr=99', '99'),
    Bad('-device edu,bus=isa.0', 'isa.0'),
    Bad('-M microvm -device edu', "'PCI'"),
    Bad('-device ioapic', 'ioapic'),
    Bad('-global edu.dma_mask=x -device edu', 'edu.dma_mask=x'),
    Bad('-global edu.bogus=1 -device edu', 'edu.bogus'),
]

OBJECTS = [
    Bad('-object nosuch,id=x', 'nosuch'),
    Bad('-object iothread', 'id'),
    Bad('-object iothread,id=t -object iothread,id=t', "'t'"),
    Bad('-object iothread,id=t,bogus=1', 'bogus'),
    Bad('-object memory-backend-ram,id=m', 'size'),
    Bad('-object memory-backend-ram,id=m,size=banana', 'banana'),
    Bad('-object memory-backend-file,id=m,size=1M,mem-path=nowhere/m', 'nowhere/m'),
    Bad('-object memory-backend-file,id=m,size=1M,mem-path=m,offset=0xfffffffffffff000', 'offset'),
    Bad('-object memory-backend-ram,id=m,size=1M -m 2M -M memory-backend=m', 'memory-backend'),
    Bad('-M memory-backend=nosuch', "'nosuch'"),
    Bad('-chardev nosuch,id=c', 'nosuch'),
    Bad('-chardev null', 'id'),
    Bad('-chardev null,id=c -chardev null,id=c', "'c'"),
    Bad('-chardev null,id=c,bogus=1', 'bogus'),
    Bad('-chardev file,id=c', 'filename'),
    Bad('-chardev file,id=c,path=nowhere/out', 'nowhere/out'),
    Bad('-chardev socket,id=c,path=nowhere', 'nowhere'),
    Bad('-fw_cfg name=opt/x', 'fw_cfg'),
    Bad('-accel qtest -fw_cfg name=opt/x,file=nowhere', 'nowhere'),
]

Q = '-accel qtest '
DISK = {'d': bytes(1 << 16)}
DRIVES = [
    Bad(Q + '-drive file=nowhere,if=none', "Could not open 'nowhere': No such file or directory"),
    Bad(Q + '-drive file=.,if=none,format=raw', "'.'"),
    Bad(Q + '-drive file=d,if=none,format=nosuch', "Unknown driver 'nosuch'", DISK),
    Bad(Q + '-drive file=d,if=none,format=qcow2', "Unknown driver 'qcow2'", DISK, advice=1),
    Bad(Q + '-drive file=d,if=none', 'qcow2', {'d': b'QFI\xfb\0\0\0\3' + bytes(1 << 16)}, advice=1),
    Bad(Q + '-drive file=d,if=none,format=raw,bogus=1', "'bogus'", DISK),
    Bad(Q + '-drive file=d,if=none,format=raw,file.bogus=1', "'bogus'", DISK),
    Bad(Q + '-drive file=d,if=nosuch', "'nosuch'", DISK),
    Bad(Q + '-drive file=d,format=raw', 'if=ide', DISK, advice=1),
    Bad(Q + '-drive file=d,format=raw,if=pflash', 'pflash0 has invalid size', {'d': bytes(5000)}, advice=1),
    Bad(Q + '-drive file=d,format=raw,if=pflash,unit=1', 'pflash1 requires pflash0', {'d': bytes(8192)}),
    Bad(Q + '-drive file=d,format=raw,if=pflash', 'exceeds 8388608 bytes', {'d': bytes(9 << 20)}),
    Bad(Q + '-M pflash0=nosuch', "'nosuch'"),
    Bad(Q + '-drive file=d,if=none,cache=fast', 'cache', DISK),
    Bad(Q + '-drive file=d,if=none,id=0d', "'0d'", DISK),
    Bad(Q + '-drive file=nosuch:d,if=none', "Unknown protocol 'nosuch'"),
    Bad(Q + '-drive file=nbd:unix:nowhere,if=none', 'nowhere'),
    Bad(Q + '-drive file=d,if=none,iops=1,iops_rd=1', 'total', DISK),
    Bad(Q + '-drive file=d,if=none,format=raw,id=d0 -device virtio-blk-pci,drive=d1', "'d1'", DISK),
    Bad(Q + '-drive file=d,if=none,format=raw,id=d0 -device virtio-blk-pci,drive=d0 -device virtio-blk-pci,drive=d0',
        "Drive 'd0' is already in use by another device", DISK),
    Bad(Q + '-drive file=d,if=virtio,format=raw,werror=sometimes', "'sometimes'", DISK),
    Bad(Q + '-drive file=d,if=none,format=raw,snapshot=maybe', 'snapshot', DISK),
    Bad(Q + '-blockdev nosuch,node-name=n', "'nosuch'"),
    Bad(Q + '-blockdev file,filename=d', 'node-name', DISK),
    Bad(Q + '-blockdev file,node-name=n', "'filename'"),
    Bad(Q + '-blockdev file,node-name=n,filename=nowhere', 'nowhere'),
    Bad(Q + '-blockdev raw,node-name=n,file=m', "'m'"),
    Bad(Q + '-blockdev {"driver":"file","node-name":"n","filename":"d","bogus":1}', "'bogus'", DISK),
    Bad(Q + '-object throttle-group,id=g,x-iops-total-max=5', 'iops'),
]

KERNELS = [
    Bad('-accel kvm', '-kernel', kvm=True),
    Bad('-kernel nowhere', 'nowhere', kvm=True),
    Bad('-initrd i', '-initrd', {'i': b'x'}),
    Bad('-append x', '-append'),
    Bad('-bios nowhere', 'nowhere', kvm=True),
    Bad('-bios b', 'b', {'b': bytes(1000)}, kvm=True),
    kernel(b''),
    kernel(b'#!/bin/sh\n' * 1000),
    kernel(images.elf()[:32]),
    kernel(images.elf()[:100]),
    kernel(images.elf()[:images.SEGMENT_AT + 4]),
    kernel(images.elf(note=False)),
    kernel(images.elf(machine=183)),
    kernel(images.elf(phoff=2**64 - 8)),
    kernel(images.elf(count=65535)),
    kernel(images.elf(offset=2**63)),
    kernel(images.elf(in_file=2**62, in_memory=2**62)),
    kernel(images.elf(in_file=16, in_memory=2**40)),
    kernel(images.elf(in_file=16, in_memory=8)),
    kernel(images.elf(gpa=2**64 - 8)),
    kernel(images.elf(gpa=0x7f000000), '-m 64'),
    kernel(images.bzimage(size=0x210)),
    kernel(images.bzimage(sectors=255)),
    kernel(images.bzimage(version=0x0100)),
    kernel(images.bzimage(syssize=0xffffffff)),
    kernel(images.bzimage(init_size=0xfffff000)),
    kernel(images.elf(), '-initrd nowhere', culprit='nowhere'),
    kernel(images.elf(), '-initrd i', culprit='i: ', i=b''),
    kernel(images.elf(), '-m 16 -initrd i', culprit='i: ', i=bytes(32 << 20)),
    kernel(images.elf(), '-append ' + 'x' * 70000, culprit='command line'),
    kernel(images.elf(), '-m 4k', culprit='-m'),
]

NETS = [
    Bad('-netdev nosuch,id=n', "Parameter 'type' does not accept value 'nosuch'"),
    Bad('-netdev vde,id=n', "network backend 'vde'"),
    Bad('-netdev hubport,hubid=1', "Parameter 'id' is missing"),
    Bad('-netdev hubport,id=n', "Parameter 'hubid' is missing"),
    Bad('-netdev hubport,id=n,hubid=1,bogus=1', "Invalid parameter 'bogus'"),
    Bad('-netdev hubport,id=n,hubid=1 -netdev hubport,id=n,hubid=2', "Duplicate ID 'n' for netdev"),
    Bad('-netdev {"type":"hubport","id":"n","hubid":{}}', 'hubid'),
    Bad('-nic nosuch', 'nosuch'),
    Bad('-nic hubport,hubid=1,model=nosuch', 'Unsupported NIC model: nosuch'),
    Bad('-net nic,netdev=nosuch', "netdev 'nosuch' not found"),
    Bad('-net hubport,hubid=1', 'hubport'),
    Bad('-object filter-dump,id=f,netdev=nosuch,file=f', 'nosuch'),
    Bad('-netdev hubport,id=n,hubid=1 -object filter-dump,id=f,netdev=n', "Parameter 'file' is missing"),
    Bad('-netdev hubport,id=n,hubid=1 -object filter-dump,id=f,netdev=n,file=nowhere/f', 'nowhere/f'),
    Bad('-netdev stream,id=n,addr.type=unix,addr.path=nowhere/s,server=on', 'nowhere/s'),
    Bad('-netdev stream,id=n,addr.type=unix,addr.path=nowhere/s', 'nowhere/s'),
    Bad('-netdev dgram,id=n', 'local='),
    Bad('-netdev socket,id=n,connect=banana', 'banana'),
    Bad('-netdev tap,id=n,fd=banana', 'banana'),
]

LATE = [
    Bad('-pidfile pid -device nosuch', 'nosuch'),
    Bad('-chardev socket,id=c,path=s,server=on,wait=off -device nosuch', 'nosuch'),
    Bad('-chardev stdio,id=c -device nosuch', 'nosuch'),
    Bad('-serial mon:stdio -device nosuch', 'nosuch'),
    Bad('-chardev stdio,id=c -device isa-serial,chardev=c,irq=99', '99'),
    Bad('-object memory-backend-file,id=m,size=1M,mem-path=m -device nosuch', 'nosuch',
        todo='the file stays'),
]


def check(tap, tn, bad, name=None):
    """Without KVM the same line is read by a machine without CPUs, as far as that goes."""
    title = (name or bad.line)[:90]
    if bad.kvm and not tenon.has_kvm():
        tap.case(title, skip='no access to /dev/kvm')
        return
    with tenon.Folder(tn) as folder:
        for file, content in bad.files.items():
            (folder.path / file).write_bytes(content)
        args = bad.line.split(' ') + ([] if tenon.has_kvm() or '-accel' in bad.line else ['-accel', 'qtest'])
        outcome = folder.run(args)
    wrong = list(tenon.complaints(outcome, bad.culprit, bad.advice))
    tap.case(title, wrong and wrong + outcome.told(), todo=bad.todo)


def check_plugin(tap, tn, name, make, culprit, *rest):
    """A file p.so that is refused when it is named, or when the rest of the line uses it."""
    with tenon.Folder(tn) as folder:
        make(folder.path / 'p.so')
        args = ['-plugin', './p.so', *rest]
        outcome = folder.run(args + ([] if tenon.has_kvm() else ['-accel', 'qtest']))
    wrong = list(tenon.complaints(outcome, culprit))
    tap.case(f'-plugin: {name}', wrong and wrong + outcome.told())


def check_plugins(tap, tn, include, cc):
    def compiled(definitions=(), names=('p.so',)):
        return lambda to: [bad_plugins.build(cc, include, HERE / 'plugin.c', to.with_name(n), definitions) for n in names]

    check_plugin(tap, tn, 'missing file', lambda to: None, 'p.so')
    check_plugin(tap, tn, 'text', lambda to: to.write_text('hello\n'), 'p.so')
    check_plugin(tap, tn, 'empty file', lambda to: to.write_bytes(b''), 'p.so')
    check_plugin(tap, tn, 'folder', lambda to: to.mkdir(), 'p.so')
    check_plugin(tap, tn, 'program', lambda to: to.write_bytes(images.elf()), 'p.so')
    for name, (definitions, culprit) in bad_plugins.WRONG.items():
        check_plugin(tap, tn, name, compiled(definitions), culprit)
    check_plugin(tap, tn, 'class of another plugin', compiled(names=('p.so', 'q.so')), "'half-way'", '-plugin', './q.so')
    check_plugin(tap, tn, 'realize fails half-way', compiled(), 'the fuse of port 0x2f0 is blown', '-device', 'half-way')
    check_plugin(tap, tn, 'realize is refused a port', compiled(), '0x70', '-device', 'half-way,port=0x70')


def main():
    tn, include, *cc = sys.argv[1:]
    tap = tenon.Tap()
    os.environ.pop('TENON_PLUGIN_DIR', None)
    for bad in OPTIONS + DEVICES + OBJECTS + NETS + DRIVES + LATE:
        check(tap, tn, bad)
    for i, bad in enumerate(KERNELS):
        check(tap, tn, bad, f'{i}: {bad.line}')
    check_plugins(tap, tn, include, cc)
    return tap.done()


if __name__ == '__main__':
    sys.exit(main())
