/* SPDX-License-Identifier: BSD-2-Clause */
/* Descriptions of machines for the tests of the ACPI tables. */
#ifndef TN_TEST_ACPI_MACHINES_H
#define TN_TEST_ACPI_MACHINES_H
#include "acpi/machine.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static const struct acpi_cpu four_cpus[] = {{0, 0, 1}, {1, 0, 1}, {2, 0, 1}, {3, 0, 0}};
static const struct acpi_ioapic one_ioapic[] = {{1, 0xfec00000, 0}};
static const struct acpi_range io_windows[] = {{0, 0xcf8}, {0xd00, 0xf300}};
static const struct acpi_range q35_mem32[] = {{0xc0000000, 0x3ec00000}};
static const struct acpi_range q35_mem64[] = {{0x8000000000, 0x800000000}};

/* As -M q35: full power management of an ICH9, PCI Express, ISA bridge with COM1 and RTC */
static const struct acpi_machine q35_machine = {
    .flags =
        ACPI_PCI | ACPI_PCIE | ACPI_RTC | ACPI_SERIAL | ACPI_S5 | ACPI_CPU_DEVICES | ACPI_IRQ0_TO_2,
    .cpus = four_cpus,
    .n_cpus = COUNT(four_cpus),
    .ioapics = one_ioapic,
    .n_ioapics = 1,
    .sci_gsi = 9,
    .ecam = {0xb0000000, 0x10000000},
    .last_bus = 255,
    .io = io_windows,
    .n_io = 2,
    .mem32 = q35_mem32,
    .n_mem32 = 1,
    .mem64 = q35_mem64,
    .n_mem64 = 1,
    .isa_bridge = 0x1f0000,
    .pm_base = 0x600,
    .gpe0_base = 0x620,
    .gpe0_len = 16,
    .smi_cmd = 0xb2,
    .acpi_enable = 2,
    .acpi_disable = 3,
    .reset = {ACPI_GAS_IO, 8, 0xcf9},
    .reset_value = 0xf,
};

/* As -M microvm: hardware-reduced, no PCI, sleep and reset registers in memory */
static const struct acpi_machine microvm_machine = {
    .flags = ACPI_HW_REDUCED | ACPI_SERIAL | ACPI_S5 | ACPI_CPU_DEVICES,
    .cpus = four_cpus,
    .n_cpus = 1,
    .ioapics = one_ioapic,
    .n_ioapics = 1,
    .reset = {ACPI_GAS_MEMORY, 8, 0xfea00202},
    .reset_value = 0x42,
    .sleep_control = {ACPI_GAS_MEMORY, 8, 0xfea00200},
    .sleep_status = {ACPI_GAS_MEMORY, 8, 0xfea00201},
    .s5_type = 5,
};

static const struct acpi_range high_mem32[] = {{0xc0000000, 0x20000000}};

/* As -M microvm,pcie=on without a serial port: no IOAPIC either; ECAM above 4 GiB */
static const struct acpi_machine microvm_pcie_machine = {
    .flags = ACPI_HW_REDUCED | ACPI_PCI | ACPI_PCIE | ACPI_SHPC,
    .cpus = four_cpus,
    .n_cpus = 1,
    .ecam = {0x4000000000, 0x1000000},
    .last_bus = 15,
    .mem32 = high_mem32,
    .n_mem32 = 1,
    .reset = {ACPI_GAS_MEMORY, 8, 0xfea00202},
    .sleep_control = {ACPI_GAS_MEMORY, 8, 0xfea00200},
    .sleep_status = {ACPI_GAS_MEMORY, 8, 0xfea00201},
};

/* As -M pc: a conventional PCI bus with its own interrupt table, an i8042, a PIC */
static const uint32_t pc_intx[ACPI_SLOTS][ACPI_PINS] = {[1] = {16, 17, 18, 19}, [3] = {10, 11}};
static const struct acpi_machine pc_machine = {
    .flags = ACPI_PCI | ACPI_RTC | ACPI_8042 | ACPI_VGA | ACPI_8259 | ACPI_CPU_DEVICES,
    .cpus = four_cpus,
    .n_cpus = 2,
    .ioapics = one_ioapic,
    .n_ioapics = 1,
    .sci_gsi = 9,
    .last_bus = 255,
    .io = io_windows,
    .n_io = 2,
    .mem32 = q35_mem32,
    .n_mem32 = 1,
    .intx = pc_intx,
    .isa_bridge = 0x10000,
    .pm_base = 0x600,
    .gpe0_base = 0xafe0,
    .gpe0_len = 4,
};

/* NUMA: two nodes, 300 CPUs (more than a local APIC entry can name), memory that can be plugged */
#define NUMA_CPUS 300
static const struct acpi_memory numa_memory[] = {
    {0, 0xa0000, 0, 0},
    {0x100000, 0x7ff00000, 0, 0},
    {0x100000000, 0x80000000, 1, 0},
    {0x180000000, 0x80000000, 1, ACPI_MEM_HOTPLUG},
};
static const uint8_t numa_distances[] = {10, 21, 21, 10};

/* cpus: NUMA_CPUS of them, filled in here */
static inline struct acpi_machine numa_machine(struct acpi_cpu *cpus)
{
    struct acpi_machine m = q35_machine;
    for (uint32_t i = 0; i < NUMA_CPUS; i++)
        cpus[i] =
            (struct acpi_cpu){.apic_id = i + (i >= 150 ? 106 : 0), .node = i / 150, .enabled = 1};
    m.cpus = cpus;
    m.n_cpus = NUMA_CPUS;
    m.n_nodes = 2;
    m.memory = numa_memory;
    m.n_memory = COUNT(numa_memory);
    m.distances = numa_distances;
    return m;
}

#endif
