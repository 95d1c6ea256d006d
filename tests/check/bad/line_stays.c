/* SPDX-License-Identifier: BSD-2-Clause */
/* A line that a reset leaves raised.
 * breaks: reset/lines-fall
 * says: still raised */
#define IN_HOLD(s) memset(s->reg, 0, sizeof s->reg), s->flag = 0
#include "device.h"
