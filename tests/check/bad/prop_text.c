/* SPDX-License-Identifier: BSD-2-Clause */
/* A help text of two lines.
 * breaks: meta/property-texts
 * says: is not one line */
#define PROPS TN_PROP(struct gadget, size, "x", U32, 0, "one\ntwo")
#include "device.h"
