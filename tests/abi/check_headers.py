#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The public headers: self-contained, clean in every C and C++ that plugins are written in, and by the rules of docs/abi.md.

usage: check_headers.py INCLUDE_DIR HEADER...   (the headers that the build knows, drafts included)
"""
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

import cdecl
from tap import Tap

FLAGS = ['-pedantic', '-Wall', '-Wextra', '-Wpadded', '-Werror', '-fsyntax-only']
MATRIX = [(cc, 'c', std) for cc in ('gcc', 'clang') for std in ('c11', 'c17', 'c2x')] + \
         [(cc, 'c++', 'c++17') for cc in ('g++', 'clang++')]
# Where each header is compiled alone; elsewhere all of them together. Once per language will do: what a header includes does
# not depend on the standard.
ALONE = ('c11', 'c++17')
HERE = os.path.dirname(os.path.abspath(__file__))
WORDS = {'void', 'const', 'int', 'char', 'struct', '*', '(', ')', ',', '...', '[', ']',
         'uint8_t', 'uint16_t', 'uint32_t', 'uint64_t', 'int8_t', 'int16_t', 'int32_t', 'int64_t'}


def include_name(path, root):
    return os.path.relpath(path, root)


def unit(names, headers):
    """A translation unit that includes names and asks for the size of every struct: clang pads only what is laid out."""
    text = ''.join(f'#include <{n}>\n' for n in names)
    for h in headers:
        text += ''.join(f'extern char size_of_{s}[sizeof(struct {s})];\n' for s in h.structs)
    return text


def write_units(tmp, root, headers):
    """Paths of one unit per header, and of those with all headers, in either order."""
    names = {p: include_name(p, root) for p in headers}
    units = {re.sub(r'\W', '_', n): unit([n], [headers[p]]) for p, n in names.items()}
    order = list(names.values())
    units['every'] = unit(order, headers.values())
    units['every_reversed'] = unit(order[::-1] + order, headers.values())
    paths = {name: os.path.join(tmp, name + '.c') for name in units}
    for name, text in units.items():
        with open(paths[name], 'w', encoding='utf-8') as f:
            f.write(text)
    together = [paths.pop('every'), paths.pop('every_reversed'), os.path.join(HERE, 'use.c')]
    return list(paths.values()), together


def compile_all(cc, lang, std, root, paths):
    run = subprocess.run([cc, f'-std={std}', *FLAGS, f'-I{root}', '-x', lang, *paths], capture_output=True, text=True)
    return [run.stderr or f'{cc} said {run.returncode}'] if run.returncode else []


def untagged(headers):
    """A function pointer says on which thread it runs; or the one above does, or the table does, for all of them."""
    for path, h in headers.items():
        for s in h.structs.values():
            doc = ''
            for m in s.members:
                doc = m.doc or doc
                if m.function and not cdecl.TAG.search(doc + s.doc):
                    yield f'{path}: {s.name}.{m.name} has no thread tag'


def foreign_types(headers):
    """Only fixed-width integers, int, pointers and handles: no bool, long, size_t, enum, struct by value."""
    for path, h in headers.items():
        for s in h.structs.values():
            for m in s.members:
                for i in range(len(m.tokens)):
                    problem = foreign(m.tokens, i)
                    if problem:
                        yield f'{path}: {s.name}.{m.name}: {problem}'


def foreign(tokens, i):
    """What is wrong with the type word at i, or None."""
    before, t = tokens[i - 1] if i else '(', tokens[i]
    after = tokens[i + 1] if i + 1 < len(tokens) else ''
    if before == 'struct':
        return None if after in ('*', 'const') else f'struct {t} by value'
    if t == 'char':
        return None if after == '*' or tokens[i + 1:i + 3] == ['const', '*'] else 'char'
    named = before not in ('(', ',') and after in (',', ')', '[', '')
    if t in WORDS or named or not re.match(r'[A-Za-z_]', t):
        return None
    return f'{t} does not cross the boundary'


def id_problems(headers):
    seen = {}
    for path, h in headers.items():
        for name, text in h.macros.items():
            if text.startswith('"tenon.'):
                if not re.fullmatch(r'"tenon\.[a-z0-9-]+/[1-9]\d*"', text):
                    yield f'{path}: {name} is {text}'
                if text in seen:
                    yield f'{path}: {text} is {seen[text]} already'
                seen[text] = name
                if not name.endswith('_' + text.rstrip('"').rpartition('/')[2]):
                    yield f'{path}: {name} does not end in the version of {text}'


def main():
    root, listed = sys.argv[1], [os.path.realpath(p) for p in sys.argv[2:]]
    tap = Tap()
    found = [os.path.realpath(p) for p in glob.glob(os.path.join(root, '**', '*.h'), recursive=True)]
    root = os.path.realpath(root)
    tap.case('every header is known to the build, once', [f'not listed: {p}' for p in set(found) - set(listed)] +
             [f'listed, not there: {p}' for p in set(listed) - set(found)])
    headers = {p: cdecl.parse_file(p) for p in sorted(found)}
    names = [n for h in headers.values() for n in [*h.structs, *h.enums, *h.macros]]
    tap.case('no name is defined twice', {f'{n}' for n in names if names.count(n) > 1})
    tap.case('every function pointer has a thread tag', untagged(headers))
    tap.case('only types of the ABI cross the boundary', foreign_types(headers))
    tap.case('ids are well formed and unique', id_problems(headers))
    with tempfile.TemporaryDirectory() as tmp, ThreadPoolExecutor(2) as pool:
        alone, together = write_units(tmp, root, headers)
        jobs = [((cc, lang, std), pool.submit(compile_all, cc, lang, std, root, together + (alone if std in ALONE else []))
                 if shutil.which(cc) else None) for cc, lang, std in MATRIX]
        for (cc, _, std), job in jobs:
            tap.case(f'{cc} -std={std}', job.result() if job else (), skip=None if job else f'no {cc}')
    return tap.done()


if __name__ == '__main__':
    sys.exit(main())
