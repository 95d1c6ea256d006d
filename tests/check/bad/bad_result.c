/* SPDX-License-Identifier: BSD-2-Clause */
/* realize answers a number of its own.
 * breaks: life/one-life
 * says: neither 0 */
#define IN_REALIZE(s, e) return 4711
#include "device.h"
