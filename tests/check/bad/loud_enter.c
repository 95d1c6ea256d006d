/* SPDX-License-Identifier: BSD-2-Clause */
/* An interrupt in the phase ENTER.
 * breaks: reset/enter-is-silent
 * says: the phase ENTER */
#define IN_ENTER(s) s->irq->set(s->line, 0), s->irq->set(s->line, 1)
#include "device.h"
