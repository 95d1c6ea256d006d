/* SPDX-License-Identifier: BSD-2-Clause */
/* A level-triggered line that is raised and lowered in one go.
 * breaks: life/used
 * says: raised and lowered in one call */
#define IN_TIMER(s) s->irq->set(s->line, 0), s->irq->set(s->line, 1), s->irq->set(s->line, 0)
#include "device.h"
