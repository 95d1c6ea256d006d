/* SPDX-License-Identifier: BSD-2-Clause */
/* A refusal in two lines.
 * breaks: addresses/bounds
 * says: in more than one line */
#define BOUND(s, at)  \
    if (at >= PLACES) \
    return tn_fail(d, e, EINVAL, "there is no place %u\nthere are %u", at, PLACES)
#include "rack.h"
