/* SPDX-License-Identifier: BSD-2-Clause */
/* It can go on once only.
 * breaks: life/pauses
 * says: Segmentation */
#define IN_RESUME(s) \
    if (s->pad[0]++) \
    *(volatile char *)8 = 1
#include "device.h"
