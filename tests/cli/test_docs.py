#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The pages say what is so: every promise has a row and a test that exists, links lead somewhere, files that are named are
there, and each device's page has the properties that the plugin has.

usage: test_docs.py TENON SOURCE_DIR
"""
import pathlib
import re
import sys

import tenon

# How many promises each letter has; their ids never change.
PROMISES = {'G': 18, 'L': 24, 'V': 15, 'C': 9, 'K': 7, 'D': 16, 'X': 27, 'I': 10, 'N': 10, 'M': 39, 'U': 39, 'P': 6, 'O': 6,
            'Z': 14, 'B': 11}
IDS = [f'{letter}{n:02}' for letter, count in PROMISES.items() for n in range(1, count + 1)]

ROW = re.compile(r'^\| ([A-Z]\d\d) \| (.+?) \| (.+?) \| (.*?) ?\|$', re.M)
STATE = re.compile(r'works|later|partly: .+')
TEST = re.compile(r'`([^`:]+)(?::([^`]+))?`')
LINK = re.compile(r'\[[^\]]*\]\(([^)\s]+)\)')
CODE = re.compile(r'`([^`\n]+)`')
FILE = re.compile(r'^[\w.-]+(/[\w.-]+)*\.(c|h|py|md|S|build|json|sh)$')
PROPERTY_ROW = re.compile(r'^\| ((?:`[\w-]+`(?:, )?)+) \|', re.M)
HELP_ROW = re.compile(r'^  ([\w-]+)=<', re.M)

# Every PCI function has these; docs/devices.md describes them once.
OF_THE_BUS = {'acpi-index', 'addr', 'failover_pair_id', 'multifunction', 'rombar', 'romfile', 'romsize',
              'x-pcie-ari-nextfn-1', 'x-pcie-err-unc-mask', 'x-pcie-extcap-init', 'x-pcie-lnksta-dllla'}


def without_code(text):
    return re.sub(r'^(```.*?^```$|    .*?$)', '', text, flags=re.M | re.S)


def anchors(page):
    """What GitHub makes of headings."""
    heads = re.findall(r'^#+ (.*)$', page.read_text(encoding='utf-8'), re.M)
    return {re.sub(r'[^\w\- ]', '', h.lower()).replace(' ', '-') for h in heads}


# ---- docs/features.md ----

def has_case(file, case):
    """Whether the file defines a case of that name, or has the words, where names of cases are no names of functions."""
    text = file.read_text(encoding='utf-8')
    if file.suffix == '.c':
        return f'TEST({case})' in text
    return f'def {case}(' in text if f'def {case}' in text else repr(case)[1:-1] in text


def runners(top):
    """The words of all that says which tests are run."""
    files = [*top.glob('*/**/meson.build'), *top.glob('tests/linux/*.py'), top / 'scripts/check']
    return set(re.findall(r'[\w-]+', ' '.join(f.read_text(encoding='utf-8') for f in files)))


def is_run(path, words):
    """Whether a test's file is named there, or what follows the words that a list of tests has in common. All examples are run."""
    parts = pathlib.Path(path).stem.split('_')
    return path.startswith('examples/') or not words.isdisjoint('_'.join(parts[i:]) for i in range(len(parts)))


def test_problems(top, cell, words):
    """What is wrong with the tests that a row names."""
    for path, case in TEST.findall(cell):
        file = top / path
        if not file.is_file():
            yield f'{path}: no such file'
        elif case and not has_case(file, case):
            yield f'{path}: has no {case!r}'
        elif not is_run(path, words):
            yield f'{path}: nobody runs it'


def row_problems(top, state, cell, words):
    if not STATE.fullmatch(state):
        yield f'state {state!r}'
    if state == 'later' and cell:
        yield 'is later, and names a test'
    if state != 'later' and not TEST.search(cell):
        yield 'names no test'
    yield from test_problems(top, cell, words)


def check_features(tap, top):
    rows = ROW.findall((top / 'docs/features.md').read_text(encoding='utf-8'))
    found, words = [r[0] for r in rows], runners(top)
    tap.case('features.md: every promise once, and no other',
             [f'{i}: {found.count(i)} times' for i in sorted({*IDS, *found}) if found.count(i) != (i in IDS)])
    tap.case('features.md: in order', [] if found == sorted(found, key=lambda i: (list(PROMISES).index(i[0]), i)) else found)
    for letter in PROMISES:
        mine = [r for r in rows if r[0][0] == letter]
        tap.case(f'features.md: states and tests of {letter}',
                 [f'{i}: {p}' for i, _, state, cell in mine for p in row_problems(top, state, cell, words)])


# ---- all pages ----

def pages(top):
    folders = ('docs', 'host', 'plugins', 'examples', 'tests')
    return [top / 'README.md', *sorted(p for f in folders for p in (top / f).rglob('*.md'))]


def link_problems(page):
    for target in LINK.findall(without_code(page.read_text(encoding='utf-8'))):
        path, _, anchor = target.partition('#')
        if re.match(r'https?://|mailto:', target):
            continue
        file = page.parent / path if path else page
        if not file.exists():
            yield f'{target}: nothing there'
        elif anchor and anchor not in anchors(file):
            yield f'{target}: no such heading'


def files_of(top):
    skip = ('build', '.')
    return ['/' + str(p.relative_to(top)) for d in top.iterdir() if not d.name.startswith(skip)
            for p in (d.rglob('*') if d.is_dir() else [d])]


def file_problems(page, files):
    """Files of the project that a page names and that nobody has. Their folder may be left out; NAME is any name."""
    for name in CODE.findall(without_code(page.read_text(encoding='utf-8'))):
        name = re.sub(r'^(\.\./)+', '', name)
        if FILE.match(name) and 'NAME' not in name and not any(f.endswith('/' + name) for f in files):
            yield name


def check_pages(tap, top, every):
    for page in every:
        tap.case(f'{page.relative_to(top)}: links lead somewhere', link_problems(page))
    files = files_of(top)
    for page in every:
        tap.case(f'{page.relative_to(top)}: files that it names exist', file_problems(page, files))


# ---- devices ----

def classes(folder):
    lines = folder.run(['-M', 'help-matrix']).out.splitlines()[2:]
    return [x.split('|')[1].strip() for x in lines]


def properties_of_page(text, heading='Properties'):
    section = re.search(rf'^## {heading}\n(.*?)(?=^## |\Z)', text, re.M | re.S)
    return {name for row in PROPERTY_ROW.findall(section[1] if section else '') for name in re.findall(r'`([\w-]+)`', row)}


def composed(name, by_name):
    """The page of the device in a composition, and the properties that its transport adds: a page of its own has those."""
    for suffix, transport in (('-pci', 'virtio-pci'), ('-device', 'virtio-mmio')):
        page = by_name.get(name.removesuffix(suffix)) if name.endswith(suffix) else None
        if page and name != transport and transport in by_name:
            text, bus = by_name[transport].read_text(encoding='utf-8'), by_name['virtio-pci'].read_text(encoding='utf-8')
            return page, properties_of_page(text) | properties_of_page(bus, 'Properties of the virtio-bus')
    return None, set()


def check_devices(tap, folder, top, every):
    index = (top / 'docs/devices.md').read_text(encoding='utf-8')
    by_name = {p.stem: p for p in every if p.relative_to(top).parts[0] in ('host', 'plugins')}
    tap.case('devices.md: has a link to every page in plugins/ and host/',
             [str(p.relative_to(top)) for p in by_name.values() if f'](../{p.relative_to(top)})' not in index])
    for name in classes(folder):
        page, added = by_name.get(name) or by_name.get(name.removesuffix('_io')), set()
        if not page:
            page, added = composed(name, by_name)
        if not page:
            tap.case(f'{name}: has a page', ['none'])
            continue
        told = properties_of_page(page.read_text(encoding='utf-8')) - OF_THE_BUS - added
        has = set(HELP_ROW.findall(folder.run(['-device', f'{name},help']).out)) - OF_THE_BUS - added
        tap.case(f'{name}: its page has its properties', [f'only on the page: {p}' for p in sorted(told - has)] +
                 [f'not on the page: {p}' for p in sorted(has - told)])


def main():
    tn, source = sys.argv[1:]
    top = pathlib.Path(source).resolve()
    tap, every = tenon.Tap(), pages(top)
    check_features(tap, top)
    check_pages(tap, top, every)
    with tenon.Folder(tn) as folder:
        check_devices(tap, folder, top, every)
    return tap.done()


if __name__ == '__main__':
    sys.exit(main())
