"""@NAME@ and a device on it, in a machine without a CPU: TENON and PLUGIN name the two files (make check sets them)."""
import os

import pcitool
import qtest

ARGS = f'-plugin {os.environ.get("PLUGIN")} -device @NAME@,id=b,addr=4'


def bar_of(m):
    f = pcitool.Function(m, 4)
    bar = f.place(0, pcitool.MEM_BASE)
    f.enable()
    return bar


@qtest.test
def devices():
    """what is written goes to the device at that place"""
    with qtest.Machine(f'{ARGS} -device @NAME@-echo,place=3 -device @NAME@-echo,plus=10', machine='q35') as m:
        bar = bar_of(m)
        m.writel(bar + 4 * 3, 5)
        m.writel(bar, 5)
        qtest.eq((m.readl(bar + 4 * 3), m.readl(bar)), (6, 15), 'answers')
        qtest.eq(m.readl(bar + 4), 0xffffffff, 'a place without a device')


@qtest.test
def places():
    """a place is taken once"""
    text = qtest.refuses(f'{ARGS} -device @NAME@-echo,place=3 -device @NAME@-echo,place=3', machine='q35')
    qtest.ok('place 3 is taken' in text, text)


@qtest.test
def hotplug():
    """a device comes and goes while the machine runs"""
    with qtest.Machine(ARGS, machine='q35', qmp=True) as m:
        bar = bar_of(m)
        m.qmp.command('device_add', driver='@NAME@-echo', id='late', bus='b.0', place=2)
        m.writel(bar + 8, 1)
        qtest.eq(m.readl(bar + 8), 2, 'answer')
        m.qmp.command('device_del', id='late')
        m.qmp.event('DEVICE_DELETED')
        qtest.eq(m.readl(bar + 8), 0xffffffff, 'an empty place')


if __name__ == '__main__':
    qtest.main()
