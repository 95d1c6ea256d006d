/* SPDX-License-Identifier: BSD-2-Clause */
/* Two properties that do not go together.
 * breaks: props/mixed
 * says: Segmentation */
#define PROPS                                          \
    TN_PROP(struct gadget, size, "size", U32, 0, "x"), \
        TN_PROP(struct gadget, index, "index", U32, 0, "y")
#define IN_REALIZE(s, e)     \
    if (s->size && s->index) \
    *(volatile char *)8 = 1
#include "device.h"
