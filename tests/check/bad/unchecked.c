/* SPDX-License-Identifier: BSD-2-Clause */
/* It uses a timer that it was not given.
 * breaks: inject/realize
 * says: Segmentation\|with NULL */
#define CHECK_TIMERS(s, e)
#define IN_REALIZE(s, e) s->loop->disarm(s->timer)
#include "device.h"
