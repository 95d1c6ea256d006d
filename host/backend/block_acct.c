/* SPDX-License-Identifier: BSD-2-Clause */
/* What is counted of a disk: requests, bytes, times, and, where somebody asked for it, how many
 * took how long. A queue counts for itself in its context; the main thread adds up. */
#include "block_impl.h"

#include "util/alloc.h"
#include <errno.h>
#include <stdlib.h>

struct blk_histogram {
    uint32_t n;       /* boundaries */
    uint64_t *ns;     /* of them, as given */
    uint64_t *ticks;  /* the same by blk_ticks() */
    uint64_t *bins;   /* n + 1; atomic: every queue adds to them */
    uint64_t space[]; /* for the three */
};

/* ---- one request ---- */

static void count_latency(struct blk_histogram *h, uint64_t ticks)
{
    uint32_t i = 0;
    while (i < h->n && ticks >= h->ticks[i])
        i++;
    __atomic_add_fetch(&h->bins[i], 1, __ATOMIC_RELAXED);
}

void blk_account(struct blk_op *o, int err)
{
    struct block_stats *s = &o->q->stats;
    struct blk_histogram *h = o->q->b->histogram[o->acct];
    __typeof__(&s->kind[0]) k = &s->kind[o->acct];
    s->last = blk_ticks();
    k->ns += s->last - o->begun;
    if (__builtin_expect(h != NULL, 0))
        count_latency(h, s->last - o->begun);
    if (err) {
        k->failed++;
        return;
    }
    k->ops++;
    k->bytes += o->len;
    if (o->acct == BLOCK_ACCT_WRITE && o->off + o->len > s->highest)
        s->highest = o->off + o->len;
}

/* ---- all of them ---- */

static uint64_t load(const uint64_t *v)
{
    return __atomic_load_n(v, __ATOMIC_RELAXED);
}

static void raise_to(uint64_t *v, uint64_t other)
{
    *v = other > *v ? other : *v;
}

void blk_stats_add(struct block_stats *to, const struct block_stats *from)
{
    for (uint32_t i = 0; i < BLOCK_ACCT_KINDS; i++) {
        to->kind[i].bytes += load(&from->kind[i].bytes);
        to->kind[i].ops += load(&from->kind[i].ops);
        to->kind[i].ns += load(&from->kind[i].ns);
        to->kind[i].failed += load(&from->kind[i].failed);
        to->kind[i].invalid += load(&from->kind[i].invalid);
    }
    raise_to(&to->highest, load(&from->highest));
    raise_to(&to->last, load(&from->last));
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
    out->idle = out->last ? (uint64_t)((double)(blk_ticks() - out->last) * rate) : 0;
}

/* ---- histograms ---- */

static struct blk_histogram *histogram_new(const struct tn_blk *b, const uint64_t *ns, uint32_t n)
{
    struct blk_histogram *h = xcalloc(1, sizeof *h + (3 * (size_t)n + 1) * sizeof h->space[0]);
    double rate = ns_per_tick(b);
    h->n = n;
    h->ns = h->space;
    h->ticks = h->ns + n;
    h->bins = h->ticks + n;
    for (uint32_t i = 0; i < n; i++) {
        h->ns[i] = ns[i];
        h->ticks[i] = (uint64_t)((double)ns[i] / rate);
    }
    return h;
}

int block_histogram_valid(const uint64_t *ns, uint32_t n)
{
    uint64_t before = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (ns[i] <= before)
            return 0;
        before = ns[i];
    }
    return n > 0;
}

/* Nobody counts while it changes. */
void block_histogram_set(struct tn_blk *b, uint32_t kind, const uint64_t *ns, uint32_t n)
{
    block_drain_begin(b);
    free(b->histogram[kind]);
    b->histogram[kind] = ns ? histogram_new(b, ns, n) : NULL;
    block_drain_end(b);
}

uint32_t block_histogram(const struct tn_blk *b, uint32_t kind, const uint64_t **ns,
                         const uint64_t **bins)
{
    const struct blk_histogram *h = b->histogram[kind];
    *ns = h ? h->ns : NULL;
    *bins = h ? h->bins : NULL;
    return h ? h->n : 0;
}

void blk_histograms_free(struct tn_blk *b)
{
    for (uint32_t i = 0; i < BLOCK_ACCT_KINDS; i++)
        free(b->histogram[i]);
}
