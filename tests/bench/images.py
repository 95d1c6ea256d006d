# SPDX-License-Identifier: BSD-2-Clause
"""A program with its plugins linked in beside one that loads them: the time from exec to a guest's first instruction, memory beyond
the guest's RAM, and `-device help`; and that with 60 plugins in folders. One microvm with serial port, disk and entropy, as both
have it."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import vmm

PLUGINS = 60
SCAN_LIMIT = 20  # ms


def command(program, kernel, disk, append):
    return [str(program), '-accel', 'kvm', '-M', 'microvm', '-m', str(vmm.RAM_MIB), '-nodefaults', '-display', 'none', '-kernel', str(kernel),
            '-append', append, '-serial', 'stdio', '-drive', f'file={disk},format=raw,if=none,id=d', '-device',
            'virtio-blk-device,drive=d', '-object', 'rng-random,id=r,filename=/dev/urandom', '-device', 'virtio-rng-device,rng=r']


def processor_time(pid):
    """Milliseconds that its threads have run: does not count the time that others had."""
    return sum(int(p.read_text(encoding='ascii').split()[0]) for p in pathlib.Path(f'/proc/{pid}/task').glob('*/schedstat')) / 1e6


def milliseconds(args, environment=None):
    """From exec to exit."""
    started = time.monotonic()
    subprocess.run(args, env=environment and {**os.environ, **environment}, check=True, stdout=subprocess.DEVNULL)
    return (time.monotonic() - started) * 1000


def many_plugins(folder, index, plugins):
    """A folder of PLUGINS files and their index: those that there are, and more lines as theirs under further names."""
    files = [folder / p.name for p in plugins]
    for target, plugin in zip(files, plugins):
        shutil.copy(plugin, target)
    subprocess.run([index, folder / 'plugins.idx', folder, *files], check=True)
    lines = (folder / 'plugins.idx').read_text(encoding='utf-8').splitlines()
    more, n = [], 0
    while len(files) + n < PLUGINS:
        source = files[n % len(files)]
        shutil.copy(source, folder / f'tenon-copy{n}.so')
        for line in lines:
            fields = line.split('\t')
            if fields[1] == source.name and fields[0] == 'class':
                more.append('\t'.join([fields[0], f'tenon-copy{n}.so', *fields[2:5], f'{fields[5]}-{n}', fields[6], '-', fields[8]]))
        n += 1
    (folder / 'plugins.idx').write_text('\n'.join(lines + more) + '\n', encoding='utf-8')


def measure(programs, kernel, runs, index, plugins):
    """Yields (row, unit, program's name, value)."""
    with tempfile.TemporaryDirectory(prefix='tenon-bench-') as name:
        folder = pathlib.Path(name)
        disk = folder / 'disk'
        disk.write_bytes(bytes(1 << 20))
        many_plugins(folder, index, plugins)
        for _ in range(runs):
            for which, program in programs.items():
                with vmm.Running(command(program, kernel, disk, 's')) as running:
                    yield 'first instruction', 'ms', which, running.until(b'!') * 1000
                    yield 'processor time until then', 'ms', which, processor_time(running.pid())
                    time.sleep(0.05)
                    rss, pss = vmm.beyond_ram(running.pid(), vmm.RAM_MIB)
                yield 'memory beyond RAM: resident', 'KiB', which, rss
                yield 'memory beyond RAM: proportional', 'KiB', which, pss
                yield '-device help', 'ms', which, milliseconds([str(program), '-device', 'help'])
            yield f'-device help, {PLUGINS} plugins', 'ms', 'files', milliseconds(
                [str(programs['files']), '-device', 'help'], {'TENON_PLUGIN_DIR': str(folder)})


def plugins_of(program):
    return sorted((pathlib.Path(program).resolve().parent.parent / 'plugins').glob('tenon-*.so'))


def index_tool(program):
    tool = pathlib.Path(program).resolve().parent.parent / 'tools/tenon-index'
    return tool if tool.exists() else sys.exit(f'bench: no {tool}')
