/* SPDX-License-Identifier: BSD-2-Clause */
/* Where an access or an interrupt goes: both configuration mechanisms, INTx swizzling. */
#ifndef TN_PCI_ROUTE_H
#define TN_PCI_ROUTE_H
#include "pci/regs.h"
#include <stdbool.h>
#include <stdint.h>

#define PCI_DEVFN_OF(slot, fn) (((slot)&0x1f) << 3 | ((fn)&7))
#define PCI_SLOT_OF(devfn)     ((devfn) >> 3 & 0x1f)
#define PCI_FUNC_OF(devfn)     ((devfn)&7)

/* The register that a configuration access means. */
struct pci_target {
    uint32_t bus, devfn, reg; /* reg: byte offset */
};

/* Configuration mechanism #1 (PCI Local Bus 3.0 3.2.2.3.2): an access to port CONFIG_DATA + (0..3)
 * under the value cf8 of CONFIG_ADDRESS. The low two bits of both count, as on QEMU: software that
 * puts them into CONFIG_ADDRESS works, where hardware takes them from the port alone. Returns false
 * without the enable bit: no configuration access. */
bool pci_cf8_decode(uint32_t cf8, uint16_t port, struct pci_target *t);

/* ECAM (PCIe Base 6.0 7.2.2): off bytes into the window, whose first bus is bus 0 of the segment.
 * Returns false if bus would be above 255. */
bool pcie_ecam_decode(uint64_t off, struct pci_target *t);

/* The pin (0 to 3: INTA# to INTD#) that a function's pin is on the primary side of the bridge above
 * it, whose secondary bus has the function at devfn (PCI-to-PCI Bridge 1.2 9.1; PCIe
 * Base 6.0 2.2.8.1). Below a port with ARI forwarding enabled the device number is 0: give the
 * function number within it as devfn 0. */
uint32_t pci_swizzle(uint32_t devfn, uint32_t pin);

/* The same through n bridges: path[0] is the devfn of the function, path[i] that of the bridge
 * above path[i - 1]; the last one's own slot is not applied: the root bus maps (path[n], result) as
 * its machine does. path has n + 1. */
uint32_t pci_swizzle_path(const uint8_t *path, uint32_t n, uint32_t pin);

#endif
