/* SPDX-License-Identifier: BSD-2-Clause */
#include "pvpanic.h"
#include <tenon/acpi.h>
#include <tenon/core.h>
#include <tenon/fwcfg.h>
#include <tenon/machine.h>
#include <tenon/pci.h>
#include <tenon/plugin.h>

/* A guest sets one bit at a time; of several, the lowest counts. */
void pvpanic_report(struct tn_dev *d, uint32_t events, uint64_t value)
{
    const struct tn_machine *machine = TN_GET(d, struct tn_machine, TN_MACHINE_1);
    uint32_t event = (uint32_t)value & events;
    if (value & ~(uint64_t)events)
        d->core->guest_error(d, "unknown event in 0x%x", (uint32_t)value);
    if (event & PVPANIC_PANICKED)
        machine->request(d, TN_REQ_PANIC, "pvpanic");
    else if (event & PVPANIC_CRASH_LOADED)
        machine->request(d, TN_REQ_CRASH_LOADED, "pvpanic");
    else if (event & PVPANIC_SHUTDOWN)
        machine->request(d, TN_REQ_PVSHUTDOWN, "pvpanic");
}

static const struct tn_class *const classes[] = {&pvpanic_isa_class, &pvpanic_pci_class, NULL};
static const char *const needs[] = {TN_REGION_1, TN_MACHINE_1, NULL};
static const char *const wants[] = {TN_ACPI_1, TN_FWCFG_1, TN_PCI_1, NULL};

const struct tn_plugin tn_plugin_v1 = {
    .struct_size = sizeof tn_plugin_v1,
    .abi_major = TN_ABI_MAJOR,
    .abi_minor = TN_ABI_MINOR,
    .id = "pvpanic",
    .version = TENON_VERSION,
    .license = "BSD-2-Clause",
    .summary = "the guest tells that it crashed",
    .classes = classes,
    .needs = needs,
    .wants = wants,
};
