/* SPDX-License-Identifier: BSD-2-Clause */
/* A provider that takes any number, and puts the child somewhere.
 * breaks: addresses/bounds
 * says: are the same place */
#define BOUND(s, at) at %= PLACES
#include "rack.h"
