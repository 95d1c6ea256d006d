/* SPDX-License-Identifier: BSD-2-Clause */
/* It keeps the address of a cached mapping.
 * breaks: dma/changes
 * says: address\|Segmentation */
#define IN_RESUME(s)                                                                  \
    do {                                                                              \
        const struct tn_dma *m = TN_GET(s->d, struct tn_dma, TN_DMA_1);               \
        if (m && !s->pad[2]) {                                                        \
            const struct tn_cached *k =                                               \
                m->cache(m->system(s->d), NULL, 0x8000, 64, TN_DMA_READ, NULL, NULL); \
            memcpy(s->memory, &k->va, sizeof k->va);                                  \
            s->pad[2] = 1;                                                            \
        }                                                                             \
    } while (0)
#define IN_WRITE(s, off, v)                \
    do {                                   \
        volatile uint8_t *va;              \
        memcpy(&va, s->memory, sizeof va); \
        if (s->pad[2] && va)               \
            s->pad[3] = *va;               \
    } while (0)
#include "device.h"
