/* SPDX-License-Identifier: BSD-2-Clause */
/* It never looks whether there was memory.
 * breaks: memory/realize
 * says: Segmentation fault */
#define IN_REALIZE(s, e) memset(s->memory, 1, 64)
#include "device.h"
