/* SPDX-License-Identifier: BSD-2-Clause */
/* A path that counts its NUL.
 * breaks: addresses/paths
 * says: path answers 2 */
#define PATH(buf, len, k) snprintf(buf, len, "%u", (k)->place) + 1
#include "rack.h"
