/* SPDX-License-Identifier: BSD-2-Clause */
/* Resources and interrupts of a bus as AML: for extra roots, and for whoever describes a bridge. */
#include "acpi/dsdt.h"
#include "pci_impl.h"
#include <errno.h>

int pci_aml_crs(struct tn_bus *bus, struct buf *aml)
{
    const struct pci_bus *b = pci_bus_of(bus);
    if (!b)
        return -EINVAL;
    while (b->bridge)
        b = b->bridge->bus;
    uint32_t last = b->number;
    while (last < PCI_BUSES - 1 && b->pci->route[last + 1] && b->pci->route[last + 1]->bridge)
        last++;
    struct acpi_range range[PCI_WINDOWS];
    for (uint32_t k = 0; k < PCI_WINDOWS; k++)
        range[k] = (struct acpi_range){b->given[k].base, b->given[k].size};
    struct acpi_windows w = {.first_bus = (uint8_t)b->number,
                             .last_bus = (uint8_t)last,
                             .io = &range[PCI_IO],
                             .mem32 = &range[PCI_MEM],
                             .mem64 = &range[PCI_PREF]};
    w.n_io = range[PCI_IO].len != 0;
    w.n_mem32 = range[PCI_MEM].len != 0;
    w.n_mem64 = range[PCI_PREF].len != 0;
    acpi_aml_crs(aml, &w);
    return 0;
}

int pci_aml_prt(struct tn_bus *bus, struct buf *aml)
{
    const struct pci_bus *b = pci_bus_of(bus);
    uint32_t gsi[ACPI_SLOTS][ACPI_PINS];
    if (!b)
        return -EINVAL;
    for (uint32_t slot = 0; slot < ACPI_SLOTS; slot++)
        for (uint32_t pin = 0; pin < ACPI_PINS; pin++)
            gsi[slot][pin] = pci_pin_gsi(b, PCI_DEVFN_OF(slot, 0), pin);
    acpi_aml_prt(aml, (const uint32_t(*)[ACPI_PINS])gsi);
    return 0;
}
