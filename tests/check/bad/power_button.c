/* SPDX-License-Identifier: BSD-2-Clause */
/* A hook that crashes.
 * breaks: life/events
 * says: Segmentation */
#include <tenon/core.h>
static int pressed(void *s, uint64_t arg, struct tn_err *e)
{
    (void)arg, (void)e;
    return *(volatile int *)(uintptr_t)(((uintptr_t)s & 1) + 8);
}
#define IN_REALIZE(s, e) \
    TN_GET(s->d, struct tn_machine, TN_MACHINE_1)->on(s->d, TN_ON_POWERDOWN, pressed, s)
#define NEEDS TN_LOOP_1, TN_IRQ_1, TN_REGION_1, TN_MACHINE_1, NULL
#define WANTS NULL
#include "device.h"
