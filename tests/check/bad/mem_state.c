/* SPDX-License-Identifier: BSD-2-Clause */
/* A save without memory that does not say why it fails.
 * breaks: memory/state
 * says: nobody said why */
#define IN_PRE_SAVE(s)                \
    void *volatile copy = malloc(64); \
    if (!copy)                        \
        return -ENOMEM;               \
    free(copy)
#include "device.h"
