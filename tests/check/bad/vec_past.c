/* SPDX-License-Identifier: BSD-2-Clause */
/* It writes its messages itself, past its function.
 * breaks: vectors/no-master
 * says: messages were written */
#define IN_WRITE(s, off, v)                                             \
    do {                                                                \
        const struct tn_dma *m = TN_GET(s->d, struct tn_dma, TN_DMA_1); \
        uint32_t data = (uint32_t)v;                                    \
        if (m && off == 8)                                              \
            m->write(s->as, 0xfee00000u, &data, sizeof data);           \
    } while (0)
#define IN_PCI(s, pci, e)                                               \
    do {                                                                \
        const struct tn_dma *m = TN_GET(s->d, struct tn_dma, TN_DMA_1); \
        if (m)                                                          \
            s->as = m->system(s->d);                                    \
    } while (0)
#include "function.h"
