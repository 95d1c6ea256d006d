/* SPDX-License-Identifier: BSD-2-Clause */
/* Latencies of the last seconds, for a disk whose options ask for them. Each interval has two
 * windows that begin half of it apart: the older one tells of at least a half of it. */
#include "block_impl.h"

#include "util/alloc.h"
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { WINDOWS = 2 };
static const uint64_t ns_per_s = 1000000000;

struct window {
    uint64_t from; /* ns */
    struct {
        uint64_t n, min, max, sum; /* by blk_ticks() */
    } kind[BLOCK_ACCT_KINDS];
};

struct interval {
    uint64_t length; /* ns */
    struct window window[WINDOWS];
};

/* Queues of several contexts count into the same windows. */
struct blk_intervals {
    pthread_mutex_t lock;
    uint64_t made; /* ns */
    uint32_t n;
    struct interval of[];
};

/* ---- windows; with the lock ---- */

/* Times of the clock are told apart by their distance only: what began before the clock did is
 * fine. */
static void renew(struct interval *i, uint64_t now)
{
    for (uint32_t k = 0; k < WINDOWS; k++) {
        struct window *w = &i->window[k];
        uint64_t age = now - w->from;
        if (age < i->length)
            continue;
        *w = (struct window){.from = now - age % i->length};
    }
}

static const struct window *older(const struct interval *i, uint64_t now)
{
    return &i->window[now - i->window[1].from > now - i->window[0].from];
}

static void count(struct window *w, uint32_t kind, uint64_t ticks)
{
    __typeof__(&w->kind[0]) k = &w->kind[kind];
    k->min = k->n == 0 || ticks < k->min ? ticks : k->min;
    k->max = ticks > k->max ? ticks : k->max;
    k->sum += ticks;
    k->n++;
}

/* ---- requests ---- */

static uint64_t time_of(const struct tn_blk *b)
{
    return clock_now(&b->dev->vm->clock, TN_CLK_REAL);
}

void blk_intervals_count(const struct tn_blk *b, uint32_t kind, uint64_t ticks)
{
    struct blk_intervals *s = b->intervals;
    pthread_mutex_lock(&s->lock);
    uint64_t now = time_of(b);
    for (uint32_t i = 0; i < s->n; i++) {
        renew(&s->of[i], now);
        for (uint32_t k = 0; k < WINDOWS; k++)
            count(&s->of[i].window[k], kind, ticks);
    }
    pthread_mutex_unlock(&s->lock);
}

/* ---- who asks ---- */

void block_intervals_set(struct tn_blk *b, const uint64_t *seconds, uint32_t n)
{
    struct blk_intervals *s = xcalloc(1, sizeof *s + n * sizeof s->of[0]);
    pthread_mutex_init(&s->lock, NULL);
    s->made = time_of(b);
    s->n = n;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t length = seconds[i] * ns_per_s;
        s->of[i].length = length;
        s->of[i].window[0].from = s->made - length / 2;
        s->of[i].window[1].from = s->made;
    }
    b->intervals = s;
    blk_timed(b);
}

uint32_t block_intervals(const struct tn_blk *b)
{
    return b->intervals ? b->intervals->n : 0;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

void block_interval(const struct tn_blk *b, uint32_t i, struct block_interval *out)
{
    struct blk_intervals *s = b->intervals;
    double rate = blk_ns_per_tick(b);
    pthread_mutex_lock(&s->lock);
    uint64_t now = time_of(b);
    renew(&s->of[i], now);
    const struct window w = *older(&s->of[i], now);
    pthread_mutex_unlock(&s->lock);
    uint64_t span = smaller(now - w.from, now - s->made);
    *out = (struct block_interval){.seconds = s->of[i].length / ns_per_s};
    for (uint32_t k = 0; k < BLOCK_ACCT_KINDS; k++) {
        double sum = (double)w.kind[k].sum * rate;
        out->kind[k].min = (uint64_t)((double)w.kind[k].min * rate);
        out->kind[k].max = (uint64_t)((double)w.kind[k].max * rate);
        out->kind[k].avg = w.kind[k].n ? (uint64_t)(sum / (double)w.kind[k].n) : 0;
        out->kind[k].depth = span ? sum / (double)span : 0;
    }
}

void blk_intervals_free(struct tn_blk *b)
{
    if (b->intervals)
        pthread_mutex_destroy(&b->intervals->lock);
    free(b->intervals);
}
