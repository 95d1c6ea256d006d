/* SPDX-License-Identifier: BSD-2-Clause */
/* An init that has no memory for the second thing keeps the first.
 * breaks: memory/leaks
 * says: of memory */
#define OWN_MEMORY
#define IN_INIT(s)                   \
    void *first = malloc(48);        \
    if (!first)                      \
        return -ENOMEM;              \
    if (!((s)->memory = malloc(64))) \
        return -ENOMEM;              \
    free(first)
#include "device.h"
