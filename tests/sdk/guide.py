# SPDX-License-Identifier: BSD-2-Clause
"""Walks a page of ours as its reader would: what it says to write is written, what it says to run is run, in its order.

Fenced blocks say by their first line what they are:
    ```LANGUAGE FILE   is added to FILE, which the first of them begins
    ```sh              is run by a shell, in the folder of the files; it ends with status 0
    ```text            lines that the last one has printed
Any other block is a mistake of the page's: everything is checked.
"""
import dataclasses
import re

FENCE = re.compile(r'^```(\w*)(?: (\S+))?\n(.*?)^```$', re.M | re.S)


@dataclasses.dataclass
class Block:
    language: str
    file: str    # or None
    text: str
    heading: str


def blocks(page):
    """The blocks of a page, each with the heading that it stands under."""
    for found in FENCE.finditer(page):
        headings = re.findall(r'^#+ (.*)$', page[:found.start()], re.M)
        yield Block(*found.groups(), headings[-1] if headings else '')


class Walk:
    """A folder that a page is walked in; run(COMMAND, cwd=...) runs a shell's line as a reader would."""

    def __init__(self, folder, run):
        self.folder, self.run = folder, run
        self.said, self.begun = '', set()

    def write(self, block):
        with open(self.folder / block.file, 'a' if block.file in self.begun else 'w', encoding='utf-8') as f:
            f.write(('\n' if block.file in self.begun else '') + block.text)
        self.begun.add(block.file)

    def shell(self, block):
        done = self.run('bash', '-euo', 'pipefail', '-c', block.text, cwd=self.folder)
        self.said = done.stdout + done.stderr
        return [] if done.returncode == 0 else [f'status {done.returncode}', *block.text.splitlines(), *self.said.splitlines()]

    def compare(self, block):
        said = self.said.splitlines()
        return [f'is not said: {x!r}' for x in block.text.splitlines() if x not in said]

    def step(self, block):
        """What is wrong with this block."""
        if block.file:
            return self.write(block) or []
        if block.language == 'sh':
            return self.shell(block)
        if block.language == 'text':
            return self.compare(block)
        return [f'a block of {block.language or "no language"} without a file']
