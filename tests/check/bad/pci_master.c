/* SPDX-License-Identifier: BSD-2-Clause */
/* It writes to memory past its function, whether that may or not.
 * breaks: pci/no-master
 * says: RAM has changed */
#define IN_WRITE(s, off, v)                                             \
    do {                                                                \
        const struct tn_dma *m = TN_GET(s->d, struct tn_dma, TN_DMA_1); \
        unsigned long word = v ^ 1;                                     \
        if (m && off == 8)                                              \
            m->write(s->as, 0x8000, &word, sizeof word);                \
    } while (0)
#define IN_PCI(s, pci, e)                                               \
    do {                                                                \
        const struct tn_dma *m = TN_GET(s->d, struct tn_dma, TN_DMA_1); \
        if (m)                                                          \
            s->as = m->system(s->d);                                    \
    } while (0)
#include "function.h"
