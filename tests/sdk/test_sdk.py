#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The kit as a stranger meets it: nothing but an installation, and a folder with a plugin's source somewhere else.

usage: test_sdk.py INSTALLED GUESTS EXAMPLE...

INSTALLED is a prefix after `meson install`, GUESTS has the bare-metal guests of tests/kvm, an EXAMPLE is a folder of examples/.
Each is built by make and by meson, loaded, and used: by its own test, by a guest. Prints TAP."""
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
import guide  # noqa: E402
import tenon  # noqa: E402

GUIDE = TESTS.parent / 'docs/plugin-guide.md'
COMPILERS = {'.c': 'cc', '.cc': 'c++', '.rs': 'rustc'}
KINDS = ('pci', 'isa', 'virtio', 'netdev', 'bus')
BEHIND_IT = "'nosuch' is not a valid device model name"


@dataclasses.dataclass
class Made:
    """What an example makes: its files, and of the first one a class, a property of that, a line for it, the guest that drives
    it."""
    files: tuple
    name: str
    has: str
    line: str
    guest: str = ''


EDU = Made(('edu.so',), 'edu', 'dma_mask=<uint64>', '-device edu,addr=4', 'msi-ecam')
OTHERS = {
    'virtio-echo': Made(('virtio-echo.so',), 'virtio-echo', 'loud=<uint32>', '-device virtio-echo-pci,addr=4'),
    'scratch': Made(('virtio-scratch.so',), 'virtio-scratch', 'size=<size>', '-device virtio-scratch-pci,addr=4'),
    'gpio': Made(('gpio-bank.so', 'gpio-not.so'), 'gpio-bank', 'addr=<int32>', '-device gpio-bank,addr=4'),
    'netdev-ping': Made(('netdev-ping.so',), 'ping', 'address=<str>',
                        '-netdev ping,id=n -device virtio-net-pci,netdev=n,addr=4'),
}


def run(args, **more):
    return subprocess.run([str(a) for a in args], capture_output=True, text=True, check=False, **more)


def problems(done):
    return [] if done.returncode == 0 else [f'{" ".join(done.args)}: status {done.returncode}',
                                            *(done.stdout + done.stderr).splitlines()[-20:]]


class Kit:
    """An installation, and nothing else: the path, pkg-config and Python find it."""

    def __init__(self, installed, guests):
        self.tenon, self.guests = installed / 'bin/tenon', guests
        found = list(installed.rglob('tenon-plugin.pc'))
        self.environment = dict(os.environ, PATH=f'{installed / "bin"}:{os.environ["PATH"]}', TENON=str(self.tenon),
                                PKG_CONFIG_PATH=str(found[0].parent if found else installed), PYTHONDONTWRITEBYTECODE='1')

    def run(self, *args, **more):
        return run(args, env=self.environment, **more)

    def make(self, folder, *targets):
        return problems(self.run('make', '-C', folder, *targets))

    def meson(self, folder, *tests):
        """Builds in folder/build, and runs these tests of the project."""
        build = folder / 'build'
        test = [['meson', 'test', '-C', build, *tests]] if tests else []
        for line in ['meson', 'setup', build, folder], ['ninja', '-C', build], *test:
            failed = problems(self.run(*line))
            if failed:
                return failed
        return []

    def loads(self, plugins, made):
        """The class of this file is listed, and is realized: the line only fails at what comes behind it."""
        loaded = [x for p in plugins for x in ('-plugin', p)]
        kind = '-netdev' if made.line.startswith('-netdev') else '-device'
        helped = self.run(self.tenon, *loaded, kind, f'{made.name},help')
        line = [self.tenon, '-accel', 'qtest', '-nodefaults', *loaded, *made.line.split(), '-device', 'nosuch']
        last = self.run(*line)
        opened = run(line, env=dict(self.environment, LD_DEBUG='files')).stderr
        yield from problems(helped)
        if made.has not in helped.stdout:
            yield f'no {made.has} in {helped.stdout!r}'
        if BEHIND_IT not in last.stderr:
            yield last.stderr
        if f'file={plugins[0]}' not in opened or f'/tenon-{made.name}.so' in opened:
            yield f'another {made.name} was opened'

    def guest_drives(self, plugin, guest):
        """TAP lines of the guest that tests it."""
        program = shlex.join(map(str, [self.tenon, '-plugin', plugin]))
        done = run([TESTS / 'kvm/run_kvm_tests.py', '--guests', self.guests, guest], env=dict(os.environ, TENON=program))
        return problems(done) or ([] if 'ok 1' in done.stdout else [done.stdout])


def rules(plugin):
    broken = check_plugins.problems(str(plugin))
    return [f'{plugin.name}: {k}: {v}' for k, v in broken.items() if v]


def beside(plugin, plugins):
    """Options that give a plugin the others of its example: a provider its children, a child its provider."""
    return [word for other in plugins if other != plugin for word in ('--with', other)]


def missing_compilers(source):
    languages = {COMPILERS[p.suffix] for p in source.iterdir() if p.suffix in COMPILERS}
    return [c for c in languages if not shutil.which(c)]


def check_example(tap, kit, source, scratch):
    name = source.name
    missing = missing_compilers(source)
    if missing:
        tap.case(name, skip=f'no {" ".join(missing)}')
        return
    folder = pathlib.Path(shutil.copytree(source, scratch / name, ignore=shutil.ignore_patterns('*.so', 'build')))
    made = OTHERS.get(name, EDU)
    plugins = [folder / f for f in made.files]
    tap.case(f'{name}: make builds it from the installed kit', kit.make(folder))
    if not all(p.exists() for p in plugins):
        return
    tap.case(f'{name}: keeps the rules for plugin files', [x for p in plugins for x in rules(p)])
    tap.case(f'{name}: conforms', [x for p in plugins for x in problems(kit.run('tenon-check', *beside(p, plugins), p))])
    tap.case(f'{name}: -plugin loads it, and nothing else makes the device', list(kit.loads(plugins, made)))
    if list(folder.glob('test_*.py')):
        tap.case(f'{name}: works, as its own tests say', kit.make(folder, 'check'))
    if made.guest:
        skip = None if tenon.has_kvm() else 'no KVM'
        tap.case(f'{name}: a guest drives it', [] if skip else kit.guest_drives(plugins[0], made.guest), skip=skip)
    if (source / 'meson.build').exists():
        tap.case(f'{name}: meson builds it too', kit.meson(folder))


def check_new(tap, kit, kind, scratch):
    """A new project is whole: it builds both ways, keeps the rules and passes its test."""
    folder = scratch / f'new-{kind}'
    tap.case(f'--new --kind {kind}: is written', problems(kit.run('tenon-inspect', '--new', folder.name, '--kind', kind, cwd=scratch)))
    tap.case(f'--new --kind {kind}: make check', kit.make(folder, 'check'))
    plugin = folder / f'{folder.name}.so'
    if plugin.exists():
        tap.case(f'--new --kind {kind}: keeps the rules for plugin files', rules(plugin))
        tap.case(f'--new --kind {kind}: conforms', kit.make(folder, 'conform'))
    tap.case(f'--new --kind {kind}: meson test', kit.meson(folder, folder.name))


def check_helpers(tap, kit, scratch):
    """Each helper library is linked alone, and its headers are enough for themselves."""
    lib = pathlib.Path(kit.run('pkg-config', '--variable=includedir', 'tenon-pci').stdout.strip()) / 'tenon-lib-0'
    for header in sorted(lib.rglob('*.h')):
        package = 'tenon-pci' if header.parent.name == 'pci' else 'tenon-virtio'
        flags = kit.run('pkg-config', '--cflags', package).stdout.split()
        source = scratch / 'header.c'
        source.write_text(f'#include <{header.relative_to(lib)}>\nint unused;\n', encoding='utf-8')
        done = kit.run('cc', '-std=c11', '-Wall', '-Wextra', '-Werror', '-fsyntax-only', *flags, source)
        tap.case(f'{package}: {header.relative_to(lib)} stands alone', problems(done))
    for package, word in ('tenon-pci', 'pci_config_init'), ('tenon-virtio', 'vq_pop'):
        flags = kit.run('pkg-config', '--cflags', '--libs', package).stdout.split()
        source = scratch / 'helper.c'
        source.write_text(f'extern int {word}();\nvoid *used(void);\nvoid *used(void) {{ return (void *){word}; }}\n')
        done = kit.run('cc', '-shared', '-fPIC', '-fvisibility=hidden', source, '-o', scratch / 'helper.so', *flags, '-Wl,-z,defs')
        tap.case(f'{package}: links', problems(done))


def check_moved(tap, installed, guests, scratch):
    """A copy of the installation finds its own parts, and none of the original's."""
    moved = scratch / 'moved'
    shutil.copytree(installed, moved, symlinks=True)
    kit = Kit(moved, guests)
    nowhere = kit.run(kit.tenon, '-accel', 'qtest', '-plugin', 'nosuch').stderr
    tap.case('moved: the program looks for plugins beside itself', [] if f'not in {moved}/' in nowhere else [nowhere])
    places = kit.run('pkg-config', '--variable=plugindir', 'tenon-plugin').stdout + kit.run(moved / 'bin/tenon-inspect', '--new',
                                                                                          'x', '--kind', 'nosuch').stderr
    tap.case('moved: pkg-config and the templates follow', [] if str(installed) not in places and places.count(str(moved)) == 2 else [places])


def check_guide(tap, kit, scratch):
    """docs/plugin-guide.md, from its first block to its last."""
    folder = scratch / 'guide'
    folder.mkdir()
    walk = guide.Walk(folder, kit.run)
    for n, block in enumerate(guide.blocks(GUIDE.read_text(encoding='utf-8')), 1):
        what = block.file or block.text.splitlines()[0]
        tap.case(f'plugin-guide: {block.heading}: block {n}: {what}', walk.step(block))


def main():
    installed, guests, *examples = map(lambda p: pathlib.Path(p).resolve(), sys.argv[1:])
    tap, kit = tenon.Tap(), Kit(installed, guests)
    tap.case('the installed program answers', problems(kit.run(kit.tenon, '-version')))
    devices = kit.run(kit.tenon, '-device', 'help')
    tap.case('the installed program finds the installed plugins',
             problems(devices) or ([] if 'name "isa-serial"' in devices.stdout else [devices.stdout, devices.stderr]))
    with tempfile.TemporaryDirectory(prefix='tenon-sdk-') as scratch:
        scratch = pathlib.Path(scratch)
        check_helpers(tap, kit, scratch)
        check_moved(tap, installed, guests, scratch)
        for example in examples:
            check_example(tap, kit, example, scratch)
        check_guide(tap, kit, scratch)
        for kind in KINDS:
            check_new(tap, kit, kind, scratch)
    return tap.done()


if __name__ == '__main__':
    sys.exit(main())
