/* SPDX-License-Identifier: BSD-2-Clause */
/* A resample descriptor for a line that has edges.
 * breaks: life/one-life
 * says: edge-triggered */
#define LINE_FLAGS 0
#define IN_REALIZE(s, e)                  \
    do {                                  \
        int r_ = claim(s, e);             \
        if (r_ == 0)                      \
            s->irq->irqfd(s->line, 1, 2); \
        return r_;                        \
    } while (0)
#include "device.h"
