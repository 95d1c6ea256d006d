/* SPDX-License-Identifier: BSD-2-Clause */
/* Once its ring was broken it is for good, whatever the driver resets.
 * breaks: virtio/broken-rings
 * says: broken again after a reset */
#define MEND(w)
#include "virtio_disk.h"
