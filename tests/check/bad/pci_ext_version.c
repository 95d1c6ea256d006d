/* SPDX-License-Identifier: BSD-2-Clause */
/* An extended capability of version 0.
 * breaks: pci/extended-capabilities
 * says: version 0 */
static const unsigned char exp_cap[0x3c] = {0, 0, 2};
#define PCI_OPS .flags = TN_PCIF_EXPRESS
#define IN_PCI(s, pci, e)                                            \
    pci->cap(s->d, 0x10, 0, exp_cap, NULL, NULL, sizeof exp_cap, e), \
        pci->ext_cap(s->d, 3, 0, 0x100, exp_cap, NULL, NULL, 12, e)
#include "function.h"
