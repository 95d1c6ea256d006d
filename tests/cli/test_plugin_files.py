#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Plugins that are files: where -plugin and the indexes find them, which of two comes first, and whose files are not opened.

usage: test_plugin_files.py TENON TENON-INDEX INCLUDE_DIR CC...
"""
import os
import pathlib
import stat
import subprocess
import sys

import bad_plugins
import tenon

HERE = pathlib.Path(__file__).resolve().parent
NOBODY = 65534


class Kit:
    """Builds plugins into a folder of the test's and runs tenon there."""

    def __init__(self, folder, index, include, cc):
        self.folder, self.index, self.include, self.cc = folder, index, include, cc

    def make(self, name, *definitions, mode=0o755):
        path = self.folder.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        bad_plugins.build(self.cc, self.include, HERE / 'plugin.c', path, definitions)
        path.chmod(mode)
        return path

    def write_index(self, folder, *plugins):
        run = subprocess.run([self.index, folder / 'plugins.idx', folder, *plugins], capture_output=True, text=True, check=False)
        return run.stderr if run.returncode else ''

    def opens(self, *args, device='half-way', directory=None):
        """Complaints if the class cannot be had."""
        outcome = self.folder.run([*args, '-device', f'{device},help'], environment=self.environment(directory))
        return [] if outcome.status == 0 and f'{device} options' in outcome.out else outcome.told()

    def refuses(self, culprits, *args, device='half-way', directory=None):
        outcome = self.folder.run([*args, '-device', f'{device},help'], environment=self.environment(directory))
        wrong = [w for c in culprits for w in tenon.complaints(outcome, c)]
        return wrong and wrong + outcome.told()

    def environment(self, directory):
        """Without plugins of the build's own, unless there is a folder of the test's."""
        return {'TENON_PLUGIN_DIR': str(directory or self.folder.path / 'none')}


def program_shares_group(kit, path):
    """The program's own group may write to it, and so to a plugin of that group."""
    program = os.stat(kit.folder.binary)
    return program.st_mode & stat.S_IWGRP and program.st_gid == os.stat(path).st_gid


def check_trust(tap, kit):
    plugin = kit.make('safe/p.so')
    open_folder = plugin.parent
    tap.case('a file of ours is opened', kit.opens('-plugin', plugin))
    plugin.chmod(0o666)
    tap.case('a file that everybody can write to is not', kit.refuses([str(plugin), 'mode 0666'], '-plugin', plugin))
    tap.case('but with -plugin-trust any', kit.opens('-plugin-trust', 'any', '-plugin', plugin))
    tap.case('and the last one counts', kit.refuses(['mode 0666'], '-plugin-trust', 'any', '-plugin-trust', 'owner', '-plugin', plugin))
    plugin.chmod(0o664)
    shared = program_shares_group(kit, plugin)
    tap.case('a file that its group can write to: only if the program is its group\'s, too',
             kit.opens('-plugin', plugin) if shared else kit.refuses(['mode 0664'], '-plugin', plugin))
    plugin.chmod(0o644)
    open_folder.chmod(0o777)
    tap.case('a file in a folder that everybody can write to is not', kit.refuses([str(plugin), f'{open_folder} (mode 0777)'],
                                                                                   '-plugin', plugin))
    open_folder.chmod(0o1777)
    tap.case('in a sticky one it is', kit.opens('-plugin', plugin))
    open_folder.chmod(0o777)
    inner = kit.make('safe/inner/p.so')
    tap.case('folders above count, too', kit.refuses([str(open_folder)], '-plugin', inner))
    link = kit.folder.path / 'link.so'
    link.symlink_to(inner)
    tap.case('a link is followed', kit.refuses([str(open_folder)], '-plugin', link))
    open_folder.chmod(0o755)
    if os.geteuid() != 0:
        tap.case('another user\'s file is not opened', skip='only root can make one')
        return
    os.chown(plugin, NOBODY, -1)
    owner = os.stat(kit.folder.binary).st_uid
    tap.case('another user\'s file is not opened', skip='the program is that user\'s') if owner == NOBODY else tap.case(
        'another user\'s file is not opened', kit.refuses([f'user {NOBODY}', str(plugin)], '-plugin', plugin))


def check_index_trust(tap, kit):
    plugin = kit.make('indexed/tenon-half-way.so')
    folder = plugin.parent
    kit.write_index(folder, plugin)
    plugin.chmod(0o666)
    tap.case('of the index, too', kit.refuses(['mode 0666'], directory=folder))
    listed = kit.folder.run(['-device', 'help'], environment=kit.environment(folder))
    tap.case('but it is listed, as nothing of it runs', [] if '"half-way"' in listed.out else listed.told())
    plugin.chmod(0o644)
    tap.case('and opened once only we can write to it', kit.opens(directory=folder))


def check_path(tap, kit):
    first = kit.make('first/tenon-one.so', 'ID="one"', 'CLASS_NAME="one"', 'VERSION="1.1"').parent
    second = kit.make('second/two.so', 'ID="two"', 'CLASS_NAME="two"').parent
    kit.make('./here.so', 'ID="here"')
    for name in ('one', 'tenon-one.so'):
        tap.case(f'-plugin {name}: found by name', kit.opens('-plugin-path', first, '-plugin', name, device='one'))
    tap.case('-plugin two: in the second folder', kit.opens('-plugin-path', first, '-plugin-path', second, '-plugin', 'two', device='two'))
    tap.case('-plugin two: in the program\'s own folder', kit.opens('-plugin', 'two', device='two', directory=second))
    tap.case('a name that is nowhere: the folders are told', kit.refuses(
        ['plugin three: ', str(first), './three'], '-plugin-path', first, '-plugin', 'three'))
    tap.case('a bare name is not looked for in the current folder', kit.refuses(['./here.so'], '-plugin', 'here.so'))
    tap.case('but ./ is', kit.opens('-plugin', './here.so'))
    tap.case('a folder that is not there', kit.refuses(['-plugin-path /nosuch'], '-plugin-path', '/nosuch'))
    wrong = kit.write_index(first, first / 'tenon-one.so')
    tap.case('-plugin-path: the index there is read', wrong or kit.opens('-plugin-path', first, device='one'))


def check_conflicts(tap, kit):
    old = kit.make('old/p.so', 'VERSION="1.0"')
    new = kit.make('new/p.so', 'VERSION="2.0"')
    other = kit.make('other/q.so', 'ID="other"')
    tap.case('two versions of one plugin', kit.refuses([f"{new}: 'half-way' 2.0", f'version 1.0 of {old}'], '-plugin', old, '-plugin', new))
    tap.case('one file twice', kit.refuses([f'version 1.0 of {old}'], '-plugin', old, '-plugin', old))
    tap.case('two plugins with one class', kit.refuses([f"class 'half-way' is already provided by {old}"], '-plugin', old, '-plugin', other))
    for plugin in (old, new):
        kit.write_index(plugin.parent, plugin)
    outcome = kit.folder.run(['-plugin-path', old.parent, '-help-build'], environment=kit.environment(new.parent))
    tap.case('two folders with one class: the first is taken', kit.opens('-plugin-path', old.parent, directory=new.parent) or
             ([] if 'half-way 1.0' in outcome.out else outcome.told()))
    tap.case('-plugin comes before an index', kit.opens('-plugin', other, directory=new.parent))
    complaint = kit.write_index(old.parent, old, other)
    tap.case('an index of two plugins with one class is not written',
             [] if "'half-way'" in complaint and str(other) in complaint else [complaint or 'it is'])
    complaint = kit.write_index(old.parent, old, new)
    tap.case('nor one of two versions', [] if '2.0' in complaint and '1.0' in complaint else [complaint or 'it is'])


def main():
    tn, index, include, *cc = sys.argv[1:]
    tap = tenon.Tap()
    os.umask(0o022)
    for check in (check_trust, check_index_trust, check_path, check_conflicts):
        with tenon.Folder(tn) as folder:
            check(tap, Kit(folder, index, include, cc))
    return tap.done()


if __name__ == '__main__':
    sys.exit(main())
