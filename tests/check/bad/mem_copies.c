/* SPDX-License-Identifier: BSD-2-Clause */
/* What libc allocates for it is not checked either.
 * breaks: memory/realize
 * says: Segmentation fault */
#define IN_REALIZE(s, e)         \
    char *copy = strdup("name"); \
    s->size += copy[0] == 'x';   \
    free(copy)
#include "device.h"
