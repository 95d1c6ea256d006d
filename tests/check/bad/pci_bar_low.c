/* SPDX-License-Identifier: BSD-2-Clause */
/* It believes that its BAR is where memory of devices begins, or higher.
 * breaks: pci/bar-moves
 * says: Aborted */
static void moved(void *s, unsigned bar, unsigned long addr);
#define PCI_OPS .flags = TN_PCIF_CONVENTIONAL, .bar_moved = moved
#include "function.h"
static void moved(void *self, unsigned bar, unsigned long addr)
{
    (void)self, (void)bar;
    if (addr < 0xc0000000)
        abort();
}
