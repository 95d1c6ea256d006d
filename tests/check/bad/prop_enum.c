/* SPDX-License-Identifier: BSD-2-Clause */
/* A default without a name.
 * breaks: meta/defaults
 * says: none of its names */
#define PROPS TN_PROP_ENUM(struct gadget, size, "x", modes, 2, "x")
#include "device.h"
