/* SPDX-License-Identifier: BSD-2-Clause */
/* realize fails and does not say why.
 * breaks: life/one-life
 * says: did not fill e */
#define IN_REALIZE(s, e) \
    if (s->size)         \
    return -EINVAL
#include "device.h"
