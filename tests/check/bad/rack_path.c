/* SPDX-License-Identifier: BSD-2-Clause */
/* A path that does not look how long its buffer is.
 * breaks: addresses/paths
 * says: of a buffer of */
#define PATH(buf, len, k) sprintf(buf, "%u", (k)->place)
#include "rack.h"
