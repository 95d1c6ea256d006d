/* SPDX-License-Identifier: BSD-2-Clause */
/* It cannot go while its guest has been asked and has not answered; a minute later it can.
 * breaks: unplug/gone-meanwhile
 * says: Aborted */
#define EXTRA       .desc = "a gadget", .flags = TN_C_HOTPLUG, .unplug_request = asked
#define IN_TIMER(s) s->pad[4] = 0
#define IN_UNREALIZE(s) \
    if (s->pad[4])      \
    abort()
struct tn_err;
static int asked(void *self, struct tn_err *e);
#include "device.h"

static int asked(void *self, struct tn_err *e)
{
    struct gadget *s = self;
    (void)e;
    s->pad[4] = 1;
    s->loop->arm(s->timer, s->loop->now(s->d, TN_CLK_VM) + 30000000000);
    return 0;
}
