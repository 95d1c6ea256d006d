# SPDX-License-Identifier: BSD-2-Clause
"""A machine with Linux in it and a monitor beside it: what the cases of plugging, hot-plugging and sleeping share."""
import pathlib
import shlex
import socket
import sys
import tempfile

import l2
from l2_cases import case, require
from serial_cases import Shell

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'monitor'))
import qmp  # noqa: E402

COMPLAINTS = "dmesg | grep -E 'WARNING:|BUG:|Oops|nobody cared|soft lockup|ACPI.*Error|blocked for'; echo ."


class Monitor(qmp.Qmp):
    """Answers are not held against the schema: that takes long here, and is done elsewhere."""

    def get_schema(self):
        return None


class Monitored:
    """A machine with .folder and .options.patience."""

    @staticmethod
    def monitor_arguments(folder):
        return '-qmp', f'unix:{folder}/qmp,server=on,wait=off'

    def connect(self):
        """Once the program runs: .qmp."""
        s = socket.socket(socket.AF_UNIX)
        s.connect(f'{self.folder}/qmp')
        self.qmp = Monitor(s)

    def ask(self, name, /, **arguments):
        try:
            return self.qmp.cmd(name, **arguments)
        except (OSError, qmp.QmpError, qmp.Failure) as error:
            raise l2.Failure(f'{name}: {error}') from error

    def event(self, name, **data):
        try:
            return self.qmp.event(name, timeout=self.options.patience, **data)
        except (OSError, qmp.Failure) as error:
            raise l2.Failure(f'{name}: {error}') from error


class System(Monitored):
    """One machine. Those that are made of it have command(folder) and check(console, folder)."""
    prefix = ''  # of its cases' names

    def __init__(self, options, tap):
        self.options, self.tap = options, tap

    def case(self, name):
        return case(self.tap, self.prefix + name)

    def run(self):
        with tempfile.TemporaryDirectory(dir='/var/tmp') as folder:
            command = self.command(folder)
            failed_before = self.tap.failed
            with l2.Console(command, self.options.patience, sys.stderr if self.options.verbose else None) as console:
                self.shell, self.folder, self.pid = Shell(console), folder, console.process.pid
                self.check(console, folder)
            if self.tap.failed > failed_before:
                self.tap.comment('\n'.join(['$ ' + shlex.join(map(str, command)), *console.last_lines(40)]))

    def whereabouts(self):
        """What each thread of the program is at, and where the processors are: for what hangs."""
        lines = []
        for task in sorted(pathlib.Path(f'/proc/{self.pid}/task').iterdir()):
            try:
                state = (task / 'stat').read_text().rsplit(')', 1)[1].split()
                lines.append(f'{(task / "comm").read_text().strip()} {task.name}: {state[0]}, {state[11]} + {state[12]} ticks, '
                             + ' '.join((task / 'stack').read_text().split()[1::2][:6]))
            except OSError as error:
                lines.append(f'{task.name}: {error}')
        try:
            for command in ('info status', 'info registers -a'):
                lines.append(self.ask('human-monitor-command', **{'command-line': command}))
        except l2.Failure as error:
            lines.append(f'the monitor: {error}')
        return '\n'.join(lines)

    def check_end(self, console):
        with self.case('Linux did not complain'):
            answer = self.shell.ask(COMPLAINTS)
            require(answer == '.', answer)
        with self.case('shuts down cleanly'):
            console.send('poweroff -f')
            status = console.exit_status()
            require(status == 0, f'exit status {status}')
