/* SPDX-License-Identifier: BSD-2-Clause */
/* A register that a reset leaves as it is.
 * breaks: reset/fresh-state
 * says: fresh and reset differ */
#define IN_HOLD(s) s->reg[0] = s->reg[3] = 0, s->flag = 0, s->irq->set(s->line, 0)
#include "device.h"
