#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""tenon-inspect on plugins that are made here: what it says of a good one, and of files that are none.

usage: test_inspect.py TENON_INSPECT SOURCE_DIR CC...
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile

TOP = pathlib.Path(sys.argv[2])
sys.path[:0] = [str(TOP / 'tests' / d) for d in ('abi', 'cli')]
import bad_plugins  # noqa: E402
from tap import Tap  # noqa: E402

INSPECT, CC = sys.argv[1], sys.argv[3:]
INCLUDE, SOURCE = TOP / 'include/plugin-abi', TOP / 'tests/cli/plugin.c'


def run(*args):
    return subprocess.run([INSPECT, *map(str, args)], capture_output=True, text=True)


def refusal(done, *words):
    """Status 1, one line, with these words."""
    lines = done.stderr.splitlines()
    if done.returncode != 1 or len(lines) != 1:
        yield f'status {done.returncode}: {done.stderr!r}'
    yield from (f'no {w!r} in {done.stderr!r}' for w in words if w not in done.stderr)


def facts(plugin):
    """What the JSON says of tests/cli/plugin.c."""
    done = run('--json', plugin)
    d = json.loads(done.stdout)
    c, = d['classes']
    p, = c['properties']
    want = [(d['id'], 'half-way'), (d['abi'], '1.0'), (d['needs'], ['tenon.region/1']), (c['name'], 'half-way'),
            (c['kind'], 'device'), (c['bus'], 'ISA'), (c['instance-size'], 16), (p['name'], 'port'), (p['type'], 'uint32'),
            (p['default'], '752'), (d['file-size'], plugin.stat().st_size), (done.returncode, 0), (done.stderr, '')]
    return [f'{got!r}, not {wanted!r}' for got, wanted in want if got != wanted]


def same_as_text(plugin):
    text = run(plugin).stdout
    return [f'no {x!r}' for x in ('plugin  half-way 1, BSD-2-Clause: never works', 'needs   tenon.region/1',
                                  'device half-way', '    port: uint32 = 752') if x not in text]


def interface(plugin):
    """Two builds of one source have one interface, whatever their size."""
    other = plugin.with_name('other.so')
    bad_plugins.build([*CC, '-g'], INCLUDE, SOURCE, other, [])
    a, b = run('--interface', plugin).stdout, run('--interface', other).stdout
    return [] if a == b and 'bytes' not in a else [a, b]


def constructor(folder):
    """A file that would run code is not opened; --trust does."""
    source, plugin = folder / 'runs.c', folder / 'runs.so'
    source.write_text(f'#include <stdio.h>\n#include "{SOURCE}"\n'
                      '__attribute__((constructor)) static void runs(void) { puts("it ran"); fflush(stdout); }\n')
    bad_plugins.build(CC, INCLUDE, source, plugin, [])
    closed, trusted = run(plugin), run('--trust', plugin)
    yield from refusal(closed, 'would run code')
    if 'it ran' in closed.stdout or 'it ran' not in trusted.stdout or 'device half-way' not in trusted.stdout:
        yield closed.stdout + trusted.stdout


def damaged(plugin, folder):
    """Files that end early, with every length of the header, and one of another machine."""
    data = plugin.read_bytes()
    bad = folder / 'bad.so'
    for n in [4, 16, 63, 64, 100, 200, 400, len(data) // 2]:
        bad.write_bytes(data[:n])
        yield from refusal(run(bad))
    for at, b in (4, 1), (5, 2), (16, 2), (18, 3), (32, 0xf1), (54, 1), (56, 0xff):
        bad.write_bytes(data[:at] + bytes([b]) + data[at + 1:])
        done = run(bad)
        if done.returncode not in (0, 1):
            yield f'byte {at}: status {done.returncode}'


def usage():
    for args, status in (['--help'], 0), ([], 2), (['a', 'b'], 2), (['--nosuch'], 2), (['--new', 'x', 'file'], 2):
        if (got := run(*args).returncode) != status:
            yield f'{args}: status {got}'


def manual_page():
    """It has every option that --help has."""
    page = (TOP / 'docs/man/tenon-inspect.1.in').read_text(encoding='utf-8').replace('\\-', '-')
    options = set(re.findall(r'(?<= )--[a-z]+', run('--help').stdout))
    return [f'{o} is not there' for o in sorted(options) if f'.B {o}\n' not in page and f'.BI {o} ' not in page]


# ---- --new ----

TEMPLATES = TOP / 'tools/templates'
KINDS = sorted(p.name for p in TEMPLATES.iterdir() if p.name != 'common')


def new(folder, name, kind):
    return run('--new', name, '--kind', kind, '--in', folder, '--templates', TEMPLATES)


def project(folder, kind):
    """Every file is there under its name, nothing is left of the template's words, and the source is C. (tests/sdk builds them
    from an installation, and runs their tests.)"""
    name = f'my-{kind}'
    done = new(folder, name, kind)
    made = folder / name
    if done.returncode or done.stderr:
        return [done.stderr]
    want = {'Makefile', 'README.md', 'meson.build', f'{name}.c', f'test_{name}.py'}
    got = {p.name for p in made.iterdir()}
    left = [f'{p.name} has a word of the template' for p in made.iterdir() if re.search('@[A-Z]+@', p.read_text())]
    cc = subprocess.run([*CC, '-std=c11', '-Wall', '-Wextra', '-Werror', '-fsyntax-only', f'-I{INCLUDE}', f'-I{TOP}/lib',
                         made / f'{name}.c'], capture_output=True, text=True)
    return [*left, *cc.stderr.splitlines()[:10]] + ([] if got == want else [f'{sorted(got)}'])


def new_refused(folder):
    """One line for what cannot be made; a folder that is there stays as it is."""
    yield from refusal(new(folder, 'my-pci', 'pci'), 'File exists')
    yield from refusal(new(folder, 'x', 'common'), "no kind 'common'")
    yield from refusal(new(folder, 'x', '../templates/pci'), 'no kind')
    for name in '', 'Big', '../x', 'a/b', '9', 'x-', 'a' * 41, '-x':
        yield from refusal(run(f'--new={name}', '--in', folder, '--templates', TEMPLATES), 'is no name')


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory(prefix='tenon-inspect-') as name:
        folder = pathlib.Path(name)
        plugin = folder / 'good.so'
        bad_plugins.build(CC, INCLUDE, SOURCE, plugin, [])
        tap.case('JSON', facts(plugin))
        tap.case('text', same_as_text(plugin))
        tap.case('--interface', interface(plugin))
        for what, (definitions, culprit) in bad_plugins.WRONG.items():
            if culprit != "'tenon.nosuch/1'": # that is the host's to say
                bad = folder / 'wrong.so'
                bad_plugins.build(CC, INCLUDE, SOURCE, bad, definitions)
                tap.case(f'refused: {what}', list(refusal(run(bad), culprit)))
        tap.case('a constructor', list(constructor(folder)))
        tap.case('damaged files', list(damaged(plugin, folder)))
        tap.case('no such file', list(refusal(run(folder / 'none.so'), 'No such file')))
        for kind in KINDS:
            tap.case(f'--new --kind {kind}', project(folder, kind))
        tap.case('--new: refused', list(new_refused(folder)))
        tap.case('usage', list(usage()))
        tap.case('manual page', manual_page())
    return tap.done()


if __name__ == '__main__':
    sys.exit(main())
