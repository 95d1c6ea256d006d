/* SPDX-License-Identifier: BSD-2-Clause */
/* Interrupts are not raised while Function Mask is set.
 * breaks: vectors/masked-function
 * says: is not pending: an interrupt is lost */
static int is_open(void *self);
#define MAY_RAISE(s, vec) is_open(s)
#include "vectors.h"
static int is_open(void *self)
{
    struct gadget *s = self;
    uint32_t control = 0;
    TN_GET(s->d, struct tn_pci, TN_PCI_1)->config_read(s->d, 0x42, 2, &control);
    return !(control & 0x4000);
}
