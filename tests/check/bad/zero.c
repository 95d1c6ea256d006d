/* SPDX-License-Identifier: BSD-2-Clause */
/* It divides by a property that may be 0.
 * breaks: props/bounds
 * says: Floating\|Arithmetic */
#define IN_RESUME(s)       s->index = 4096 / *(volatile uint32_t *)&s->size
#define IN_POST_LOAD(s, e) s->index = 0
#include "device.h"
