/* SPDX-License-Identifier: BSD-2-Clause */
/* Two fields of a file that do not go together.
 * breaks: state/hostile-state
 * says: Segmentation */
#define IN_POST_LOAD(s, e)                                                   \
    if (s->index > 1u << 20 && s->reg[1] > 1u << 20 && s->reg[2] > 1u << 20) \
    *(volatile char *)8 = 1
#include "device.h"
