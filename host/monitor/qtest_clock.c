/* SPDX-License-Identifier: BSD-2-Clause */
#include "qtest_impl.h"

#include "core/loop.h"

enum {
    CONTEXTS = 64,
    ROUNDS = 100, /* of the main loop, for what timers have set off to come to rest */
    STANDSTILL =
        100000 /* timers in a row for which time does not advance: one arms itself for the past */
};

struct contexts {
    struct tn_ctx *v[CONTEXTS]; /* the main one first */
    uint32_t n;
};

static void add(struct contexts *all, struct tn_ctx *c)
{
    for (uint32_t i = 0; i < all->n; i++)
        if (all->v[i] == c)
            return;
    if (c && all->n < CONTEXTS)
        all->v[all->n++] = c;
}

static struct contexts contexts_of(struct vm *vm)
{
    struct contexts all = {.n = 0};
    struct device *d;
    add(&all, vm->main);
    TAILQ_FOREACH(d, &vm->devices, all)
    {
        add(&all, d->home);
        if (d->handle_type == TN_P_IOTHREAD)
            add(&all, d->handle);
    }
    return all;
}

uint64_t qtest_deadline(struct vm *vm)
{
    struct contexts all = contexts_of(vm);
    uint64_t first = ~(uint64_t)0;
    for (uint32_t i = 0; i < all.n; i++) {
        uint64_t at = loop_deadline(all.v[i], TN_CLK_VM);
        first = at < first ? at : first;
    }
    return first;
}

/* Runs what has expired, and what follows from it, in every context. */
static void run_expired(struct vm *vm)
{
    struct contexts all = contexts_of(vm);
    loop_run_timers(vm->main);
    for (uint32_t i = 1; i < all.n; i++) {
        loop_drain(
            all.v[i]); /* the round that was under way may have looked at the clock too early */
        loop_drain(all.v[i]);
    }
    for (uint32_t i = 0; i < ROUNDS && loop_once(vm->main, 0); i++)
        ;
}

void qtest_warp(struct vm *vm, uint64_t ns)
{
    uint32_t still = 0;
    for (uint64_t at; (at = qtest_deadline(vm)) <= ns && still < STANDSTILL;) {
        uint64_t now = clock_now(&vm->clock, TN_CLK_VM);
        still = at > now ? 0 : still + 1;
        clock_set(&vm->clock, at);
        run_expired(vm);
    }
    clock_set(&vm->clock, ns);
}
