/* SPDX-License-Identifier: BSD-2-Clause */
/* quiesced from inside of quiesce.
 * breaks: life/one-life
 * says: inside quiesce */
#define IN_QUIESCE(s)                  \
    do {                               \
        s->d->core->quiesced(s->d, 0); \
        return TN_PENDING;             \
    } while (0)
#include "device.h"
