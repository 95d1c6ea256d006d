#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""isa-serial from the registers: National Semiconductor PC16550D, June 1995; numbers in brackets are its sections."""
import qtest
from qtest import eq, ok

COM1, COM2 = 0x3f8, 0x2f8
RBR = THR = DLL = 0
IER = DLM = 1
IIR = FCR = 2
LCR, MCR, LSR, MSR, SCR = 3, 4, 5, 6, 7

IER_ERBFI, IER_ETBEI, IER_ELSI, IER_EDSSI = 1, 2, 4, 8
IIR_NONE, IIR_RLS, IIR_RDA, IIR_CTI, IIR_THRE, IIR_MS = 1, 6, 4, 0xc, 2, 0
FIFO_ON = 0xc0  # in IIR
LCR_8N1, LCR_DLAB = 3, 0x80
MCR_DTR, MCR_RTS, MCR_OUT1, MCR_OUT2, MCR_LOOP = 1, 2, 4, 8, 0x10
LSR_DR, LSR_OE, LSR_THRE, LSR_TEMT = 1, 2, 0x20, 0x40
IDLE = LSR_THRE | LSR_TEMT


class Uart:
    """Registers of one port by name: u[SCR] = 1."""

    def __init__(self, m, base=COM1):
        self.m, self.base = m, base

    def __getitem__(self, reg):
        return self.m.inb(self.base + reg)

    def __setitem__(self, reg, v):
        self.m.outb(self.base + reg, v)

    def received(self, n=1):
        """Waits for n characters in the FIFO by reading them."""
        got = b''
        while len(got) < n:
            self.m.until(lambda: self[LSR] & LSR_DR, 'a received character')
            got += bytes([self[RBR]])
        return got


def machine(options='', **kw):
    return qtest.Machine(f'-device isa-serial{options}', **kw)


def wired(chardev, options='', **kw):
    return qtest.Machine(f'{chardev.args("c")} -device isa-serial,chardev=c{options}', **kw)


@qtest.test
def after_reset():
    """registers have their reset values [7.0]"""
    with machine() as m:
        u = Uart(m)
        eq(u[IER], 0, 'IER')
        eq(u[IIR], IIR_NONE, 'IIR')
        eq(u[LCR], 0, 'LCR')
        eq(u[LSR], IDLE, 'LSR')


@qtest.test(tenon="QEMU sets MCR.OUT2 at reset; the data sheet clears MCR [7.0]")
def mcr_after_reset():
    """MCR is 0 after reset [7.0]"""
    with machine() as m:
        eq(Uart(m)[MCR], 0, 'MCR')


@qtest.test
def scratchpad():
    """the scratchpad holds any value [8.10]"""
    with machine() as m:
        u = Uart(m)
        for v in (0x5a, 0xa5, 0, 0xff):
            u[SCR] = v
            eq(u[SCR], v, 'SCR')


@qtest.test
def divisor_latch():
    """DLAB puts the divisor in the place of RBR, THR and IER, and both keep their values [8.3]"""
    with machine() as m:
        u = Uart(m)
        u[IER] = 0
        u[LCR] = LCR_8N1 | LCR_DLAB
        u[DLL], u[DLM] = 0x34, 0x12
        eq((u[DLL], u[DLM]), (0x34, 0x12), 'divisor')
        u[LCR] = LCR_8N1
        eq(u[IER], 0, 'IER')
        u[LCR] = LCR_8N1 | LCR_DLAB
        eq((u[DLL], u[DLM]), (0x34, 0x12), 'divisor')


@qtest.test
def ier_upper_bits():
    """the upper half of IER reads 0 [8.7]"""
    with machine() as m:
        u = Uart(m)
        u[IER] = 0xf5
        eq(u[IER], 0x05, 'IER')


@qtest.test
def fifo_enable():
    """IIR shows whether the FIFOs are on [8.5, 8.6]"""
    with machine() as m:
        u = Uart(m)
        eq(u[IIR], IIR_NONE, 'IIR')
        u[FCR] = 1
        eq(u[IIR], IIR_NONE | FIFO_ON, 'IIR')
        u[FCR] = 0
        eq(u[IIR], IIR_NONE, 'IIR')


@qtest.test
def transmit():
    """what is written to THR arrives, in order"""
    c = qtest.Chardev()
    with wired(c) as m:
        u = Uart(m)
        u[LCR] = LCR_8N1
        for ch in b'hello, world\n':
            u[THR] = ch
        eq(c.receive(13), b'hello, world\n', 'text')
        m.until(lambda: u[LSR] & IDLE == IDLE, 'an empty transmitter')


@qtest.test
def without_chardev():
    """a port that is connected to nothing sends all the same"""
    with machine() as m:
        u = Uart(m)
        for _ in range(100):
            u[THR] = 0x55
        m.until(lambda: u[LSR] & IDLE == IDLE, 'an empty transmitter')


@qtest.test
def receive():
    """a character raises DR and IRQ 4; reading it ends both [8.4, 8.6]"""
    c = qtest.Chardev()
    with wired(c, intercept=True) as m:
        u = Uart(m)
        u[MCR] = MCR_OUT2
        u[IER] = IER_ERBFI
        eq(m.line(4), 0, 'IRQ 4')
        c.send(b'x')
        m.until(lambda: m.line(4), 'IRQ 4')
        eq(u[IIR], IIR_RDA, 'IIR')
        ok(u[LSR] & LSR_DR, 'LSR.DR')
        eq(u[RBR], ord('x'), 'RBR')
        eq(m.line(4), 0, 'IRQ 4')
        eq(u[LSR] & LSR_DR, 0, 'LSR.DR')
        eq(u[IIR], IIR_NONE, 'IIR')


@qtest.test
def receive_much():
    """many times the FIFO arrives without a loss"""
    c = qtest.Chardev()
    with wired(c) as m:
        u = Uart(m)
        u[FCR] = 1
        data = bytes(i * 7 & 0xff for i in range(500))
        c.send(data)
        eq(u.received(len(data)), data, 'data')
        eq(u[LSR] & LSR_OE, 0, 'LSR.OE')


@qtest.test
def trigger_level():
    """with a trigger of 4 the interrupt comes with the fourth character, and ends below [8.5]"""
    with machine(intercept=True) as m:
        u = Uart(m)
        u[MCR] = MCR_LOOP | MCR_OUT2
        u[LCR] = LCR_8N1
        u[FCR] = 0x41
        u[IER] = IER_ERBFI
        for i in range(3):
            u[THR] = i
        eq(u[IIR], IIR_NONE | FIFO_ON, 'IIR')
        u[THR] = 3
        eq(u[IIR], IIR_RDA | FIFO_ON, 'IIR')
        eq(m.line(4), 1, 'IRQ 4')
        eq(u[RBR], 0, 'RBR')
        eq(u[IIR] & 0xcf, IIR_NONE | FIFO_ON, 'IIR')
        eq(m.line(4), 0, 'IRQ 4')


@qtest.test
def character_timeout():
    """fewer characters than the trigger raise the timeout interrupt, which reading ends [8.11]"""
    with machine(intercept=True) as m:
        u = Uart(m)
        u[LCR] = LCR_8N1 | LCR_DLAB
        u[DLL], u[DLM] = 1, 0
        u[LCR] = LCR_8N1
        u[MCR] = MCR_LOOP | MCR_OUT2
        u[FCR] = 0xc1
        u[IER] = IER_ERBFI
        u[THR] = 0x41
        m.step(100_000_000)
        eq(m.line(4), 1, 'IRQ 4')
        eq(u[IIR], IIR_CTI | FIFO_ON, 'IIR')
        eq(u[RBR], 0x41, 'RBR')
        eq(u[IIR], IIR_NONE | FIFO_ON, 'IIR')
        eq(m.line(4), 0, 'IRQ 4')


@qtest.test
def transmitter_interrupt():
    """enabling the THRE interrupt over an empty transmitter raises it; IIR shows it once [8.6]"""
    with machine(intercept=True) as m:
        u = Uart(m)
        u[MCR] = MCR_OUT2
        u[IER] = IER_ETBEI
        eq(m.line(4), 1, 'IRQ 4')
        eq(u[IIR], IIR_THRE, 'IIR')
        eq(m.line(4), 0, 'IRQ 4')
        eq(u[IIR], IIR_NONE, 'IIR')
        u[THR] = 0x41
        m.until(lambda: m.line(4), 'IRQ 4 after the character')
        eq(u[IIR], IIR_THRE, 'IIR')
        u[IER] = 0
        u[IER] = IER_ETBEI
        eq(u[IIR], IIR_THRE, 'IIR')


@qtest.test
def loop():
    """the loop returns characters, sends none, and cuts the line off from outside [8.8, bit 4]"""
    c = qtest.Chardev()
    with wired(c) as m:
        u = Uart(m)
        u[LCR] = LCR_8N1
        u[MCR] = MCR_LOOP
        u[THR] = 0xae
        ok(u[LSR] & LSR_DR, 'LSR.DR')
        eq(u[RBR], 0xae, 'RBR')
        ok(c.silent(), 'the chardev got the character too')


@qtest.test
def loop_modem():
    """the loop connects RTS to CTS, DTR to DSR, OUT1 to RI, OUT2 to DCD [8.8, bit 4]"""
    with machine() as m:
        u = Uart(m)
        for mcr, msr in ((MCR_RTS, 0x10), (MCR_DTR, 0x20), (MCR_OUT1, 0x40), (MCR_OUT2, 0x80), (0xf, 0xf0), (0, 0)):
            u[MCR] = MCR_LOOP | mcr
            eq(u[MSR] & 0xf0, msr, f'MSR with MCR {mcr:#x}')


@qtest.test(tenon='QEMU sets no delta bits in the loop')
def modem_delta():
    """a change of an input sets its delta bit until MSR is read; RI its trailing edge only [8.9]"""
    with machine(intercept=True) as m:
        u = Uart(m)
        u[MCR] = MCR_LOOP
        u[MSR]
        u[IER] = IER_EDSSI
        u[MCR] = MCR_LOOP | MCR_RTS
        eq(m.line(4), 1, 'IRQ 4')
        eq(u[IIR], IIR_MS, 'IIR')
        eq(u[MSR], 0x11, 'MSR')
        eq(u[MSR], 0x10, 'MSR')
        eq(m.line(4), 0, 'IRQ 4')
        u[MCR] = MCR_LOOP | MCR_RTS | MCR_OUT1
        eq(u[MSR], 0x50, 'MSR')
        u[MCR] = MCR_LOOP | MCR_RTS
        eq(u[MSR], 0x14, 'MSR')


@qtest.test
def overrun():
    """a character over an unread one sets OE; the line status interrupt comes first [8.4, 8.6]"""
    with machine(intercept=True) as m:
        u = Uart(m)
        u[LCR] = LCR_8N1
        u[MCR] = MCR_LOOP | MCR_OUT2
        u[IER] = IER_ERBFI | IER_ELSI
        u[THR] = 1
        u[THR] = 2
        eq(u[IIR], IIR_RLS, 'IIR')
        ok(u[LSR] & LSR_OE, 'LSR.OE')
        eq(u[LSR] & LSR_OE, 0, 'LSR.OE after it was read')
        eq(u[IIR], IIR_RDA, 'IIR')
        eq(m.line(4), 1, 'IRQ 4')


@qtest.test
def fifo_clear():
    """FCR bit 1 empties the receiver [8.5]"""
    with machine() as m:
        u = Uart(m)
        u[MCR] = MCR_LOOP
        u[FCR] = 1
        u[THR] = 1
        u[THR] = 2
        ok(u[LSR] & LSR_DR, 'LSR.DR')
        u[FCR] = 3
        eq(u[LSR] & LSR_DR, 0, 'LSR.DR')


@qtest.test
def wide_access():
    """a wide access is one cycle for each register"""
    with machine() as m:
        u = Uart(m)
        m.outw(COM1 + LCR, LCR_8N1 | MCR_RTS << 8)
        eq((u[LCR], u[MCR]), (LCR_8N1, MCR_RTS), 'LCR, MCR')
        u[SCR] = 0x77
        eq(m.inw(COM1 + MSR) >> 8, 0x77, 'SCR by a word')


@qtest.test
def several():
    """ports take the places of COM1 to COM4 in order"""
    with qtest.Machine('-device isa-serial ' * 4, intercept=True) as m:
        for base in (0x3f8, 0x2f8, 0x3e8, 0x2e8):
            Uart(m, base)[SCR] = base & 0xff ^ base >> 8
        for base in (0x3f8, 0x2f8, 0x3e8, 0x2e8):
            eq(Uart(m, base)[SCR], base & 0xff ^ base >> 8, f'SCR at {base:#x}')
        Uart(m, COM2)[MCR] = MCR_OUT2
        Uart(m, COM2)[IER] = IER_ETBEI
        eq((m.line(3), m.line(4)), (1, 0), 'IRQ 3, 4')


@qtest.test
def shared_line():
    """COM1 and COM3 share IRQ 4, which is high while either wants it"""
    if qtest.QEMU:
        raise qtest.Skip('in QEMU the last one to speak wins')
    with qtest.Machine('-device isa-serial,index=0 -device isa-serial,index=2', intercept=True) as m:
        one, three = Uart(m), Uart(m, 0x3e8)
        one[IER] = three[IER] = IER_ETBEI
        eq(m.line(4), 1, 'IRQ 4')
        one[IIR]
        eq(m.line(4), 1, 'IRQ 4')
        three[IIR]
        eq(m.line(4), 0, 'IRQ 4')


@qtest.test
def other_place():
    """iobase and irq move a port"""
    with machine(',iobase=0x1000,irq=7', intercept=True) as m:
        u = Uart(m, 0x1000)
        u[MCR] = MCR_OUT2
        u[IER] = IER_ETBEI
        eq(m.line(7), 1, 'IRQ 7')
        eq(m.inb(COM1 + SCR), 0xff, 'COM1')


@qtest.test
def reset():
    """a reset of the machine clears the registers and drops the line"""
    with machine(' -device i8042', intercept=True) as m:
        u = Uart(m)
        u[LCR] = LCR_8N1
        u[MCR] = MCR_OUT2
        u[IER] = IER_ETBEI
        eq(m.line(4), 1, 'IRQ 4')
        m.reset(lambda: u[LCR] == 0)
        eq((u[IER], u[LSR]), (0, IDLE), 'IER, LSR')
        eq(m.line(4), 0, 'IRQ 4')


@qtest.test
def too_many():
    """a fifth port is refused"""
    message = qtest.refuses('-device isa-serial ' * 5)
    ok('Max. supported number of ISA serial ports is 4.' in message, message)


@qtest.test(tenon='QEMU lets two devices have the same ports')
def same_index():
    """two ports with one index are refused"""
    message = qtest.refuses('-device isa-serial,index=0 -device isa-serial,index=0')
    ok('index 0' in message, message)


@qtest.test(tenon='QEMU has no such property')
def out2_gate():
    """with out2-gate=on the interrupt needs MCR.OUT2, as on a PC's board [8.8, bit 3]"""
    with machine(',out2-gate=on', intercept=True) as m:
        u = Uart(m)
        u[IER] = IER_ETBEI
        eq(m.line(4), 0, 'IRQ 4')
        u[MCR] = MCR_OUT2
        eq(m.line(4), 1, 'IRQ 4')
        u[MCR] = 0
        eq(m.line(4), 0, 'IRQ 4')


@qtest.test(tenon='QEMU has no such property')
def pace():
    """with pace=on a character keeps the transmitter busy for its time [8.3]"""
    c = qtest.Chardev()
    with wired(c, ',pace=on') as m:
        u = Uart(m)
        u[LCR] = LCR_8N1 | LCR_DLAB
        u[DLL], u[DLM] = 12, 0  # 9600 baud: 10 bits take 1.04 ms
        u[LCR] = LCR_8N1
        u[THR] = 0x41
        eq(u[LSR] & LSR_TEMT, 0, 'LSR.TEMT')
        m.step(1_000_000)
        eq(u[LSR] & LSR_TEMT, 0, 'LSR.TEMT after 1 ms')
        m.step(50_000)
        eq(u[LSR] & LSR_TEMT, LSR_TEMT, 'LSR.TEMT after 1.05 ms')
        eq(c.receive(1), b'A', 'text')


if __name__ == '__main__':
    qtest.main()
