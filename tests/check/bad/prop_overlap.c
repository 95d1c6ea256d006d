/* SPDX-License-Identifier: BSD-2-Clause */
/* Two properties in one place.
 * breaks: meta/properties
 * says: lie on each other */
#define PROPS                                                                            \
    TN_PROP(struct gadget, size, "x", U32, 0, "x"),                                      \
    {                                                                                    \
        .name = "y", .type = TN_P_U8, .offset = offsetof(struct gadget, size), .size = 1 \
    }
#include "device.h"
