/* SPDX-License-Identifier: BSD-2-Clause */
/* A child that was never plugged in keeps its place.
 * breaks: addresses/given-back
 * says: is not free after */
#define IN_DETACH(s, k) \
    if (k->plugged)     \
    (s)->pad[0] &= (uint8_t) ~(1u << (k)->place)
#include "rack.h"
