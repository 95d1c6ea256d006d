/* SPDX-License-Identifier: BSD-2-Clause */
/* It cannot do without a back end that is optional.
 * breaks: props/nothing-set
 * says: Segmentation */
#define PROPS TN_PROP_REF(struct gadget, memory, "chardev", CHARDEV, 0, "where it talks to")
#define KEEPS_MEMORY
#define OWN_MEMORY
#define IN_RESUME(s) s->index = *(volatile uint8_t *)s->memory
#include "device.h"
