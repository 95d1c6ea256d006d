/* SPDX-License-Identifier: BSD-2-Clause */
/* The host as a front end: reads that are waited for, and counters. Main thread. */
#include "block_impl.h"

#include <errno.h>

struct waiting {
    uint32_t ended;
    int err;
};

static void woken(void *p, int err)
{
    struct waiting *w = p;
    w->err = err;
    w->ended = 1;
}

static int wait_for(struct vm *vm, struct waiting *w)
{
    while (!w->ended)
        loop_once(vm->main, 100000000u);
    return w->err;
}

static int do_now(struct tn_blk *b, uint32_t op, uint64_t off, void *buf, uint64_t len)
{
    ERR_AUTO e = {0};
    struct vm *vm = b->dev->vm;
    struct tn_blkq *q = blkq_new(b, NULL, vm->main, TN_LF_NOLOCK, &e);
    if (!q)
        return -e.err;
    struct waiting w = {0};
    struct tn_iov v = {buf, len};
    int r = blkq_submit(q, op, off, len, buf ? &v : NULL, buf != NULL, 0, woken, &w);
    if (r == 0) {
        blkq_flush(q);
        r = wait_for(vm, &w);
    }
    blkq_free(q);
    return r;
}

int block_read_now(struct tn_blk *b, uint64_t off, void *buf, uint64_t len)
{
    return do_now(b, TN_BLK_READ, off, buf, len);
}

int block_flush_now(struct tn_blk *b)
{
    return do_now(b, TN_BLK_FLUSH, 0, NULL, 0);
}

void blk_stats_add(struct block_stats *to, const struct block_stats *from)
{
    for (uint32_t i = 0; i < BLOCK_ACCT_KINDS; i++) {
        to->kind[i].bytes += __atomic_load_n(&from->kind[i].bytes, __ATOMIC_RELAXED);
        to->kind[i].ops += __atomic_load_n(&from->kind[i].ops, __ATOMIC_RELAXED);
        to->kind[i].ns += __atomic_load_n(&from->kind[i].ns, __ATOMIC_RELAXED);
        to->kind[i].failed += __atomic_load_n(&from->kind[i].failed, __ATOMIC_RELAXED);
        to->kind[i].invalid += __atomic_load_n(&from->kind[i].invalid, __ATOMIC_RELAXED);
    }
}

static double ns_per_tick(const struct tn_blk *b)
{
    uint64_t ticks = blk_ticks() - b->ticks0;
    uint64_t ns = clock_now(&b->dev->vm->clock, TN_CLK_REAL) - b->ns0;
    return ticks ? (double)ns / (double)ticks : 1;
}

void block_stats(struct tn_blk *b, struct block_stats *out)
{
    struct tn_blkq *q;
    double rate = ns_per_tick(b);
    *out = b->gone;
    if (b->front)
        LIST_FOREACH(q, &b->front->queues, link)
    blk_stats_add(out, &q->stats);
    for (uint32_t i = 0; i < BLOCK_ACCT_KINDS; i++)
        out->kind[i].ns = (uint64_t)((double)out->kind[i].ns * rate);
}
