/* SPDX-License-Identifier: BSD-2-Clause */
/* Two vCPUs and the event loop at once, each a real thread, with the locks that the host takes. Two
 * that meet where the class says TN_RO_NO_LOCK meet in its own code; built with ThreadSanitizer, a
 * race there is a verdict. */
#include "drive.h"
#include <pthread.h>

enum { VCPUS = 2, ACCESSES = 4000, PLACES = 32 };

struct vcpu {
    pthread_t thread;
    const struct place *p;
    uint32_t n;
    struct rng r;
};

struct crew {
    struct vcpu v[VCPUS];
    struct place p[PLACES];
    uint32_t n;
    uint32_t running;
};

static void *vcpu(void *o)
{
    struct vcpu *v = o;
    for (uint32_t i = 0; i < ACCESSES; i++) {
        const struct place *p = &v->p[rng_below(&v->r, v->n)];
        uint32_t size = 1u << rng_below(&v->r, 4);
        uint64_t off = rng_next(&v->r) % (p->size > 256 ? 256 : p->size) & ~(uint64_t)(size - 1);
        if (rng_below(&v->r, 2))
            place_write(p, off, rng_value(&v->r), size);
        else
            place_read(p, off, size);
    }
    return NULL;
}

static void start(struct check *c, struct crew *w)
{
    for (uint32_t i = 0; i < VCPUS; i++) {
        w->v[i] = (struct vcpu){.p = w->p, .n = w->n, .r = {rng_next(&c->rng)}};
        CHECK(c, pthread_create(&w->v[i].thread, NULL, vcpu, &w->v[i]) == 0,
              "no thread could be made");
    }
}

static void together(struct check *c, uint32_t needed)
{
    struct host *h = NULL;
    struct dev *d = check_start(c, &h);
    struct crew w = {0};
    for (uint32_t i = 0; w.n < PLACES && host_place(h, i, &w.p[w.n]); i++)
        w.n += (w.p[w.n].ops->flags & TN_RO_NO_LOCK) == needed;
    if (!w.n)
        check_skip(c, needed ? "no range of it says TN_RO_NO_LOCK"
                             : "nothing of it is called with its lock");
    start(c, &w);
    for (uint32_t i = 0; i < 200; i++)
        host_run(h, 100000);
    for (uint32_t i = 0; i < VCPUS; i++)
        pthread_join(w.v[i].thread, NULL);
    host_run(h, 1000000000);
    check_end(c, h, d);
}

static void locked(struct check *c)
{
    together(c, 0);
}

static void unlocked(struct check *c)
{
    together(c, TN_RO_NO_LOCK);
}

static const char *needs_threadsafe(const struct check *c)
{
    return c->cls->flags & TN_C_THREADSAFE ? needs_device(c) : "its class is not TN_C_THREADSAFE";
}

static const struct check_test tests[] = {
    {"locked", "two vCPUs and the loop at once, in threads of their own", "docs/abi.md: Threads",
     CT_CLASS, needs_device, locked},
    {"unlocked", "two vCPUs at once in ranges that are called without [dev]",
     "class.h: TN_C_THREADSAFE", CT_CLASS, needs_threadsafe, unlocked},
    {0},
};

const struct check_group group_threads = {"threads", tests};
