/* SPDX-License-Identifier: BSD-2-Clause */
/* Objects of PCI buses in AML, for the host's own bus and for the bridges of plugins. */
#ifndef TN_ACPI_DSDT_H
#define TN_ACPI_DSDT_H
#include "acpi/machine.h"
#include "util/buf.h"

/* What a host bridge decodes: buses first..last, and windows of each kind */
struct acpi_windows {
    uint8_t first_bus, last_bus;
    const struct acpi_range *io, *mem32, *mem64;
    uint32_t n_io, n_mem32, n_mem64;
};

/* Name(_CRS, ...) of a host bridge. The configuration ports 0xcf8..0xcff are consumed by the bridge
 * if an I/O window begins right behind them. */
void acpi_aml_crs(struct buf *a, const struct acpi_windows *w);

/* Name(_PRT, ...) (6.2.13): GSI gsi[slot][pin] for each pin of each slot, wired, without link
 * devices. gsi NULL: 16 + (slot + pin) % 8. */
void acpi_aml_prt(struct buf *a, const uint32_t (*gsi)[ACPI_PINS]);

/* Method(_OSC, ...) (6.2.11.3): grants native control of hotplug, PME, AER and the PCI Express
 * capability structure; with shpc also of the standard hotplug controller. */
void acpi_aml_osc(struct buf *a, int shpc);

#endif
