#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Today's headers against the frozen copies: a plugin that was built with an old copy must still fit.

usage: check_frozen.py INCLUDE_DIR [FROZEN_DIR...]   (default: every version beside this file)

Of each frozen struct: every member is still there, at its offset, of its size and type. A struct that begins with
struct_size, and an element of an array with a stride, may have grown at its end; any other is the same to the byte, and so is
a table marked FWD. Enumerators and macros keep their values. New structs, enumerators and macros are welcome.
"""
import glob
import os
import shutil
import subprocess
import sys
import tempfile

import cdecl
from tap import Tap

# The switch: False until 1.0 is declared; differences are then reported as TODO. True makes this test a gate.
GATE = False

# Elements of arrays that carry a stride but have no struct_size of their own.
STRIDED = {'tn_prop', 'tn_field', 'tn_ram', 'tn_iova_range', 'tn_trace_event'}
HERE = os.path.dirname(os.path.abspath(__file__))


def headers_of(root):
    return sorted(glob.glob(os.path.join(root, 'tenon', '*.h')))


def present(old, new):
    """Per struct the members that both have, and what is missing from new."""
    common, lost = {}, {}
    for name, s in old.structs.items():
        now = {m.name for m in new.structs[name].members} if name in new.structs else set()
        common[name] = [m for m in s.members if m.name in now]
        lost[name] = [f'{name}.{m.name} is gone' for m in s.members if m.name not in now]
        if name not in new.structs:
            lost[name] = [f'struct {name} is gone']
    return common, lost


def probe(old, new, common, includes):
    """A C program that prints "struct.member offset size same_type", "struct size" and "enumerator value"."""
    out = ['#include <stdio.h>'] + [f'#include <{i}>' for i in includes]
    body = []
    for name, members in common.items():
        if name not in new.structs:
            continue
        body.append(f'printf("{name} %zu\\n", sizeof(struct {name}));')
        for m in members:
            alias = f'fz_{name}_{m.name}'
            out.append(m.typedef(alias))
            body.append(f'printf("{name}.{m.name} %zu %zu %d\\n", offsetof(struct {name}, {m.name}), '
                        f'sizeof(((struct {name} *)0)->{m.name}), '
                        f'__builtin_types_compatible_p({alias}, __typeof__(((struct {name} *)0)->{m.name})));')
    for e in old.enums:
        if e in new.enums:
            body.append(f'printf("{e} %d\\n", (int){e});')
    return '\n'.join(out + ['int main(void)', '{', *body, 'return 0;', '}', ''])


def run_probe(cc, root, text, tmp):
    """What the probe says when compiled against the headers in root: name -> list of numbers."""
    src, exe = os.path.join(tmp, 'probe.c'), os.path.join(tmp, 'probe')
    with open(src, 'w', encoding='utf-8') as f:
        f.write(text)
    subprocess.run([cc, '-std=gnu11', '-w', f'-I{root}', '-o', exe, src], check=True)
    lines = subprocess.run([exe], check=True, capture_output=True, text=True).stdout.splitlines()
    return {w[0]: [int(x) for x in w[1:]] for w in map(str.split, lines)}


def may_grow(s):
    return (s.sized or s.name in STRIDED) and not s.forwarded


def struct_problems(s, members, new_struct, was, now):
    """Differences of one frozen struct, in words."""
    if was[s.name] != now[s.name] and not (may_grow(s) and now[s.name] > was[s.name]):
        yield f'sizeof(struct {s.name}): {was[s.name][0]} -> {now[s.name][0]}'
    for m in members:
        a, b = was[f'{s.name}.{m.name}'], now[f'{s.name}.{m.name}']
        for what, x, y in zip(('offset', 'size', 'type'), a, b):
            if x != y:
                yield f'{s.name}.{m.name}: ' + (f'{what} {x} -> {y}' if what != 'type' else 'its type changed')
    if [m.name for m in new_struct.members][:len(s.members)] != [m.name for m in s.members]:
        yield f'struct {s.name}: members are not appended'


def value_problems(old, new, was, now):
    for e in old.enums:
        if e not in new.enums:
            yield f'{e} is gone'
        elif was[e] != now[e]:
            yield f'{e}: {was[e][0]} -> {now[e][0]}'
    for name, text in old.macros.items():
        if name == 'TN_ABI_MINOR':
            continue
        if new.macros.get(name) != text:
            yield f'{name}: {text} -> {new.macros.get(name, "gone")}'


def layout_problems(frozen_root, root, cc):
    """What freeze.py wrote down of the layout, as assertions for the compiler: a second opinion."""
    path = os.path.join(frozen_root, 'layout.c')
    if not os.path.exists(path):
        return []
    done = subprocess.run([cc, '-std=gnu11', '-w', '-fsyntax-only', f'-I{root}', path], capture_output=True, text=True)
    return [x for x in done.stderr.splitlines() if 'error' in x]


def compare(tap, version, frozen_root, root, cc, todo):
    """All cases of one frozen version."""
    old, new = cdecl.merge(headers_of(frozen_root)), cdecl.merge(headers_of(root))
    common, lost = present(old, new)
    with tempfile.TemporaryDirectory() as tmp:
        includes = [os.path.relpath(p, frozen_root) for p in headers_of(frozen_root)]
        was = run_probe(cc, frozen_root, probe(old, old, common, includes), tmp)
        kept = [i for i in includes if os.path.exists(os.path.join(root, i))]
        now = run_probe(cc, root, probe(old, new, common, kept), tmp)
    tap.case(f'{version}: headers', [f'{i} is gone' for i in includes if i not in kept], todo=todo)
    for name, s in old.structs.items():
        problems = lost[name] + (list(struct_problems(s, common[name], new.structs[name], was, now))
                                 if name in new.structs else [])
        tap.case(f'{version}: struct {name}', problems, todo=todo)
    tap.case(f'{version}: enumerators and macros', value_problems(old, new, was, now), todo=todo)
    tap.case(f'{version}: layout', layout_problems(frozen_root, root, cc), todo=todo)


def main():
    root = sys.argv[1]
    frozen = sys.argv[2:] or sorted(p for p in glob.glob(os.path.join(HERE, '[0-9]*')) if os.path.isdir(p))
    cc = next((c for c in (os.environ.get('CC', 'cc'), 'gcc', 'clang') if shutil.which(c)), None)
    tap = Tap()
    for f in frozen if cc else ():
        compare(tap, os.path.basename(f), f, root, cc, None if GATE else 'not frozen before 1.0')
    if not cc:
        tap.case('frozen headers', skip='no C compiler')
    return tap.done()


if __name__ == '__main__':
    sys.exit(main())
