/* SPDX-License-Identifier: BSD-2-Clause */
/* Asked again before its guest has answered, it answers what nobody knows.
 * breaks: bus/slots
 * says: answers -11 */
#define EXTRA .desc = "a gadget"
#define NEEDS TN_LOOP_1, TN_IRQ_1, TN_REGION_1, TN_HOTPLUG_1, NULL
#define IN_REALIZE(s, e)                                                             \
    do {                                                                             \
        const struct tn_hotplug *h_ = TN_GET(s->d, struct tn_hotplug, TN_HOTPLUG_1); \
        int r_ = h_->handler(s->d, NULL, &slot_ops, s, e);                           \
        if (r_ < 0)                                                                  \
            return r_;                                                               \
    } while (0)
#include <tenon/hotplug.h>
static const struct tn_plug_ops slot_ops;
#include "device.h"

static int ask(void *self, struct tn_bus *b, uint32_t devfn, uint32_t surprise, struct tn_err *e)
{
    struct gadget *s = self;
    (void)b, (void)devfn, (void)surprise;
    if (s->pad[3]++)
        return tn_fail(s->d, e, EAGAIN, "the guest has not answered yet");
    return 0;
}

static void gone(void *self, struct tn_bus *b, uint32_t devfn)
{
    (void)b, (void)devfn;
    ((struct gadget *)self)->pad[3] = 0;
}

static const struct tn_plug_ops slot_ops = {
    .struct_size = sizeof slot_ops, .unplug_request = ask, .unplugged = gone};
