/* SPDX-License-Identifier: BSD-2-Clause */
/* The buses that the strict host has itself: "ISA", "PCI" and "PCIE", "virtio-bus",
 * "virtio-mmio-slot", "virtio-serial-bus". */
#ifndef TENON_CHECK_STAND_BUS_H
#define TENON_CHECK_STAND_BUS_H
#include "host.h"

/* One with room for one more device of that type, made if need be; NULL if this host knows no such
 * type. */
struct tn_bus *stand_bus(struct host *h, const char *type);

/* Each in its own file. */
extern const struct tn_bus_type isa_bus_type;
extern const struct tn_bus_type pci_bus_type;
extern const struct tn_bus_type virtio_bus_type;
extern const struct tn_bus_type slot_bus_type;
extern const struct tn_bus_type vserial_bus_type;

#endif
