/* SPDX-License-Identifier: BSD-2-Clause */
/* It looks at Bus Master Enable, and not at its power state.
 * breaks: power/silent
 * says: RAM has changed */
#define IN_TIMER(s)                                                               \
    do {                                                                          \
        const struct tn_dma *m = TN_GET(s->d, struct tn_dma, TN_DMA_1);           \
        uint64_t word = s->loop->now(s->d, TN_CLK_VM);                            \
        uint32_t command = 0;                                                     \
        TN_GET(s->d, struct tn_pci, TN_PCI_1)->config_read(s->d, 4, 2, &command); \
        if (m && command & 4)                                                     \
            m->write(s->as, 0x9000, &word, sizeof word);                          \
        s->loop->arm(s->timer, word + 100000000);                                 \
    } while (0)
#define IN_PCI(s, pci, e)                                               \
    do {                                                                \
        const struct tn_dma *m = TN_GET(s->d, struct tn_dma, TN_DMA_1); \
        if (m)                                                          \
            s->as = m->system(s->d);                                    \
    } while (0)
#define IN_QUIESCE(s) s->loop->disarm(s->timer)
#include "function.h"
