# SPDX-License-Identifier: BSD-2-Clause
"""virtio over MMIO in the slots of microvm, by a device that does nothing of its own (virtio-scratch), and where data flows by
virtio-rng. Numbers are sections of Virtual I/O Device 1.3."""
import contextlib
import os
import struct
import subprocess
import tempfile

import qtest
import virtio
from virtioscratch import (BROKEN, BY_ITSELF, CALL, CONFIG_CHANGED, ID, NOTIFY, QUEUE, RESET_DONE, RESET_LATER, STOP_LATER, STOPPED,
                           Scratch, plugin)

MICROVM = 'microvm,rtc=on,pit=off,pic=off'
FIRST = 7  # the slot that is filled first: the last one, as QEMU does
GSI = 16


def machine(options='', more='', mach=MICROVM, **how):
    return qtest.Machine(f'{plugin()} {more} -device virtio-scratch-device{options and ","}{options}', machine=mach, **how)


def live(m, queues=(0, 1, 2), slot=FIRST, **how):
    """A device whose queues run."""
    d = virtio.mmio(m, slot)
    d.start(**how)
    d.ring = {q: d.queue(q, 8) for q in queues}
    d.driver_ok()
    return d, Scratch(d)


# ---- slots ----

@qtest.test
def first_slot():
    '''the first device gets the last slot, the next the one before; slots without a device are not there'''
    with qtest.Machine(f'{plugin()} -device virtio-scratch-device -device virtio-scratch-device', machine=MICROVM) as m:
        found = [m.readl(virtio.MMIO_BASE + n * virtio.MMIO_STEP) for n in range(8)]
        qtest.eq(found, [0xffffffff] * 6 + [virtio.MMIO_MAGIC] * 2, 'MagicValue of each slot')


@qtest.test
def chosen_slot():
    '''bus=virtio-mmio-bus.N is slot N at 0xfeb00000 + 512 * N, with pin 16 + N'''
    for n in (0, 3, 7):
        with machine(f'bus=virtio-mmio-bus.{n}', intercept=True) as m:
            d, s = live(m, slot=n)
            s.do(NOTIFY, 0)
            qtest.eq([m.line(GSI + k) for k in range(8)], [int(k == n) for k in range(8)], 'pins')


@qtest.test
def full_slots():
    '''eight devices fit; the ninth is refused, as is a second one in a slot, and a slot that is not there'''
    eight = ' '.join(['-device virtio-scratch-device'] * 8)
    with qtest.Machine(f'{plugin()} {eight}', machine=MICROVM) as m:
        qtest.eq(m.readl(virtio.MMIO_BASE), virtio.MMIO_MAGIC, 'MagicValue of slot 0')
    text = qtest.refuses(f'{plugin()} {eight} -device virtio-scratch-device', machine=MICROVM)
    qtest.ok("'virtio-bus'" in text and 'full' in text, text)
    two = ' '.join(['-device virtio-scratch-device,bus=virtio-mmio-bus.2'] * 2)
    qtest.ok("'virtio-mmio-bus.2' is full" in qtest.refuses(f'{plugin()} {two}', machine=MICROVM), 'two in a slot')
    text = qtest.refuses(f'{plugin()} -device virtio-scratch-device,bus=virtio-mmio-bus.8', machine=MICROVM)
    qtest.ok("Bus 'virtio-mmio-bus.8' not found" in text, text)


@qtest.test
def no_slots():
    '''q35 has no place for it, and says so as QEMU does'''
    text = qtest.refuses(f'{plugin()} -device virtio-scratch-device', machine='q35')
    qtest.ok("No 'virtio-bus' bus found for device 'virtio-scratch-device'" in text, text)


@qtest.test
def not_by_itself():
    '''the transport alone is not for users'''
    text = qtest.refuses('-device virtio-mmio', machine=MICROVM)
    qtest.ok('expects a pluggable device type' in text, text)


# ---- registers ----

@qtest.test
def identification():
    '''4.2.2.1: MagicValue, Version 2, DeviceID, VendorID'''
    with machine() as m:
        d = virtio.mmio(m, FIRST)
        qtest.eq([d.get(off) for off in (0, 4, 8, 12)], [virtio.MMIO_MAGIC, 2, ID, 0x554d4551], 'registers')


@qtest.test
def feature_windows():
    '''4.2.2: DeviceFeatures shows 32 bits as selected, 0 beyond the last'''
    with machine('packed=on') as m:
        d = virtio.mmio(m, FIRST)
        offered = d.offered()
        for n in (virtio.VERSION_1, virtio.RING_PACKED, virtio.INDIRECT_DESC, virtio.RING_RESET, 0, 7, 64):
            qtest.ok(offered >> n & 1, f'bit {n} is not offered')
        for n in (virtio.NOTIFY_ON_EMPTY, virtio.ANY_LAYOUT, virtio.NOTIFICATION_DATA):
            qtest.ok(not offered >> n & 1, f'bit {n} is offered')
        d.set(0x14, 0x10000)
        qtest.eq(d.get(0x10), 0, 'features far beyond')


@qtest.test
def features_refused():
    '''2.2.2: FEATURES_OK stays clear for a bit that was not offered, and without VERSION_1'''
    with machine() as m:
        d = virtio.mmio(m, FIRST)
        for features, good in ((virtio.bit(32), True), (1, False), (virtio.bit(32, 34), False)):
            d.reset()
            d.set_status(virtio.ACKNOWLEDGE | virtio.DRIVER)
            d.accept(features)
            d.set_status(virtio.ACKNOWLEDGE | virtio.DRIVER | virtio.FEATURES_OK)
            qtest.eq(bool(d.status() & virtio.FEATURES_OK), good, f'FEATURES_OK with {features:#x}')


@qtest.test
def queues():
    '''4.2.2: QueueSizeMax of each queue, 0 where there is none; QueueReady reads back; nothing changes while it is 1'''
    with machine() as m:
        d = virtio.mmio(m, FIRST)
        d.start()
        qtest.eq([d.queue_max(q) for q in (0, 1, 2, 3, 0x10000)], [256, 64, 8, 0, 0], 'QueueSizeMax')
        d.queue(1, 16)
        qtest.eq([d.enabled(q) for q in range(4)], [0, 1, 0, 0], 'QueueReady')
        d.driver_ok()
        s = Scratch(d)
        qtest.eq((s.starts(), s.word(QUEUE) >> 16), (1, 16), 'starts and size')


@qtest.test
def words_only():
    '''4.2.2.2: registers are accessed by 32 bits: nothing else changes them'''
    with machine() as m:
        d = virtio.mmio(m, FIRST)
        d.set_status(virtio.ACKNOWLEDGE)
        m.write(d.base + 0x70, b'\0')
        m.write(d.base + 0x72, b'\0\0')
        qtest.eq(d.status(), virtio.ACKNOWLEDGE, 'Status')
        qtest.eq(m.read(d.base, 2), b'\0\0', 'two bytes of MagicValue')


@qtest.test
def write_only_and_reserved():
    '''4.2.2: registers to be written only, and those that are not there, read as 0; read-only ones stay as they are'''
    with machine() as m:
        d = virtio.mmio(m, FIRST)
        for off in (0x14, 0x20, 0x24, 0x30, 0x38, 0x50, 0x64, 0x80, 0x84, 0x90, 0xa0, 0xac, 0x28, 0x3c, 0x40, 0xf8):
            qtest.eq(d.get(off), 0, f'register {off:#x}')
        for off in (0, 4, 8, 12, 0x10, 0x34, 0x60, 0xfc):
            before = d.get(off)
            d.set(off, 0xffffffff)
            qtest.eq(d.get(off), before, f'register {off:#x}')


@qtest.test
def interrupt():
    '''4.2.2, 4.2.3.4: InterruptStatus tells what happened, and the level line falls when all of it is acknowledged'''
    with machine(intercept=True) as m:
        d, s = live(m)
        pin = GSI + FIRST
        s.do(NOTIFY, 0)
        qtest.eq((m.line(pin), d.get(0x60)), (1, 1), 'line and InterruptStatus')
        s.do(CONFIG_CHANGED)
        qtest.eq(d.get(0x60), 3, 'InterruptStatus')
        d.set(0x64, 1)
        qtest.eq((m.line(pin), d.get(0x60)), (1, 2), 'line and InterruptStatus')
        d.set(0x64, 2)
        qtest.eq((m.line(pin), d.get(0x60)), (0, 0), 'line and InterruptStatus')


@qtest.test
def call_descriptor():
    '''a back end that signals its descriptor interrupts, with its bit in InterruptStatus'''
    with machine(intercept=True) as m:
        d, s = live(m)
        s.do(CALL, 1)
        m.until(lambda: m.line(GSI + FIRST), 'the interrupt')
        qtest.eq(d.interrupt(), 1, 'InterruptStatus')


@qtest.test
def notifications():
    '''4.2.3.3: QueueNotify with the number of the queue, also of the one that listens on a descriptor'''
    for options in ('', 'ioeventfd=off'):
        with machine(options) as m:
            d, s = live(m)
            for q in (0, 1, 2, 3, 0xffff):
                d.notify(q)
            m.until(lambda: [s.kicks(q) for q in range(3)] == [1, 1, 1], 'the notifications')


@qtest.test
def notification_data():
    '''4.2.3.3: with NOTIFICATION_DATA the upper half is the driver's place in the ring'''
    with machine('notification_data=on') as m:
        d = virtio.mmio(m, FIRST)
        d.start(d.offered())
        for q in range(3):
            d.queue(q, 8)
        d.driver_ok()
        s = Scratch(d)
        for q, data in ((0, 0), (1, 0x8001), (2, 7)):
            d.notify(q, data)
            qtest.eq((s.kicks(q), s.word(7)), (1, data), f'notification and data of queue {q}')


@qtest.test
def generation():
    '''4.2.2.1: ConfigGeneration moves when the device changes its configuration'''
    with machine() as m:
        d, s = live(m)
        before = d.generation()
        s.do(CONFIG_CHANGED)
        qtest.eq(d.generation(), before + 1, 'ConfigGeneration')


@qtest.test
def configuration():
    '''4.2.2.2: the configuration is read and written in any width; what is not there reads as ones'''
    with machine() as m:
        d, s = live(m)
        d.set_config(4, bytes([0x11, 0x22, 0x33, 0x44]))
        qtest.eq([d.config_int(4, 4), d.config_int(6, 2), d.config_int(7, 1)], [0x44332211, 0x4433, 0x44], 'argument')
        qtest.eq(d.config_int(40, 4), 0xffffffff, 'beyond the end')


@qtest.test
def shared_memory():
    '''4.2.2: SHMLen and SHMBase of a region; all ones for one that is not there'''
    with machine('shm=0x30000') as m:
        d = virtio.mmio(m, FIRST)
        d.set(0xac, 1)
        qtest.eq((d.get(0xb0), d.get(0xb4)), (0x30000, 0), 'SHMLen')
        base = d.get(0xb8) | d.get(0xbc) << 32
        qtest.eq(base & 0xfff, 0, 'alignment')
        qtest.eq(m.readl(base + 0x1000), 0xffffffff, 'a hole')
        d.set(0xac, 2)
        qtest.eq([d.get(off) for off in (0xb0, 0xb4, 0xb8, 0xbc)], [0xffffffff] * 4, 'a region that is not there')


# ---- resets ----

@qtest.test
def reset():
    '''2.4.1, 4.2.2.1: after a reset registers are as at the start, and the line is low'''
    with machine(intercept=True) as m:
        d, s = live(m)
        s.do(NOTIFY, 0)
        d.reset()
        qtest.eq([d.enabled(q) for q in range(3)], [0, 0, 0], 'QueueReady')
        qtest.eq((d.get(0x60), m.line(GSI + FIRST)), (0, 0), 'InterruptStatus and line')


@qtest.test
def reset_takes_time():
    '''2.1.2: the old status is read until the reset is done'''
    with machine() as m:
        d, s = live(m)
        s.mode(STOP_LATER | RESET_LATER)
        old = d.status()
        d.set_status(0)
        qtest.eq(d.status(), old, 'Status while queues stop')
        s.do(STOPPED)
        m.until(lambda: s.stops() == 3, 'the stops')
        s.do(RESET_DONE)
        m.until(lambda: d.status() == 0 or s.do(RESET_DONE), 'the end of the reset')


@qtest.test
def fewer_queues_after_reset():
    '''2.4, row L23: a driver that comes back with fewer queues works'''
    with machine() as m:
        for chosen in ((0, 1, 2), (0,), (1, 2), (0, 1, 2)):
            d, s = live(m, queues=chosen)
            s.clear_kicks()
            for q in chosen:
                d.notify(q)
            m.until(lambda: [s.kicks(q) for q in range(3)] == [int(q in chosen) for q in range(3)], f'notifications of {chosen}')


@qtest.test
def queue_reset():
    '''2.6.1.1, 4.2.2.1: QueueReset reads 1 until the queue has stopped, then QueueReady is 0'''
    with machine() as m:
        d, s = live(m)
        d.reset_queue(1)
        qtest.eq([d.enabled(q) for q in range(3)], [1, 0, 1], 'QueueReady')
        s.mode(STOP_LATER)
        d.select(2)
        d.set(0xc0, 1)
        qtest.eq(d.get(0xc0), 1, 'QueueReset')
        s.do(STOPPED)
        m.until(lambda: d.get(0xc0) == 0, 'the end of the queue reset')
        qtest.eq(d.enabled(2), 0, 'QueueReady')


@qtest.test
def queue_not_ready():
    '''4.2.2.2: QueueReady 0 takes the queue back; when it reads 0 the device has let go'''
    with machine() as m:
        d, s = live(m)
        s.mode(STOP_LATER | BY_ITSELF)
        d.select(1)
        d.set(0x44, 0)
        qtest.eq((d.get(0x44), s.stops()), (0, 1), 'QueueReady and stops')
        d.queue(1, 4)
        qtest.eq(s.starts(), 4, 'starts')


@qtest.test
def broken():
    '''2.1.2: a device beyond help sets DEVICE_NEEDS_RESET and notifies'''
    with machine(intercept=True) as m:
        d, s = live(m)
        s.do(BROKEN)
        qtest.ok(d.status() & virtio.NEEDS_RESET, 'DEVICE_NEEDS_RESET is clear')
        qtest.eq((m.line(GSI + FIRST), d.get(0x60)), (1, 2), 'line and InterruptStatus')


# ---- version 1 ----

@qtest.test
def version_1():
    '''4.2.4: force-legacy=on is version 1: features of 32 bits, rings by page frame, of the driver's page size'''
    with machine('force-legacy=on', intercept=True) as m:
        d, s = live(m)
        qtest.eq(d.version, 1, 'Version')
        d.set(0x14, 1)
        qtest.eq(d.get(0x10), 0, 'features from bit 32 on')
        qtest.eq(s.starts(), 3, 'starts')
        qtest.ok(s.word(QUEUE) & 16, 'the device is not told that the driver is a legacy one')
        d.select(0)
        qtest.eq(d.get(0x40), d.ring[0].desc >> 12, 'QueuePFN')
        for q in range(3):
            d.notify(q)
        m.until(lambda: [s.kicks(q) for q in range(3)] == [1, 1, 1], 'the notifications')
        s.do(NOTIFY, 0)
        qtest.eq((m.line(GSI + FIRST), d.interrupt(), m.line(GSI + FIRST)), (1, 1, 0), 'line, InterruptStatus, line')


@qtest.test
def version_1_reset_waits():
    '''2.4: a legacy driver does not poll: its write returns when the reset is done. The page size stays'''
    with machine('force-legacy=on') as m:
        d, s = live(m)
        resets = s.resets()
        s.mode(STOP_LATER | RESET_LATER | BY_ITSELF)
        d.set(0x70, 0)
        qtest.eq((d.status(), s.resets()), (0, resets + 1), 'Status and resets')
        s.mode(0)
        d.select(0)
        d.set(0x40, 0x123)
        qtest.eq(d.get(0x40), 0x123, 'QueuePFN')


@qtest.test
def version_1_everywhere():
    '''-global virtio-mmio.force-legacy=on is for all of them'''
    with machine(more='-global virtio-mmio.force-legacy=on') as m:
        qtest.eq(virtio.mmio(m, FIRST).version, 1, 'Version')


# ---- what the guest is told ----

@contextlib.contextmanager
def device_tree(args, mach):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'dtb')
        run = subprocess.run([*qtest.PROGRAM, '-accel', 'qtest', '-qtest', 'null', '-display', 'none', '-nodefaults', '-M',
                              f'{mach},dumpdtb={path}', *args.split()], capture_output=True, text=True, timeout=qtest.TIMEOUT)
        if run.returncode or not os.path.exists(path):
            raise qtest.Failure(f'no device tree: {run.stderr}')
        with open(path, 'rb') as f:
            yield f.read()


def strings_at(tree, text):
    return [i for i in range(len(tree)) if tree.startswith(text, i)]


@qtest.test
def described_by_device_tree():
    '''the device tree has a node "virtio,mmio" for each transport that is used, and for no other'''
    with device_tree(f'{plugin()} -device virtio-scratch-device,bus=virtio-mmio-bus.2', 'microvm,acpi=off') as tree:
        qtest.ok(b'virtio_mmio@feb00400\0' in tree, 'there is no node')
        qtest.eq(len(strings_at(tree, b'virtio_mmio@')), 1, 'nodes')
        qtest.ok(b'virtio,mmio\0' in tree, 'there is no compatible')
        qtest.ok(struct.pack('>QQ', 0xfeb00400, 0x200) in tree, 'there is no reg')


@qtest.test
def described_by_command_line():
    '''acpi=off adds virtio_mmio.device= to the kernel's command line, in the order of -device; auto-kernel-cmdline=off does not'''
    two = f'{plugin()} -kernel {__file__} -append quiet -device virtio-scratch-device -device virtio-scratch-device'
    with device_tree(two, 'microvm,acpi=off') as tree:
        qtest.ok(b'quiet virtio_mmio.device=512@0xfeb00e00:23 virtio_mmio.device=512@0xfeb00c00:22\0' in tree, 'bootargs')
    with device_tree(two, 'microvm,acpi=off,auto-kernel-cmdline=off') as tree:
        qtest.ok(b'quiet\0' in tree and b'virtio_mmio.device' not in tree, 'bootargs with auto-kernel-cmdline=off')


@qtest.test
def described_by_acpi():
    '''ACPI has a device LNRO0005 with the address and the pin'''
    with machine('bus=virtio-mmio-bus.1') as m:
        tables = acpi_bytes(m)
        qtest.ok(b'LNRO0005\0' in tables, 'there is no LNRO0005')
        memory = b'\x86\x09\x00\x01' + struct.pack('<II', 0xfeb00200, 0x200)
        qtest.ok(memory in tables, 'its memory is not there')
        qtest.ok(b'\x89\x06\x00\x01\x01' + struct.pack('<I', 17) in tables, 'its interrupt is not there')


def acpi_bytes(m):
    """etc/acpi/tables, by fw_cfg."""
    def fw(key, n):
        m.outw(0x510, key)
        return bytes(m.inb(0x511) for _ in range(n))
    count = int.from_bytes(fw(0x19, 4), 'big')
    files = fw(0x19, 4 + 64 * count)[4:]
    for i in range(count):
        size, select, _, name = struct.unpack('>IHH56s', files[64 * i:64 * i + 64])
        if name.rstrip(b'\0') == b'etc/acpi/tables':
            return fw(select, size)
    raise qtest.Failure('fw_cfg has no ACPI tables')


# ---- builds ----

@qtest.test
def without_the_other_transport():
    '''row L08: a build without one of the transports has the devices of the other'''
    index = os.environ.get('TENON_INDEX')
    where = os.environ.get('PLUGINS')
    if not index or not where:
        raise qtest.Skip('TENON_INDEX=PATH and PLUGINS=FOLDER are not set')
    for left_out, name, mach, gone in (('virtio-pci', 'virtio-rng-device', MICROVM, 'virtio-rng-pci'),
                                       ('virtio-mmio', 'virtio-rng-pci', 'q35', 'virtio-rng-device')):
        with tempfile.TemporaryDirectory() as folder:
            for file in os.listdir(where):
                if file.endswith('.so') and file != f'tenon-{left_out}.so':
                    os.symlink(os.path.join(where, file), os.path.join(folder, file))
            files = [os.path.join(folder, f) for f in sorted(os.listdir(folder))]
            subprocess.run([index, os.path.join(folder, 'plugins.idx'), folder, *files], check=True)
            os.environ['TENON_PLUGIN_DIR'] = folder
            try:
                with qtest.Machine(f'-device {name}', machine=mach) as m:
                    m.sync()
                text = qtest.refuses(f'-device {gone}', machine=mach)
                qtest.ok(f"'{gone}' is not a valid device model name" in text, text)
            finally:
                del os.environ['TENON_PLUGIN_DIR']


# ---- data ----

def flow(options='', indirect=False, n=40):
    with qtest.Machine(f'-object rng-builtin,id=r -device virtio-rng-device,rng=r{options}', machine=MICROVM, intercept=True) as m:
        d = virtio.mmio(m, FIRST)
        d.start()
        ring = d.queue(0, 8)
        d.driver_ok()
        for _ in range(n):
            token = ring.add(device=[24, 8], indirect=indirect)
            ring.kick()
            data = ring.wait(token)
            qtest.eq(len(data), 32, 'bytes')
            qtest.ok(any(data), 'nothing but zeros')
            m.until(lambda: m.line(GSI + FIRST), 'the interrupt')
            qtest.eq(d.interrupt(), 1, 'InterruptStatus')
        d.reset()


@qtest.test
def data_flows():
    '''2.7, 2.8: buffers come back from split and packed rings, in version 2 and 1'''
    flow()
    flow(indirect=True)
    flow(',packed=on')
    flow(',ioeventfd=off')
    flow(',force-legacy=on')


if __name__ == '__main__':
    qtest.main()
