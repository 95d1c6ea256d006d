/* SPDX-License-Identifier: BSD-2-Clause */
/* A context that looks for work a while before it waits for notifications. How long follows what it
 * has been worth: the time grows while events come soon after it, and falls when they do not. */
#include "loop.h"

#include "loop_impl.h"
#include "util/alloc.h"
#include <sched.h>
#include <stdlib.h>

enum {
    FIRST_NS = 4000, /* from nothing */
    GAP_NS = 200000,
    PENALTY_FIRST = 16,
    PENALTY_MAX = 4096,
    UNSEEN_MAX = 16
};

/* ---- those who are asked ---- */

static void stop_poll(struct managed *m)
{
    __atomic_store_n(&((struct tn_poll *)m)->stopped, 1, __ATOMIC_RELEASE);
}

static void release_poll(struct managed *m)
{
    poll_del((struct tn_poll *)m);
}

struct tn_poll *poll_new(struct tn_ctx *c, struct device *d, uint32_t flags,
                         const struct tn_poll_ops *ops, void *s)
{
    if (!c->polling.max_ns)
        return NULL;
    struct tn_poll *p = XNEW(struct tn_poll);
    *p = (struct tn_poll){.m.stop = stop_poll,
                          .m.release = release_poll,
                          .ctx = c,
                          .dev = d,
                          .ops = ops,
                          .s = s,
                          .flags = flags};
    pthread_mutex_lock(&c->lock);
    p->next = c->polls;
    __atomic_store_n(&c->polls, p, __ATOMIC_RELEASE);
    pthread_mutex_unlock(&c->lock);
    managed_add(d, &p->m);
    return p;
}

/* It stays readable for the round that may be at it. */
void poll_del(struct tn_poll *p)
{
    struct tn_ctx *c = p->ctx;
    managed_del(&p->m);
    pthread_mutex_lock(&c->lock);
    struct tn_poll **at = &c->polls;
    while (*at != p)
        at = &(*at)->next;
    __atomic_store_n(at, p->next, __ATOMIC_RELEASE);
    __atomic_store_n(&p->dead, 1, __ATOMIC_RELEASE);
    p->next_dead = c->dead_polls;
    c->dead_polls = p;
    pthread_mutex_unlock(&c->lock);
}

void loop_poll_bury(struct tn_poll *dead)
{
    for (struct tn_poll *next; dead; dead = next) {
        next = dead->next_dead;
        free(dead);
    }
}

static uint32_t ask(struct tn_poll *p)
{
    return p->ops->poll(p->s);
}

static uint32_t begin(struct tn_poll *p)
{
    if (p->ops->begin)
        p->ops->begin(p->s);
    return 0;
}

static uint32_t end(struct tn_poll *p)
{
    return p->ops->end ? p->ops->end(p->s) : 0;
}

/* Returns 1 if any of them said so. */
static int each(struct tn_ctx *c, uint32_t (*call)(struct tn_poll *))
{
    int any = 0;
    for (struct tn_poll *p = __atomic_load_n(&c->polls, __ATOMIC_ACQUIRE); p;
         p = __atomic_load_n(&p->next, __ATOMIC_ACQUIRE)) {
        if (is_set(&p->stopped))
            continue;
        struct domain *dom = lock_for(p->dev, p->flags);
        if (!is_set(&p->stopped) && !is_set(&p->dead))
            any |= call(p) != 0;
        if (dom)
            domain_unlock(dom);
    }
    return any;
}

/* ---- how long ---- */

void loop_set_polling(struct tn_ctx *c, uint64_t max_ns, uint64_t grow, uint64_t shrink)
{
    cpu_set_t cpus;
    int many = sched_getaffinity(0, sizeof cpus, &cpus) < 0 || CPU_COUNT(&cpus) > 1;
    c->polling = (struct loop_polling){.max_ns = many ? max_ns : 0,
                                       .grow = grow,
                                       .shrink = shrink,
                                       .gap_ns = GAP_NS,
                                       .penalty = PENALTY_FIRST};
}

static uint64_t longer(const struct loop_polling *p)
{
    uint64_t by = p->grow ? p->grow : 2, ns = !p->ns                   ? FIRST_NS
                                              : p->ns > p->max_ns / by ? p->max_ns
                                                                       : p->ns * by;
    return ns < p->max_ns ? ns : p->max_ns;
}

void loop_poll_learn(struct loop_polling *p, uint64_t ns)
{
    if (p->crowded)
        p->crowded--;
    else if (ns > p->max_ns)
        p->ns = p->shrink ? p->ns / p->shrink : 0;
    else if (ns > p->ns)
        p->ns = longer(p);
}

/* Who polls takes from others what they need to give it work. The more often, the longer the pause.
 */
static void give_way(struct loop_polling *p)
{
    p->ns = 0;
    p->crowded = p->penalty;
    p->penalty = p->penalty < PENALTY_MAX / 2 ? p->penalty * 2 : PENALTY_MAX;
}

/* ---- a round ---- */

static int other_work(const struct tn_ctx *c)
{
    return __atomic_load_n(&c->pending, __ATOMIC_RELAXED) ||
           __atomic_load_n(&c->woken, __ATOMIC_RELAXED);
}

/* 1: some was found. 0: not in time, or there is other work. */
static int look(struct tn_ctx *c, uint64_t ns)
{
    uint64_t begun = clock_now(c->clock, TN_CLK_REAL), last = begun, now;
    for (;; last = now) {
        if (each(c, ask)) {
            c->polling.penalty -= c->polling.penalty > PENALTY_FIRST;
            return 1;
        }
        now = clock_now(c->clock, TN_CLK_REAL);
        if (now - last > c->polling.gap_ns)
            give_way(&c->polling);
        if (now - begun >= ns || !c->polling.ns || other_work(c))
            return 0;
        __builtin_ia32_pause();
    }
}

/* Contexts that poll have no rounds within rounds: those are main's. */
int loop_poll(struct tn_ctx *c, uint64_t timeout_ns)
{
    struct loop_polling *p = &c->polling;
    uint64_t ns =
        p->ns && timeout_ns ? loop_until_deadline(c, timeout_ns < p->ns ? timeout_ns : p->ns) : 0;
    if (!ns && !timeout_ns && p->begun)
        return each(c, ask), 1;
    if (ns && !p->begun) {
        p->begun = 1;
        each(c, begin);
    }
    if (ns && (look(c, ns) || __atomic_load_n(&c->pending, __ATOMIC_RELAXED)))
        return 1;
    if (!p->begun)
        return 0;
    p->begun = 0;
    return each(c, end);
}

int loop_poll_owes(struct tn_ctx *c)
{
    if (c->polling.unseen++ < UNSEEN_MAX && !__atomic_load_n(&c->woken, __ATOMIC_RELAXED))
        return 0;
    c->polling.unseen = 0;
    return 1;
}
