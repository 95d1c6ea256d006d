/* SPDX-License-Identifier: BSD-2-Clause */
/* Interrupts of a masked vector are not raised, and so are lost.
 * breaks: vectors/masked-vectors
 * says: is not pending: an interrupt is lost */
static void masked(void *self, unsigned vec, unsigned on);
#define PCI_OPS           .flags = TN_PCIF_CONVENTIONAL, .msix_mask = masked
#define MAY_RAISE(s, vec) !((s)->pad[0] >> (vec)&1)
#include "vectors.h"
static void masked(void *self, unsigned vec, unsigned on)
{
    struct gadget *s = self;
    s->pad[0] = (uint8_t)((s->pad[0] & ~(1u << vec)) | on << vec);
}
