/* SPDX-License-Identifier: BSD-2-Clause */
/* A BAR whose size register has a hole.
 * breaks: pci/bar-sizing
 * says: no power of two */
static unsigned readout(void *s, unsigned off, unsigned size, unsigned val);
#define PCI_OPS .flags = TN_PCIF_CONVENTIONAL, .config_read = readout
#define IN_PCI(s, pci, e) pci->config_trap(s->d, 0x10, 4, TN_TRAP_READ)
#include "function.h"
static unsigned readout(void *self, unsigned off, unsigned size, unsigned val)
{
    (void)self, (void)off, (void)size;
    return val == 0xfffff000 ? 0xff0ff000 : val;
}
