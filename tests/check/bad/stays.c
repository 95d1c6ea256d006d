/* SPDX-License-Identifier: BSD-2-Clause */
/* It believes that who is about to go and stays has done so for the last time.
 * breaks: unplug/stop-and-go
 * says: Aborted */
#define IN_QUIESCE(s)                           \
    if (why == TN_Q_UNPLUG && ++s->pad[3] == 4) \
    abort()
#include "device.h"
