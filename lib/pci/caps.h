/* SPDX-License-Identifier: BSD-2-Clause */
/* The capability list (PCI Local Bus 3.0 6.7) and the extended capability list (PCIe
 * Base 6.0 7.6.3), and capabilities that are nothing but bytes. All functions are for the time
 * before the guest runs: at realize. */
#ifndef TN_PCI_CAPS_H
#define TN_PCI_CAPS_H
#include "pci/config.h"

/* Reserves len bytes (rounded up to dwords) for a capability at offset at (0: the first gap that
 * fits) and links it as the first of the list, as QEMU does: the list runs from the newest to the
 * oldest. Bytes behind the two of the header are read-only zeros: declare them with
 * pci_config_define() or pci_config_reg(). Returns the offset; -EINVAL for an unaligned offset, one
 * outside 0x40..0xff or len < 2; -EBUSY if it overlaps; -ENOSPC without a gap. */
int pci_cap_add(struct pci_config *c, uint8_t id, uint32_t at, uint32_t len);

/* The same with its contents. The planes have len bytes and start with the capability's first byte;
 * the two header bytes of each are ignored; NULL planes are zeros. */
int pci_cap_add_bytes(struct pci_config *c, uint8_t id, uint32_t at, const void *bytes,
                      const void *wmask, const void *w1c, uint32_t len);

/* Offset of the first capability with that id behind offset after (0: from the start), or 0. */
uint32_t pci_cap_find(const struct pci_config *c, uint8_t id, uint32_t after);

/* The same for extended capabilities, which are linked in the order they are added; the list starts
 * at 0x100, where a null capability stands in as long as nothing else does. The header has 4 bytes.
 * -EINVAL also for a function of 256 bytes. */
int pci_ext_cap_add(struct pci_config *c, uint16_t id, uint8_t version, uint32_t at, uint32_t len);
int pci_ext_cap_add_bytes(struct pci_config *c, uint16_t id, uint8_t version, uint32_t at,
                          const void *bytes, const void *wmask, const void *w1c, uint32_t len);
uint32_t pci_ext_cap_find(const struct pci_config *c, uint16_t id, uint32_t after);

/* Power management, version 3: D0 and D3hot (PCIe Base 6.0 7.5.2). no_soft_reset: leaving D3hot
 * keeps the state of the function; without it PCI_CHANGED_SOFT_RESET asks the owner for a reset.
 * PME: PCI_PM_CAP_PME_* that the function can signal, 0 for none. */
int pci_pm_add(struct pci_config *c, uint32_t at, bool no_soft_reset, uint16_t pme);

/* Subsystem IDs of a bridge (7.9.23). */
int pci_ssvid_add(struct pci_config *c, uint32_t at, uint16_t subvendor, uint16_t subsystem);

/* Device serial number (7.9.3). */
int pci_dsn_add(struct pci_config *c, uint32_t at, uint64_t serial);

/* Alternative routing ID; next: the number of the next function, 0 at the last (7.8.8). */
int pci_ari_add(struct pci_config *c, uint32_t at, uint8_t next);

/* Access control services: caps are the PCI_ACS_* that can be switched on, without egress control
 * (7.7.11). */
int pci_acs_add(struct pci_config *c, uint32_t at, uint16_t caps);

#endif
