/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of event contexts share: callbacks that count, devices with a lock. */
#ifndef TN_TEST_LOOP_RIG_H
#define TN_TEST_LOOP_RIG_H
#include "core/domain.h"
#include "core/loop_impl.h"
#include "tap.h"
#include "vm_fixture.h"
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct count {
    uint32_t n, events;
    uint64_t order;
    struct tn_ctx *ctx;
    struct tn_bh *other;
    struct tn_timer *timer;
    struct tn_watch *watch;
    uint32_t *flag;
};

static inline void add_one(void *s)
{
    struct count *c = s;
    __atomic_add_fetch(&c->n, 1, __ATOMIC_SEQ_CST);
}

static inline void saw_event(void *s, uint32_t ev)
{
    struct count *c = s;
    c->n++;
    c->events = ev;
}

/* A context of the test's own, run by this thread. */
static inline struct tn_ctx *context(struct clock *clock)
{
    clock_init(clock, 1);
    struct tn_ctx *c = loop_new(clock, "t");
    loop_adopt(c);
    return c;
}

#endif
