/* SPDX-License-Identifier: BSD-2-Clause */
/* A queue of 48 descriptors in a split ring.
 * breaks: virtio/setup
 * says: no power of two */
#define QUEUE_SIZE 48
#include "virtio_dev.h"
