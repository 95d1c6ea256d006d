#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""tenon-check as a command: what it prints, and its exit status.

usage: test_command_line.py TENON_CHECK [PLUGIN...]
"""
import json
import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'abi'))
from tap import Tap  # noqa: E402

TOOL, PLUGINS = sys.argv[1], sys.argv[2:]


def run(*args):
    return subprocess.run([TOOL, *args], capture_output=True, text=True)


def plugin(name):
    for p in PLUGINS:
        if os.path.basename(p) == f'tenon-{name}.so':
            return p
    raise unittest.SkipTest(f'{name} was not built')


class CommandLine(unittest.TestCase):
    def test_usage(self):
        """Without a file, with an unknown option or a number that is none: status 2, and nothing on standard output."""
        for args in [], ['--nonsense', 'x.so'], ['a.so', 'b.so'], ['--timeout', '0', 'x.so'], ['--seed', 'x', 'x.so']:
            r = run(*args)
            self.assertEqual((r.returncode, r.stdout), (2, ''), args)

    def test_help(self):
        """--help: status 0, every option named."""
        r = run('--help')
        self.assertEqual(r.returncode, 0)
        for option in '--class', '--set', '--with', '--filter', '--json', '--list', '--fuzz-seconds', '--replay', '--sticky':
            self.assertIn(option, r.stdout)

    def test_no_plugin(self):
        """A file that is not there, or no plugin: status 1, one line says why."""
        with tempfile.NamedTemporaryFile(suffix='.so') as f:
            f.write(b'\x7fELF and nothing else')
            f.flush()
            for path in f.name, '/nonexistent.so':
                r = run(path)
                self.assertEqual(r.returncode, 1, path)
                self.assertIn('not ok 1 - file/shared-object', r.stdout)

    def test_filter(self):
        """--filter picks tests by their name; the plan is right."""
        r = run('--filter', 'life/init-fini', plugin('edu'))
        self.assertEqual(r.returncode, 0)
        self.assertIn('ok 1 - life/init-fini: edu', r.stdout)
        self.assertIn('\n1..1\n', r.stdout)

    def test_filter_nothing(self):
        """A filter that fits no test is a failure: nobody has checked anything."""
        self.assertEqual(run('--filter', 'no such test', plugin('edu')).returncode, 1)

    def test_class(self):
        """--class NAME: only that one; one that is not there is a failure."""
        r = run('--class', 'pvpanic', '--filter', 'life/init-fini', plugin('pvpanic'))
        self.assertNotIn('pvpanic-pci', r.stdout)
        self.assertEqual(run('--class', 'nobody', plugin('pvpanic')).returncode, 1)

    def test_with(self):
        """--with FILE: what both plugins compose is a class to test; a file that is no plugin is a failure."""
        r = run('--list', '--with', plugin('virtio-rng'), plugin('virtio-pci'))
        self.assertIn('life/used: virtio-rng-pci', r.stdout)
        r = run('--class', 'virtio-rng-pci', '--filter', 'life/one-life', '--with', plugin('virtio-rng'), plugin('virtio-pci'))
        self.assertEqual((r.returncode, r.stdout.count('\nok ')), (0, 1), r.stdout)
        r = run('--filter', 'life/one-life', '--with', '/nonexistent.so', plugin('edu'))
        self.assertEqual(r.returncode, 1)
        self.assertIn('--with /nonexistent.so', r.stderr)

    def test_set(self):
        """--set KEY=VALUE reaches the class; a value that it does not take is told."""
        r = run('--set', 'dma_mask=garbage', '--filter', 'life/one-life', plugin('edu'))
        self.assertIn("property 'dma_mask' takes no value 'garbage'", r.stdout)

    def test_peer(self):
        """--set KEY={file}: a file is there while a test runs; what is no such word stays as it is."""
        for value, end in ('{file}', ''), ('{nonsense}', " # SKIP it cannot be realized here: Could not open '{nonsense}'"):
            r = run('--set', f'file.filename={value}', '--class', 'file', '--filter', 'life/one-life', plugin('file'))
            self.assertIn(f'ok 1 - life/one-life: file{end}', r.stdout)
            self.assertEqual('SKIP' in r.stdout, bool(end))

    def test_json(self):
        """--json FILE has the same results, each with the rule that it proves."""
        with tempfile.TemporaryDirectory() as tmp:
            out = os.path.join(tmp, 'r.json')
            r = run('--json', out, '--filter', 'life/init-fini', plugin('edu'))
            with open(out, encoding='utf-8') as f:
                got = json.load(f)
        self.assertEqual(r.returncode, 0)
        self.assertTrue(got['conforms'])
        self.assertEqual([(t['name'], t['verdict']) for t in got['tests']], [('life/init-fini: edu', 'pass')])
        self.assertTrue(got['tests'][0]['rule'])

    def test_list(self):
        """--list names every test and runs none."""
        r = run('--list', plugin('edu'))
        self.assertEqual(r.returncode, 0)
        self.assertIn('state/hostile-field: edu', r.stdout)
        self.assertNotIn('ok 1', r.stdout)


def main():
    tap = Tap()
    for case in unittest.defaultTestLoader.loadTestsFromTestCase(CommandLine):
        result = unittest.TestResult()
        case.run(result)
        skip = result.skipped[0][1] if result.skipped else None
        tap.case(case.shortDescription(), [t for _, t in result.failures + result.errors], skip=skip)
    return tap.done()


if __name__ == '__main__':
    sys.exit(main())
