/* SPDX-License-Identifier: BSD-2-Clause */
/* It says that D3hot resets it, and does nothing when that comes.
 * breaks: power/context
 * says: though No_Soft_Reset is clear */
#define PM_FLAGS 0
#define IN_HOLD(s)                           \
    if (kind != TN_RESET_PM)                 \
        memset((s)->reg, 0, sizeof(s)->reg); \
    (s)->flag = 0, (s)->index = 0, (s)->irq->set((s)->line, 0)
#include "function.h"
