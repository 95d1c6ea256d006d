#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""-nographic on a terminal: raw while the machine runs, as it was afterwards, with the sandbox on.

usage: test_terminal.py TENON
"""
import os
import pty
import signal
import subprocess
import sys
import termios
import time

import tenon

MACHINE = ['-accel', 'qtest', '-M', 'microvm', '-nodefaults', '-nographic', '-serial', 'mon:stdio']


class Terminal:
    """A tenon that owns a new terminal; we are the keyboard and the screen."""

    def __init__(self, binary):
        self.master, self.slave = pty.openpty()
        self.before = termios.tcgetattr(self.slave)
        self.child = subprocess.Popen([binary, *MACHINE], stdin=self.slave, stdout=self.slave, stderr=subprocess.PIPE,
                                      start_new_session=True, preexec_fn=lambda: os.close(os.open(os.ttyname(0), os.O_RDWR)))
        deadline = time.monotonic() + 20
        while termios.tcgetattr(self.slave) == self.before and time.monotonic() < deadline:
            time.sleep(0.01)
        self.raw = not termios.tcgetattr(self.slave)[3] & termios.ICANON

    def type(self, keys):
        os.write(self.master, keys)

    def ended(self):
        """(status, is the terminal as it was, what was said)"""
        _, err = self.child.communicate(timeout=20)
        return self.child.returncode, termios.tcgetattr(self.slave) == self.before, err.decode()


def main():
    tap = tenon.Tap()
    t = Terminal(sys.argv[1])
    tap.case('the terminal is raw while the machine runs', [] if t.raw else ['it is not'])
    t.type(b'\x01x')
    status, same, said = t.ended()
    tap.case('Ctrl-A x quits with 0 and puts the terminal back', [] if (status, same) == (0, True) else [(status, same, said)])
    t = Terminal(sys.argv[1])
    t.child.send_signal(signal.SIGTERM)
    status, same, said = t.ended()
    tap.case('so does SIGTERM', [] if (status, same) == (0, True) else [(status, same, said)])
    return tap.done()


if __name__ == '__main__':
    sys.exit(main())
