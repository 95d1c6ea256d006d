/* SPDX-License-Identifier: BSD-2-Clause */
/* After the reset of a queue it goes on where that was.
 * breaks: virtio/queue-reset
 * says: NEEDS_RESET */
#define RESTART(s, q)
#include "virtio_disk.h"
