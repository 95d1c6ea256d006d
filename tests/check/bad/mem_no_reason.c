/* SPDX-License-Identifier: BSD-2-Clause */
/* Without memory it fails, and does not say so.
 * breaks: memory/realize
 * says: did not fill e */
#define IN_REALIZE(s, e) \
    if (!s->memory)      \
    return -ENOMEM
#include "device.h"
