/* SPDX-License-Identifier: BSD-2-Clause */
/* It raises a vector that it does not have after some changes of the mode.
 * breaks: pci/interrupt-modes
 * says: of vector 9 */
static void mode(void *s, unsigned mode, unsigned nvec);
#define PCI_OPS .flags = TN_PCIF_CONVENTIONAL, .irq_mode = mode
#include "function.h"
static void mode(void *self, unsigned mode, unsigned nvec)
{
    struct gadget *s = self;
    const struct tn_pci *pci = TN_GET(s->d, struct tn_pci, TN_PCI_1);
    (void)mode, (void)nvec;
    if (++s->pad[2] > 8)
        pci->irq(s->d, 9);
}
