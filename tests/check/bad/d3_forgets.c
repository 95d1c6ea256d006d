/* SPDX-License-Identifier: BSD-2-Clause */
/* It says No_Soft_Reset, and is reset all the same.
 * breaks: power/context
 * says: though No_Soft_Reset is set */
static void written(void *self, unsigned off, unsigned size, unsigned old);
#define PCI_OPS .flags = TN_PCIF_CONVENTIONAL, .config_written = written
#include "function.h"
static void written(void *self, unsigned off, unsigned size, unsigned old)
{
    struct gadget *s = self;
    (void)size;
    if (off >= 0x50 && off < 0x54 && (old & 3) == 3)
        memset(s->reg, 0, sizeof s->reg);
}
