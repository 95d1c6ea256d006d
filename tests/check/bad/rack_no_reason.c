/* SPDX-License-Identifier: BSD-2-Clause */
/* A refusal without a reason.
 * breaks: addresses/bounds
 * says: did not fill e */
#define BOUND(s, at)  \
    if (at >= PLACES) \
    return -EINVAL
#include "rack.h"
