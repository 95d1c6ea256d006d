/* SPDX-License-Identifier: BSD-2-Clause */
/* A line that is raised as a farewell.
 * breaks: life/one-life
 * says: a line is raised by one that leaves */
#define IN_UNREALIZE(s) s->irq->set(s->line, 1)
#include "device.h"
