/* SPDX-License-Identifier: BSD-2-Clause */
/* A default that the user could not give.
 * breaks: meta/defaults
 * says: out of its bounds */
#define PROPS TN_PROP_RANGE(struct gadget, size, "x", U32, 9, 1, 8, "x")
#include "device.h"
