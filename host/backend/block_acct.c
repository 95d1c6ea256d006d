/* SPDX-License-Identifier: BSD-2-Clause */
/* What is counted of a disk: requests, bytes, times, and, where somebody asked for it, how many
 * took how long. A queue counts for itself in its context; the main thread adds up. */
#include "block_runtime.h"

#include "util/alloc.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

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
    if (!h)
        return;
    uint32_t i = 0;
    while (i < h->n && ticks >= h->ticks[i])
        i++;
    __atomic_add_fetch(&h->bins[i], 1, __ATOMIC_RELAXED);
}

/* Histograms have failures, too, whatever else has. */
static void count_time(const struct blk_op *o, uint64_t ticks, int use)
{
    const struct tn_blk *b = o->q->b;
    count_latency(b->histogram[o->acct], ticks);
    if (use && b->intervals)
        blk_intervals_count(b, o->acct, ticks);
}

void blk_account(struct blk_op *o, int err)
{
    const struct tn_blk *b = o->q->b;
    struct block_stats *s = &o->q->stats;
    __typeof__(&s->kind[0]) k = &s->kind[o->acct];
    uint64_t now = blk_ticks();
    int use = !err || b->account.failed;
    if (__builtin_expect(b->timed, 0))
        count_time(o, now - o->begun, use);
    if (use) {
        s->last = now;
        k->ns += now - o->begun;
    }
    if (err) {
        k->failed++;
        return;
    }
    k->ops++;
    k->bytes += o->len;
    if (o->acct == BLOCK_ACCT_WRITE && o->off + o->len > s->highest)
        s->highest = o->off + o->len;
}

void blk_account_invalid(struct tn_blkq *q, uint32_t kind)
{
    q->stats.kind[kind].invalid++;
    if (q->b->account.invalid)
        q->stats.last = blk_ticks();
}

/* ---- what is a use of the disk ---- */

static void ask(const struct device *d, const char *name, uint8_t *use)
{
    AUTO_FREE char *says = block_option(d, name);
    if (says && strcmp(says, "auto") != 0)
        *use = strcmp(says, "on") == 0;
}

void blk_account_front(struct tn_blk *b, const struct device *d)
{
    b->account = b->account_drive;
    if (!d)
        return;
    ask(d, "account-invalid", &b->account.invalid);
    ask(d, "account-failed", &b->account.failed);
}

void block_account_set(struct tn_blk *b, struct block_accounting a)
{
    b->account = b->account_drive = a;
}

struct block_accounting block_accounting(const struct tn_blk *b)
{
    return b->account;
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

double blk_ns_per_tick(const struct tn_blk *b)
{
    uint64_t ticks = blk_ticks() - b->ticks0;
    uint64_t ns = clock_now(&b->dev->vm->clock, TN_CLK_REAL) - b->ns0;
    return ticks ? (double)ns / (double)ticks : 1;
}

void block_stats(struct tn_blk *b, struct block_stats *out)
{
    struct tn_blkq *q;
    double rate = blk_ns_per_tick(b);
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
    double rate = blk_ns_per_tick(b);
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

void blk_timed(struct tn_blk *b)
{
    b->timed = b->intervals != NULL;
    for (uint32_t i = 0; i < BLOCK_ACCT_KINDS; i++)
        b->timed |= b->histogram[i] != NULL;
}

/* Nobody counts while it changes. */
void block_histogram_set(struct tn_blk *b, uint32_t kind, const uint64_t *ns, uint32_t n)
{
    block_drain_begin(b);
    free(b->histogram[kind]);
    b->histogram[kind] = ns ? histogram_new(b, ns, n) : NULL;
    blk_timed(b);
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
