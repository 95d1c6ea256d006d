#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What tenon says of itself: versions, lists and properties, laid out as QEMU lays them out, for tools that read them.
Where qemu-system-x86_64 is installed its own output is the measure.

usage: test_listings.py [--update] TENON SOURCE_DIR
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys

import tenon

GROUP = re.compile(r'^(Controller/Bridge/Hub|USB|Storage|Network|Input|Display|Sound|Misc|CPU|Watchdog|Uncategorized) devices:$')
DEVICE = re.compile(r'^name "[^"]+"(, bus \S+)?(, alias "[^"]+")?(, desc "[^"]*")?(, no-user)?$')
PROPERTY = re.compile(r'^  (\S+)=<(\S+)>\s*(?:- (.*?))?\s*(?:\(default: (.*)\))?$')
QEMU = shutil.which('qemu-system-x86_64')

# QEMU's own innards, which are properties there by the way its objects are made, and what is experimental.
INNARDS = re.compile(r'child<|link<irq>|\[0\]$|^x-|^failover_pair_id$')

# Where we differ, and why; anything else is a failure.
KNOWN = {
    'mc146818rtc': {'base_year: default 2000, QEMU: 1980': 'what QEMU\'s PC machines set'},
    'pvpanic': {'events: default 7, QEMU: 3': '7 since QEMU 9.1'},
    'pvpanic-pci': {'events: default 7, QEMU: 3': '7 since QEMU 9.1'},
    'virtio-blk-device': {'scsi=<bool> is missing': 'gone since QEMU 10'},
    'virtio-blk-pci': {'scsi=<bool> is missing': 'gone since QEMU 10'},
    'virtio-rng-device': {'rng: type link, QEMU: link<rng-backend>': 'a link says no type here'},
    'virtio-rng-pci': {'rng: type link, QEMU: link<rng-backend>': 'a link says no type here'},
    'virtio-serial-pci': {'vectors: default 4294967295, QEMU: 2': 'one for each queue and one more'},
}
TODO = {
    'pci-bridge': 'msi, shpc',
    'pcie-pci-bridge': 'msi',
    'pcie-root-port': 'aer_log_max',
    'virtio-net-device': 'failover, guest_rsc_ext, rsc_interval',
    'virtio-net-pci': 'failover, guest_rsc_ext, rsc_interval',
    'i8042': 'extended-state, kbd-throttle',
    'base-x86_64-cpu': 'features, which are those of -cpu',
    'host-x86_64-cpu': 'features, which are those of -cpu',
    'max-x86_64-cpu': 'features, which are those of -cpu',
}


def lines_of(tap, folder, args, todo=None):
    """The lines of a list; a list needs status 0 and a silent stderr."""
    outcome = folder.run(args)
    wrong = outcome.status != 0 or outcome.err or not outcome.out or outcome.left
    tap.case(f'{" ".join(args)}: answers', outcome.told() if wrong else (), todo=todo)
    return outcome.out.splitlines()


def qemu_lines(args):
    run = subprocess.run([QEMU, *args], capture_output=True, text=True, check=False)
    return run.stdout.splitlines()


def properties(lines):
    """Name -> (type, default)."""
    found = (PROPERTY.match(x) for x in lines)
    return {m[1]: (m[2], m[4]) for m in found if m}


def check_start(tap, folder):
    version = lines_of(tap, folder, ['-version'])
    tap.case('-version: one line with the version', [] if len(version) == 1 and re.match(
        r'^tenon version \d+\.\d+\.\d+ \(plugin ABI \d+\.\d+\)$', version[0]) else version)
    helped = lines_of(tap, folder, ['-help'])
    options = {m[1] for m in (re.match(r'^(-[\w-]+)', x) for x in helped) if m}
    wanted = {'-M', '-machine', '-m', '-smp', '-cpu', '-accel', '-device', '-object', '-chardev', '-serial', '-kernel',
              '-initrd', '-append', '-nodefaults', '-no-reboot', '-S', '-qmp', '-monitor', '-sandbox', '-plugin', '-version'}
    tap.case('-help: usage first, every option', [f'no {o}' for o in sorted(wanted - options)] +
             ([] if helped and helped[0].startswith('usage: tenon ') else helped[:1]))
    tap.case('-h and --help say the same', [a for a in ('-h', '--help') if folder.run([a]).out.splitlines() != helped])


def groups(lines):
    """Device -> the title that it stands under."""
    found, title = {}, None
    for line in lines:
        title = GROUP.match(line)[1] if GROUP.match(line) else title
        if DEVICE.match(line):
            found[line.split('"')[1]] = title
    return found


def check_devices(tap, folder):
    lines = lines_of(tap, folder, ['-device', 'help'])
    odd = [x for x in lines if x and not GROUP.match(x) and not DEVICE.match(x)]
    tap.case('-device help: titles and lines have the shape of QEMU\'s', odd)
    titles = [GROUP.match(x)[1] for x in lines if GROUP.match(x)]
    order = GROUP.pattern[2:GROUP.pattern.index(')')].split('|')
    tap.case('-device help: groups come in QEMU\'s order, once', [] if titles == [t for t in order if t in titles] else titles)
    gaps = [x for i, x in enumerate(lines) if GROUP.match(x) and i and lines[i - 1]]
    tap.case('-device help: a blank line between groups', gaps)
    if not QEMU:
        tap.case('-device help: QEMU\'s has this shape too', skip='no qemu-system-x86_64')
        return lines
    theirs = qemu_lines(['-device', 'help'])
    tap.case('-device help: QEMU\'s has this shape too', [x for x in theirs if x and not GROUP.match(x) and not DEVICE.match(x)])
    bus = {m[1]: m[2] for m in (re.match(r'name "([^"]+)"(?:, bus (\S+?))?(?:,|$)', x) for x in theirs) if m}
    ours = {m[1]: m[2] for m in (re.match(r'name "([^"]+)"(?:, bus (\S+?))?(?:,|$)', x) for x in lines) if m}
    tap.case('-device help: devices that QEMU has too sit on the bus of that name',
             [f'{n}: {b}, QEMU: {bus[n]}' for n, b in ours.items() if n in bus and b != bus[n] and bus[n] != 'System'],
             todo='PCIE is told from PCI')
    group, known = groups(lines), groups(theirs)
    tap.case('-device help: devices that QEMU has too stand in its groups, but for those that it puts in none',
             [f'{n}: {g}, QEMU: {known[n]}' for n, g in group.items() if known.get(n, g) not in (g, 'Uncategorized')])
    return lines


def differences(ours, theirs):
    """How properties of the same device differ; what only we have is ours to decide."""
    for name, (kind, default) in theirs.items():
        if INNARDS.search(name) or INNARDS.search(kind):
            continue
        if name not in ours:
            yield f'{name}=<{kind}> is missing'
        elif ours[name][0] != kind and not (ours[name][0] == 'enum' and kind[0].isupper()):
            yield f'{name}: type {ours[name][0]}, QEMU: {kind}'
        elif ours[name][1] != default and default is not None:
            yield f'{name}: default {ours[name][1]}, QEMU: {default}'


def check_properties(tap, folder, names):
    for name in names:
        if name.endswith('-x86_64-cpu') and name not in TODO:
            continue  # the models are alike
        lines = lines_of(tap, folder, ['-device', f'{name},help'])
        head, rest = lines[:1], lines[1:]
        none = head == [f'There are no options for {name}.']
        odd = [] if none or head == [f'{name} options:'] else head
        tap.case(f'-device {name},help: layout', odd + [x for x in rest if not PROPERTY.match(x)] +
                 ([] if rest == sorted(rest) else ['not sorted']))
        theirs = properties(qemu_lines(['-device', f'{name},help'])) if QEMU else {}
        if theirs:
            tap.case(f'-device {name},help: names, types and defaults are QEMU\'s',
                     [d for d in differences(properties(rest), theirs) if d not in KNOWN.get(name, ())], todo=TODO.get(name))
        else:
            tap.case(f'-device {name},help: names, types and defaults are QEMU\'s',
                     skip='QEMU has no such device' if QEMU else 'no qemu-system-x86_64')


def check_lists(tap, folder):
    machines = lines_of(tap, folder, ['-M', 'help'])
    tap.case('-M help: QEMU\'s title, one default', [] if machines[:1] == ['Supported machines are:'] and
             sum('(default)' in x for x in machines) == 1 else machines)
    tap.case('-M help: has q35, microvm and none', {'q35', 'microvm', 'none'} - {x.split()[0] for x in machines[1:] if x})
    for args, first, word in ((['-cpu', 'help'], 'Available CPUs:', 'host'),
                              (['-object', 'help'], 'List of user creatable objects:', 'memory-backend-memfd'),
                              (['-chardev', 'help'], 'Available chardev backend types: ', 'socket'),
                              (['-accel', 'help'], 'Accelerators supported in QEMU binary:', 'kvm')):
        todo = 'refused as an accelerator' if args[0] == '-accel' else None
        lines = lines_of(tap, folder, args, todo)
        found = lines[:1] == [first] and word in ' '.join(lines[1:]).split()
        tap.case(f'{" ".join(args)}: QEMU\'s title, {word}', [] if found else lines or ['nothing'], todo=todo)
        if QEMU:
            tap.case(f'{" ".join(args)}: the title is QEMU\'s', [] if qemu_lines(args)[:1] == [first] else qemu_lines(args)[:1])
    tap.case('-object memory-backend-memfd,help: properties',
             {'size', 'share', 'seal'} - set(properties(lines_of(tap, folder, ['-object', 'memory-backend-memfd,help']))))


TABLE = re.compile(r'(<!-- begin: tenon -M help-matrix -->\n)(.*?)(<!-- end -->)', re.S)


def check_matrix(tap, folder, page):
    lines = lines_of(tap, folder, ['-M', 'help-matrix'])
    found = TABLE.search(page.read_text(encoding='utf-8'))
    written = found[2].strip().splitlines() if found else []
    tap.case('-M help-matrix is the table of docs/devices.md (test_listings.py --update writes it)',
             [f'only here: {x}' for x in lines if x not in written] + [f'only there: {x}' for x in written if x not in lines])


def update(tn, page):
    with tenon.Folder(tn) as folder:
        table = folder.run(['-M', 'help-matrix']).out
    text = page.read_text(encoding='utf-8')
    page.write_text(TABLE.sub(lambda m: m[1] + table + m[3], text), encoding='utf-8')


def main():
    *options, tn, source = sys.argv[1:]
    page = pathlib.Path(source) / 'docs/devices.md'
    os.environ.pop('TENON_PLUGIN_DIR', None)
    if '--update' in options:
        return update(tn, page)
    tap = tenon.Tap()
    with tenon.Folder(tn) as folder:
        check_start(tap, folder)
        devices = check_devices(tap, folder)
        check_properties(tap, folder, [m[1] for m in (re.match(r'name "([^"]+)"', x) for x in devices) if m])
        check_lists(tap, folder)
        check_matrix(tap, folder, page)
    return tap.done()


if __name__ == '__main__':
    sys.exit(main())
