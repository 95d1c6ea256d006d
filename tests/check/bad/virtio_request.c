/* SPDX-License-Identifier: BSD-2-Clause */
/* It falls over a request of a kind that it does not know.
 * breaks: virtio/hostile
 * says: Aborted */
#define IN_REQUEST(s, kind) \
    if (kind >= 0x80)       \
    abort()
#include "virtio_disk.h"
