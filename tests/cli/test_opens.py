#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Only the plugins that the command line names, or the machine needs, are opened.

usage: test_opens.py TENON
"""
import os
import re
import sys

import tenon

# Of each kind in the index: tn_class.kind
OPTIONS = {'0': '-device', '1': '-object', '3': '-netdev', '4': '-chardev', '5': '-blockdev'}


def opened(folder, args):
    """Names of the plugins that the dynamic linker opened."""
    folder.run(args, environment={'LD_DEBUG': 'files', 'LD_DEBUG_OUTPUT': str(folder.path / 'ld')})
    text = ''.join(p.read_text(errors='replace') for p in folder.path.glob('ld.*'))
    for p in folder.path.glob('ld.*'):
        p.unlink()
    return set(re.findall(r'file=\S*/(tenon-[\w-]+\.so) ', text))


def index(folder):
    """(option, plugin file) of each class, as the index has it."""
    binary = os.path.dirname(os.path.dirname(folder.binary))
    path = os.path.join(os.environ.get('TENON_PLUGIN_DIR') or os.path.join(binary, 'plugins'), 'plugins.idx')
    with open(path, encoding='utf-8') as f:
        rows = [x.rstrip('\n').split('\t') for x in f]
    return {r[5]: (OPTIONS[r[2]], os.path.basename(r[1])) for r in rows if r[0] == 'class'}


def main():
    tap = tenon.Tap()
    with tenon.Folder(sys.argv[1]) as folder:
        files = index(folder)
        for args in (['-version'], ['-help'], ['-device', 'help'], ['-M', 'help'], ['-M', 'help-matrix'],
                     ['-object', 'help'], ['-M', 'none', '-device', 'nosuch']):
            tap.case(f'{" ".join(args)}: no plugin', opened(folder, args))
        for name, (option, file) in sorted(files.items()):
            tap.case(f'{option} {name},help: {file} alone', opened(folder, [option, f'{name},help']) ^ {file})
        machine = ['-accel', 'qtest', '-M', 'microvm', '-nodefaults', '-chardev', 'null,id=c']
        own = opened(folder, [*machine, '-device', 'nosuch'])
        more = opened(folder, [*machine, '-device', 'isa-serial,chardev=c', '-device', 'nosuch'])
        tap.case('a machine opens what it needs; a device on top opens its own plugin, no other',
                 (more - own) ^ {files['isa-serial'][1]})
        tap.case('microvm opens no plugin of PCI devices', own & {files[n][1] for n in ('edu', 'mch', 'ICH9-LPC') if n in files})
    return tap.done()


if __name__ == '__main__':
    sys.exit(main())
