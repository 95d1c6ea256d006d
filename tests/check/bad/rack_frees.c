/* SPDX-License-Identifier: BSD-2-Clause */
/* A refused child makes the place free.
 * breaks: addresses/taken
 * says: two children are at */
#define TAKEN(s, at)                                          \
    if ((s)->pad[0] >> at & 1) {                              \
        (s)->pad[0] &= (uint8_t) ~(1u << at);                 \
        return tn_fail(d, e, EBUSY, "place %u is taken", at); \
    }
#include "rack.h"
