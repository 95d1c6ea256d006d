#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""HMP over terminals, sockets and human-monitor-command."""
import os
import re
import time

import hmp
import qtest
from hmp import Socket, Terminal
from qtest import eq, ok

UP, DOWN, RIGHT, LEFT, HOME, END, DELETE = '\x1b[A', '\x1b[B', '\x1b[C', '\x1b[D', '\x1b[H', '\x1b[F', '\x1b[3~'
CTRL_LEFT, CTRL_RIGHT = '\x1b[1;5D', '\x1b[1;5C'
CTRL_A = '\x01'


def ctrl(letter):
    return chr(ord(letter) & 0x1f)


def edited(t, keys):
    """What comes of the line that these keys leave: they are followed by Enter."""
    t.send(keys + '\r')
    t.until(b'\r\n')
    return t.answer()


# ---- what is not there ----

@qtest.test
def says_what_is_not_there():
    """info and commands about what this host never has: in QEMU's words"""
    with Socket(machine='q35') as s:
        for line, text in (('info block-jobs', 'No active jobs'), ('info capture', ''), ('info cryptodev', ''), ('info tpm', ''),
                           ('info replay', 'Record/replay is not active'), ('info sev', 'SEV is not enabled'),
                           ('info usb', 'Error: USB support not enabled'), ('info vcpu_dirty_limit', 'Dirty page limit not enabled!'),
                           ('info vm-generation-id', 'Error: VM Generation ID device not found'),
                           ('mouse_set 99', "Error: Mouse at index '99' not found")):
            eq(s.command(line), f'{text}\n' if text else '', line)
        if not qtest.QEMU:
            eq(s.command('info jit'), 'Error: JIT information is only available with accel=tcg\n')
            eq(s.command('info opcount'), 'Error: Opcode count information is only available with accel=tcg\n')
            eq(s.command('one-insn-per-tb on'), 'This accelerator does not support setting one-insn-per-tb\n')
        ok('extraneous characters' in s.command('info block-jobs x'), 'extraneous characters')


@qtest.test
def boot_order():
    """boot_set: what firmware finds in the CMOS; mistakes change nothing"""
    with Socket(machine='q35') as s:
        def order():
            said = ''
            for reg in 0x3d, 0x38:
                s.command(f'o /b 0x70 {reg}')
                said += s.command('i /b 0x71').split('=')[1].strip() + ' '
            return said
        eq(s.command('boot_set nc'), 'boot device list now set to nc\n')
        eq(order().split()[0], '0x24')
        for line, text in (('z', "Invalid boot device 'z'"), ('cc', "Boot device 'c' was given twice")):
            ok(text in s.command(f'boot_set {line}'), line)
        eq(order().split()[0], '0x24', 'after mistakes')
        s.command('system_reset')
        eq(order().split()[0], '0x24', 'after a reset')
        ok('string expected' in s.command('boot_set'), 'boot_set')


@qtest.test(tenon='other devices')
def brief_tree():
    """info qtree -b: the tree without properties; info virtio: the virtio devices"""
    with Socket('-device virtio-rng-pci,id=r0', machine='q35') as s:
        text = s.command('info qtree -b')
        ok('dev: virtio-rng-pci, id "r0"' in text and ' = ' not in text and 'class ' not in text, text)
        ok(' = ' in s.command('info qtree'), 'info qtree')
        eq(s.command('info virtio'), '/machine/peripheral/r0/virtio-backend [virtio-rng]\n')


@qtest.test
def set_as_json():
    """qom-set -j: the value is JSON"""
    with Socket('-object throttle-group,id=g', machine='q35') as s:
        limit = '/objects/g x-iops-total'
        # QEMU's are for start only
        said = s.command(f'qom-set -j {limit} 7')
        ok(said == '' or qtest.QEMU, said)
        ok(s.command(f'qom-get {limit}') == '7\n' or qtest.QEMU, 'the limit')
        ok('rror' in s.command(f'qom-set -j {limit} "many"'), 'a text')
        ok('rror' in s.command(f'qom-set -j {limit} {{'), 'half an object')


# ---- a terminal ----

@qtest.test
def greeting():
    """a terminal is greeted as QEMU does"""
    with Terminal() as t:
        ok(re.fullmatch(rb"QEMU \d+\.\d+\.\d+ monitor - type 'help' for more information\r+\n\(qemu\) ", t.greeting),
           f'the greeting is {t.greeting!r}')


@qtest.test
def quit_ends_with_status_0():
    """quit ends the program with status 0 and puts the terminal back"""
    with Terminal() as t:
        t.send('quit\r')
        t.process.wait(qtest.TIMEOUT)
        eq(t.process.returncode, 0, 'exit status')


@qtest.test(tenon='a character that is typed is echoed once')
def echo():
    """what is typed is echoed byte for byte"""
    with Terminal() as t:
        t.send('info name')
        eq(t.until(b'name'), b'info name', 'the echo')


@qtest.test
def editing_keys():
    """keys of emacs and of terminals edit the line"""
    cases = [
        ('p 12' + ctrl('b') + '3', '132'),
        ('p 13' + LEFT + '2', '123'),
        ('12' + HOME + 'p ', '12'),
        ('12' + ctrl('a') + 'p ' + ctrl('e') + '3', '123'),
        ('p 129\x7f3', '123'),
        ('p 1923' + LEFT * 2 + '\x7f', '123'),
        ('p 1293' + LEFT * 2 + DELETE, '123'),
        ('p 1293' + LEFT * 2 + ctrl('d'), '123'),
        ('p 1 junk' + ctrl('w'), '1'),
        ('junk p 5' + HOME + '\x1bd' + ctrl('d'), '5'),
        ('p 7+8' + ctrl('b') * 2 + ctrl('k'), '7'),
        ('junk' + ctrl('u') + 'p 9', '9'),
        ('p 3' + ctrl('u') + ctrl('y'), '3'),
        ('p 1+1' + CTRL_LEFT * 2 + '4' + END + '1', '52'),
    ]
    with Terminal() as t:
        t.command('p /d 0')
        for keys, want in cases:
            eq(edited(t, keys), want + '\n', f'what {keys!r} leaves')


@qtest.test
def history():
    """Up and Down recall lines, C-r searches them, info history lists them"""
    with Terminal() as t:
        for line in ('p /d 1', 'p 2', 'p 3'):
            t.command(line)
        eq(edited(t, UP + UP), '2\n', 'two lines up')
        eq(edited(t, 'half' + UP + UP + DOWN + DOWN + ctrl('u') + 'p 4'), '4\n', 'down again')
        eq(edited(t, ctrl('r') + '/d'), '1\n', 'what C-r finds')
        eq(edited(t, ctrl('r') + 'p' + ctrl('g') + 'p 5'), '5\n', 'a search given up')
        lines = t.command('info history').splitlines()
        eq(lines[-2:], ["4: 'p 5'", "5: 'info history'"], 'the end of the history')


@qtest.test
def completion():
    """Tab completes commands, subcommands, and lists what there is"""
    with Terminal() as t:
        eq(edited(t, 'info uu\t'), '00000000-0000-0000-0000-000000000000\n', 'info uuid')
        t.send('system_\t\t')
        shown = t.until(b'system_wakeup')
        ok(b'system_reset' in shown and b'system_powerdown' in shown, f'the list is {shown!r}')
        t.until(b'(qemu) system_')
        eq(edited(t, ctrl('u') + 'p /d 6'), '6\n', 'the line after the list')
        t.send('help info stat\t\t')
        t.until(b'status')
        t.send(ctrl('u'))
        t.until(hmp.PROMPT)
        eq(edited(t, 'he\tstop'), 'stop|s  -- stop emulation\n', 'help stop')
        eq(edited(t, 'object_add memory-backend-r\t'), 'Error: Parameter \'id\' is missing\n', 'a type')


@qtest.test
def narrow_terminal():
    """a line that is wider than the terminal stays in one row"""
    with Terminal(cols=30) as t:
        line = 'p /d ' + '+'.join(['1'] * 50)
        t.send(line)
        t.until(b'1')
        time.sleep(0.2)
        t.send(HOME + END)
        time.sleep(0.2)
        shown = t.got + t.receive(1)
        t.got = b''
        for row in re.split(rb'\r', re.sub(rb'\x1b\[[0-9;]*[A-Za-z]', b'', shown)):
            ok(len(row) <= 30, f'a row is {row!r}')
        eq(edited(t, ''), '50\n', 'its value')


@qtest.test
def typed_ahead():
    """lines that are sent at once are run one after the other"""
    with Terminal() as t:
        t.send('p /d 1\rp 2\rinfo name\rp 3\r')
        text = t.until(b'\n3\r\r\n(qemu) ')
        eq(re.findall(rb'^\d+', text.replace(b'\r', b''), re.M), [b'1', b'2', b'3'], 'the answers')


@qtest.test
def garbage():
    """bytes that no keyboard sends do no harm"""
    with Terminal() as t:
        t.send(bytes(b for b in range(256) if b not in (3, 4, 10, 13, 17, 19, 26, 28, 127)) * 3 + b'\x1b[' + b'9' * 500)
        t.send('m' + ctrl('u') + ctrl('g') + ctrl('u') + '\r')
        t.until(hmp.PROMPT)
        t.send(ctrl('e') + ctrl('u') + 'p /d 77\r')
        t.until(b'\n77\r\r\n')


@qtest.test
def before_the_machine():
    """with -preconfig only what needs no machine is answered, until exit_preconfig"""
    with Terminal('-monitor stdio -preconfig') as t:
        for line in ('info status', 'x 0', 'info registers', 'device_add edu', 'system_reset'):
            ok('not available with -preconfig until machine initialization has completed.' in t.command(line), line)
        eq(t.command('info uuid'), '00000000-0000-0000-0000-000000000000\n', 'info uuid')
        ok(re.match(r'\d+\.\d+', edited(t, 'info vers\t')), 'info version')
        eq(edited(t, 'device_del \t' + ctrl('u') + 'info name'), '', 'completion')
        t.command('exit_preconfig')
        ok(t.command('info status').startswith('VM status: '), 'the machine')


@qtest.test
def script_from_a_pipe():
    """lines from a pipe are all run, though it has ended, and what they say arrives"""
    lines = 'info status\np /d 1+1\nhelp\nxp /65536xb 0\np 3\nquit\n'
    run = hmp.subprocess.run([*qtest.command_line('-m 4M -monitor stdio', qtest.BARE)], input=lines, text=True,
                             capture_output=True, timeout=qtest.TIMEOUT)
    eq(run.returncode, 0, 'exit status')
    ok('VM status: ' in run.stdout and '\n2\n' in run.stdout.replace('\r', ''), run.stdout[:300])
    ok('000000000000fff8: 0x00' in run.stdout and run.stdout.endswith('(qemu) quit\n'), run.stdout[-100:])


@qtest.test
def commands_of_a_client_that_leaves():
    """what a client asks for before it leaves is done; the next one sees nothing of it"""
    with Socket() as t:
        t.send('info status\rxp /4096xb 0\rstop\r')
        t.hang_up()
        t.connect()
        ok(t.silent(), f'the next client gets {t.got!r}')
        eq(t.command('info status'), 'VM status: paused\n', 'status')


# ---- a socket ----

@qtest.test
def socket_comes_again():
    """each connection begins with the greeting; history stays"""
    with Socket() as t:
        t.command('p /d 8')
        t.send('half a li')
        t.hang_up()
        t.connect()
        ok(t.greeting.startswith(b'QEMU '), f'the greeting is {t.greeting!r}')
        eq(edited(t, UP), '8\n', 'the line before')


@qtest.test
def reader_that_does_not_read():
    """a monitor that nobody reads from does not hold up the machine"""
    with Socket() as t:
        for _ in range(200):
            t.send('xp /8192xb 0\r')
            if not hmp.select.select([], [t.fd], [], 0.02)[1]:
                break
        time.sleep(0.2)
        t.hang_up()
        t.connect()
        eq(t.command('p /d 9'), '9\n', 'the next one')


@qtest.test
def long_output():
    """much output arrives as a whole"""
    with Socket('-m 4M') as t:
        text = t.command('xp /65536xb 0')
        eq(text.count('\n'), 8192, 'lines')
        eq(text.splitlines()[-1], '000000000000fff8:' + ' 0x00' * 8, 'the last one')


@qtest.test
def vanishes_in_mid_command():
    """a client that goes while its command runs costs the machine nothing"""
    with Socket() as t:
        for _ in range(20):
            t.send('help\rinfo\rxp /65536xb 0\r')
            t.hang_up()
            t.connect()
        eq(t.command('info status'), 'VM status: running\n', 'status')


# ---- mux with the serial port ----

MUX = '-serial mon:stdio'
SERIAL = 0x3f8


class Muxed:
    """A terminal with a serial port and a monitor, and a qtest connection for the port's side."""

    def __enter__(self):
        self.listener = qtest.Listener()
        self.t = Terminal(f'{MUX} -qtest unix:{self.listener.path} -qtest-log /dev/null',
                          machine='microvm,isa-serial=on,rtc=on,pit=off,pic=off', greeting=False)
        self.lines = qtest.Lines(self.listener.accept())
        return self

    def __exit__(self, *how):
        self.t.__exit__(*how)
        self.listener.close()

    def ask(self, line):
        self.lines.write(line)
        return self.lines.read().split()

    def put(self, text):
        for c in text.encode():
            self.ask(f'outb {SERIAL:#x} {c:#x}')

    def get(self, n):
        got = bytearray()
        end = time.monotonic() + 5
        while len(got) < n and time.monotonic() < end:
            if int(self.ask(f'inb {SERIAL + 5:#x}')[1], 0) & 1:
                got.append(int(self.ask(f'inb {SERIAL:#x}')[1], 0))
        return bytes(got)


@qtest.test
def mux_begins_with_the_guest():
    """what is typed at first goes to the serial port, and the monitor says nothing"""
    with Muxed() as m:
        m.put('login: ')
        eq(m.t.until(b'login: '), b'login: ', 'the terminal')
        m.t.send('root')
        eq(m.get(4), b'root', 'what the guest reads')
        ok(m.t.silent(), 'the monitor speaks')


@qtest.test
def mux_switches():
    """C-a c goes to the monitor, and back; each keeps what it had"""
    with Muxed() as m:
        m.t.send(CTRL_A + 'c')
        ok(m.t.until(hmp.PROMPT).startswith(b'QEMU '), 'no greeting')
        eq(m.t.command('p /d 5'), '5\n', 'a command')
        m.t.send('p 6')
        m.t.until(b'p 6')
        m.t.send(CTRL_A + 'c')
        m.t.until(b'\r\n')
        m.t.send('x')
        eq(m.get(1), b'x', 'what the guest reads')
        m.put('y')
        m.t.until(b'y')
        m.t.send(CTRL_A + 'c')
        m.t.until(hmp.PROMPT + b'p 6')
        eq(edited(m.t, ''), '6\n', 'the line that was begun')


@qtest.test
def mux_escapes():
    """C-a h helps, C-a C-a is itself, C-a b is a break, C-a x ends the program"""
    with Muxed() as m:
        m.t.send(CTRL_A + 'h')
        m.t.until(b'C-a x')
        time.sleep(0.1)
        m.t.receive(0.1)
        m.t.got = b''
        m.t.send(CTRL_A + CTRL_A + 'z')
        eq(m.get(2), b'\x01z', 'what the guest reads')
        m.t.send(CTRL_A + 'b')
        end = time.monotonic() + 5
        while not int(m.ask(f'inb {SERIAL + 5:#x}')[1], 0) & 0x10:
            ok(time.monotonic() < end, 'no break came')
        m.t.send(CTRL_A + 'x')
        m.t.process.wait(qtest.TIMEOUT)
        eq(m.t.process.returncode, 0, 'exit status')


@qtest.test
def mux_hears_though_the_guest_does_not():
    """C-a c works when the guest has not read what was typed"""
    with Muxed() as m:
        m.t.send('nobody reads this' * 20)
        m.t.send(CTRL_A + 'c')
        m.t.until(hmp.PROMPT)
        eq(m.t.command('p /d 2'), '2\n', 'a command')
        m.t.send(CTRL_A + 'c')
        eq(m.get(17), b'nobody reads this', 'what the guest reads')


@qtest.test
def mux_stamps():
    """C-a t puts the time in front of each line, until it is typed again"""
    with Muxed() as m:
        m.t.send(CTRL_A + 't')
        m.t.send('x')
        eq(m.get(1), b'x', 'what the guest reads')
        m.put('one\ntwo\nth')
        got = m.t.until(b'th').replace(b'\r', b'')
        ok(re.fullmatch(rb'one\n(\[00:00:\d\d\.\d{3}\] )two\n\[00:00:\d\d\.\d{3}\] th', got), f'lines are {got!r}')
        m.t.send(CTRL_A + 't')
        m.t.send('x')
        eq(m.get(1), b'x', 'what the guest reads')
        m.put('ree\nfour')
        eq(m.t.until(b'four').replace(b'\r', b''), b'ree\nfour', 'lines')


@qtest.test
def mux_holds_the_monitor_back():
    """what the monitor says waits until the terminal is its own"""
    with Muxed() as m:
        m.t.send(CTRL_A + 'c')
        m.t.until(hmp.PROMPT)
        m.t.send('xp /65536xb 0\r' + CTRL_A + 'c')
        while m.t.receive(0.3): # what the terminal had been given already
            pass
        m.t.got = b''
        m.put('guest')
        eq(m.t.until(b'guest'), b'guest', 'the terminal')
        m.t.send(CTRL_A + 'c')
        m.t.until(b'000000000000fff8:')
        m.t.until(hmp.PROMPT)
        eq(m.t.command('p /d 1'), '1\n', 'the monitor goes on')


# ---- human-monitor-command ----

def hmc(m, line, **more):
    return m.qmp.command('human-monitor-command', **{'command-line': line, **more})


@qtest.test
def by_qmp():
    """human-monitor-command returns the text, with lines that end in CR LF"""
    with qtest.Machine(qmp=True) as m:
        eq(hmc(m, 'info status'), 'VM status: running\r\n', 'info status')
        eq(hmc(m, ''), '', 'an empty line')
        eq(hmc(m, '   '), '', 'blanks')
        eq(hmc(m, 'nosuch'), "unknown command: 'nosuch'\r\n", 'an unknown command')
        eq(hmc(m, 'info nosuch'), "unknown command: 'info nosuch'\r\n", 'an unknown subcommand')
        eq(hmc(m, 'stop'), '', 'stop')
        eq(hmc(m, 'info status'), 'VM status: paused\r\n', 'info status')
        eq(hmc(m, 'c'), '', 'c')
        eq(hmc(m, 'info history'), '', 'no terminal, no history')
        ok('CPU#0' in hmc(m, 'info registers', **{'cpu-index': 0}), 'cpu-index')
        try:
            hmc(m, 'info registers', **{'cpu-index': 7})
        except qtest.Failure as e:
            ok("Parameter 'cpu-index' expects a CPU number" in str(e), str(e))
        else:
            ok(False, 'a processor that is not there')


@qtest.test
def exact_texts():
    """usage errors, numbers and dumps are QEMU's to the letter"""
    cases = [
        ('stop x', 'stop|s: extraneous characters at the end of line\nTry "help stop" for more information\n'),
        ('info status x', 'status: extraneous characters at the end of line\n'
                          'Try "help info status" for more information\n'),
        ('help nosuch', "unknown command: 'nosuch'\n"),
        ('help stop', 'stop|s  -- stop emulation\n'),
        ('? s', 'stop|s  -- stop emulation\n'),
        ('help info status', 'info status  -- show the current VM status (running|paused)\n'),
        ('help info nosuch', "unknown command: 'info nosuch'\n"),
        ('x', 'unexpected end of expression\nTry "help x" for more information\n'),
        ('xp /4xw 0', '0000000000000000: 0x00000000 0x00000000 0x00000000 0x00000000\n'),
        ('xp/9xb 0', '0000000000000000: 0x00 0x00 0x00 0x00 0x00 0x00 0x00 0x00\n0000000000000008: 0x00\n'),
        ('xp /3xg 0', '0000000000000000: 0x0000000000000000 0x0000000000000000\n'
                      '0000000000000010: 0x0000000000000000\n'),
        ('xp /0x 0', ''),
        ('xp /4z 0', 'invalid char in format: \'z\'\nTry "help xp" for more information\n'),
        ('xp /-1x 0', 'invalid char in format: \'-\'\nTry "help xp" for more information\n'),
        ('xp /x 0xfff00000000', '00000fff00000000: Cannot access memory\n'),
        ('p /x 255', '0xff\n'), ('p /d 0xff', '255\n'), ('p /c 65', "'A'\n"), ('p /o 8', '010\n'),
        ('p /u -1', '18446744073709551615\n'), ('p /d 5&3|8', '9\n'),
        ('p $nosuch', 'unknown register\nTry "help p" for more information\n'),
        ('p 1/0', 'division by zero\nTry "help p" for more information\n'),
        ('p (1', '\')\' expected\nTry "help p" for more information\n'),
        ('p 1)', 'print|p: extraneous characters at the end of line\nTry "help p" for more information\n'),
        ('p !1', 'invalid char \'!\' in expression\nTry "help p" for more information\n'),
        ('p 99999999999999999999', 'number too large\nTry "help p" for more information\n'),
        ('sum 0 16', '00000\n'),
        ('i /b 0x71ff', 'portb[0x71ff] = 0xff\n'), ('i /h 0x71ff', 'portw[0x71ff] = 0xffff\n'),
        ('i /w 0x71ff', 'portl[0x71ff] = 0xffffffff\n'),
        ('i /l 0', 'invalid char in format: \'l\'\nTry "help i" for more information\n'),
        ('cpu 0', ''), ('cpu 7', 'invalid CPU index\n'),
        ('cpu -1', '\'cpu\' has failed: integer is for 32-bit values\nTry "help cpu" for more information\n'),
        ('info registers 3', 'CPU#3 not available\n'),
        ('info registers -z', 'registers: unsupported option -z\nTry "help info registers" for more information\n'),
        ('info mem', 'PG disabled\n'), ('info tlb', 'PG disabled\n'), ('gva2gpa 0x123', 'gpa: 0x123\n'),
        ('info kvm', 'kvm support: disabled\n'),
    ]
    with qtest.Machine(qmp=True) as m:
        for line, want in cases:
            eq(hmc(m, line), want.replace('\n', '\r\n'), line)


@qtest.test(tenon='what it has in memory differs')
def memory():
    """x and xp show what the guest has in memory, in each format"""
    with qtest.Machine('-m 4M', qmp=True) as m:
        m.write(0x1000, b"AB'\n\x80\xff\x01\x02" + bytes(range(24)))
        eq(hmc(m, 'xp /2xw 0x1000'), '0000000000001000: 0x0a274241 0x0201ff80\r\n', '/xw')
        eq(hmc(m, 'x /2xw 0x1000'), '0000000000001000: 0x0a274241 0x0201ff80\r\n', 'x before paging')
        eq(hmc(m, 'xp /2dh 0x1004'), '0000000000001004: 65408   513\r\n', '/dh')
        eq(hmc(m, 'xp /1ub 0x1005'), '0000000000001005: 255\r\n', '/ub')
        eq(hmc(m, 'xp /2ob 0x1004'), '0000000000001004: 0200 0377\r\n', '/ob')
        eq(hmc(m, 'xp /6c 0x1000'), "0000000000001000: 'A' 'B' '\\'' '\\n' '\\x80' '\\xff'\r\n", '/c')
        eq(hmc(m, 'xp /1xg 0x1000+8*1'), '0000000000001008: 0x0706050403020100\r\n', 'an expression')
        eq(hmc(m, 'sum 0x1000 2'), f'{((0x41 >> 1 | 0x41 << 15) & 0xffff) + 0x42:05d}\r\n', 'sum')
        ok('at most' in hmc(m, 'xp /4294967295xg 0'), 'a dump without end')


@qtest.test
def ports():
    """i and o reach a device's ports"""
    with qtest.Machine('-device isa-serial', qmp=True) as m:
        eq(hmc(m, 'o /b 0x3ff 0x5a'), '', 'o')
        eq(m.inb(0x3ff), 0x5a, 'the scratch register')
        eq(hmc(m, 'i /b 0x3ff'), 'portb[0x03ff] = 0x5a\r\n', 'i')


@qtest.test
def registers_after_reset():
    """info registers shows the state after reset where no processor runs"""
    with qtest.Machine(qmp=True) as m:
        text = hmc(m, 'info registers')
        ok(text.startswith('\r\nCPU#0\r\nEAX='), text[:40])
        for line in ('EIP=0000fff0 EFL=00000002 [-------] CPL=0 II=0 A20=1 SMM=0 HLT=0',
                     'CS =f000 ffff0000 0000ffff 00009b00', 'CR0=60000010 CR2=00000000 CR3=00000000 CR4=00000000',
                     'FCW=037f FSW=0000 [ST=0] FTW=00 MXCSR=00001f80'):
            ok(line in text, f'no "{line}" in {text}')
        eq(hmc(m, 'info registers -a'), text, '-a of one processor')
        eq(hmc(m, 'p /x $eip'), '0xfff0\r\n', '$eip')
        eq(hmc(m, 'p /x $cs.base'), '0xffff0000\r\n', '$cs.base')
        eq(hmc(m, 'p /x $pc'), '0xfffffff0\r\n', '$pc')


@qtest.test(tenon='its machine has an 8259 too')
def interrupt_controller():
    """info pic shows the I/O APIC's entries and inputs, and leaves its registers as the guest has them"""
    with qtest.Machine('-device isa-serial', machine='q35', qmp=True) as m:
        for reg, v in ((0x10 + 2 * 4, 0x8931), (0x11 + 2 * 4, 0x02000000), (0x01, 0)):
            m.writel(0xfec00000, reg)
            if reg > 1:
                m.writel(0xfec00010, v)
        text = hmc(m, 'info pic').split('\r\n')
        eq(text[0], 'ioapic0: ver=0x20 id=0x00 sel=0x01', 'the head')
        eq(text[5], '  pin 4  0x0200000000008931 dest=2 vec=49  active-hi level        lowest logical', 'pin 4')
        eq(text[25:27], ['  IRR      (none)', '  Remote IRR (none)'], 'the inputs')
        eq(m.readl(0xfec00000), 1, 'the selected register')


@qtest.test
def formats_are_remembered():
    """what a format leaves out is as it was last"""
    with qtest.Machine('-m 4M', qmp=True) as m:
        hmc(m, 'xp /1xb 0')
        eq(hmc(m, 'xp /2 0'), '0000000000000000: 0x00 0x00\r\n', 'the size')
        eq(hmc(m, 'p 16'), '0x10\r\n', 'the format')
        hmc(m, 'p /d 0')
        eq(hmc(m, 'p 16'), '16\r\n', 'the format')


@qtest.test
def help_lists_everything():
    """help and info list commands in order, each of which help knows alone"""
    with qtest.Machine(qmp=True) as m:
        commands = hmc(m, 'help').split('\r\n')[:-1]
        names = [line.split(' ')[0] for line in commands]
        eq(names, sorted(names), 'the names')
        eq(len(names), len(set(names)), 'how many there are')
        for line in commands:
            ok(' -- ' in line, f'"{line}" has no help')
            if not line.startswith('info '):
                eq(hmc(m, 'help ' + line.split(' ')[0].split('|')[0]), line + '\r\n', 'help of one')
        subs = hmc(m, 'info').split('\r\n')[:-1]
        eq(hmc(m, 'help info'), hmc(m, 'info'), 'help info')
        for line in subs:
            eq(hmc(m, 'help ' + ' '.join(line.split(' ')[:2])), line + '\r\n', 'help of one')


@qtest.test
def keys_are_typed():
    """sendkey presses and releases keys in order, one chord after the other, in guest time (set 2)"""
    with qtest.Machine('-device i8042', qmp=True) as m:
        def codes(n):
            got = []
            for _ in range(n):
                m.until(lambda: m.inb(0x64) & 1, 'a scan code')
                got.append(m.inb(0x60))
            eq(m.inb(0x64) & 1, 0, 'more scan codes')
            return got
        eq(hmc(m, 'sendkey a'), '', 'sendkey')
        eq(hmc(m, 'sendkey shift-0x30 10'), '', 'sendkey')
        eq(codes(1), [0x1c], 'a is pressed')
        m.step(99_000_000)
        eq(m.inb(0x64) & 1, 0, 'it is held')
        m.step(1_000_000)
        eq(codes(4), [0xf0, 0x1c, 0x12, 0x32], 'a is released, the next two are pressed')
        m.step(10_000_000)
        eq(codes(4), [0xf0, 0x32, 0xf0, 0x12], 'they are released in reverse')
        eq(hmc(m, 'sendkey a-nosuch'), 'invalid parameter: nosuch\r\n', 'an unknown key')
        ok('too many keys' in hmc(m, 'sendkey ' + '-'.join('abcdefghijklmnopq')), 'seventeen keys')
        m.qmp.command('input-send-event', events=[
            {'type': 'key', 'data': {'down': True, 'key': {'type': 'qcode', 'data': 'spc'}}},
            {'type': 'key', 'data': {'down': False, 'key': {'type': 'qcode', 'data': 'spc'}}}])
        eq(codes(3), [0x29, 0xf0, 0x29], 'input-send-event')


@qtest.test(tenon='its log items are others')
def logs():
    """log and logfile say what is logged and where to, while the machine runs"""
    path = os.path.join(qtest.Setup.get().folder, 'log')
    with qtest.Machine(qmp=True) as m:
        eq(hmc(m, 'log guest_errors'), '', 'log')
        eq(hmc(m, f'logfile {path}'), '', 'logfile')
        eq(hmc(m, f'logfile {path}2'), '', 'another')
        ok(os.path.exists(path + '2'), 'there is no log')
        ok(hmc(m, 'log guest_errors,nosuch').startswith('Log items (comma separated):\r\n'), 'the items')
        eq(hmc(m, 'log none'), '', 'log none')
        eq(hmc(m, 'logfile /nosuch/x'), 'Error opening logfile /nosuch/x: No such file or directory\r\n', 'logfile')


@qtest.test(tenon='needs a guest of this build')
def processors():
    """on KVM: registers, memory and page tables of processors that run, and of the one that cpu chose"""
    guest = os.environ.get('GUESTS', '') + '/smp.elf'
    if not os.path.exists(guest) or not os.access('/dev/kvm', os.W_OK):
        raise qtest.Skip('no /dev/kvm, or no guest')
    command = [*qtest.PROGRAM, '-accel', 'kvm', '-M', 'q35', '-m', '64M', '-smp', '2', '-nodefaults', '-display', 'none',
               '-kernel', guest, '-append', 'rounds=1000000000', '-device', 'isa-debug-exit,iobase=0xf4,iosize=4',
               '-serial', 'null', '-monitor', 'stdio']
    with Terminal(command=command) as t:
        end = time.monotonic() + 10
        while (text := t.command('info registers -a')).count('CS64 [-RA]') < 2:
            ok(time.monotonic() < end, f'the guest is not in 64-bit mode: {text}')
        for line in (r'RAX=[0-9a-f]{16} RBX=', r'CS =0008 0{16} ffffffff 00a09b00 DPL=0 CS64 \[-RA\]$',
                     r'TR =0020 0{16} 00000067 00008b00 DPL=0 TSS64-busy$', r'CR0=80000011 CR2=0{16} CR3=',
                     r'EFER=0000000000000500$', r'XMM14=.* XMM15='):
            ok(re.search(line, text, re.M), f'no {line} in {text}')
        t.command('stop')
        rip = int(t.command('p /x $rip'), 16)
        eq(t.command('x /4xb $rip').split(':')[0], f'{rip:016x}', 'where x looks')
        ok(re.match(r'0{16}-[0-9a-f]{16} [0-9a-f]{16} -rw\n', t.command('info mem')), 'info mem')
        ok(re.match(r'0{16}: 0{16} --P[D-][A-]---W\n', t.command('info tlb')), 'info tlb')
        eq(t.command('gva2gpa 0x201234'), 'gpa: 0x201234\n', 'gva2gpa')
        eq(t.command('x /1xg 0xfffff00000000000'), 'fffff00000000000: Cannot access memory\n', 'what is not mapped')
        t.command('cpu 1')
        ok('\nCPU#1\n' in t.command('info registers'), 'the chosen one')
        eq(t.command('info registers -a').count('CPU#'), 2, 'processors')
        cpus = t.command('info cpus').splitlines()
        ok(re.match(r'  CPU #0: thread_id=\d+$', cpus[0]) and re.match(r'\* CPU #1: thread_id=\d+$', cpus[1]), cpus)
        ok(re.search(r'^SPIV\t 0x00000[01]ff APIC (en|dis)abled', t.command('info lapic'), re.M), 'info lapic')
        ok(t.command('info lapic 0').startswith('dumping local APIC state for CPU 0'), 'by APIC id')
        eq(t.command('info lapic 9'), 'No local APIC\n', 'one that is not there')
        t.command('cont')
        for _ in range(50):
            ok('CPU#1' in t.command('info registers'), 'while it runs')
        eq(t.command('info status'), 'VM status: running\n', 'status')


@qtest.test(tenon='QEMU dies of some of them')
def every_command_with_bad_arguments():
    """a command that is given nonsense answers, changes nothing, and the machine runs on"""
    bad = ['', '/', '/99999999999999999999999x', '-', '-z', '"', '"\\', '(((((', '$', '%s%n', '=', ',,,', '-1',
           '0 0 0 0 0 0 0 0 0', 'id=', '\t', '{"a":', '\u00e4\u00f6', 'a' * 3000, '../../../nosuch/x', "'", 'on off']
    os.chdir(qtest.Setup.get().folder)  # some take what is left of it for the name of a file
    no_arguments = {'quit|q', 'stop|s', 'system_reset', 'system_powerdown', 'cont|c', 'exit_preconfig', 'nmi'}
    with qtest.Machine('-m 4M', qmp=True) as m:
        lines = [w.split(' ')[0] for w in hmc(m, 'help').split('\r\n')[:-1]]
        for names in lines:
            name = names.split('|')[0]
            if name in ('savevm', 'migrate', 'info'):
                continue
            for words in bad:
                if not words.strip() and names in no_arguments or name == 'logfile' and words not in ('', '-', '"'):
                    continue
                hmc(m, f'{name} {words}')
        for line in hmc(m, 'info').split('\r\n')[:-1]:
            for words in bad:
                hmc(m, ' '.join(line.split(' ')[:2]) + ' ' + words)
        status = m.qmp.command('query-status')['status']
        ok(status in ('running', 'paused'), f'the machine is {status}')


if __name__ == '__main__':
    qtest.main()
