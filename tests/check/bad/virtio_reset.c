/* SPDX-License-Identifier: BSD-2-Clause */
/* A reset of the device leaves a register as it was.
 * breaks: virtio/reset
 * says: not that of a fresh device */
#define IN_START(s) s->index = 1
#include "virtio_dev.h"
