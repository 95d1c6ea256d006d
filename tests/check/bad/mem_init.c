/* SPDX-License-Identifier: BSD-2-Clause */
/* An init that answers what an init may not when there is no memory.
 * breaks: memory/realize
 * says: init answered */
#define OWN_MEMORY
#define IN_INIT(s)                   \
    if (!((s)->memory = malloc(64))) \
    return -EINVAL
#include "device.h"
