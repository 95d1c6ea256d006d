/* SPDX-License-Identifier: BSD-2-Clause */
/* DMA in realize.
 * breaks: life/one-life
 * says: first DMA in resume */
#define IN_REALIZE(s, e)                                                \
    do {                                                                \
        const struct tn_dma *m = TN_GET(s->d, struct tn_dma, TN_DMA_1); \
        m->read(m->system(s->d), 0, s->reg, 4);                         \
    } while (0)
#include "device.h"
