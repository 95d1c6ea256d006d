# SPDX-License-Identifier: BSD-2-Clause
"""Network back ends without a guest: tenon with the front end net_probe, whose frames come and go through a socket here.

    import netrig

    @netrig.test
    def frames_pass():
        '''what the guest sends arrives at the peer'''
        with netrig.Tenon('-netdev stream,id=n,addr.type=fd,addr.str={peer}', peer=fd) as t:
            t.send(frame)
            netrig.eq(t.recv(), frame)

    if __name__ == '__main__':
        netrig.main()

Arguments: the program, the probe plugin; cases by name after them.
"""
import json
import os
import select
import shlex
import socket
import subprocess
import sys
import tempfile
import time
import traceback

TIMEOUT = 10  # seconds, for anything that is to come
SUPPRESSIONS = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'lsan.supp')
GUEST_MAC = bytes.fromhex('525400123456')


class Failure(AssertionError):
    """A test found something wrong; the text says what."""


class Skip(Exception):
    """This case says nothing about the program under test; the text says why."""


def show(v):
    text = repr(v)
    return text if len(text) < 120 else text[:110] + '...'


def eq(got, want, what='value'):
    if got != want:
        raise Failure(f'{what} is {show(got)}, not {show(want)}')


def ok(condition, what):
    if not condition:
        raise Failure(what)


def until(condition, what, timeout=TIMEOUT):
    """Waits for condition() to be true, and returns it."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        r = condition()
        if r:
            return r
        time.sleep(0.01)
    raise Failure(f'{what} did not come')


def frame(payload=b'hello', dst=b'\xff' * 6, src=GUEST_MAC, ethertype=0x88b5):
    return dst + src + ethertype.to_bytes(2, 'big') + payload


def program():
    return os.path.abspath(sys.argv[1])


def probe_plugin():
    return sys.argv[2]


class Qmp:
    """A client of -qmp unix:PATH,server=on."""

    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(TIMEOUT)
        # The path is there a moment before the program listens.
        until(lambda: self.sock.connect_ex(path) == 0, path)
        self.lines = self.sock.makefile()
        self.lines.readline()
        self.cmd('qmp_capabilities')

    def ask(self, name, **arguments):
        self.sock.sendall(json.dumps({'execute': name, 'arguments': arguments}).encode())
        while True:
            answer = json.loads(self.lines.readline())
            if 'event' not in answer:
                return answer

    def cmd(self, name, **arguments):
        answer = self.ask(name, **arguments)
        ok('return' in answer, f'{name}: {answer}')
        return answer['return']


class Tenon:
    """A machine with nothing but a back end and the probe on netdev n; {name} in options stands for a descriptor."""

    def __init__(self, options, netdev='n', probe='', extra_probes=(), **fds):
        self.sock, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.more = []
        self.up = None
        inherit = [theirs, *fds.values()]
        numbers = {k: v.fileno() for k, v in fds.items()}
        line = f'-M none -accel qtest -nodefaults -display none -plugin {probe_plugin()} {options.format(**numbers)}'
        line += f' -device net-probe,netdev={netdev},fd={theirs.fileno()}{probe}'
        for other in extra_probes:
            here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            self.more.append(here)
            inherit.append(there)
            line += f' -device net-probe,netdev={other},fd={there.fileno()}'
        self.err = tempfile.TemporaryFile(mode='w+')
        self.process = subprocess.Popen([program(), *shlex.split(line)], stdin=subprocess.DEVNULL, stdout=self.err,
                                        stderr=self.err, pass_fds=[s.fileno() for s in inherit],
                                        env={**os.environ, 'LSAN_OPTIONS': f'suppressions={SUPPRESSIONS}:print_suppressions=0'})
        for s in (theirs, *inherit[1 + len(fds):]):
            s.close()

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        status = self.close()
        if kind is None:
            eq(status, 0, 'exit status')
        else:
            print('# ' + self.text().replace('\n', '\n# '))

    def close(self):
        """Ends the machine in good order; its exit status."""
        if self.process.poll() is None:
            self.process.terminate()
        status = self.process.wait(TIMEOUT)
        self.sock.close()
        return status

    def text(self):
        self.err.seek(0)
        return self.err.read()

    def wait_exit(self):
        """It ends by itself: status and what it said."""
        status = self.process.wait(TIMEOUT)
        self.sock.close()
        return status, self.text()

    def send(self, data, port=None):
        (port or self.sock).sendall(data)

    def recv(self, timeout=TIMEOUT, port=None):
        """The next frame for the guest; link changes are left out. None: nothing came."""
        end = time.monotonic() + timeout
        while True:
            port_ = port or self.sock
            ready, _, _ = select.select([port_], [], [], max(0, end - time.monotonic()))
            if not ready:
                return None
            data = port_.recv(1 << 17)
            ok(data, 'the machine has ended')
            if not self.is_link(data):
                return data

    def is_link(self, data):
        if data not in (b'LNK0', b'LNK1'):
            return False
        self.up = data == b'LNK1'
        return True

    def wait_link(self, up=True):
        """Returns when the last change of the link was to up; a frame before that is a failure."""
        self.sock.settimeout(TIMEOUT)
        while self.up != up:
            data = self.sock.recv(1 << 17)
            ok(self.is_link(data), f'{show(data)} is no change of the link')


def fails(options, *words, **fds):
    """This line ends with status 1 and one line that has all words."""
    t = Tenon(options, **fds)
    status, text = t.wait_exit()
    eq(status, 1, 'exit status')
    lines = [x for x in text.splitlines() if 'warning' not in x]
    eq(len(lines), 1, 'number of lines of ' + repr(text))
    for w in words:
        ok(w in lines[0], f'{w!r} is not in {lines[0]!r}')


# ---- the tests of a file ----

CASES = []


def test(f):
    CASES.append(f)
    return f


def run(f):
    """'ok', a skip's reason behind '# SKIP ', or None."""
    try:
        f()
        return ''
    except Skip as e:
        return f' # SKIP {e}'
    except Exception:  # whatever it is, the other cases go on
        print('# ' + traceback.format_exc().replace('\n', '\n# '))
        return None


def main():
    wanted = sys.argv[3:]
    cases = [f for f in CASES if not wanted or f.__name__ in wanted]
    print(f'1..{len(cases)}', flush=True)
    bad = 0
    for i, f in enumerate(cases, 1):
        r = run(f)
        bad += r is None
        print(f'{"not ok" if r is None else "ok"} {i} - {f.__name__}{r or ""}', flush=True)
    sys.exit(bad != 0)
