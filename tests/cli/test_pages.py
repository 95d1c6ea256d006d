#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The command lines of the pages start a machine, and say nothing.

usage: test_pages.py TENON SOURCE_DIR
"""
import contextlib
import os
import pathlib
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile

from tenon import Tap

PAGES = ['README.md', 'docs/block.md', 'plugins/virtio/*/*.md', 'plugins/rng/*.md', 'plugins/block/*/*.md']
# What needs another machine, rights or a file of somebody else's.
ELSEWHERE = re.compile(r'-plugin |nbd://|tap,|host_device|,help| help\b|<|\[')
GUEST = {'-kernel', '-initrd', '-append'}  # with an argument each: no guest runs here


def command_lines(page):
    """Indented lines that begin with the program and make a device or a disk, continued ones joined."""
    text = re.sub(r' *\\\n +', ' ', page.read_text(encoding='utf-8'))
    lines = re.findall(r'^    tenon (.*)$', text, re.M)
    return [x for x in lines if re.search(r'-device |-drive |-blockdev ', x) and not ELSEWHERE.search(x)]


def words_of(line, folder):
    words, out = shlex.split(line.replace('/run/', f'{folder}/')), []
    while words:
        word = words.pop(0)
        if word in GUEST:
            words.pop(0)
        elif word not in ('...', '-nographic'):
            out.append(word)
    return out


@contextlib.contextmanager
def surroundings(folder):
    """What the lines name: an image, a server of entropy, a server of a disk."""
    with open(f'{folder}/disk.raw', 'wb') as disk:
        disk.truncate(1 << 20)
    with socket.socket(socket.AF_UNIX) as egd:
        egd.bind(f'{folder}/egd.sock')
        egd.listen()
        server = shutil.which('nbdkit')
        nbd = subprocess.Popen([server, '-f', '-U', f'{folder}/disk.sock', 'memory', '1M']) if server else None
        try:
            while nbd and not os.path.exists(f'{folder}/disk.sock'):
                nbd.poll() is None or sys.exit('nbdkit ends')
            yield
        finally:
            if nbd:
                nbd.terminate()
                nbd.wait()


def problems(tenon, line, folder):
    command = [tenon, '-accel', 'qtest', '-display', 'none', *words_of(line, folder)]
    with tempfile.TemporaryFile(mode='w+') as out, \
            subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=out, stderr=out) as run:
        try:
            run.wait(0.5)
        except subprocess.TimeoutExpired:
            run.terminate()
        status = run.wait(20)
        out.seek(0)
        said = out.read().strip()
    return [] if status == 0 and not said else [shlex.join(command), f'status {status}: {said}']


def main():
    tenon, source = map(os.path.abspath, sys.argv[1:])
    tap = Tap()
    top = pathlib.Path(source)
    pages = [p for pattern in PAGES for p in sorted(top.glob(pattern))]
    with tempfile.TemporaryDirectory(prefix='tenon-pages-') as folder, surroundings(folder):
        for page in pages:
            for line in command_lines(page):
                if 'disk.sock' in line and not shutil.which('nbdkit'):
                    continue
                tap.case(f'{page.name}: {line[:90]}', problems(tenon, line, folder))
    return tap.done()


if __name__ == '__main__':
    sys.exit(main())
