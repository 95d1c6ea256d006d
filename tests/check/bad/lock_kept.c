/* SPDX-License-Identifier: BSD-2-Clause */
/* core->lock where [dev] is held.
 * breaks: life/one-life
 * says: core->lock */
#define IN_RESUME(s) s->d->core->lock(s->d)
#include "device.h"
