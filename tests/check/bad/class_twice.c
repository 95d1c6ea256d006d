/* SPDX-License-Identifier: BSD-2-Clause */
/* One class, twice.
 * breaks: meta/class-names
 * says: is there twice */
#define CLASSES &gadget, &gadget, NULL
#include "device.h"
