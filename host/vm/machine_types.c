/* SPDX-License-Identifier: BSD-2-Clause */
/* The machines as tables: address maps, and the devices that they have by themselves. */
#include "machine.h"
#include <string.h>

#define MIB      ((uint64_t)1 << 20)
#define GIB      ((uint64_t)1 << 30)
#define FOUR_GIB (4 * GIB)

static int with_acpi(const struct machine *m)
{
    return m->acpi != 0;
}

static int with_i8042(const struct machine *m)
{
    return m->i8042 != 0;
}

static uint64_t up(uint64_t v, uint64_t unit)
{
    return (v + unit - 1) & ~(unit - 1);
}

/* Memory modules lie above RAM, each with room to be aligned to 1 GiB. */
static void place_modules(struct machine *m)
{
    struct machine_map *p = &m->map;
    p->device_base = up(p->ram_high_base + p->ram_high, GIB);
    p->device_size = m->maxmem > m->ram ? m->maxmem - m->ram + m->slots * GIB : 0;
}

static uint64_t end_of_memory(const struct machine *m)
{
    uint64_t ram = FOUR_GIB + (m->maxmem > m->ram ? m->maxmem : m->ram),
             modules = m->map.device_base + m->map.device_size;
    return ram > modules ? ram : modules;
}

/* ---- q35: Intel 3 Series Express chipset with ICH9 ---- */

/* As QEMU has it: PCIEXBAR and the PCI hole begin at 0xb0000000, and RAM that would not end there
 * ends at 2 GiB. */
static void q35_map(struct machine *m)
{
    struct machine_map *p = &m->map;
    uint64_t limit = m->ram >= 0xb0000000u ? 0x80000000u : 0xb0000000u;
    p->ram_low = m->ram < limit ? m->ram : limit;
    p->ram_high_base = FOUR_GIB;
    p->ram_high = m->ram - p->ram_low;
    p->ecam_base = 0xb0000000u;
    p->ecam_size = 256 * MIB;
    p->mmio32_base = 0xc0000000u;
    p->mmio32_size = 0xfec00000u - p->mmio32_base;
    place_modules(m);
    p->mmio64_size = 32 * GIB;
    p->mmio64_base = up(end_of_memory(m), p->mmio64_size);
    p->ioapic_base = 0xfec00000u;
    p->sci_gsi = 9;
}

/* A kernel that the host itself starts finds memory as firmware would have left it. */
static int without_kernel(const struct machine *m)
{
    return !machine_boots_kernel(m);
}

static const char *const shadow_on[] = {"shadow", "on", NULL};
static const char *const pm_on[] = {"pm", "on", NULL};
static const char *const pm_off[] = {"pm", "off", NULL};
static int without_acpi(const struct machine *m)
{
    return !m->acpi;
}
static const struct machine_device q35_devices[] = {
    {"mch", machine_boots_kernel, shadow_on},
    {"mch", without_kernel, NULL},
    {"ICH9-LPC", with_acpi, pm_on},
    {"ICH9-LPC", without_acpi, pm_off},
    {"acpi-pci-hotplug", with_acpi, NULL},
    {"fw_cfg_io", NULL, NULL},
    {"mc146818rtc", NULL, NULL},
    {"i8042", with_i8042, NULL},
    {NULL, NULL, NULL},
};
static const char *const q35_keys[] = {"cxl",
                                       "usb",
                                       "sata",
                                       "smbus",
                                       "hpet",
                                       "smm",
                                       "vmport",
                                       "pit",
                                       "pic",
                                       "kernel-irqchip",
                                       "kernel_irqchip",
                                       "graphics",
                                       "dump-guest-core",
                                       "mem-merge",
                                       "nvdimm",
                                       "fd-bootchk",
                                       "pflash0",
                                       "pflash1",
                                       "max-fw-size",
                                       "hmat",
                                       NULL};
static const struct machine_type q35 = {.name = "q35",
                                        .family = "pc-q35",
                                        .desc = "Standard PC (Q35 + ICH9, 2009)",
                                        .flags = TN_MF_ACPI | TN_MF_FWCFG | TN_MF_PCIE |
                                                 TN_MF_SPLIT_IRQCHIP,
                                        .max_cpus = 288,
                                        .default_ram = 128 * MIB,
                                        .ram_id = "pc.ram",
                                        .keys = q35_keys,
                                        .map = q35_map,
                                        .devices = q35_devices,
                                        .cpu_hotplug = 0x0cd8,
                                        .mem_hotplug = 0x0a00,
                                        .flash_units = 2};

/* ---- microvm: no PCI, no firmware, hardware-reduced ACPI or a device tree ---- */

static void microvm_map(struct machine *m)
{
    struct machine_map *p = &m->map;
    uint64_t limit = 3 * GIB;
    p->ram_low = m->ram < limit ? m->ram : limit;
    p->ram_high_base = FOUR_GIB;
    p->ram_high = m->ram - p->ram_low;
    p->mmio32_base = 0xfeb00000u;
    p->mmio32_size = 0x100000;
    p->ioapic_base = 0xfec00000u;
    p->sci_gsi = 9;
}

static const struct machine_device microvm_devices[] = {
    {"acpi-ged", with_acpi, NULL}, {"fw_cfg_io", NULL, NULL}, {"mc146818rtc", NULL, NULL},
    {"i8042", with_i8042, NULL},   {NULL, NULL, NULL},
};
static const char *const microvm_keys[] = {"rtc",
                                           "isa-serial",
                                           "pit",
                                           "pic",
                                           "x-option-roms",
                                           "auto-kernel-cmdline",
                                           "pcie",
                                           "usb",
                                           "ioapic2",
                                           "kernel-irqchip",
                                           "kernel_irqchip",
                                           "dump-guest-core",
                                           "mem-merge",
                                           NULL};
static const struct machine_type microvm = {.name = "microvm",
                                            .desc = "microvm (i386)",
                                            .flags = TN_MF_ACPI | TN_MF_FDT | TN_MF_FWCFG |
                                                     TN_MF_SPLIT_IRQCHIP,
                                            .max_cpus = 288,
                                            .default_ram = 128 * MIB,
                                            .ram_id = "microvm.ram",
                                            .keys = microvm_keys,
                                            .map = microvm_map,
                                            .devices = microvm_devices,
                                            .mmio_slots = 0xfeb00000u};

/* ---- pc: i440FX with PIIX3 and the PIIX4's power management ---- */

/* As QEMU has it: RAM ends at 3.5 GiB, or at 3 GiB if it does not end there. */
static void pc_map(struct machine *m)
{
    struct machine_map *p = &m->map;
    uint64_t limit = m->ram >= 0xe0000000u ? 3 * GIB : 0xe0000000u;
    p->ram_low = m->ram < limit ? m->ram : limit;
    p->ram_high_base = FOUR_GIB;
    p->ram_high = m->ram - p->ram_low;
    p->mmio32_base = 0xe0000000u;
    p->mmio32_size = 0xfec00000u - p->mmio32_base;
    place_modules(m);
    p->mmio64_size = 32 * GIB;
    p->mmio64_base = up(end_of_memory(m), p->mmio64_size);
    p->ioapic_base = 0xfec00000u;
    p->sci_gsi = 9;
    p->isa_bridge = 1 << 16;
}

static const char *const hotplug_at_ae00[] = {"base", "0xae00", NULL};
static const struct machine_device pc_devices[] = {
    {"i440FX", machine_boots_kernel, shadow_on},
    {"i440FX", without_kernel, NULL},
    {"PIIX3", NULL, NULL},
    {"PIIX4_PM", with_acpi, NULL},
    {"acpi-pci-hotplug", with_acpi, hotplug_at_ae00},
    {"fw_cfg_io", NULL, NULL},
    {"mc146818rtc", NULL, NULL},
    {"i8042", with_i8042, NULL},
    {NULL, NULL, NULL},
};
static const char *const pc_keys[] = {
    "usb",    "smbus",          "hpet",           "smm",      "vmport",          "pit",
    "pic",    "kernel-irqchip", "kernel_irqchip", "graphics", "dump-guest-core", "mem-merge",
    "nvdimm", "fd-bootchk",     "pflash0",        "pflash1",  "max-fw-size",     "hmat",
    NULL};
static const struct machine_type pc = {.name = "pc",
                                       .family = "pc-i440fx",
                                       .desc = "Standard PC (i440FX + PIIX, 1996)",
                                       .flags = TN_MF_ACPI | TN_MF_FWCFG | TN_MF_SPLIT_IRQCHIP,
                                       .pci = 1,
                                       .max_cpus = 255,
                                       .default_ram = 128 * MIB,
                                       .ram_id = "pc.ram",
                                       .keys = pc_keys,
                                       .map = pc_map,
                                       .devices = pc_devices,
                                       .cpu_hotplug = 0xaf00,
                                       .mem_hotplug = 0x0a00,
                                       .flash_units = 2};

/* ---- none: address spaces and what the user adds ---- */

static void none_map(struct machine *m)
{
    m->map.ram_low = m->ram < 3 * GIB ? m->ram : 3 * GIB;
    m->map.ram_high_base = FOUR_GIB;
    m->map.ram_high = m->ram - m->map.ram_low;
    m->map.ioapic_base = 0xfec00000u;
}

static const struct machine_device none_devices[] = {{NULL, NULL, NULL}};
static const char *const none_keys[] = {NULL};
static const struct machine_type none = {.name = "none",
                                         .desc = "empty machine",
                                         .flags = 0,
                                         .max_cpus = 1,
                                         .default_ram = 0,
                                         .ram_id = "ram",
                                         .keys = none_keys,
                                         .map = none_map,
                                         .devices = none_devices};

const struct machine_type *const machine_types[] = {&microvm, &none, &pc, &q35, NULL};

const struct machine_type *machine_type_default(const struct cli_options *cli)
{
    return cli->as_qemu ? &pc : &q35;
}
