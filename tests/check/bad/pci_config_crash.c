/* SPDX-License-Identifier: BSD-2-Clause */
/* It falls over when the cache line size is written.
 * breaks: pci/random-config
 * says: Aborted */
static void written(void *s, unsigned off, unsigned size, unsigned old);
#define PCI_OPS .flags = TN_PCIF_CONVENTIONAL, .config_written = written
#include "function.h"
static void written(void *self, unsigned off, unsigned size, unsigned old)
{
    (void)self, (void)size, (void)old;
    if (off == 0xc)
        abort();
}
