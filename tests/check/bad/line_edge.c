/* SPDX-License-Identifier: BSD-2-Clause */
/* An edge-triggered line that only ever goes up.
 * breaks: irq/edges
 * says: never lowered */
#define LINE_FLAGS 0
#define SET_LINE(s)      \
    if ((s)->reg[0] & 1) \
    (s)->irq->set((s)->line, 1)
#include "device.h"
