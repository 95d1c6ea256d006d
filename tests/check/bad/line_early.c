/* SPDX-License-Identifier: BSD-2-Clause */
/* A line that is raised in realize.
 * breaks: irq/early
 * says: before the first reset */
#define IN_REALIZE(s, e)             \
    do {                             \
        int r_ = claim(s, e);        \
        if (r_ == 0)                 \
            s->irq->set(s->line, 1); \
        return r_;                   \
    } while (0)
#include "device.h"
