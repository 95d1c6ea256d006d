#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Programs with plugins linked in: each has what its name says and nothing else, makes the machines that it can, says of the
rest in one line that it is not there, and loads nothing. Prints their sizes, stripped, and the system calls that they allow.

usage: test_images.py TENON IMAGE...
TENON is the program whose plugins are files, all of them; an image is called by its profile: one of profiles/, none, only-PLUGIN or
without-PLUGIN.
"""
import os
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / 'cli'))
import tenon  # noqa: E402

MACHINE = ['-accel', 'qtest', '-nodefaults']
LISTS = (['-device', 'help'], ['-object', 'help'], ['-netdev', 'help'], ['-chardev', 'help'], ['-M', 'help-matrix'])
# Of the microvm profile, stripped; what is compiled for speed may be a third larger.
LIMIT, FAST_LIMIT = 1024 << 10, 1280 << 10
# Parts of the host: a command line that needs one, and what is said where it is left out.
PARTS = {
    'monitor': (['-qmp', 'stdio'], '-qmp stdio: this program is built without monitors'),
    'hmp': (['-serial', 'null', '-monitor', 'stdio'], '-monitor stdio: this program is built without'),
    'migration': (['-incoming', 'tcp:127.0.0.1:0'], '-incoming tcp:127.0.0.1:0: this program is built without migration'),
    'qtest': (['-qtest', 'stdio'], '-qtest: this program is built without it'),
}
CALLS = re.compile(r'^system calls of (.+): (\d+)$', re.M)


class Image:
    def __init__(self, path):
        self.path = pathlib.Path(path)
        with tenon.Folder(path) as folder:
            self.text = folder.run(['-help-build']).out
        self.name = re.search(r'^profile: (.*)$', self.text, re.M)[1]
        self.plugins = set(re.findall(r'^  ([\w-]+) \d[\w.]*: ', self.text, re.M))
        self.static = 'no shared libraries' in self.text
        self.parts, self.left_out = self.listed('parts of the host') - {'none'}, self.listed('left out')
        self.calls = {kind: int(n) for kind, n in CALLS.findall(self.text)}

    def listed(self, head):
        found = re.search(f'^{head}: (.*)$', self.text, re.M)
        return set(found[1].split()) if found else set()

    def words(self):
        """Of its profile."""
        profile = HERE.parent.parent / 'profiles' / self.name
        lines = profile.read_text(encoding='utf-8').splitlines() if profile.exists() else []
        return {word for line in lines for word in line.split('#')[0].split()}

    def expected(self, every):
        """The plugins that the name promises; of a profile, what its file says."""
        word, _, plugin = self.name.partition('-')
        if word in ('only', 'without') and plugin:
            return {plugin} if word == 'only' else every - {plugin}
        words = {word for word in self.words() if not word.startswith('-')}
        return every if words == {'all'} else words

    def expected_without(self):
        """The parts of the host that the name promises not to be there."""
        word, _, part = self.name.partition('-')
        without = {word[1:] for word in self.words() if word.startswith('-')} | ({part} & PARTS.keys() if word == 'without' else set())
        return without | ({'hmp'} if 'monitor' in without else set())

    def stripped(self):
        """Its size as it is installed."""
        target = self.path.with_name(self.path.name + '.stripped')
        subprocess.run(['strip', '-o', target, self.path], check=True)
        size = target.stat().st_size
        target.unlink()
        return size


def check_contents(tap, image, every):
    tap.case(f'{image.name}: has what its name says, linked in',
             (image.plugins ^ image.expected(every)) or ([] if f'\nplugins: {len(image.plugins)}, linked in\n' in image.text else [image.text]))


def check_parts(tap, image, folder):
    """What is left out is refused in one line; -nographic's own monitor is just not there."""
    without = image.expected_without()
    tap.case(f'{image.name}: has the parts of the host that its name says',
             [] if image.left_out == without and image.parts == PARTS.keys() - without else [image.parts, image.left_out])
    for part in sorted(without):
        args, said = PARTS[part]
        tap.case(f'{image.name}: {part} is not there', list(tenon.complaints(folder.run(['-accel', 'qtest', '-M', 'none', *args]), said)))
    if without:
        outcome = folder.run(['-accel', 'qtest', '-M', 'none', '-nographic', '-device', 'nosuch'])
        tap.case(f'{image.name}: -nographic', list(tenon.complaints(outcome, "'nosuch' is not a valid device model name")))


def check_refusals(tap, image, folder):
    outcome = folder.run(['-plugin', './p.so'])
    tap.case(f'{image.name}: loads none', list(tenon.complaints(outcome, 'linked in')))
    for machine in ('q35', 'microvm'):
        outcome = folder.run([*MACHINE, '-M', machine, '-device', 'nosuch'])
        tap.case(f'{image.name}: {machine} can be made', list(tenon.complaints(outcome, "'nosuch' is not a valid device model name")))


def check_instances(tap, image, folder, devices):
    """Of what was left out, one line; of what is there, the help."""
    odd = []
    for name, plugin in devices.items():
        outcome = folder.run(['-device', f'{name},help'])
        if plugin <= image.plugins:
            odd += [] if outcome.status == 0 else outcome.told()
        else:
            odd += tenon.complaints(outcome, f"'{name}' is not a valid device model name")
    tap.case(f'{image.name}: devices are there or are refused', odd)


def check_lists(tap, image, whole):
    """With everything linked in, users see what they see with files."""
    for args in LISTS:
        with tenon.Folder(image.path) as a, tenon.Folder(whole.path) as b:
            ours, theirs = a.run(args).out.splitlines(), b.run(args).out.splitlines()
        tap.case(f'{image.name}: {" ".join(args)} says what it says with files', sorted(set(ours) ^ set(theirs)) or
                 ([] if ours and len(ours) == len(theirs) else [len(ours), len(theirs)]))


DEVICES = {'edu': {'edu'}, 'isa-serial': {'isa-serial'}, 'virtio-blk-pci': {'virtio-blk', 'virtio-pci'},
           'virtio-net-device': {'virtio-net', 'virtio-mmio'}, 'ioapic': {'ioapic'}, 'pcie-root-port': {'pcie-root-port'}}


def check_sizes(tap, images, optimised):
    for image in images:
        size = image.stripped()
        print(f'# {image.name}{", no shared libraries" if image.static else ""}: {len(image.plugins)} plugins, {size} bytes, system calls: '
              + ', '.join(f'{kind} {n}' for kind, n in image.calls.items()))
        if image.name == 'microvm' and not image.static:
            limit = LIMIT if 'minsize' in image.text else FAST_LIMIT
            tap.case(f'microvm: at most {limit >> 10} KiB', [size] if optimised and size > limit else [],
                     skip=None if optimised else 'not optimised, or instrumented')


def check_libraries(tap, image):
    headers = subprocess.run(['readelf', '-lW', image.path], capture_output=True, text=True, check=True).stdout
    if image.static:
        tap.case(f'{image.name}: needs no file', [] if 'INTERP' not in headers else [headers])


def check_calls(tap, by_name):
    calls = {name: image.calls for name, image in by_name.items()}
    for kind in calls['full'] if 'none' in calls else ():
        few_name = 'microvm' if kind in calls['microvm'] else 'cloud'  # with a monitor: where there is one
        none, few, all_ = (calls[name][kind] for name in ('none', few_name, 'full'))
        more = few < all_ or 'monitor' in kind  # whose own calls are most of all
        tap.case(f'{kind}: the fewer plugins, the fewer system calls', [] if none < few <= all_ and more else [none, few, all_])


def is_optimised(path):
    """Not of -O0 or with a sanitizer's calls: their size says nothing."""
    symbols = subprocess.run(['nm', path], capture_output=True, text=True, check=True).stdout
    return not re.search(r' (__asan_|__tsan_|__ubsan_|__gcov_)', symbols) and os.path.getsize(path) < 12 << 20


def main():
    whole, *images = map(Image, sys.argv[1:])
    tap = tenon.Tap()
    every = whole.plugins
    for image in images:
        check_contents(tap, image, every)
        with tenon.Folder(image.path) as folder:
            check_libraries(tap, image)
            check_parts(tap, image, folder)
            check_refusals(tap, image, folder)
            check_instances(tap, image, folder, DEVICES)
    by_name = {i.name: i for i in images}
    check_lists(tap, by_name['full'], whole)
    check_calls(tap, by_name)
    check_sizes(tap, images, is_optimised(by_name['microvm'].path))
    return tap.done()


if __name__ == '__main__':
    sys.exit(main())
