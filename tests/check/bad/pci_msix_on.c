/* SPDX-License-Identifier: BSD-2-Clause */
/* MSI-X that says it is enabled from the beginning.
 * breaks: pci/msix
 * says: enabled after a reset */
static unsigned readout(void *s, unsigned off, unsigned size, unsigned val);
#define PCI_OPS .flags = TN_PCIF_CONVENTIONAL, .config_read = readout
#define IN_PCI(s, pci, e) pci->config_trap(s->d, 0x42, 2, TN_TRAP_READ)
#include "function.h"
static unsigned readout(void *self, unsigned off, unsigned size, unsigned val)
{
    (void)self;
    return off == 0x42 && size == 2 ? val | 0x8000 : val;
}
