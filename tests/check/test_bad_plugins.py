#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""tenon-check finds what is wrong: each file of bad/ says in its first comment which test catches it and what that says.

usage: test_bad_plugins.py TENON_CHECK INCLUDE_DIR FILE_RULES_DIR [NAME...]

    breaks: GROUP/TEST     the first test that fails; "nothing": all pass
    says: WORDS            what its reason or its remarks contain; "a\\|b": one of them

FILE_RULES_DIR is the collection for the rules about the file (tests/abi/bad): those name rules of check_plugins.py.
"""
import glob
import json
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'abi'))
from tap import Tap  # noqa: E402
import test_check_plugins  # noqa: E402

CFLAGS = ['-std=gnu11', '-O1', '-fPIC', '-fvisibility=hidden', '-Wall', '-Wextra', '-Werror', '-Wno-unused-value',
          '-Wno-override-init', '-Wno-unused-but-set-variable', '-nostartfiles', '-shared', '-Wl,-z,defs', '-Wl,-z,relro',
          '-Wl,-z,now', '-Wl,-z,noexecstack']
# What the suite calls the rules of check_plugins.py
FILE_TESTS = {'one_export': {'file/one-export', 'file/has-symbol'},
              'no_foreign_symbol': {'file/no-host-symbol', 'file/libraries'}, 'no_constructors': {'file/no-constructor'},
              'no_tls': {'file/no-thread-local'}, 'relro_and_bind_now': {'file/relro-now'},
              'no_executable_stack': {'file/no-exec-stack'}, 'no_text_relocation': {'file/no-text-relocation'},
              'no_writable_globals': {'file/no-writable-global'}}


def wishes(source):
    with open(source, encoding='utf-8') as f:
        return dict(re.findall(r'(breaks|says): (.*?)(?: \*/)?$', f.read(), re.M))


def check(tool, plugin, *options):
    """The results of a run, as the list "tests" of its JSON; and its exit status."""
    out = plugin + '.json'
    run = subprocess.run([tool, '--timeout', '2', '--fuzz-seconds', '3', *options, '--json', out, plugin],
                         capture_output=True, text=True)
    with open(out, encoding='utf-8') as f:
        return [dict(t, test=t['name'].split(':')[0]) for t in json.load(f)['tests']], run.returncode


def failures(results):
    return [t for t in results if t['verdict'] not in ('pass', 'skip')]


def judge(want, results, status):
    """What is wrong with the suite's verdict."""
    bad = failures(results)
    if want['breaks'] == 'nothing':
        return [f'{t["name"]}: {t["why"]}' for t in bad] or ([] if status == 0 else [f'exit status {status}'])
    if status != 1 or not bad:
        return [f'nothing was found, exit status {status}']
    first = bad[0]
    said = first.get('why', '') + first.get('notes', '')
    if first['test'] != want['breaks'] or not any(w in said for w in want['says'].split('\\|')):
        return [f'{first["name"]} failed first: {said}']
    return []


def case(tool, include, source, tmp, caught):
    """What is wrong with the verdict on this one; caught: the tests that have failed so far."""
    plugin = os.path.join(tmp, os.path.basename(source) + '.so')
    run = subprocess.run(['cc', *CFLAGS, f'-I{include}', source, '-o', plugin], capture_output=True, text=True)
    if run.returncode:
        return [run.stderr]
    results, status = check(tool, plugin, '--first')
    caught.update(t['test'] for t in failures(results))
    return judge(wishes(source), results, status)


def file_case(tool, include, source, tmp, caught):
    """One of the other collection: the tests for its rules fail, and no other of that group."""
    want = test_check_plugins.wishes(source)
    if any(o.startswith('-l:') and not test_check_plugins.library('cc', o[3:]) for o in want.get('link', [])):
        return []
    plugin = os.path.join(tmp, 'file-' + os.path.basename(source) + '.so')
    run = test_check_plugins.build('cc', source, include, plugin, want)
    if run.returncode:
        return [run.stderr]
    libs = [w for lib in want.get('needs', []) for w in ('--lib', lib)]
    results, _ = check(tool, plugin, '--filter', 'file/', *libs)
    broken = {t['test'] for t in failures(results)} - {'meta/loads', 'meta/class-names'}
    caught.update(broken)
    rules = [FILE_TESTS[r] for r in want['breaks'] if r != 'nothing']
    missed = [r for r in rules if not r & broken]
    return [f'{broken}, and not {rules}'] if missed or broken - set().union(*rules) else []


def replay_case(tool, include, source, tmp):
    """A walk that fails is kept, made small, and fails again when it is replayed."""
    plugin, folder = os.path.join(tmp, 'replay.so'), os.path.join(tmp, 'kept')
    os.mkdir(folder)
    subprocess.run(['cc', *CFLAGS, f'-I{include}', source, '-o', plugin], check=True)
    check(tool, plugin, '--filter', 'fuzz/walks', '--fuzz-seconds', '6', '--keep', folder)
    kept = glob.glob(os.path.join(folder, '*.walk'))
    if len(kept) != 1:
        return [f'{len(kept)} reproducers were kept']
    with open(kept[0], encoding='utf-8') as f:
        steps = f.read().count('\nstep ')
    bad = failures(check(tool, plugin, '--filter', 'fuzz/walks', '--replay', kept[0])[0])
    wrong = [] if 0 < steps <= 10 else [f'{steps} steps are left of it']
    return wrong + ([] if len(bad) == 1 and 'Aborted' in bad[0]['why'] else [f'replayed: {bad}'])


# Tests that no plugin of the collections breaks, and why.
EXCEPTIONS = {
    'file/shared-object': 'it is for files that are no plugins: test_command_line.py has some',
    'unplug/under-load': 'it is life/used many times over: what it alone finds comes by chance',
}


def unproven(tool, good, caught):
    """The tests of which nobody knows that they can fail, and exceptions that are none."""
    run = subprocess.run([tool, '--list', good], capture_output=True, text=True)
    tests = {line.split(':')[0] for line in run.stdout.splitlines()}
    return ([f'{t}: no plugin breaks it' for t in sorted(tests - caught - set(EXCEPTIONS))] +
            [f'{t}: there is no such test' for t in sorted(set(EXCEPTIONS) - tests)] +
            [f'{t}: is no exception any more' for t in sorted(set(EXCEPTIONS) & caught)])


def main():
    tool, include, file_rules, only = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]
    tap = Tap()
    jobs, caught = [], set()
    with tempfile.TemporaryDirectory() as tmp, ThreadPoolExecutor(2) as pool:
        for run, folder in (case, os.path.join(HERE, 'bad')), (file_case, file_rules):
            for s in sorted(glob.glob(os.path.join(folder, '*.c'))):
                if not only or os.path.basename(s)[:-2] in only:
                    jobs.append((os.path.relpath(s, HERE), pool.submit(run, tool, include, s, tmp, caught)))
        if not only or 'replay' in only:
            rare = os.path.join(HERE, 'bad', 'rare.c')
            jobs.append(('a reproducer', pool.submit(replay_case, tool, include, rare, tmp)))
        for name, job in jobs:
            tap.case(name, job.result())
        if not only:
            tap.case('every test has a plugin that breaks it', unproven(tool, os.path.join(tmp, 'good.c.so'), caught))
    return tap.done()


if __name__ == '__main__':
    sys.exit(main())
