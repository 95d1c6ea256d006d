# SPDX-License-Identifier: BSD-2-Clause
"""Runs tenon as a user would, in an empty folder and on a terminal, and sees what it leaves behind."""
import dataclasses
import fcntl
import os
import pathlib
import pty
import subprocess
import sys
import tempfile
import termios

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'abi'))
from tap import Tap  # noqa: E402, F401  (for the tests that import this module)

PATIENCE = 30  # seconds
KVM_GET_API_VERSION = 0xae00


@dataclasses.dataclass
class Outcome:
    """How a run ended; status None: it had to be killed."""
    args: list
    status: int
    out: str
    err: str
    left: list   # files that were not there before
    tty: bool    # the terminal is as it was

    def told(self):
        """The whole story, for a failure."""
        return [f'tenon {" ".join(self.args)}', f'status {self.status}', *(f'stdout: {x}' for x in self.out.splitlines()),
                *(f'stderr: {x}' for x in self.err.splitlines())]


def has_kvm():
    try:
        with open('/dev/kvm', 'rb+', buffering=0) as kvm:
            return fcntl.ioctl(kvm, KVM_GET_API_VERSION) == 12
    except OSError:
        return False


def files_below(folder):
    return {str(p.relative_to(folder)) for p in pathlib.Path(folder).rglob('*')}


class Folder:
    """A working directory with the files that a case needs; a context manager."""

    def __init__(self, binary):
        self.binary = os.path.abspath(binary)

    def __enter__(self):
        self.temporary = tempfile.TemporaryDirectory(prefix='tenon-cli-')
        self.path = pathlib.Path(self.temporary.name)
        return self

    def __exit__(self, *_):
        self.temporary.cleanup()

    def run(self, args, wrapper=(), environment=None):
        """Runs tenon with these arguments to its end, its standard input a terminal of its own."""
        keyboard, terminal = pty.openpty()
        before, tty = files_below(self.path), termios.tcgetattr(terminal)
        env = dict(os.environ, TMPDIR=str(self.path), LC_ALL='C', **(environment or {}))
        process = subprocess.Popen([*wrapper, self.binary, *args], cwd=self.path, env=env, stdin=terminal,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            out, err = process.communicate(timeout=PATIENCE)
            status = process.returncode
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            status = None
        same = termios.tcgetattr(terminal) == tty
        os.close(keyboard)
        os.close(terminal)
        return Outcome([str(a) for a in args], status, out.decode(errors='replace'), err.decode(errors='replace'),
                       sorted(files_below(self.path) - before), same)


def complaints(outcome, culprit, advice=0):
    """What is wrong with how a bad line was refused: one line that names the culprit, and lines of advice where there is
    one to give; status 1; no trace."""
    lines = outcome.err.splitlines()
    if outcome.status != 1:
        yield f'status {outcome.status}, not 1'
    if len(lines) != 1 + advice:
        yield f'{len(lines)} lines on stderr, not {1 + advice}'
    if [x for x in lines if not x.startswith('tenon: ')]:
        yield 'does not begin with "tenon: "'
    if culprit not in outcome.err:
        yield f'does not name {culprit!r}'
    if outcome.out:
        yield 'says something on stdout'
    if outcome.left:
        yield f'leaves {", ".join(outcome.left)}'
    if not outcome.tty:
        yield 'leaves the terminal changed'
