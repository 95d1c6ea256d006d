/* SPDX-License-Identifier: BSD-2-Clause */
/* A property beyond the end of the instance.
 * breaks: meta/properties
 * says: lies outside */
#define PROPS                                                     \
    {                                                             \
        .name = "x", .type = TN_P_U32, .offset = 60000, .size = 4 \
    }
#include "device.h"
