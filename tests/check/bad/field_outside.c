/* SPDX-License-Identifier: BSD-2-Clause */
/* A field beyond the end of the instance.
 * breaks: state/table
 * says: lies outside */
#define FIELDS                                       \
    {                                                \
        "x", TN_S_U32, 60000, 1, 0, NULL, 0, 0, 0, 0 \
    }
#include "device.h"
