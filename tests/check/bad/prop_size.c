/* SPDX-License-Identifier: BSD-2-Clause */
/* A 64-bit property in 4 bytes.
 * breaks: meta/properties
 * says: of type */
#define PROPS TN_PROP(struct gadget, size, "x", U64, 0, "x")
#include "device.h"
