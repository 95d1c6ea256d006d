#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What the Tab key offers in bash, and what the manual pages say.

usage: test_completion.py TENON SOURCE_DIR TENON.1 TENON-QMP-REF.7
"""
import json
import pathlib
import re
import shutil
import subprocess
import sys

import tenon

BREAKS = ' \t\n"\'><=;|&(:'  # bash's own COMP_WORDBREAKS


def offers(binary, completions, line):
    """What readline would put in for the end of line."""
    script = f'''source "$1"; COMP_LINE=$2; COMP_POINT=${{#COMP_LINE}}; COMP_WORDBREAKS=$3
compopt() {{ :; }}; _tenon "$4"; printf '%s\\n' "${{COMPREPLY[@]}}"'''
    run = subprocess.run(['bash', '-c', script, 'bash', completions, line, BREAKS, binary], capture_output=True, text=True,
                         timeout=tenon.PATIENCE)
    assert run.returncode == 0 and not run.stderr, run.stderr
    return [x for x in run.stdout.split('\n') if x]


def completion_cases(binary, completions):
    def case(line, *wanted, exactly=False, without=()):
        got = offers(binary, completions, line)
        bad = [w for w in wanted if w not in got] + [w for w in without if w in got]
        if exactly and set(got) != set(wanted):
            bad.append(got)
        return f'{line!r} offers {wanted[0]}', bad
    yield case('tenon -dev', '-device', exactly=True)
    yield case('tenon -M ', 'q35', 'microvm', 'none')
    yield case('tenon -M q35 -device ed', 'edu', exactly=True)
    yield case('tenon --device virtio-b', 'virtio-blk-pci', 'virtio-blk-device', exactly=True)
    yield case('tenon -device virtio-blk-pci,dr', 'virtio-blk-pci,drive=', exactly=True)
    yield case('tenon -device virtio-blk-pci,drive=a,se', 'a,serial=')
    yield case('tenon -device virtio-blk-pci,seg-max-adjust=o', 'on', 'off')
    yield case('tenon -device edu,', 'edu,id=', 'edu,dma_mask=')
    yield case('tenon -object memory-backend-m', 'memory-backend-memfd', exactly=True)
    yield case('tenon -object memory-backend-ram,si', 'memory-backend-ram,size=', exactly=True)
    yield case('tenon -trace rtc_r', 'rtc_read', exactly=True)
    yield case('tenon -cpu ', 'host', 'max')
    yield case('tenon -netdev ', 'user', 'tap')
    yield case('tenon -chardev ', 'socket', 'stdio')
    yield case('tenon -accel ', 'kvm', 'qtest', exactly=True)
    yield case('tenon -d guest', 'guest_errors', exactly=True)


# ---- manual pages ----

def lint(page):
    if not shutil.which('mandoc'):
        return []
    run = subprocess.run(['mandoc', '-T', 'lint', '-W', 'warning', page], capture_output=True, text=True, check=False)
    return run.stdout.splitlines()


def bold_words(page):
    text = pathlib.Path(page).read_text(encoding='utf-8').replace('\\-', '-')
    return set(re.findall(r'\\fB-\\fR\\fB([^\\]+)\\fR', text)), set(re.findall(r'^\\fB([^\\]+)\\fR$', text, re.M))


def monitor_names(binary):
    """The commands and events that the program itself tells of."""
    words = [binary, '-M', 'none', '-accel', 'qtest', '-nodefaults', '-qmp', 'stdio']
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        process.stdin.write('{"execute": "qmp_capabilities"}{"execute": "query-qmp-schema"}')
        process.stdin.flush()
        answers = (json.loads(line).get('return') for line in process.stdout)
        schema = next(a for a in answers if isinstance(a, list))
        process.terminate()
    return {e['name'] for e in schema if e['meta-type'] in ('command', 'event')}


def page_cases(binary, page1, page7):
    helped = subprocess.run([binary, '-help'], capture_output=True, text=True, check=True).stdout
    options = set(re.findall(r'^-([\w-]+)', helped, re.M))
    yield 'tenon.1 has every option of -help', sorted(options ^ bold_words(page1)[0])
    told, known = bold_words(page7)[1], monitor_names(binary)
    yield 'tenon-qmp-ref.7 has every command and event', sorted(known - told)
    for page in page1, page7:
        yield f'{pathlib.Path(page).name} is clean', lint(page)


def main():
    binary, top, page1, page7 = sys.argv[1:]
    tap = tenon.Tap()
    for name, bad in completion_cases(binary, str(pathlib.Path(top, 'completions/tenon'))):
        tap.case(name, [str(b) for b in bad])
    for name, bad in page_cases(binary, page1, page7):
        tap.case(name, [str(b) for b in bad])
    return tap.done()


if __name__ == '__main__':
    sys.exit(main())
