# SPDX-License-Identifier: BSD-2-Clause
"""State files whose checksums are right and whose fields say what no device would: each is loaded or refused with a line,
and the machine answers after it. HOSTILE=N tries N values of each field rather than one; HOSTILE_SEED=S others."""
import os
import random

import qmp
from migrig import path
from qmp import eq, ok, test
from statefile import BOOL, DEV, TIMER, StateFile

VALUES = int(os.environ.get('HOSTILE', '1'))
SEED = int(os.environ.get('HOSTILE_SEED', '1'))
DISK = '-drive if=none,id=d,driver=null-co,size=1M,read-zeroes=on'
NET = '-netdev socket,id=n,listen=127.0.0.1:0'


def element(rng, field):
    """What may stand in one."""
    n = field.size
    if field.kind == BOOL:
        return bytes([rng.randrange(2)])
    if field.kind == TIMER:
        return bytes([rng.randrange(2)]) + rng.choice((b'\0' * 8, b'\xff' * 8, rng.randbytes(8)))
    if field.kind == DEV:
        return bytes([rng.randrange(0x20, 0x7f)])
    return rng.choice((b'\0' * n, b'\xff' * n, b'\1' + b'\0' * (n - 1), b'\0' * (n - 1) + b'\x80', rng.randbytes(n)))


def value(rng, field, now):
    """One element is another one, or all are."""
    if rng.randrange(2):
        return b''.join(element(rng, field) for _ in range(field.count))
    at = rng.randrange(field.count) * field.size
    return now[:at] + element(rng, field) + now[at + field.size:]


def attempts(file, rng):
    """(what, file) of each field of each class: devices of one class are alike."""
    done = set()
    for part in file.parts:
        for field in part.fields:
            key = part.kind, part.cls, field.path
            if field.count and key not in done:
                done.add(key)
                now = part.payload[field.at:field.at + len(field)]
                for _ in range(VALUES):
                    bad = value(rng, field, now)
                    yield f'{part.kind.decode()} {part.of} {part.cls}.{field.path} = {bad[:16].hex()}', \
                        file.replaced(part, field, bad)


def use(vm):
    """Timers run out, and everything is asked for its state."""
    vm.step(2_000_000_000)
    vm.hmp('info pci')
    eq(vm.hmp(f'savevm file:{path("again")}'), '', 'savevm')


def bear(machine, args):
    name, rng = path('state'), random.Random(SEED)
    with qmp.Vm(f'-m 2M -rtc clock=vm {args}', machine) as vm:
        eq(vm.hmp(f'savevm file:{name}'), '')
        with open(name, 'rb') as f:
            sound = f.read()
        loaded = refused = 0
        for what, bad in attempts(StateFile(sound), rng):
            with open(name, 'wb') as f:
                f.write(bad)
            try:
                text = vm.hmp(f'loadvm file:{name}')
                ok(text == '' or (text.startswith('Error: ') and text.count('\n') == 1), f'answer {text!r}')
                loaded += text == ''
                refused += text != ''
                if not text:
                    use(vm)
            except (qmp.Failure, OSError) as e:
                raise qmp.Failure(f'{what}: {e}') from e
        with open(name, 'wb') as f:
            f.write(sound)
        eq(vm.hmp(f'loadvm file:{name}'), '', 'what is sound loads after all that')
        print(f'# {machine}: {loaded} loaded, {refused} refused', flush=True)
        ok(loaded > 20 and refused > 1, 'both happen')


@test
def q35():
    '''PCI Express: ports, virtio devices, the devices of the board'''
    bear('q35', f'{DISK} -device virtio-blk-pci,drive=d {NET} -device virtio-net-pci,netdev=n -device virtio-rng-pci '
         '-device virtio-serial-pci,id=vs -chardev null,id=p -device virtserialport,bus=vs.0,chardev=p '
         '-device pcie-root-port,id=rp -device edu -device pci-testdev,bus=rp -device pvpanic '
         '-chardev null,id=s -device isa-serial,chardev=s -device isa-debug-exit')


@test
def microvm():
    '''virtio over MMIO'''
    bear('microvm,rtc=on', f'{DISK} -device virtio-blk-device,drive=d -device virtio-rng-device')


@test
def pc():
    '''i440FX and PIIX3'''
    bear('pc', '-device virtio-rng-pci')


if __name__ == '__main__':
    qmp.main()
