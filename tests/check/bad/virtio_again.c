/* SPDX-License-Identifier: BSD-2-Clause */
/* When it is loaded it answers everything once more that it has answered before.
 * breaks: virtio/in-flight
 * says: had come back was written */
#define IN_POST_LOAD(s, e) s->index = 0
#include "virtio_disk.h"
