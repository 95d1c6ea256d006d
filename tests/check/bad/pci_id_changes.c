/* SPDX-License-Identifier: BSD-2-Clause */
/* The device ID follows what the guest writes.
 * breaks: pci/read-only
 * says: is read-only */
static void written(void *s, unsigned off, unsigned size, unsigned old);
#define PCI_OPS .flags = TN_PCIF_CONVENTIONAL, .config_written = written
#include "function.h"
static void written(void *self, unsigned off, unsigned size, unsigned old)
{
    struct gadget *s = self;
    const struct tn_pci *pci = TN_GET(s->d, struct tn_pci, TN_PCI_1);
    (void)size, (void)old;
    if (off == 2)
        pci->config_set(s->d, 2, 2, 0x4321);
}
