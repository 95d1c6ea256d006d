/* SPDX-License-Identifier: BSD-2-Clause */
/* Interrupts whose Mask Bit is set are not raised.
 * breaks: vectors/masked-msi
 * says: is not pending: an interrupt is lost */
static int is_open(void *self, unsigned vec);
#define MAY_RAISE(s, vec) is_open(s, vec)
#define IN_PCI(s, pci, e)                                          \
    do {                                                           \
        int at = pci->msi(s->d, 0, 2, TN_MSI_64 | TN_MSI_MASK, e); \
        if (at < 0)                                                \
            return at;                                             \
        s->pad[1] = (uint8_t)at;                                   \
    } while (0)
#include "vectors.h"
static int is_open(void *self, unsigned vec)
{
    struct gadget *s = self;
    uint32_t mask = 0;
    TN_GET(s->d, struct tn_pci, TN_PCI_1)->config_read(s->d, s->pad[1] + 0x10u, 4, &mask);
    return !(mask >> vec & 1);
}
