/* SPDX-License-Identifier: BSD-2-Clause */
/* A line of level 2.
 * breaks: life/used
 * says: level 0 or 1 */
#define IN_WRITE(s, off, v) s->irq->set(s->line, 2)
#include "device.h"
