/* SPDX-License-Identifier: BSD-2-Clause */
#include "piix.h"
#include <tenon/acpi.h>
#include <tenon/fwcfg.h>
#include <tenon/irq.h>
#include <tenon/loop.h>
#include <tenon/machine.h>
#include <tenon/pci.h>
#include <tenon/plugin.h>
#include <tenon/shadow.h>

static const struct tn_class *const classes[] = {&i440fx_class, &piix3_class, &piix4_pm_class,
                                                 NULL};
static const char *const needs[] = {TN_IRQ_1,    TN_LOOP_1,   TN_MACHINE_1, TN_PCI_1,
                                    TN_REGION_1, TN_SHADOW_1, NULL};
static const char *const wants[] = {TN_ACPI_1, TN_FWCFG_1, NULL};

const struct tn_plugin tn_plugin_v1 = {
    .struct_size = sizeof tn_plugin_v1,
    .abi_major = TN_ABI_MAJOR,
    .abi_minor = TN_ABI_MINOR,
    .id = "piix",
    .version = TENON_VERSION,
    .license = "BSD-2-Clause",
    .summary = "chipset of pc: host bridge, ISA bridge, power management",
    .classes = classes,
    .needs = needs,
    .wants = wants,
};
