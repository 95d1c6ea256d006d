/* SPDX-License-Identifier: BSD-2-Clause */
/* A property between two words.
 * breaks: meta/properties
 * says: is not aligned */
#define PROPS                                                  \
    {                                                          \
        .name = "x", .type = TN_P_U32, .offset = 13, .size = 4 \
    }
#include "device.h"
