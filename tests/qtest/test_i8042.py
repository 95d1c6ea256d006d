#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""i8042 from the registers: IBM Personal System/2 Hardware Interface Technical Reference."""
import qtest
from qtest import eq, ok

DATA, COMMAND = 0x60, 0x64
OBF, SYS, LAST_CMD, UNLOCK, AUX = 1, 4, 8, 0x10, 0x20
KBD_INT, AUX_INT, KBD_OFF, AUX_OFF, XLATE = 1, 2, 0x10, 0x20, 0x40
ACK = 0xfa


class Controller:
    """Commands and bytes, as a driver that polls sends them."""

    def __init__(self, m):
        self.m = m

    def status(self):
        return self.m.inb(COMMAND)

    def command(self, c, *data):
        self.m.outb(COMMAND, c)
        for v in data:
            self.m.outb(DATA, v)

    def read(self):
        """The next byte, and whether it is the mouse's."""
        self.m.until(lambda: self.status() & OBF, 'a byte in the output buffer')
        aux = bool(self.status() & AUX)
        return self.m.inb(DATA), aux

    def byte(self, aux=False):
        v, a = self.read()
        eq(a, aux, 'AUX in the status')
        return v

    def bytes(self, n, aux=False):
        return [self.byte(aux) for _ in range(n)]

    def flush(self):
        while self.status() & OBF:
            self.m.inb(DATA)

    def read_command_byte(self):
        self.command(0x20)
        return self.byte()

    def keyboard(self, *data):
        for v in data:
            self.m.outb(DATA, v)
            eq(self.byte(), ACK, 'answer of the keyboard')

    def mouse(self, *data):
        for v in data:
            self.command(0xd4, v)
            eq(self.byte(aux=True), ACK, 'answer of the mouse')

    def quiet(self):
        eq(self.status() & OBF, 0, 'OBF')


def machine(**kw):
    return qtest.Machine('-device i8042', **kw)


@qtest.test
def self_test():
    """command aa answers 55 and sets the system flag"""
    with machine() as m:
        c = Controller(m)
        c.command(0xaa)
        eq(c.byte(), 0x55, 'self-test')
        ok(c.status() & SYS, 'system flag')


@qtest.test
def interface_tests():
    """commands ab and a9 find both interfaces in order"""
    with machine() as m:
        c = Controller(m)
        for command in (0xab, 0xa9):
            c.command(command)
            eq(c.byte(), 0, f'answer to {command:#x}')


@qtest.test
def command_byte():
    """the command byte is written with 60 and read with 20"""
    with machine() as m:
        c = Controller(m)
        for v in (KBD_INT | SYS, AUX_INT | KBD_OFF | XLATE, SYS):
            c.command(0x60, v)
            c.command(0x20)
            eq(c.byte(), v, 'command byte')


@qtest.test
def interfaces_off_and_on():
    """a7, a8, ad and ae turn the interfaces off and on in the command byte"""
    with machine() as m:
        c = Controller(m)
        for command, bit, on in ((0xa7, AUX_OFF, 1), (0xa8, AUX_OFF, 0), (0xad, KBD_OFF, 1), (0xae, KBD_OFF, 0)):
            c.command(command)
            c.command(0x20)
            eq(bool(c.byte() & bit), bool(on), f'command byte after {command:#x}')


@qtest.test(tenon='in QEMU the bit is always 1')
def last_write():
    """status bit 3 tells a command from data"""
    with machine() as m:
        c = Controller(m)
        c.command(0x60)
        ok(c.status() & LAST_CMD, 'bit 3 after a command')
        m.outb(DATA, KBD_INT)
        eq(c.status() & LAST_CMD, 0, 'bit 3 after data')


@qtest.test
def read_once():
    """a byte that is read leaves the buffer empty"""
    with machine() as m:
        c = Controller(m)
        c.command(0xaa)
        c.byte()
        c.quiet()


@qtest.test
def output_port():
    """d0 reads the output port: reset line and A20 are high"""
    with machine() as m:
        c = Controller(m)
        c.command(0xd0)
        eq(c.byte() & 3, 3, 'output port')
        c.command(0xdd)
        c.command(0xd0)
        eq(c.byte() & 3, 1, 'output port with A20 off')
        c.command(0xd1, 0x03)
        c.command(0xd0)
        eq(c.byte() & 3, 3, 'output port with A20 on')


@qtest.test
def echo_into_buffer():
    """d2 and d3 put a byte into the output buffer as if a device had sent it"""
    with machine() as m:
        c = Controller(m)
        c.command(0xd2, 0x5a)
        eq(c.byte(), 0x5a, "keyboard's byte")
        c.command(0xd3, 0xa5)
        eq(c.byte(aux=True), 0xa5, "mouse's byte")


@qtest.test
def keyboard_reset():
    """the keyboard acknowledges a reset and passes its test"""
    with machine() as m:
        c = Controller(m)
        c.keyboard(0xff)
        eq(c.byte(), 0xaa, 'basic assurance test')


@qtest.test
def keyboard_identify():
    """the keyboard is an MF2: ab 83, or ab 41 with translation"""
    with machine() as m:
        c = Controller(m)
        c.command(0x60, 0)
        c.keyboard(0xf2)
        eq(c.bytes(2), [0xab, 0x83], 'id')
        c.command(0x60, XLATE)
        c.keyboard(0xf2)
        eq(c.bytes(2), [0xab, 0x41], 'translated id')


@qtest.test
def keyboard_echo():
    """the keyboard answers ee with ee"""
    with machine() as m:
        c = Controller(m)
        m.outb(DATA, 0xee)
        eq(c.byte(), 0xee, 'echo')


@qtest.test
def scan_code_set():
    """the scan code set can be asked and chosen"""
    with machine() as m:
        c = Controller(m)
        c.command(0x60, 0)
        c.keyboard(0xf0, 0x00)
        eq(c.byte(), 2, 'set at power-on')
        c.keyboard(0xf0, 0x01)
        c.keyboard(0xf0, 0x00)
        eq(c.byte(), 1, 'set')


@qtest.test
def mouse_reset():
    """the mouse acknowledges a reset, passes its test and says its id"""
    with machine() as m:
        c = Controller(m)
        c.mouse(0xff)
        eq(c.bytes(2, aux=True), [0xaa, 0x00], 'test and id')


@qtest.test
def mouse_status():
    """the status has reporting, resolution and rate as they were set"""
    with machine() as m:
        c = Controller(m)
        c.mouse(0xf6)
        c.mouse(0xe8, 0x03)
        c.mouse(0xf3, 60)
        c.mouse(0xf4)
        c.mouse(0xe9)
        eq(c.bytes(3, aux=True), [0x20, 3, 60], 'status')


@qtest.test
def wheel():
    """sample rates 200, 100, 80 turn the wheel on; 200, 200, 80 two more buttons"""
    with machine() as m:
        c = Controller(m)
        for rates, ident in (((200, 100, 80), 3), ((200, 200, 80), 4)):
            for rate in rates:
                c.mouse(0xf3, rate)
            c.mouse(0xf2)
            eq(c.byte(aux=True), ident, f'id after {rates}')


@qtest.test
def mouse_read_data():
    """eb asks for a packet: nothing has moved"""
    with machine() as m:
        c = Controller(m)
        c.mouse(0xf0)
        c.mouse(0xeb)
        eq(c.bytes(3, aux=True), [0x08, 0, 0], 'packet')


@qtest.test
def interrupts():
    """a byte of the keyboard raises IRQ 1, one of the mouse IRQ 12, until it is read"""
    with machine(intercept=True) as m:
        c = Controller(m)
        c.command(0x60, KBD_INT | AUX_INT)
        m.outb(DATA, 0xee)
        eq((m.line(1), m.line(12)), (1, 0), 'IRQ 1, 12')
        eq(c.byte(), 0xee, 'echo')
        eq((m.line(1), m.line(12)), (0, 0), 'IRQ 1, 12')
        c.command(0xd4, 0xf6)
        eq((m.line(1), m.line(12)), (0, 1), 'IRQ 1, 12')
        eq(c.byte(aux=True), ACK, 'answer')
        eq((m.line(1), m.line(12)), (0, 0), 'IRQ 1, 12')


@qtest.test
def interrupts_off():
    """without the bits in the command byte bytes come without interrupts"""
    with machine(intercept=True) as m:
        c = Controller(m)
        c.command(0x60, 0)
        m.outb(DATA, 0xee)
        ok(c.status() & OBF, 'OBF')
        eq(m.line(1), 0, 'IRQ 1')


@qtest.test
def other_lines():
    """kbd-irq and mouse-irq move the lines"""
    if qtest.QEMU:
        raise qtest.Skip('QEMU 7.2 has the properties, but connects IRQ 1 and 12')
    with qtest.Machine('-device i8042,kbd-irq=3,mouse-irq=4', intercept=True) as m:
        c = Controller(m)
        c.command(0x60, KBD_INT | AUX_INT)
        m.outb(DATA, 0xee)
        eq((m.line(3), m.line(1)), (1, 0), 'IRQ 3, 1')
        eq(c.byte(), 0xee, 'echo')
        c.command(0xd4, 0xf6)
        eq((m.line(4), m.line(12)), (1, 0), 'IRQ 4, 12')


@qtest.test
def reset_request():
    """fe to the command port resets the machine"""
    with machine() as m:
        c = Controller(m)
        c.command(0x60, KBD_INT | AUX_OFF)
        m.reset(lambda: c.read_command_byte() == KBD_INT | AUX_INT)


@qtest.test
def reset_by_output_port():
    """output port bit 0 low resets the machine"""
    with machine() as m:
        c = Controller(m)
        c.command(0x60, KBD_INT | AUX_OFF)
        c.command(0xd1, 0x02)
        m.until(lambda: c.read_command_byte() == KBD_INT | AUX_INT, 'a reset')


@qtest.test
def no_reboot():
    """with -no-reboot the request ends the program"""
    with qtest.Machine('-device i8042 -no-reboot') as m:
        m.send('outb 0x64 0xfe')
        eq(m.exit_status(), 0, 'exit status')


@qtest.test
def reset():
    """a reset of the machine empties the buffers and drops the lines"""
    with machine(intercept=True) as m:
        c = Controller(m)
        c.command(0x60, KBD_INT)
        m.outb(DATA, 0xee)
        eq(m.line(1), 1, 'IRQ 1')
        m.reset(lambda: c.status() & OBF == 0)
        eq(m.line(1), 0, 'IRQ 1')
        c.command(0x20)
        eq(c.byte(), KBD_INT | AUX_INT, 'command byte')


HELD = 200 * 10 ** 6  # ns: a key goes up 100 ms of guest time after it went down


@qtest.test
def key():
    """a key that is pressed comes as make and break in scan code set 2"""
    with machine(qmp=True) as m:
        c = Controller(m)
        c.command(0x60, 0)
        c.keyboard(0xf4)
        m.qmp.command('send-key', keys=[{'type': 'qcode', 'data': 'a'}])
        m.command(f'clock_step {HELD}')
        eq(c.bytes(3), [0x1c, 0xf0, 0x1c], 'scan codes')


@qtest.test
def key_translated():
    """with translation it comes in scan code set 1"""
    with machine(qmp=True) as m:
        c = Controller(m)
        c.command(0x60, XLATE)
        c.keyboard(0xf4)
        m.qmp.command('send-key', keys=[{'type': 'qcode', 'data': 'right'}])
        m.command(f'clock_step {HELD}')
        eq(c.bytes(4), [0xe0, 0x4d, 0xe0, 0xcd], 'scan codes')


@qtest.test
def movement():
    """movement and a button come in one packet: down is negative"""
    with machine(qmp=True) as m:
        c = Controller(m)
        c.mouse(0xf4)
        m.qmp.command('input-send-event', events=[
            {'type': 'rel', 'data': {'axis': 'x', 'value': 5}},
            {'type': 'rel', 'data': {'axis': 'y', 'value': 7}},
            {'type': 'btn', 'data': {'down': True, 'button': 'left'}}])
        eq(c.bytes(3, aux=True), [0x29, 5, 0xf9], 'packet')


if __name__ == '__main__':
    qtest.main()
