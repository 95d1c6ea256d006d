/* SPDX-License-Identifier: BSD-2-Clause */
#include "pci/route.h"

bool pci_cf8_decode(uint32_t cf8, uint16_t port, struct pci_target *t)
{
    if (!(cf8 & PCI_CF8_ENABLE))
        return false;
    t->bus = (cf8 & PCI_CF8_BUS) >> 16;
    t->devfn = (cf8 & PCI_CF8_DEVFN) >> 8;
    t->reg = (cf8 & PCI_CF8_REGISTER) | (port & 3u);
    return true;
}

bool pcie_ecam_decode(uint64_t off, struct pci_target *t)
{
    if (off >> PCIE_ECAM_BUS_SHIFT > 255)
        return false;
    t->bus = (uint32_t)(off >> PCIE_ECAM_BUS_SHIFT);
    t->devfn = off >> PCIE_ECAM_DEVFN_SHIFT & 0xff;
    t->reg = off & PCIE_ECAM_REGISTER;
    return true;
}

uint32_t pci_swizzle(uint32_t devfn, uint32_t pin)
{
    return (PCI_SLOT_OF(devfn) + pin) % 4;
}

uint32_t pci_swizzle_path(const uint8_t *path, uint32_t n, uint32_t pin)
{
    for (uint32_t i = 0; i < n; i++)
        pin = pci_swizzle(path[i], pin);
    return pin % 4;
}
