/* SPDX-License-Identifier: BSD-2-Clause */
/* A timer of the wall clock that goes on with DMA while it is quiet.
 * breaks: life/quiet
 * says: none while quiet */
#define IN_REALIZE(s, e)                                               \
    s->spare = s->loop->timer(s->d, NULL, 0, TN_CLK_REAL, bh_runs, s); \
    if (!s->spare)                                                     \
    return tn_fail(s->d, e, ENOMEM, "no memory for a timer")
#define IN_QUIESCE(s) s->loop->arm(s->spare, s->loop->now(s->d, TN_CLK_REAL) + 1000)
#define IN_BH(s)                                                        \
    do {                                                                \
        const struct tn_dma *m = TN_GET(s->d, struct tn_dma, TN_DMA_1); \
        if (s->pad[1])                                                  \
            m->read(m->system(s->d), 0, s->reg, 4);                     \
    } while (0)
#define IN_UNREALIZE(s) s->pad[1] = 0
#define IN_ENTER(s)     s->pad[1] = 1
#include "device.h"
