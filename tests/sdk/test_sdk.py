#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The kit as a stranger meets it: nothing but an installation, and a folder with a plugin's source somewhere else.

usage: test_sdk.py INSTALLED GUESTS EXAMPLE...

INSTALLED is a prefix after `meson install`, GUESTS has the bare-metal guests of tests/kvm, an EXAMPLE makes edu.so with a
class edu, by make and by meson; virtio-echo makes a file of its own name. Prints TAP."""
import dataclasses
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS / 'abi'), str(TESTS / 'cli')]
import check_plugins  # noqa: E402
import tenon  # noqa: E402

COMPILERS = {'.c': 'cc', '.cc': 'c++', '.rs': 'rustc'}
BEHIND_IT = "'nosuch' is not a valid device model name"


@dataclasses.dataclass
class Made:
    """What an example makes: its file, its class, a property of that, a line for it, the guest that drives it."""
    file: str
    name: str
    has: str
    device: str
    guest: str = ''


EDU = Made('edu.so', 'edu', 'dma_mask=<uint64>', 'edu,addr=4', 'msi-ecam')
OTHERS = {'virtio-echo': Made('virtio-echo.so', 'virtio-echo', 'loud=<uint32>', 'virtio-echo-pci,addr=4')}


def run(args, **more):
    return subprocess.run([str(a) for a in args], capture_output=True, text=True, check=False, **more)


def problems(done):
    return [] if done.returncode == 0 else [f'{" ".join(done.args)}: status {done.returncode}',
                                            *(done.stdout + done.stderr).splitlines()[-20:]]


class Kit:
    def __init__(self, installed, guests):
        self.tenon, self.guests = installed / 'bin/tenon', guests
        found = list(installed.rglob('tenon-plugin.pc'))
        self.pkgconfig = found[0].parent if found else installed
        self.environment = dict(os.environ, PKG_CONFIG_PATH=str(self.pkgconfig))

    def make(self, folder):
        return problems(run(['make', '-C', folder], env=self.environment))

    def meson(self, folder):
        build = folder / 'build'
        done = run(['meson', 'setup', build, folder], env=self.environment)
        return problems(done) or problems(run(['ninja', '-C', build], env=self.environment))

    def loads(self, plugin, made):
        """The device of this file is listed, and is realized: the line only fails at what comes behind it."""
        helped = run([self.tenon, '-plugin', plugin, '-device', f'{made.name},help'])
        line = ['-accel', 'qtest', '-nodefaults', '-plugin', plugin, '-device', made.device, '-device', 'nosuch']
        last = run([self.tenon, *line])
        opened = run([self.tenon, *line], env=dict(os.environ, LD_DEBUG='files')).stderr
        yield from problems(helped)
        if made.has not in helped.stdout:
            yield f'no {made.has} in {helped.stdout!r}'
        if BEHIND_IT not in last.stderr:
            yield last.stderr
        if f'file={plugin}' not in opened or f'/tenon-{made.name}.so' in opened:
            yield f'another {made.name} was opened'

    def guest_drives(self, plugin, guest):
        """TAP lines of the guest that tests it."""
        done = run([TESTS / 'kvm/run_kvm_tests.py', '--guests', self.guests, guest],
                   env=dict(os.environ, TENON=shlex.join(map(str, [self.tenon, '-plugin', plugin]))))
        return problems(done) or ([] if 'ok 1' in done.stdout else [done.stdout])


def check_example(tap, kit, source, scratch):
    name = source.name
    languages = {COMPILERS[p.suffix] for p in source.iterdir() if p.suffix in COMPILERS}
    missing = [c for c in languages if not shutil.which(c)]
    if missing:
        tap.case(name, skip=f'no {" ".join(missing)}')
        return
    folder = pathlib.Path(shutil.copytree(source, scratch / name, ignore=shutil.ignore_patterns('*.so', 'build')))
    made = OTHERS.get(name, EDU)
    plugin = folder / made.file
    tap.case(f'{name}: make builds it from the installed kit', kit.make(folder))
    if not plugin.exists():
        return
    broken = check_plugins.problems(str(plugin))
    tap.case(f'{name}: keeps the rules for plugin files', [f'{k}: {v}' for k, v in broken.items() if v])
    tap.case(f'{name}: -plugin loads it, and nothing else makes the device', kit.loads(plugin, made))
    if made.guest and tenon.has_kvm():
        tap.case(f'{name}: a guest drives it', kit.guest_drives(plugin, made.guest))
    elif made.guest:
        tap.case(f'{name}: a guest drives it', skip='no KVM')
    if (source / 'meson.build').exists():
        plugin.unlink()
        tap.case(f'{name}: meson builds it too', kit.meson(folder))


def main():
    installed, guests, *examples = map(lambda p: pathlib.Path(p).resolve(), sys.argv[1:])
    tap, kit = tenon.Tap(), Kit(installed, guests)
    tap.case('the installed program answers', problems(run([kit.tenon, '-version'])))
    devices = run([kit.tenon, '-device', 'help'])
    tap.case('the installed program finds the installed plugins',
             problems(devices) or ([] if 'name "isa-serial"' in devices.stdout else [devices.stdout, devices.stderr]))
    with tempfile.TemporaryDirectory(prefix='tenon-sdk-') as scratch:
        for example in examples:
            check_example(tap, kit, example, pathlib.Path(scratch))
    return tap.done()


if __name__ == '__main__':
    sys.exit(main())
