/* SPDX-License-Identifier: BSD-2-Clause */
/* What guests say by ACPI of the processors and memory modules that come and go, as events. */
#ifndef TN_HOST_CMD_ACPI_H
#define TN_HOST_CMD_ACPI_H
#include "acpi/plug_slot.h"
#include "core/vm.h"

enum ost_type { OST_DIMM, OST_CPU };
/* ACPI_DEVICE_OST: s is what the guest reported on slot i, where the device named id (may be NULL)
 * is. [any] */
void event_device_ost(struct vm *vm, enum ost_type type, uint32_t i, const char *id,
                      const struct plug_slot *s);
/* DEVICE_UNPLUG_GUEST_ERROR: the guest let go of d, but it cannot go. */
void event_unplug_error(struct vm *vm, const struct device *d);

#endif
