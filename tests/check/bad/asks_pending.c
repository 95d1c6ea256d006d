/* SPDX-License-Identifier: BSD-2-Clause */
/* unplug_request that is pending.
 * breaks: unplug/no-answer
 * says: TN_PENDING */
struct tn_err;
static int ask(void *s, struct tn_err *e);
#define EXTRA .desc = "a gadget", .flags = TN_C_HOTPLUG, .unplug_request = ask
#include "device.h"
static int ask(void *s, struct tn_err *e)
{
    (void)s, (void)e;
    return TN_PENDING;
}
