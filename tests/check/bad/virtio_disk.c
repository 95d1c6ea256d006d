/* SPDX-License-Identifier: BSD-2-Clause */
/* The small disk.
 * breaks: nothing
 * says: nothing */
#include "virtio_disk.h"
