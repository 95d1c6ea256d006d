/* SPDX-License-Identifier: BSD-2-Clause */
/* Places are given in turn, free or not.
 * breaks: addresses/full
 * says: no other gets its place */
#define NEXT(s) (s)->pad[1]++ % PLACES
#include "rack.h"
