/* SPDX-License-Identifier: BSD-2-Clause */
/* It does not know resets of its function.
 * breaks: reset/kinds
 * says: Segmentation */
#define IN_HOLD(s)                                                                            \
    do {                                                                                      \
        if (kind == TN_RESET_FLR)                                                             \
            *(volatile char *)8 = 1;                                                          \
        memset(s->reg, 0, sizeof s->reg), s->flag = 0, s->index = 0, s->irq->set(s->line, 0); \
    } while (0)
#include "device.h"
