/* SPDX-License-Identifier: BSD-2-Clause */
/* The small device on the virtio-bus.
 * breaks: nothing
 * says: nothing */
#include "virtio_dev.h"
