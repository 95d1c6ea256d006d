/* SPDX-License-Identifier: BSD-2-Clause */
/* It believes that DMA never fails.
 * breaks: inject/running
 * says: Segmentation */
#define IN_WRITE(s, off, v)                                             \
    do {                                                                \
        const struct tn_dma *m = TN_GET(s->d, struct tn_dma, TN_DMA_1); \
        if (m->write(s->as, 0x1000, s->reg, 4) < 0)                     \
            *(volatile char *)8 = 1;                                    \
    } while (0)
#define IN_REALIZE(s, e) s->as = TN_GET(s->d, struct tn_dma, TN_DMA_1)->system(s->d)
#define NEEDS            TN_LOOP_1, TN_IRQ_1, TN_REGION_1, TN_DMA_1, NULL
#define WANTS            NULL
#include "device.h"
