# SPDX-License-Identifier: BSD-2-Clause
"""HMP on a terminal and on a socket, as a person or a program uses it.

    with hmp.Terminal('-M q35') as t:
        qtest.eq(t.command('info status'), 'VM status: running\\n')
"""
import fcntl
import os
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'qtest'))
import qtest  # noqa: E402

PROMPT = b'(qemu) '
ESCAPES = re.compile(rb'\x1b\[[0-9;]*[A-Za-z]')


def own_terminal():
    """In the new process: standard input is its controlling terminal, so that it may set it up."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class Wire:
    """What both have in common: bytes to and from a descriptor."""
    fd = process = None

    def send(self, data):
        data = data.encode() if isinstance(data, str) else data
        while data:
            data = data[os.write(self.fd, data):]

    def receive(self, timeout):
        """What comes within that many seconds; b'' if nothing does."""
        if not select.select([self.fd], [], [], timeout)[0]:
            return b''
        try:
            return os.read(self.fd, 65536)
        except OSError:  # the other side of a terminal was closed
            return b''

    def until(self, what, timeout=qtest.TIMEOUT):
        """Everything up to what."""
        end = time.monotonic() + timeout
        while what not in self.got:
            left = end - time.monotonic()
            part = self.receive(left) if left > 0 else b''
            if not part:
                raise qtest.Failure(f'{what!r} did not come, but {self.got!r}')
            self.got += part
        at = self.got.index(what) + len(what)
        text, self.got = self.got[:at], self.got[at:]
        return text

    def silent(self, seconds=0.1):
        self.got += self.receive(seconds)
        return not self.got

    def command(self, line):
        """Types line, and returns what it says; lines end in \\n."""
        self.send(line + '\r')
        self.until(b'\r\n')
        return self.answer()

    def answer(self):
        text = b''
        while not (text.endswith(b'\n' + PROMPT) or text == PROMPT):
            text += self.until(PROMPT)
        return ESCAPES.sub(b'', text[:-len(PROMPT)]).decode().replace('\r', '')  # a terminal adds a \r of its own

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(qtest.TIMEOUT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise qtest.Failure('the program does not end') from None
        finally:
            self.stderr = self.process.stderr.read()
            self.process.stderr.close()
            self.close()
        if kind is None:
            qtest.eq(self.process.returncode, self.status, f'exit status ({self.stderr.strip()})')

    status = 0  # expected of the process


class Terminal(Wire):
    """The program on a terminal of its own, with a monitor on it unless args say otherwise."""

    def __init__(self, args='-monitor stdio', machine=qtest.BARE, cols=80, command=None, greeting=True, **more):
        self.fd, slave = os.openpty()
        self.slave = os.ttyname(slave)
        self.resize(cols)
        words = command or qtest.command_line(args, machine)
        self.process = subprocess.Popen(words, stdin=slave, stdout=slave, stderr=subprocess.PIPE, text=True,
                                        start_new_session=True, preexec_fn=own_terminal, **more)
        os.close(slave)
        self.got = b''
        if greeting:
            self.greeting = self.until(PROMPT)

    def resize(self, cols):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack('HHHH', 25, cols, 0, 0))

    def close(self):
        os.close(self.fd)


class Socket(Wire):
    """The program with a monitor on a UNIX socket."""

    def __init__(self, args='', machine=qtest.BARE):
        self.folder = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.folder.name, 'hmp')
        words = [*qtest.command_line(args, machine), '-monitor', f'unix:{self.path},server=on,wait=off']
        self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.connect()

    def connect(self):
        end = time.monotonic() + qtest.TIMEOUT
        while True:
            self.sock = socket.socket(socket.AF_UNIX)
            try:
                self.sock.connect(self.path)
                break
            except OSError:
                self.sock.close()
                if self.process.poll() is not None or time.monotonic() > end:
                    raise qtest.Failure('the monitor does not listen') from None
                time.sleep(0.01)
        self.fd, self.got = self.sock.fileno(), b''
        self.greeting = self.until(PROMPT)

    def hang_up(self):
        self.sock.close()

    def close(self):
        self.hang_up()
        self.folder.cleanup()
