/* SPDX-License-Identifier: BSD-2-Clause */
/* It offers a feature of the transport that the bus does not allow.
 * breaks: virtio/offered
 * says: the bus does not allow */
#define OFFER(f) f[0] |= (uint64_t)1 << 37
#include "virtio_dev.h"
