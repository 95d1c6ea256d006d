/* SPDX-License-Identifier: BSD-2-Clause */
/* An index from the file is believed.
 * breaks: state/hostile-field
 * says: Segmentation */
#define IN_READ(s, off) \
    if (s->index)       \
    s->reg[0] = *(volatile uint32_t *)((char *)s->reg + ((uint64_t)s->index << 12))
#include "device.h"
