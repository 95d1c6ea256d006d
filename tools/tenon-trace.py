#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Prints a file of -trace file=: one event a line, with the time since the event before it in microseconds.

usage: tenon-trace FILE

The format is QEMU's simple one, version 4 (host/core/trace_file.h). A file that ends in the middle of a record, as that
of a process which was killed, is printed as far as it goes.
"""
import re
import struct
import sys

HEADER = (0xffffffffffffffff, 0xf2b177cb0aa429b4, 4)
KIND_NAME, KIND_EVENT = 0, 1
FORMAT_EVENT = 'tenon_format'  # its arguments: the id of another event, and the text that those go into
MAX_RECORD = 1 << 20
CONVERSION = re.compile(r'%(l?)([dux])|%%')


class Short(Exception):
    """The file ends here."""


def take(file, n):
    data = file.read(n)
    if len(data) < n:
        raise Short
    return data


def unpack(file, form):
    return struct.unpack('<' + form, take(file, struct.calcsize('<' + form)))


def sized(file, n):
    if n > MAX_RECORD:
        sys.exit(f'tenon-trace: a record of {n} bytes: the file is damaged')
    return take(file, n)


def fill(form, data):
    """Puts the arguments into the text of an event, as the host's log does: 64 bits each, and, where it ends with %s, a text."""
    text = ''
    if form.endswith('%s'):
        form = form[:-2]
        n = 8 * len([c for c in CONVERSION.findall(form) if c[1]])
        text = data[n + 4:].decode(errors='replace')
        data = data[:n]
    left = list(struct.unpack(f'<{len(data) // 8}Q', data[:len(data) // 8 * 8]))

    def one(match):
        if match[0] == '%%':
            return '%'
        if not left:
            return '?'
        bits = 64 if match[1] else 32
        value = left.pop(0) & ((1 << bits) - 1)
        if match[2] == 'd' and value >> (bits - 1):
            value -= 1 << bits
        return f'{value:x}' if match[2] == 'x' else str(value)

    return CONVERSION.sub(one, form) + text


def records(file):
    """(name, ns, pid, text) of each event."""
    names, forms = {}, {}
    while True:
        kind, event = unpack(file, 'QQ')
        if kind == KIND_NAME:
            names[event] = sized(file, *unpack(file, 'I')).decode()
            continue
        if kind != KIND_EVENT:
            sys.exit(f'tenon-trace: a record of kind {kind}: the file is damaged')
        ns, size, pid = unpack(file, 'QII')
        data = sized(file, max(size - 24, 0))
        name = names.get(event, f'event {event}')
        if name == FORMAT_EVENT:
            forms[struct.unpack_from('<Q', data)[0]] = data[12:].decode()
            continue
        yield name, ns, pid, fill(forms[event], data) if event in forms else data.hex()


def main():
    if len(sys.argv) != 2 or sys.argv[1].startswith('-'):
        sys.exit(__doc__.strip())
    try:
        with open(sys.argv[1], 'rb') as file:
            if struct.unpack('<QQQ', file.read(24).ljust(24, b'\0')) != HEADER:
                sys.exit(f'tenon-trace: {sys.argv[1]} is no trace file')
            before = None
            for name, ns, pid, text in records(file):
                print(f'{name} {(ns - (before or ns)) / 1000:.3f} pid={pid} {text}'.rstrip())
                before = ns
    except Short:
        pass
    except OSError as error:
        sys.exit(f'tenon-trace: {error}')


if __name__ == '__main__':
    try:
        main()
    except BrokenPipeError:
        sys.stderr.close()
