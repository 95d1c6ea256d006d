/* SPDX-License-Identifier: BSD-2-Clause */
/* What the scenarios share: threads that hammer, and machines to hammer on. */
#ifndef TN_TEST_SCENARIO_RIG_H
#define TN_TEST_SCENARIO_RIG_H
#include "actor.h"
#include "core/bus.h"
#include "tap.h"
#include "util/alloc.h"
#include <errno.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

static inline uint32_t load(const uint32_t *p)
{
    return __atomic_load_n(p, __ATOMIC_SEQ_CST);
}

static inline void store(uint32_t *p, uint32_t v)
{
    __atomic_store_n(p, v, __ATOMIC_SEQ_CST);
}

/* ---- a disk whose I/O runs in an iothread ---- */

struct disk {
    struct tn_dev *dev;
    struct tn_ctx *iothread;
    struct tn_region *region;
    struct tn_bh *io;      /* the back end: completes what was submitted, when it may */
    uint32_t may_complete; /* the test lets the back end go on */
    uint32_t status, stopping, in_flight, completed, quiescing;
    uint64_t token;
    uint32_t stalled;
};

/* [ctx][dev] */
static inline void io_done(struct disk *d)
{
    d->completed += d->in_flight;
    d->in_flight = 0;
    if (d->stopping) {
        d->stopping = 0;
        d->status = 0;
    }
    if (d->stalled) {
        d->stalled = 0;
        d->dev->core->unstall(d->dev, d->token);
    }
    if (d->quiescing) {
        d->quiescing = 0;
        d->dev->core->quiesced(d->dev, 0);
    }
}

static inline void backend(void *s)
{
    struct disk *d = s;
    if (load(&d->may_complete))
        io_done(d);
    else
        TN_GET(d->dev, struct tn_loop, TN_LOOP_1)->kick(d->io);
}

/* ---- callbacks under way ---- */

struct hammer {
    struct vm *vm;
    uint64_t addr;
    uint32_t stop;
};

static inline void *hammer(void *p)
{
    struct hammer *h = p;
    while (!load(&h->stop))
        (void)space_read(h->vm->mmio, h->addr, 4);
    return NULL;
}

#endif
