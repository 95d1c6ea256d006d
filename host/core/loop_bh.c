/* SPDX-License-Identifier: BSD-2-Clause */
/* Bottom halves of a context. */
#include "loop_impl.h"
#include "util/alloc.h"
#include <stdlib.h>

static void stop_bh(struct managed *m)
{
    __atomic_store_n(&((struct tn_bh *)m)->stopped, 1, __ATOMIC_RELEASE);
}

static void release_bh(struct managed *m)
{
    bh_del((struct tn_bh *)m);
}

struct tn_bh *bh_new(struct tn_ctx *c, struct device *d, uint32_t flags, void (*fn)(void *),
                     void *s)
{
    struct tn_bh *b = XNEW(struct tn_bh);
    *b = (struct tn_bh){.m.stop = stop_bh,
                        .m.release = release_bh,
                        .ctx = c,
                        .dev = d,
                        .fn = fn,
                        .s = s,
                        .flags = flags};
    managed_add(d, &b->m);
    return b;
}

enum { BH_ONCE = 0x100 }; /* host's own flag: gone before its run */

void bh_once(struct tn_ctx *c, struct device *d, void (*fn)(void *), void *s)
{
    bh_kick(bh_new(c, d, BH_ONCE, fn, s));
}

void bh_once_about(struct tn_ctx *c, struct device *d, void (*fn)(void *), void *s)
{
    bh_kick(bh_new(c, d, BH_ONCE | TN_LF_NOLOCK, fn, s));
}

void bh_kick(struct tn_bh *b)
{
    struct tn_ctx *c = b->ctx;
    if (__atomic_exchange_n(&b->scheduled, 1, __ATOMIC_ACQ_REL))
        return;
    b->next = __atomic_load_n(&c->pending, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(&c->pending, &b->next, b, 1, __ATOMIC_SEQ_CST,
                                        __ATOMIC_RELAXED))
        ;
    if (__atomic_load_n(&c->sleeping, __ATOMIC_SEQ_CST))
        loop_wake(c);
}

void bh_del(struct tn_bh *b)
{
    struct tn_ctx *c = b->ctx;
    managed_del(&b->m);
    pthread_mutex_lock(&c->lock); /* against bh_settle: it must not free b below our kick */
    __atomic_store_n(&b->dead, 1, __ATOMIC_RELEASE);
    bh_kick(b); /* its context frees it, after the call that may be under way */
    pthread_mutex_unlock(&c->lock);
}

/* b leaves the list of the ready. Returns 1 if it is dead, and nobody else's any more. */
static int bh_settle(struct tn_bh *b)
{
    pthread_mutex_lock(&b->ctx->lock);
    int dead = b->dead != 0;
    if (!dead)
        __atomic_store_n(&b->scheduled, 0, __ATOMIC_SEQ_CST);
    pthread_mutex_unlock(&b->ctx->lock);
    return dead;
}

static void run_bh(struct tn_bh *b)
{
    struct domain *dom =
        is_set(&b->stopped) || is_set(&b->dead) ? NULL : lock_for(b->dev, b->flags);
    int dead = bh_settle(b), run = !dead && !is_set(&b->stopped),
        once = run && (b->flags & BH_ONCE);
    void (*fn)(void *) = b->fn;
    void *s = b->s;
    if (once)
        managed_del(&b->m);
    if (once || dead)
        free(b); /* before the call: that may run the loop, or free the device */
    if (run)
        fn(s);
    if (dom)
        domain_unlock(dom);
}

/* What has been kicked goes behind what is ready, first kicked first. */
static void gather(struct tn_ctx *c)
{
    struct tn_bh *stack = __atomic_exchange_n(&c->pending, NULL, __ATOMIC_ACQUIRE), *order = NULL,
                 **end = &c->ready;
    for (struct tn_bh *next; stack; stack = next) {
        next = stack->next;
        stack->next = order;
        order = stack;
    }
    while (*end)
        end = &(*end)->next;
    *end = order;
}

static int run_ready(struct tn_ctx *c)
{
    gather(c);
    int ran = c->ready != NULL;
    while (c->ready) {
        struct tn_bh *b = c->ready;
        c->ready = b->next;
        run_bh(b);
    }
    return ran;
}

enum { CHAIN = 3 };

int loop_run_bhs(struct tn_ctx *c)
{
    int ran = run_ready(c);
    for (int i = 1; i < CHAIN && __atomic_load_n(&c->pending, __ATOMIC_RELAXED); i++)
        ran |= run_ready(c);
    return ran;
}
