/* SPDX-License-Identifier: BSD-2-Clause */
/* A line that only a cold reset lowers.
 * breaks: irq/resets
 * says: after a reset of kind 2 */
#define IN_HOLD(s)                                                      \
    memset((s)->reg, 0, sizeof(s)->reg), (s)->flag = 0, (s)->index = 0; \
    if (kind == TN_RESET_COLD)                                          \
    (s)->irq->set((s)->line, 0)
#include "device.h"
