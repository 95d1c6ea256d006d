"""@NAME@ from its ports, in a machine without a CPU: TENON and PLUGIN name the two files (make check sets them)."""
import os

import qtest

VALUE, LINE = 0x300, 0x301
ARGS = f'-plugin {os.environ.get("PLUGIN")} -device @NAME@'


@qtest.test
def value():
    """VALUE keeps what is written, until a reset"""
    with qtest.Machine(ARGS, machine='q35', qmp=True) as m:
        m.outb(VALUE, 0x5a)
        qtest.eq(m.inb(VALUE), 0x5a, 'VALUE')
        m.reset()
        qtest.eq(m.inb(VALUE), 0, 'VALUE after a reset')


@qtest.test
def interrupt():
    """LINE is the level of the interrupt"""
    with qtest.Machine(ARGS, machine='q35', intercept=True) as m:
        m.outb(LINE, 1)
        qtest.eq(m.line(5), 1, 'level')
        m.outb(LINE, 0)
        qtest.eq(m.line(5), 0, 'level')


if __name__ == '__main__':
    qtest.main()
