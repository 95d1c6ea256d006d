#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""check_headers.py and check_frozen.py find what is wrong: small headers that break one rule each.

usage: test_checkers.py
"""
import contextlib
import io
import os
import shutil
import sys
import tempfile

import cdecl
import check_frozen
import check_headers
from tap import Tap

PREFIX = '#include <stddef.h>\n#include <stdint.h>\nstruct tn_dev;\n'
TABLE = '''/** A table */
struct tn_t {
    uint32_t struct_size, rev;
    /** [main] does it */
    int (*go)(struct tn_dev *d, uint64_t at, void (*done)(void *arg));
    const char *const *names; /**< NULL-terminated */
    uint8_t id[8];
};
'''
PAIR = '/** Frozen. */\nstruct tn_pair {\n    uint64_t a, b;\n};\n'
FORWARDED = '/** FWD: passed on */\nstruct tn_f {\n    uint32_t struct_size, flags;\n    void (*f)(void *s); /**< [any] */\n};\n'
VALUES = 'enum { TN_A = 1, TN_B };\n#define TN_X_1 "tenon.x/1"\n'
OLD = PREFIX + TABLE + PAIR + FORWARDED + VALUES

# what is done to OLD, and a part of what must be said; None: nothing may be said
CHANGES = [
    ('nothing', '', '', None),
    ('a member is appended', 'id[8];', 'id[8];\n    uint64_t more;', None),
    ('an enumerator is appended', 'TN_B }', 'TN_B, TN_C }', None),
    ('a comment changes', 'does it', 'did it', None),
    ('a parameter is renamed', 'uint64_t at', 'uint64_t where', None),
    ('a member is inserted', '    const char *const', '    uint64_t x;\n    const char *const', 'tn_t.names: offset'),
    ('a member is renamed', 'id[8]', 'di[8]', 'tn_t.id is gone'),
    ('two members are swapped', 'a, b', 'b, a', 'tn_pair.a: offset 0 -> 8'),
    ('a parameter changes its type', 'uint64_t at', 'uint32_t at', 'tn_t.go: its type changed'),
    ('a signedness changes', 'uint8_t id', 'int8_t id', 'tn_t.id: its type changed'),
    ('an array grows', 'id[8]', 'id[16]', 'tn_t.id: size 8 -> 16'),
    ('a struct without struct_size grows', 'a, b;', 'a, b, c;', 'sizeof(struct tn_pair): 16 -> 24'),
    ('a forwarded table grows', '/**< [any] */', '/**< [any] */\n    uint64_t more;', 'sizeof(struct tn_f)'),
    ('a struct goes', PAIR, '', 'struct tn_pair is gone'),
    ('an enumerator moves', 'TN_A = 1', 'TN_A = 2', 'TN_A: 1 -> 2'),
    ('an enumerator goes', ', TN_B', '', 'TN_B is gone'),
    ('an id changes', 'tenon.x/1', 'tenon.x/2', 'TN_X_1: "tenon.x/1" -> "tenon.x/2"'),
]

# a header, the rule, and a part of what it must say; None: nothing
BROKEN = [
    (TABLE, check_headers.foreign_types, None),
    (TABLE, check_headers.untagged, None),
    (TABLE.replace('[main] ', ''), check_headers.untagged, 'tn_t.go has no thread tag'),
    (TABLE.replace('uint64_t at', 'size_t at'), check_headers.foreign_types, 'size_t'),
    (TABLE.replace('uint64_t at', 'unsigned at'), check_headers.foreign_types, 'unsigned'),
    (TABLE.replace('uint8_t id', 'bool id'), check_headers.foreign_types, 'bool'),
    (TABLE.replace('uint8_t id', 'long id'), check_headers.foreign_types, 'long'),
    (TABLE.replace('uint8_t id', 'enum tn_e id'), check_headers.foreign_types, 'enum'),
    (TABLE.replace('uint8_t id', 'struct tn_pair id'), check_headers.foreign_types, 'struct tn_pair by value'),
    (TABLE.replace('struct tn_dev *d', 'struct tn_pair d'), check_headers.foreign_types, 'struct tn_pair by value'),
    (TABLE.replace('int (*go)', 'struct tn_pair (*go)'), check_headers.foreign_types, 'struct tn_pair by value'),
    (TABLE.replace('int (*go)', 'FILE *(*go)'), check_headers.foreign_types, 'FILE'),
    (VALUES, check_headers.id_problems, None),
    (VALUES.replace('"tenon.x/1"', '"tenon.X/1"'), check_headers.id_problems, 'TN_X_1 is "tenon.X/1"'),
    (VALUES.replace('x/1', 'x/2'), check_headers.id_problems, 'does not end in the version'),
    (VALUES + '#define TN_Y_1 "tenon.x/1"\n', check_headers.id_problems, 'is TN_X_1 already'),
]
NOT_C_OF_THE_ABI = ['uint32_t bit : 3;', 'union { int a; } u;', 'struct { int a; } s;']


def write(root, text):
    os.makedirs(os.path.join(root, 'tenon'))
    with open(os.path.join(root, 'tenon', 'x.h'), 'w', encoding='utf-8') as f:
        f.write(text)


def frozen_says(new, tmp):
    """Output of the comparison of OLD with new."""
    old_root, new_root = os.path.join(tmp, 'old'), os.path.join(tmp, 'new')
    write(old_root, OLD)
    write(new_root, new)
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        check_frozen.compare(Tap(), 'old', old_root, new_root, shutil.which('gcc') or 'cc', None)
    return ''.join(line for line in out.getvalue().splitlines(True) if not line.startswith('ok'))


def unexpected(said, want):
    if want is None:
        return [f'said: {said}'] if said else []
    return [] if want in said else [f'wanted "{want}", said: {said or "nothing"}']


def main():
    tap = Tap()
    for name, was, becomes, want in CHANGES:
        with tempfile.TemporaryDirectory() as tmp:
            tap.case(f'frozen: {name}', unexpected(frozen_says(OLD.replace(was, becomes), tmp), want))
    for text, rule, want in BROKEN:
        said = ' '.join(rule({'x.h': cdecl.parse(text)}))
        tap.case(f'headers: {rule.__name__} says {want or "nothing"}', unexpected(said, want))
    for member in NOT_C_OF_THE_ABI:
        try:
            cdecl.parse('struct tn_t { %s };' % member)
            tap.case(f'headers: {member} is refused', ['it was read'])
        except SyntaxError:
            tap.case(f'headers: {member} is refused')
    return tap.done()


if __name__ == '__main__':
    sys.exit(main())
