/* SPDX-License-Identifier: BSD-2-Clause */
/* The small conforming device as a PCI function: a BAR, MSI-X, power management; broken by macros.
 */
#ifndef IDS
#define IDS .vendor = 0x1234, .device = 0x11e9, .class_rev = 0xff000001, .int_pin = 1
#endif
#ifndef IN_PCI
#define IN_PCI(s, pci, e)
#endif
#ifndef PCI_OPS
#define PCI_OPS .flags = TN_PCIF_CONVENTIONAL
#endif
#ifndef PM_MASK
#define PM_MASK                \
    {                          \
        0, 0, 0, 0, 3, 0, 0, 0 \
    }
#endif
#include <tenon/pci.h>

static const struct tn_pci_ops pci_ops;
#ifndef PM_FLAGS
#define PM_FLAGS 8 /* No_Soft_Reset */
#endif
static const uint8_t pm_bytes[8] = {0, 0, 3, 0, PM_FLAGS}, pm_mask[8] = PM_MASK; /* version 3 */

#define IN_REALIZE(s, e)                                                             \
    do {                                                                             \
        const struct tn_pci *pci_ = TN_GET(s->d, struct tn_pci, TN_PCI_1);           \
        int r_ = pci_->bar(s->d, 0, TN_BAR_MEM32, 4096, &region_ops, s, e);          \
        if (r_ == 0)                                                                 \
            r_ = pci_->msix(s->d, 0, 2, 0, 0x800, 0, 0xc00, e);                      \
        if (r_ >= 0)                                                                 \
            r_ = pci_->cap(s->d, 1, 0, pm_bytes, pm_mask, NULL, sizeof pm_bytes, e); \
        if (r_ < 0)                                                                  \
            return r_;                                                               \
        IN_PCI(s, pci_, e);                                                          \
    } while (0)
#define NEEDS TN_LOOP_1, TN_IRQ_1, TN_REGION_1, TN_PCI_1, NULL
#define EXTRA .desc = "a gadget", .bus = TN_PCI_BUS, .bus_ops = &pci_ops
#include "device.h"

static const struct tn_pci_ops pci_ops = {.struct_size = sizeof pci_ops, IDS, PCI_OPS};
