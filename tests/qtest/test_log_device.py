#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""log-device: the example of docs/plugin-guide.md. QEMU has no such device."""
import qtest
from qtest import eq, ok

WHY = 'QEMU has no such device'


def logged(c, m, command, line):
    m.command(command)
    eq(c.receive(len(line) + 1), line.encode() + b'\n', 'line')


@qtest.test(tenon=WHY)
def writes():
    """each write is a line: base of the range, offset in it, length, data"""
    c = qtest.Chardev()
    with qtest.Machine(f'{c.args("c")} -device log-device,base=0,len=10,chardev=c', machine='none') as m:
        logged(c, m, 'outw 0x0 0x6b6f', 'base 0x0 offset 0 len 2 data 6f 6b')
        logged(c, m, 'outb 0x9 0xff', 'base 0x0 offset 9 len 1 data ff')
        logged(c, m, 'outl 0x3 0x44332211', 'base 0x0 offset 3 len 4 data 11 22 33 44')


@qtest.test(tenon=WHY)
def outside():
    """accesses beside the range are somebody else's"""
    c = qtest.Chardev()
    with qtest.Machine(f'{c.args("c")} -device log-device,base=0x100,len=2,chardev=c', machine='none') as m:
        m.outb(0xff, 1)
        m.outb(0x102, 1)
        logged(c, m, 'outb 0x101 0x2', 'base 0x100 offset 1 len 1 data 02')


@qtest.test(tenon=WHY)
def reads():
    """a read is all-ones and no line"""
    c = qtest.Chardev()
    with qtest.Machine(f'{c.args("c")} -device log-device,chardev=c', machine='none') as m:
        eq(m.inb(0), 0xff, 'port')
        ok(c.silent(), 'a line came')


@qtest.test(tenon=WHY)
def without_chardev():
    """the chardev must be given"""
    message = qtest.refuses('-device log-device', machine='none')
    ok('chardev' in message, message)


@qtest.test(tenon=WHY)
def overlap():
    """a range of which another device has a port is refused"""
    message = qtest.refuses('-chardev null,id=a -chardev null,id=b -device log-device,base=0,len=10,chardev=a'
                            ' -device log-device,base=9,len=1,chardev=b', machine='none')
    ok('overlap' in message, message)


if __name__ == '__main__':
    qtest.main()
