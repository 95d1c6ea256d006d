/* SPDX-License-Identifier: BSD-2-Clause */
/* One field, twice.
 * breaks: state/table
 * says: is there twice */
#define FIELDS TN_FIELD(struct gadget, size, U32), TN_FIELD(struct gadget, size, U32)
#include "device.h"
