/* SPDX-License-Identifier: BSD-2-Clause */
/* It falls over where it is plugged into a machine that runs.
 * breaks: unplug/hot-add
 * says: Aborted */
#define EXTRA .desc = "a gadget", .flags = TN_C_HOTPLUG
#define IN_RESUME(s)                                 \
    if (s->d->core->flags(s->d) & TN_DEV_HOTPLUGGED) \
    abort()
#include "device.h"
