#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Each built plugin against the rules of docs/abi.md for the file itself, by readelf: nothing of it is loaded or run.

usage: check_plugins.py [--lib SONAME]... FILE_OR_DIRECTORY...

--lib declares a library that plugins may need beside libc, libm and libgcc_s.
Plugins are linked with -nostartfiles: they have no use for crtbegin's frame_dummy and __do_global_dtors_aux, and without those
"no constructor" means just that: the init arrays are not there, and .data and .bss are empty.
"""
import argparse
import glob
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass

from tap import Tap

EXPORT = 'tn_plugin_v1'
BASE_LIBS = {'libc.so.6', 'libm.so.6', 'libgcc_s.so.1', 'ld-linux-x86-64.so.2', 'ld-linux-aarch64.so.1',
             'libpthread.so.0', 'librt.so.1', 'libdl.so.2'}
LINKER_MADE = {'_end', '_edata', '__bss_start'}  # gold's; they name addresses, nobody's code or data
INSTRUMENTED = re.compile(r'^__(asan|tsan|ubsan|msan|gcov|llvm_profile|sanitizer)_')


@dataclass
class Symbol:
    name: str
    version: str   # '' if it has none
    bind: str
    visible: bool
    section: str   # 'UND', 'ABS' or a number


@dataclass
class Section:
    name: str
    kind: str
    addr: int
    size: int
    flags: str


@dataclass
class Segment:
    kind: str
    addr: int
    size: int
    flags: str


def readelf(option, path):
    env = dict(os.environ, LC_ALL='C')
    run = subprocess.run(['readelf', '-W', option, path], capture_output=True, text=True, env=env)
    if run.returncode or 'Error:' in run.stderr:
        raise ValueError(run.stderr.strip() or f'readelf said {run.returncode}')
    return run.stdout


class Elf:
    """What readelf says of one file."""

    def __init__(self, path):
        self.path = path
        self.symbols = [s for s in map(symbol, readelf('--dyn-syms', path).splitlines()) if s]
        self.sections = [s for s in map(section, readelf('-S', path).splitlines()) if s]
        self.segments = [s for s in map(segment, readelf('-l', path).splitlines()) if s]
        found = re.findall(r'^ 0x[0-9a-f]+ \((\w+)\) +(.*)$', readelf('-d', path), re.M)
        self.dynamic = [(tag, value.strip()) for tag, value in found]
        self.version_files = version_files(readelf('-V', path))

    def tags(self, *names):
        return [f'{t} {v}' for t, v in self.dynamic if t in names]

    def needed(self):
        return [m.group(1) for m in (re.search(r'\[(.*)\]', v) for t, v in self.dynamic if t == 'NEEDED') if m]

    def segment(self, kind):
        return next((s for s in self.segments if s.kind == kind), None)


def symbol(line):
    m = re.match(r' *\d+: [0-9a-f]+ +\S+ +\S+ +(\S+) +(\S+) +(\S+) +(\S+?)(?:@@?(\S+).*)?$', line)
    return m and Symbol(m.group(4), m.group(5) or '', m.group(1), m.group(2) in ('DEFAULT', 'PROTECTED'), m.group(3))


def section(line):
    m = re.match(r' +\[ *\d+\] (\S+) +([A-Z_0-9]+) +([0-9a-f]+) [0-9a-f]+ ([0-9a-f]+) [0-9a-f]+ +([A-Z]*) +\d+ +\d+ +\d+$', line)
    return m and Section(m.group(1), m.group(2), int(m.group(3), 16), int(m.group(4), 16), m.group(5))


def segment(line):
    m = re.match(r' +([A-Z_]+) +0x[0-9a-f]+ 0x([0-9a-f]+) 0x[0-9a-f]+ 0x[0-9a-f]+ 0x([0-9a-f]+) ([R ][W ][E ])', line)
    return m and Segment(m.group(1), int(m.group(2), 16), int(m.group(3), 16), m.group(4))


def version_files(text):
    """Version name -> library that must have it, from .gnu.version_r."""
    out, lib = {}, None
    for line in text.splitlines():
        m = re.search(r'File: (\S+)', line)
        lib = m.group(1) if m else lib
        m = re.search(r'Name: (\S+)  Flags:', line)
        if m and lib:
            out[m.group(1)] = lib
    return out


def library_symbols(soname):
    """Names that a library defines; found as the linker finds it, not loaded."""
    out = subprocess.run(['cc', f'-print-file-name={soname}'], capture_output=True, text=True).stdout.strip()
    if not os.path.isabs(out):
        return set()
    return {s.name for s in map(symbol, readelf('--dyn-syms', out).splitlines()) if s and s.section != 'UND'}


def one_export(elf, _libs):
    names = [s.name for s in elf.symbols
             if s.name and s.section != 'UND' and s.bind in ('GLOBAL', 'WEAK', 'UNIQUE') and s.visible]
    if EXPORT not in names:
        yield f'{EXPORT} is not exported'
    yield from (f'{n} is exported too' for n in names if n != EXPORT and n not in LINKER_MADE)


def no_foreign_symbol(elf, libs):
    allowed = BASE_LIBS | libs
    yield from (f'needs {n}, which nobody declared' for n in elf.needed() if n not in allowed)
    offered = set().union(*(library_symbols(n) for n in elf.needed() if n in libs))
    for s in elf.symbols:
        if s.section != 'UND' or not s.name or s.name in offered:
            continue
        if elf.version_files.get(s.version) not in allowed:
            yield f'{s.name} is undefined and comes from no declared library'


def no_constructors(elf, _libs):
    yield from elf.tags('INIT', 'FINI', 'INIT_ARRAY', 'FINI_ARRAY', 'PREINIT_ARRAY')
    yield from (f'section {s.name}' for s in elf.sections if re.match(r'\.([cd]tors|init|fini)', s.name) and s.size)


def no_tls(elf, _libs):
    yield from (f'TLS segment of {s.size} bytes' for s in elf.segments if s.kind == 'TLS')


def relro_and_bind_now(elf, _libs):
    if not elf.segment('GNU_RELRO'):
        yield 'no GNU_RELRO segment'
    if not any(re.search(r'\bBIND_NOW\b|\bNOW\b', t) for t in elf.tags('FLAGS', 'FLAGS_1', 'BIND_NOW')):
        yield 'not linked with -z now'


def no_executable_stack(elf, _libs):
    stack = elf.segment('GNU_STACK')
    if not stack:
        yield 'no GNU_STACK segment: the stack becomes executable'
    elif 'E' in stack.flags:
        yield 'GNU_STACK is executable'
    yield from (f'segment at 0x{s.addr:x} is writable and executable' for s in elf.segments
                if s.kind == 'LOAD' and 'W' in s.flags and 'E' in s.flags)


def no_text_relocation(elf, _libs):
    if elf.tags('TEXTREL') or any('TEXTREL' in t for t in elf.tags('FLAGS')):
        yield 'text relocations'


def no_writable_globals(elf, _libs):
    relro = elf.segment('GNU_RELRO')
    for s in elf.sections:
        inside = relro and relro.addr <= s.addr and s.addr + s.size <= relro.addr + relro.size
        if 'W' in s.flags and 'A' in s.flags and 'T' not in s.flags and s.size and not inside:
            yield f'{s.name} has {s.size} writable bytes'


RULES = [one_export, no_foreign_symbol, no_constructors, no_tls, relro_and_bind_now, no_executable_stack,
         no_text_relocation, no_writable_globals]


def problems(path, libs=frozenset()):
    """Rule name -> list of what is wrong with the plugin at path."""
    elf = Elf(path)
    return {r.__name__: list(r(elf, set(libs))) for r in RULES}


def instrumented(path):
    """Sanitizers and coverage bring constructors and globals of their own: such a build says nothing about the rules."""
    return any(INSTRUMENTED.match(w[7]) for w in map(str.split, readelf('-s', path).splitlines()) if len(w) > 7)


def plugin_files(args):
    for a in args:
        yield from sorted(glob.glob(os.path.join(a, '**', '*.so'), recursive=True)) if os.path.isdir(a) else [a]


def check(tap, path, libs):
    name = os.path.basename(path)
    try:
        if instrumented(path):
            return tap.case(name, skip='instrumented by a sanitizer or for coverage')
        for rule, found in problems(path, libs).items():
            tap.case(f'{name}: {rule.replace("_", " ")}', found)
    except ValueError as e:
        tap.case(f'{name}: is an ELF file', [e])


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument('--lib', action='append', default=[])
    ap.add_argument('paths', nargs='*')
    args = ap.parse_args()
    tap = Tap()
    paths = list(plugin_files(args.paths)) if shutil.which('readelf') else []
    for p in paths:
        check(tap, p, args.lib)
    if not paths:
        tap.case('plugins', skip='no plugin was built' if shutil.which('readelf') else 'no readelf')
    return tap.done()


if __name__ == '__main__':
    sys.exit(main())
