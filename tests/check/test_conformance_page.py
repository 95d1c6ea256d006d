#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""docs/conformance.md is of today: its plugins, classes and tests are those that there are.

usage: test_conformance_page.py PAGE PLUGINS_DIR TENON_CHECK [--composed CLASS]... PLUGIN...
"""
import glob
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'abi'))
from tap import Tap  # noqa: E402


def section(page, title):
    """Rows of the table below a heading, as lists of cells."""
    text = page.split(f'\n## {title}\n')[1].split('\n## ')[0]
    rows = [[c.strip(' `') for c in line.strip('|').split(' | ')] for line in text.splitlines() if line.startswith('|')]
    return rows[2:]


def classes_of(page):
    """Of each plugin that the page has."""
    found, plugin = {}, None
    for cells in section(page, 'Plugins'):
        plugin = cells[0] or plugin
        found.setdefault(plugin, set()).update({cells[1]} - {''})
    return found


def listed(tool, plugin):
    """Tests, and classes, that --list names."""
    run = subprocess.run([tool, '--list', plugin], capture_output=True, text=True, check=True)
    lines = re.findall(r'^(\S+): (\S+)', run.stdout, re.M)
    return {test for test, _ in lines}, {name for _, name in lines} - {os.path.basename(plugin)}


def in_source(folder):
    """File names of all plugins, built here or not."""
    names = set()
    for path in glob.glob(os.path.join(folder, '**', 'meson.build'), recursive=True):
        with open(path, encoding='utf-8') as f:
            names.update(re.findall(r"'name': '([^']+)'", f.read()))
    return {f'tenon-{n}.so' for n in names}


def differences(what, page, here):
    return [f'{what} {n} is not on the page' for n in sorted(here - page)] + [f'there is no {what} {n}' for n in sorted(page - here)]


def main():
    path, folder, tool, *plugins = sys.argv[1:]
    composed = set()
    while plugins and plugins[0] == '--composed':
        composed.add(plugins[1])
        plugins = plugins[2:]
    with open(path, encoding='utf-8') as f:
        page = f.read()
    tap, tests, classes = Tap(), set(), classes_of(page)
    for plugin in plugins:
        name = os.path.basename(plugin)
        its_tests, its_classes = listed(tool, plugin)
        tests |= its_tests
        tap.case(name, differences('class', classes.get(name, set()), its_classes) if name in classes else ['it is not on the page'])
    tap.case('no plugin is gone', differences('plugin', set(classes), set(classes) & in_source(folder)))
    together = {cells[1] for cells in section(page, 'Transport and device together')}
    tap.case('transports with devices', differences('class', together, composed) if composed else [])
    tap.case('tests', differences('test', {cells[0] for cells in section(page, 'Tests')}, tests))
    tap.case('nothing has failed', [f'**{n} failed**' for n in re.findall(r'\*\*(\d+) failed', page)])
    if tap.bad:
        print('# anew: scripts/check --only conform && cp build-check/conformance.md docs/conformance.md')
    return tap.done()


if __name__ == '__main__':
    sys.exit(main())
