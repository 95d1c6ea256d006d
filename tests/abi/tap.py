# SPDX-License-Identifier: BSD-2-Clause
"""TAP on stdout: one line per case, diagnostics in front of it."""


class Tap:
    def __init__(self):
        self.n = 0
        self.bad = 0

    def case(self, name, problems=(), skip=None, todo=None):
        """One case; fails if there are problems. todo: a failure is reported but does not count."""
        problems = list(problems)
        for p in problems:
            for line in str(p).rstrip().splitlines():
                print('#', line)
        self.n += 1
        end = f' # SKIP {skip}' if skip else f' # TODO {todo}' if problems and todo else ''
        self.bad += bool(problems and not todo)
        print(f'{"not " if problems else ""}ok {self.n} {name}{end}', flush=True)

    def done(self):
        print(f'1..{self.n}')
        return self.bad != 0
