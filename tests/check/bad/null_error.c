/* SPDX-License-Identifier: BSD-2-Clause */
/* It looks into the error that it was not given.
 * breaks: inject/realize-null
 * says: Segmentation */
#define CHECK_TIMERS(s, e)   \
    if (!s->timer || !s->bh) \
    return s->index = *(volatile uint8_t *)e, tn_fail(s->d, e, ENOMEM, "no memory")
#include "device.h"
