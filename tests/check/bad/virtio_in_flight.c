/* SPDX-License-Identifier: BSD-2-Clause */
/* When it is loaded, it takes the buffer that is next for one that it has answered.
 * breaks: virtio/in-flight
 * says: comes back that the device does not have */
#define IN_POST_LOAD(s, e) s->pad[2] = 1
#define RESTART(s, q)                  \
    if (!((q)->flags & TN_VQ_RESTORE)) \
        (s)->index = 0;                \
    else if ((s)->pad[2])              \
    (s)->index++, (s)->pad[2] = 0
#include "virtio_disk.h"
