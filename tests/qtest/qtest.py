# SPDX-License-Identifier: BSD-2-Clause
"""Drives devices without a guest: a client of QEMU's qtest protocol, and a TAP harness for tests that use it.

    import qtest

    @qtest.test
    def scratch():
        '''the scratchpad holds any value'''
        with qtest.Machine('-device isa-serial') as m:
            m.outb(0x3ff, 0x5a)
            qtest.eq(m.inb(0x3ff), 0x5a)

    if __name__ == '__main__':
        qtest.main()

TENON=PATH runs that tenon. VMM=qemu runs QEMU=PATH (qemu-system-x86_64) instead, which has most of the devices: the tests
themselves are checked that way. Without either, everything is skipped. Arguments of a test program select cases by name.

A QEMU that was built without its qtest accelerator runs with TCG: its one CPU halts at the reset vector, and steps of the
clock are pauses. That is slower, and good enough for tests that say "not before" and "by then" rather than "at".
"""
import atexit
import contextlib
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

QEMU = os.environ.get('VMM') == 'qemu'
PROGRAM = shlex.split(os.environ.get('QEMU', 'qemu-system-x86_64') if QEMU else os.environ.get('TENON', ''))
TIMEOUT = 20  # seconds, for any one answer

# The smallest machine that has an ISA bus: the clock, and what a test asks for.
BARE = 'microvm,isa-serial=off,rtc=on,pit=off,pic=off'


class Failure(AssertionError):
    """A test found something wrong; the text says what."""


class Skip(Exception):
    """This case says nothing about the program under test; the text says why."""


def eq(got, want, what='value'):
    if got != want:
        raise Failure(f'{what} is {show(got)}, not {show(want)}')


def ok(condition, what):
    if not condition:
        raise Failure(what)


def show(v):
    return hex(v) if isinstance(v, int) and not isinstance(v, bool) else repr(v)


# ---- the program ----

def has_qtest_accel():
    text = subprocess.run([*PROGRAM, '-accel', 'help'], capture_output=True, text=True, timeout=TIMEOUT).stdout
    return 'qtest' in text.split()


def halted_firmware(folder):
    """A ROM whose reset vector is cli; hlt; jmp back."""
    rom = bytearray(b'\xf4' * 0x10000)
    rom[0xfff0:0xfff4] = b'\xfa\xf4\xeb\xfd'
    path = os.path.join(folder, 'halt.rom')
    with open(path, 'wb') as f:
        f.write(rom)
    return path


class Setup:
    """What is found out once: which accelerator there is, and a folder for sockets."""
    folder = None
    accel = None

    @classmethod
    def get(cls):
        if cls.folder is None:
            cls.folder = tempfile.mkdtemp(prefix='qtest-')
            atexit.register(shutil.rmtree, cls.folder, ignore_errors=True)
            cls.stepped = not QEMU or has_qtest_accel()
            cls.accel = ['-accel', 'qtest'] if cls.stepped else ['-accel', 'tcg', '-bios', halted_firmware(cls.folder)]
        return cls


def command_line(args, machine):
    words = shlex.split(args) if isinstance(args, str) else list(args)
    return [*PROGRAM, *Setup.get().accel, '-display', 'none', '-nodefaults', '-M', machine, *words]


def refuses(args, machine=BARE):
    """Starts what must not start; returns its message."""
    run = subprocess.run(command_line(args, machine), capture_output=True, text=True, timeout=TIMEOUT)
    eq(run.returncode, 1, 'exit status')
    return run.stderr


# ---- sockets ----

class Listener:
    """A unix socket that the program connects to."""
    count = 0

    def __init__(self):
        Listener.count += 1
        self.path = os.path.join(Setup.get().folder, f's{Listener.count}')
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(1)
        self.listener.settimeout(TIMEOUT)
        self.conn = None

    def accept(self):
        if self.conn is None:
            self.conn, _ = self.listener.accept()
            self.conn.settimeout(TIMEOUT)
        return self.conn

    def close(self):
        self.listener.close()
        if self.conn:
            self.conn.close()


class Chardev(Listener):
    """The other end of a character device: `Machine(f'{c.args("id")} -device isa-serial,chardev=id')`."""

    def args(self, name):
        return f'-chardev socket,id={name},path={self.path}'

    def send(self, data):
        self.accept().sendall(data)

    def receive(self, n):
        """Exactly n bytes."""
        got = b''
        while len(got) < n:
            part = self.accept().recv(n - len(got))
            if not part:
                raise Failure(f'the program hung up after {got!r}')
            got += part
        return got

    def silent(self, seconds=0.1):
        """True if nothing comes."""
        self.accept().settimeout(seconds)
        try:
            return self.accept().recv(1) == b''
        except TimeoutError:
            return True
        finally:
            self.accept().settimeout(TIMEOUT)


class Lines:
    """Lines of text both ways. (A makefile('rw') forgets what it has read ahead when it writes.)"""

    def __init__(self, conn):
        self.conn, self.file = conn, conn.makefile('r')

    def write(self, line):
        self.conn.sendall(line.encode() + b'\n')

    def read(self):
        """The next line, '' at the end."""
        try:
            return self.file.readline()
        except ConnectionError:
            return ''


class Qmp:
    """The monitor: commands and events."""

    def __init__(self, conn):
        self.lines = Lines(conn)
        self.events = []
        self.greeting = self.read()
        self.command('qmp_capabilities')

    def read(self):
        line = self.lines.read()
        if not line:
            raise Failure('the monitor is closed')
        return json.loads(line)

    def command(self, name, **arguments):
        self.lines.write(json.dumps({'execute': name, 'arguments': arguments}))
        while True:
            answer = self.read()
            if 'event' not in answer:
                break
            self.events.append(answer)
        if 'error' in answer:
            raise Failure(f'{name}: {answer["error"]["desc"]}')
        return answer['return']

    def event(self, name):
        """Waits for an event, and takes it and those before it away; returns its data."""
        while True:
            e = self.events.pop(0) if self.events else self.read()
            if e.get('event') == name:
                return e.get('data', {})


# ---- a machine ----

class Machine:
    """One running program. Ports and memory as the CPU sees them, interrupt lines, the clock."""

    def __init__(self, args='', machine=BARE, qmp=False, intercept=False, stdin=subprocess.DEVNULL):
        self.qtest, self.monitor = Listener(), Listener() if qmp else None
        self.lines, self.edges = {}, []  # level of each interrupt; (number, level) of each change
        words = [*command_line(args, machine), '-qtest', f'unix:{self.qtest.path}', '-qtest-log', '/dev/null']
        if qmp:
            words += ['-chardev', f'socket,id=qtest-mon,path={self.monitor.path}', '-mon', 'chardev=qtest-mon,mode=control']
        self.process = subprocess.Popen(words, stdin=stdin, stderr=subprocess.PIPE, text=True)
        try:
            self.text = Lines(self.connect(self.qtest))
            self.qmp = Qmp(self.connect(self.monitor)) if qmp else None
            if intercept:
                self.command('irq_intercept_in ioapic')
        except BaseException:
            self.process.kill()
            raise

    def connect(self, listener):
        """Its connection, unless the program ends first."""
        listener.listener.settimeout(0.05)
        for _ in range(int(TIMEOUT / 0.05)):
            with contextlib.suppress(TimeoutError):
                return listener.accept()
            if self.process.poll() is not None:
                self.refused(self.process.stderr.read().strip())
        raise Failure('the program does not connect')

    def refused(self, message):
        if 'a monitor' in message and 'does not support' in message:
            raise Skip('the program has no monitor')
        raise Failure(f'exit status {self.process.returncode}: {message}')

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        status = self.end()
        if kind is None:
            ok(status == 0, f'exit status after SIGTERM is {status}: {self.stderr.strip()}')

    def end(self):
        """Asks the program to end, unless it has; returns its status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.exit_status()

    def exit_status(self):
        """Waits for the program to end."""
        if self.process.stderr.closed:
            return self.process.returncode
        try:
            self.process.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise Failure('the program does not end') from None
        finally:
            self.stderr = self.process.stderr.read()
            self.process.stderr.close()
            for s in (self.qtest, self.monitor):
                if s:
                    s.close()
        return self.process.returncode

    def note_line(self, words):
        number, level = int(words[2]), int(words[1] == 'raise')
        self.lines[number] = level
        self.edges.append((number, level))

    def send(self, text):
        self.text.write(text)

    def command(self, text):
        """Sends one command; returns the words after OK."""
        self.send(text)
        while True:
            words = self.text.read().split()
            if words[:1] == ['IRQ']:
                self.note_line(words)
            elif words[:1] == ['OK']:
                return words[1:]
            elif words:
                raise Failure(f'{text}: {" ".join(words)}')
            else:
                raise Failure(f'{text}: exit status {self.exit_status()}: {self.stderr.strip()}')

    def number(self, text):
        return int(self.command(text)[0], 0)

    def inb(self, port):
        return self.number(f'inb {port:#x}')

    def inw(self, port):
        return self.number(f'inw {port:#x}')

    def inl(self, port):
        return self.number(f'inl {port:#x}')

    def outb(self, port, v):
        self.command(f'outb {port:#x} {v:#x}')

    def outw(self, port, v):
        self.command(f'outw {port:#x} {v:#x}')

    def outl(self, port, v):
        self.command(f'outl {port:#x} {v:#x}')

    def read(self, gpa, n):
        return bytes.fromhex(self.command(f'read {gpa:#x} {n:#x}')[0][2:])

    def write(self, gpa, data):
        self.command(f'write {gpa:#x} {len(data):#x} 0x{data.hex()}')

    def readl(self, gpa):
        return self.number(f'readl {gpa:#x}')

    def writel(self, gpa, v):
        self.command(f'writel {gpa:#x} {v:#x}')

    def step(self, ns):
        """Guest time goes on by ns (or a little more, without the accelerator for it)."""
        if Setup.get().stepped:
            self.command(f'clock_step {ns}')
        else:
            time.sleep(ns / 1e9)
            self.sync()

    def sync(self):
        """Takes in what has been said about interrupt lines."""
        self.inb(0)

    def line(self, number):
        """The level of interrupt line `number`; needs intercept."""
        self.sync()
        return self.lines.get(number, 0)

    def new_edges(self):
        """The changes of lines since the last call."""
        self.sync()
        edges, self.edges = self.edges, []
        return edges

    def until(self, condition, what):
        """Waits for what other threads or processes of the host bring about."""
        end = time.monotonic() + TIMEOUT
        while not condition():
            if time.monotonic() > end:
                raise Failure(f'never: {what}')
            time.sleep(0.002)

    def reset(self, done=None):
        """Resets the machine: by the monitor, or by its keyboard controller (-device i8042) until done() sees it."""
        if done:
            self.outb(0x64, 0xfe)
            self.until(done, 'a reset')
        else:
            self.qmp.command('system_reset')
            self.qmp.event('RESET')


# ---- cases ----

CASES = []


def test(fn=None, *, tenon=None):
    """A case; its docstring is its name. tenon: why QEMU is not asked, e.g. a difference that is meant."""
    def add(f):
        CASES.append((f, tenon))
        return f
    return add(fn) if fn else add


def run_case(fn, tenon):
    """None, or what is wrong."""
    if not PROGRAM:
        raise Skip('neither TENON=PATH nor VMM=qemu is set')
    if QEMU and tenon:
        raise Skip(tenon)
    try:
        fn()
    except Failure as e:
        where = traceback.extract_tb(e.__traceback__)[1]
        return f'{os.path.basename(where.filename)}:{where.lineno}: {e}'
    except Skip:
        raise
    except Exception:
        return traceback.format_exc()
    return None


def main():
    bad = n = 0
    for fn, tenon in CASES:
        if len(sys.argv) > 1 and fn.__name__ not in sys.argv[1:]:
            continue
        n += 1
        problem = skip = None
        try:
            problem = run_case(fn, tenon)
        except Skip as e:
            skip = e
        for line in (problem or '').rstrip().splitlines():
            print('#', line)
        name = ' '.join(fn.__doc__.split())
        print(f'{"not " if problem else ""}ok {n} {fn.__name__}: {name}{f" # SKIP {skip}" if skip else ""}', flush=True)
        bad += problem is not None
    print(f'1..{n}')
    sys.exit(bad != 0)
