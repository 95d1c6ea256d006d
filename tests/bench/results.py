# SPDX-License-Identifier: BSD-2-Clause
"""Collects measurements of both programs, prints ratios and keeps them as JSON."""
import json
import os
import pathlib
import platform
import statistics


class Results:
    def __init__(self, bench, about, pair=('tenon', 'qemu')):
        self.bench, self.about, self.pair, self.rows = bench, about, pair, {}

    def add(self, row, unit, vmm, value):
        """One measurement of vmm, one of the pair."""
        entry = self.rows.setdefault(row, {'unit': unit, **{v: [] for v in self.pair}})
        entry[vmm].append(value)

    def summary(self):
        """Row -> medians, minima and the ratio of the medians, the first of the pair to the second."""
        out = {}
        for row, entry in self.rows.items():
            medians = {v: statistics.median(entry[v]) for v in self.pair if entry[v]}
            first, second = (medians.get(v) for v in self.pair)
            ratio = first / second if first is not None and second else None
            out[row] = {'unit': entry['unit'], 'runs': {v: entry[v] for v in medians}, 'median': medians,
                        'min': {v: min(entry[v]) for v in medians}, 'ratio': ratio}
        return out

    def document(self):
        return {'bench': self.bench, 'about': self.about, 'kernel': platform.release(), 'cpus': os.cpu_count(),
                'rows': self.summary()}


def show(document):
    print(f'{document["bench"]}: {document["about"]}')
    for row, entry in document['rows'].items():
        values = '  '.join(f'{v} {entry["median"][v]:10.1f} (min {entry["min"][v]:.1f}, n {len(entry["runs"][v])})'
                           for v in entry['median'])
        ratio = f'{entry["ratio"]:.3f}' if entry['ratio'] is not None else '-'
        print(f'  {row:34} {entry["unit"]:5} {values}  ratio {ratio}', flush=True)


def save(document, folder):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f'{document["bench"]}.json').write_text(json.dumps(document, indent=1) + '\n', encoding='utf-8')


def table(folder):
    """All results of a folder as one Markdown table."""
    yield '| bench | what | unit | tenon, median (min) | QEMU, median (min) | tenon / QEMU |'
    yield '|---|---|---|---|---|---|'
    for path in sorted(pathlib.Path(folder).glob('*.json')):
        document = json.loads(path.read_text(encoding='utf-8'))
        for row, e in document.get('rows', {}).items():
            if not {'tenon', 'qemu'} & e['median'].keys():
                continue  # two forms of tenon
            cells = [f'{e["median"][v]:.1f} ({e["min"][v]:.1f})' if v in e['median'] else '-' for v in ('tenon', 'qemu')]
            ratio = f'{e["ratio"]:.3f}' if e['ratio'] is not None else '-'
            yield f'| {document["bench"]} | {row} | {e["unit"]} | {cells[0]} | {cells[1]} | {ratio} |'
