/* SPDX-License-Identifier: BSD-2-Clause */
/* It is sure that memory can be mapped.
 * breaks: dma/modes
 * says: Aborted */
#define IN_REALIZE(s, e)                                                \
    do {                                                                \
        const struct tn_dma *m = TN_GET(s->d, struct tn_dma, TN_DMA_1); \
        if (m)                                                          \
            s->as = m->system(s->d);                                    \
    } while (0)
#define IN_WRITE(s, off, v)                                                          \
    do {                                                                             \
        const struct tn_dma *m = TN_GET(s->d, struct tn_dma, TN_DMA_1);              \
        struct tn_seg seg;                                                           \
        int n = m && off == 8 ? m->map(s->as, 0x8000, 64, TN_DMA_READ, &seg, 1) : 0; \
        if (n == -ENOTSUP)                                                           \
            abort();                                                                 \
        if (n > 0)                                                                   \
            m->unmap(s->as, &seg, 1, TN_DMA_READ, 0);                                \
    } while (0)
#include "device.h"
