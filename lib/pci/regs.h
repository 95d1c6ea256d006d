/* SPDX-License-Identifier: BSD-2-Clause */
/* The registers of PCI configuration space. The names are those of <linux/pci_regs.h>, a stable
 * header of the kernel's user interface that every reader of PCI code knows; nothing here gives a
 * second name to what it has. This header says which section defines which group and adds the few
 * that it lacks. Sections are those of PCIe Base 6.0; LB is PCI Local Bus 3.0, BR is PCI-to-PCI
 * Bridge 1.2. */
/* clang-format off */
/*   PCI_VENDOR_ID .. PCI_MAX_LAT            Type 0 header            7.5.1.1, 7.5.1.2, LB 6.1
 *   PCI_COMMAND_*, PCI_STATUS_*             Command, Status          7.5.1.1.3-4, LB 6.2.2-3
 *   PCI_BASE_ADDRESS_*, PCI_ROM_ADDRESS*    base addresses           7.5.1.2.1, 7.5.1.2.4, LB 6.2.5
 *   PCI_PRIMARY_BUS .. PCI_BRIDGE_CONTROL   Type 1 header            7.5.1.3, BR 3.2
 *   PCI_CAP_LIST_*                          capability list          7.5.1.1.11, LB 6.7
 *   PCI_PM_*                                power management         7.5.2
 *   PCI_EXP_*                               PCI Express              7.5.3
 *   PCI_EXT_CAP_*                           extended list            7.6.3
 *   PCI_MSI_*, PCI_MSIX_*                   MSI, MSI-X               7.7.1, 7.7.2, LB 6.8
 *   PCI_ACS_*, PCI_ERR_*, PCI_ARI_*         ACS, AER, ARI            7.7.11, 7.8.4, 7.8.8
 *   PCI_EXT_CAP_ID_DSN                      device serial number     7.9.3
 *   PCI_SSVID_*                             bridge subsystem IDs     7.9.23 */
/* clang-format on */
#ifndef TN_PCI_REGS_H
#define TN_PCI_REGS_H
#include <linux/pci_regs.h>

/* Sizes of configuration space: PCI Local Bus 3.0 6.1, PCIe Base 6.0 7.2. */
#define PCI_CONFIG_SIZE  256
#define PCIE_CONFIG_SIZE 4096

/* CONFIG_ADDRESS and CONFIG_DATA of configuration mechanism #1: PCI Local Bus 3.0 3.2.2.3.2. */
#define PCI_CF8_ENABLE   0x80000000u
#define PCI_CF8_BUS      0x00ff0000u
#define PCI_CF8_DEVFN    0x0000ff00u
#define PCI_CF8_REGISTER 0x000000ffu

/* Enhanced configuration access: PCIe Base 6.0 7.2.2. */
#define PCIE_ECAM_BUS_SHIFT   20
#define PCIE_ECAM_DEVFN_SHIFT 12
#define PCIE_ECAM_REGISTER    0xfffu

/* The smallest base address regions: PCI Local Bus 3.0 6.2.5.1, 6.2.5.2. */
#define PCI_BAR_IO_MIN  4
#define PCI_BAR_MEM_MIN 16
#define PCI_ROM_MIN     0x800
#define PCI_ROM_MAX     0x1000000

/* Secondary Status and Bridge Control: 7.5.1.3.7, 7.5.1.3.13. */
#define PCI_SEC_STATUS_RCV_SYSTEM_ERROR 0x4000
#define PCI_BRIDGE_CTL_VGA_16BIT        0x10

/* Lengths of capability structures. */
#define PCI_EXP_SIZEOF_V2   0x3c /* version 2, with the *2 registers: 7.5.3 */
#define PCI_ERR_SIZEOF      0x2c /* Functions that are no root port: 7.8.4 */
#define PCI_ERR_SIZEOF_ROOT 0x38 /* Root Ports and Root Complex Event Collectors */
#define PCI_ACS_SIZEOF      8    /* without egress control */
#define PCI_SSVID_SIZEOF    8
#define PCI_MSI_SIZEOF_32   10
#define PCI_MSI_SIZEOF_64   14
#define PCI_MSI_SIZEOF_MASK 20
#define PCI_MSI_SIZEOF_FULL 24

/* Events with the same bit in Slot Status and, enabling, in Slot Control: 7.5.3.10, 7.5.3.11. */
#define PCI_EXP_SLTSTA_EVENTS                                                              \
    (PCI_EXP_SLTSTA_ABP | PCI_EXP_SLTSTA_PFD | PCI_EXP_SLTSTA_MRLSC | PCI_EXP_SLTSTA_PDC | \
     PCI_EXP_SLTSTA_CC)

/* Supported Link Speeds Vector of a link up to speed code max: 7.5.3.18. */
#define PCI_EXP_LNKCAP2_SPEEDS(max) ((2u << (max)) - 2)

#endif
