#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Firmware that runs from flash memory and programs another, on KVM (TAP).

    flash_test.py FIRMWARE      TENON=PATH

The guest's checks count one by one; then the file is looked at."""
import os
import shlex
import subprocess
import sys
import tempfile

EXIT_PASS = 1  # isa-debug-exit: (value << 1) | 1


def run(firmware, variables):
    return subprocess.run([*shlex.split(os.environ['TENON']), '-accel', 'kvm', '-M', 'q35', '-m', '64', '-nodefaults', '-display', 'none',
                           '-drive', f'if=pflash,unit=0,format=raw,readonly=on,file={firmware}',
                           '-drive', f'if=pflash,unit=1,format=raw,file={variables}',
                           '-chardev', 'stdio,id=tap,signal=off', '-device', 'isa-debugcon,iobase=0xe9,chardev=tap',
                           '-device', 'isa-debug-exit,iobase=0x501,iosize=2'],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)


def main():
    if not os.environ.get('TENON') or not os.access('/dev/kvm', os.R_OK | os.W_OK):
        print('1..0 # SKIP TENON=PATH and /dev/kvm are needed')
        return 0
    with tempfile.NamedTemporaryFile() as f:
        f.write(b''.join(bytes([n]) * 4096 for n in range(16)))
        f.flush()
        done = run(sys.argv[1], f.name)
        f.seek(0x1010)
        kept = f.read(2)
    checks = [(line.startswith('ok'), line.partition(' - ')[2]) for line in done.stdout.splitlines() if ' - ' in line]
    checks.append((len(checks) == 7, 'the guest came to its end'))
    checks.append((done.returncode == EXIT_PASS, f'exit status {done.returncode} {done.stderr.strip()}'))
    checks.append((kept == b'\x5a\xff', 'the file has what was programmed'))
    for i, (good, what) in enumerate(checks, 1):
        print(f'{"ok" if good else "not ok"} {i} - {what}')
    print(f'1..{len(checks)}')
    return 0 if all(good for good, _ in checks) else 1


if __name__ == '__main__':
    sys.exit(main())
