/* SPDX-License-Identifier: BSD-2-Clause */
/* The PCI Express capability (PCIe Base 6.0 7.5.3): what a function of each device and port type
 * declares. Slot registers get their behaviour from slot.h. */
#ifndef TN_PCI_PCIE_H
#define TN_PCI_PCIE_H
#include "pci/config.h"

enum {
    PCIE_FLR = 1,         /* function level reset: PCI_CHANGED_FLR */
    PCIE_ARI_FORWARD = 2, /* downstream port that can forward to functions beyond 7 */
    PCIE_SLOT = 4,        /* downstream port with a slot: slot.h */
};

struct pcie_port {
    uint32_t type;   /* PCI_EXP_TYPE_* */
    uint32_t number; /* port number, 0 to 255 */
    uint32_t speed;  /* Link Speeds code: 1 = 2.5 GT/s ... 6 = 64 GT/s */
    uint32_t width;  /* lanes: 1, 2, 4, 8, 16, 32 */
    uint32_t flags;  /* PCIE_* */
    uint32_t vector; /* Interrupt Message Number of port and slot events */
};

/* Adds the capability. Integrated endpoints and event collectors have no link registers. Returns
 * its offset; -EINVAL for a type, speed or width out of range, or as pci_cap_add(). */
int pcie_cap_add(struct pci_config *c, uint32_t at, const struct pcie_port *p);

/* Device/Port Type, or -1 for a function that is not PCI Express. */
int pcie_type(const struct pci_config *c);
/* Root port or switch downstream port. */
bool pcie_is_downstream(const struct pci_config *c);
/* ARI Forwarding Enable: devfn below is one function number of 8 bits (7.5.3.16). */
bool pcie_ari_enabled(const struct pci_config *c);
/* Link Disable, written by the guest (7.5.3.7). */
bool pcie_link_disabled(const struct pci_config *c);
/* Sets Data Link Layer Link Active, and Negotiated Link Width and Current Link Speed (7.5.3.8). */
void pcie_set_link(struct pci_config *c, bool up);

#endif
