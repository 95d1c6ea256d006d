/* SPDX-License-Identifier: BSD-2-Clause */
/* realize says why twice.
 * breaks: life/one-life
 * says: is filled again */
#define IN_REALIZE(s, e)                      \
    do {                                      \
        tn_fail(s->d, e, EINVAL, "a");        \
        return tn_fail(s->d, e, EINVAL, "b"); \
    } while (0)
#include "device.h"
