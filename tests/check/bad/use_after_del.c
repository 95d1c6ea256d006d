/* SPDX-License-Identifier: BSD-2-Clause */
/* A timer used after it was deleted.
 * breaks: life/one-life
 * says: was released */
#define IN_RESUME(s) s->loop->timer_del(s->timer), s->loop->arm(s->timer, 0)
#include "device.h"
