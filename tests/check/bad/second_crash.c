/* SPDX-License-Identifier: BSD-2-Clause */
/* It believes to be alone on its machine.
 * breaks: life/second
 * says: Segmentation */
#define IN_REALIZE(s, e)                                                     \
    do {                                                                     \
        uint32_t *n = s->d->core->shared(s->d, "gadgets", 4, NULL, NULL, e); \
        if (!n)                                                              \
            return -ENOMEM;                                                  \
        if (++*n > 1)                                                        \
            *(volatile char *)8 = 1;                                         \
    } while (0)
#include "device.h"
