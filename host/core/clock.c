/* SPDX-License-Identifier: BSD-2-Clause */
#include "clock.h"

#include <tenon/loop.h>
#include <time.h>

static uint64_t host_ns(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void clock_init(struct clock *c, int manual)
{
    *c = (struct clock){.manual = manual != 0, .stopped = 1};
}

uint64_t clock_now(const struct clock *c, uint32_t clk)
{
    if (clk == TN_CLK_HOST)
        return host_ns(CLOCK_REALTIME);
    if (clk == TN_CLK_REAL)
        return host_ns(CLOCK_MONOTONIC);
    if (c->manual || __atomic_load_n(&c->stopped, __ATOMIC_ACQUIRE))
        return __atomic_load_n(&c->at, __ATOMIC_RELAXED);
    return host_ns(CLOCK_MONOTONIC) + (uint64_t)__atomic_load_n(&c->offset, __ATOMIC_RELAXED);
}

void clock_start(struct clock *c)
{
    if (!c->stopped)
        return;
    __atomic_store_n(&c->offset, (int64_t)(c->at - host_ns(CLOCK_MONOTONIC)), __ATOMIC_RELAXED);
    __atomic_store_n(&c->stopped, 0, __ATOMIC_RELEASE);
}

void clock_stop(struct clock *c)
{
    if (c->stopped)
        return;
    __atomic_store_n(&c->at, clock_now(c, TN_CLK_VM), __ATOMIC_RELAXED);
    __atomic_store_n(&c->stopped, 1, __ATOMIC_RELEASE);
}

void clock_set(struct clock *c, uint64_t ns)
{
    if (c->manual && ns > c->at)
        __atomic_store_n(&c->at, ns, __ATOMIC_RELAXED);
}

void clock_load(struct clock *c, uint64_t ns)
{
    __atomic_store_n(&c->at, ns, __ATOMIC_RELAXED);
}
