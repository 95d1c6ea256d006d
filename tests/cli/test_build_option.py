#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""-Dplugins= and -Dprofile= choose what is built, -Dplugin_mode= how.

usage: test_build_option.py SOURCE_DIR MESON...
"""
import json
import subprocess
import sys
import tempfile

from tenon import Tap


def setup(meson, source, folder, chosen):
    return subprocess.run([*meson, 'setup', f'{folder}/{chosen}', source, f'-Dplugins={chosen}'], capture_output=True, text=True,
                          check=False)


def plugins_of(meson, folder):
    targets = subprocess.run([*meson, 'introspect', '--targets', folder], capture_output=True, text=True, check=True).stdout
    return sorted(t['name'] for t in json.loads(targets) if t['type'] == 'shared module' and t['installed'])


def main():
    source, *meson = sys.argv[1:]
    tap = Tap()
    with tempfile.TemporaryDirectory(prefix='tenon-build-') as folder:
        chosen = 'ioapic,isa-serial'
        made = setup(meson, source, folder, chosen)
        tap.case(f'-Dplugins={chosen} configures', [made.stdout[-2000:], made.stderr] if made.returncode else [])
        found = plugins_of(meson, f'{folder}/{chosen}') if made.returncode == 0 else []
        tap.case('those two are built and no other', [] if found == ['tenon-ioapic', 'tenon-isa-serial'] else [found])
        words = ['-Dprofile=microvm', '-Dplugin_mode=static']
        made = subprocess.run([*meson, 'setup', f'{folder}/image', source, *words], capture_output=True, text=True, check=False)
        tap.case(f'{" ".join(words)} configures', [made.stdout[-2000:], made.stderr] if made.returncode else [])
        made = setup(meson, source, folder, 'nosuch')
        tap.case('an unknown plugin is named', [] if made.returncode and 'nosuch' in made.stdout + made.stderr else [made.stdout])
    return tap.done()


if __name__ == '__main__':
    sys.exit(main())
