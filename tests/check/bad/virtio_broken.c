/* SPDX-License-Identifier: BSD-2-Clause */
/* It needs a reset when a queue is started, for no reason.
 * breaks: virtio/works
 * says: though the driver did nothing wrong */
#define IN_START(s)                                                                 \
    do {                                                                            \
        void *p;                                                                    \
        memcpy(&p, s->memory, sizeof p);                                            \
        if (s->as)                                                                  \
            ((const struct tn_virtio_port *)(void *)s->as)->broken(p, "no reason"); \
    } while (0)
#define IN_RESUME(s)                                           \
    do {                                                       \
        void *p;                                               \
        s->as = (void *)(uintptr_t)s->d->core->port(s->d, &p); \
        memcpy(s->memory, &p, sizeof p);                       \
    } while (0)
#include "virtio_dev.h"
