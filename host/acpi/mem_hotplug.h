/* SPDX-License-Identifier: BSD-2-Clause */
/* How a guest is told of memory modules that come and go. Without the registers the functions do
 * nothing, or refuse. Main thread. */
#ifndef TN_ACPI_MEM_HOTPLUG_H
#define TN_ACPI_MEM_HOTPLUG_H
#include "core/vm.h"
#include "mem_regs.h"

struct tn_plugin;

/* Slot i has been filled with m. 1: the guest is told of it; 0: it finds it when it starts. */
int acpi_mem_plugged(struct vm *vm, uint32_t i, const struct mem_module *m);
/* Asks the guest to let go of the module in slot i: its _EJ0 takes it away. -ENOTSUP with e. */
int acpi_mem_unplug_request(struct vm *vm, uint32_t i, struct tn_err *e);
/* Slot i is empty again. */
void acpi_mem_gone(struct vm *vm, uint32_t i);
/* The guest let go of what is in slot i, but it cannot go. */
void acpi_mem_stays(struct vm *vm, uint32_t i);
/* What the guest last said about slot i; 0, or -ENOENT without the registers. */
int acpi_mem_slot(struct vm *vm, uint32_t i, struct plug_slot *out);

/* Class acpi-mem-hotplug, which machines make; property base: the first of its ports. */
extern const struct tn_plugin acpi_mem_plugin;

#endif
