/* SPDX-License-Identifier: BSD-2-Clause */
/* One property, twice.
 * breaks: meta/properties
 * says: is there twice */
#define PROPS \
    TN_PROP(struct gadget, size, "x", U32, 0, "x"), TN_PROP(struct gadget, index, "x", U32, 0, "x")
#include "device.h"
