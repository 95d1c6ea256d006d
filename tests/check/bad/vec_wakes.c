/* SPDX-License-Identifier: BSD-2-Clause */
/* A vector that is raised because it is unmasked.
 * breaks: vectors/masked-vectors
 * says: sends */
static void masked(void *self, unsigned vec, unsigned on);
#define PCI_OPS .flags = TN_PCIF_CONVENTIONAL, .msix_mask = masked
#include "vectors.h"
static void masked(void *self, unsigned vec, unsigned on)
{
    struct gadget *s = self;
    if (!on)
        TN_GET(s->d, struct tn_pci, TN_PCI_1)->irq(s->d, vec);
}
