#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Any plugin can be left out of an installation: it is not listed, who asks for it by name is told, and a
machine that has it by itself does without.

usage: test_omitted.py TENON TENON-INDEX PLUGIN.so...
"""
import pathlib
import subprocess
import sys

import tenon

MACHINE = ['-accel', 'qtest', '-qtest', 'stdio', '-nodefaults']
# All that a microvm makes by itself.
MICROVM = ('tenon-acpi-ged', 'tenon-ioapic', 'tenon-mc146818rtc')


def install(folder, index, plugins):
    """A folder of these plugins and their index."""
    target = folder.path / 'plugins'
    target.mkdir()
    links = [target / p.name for p in plugins]
    for link, plugin in zip(links, plugins):
        link.symlink_to(plugin)
    subprocess.run([index, target / 'plugins.idx', target, *links], check=True, capture_output=True)
    return {'TENON_PLUGIN_DIR': str(target)}


def names(folder, environment):
    lines = folder.run(['-M', 'help-matrix'], environment=environment).out.splitlines()[2:]
    return {x.split('|')[1].strip() for x in lines}


def starts(folder, machine, environment):
    """Complaints if the machine cannot be made: what is refused must be the device on top."""
    outcome = folder.run([*MACHINE, '-M', machine, '-device', 'nosuch'], environment=environment)
    return [] if "'nosuch' is not a valid device model name" in outcome.err else outcome.told()


def with_compositions(own, every):
    """What goes with it: a composition needs both halves."""
    halves = (('-pci', 'virtio-pci'), ('-device', 'virtio-mmio'))
    return own | {n for n in every if n.startswith('virtio-') for suffix, transport in halves
                  if n.endswith(suffix) and n.removesuffix(suffix) in every and {n.removesuffix(suffix), transport} & own}


def check_without(tap, tn, index, plugins, left_out, every, hosts):
    """hosts: the devices that are in no plugin."""
    with tenon.Folder(tn) as folder:
        environment = install(folder, index, [p for p in plugins if p != left_out])
        listed = names(folder, environment)
        with tenon.Folder(tn) as other:
            its_own = with_compositions(names(other, install(other, index, [left_out])), every) - hosts
        tap.case(f'without {left_out.name}: its devices are not listed, all others are', listed ^ (every - its_own))
        for machine in ('q35', 'microvm'):
            tap.case(f'without {left_out.name}: {machine} can be made', starts(folder, machine, environment))
        for name in sorted(its_own):
            outcome = folder.run([*MACHINE, '-device', name], environment=environment)
            tap.case(f'without {left_out.name}: -device {name} is refused',
                     tenon.complaints(outcome, f"'{name}' is not a valid device model name"))
        if left_out.stem == 'tenon-isa-serial':
            outcome = folder.run([*MACHINE, '-serial', 'null'], environment=environment)
            tap.case('without tenon-isa-serial.so: -serial is refused', tenon.complaints(outcome, 'isa-serial'))


def main():
    tn, index, *files = sys.argv[1:]
    plugins = [pathlib.Path(f).resolve() for f in files]
    tap = tenon.Tap()
    with tenon.Folder(tn) as folder:
        every = names(folder, install(folder, index, plugins))
    with tenon.Folder(tn) as folder:
        hosts = names(folder, install(folder, index, []))
    for left_out in plugins:
        check_without(tap, tn, index, plugins, left_out, every, hosts)
    with tenon.Folder(tn) as folder:
        few = [p for p in plugins if p.stem in MICROVM]
        tap.case(f'{len(few)} plugins make a microvm', starts(folder, 'microvm', install(folder, index, few)))
    return tap.done()


if __name__ == '__main__':
    sys.exit(main())
