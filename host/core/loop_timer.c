/* SPDX-License-Identifier: BSD-2-Clause */
/* Timers of an event context: a binary heap for each clock. */
#include "loop_impl.h"
#include "trace_point.h"
#include "util/alloc.h"

static void heap_put(struct tn_ctx *c, uint32_t clk, uint32_t at, struct tn_timer *t)
{
    c->heap[clk][at] = t;
    t->at = at + 1;
}

static void sift_up(struct tn_ctx *c, uint32_t clk, uint32_t at)
{
    struct tn_timer *t = c->heap[clk][at];
    for (; at && c->heap[clk][(at - 1) / 2]->ns > t->ns; at = (at - 1) / 2)
        heap_put(c, clk, at, c->heap[clk][(at - 1) / 2]);
    heap_put(c, clk, at, t);
}

static void sift_down(struct tn_ctx *c, uint32_t clk, uint32_t at)
{
    struct tn_timer *t = c->heap[clk][at];
    for (uint32_t kid; (kid = 2 * at + 1) < c->nheap[clk]; at = kid) {
        if (kid + 1 < c->nheap[clk] && c->heap[clk][kid + 1]->ns < c->heap[clk][kid]->ns)
            kid++;
        if (c->heap[clk][kid]->ns >= t->ns)
            break;
        heap_put(c, clk, at, c->heap[clk][kid]);
    }
    heap_put(c, clk, at, t);
}

static void heap_remove(struct tn_timer *t)
{
    struct tn_ctx *c = t->ctx;
    uint32_t clk = t->clk, at = t->at - 1;
    struct tn_timer *last = c->heap[clk][--c->nheap[clk]];
    t->at = 0;
    if (last == t)
        return;
    heap_put(c, clk, at, last);
    sift_up(c, clk, at);
    sift_down(c, clk, last->at - 1);
}

static void heap_add(struct tn_timer *t)
{
    struct tn_ctx *c = t->ctx;
    uint32_t clk = t->clk;
    if (c->nheap[clk] == c->heap_cap[clk]) {
        c->heap_cap[clk] = c->heap_cap[clk] ? 2 * c->heap_cap[clk] : 16;
        c->heap[clk] = xrealloc(c->heap[clk], c->heap_cap[clk] * sizeof *c->heap[clk]);
    }
    heap_put(c, clk, c->nheap[clk]++, t);
    sift_up(c, clk, t->at - 1);
}

static void stop_timer(struct managed *m)
{
    __atomic_store_n(&((struct tn_timer *)m)->stopped, 1, __ATOMIC_RELEASE);
}

static void release_timer(struct managed *m)
{
    timer_del((struct tn_timer *)m);
}

struct tn_timer *timer_new(struct tn_ctx *c, struct device *d, uint32_t flags, uint32_t clk,
                           void (*fn)(void *), void *s)
{
    struct tn_timer *t = XNEW(struct tn_timer);
    *t = (struct tn_timer){.m.stop = stop_timer,
                           .m.release = release_timer,
                           .ctx = c,
                           .dev = d,
                           .fn = fn,
                           .s = s,
                           .clk = clk,
                           .flags = flags};
    managed_add(d, &t->m);
    return t;
}

void timer_arm(struct tn_timer *t, uint64_t ns)
{
    struct tn_ctx *c = t->ctx;
    pthread_mutex_lock(&c->lock);
    int wake = 0;
    if (!t->dead && !__atomic_load_n(&t->stopped, __ATOMIC_RELAXED)) {
        __atomic_add_fetch(&t->gen, 1, __ATOMIC_RELEASE);
        if (t->at)
            heap_remove(t);
        t->ns = ns;
        heap_add(t);
        wake = t->at == 1;
    }
    pthread_mutex_unlock(&c->lock);
    if (wake && !loop_here(c))
        loop_wake(c);
}

void timer_disarm(struct tn_timer *t)
{
    pthread_mutex_lock(&t->ctx->lock);
    __atomic_add_fetch(&t->gen, 1, __ATOMIC_RELEASE);
    if (t->at)
        heap_remove(t);
    pthread_mutex_unlock(&t->ctx->lock);
}

void timer_del(struct tn_timer *t)
{
    struct tn_ctx *c = t->ctx;
    managed_del(&t->m);
    timer_disarm(t);
    pthread_mutex_lock(&c->lock);
    __atomic_store_n(&t->dead, 1, __ATOMIC_RELEASE);
    t->next_dead = c->dead_timers;
    c->dead_timers = t;
    pthread_mutex_unlock(&c->lock);
}

uint64_t loop_deadline(struct tn_ctx *c, uint32_t clk)
{
    pthread_mutex_lock(&c->lock);
    uint64_t ns = c->nheap[clk] ? c->heap[clk][0]->ns : ~(uint64_t)0;
    pthread_mutex_unlock(&c->lock);
    return ns;
}

/* The timer on top of clk's heap if it has expired, taken off. gen: what it must still be when its
 * callback runs. */
static struct tn_timer *pop_expired(struct tn_ctx *c, uint32_t clk, uint64_t now, uint32_t *gen)
{
    struct tn_timer *t = NULL;
    pthread_mutex_lock(&c->lock);
    if (c->nheap[clk] && c->heap[clk][0]->ns <= now) {
        t = c->heap[clk][0];
        heap_remove(t);
        *gen = t->gen;
    }
    pthread_mutex_unlock(&c->lock);
    return t;
}

static void fire(struct tn_timer *t, uint32_t gen)
{
    if (is_set(&t->stopped))
        return;
    struct domain *dom = lock_for(t->dev, t->flags);
    /* who disarmed or deleted it with the lock held is promised that no call follows */
    if (!is_set(&t->stopped) && !__atomic_load_n(&t->dead, __ATOMIC_ACQUIRE) &&
        __atomic_load_n(&t->gen, __ATOMIC_ACQUIRE) == gen) {
        if (t->dev)
            trace_host(t->dev->vm, TRACE_LOOP_TIMER, NULL, t->clk, t->ns);
        t->fn(t->s);
    }
    if (dom)
        domain_unlock(dom);
}

enum {
    TIMERS_A_ROUND = 1000
}; /* one that is armed for now again and again must not keep everything else waiting */

uint32_t loop_run_timers(struct tn_ctx *c)
{
    uint32_t ran = 0, gen = 0;
    for (uint32_t clk = TN_CLK_VM; clk <= TN_CLK_REAL; clk++) {
        if (loop_deadline(c, clk) == ~(uint64_t)0)
            continue;
        uint64_t now = clock_now(c->clock, clk);
        if (clk == TN_CLK_VM && __atomic_load_n(&c->clock->stopped, __ATOMIC_ACQUIRE) &&
            !c->clock->manual)
            continue; /* time stands still, also for what was due in its last instant */
        for (struct tn_timer *t; ran < TIMERS_A_ROUND && (t = pop_expired(c, clk, now, &gen));
             ran++)
            fire(t, gen);
    }
    return ran;
}
