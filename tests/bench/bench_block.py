#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Random 4 KiB requests: the file plugin alone, beside fio's io_uring engine, on the same file.

usage: bench_block.py BENCH_BLOCK [--dir DIR] [--seconds N] [--passes N] [--direct] [--out FILE]

Passes are interleaved; the median of each and the ratio are printed. The ratio is what counts.
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile

SIZE = 256 << 20
DEPTHS = (1, 8, 32)


def ours(args, path, op, depth, aio):
    options = f"'aio': '{aio}', 'locking': 'off', 'cache.direct': {'true' if args.direct else 'false'}"
    out = subprocess.run([args.bench, path, str(SIZE), op, str(depth), str(args.seconds), options],
                         check=True, capture_output=True, text=True).stdout
    return float(out)


def fio(args, path, op, depth):
    out = subprocess.run(['fio', '--name=b', f'--filename={path}', f'--size={SIZE}', f'--rw=rand{op}', '--bs=4k',
                          '--ioengine=io_uring', f'--iodepth={depth}', f'--runtime={round(args.seconds * 1000)}ms', '--time_based',
                          f'--direct={int(args.direct)}', '--fallocate=none', '--output-format=json', '--norandommap',
                          '--gtod_reduce=1', '--invalidate=0', '--thread'],
                         check=True, capture_output=True, text=True).stdout
    return json.loads(out[out.index('{'):])['jobs'][0][op]['iops']


def fill(path):
    with open(path, 'wb') as f:
        block = os.urandom(1 << 20)
        for _ in range(SIZE >> 20):
            f.write(block)
        f.flush()
        os.fsync(f.fileno())


def measure(args, path, op, depth):
    """Median operations a second of each contender."""
    runs = {'io_uring': lambda: ours(args, path, op, depth, 'io_uring'),
            'threads': lambda: ours(args, path, op, depth, 'threads'),
            'fio': lambda: fio(args, path, op, depth)}
    found = {name: [] for name in runs}
    for _ in range(args.passes):
        for name, run in runs.items():
            found[name].append(run())
    return {name: statistics.median(v) for name, v in found.items()}


def main():
    p = argparse.ArgumentParser()
    p.add_argument('bench')
    p.add_argument('--dir', default='/dev/shm')
    p.add_argument('--seconds', type=float, default=1)
    p.add_argument('--passes', type=int, default=3)
    p.add_argument('--direct', action='store_true')
    p.add_argument('--out')
    args = p.parse_args()
    if not shutil.which('fio'):
        print('no fio here: skipped')
        return 77
    results = []
    with tempfile.TemporaryDirectory(dir=args.dir, prefix='tenon-bench.') as d:
        path = os.path.join(d, 'image')
        fill(path)
        print(f'{"":12}{"fio":>10}{"io_uring":>10}{"ratio":>7}{"threads":>10}{"ratio":>7}')
        for op in ('read', 'write'):
            for depth in DEPTHS:
                r = measure(args, path, op, depth)
                results.append({'op': op, 'depth': depth, **r})
                print(f'{op + " " + str(depth):12}{r["fio"]:10.0f}{r["io_uring"]:10.0f}{r["io_uring"] / r["fio"]:7.2f}'
                      f'{r["threads"]:10.0f}{r["threads"] / r["fio"]:7.2f}', flush=True)
    if args.out:
        with open(args.out, 'w') as f:
            json.dump(results, f, indent=1)
    return 0


if __name__ == '__main__':
    sys.exit(main())
