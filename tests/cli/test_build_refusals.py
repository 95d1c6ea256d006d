#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What cannot be built is refused by `meson setup`, in a line that says why.

usage: test_build_refusals.py SOURCE_DIR MESON...
"""
import pathlib
import subprocess
import sys
import tempfile

from tenon import Tap

CASES = {
    'a program without shared libraries that would load plugins': (['-Dlink=static'], 'loads no plugins'),
    'a monitor for people without monitors': (['-Dmonitor=disabled', '-Dhmp=enabled'], 'there is none without -Dmonitor'),
    'a profile that leaves out what is no part': (['-Dprofile=FOLDER/odd'], 'there is no part -disks that could be left out'),
    'a plugin whose library is not there in static form':
        (['-Dplugin_mode=static', '-Dlink=static', '-Dplugins=isa-serial,net-user'], 'net-user needs libslirp, of which there is no static'),
}


def main():
    source, *meson = sys.argv[1:]
    tap = Tap()
    with tempfile.TemporaryDirectory(prefix='tenon-build-') as folder:
        pathlib.Path(folder, 'odd').write_text('isa-serial\n-disks\n', encoding='utf-8')
        for i, (what, (options, said)) in enumerate(CASES.items()):
            options = [o.replace('FOLDER', folder) for o in options]
            made = subprocess.run([*meson, 'setup', f'{folder}/{i}', source, *options], capture_output=True, text=True, check=False)
            lines = [line for line in (made.stdout + made.stderr).splitlines() if 'ERROR: ' in line]
            ok = made.returncode and len(lines) == 1 and said in lines[0]
            tap.case(f'{what} is refused', [] if ok else [made.stdout[-2000:], made.stderr])
    return tap.done()


if __name__ == '__main__':
    sys.exit(main())
