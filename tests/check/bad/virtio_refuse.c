/* SPDX-License-Identifier: BSD-2-Clause */
/* It refuses what it offers.
 * breaks: virtio/subsets
 * says: all that is offered is refused */
#define AGREE (f[0] & 1u << 28 ? -EINVAL : 0)
#include "virtio_dev.h"
