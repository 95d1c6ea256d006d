/* SPDX-License-Identifier: BSD-2-Clause */
/* How a guest is told of processors that come and go. Without the registers (no ACPI, a machine
 * that has none) the functions do nothing, or refuse. Main thread. */
#ifndef TN_ACPI_CPU_HOTPLUG_H
#define TN_ACPI_CPU_HOTPLUG_H
#include "core/vm.h"
#include "plug_slot.h"

struct tn_plugin;

/* Slot i of the machine has been filled. */
void acpi_cpu_plugged(struct vm *vm, uint32_t i);
/* Asks the guest to let go of the processor in slot i: its _EJ0 takes it away. -ENOTSUP with e. */
int acpi_cpu_unplug_request(struct vm *vm, uint32_t i, struct tn_err *e);
/* Slot i is empty again. */
void acpi_cpu_gone(struct vm *vm, uint32_t i);
/* What the guest last said about slot i; 0, or -ENOENT without the registers. */
int acpi_cpu_slot(struct vm *vm, uint32_t i, struct plug_slot *out);

/* Class acpi-cpu-hotplug, which machines make; property base: the first of its ports. */
extern const struct tn_plugin acpi_cpu_plugin;

#endif
