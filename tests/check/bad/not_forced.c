/* SPDX-License-Identifier: BSD-2-Clause */
/* It fails when it is forced to come to rest.
 * breaks: unplug/force
 * says: 0 is the only answer */
#define IN_QUIESCE(s)            \
    do {                         \
        if (flags & TN_QF_FORCE) \
            return -EIO;         \
        s->pad[2] = 1;           \
        s->loop->kick(s->bh);    \
        return TN_PENDING;       \
    } while (0)
#define IN_BH(s)                       \
    if (s->pad[2]) {                   \
        s->pad[2] = 0;                 \
        s->d->core->quiesced(s->d, 0); \
        return;                        \
    }
#include "device.h"
