/* SPDX-License-Identifier: BSD-2-Clause */
/* What the ACPI tables say about a machine: the input of acpi_describe(). Plain data that the
 * caller owns; nothing of it is kept. Zero means "has none" unless said otherwise. */
#ifndef TN_ACPI_MACHINE_H
#define TN_ACPI_MACHINE_H
#include <stdint.h>

enum {
    ACPI_HW_REDUCED = 1 << 0,   /* no fixed hardware (4.1): no PM1, PM timer, GPE, FACS */
    ACPI_PCI = 1 << 1,          /* a PCI host bridge */
    ACPI_PCIE = 1 << 2,         /* it is a PCI Express one, with configuration space at ecam */
    ACPI_SHPC = 1 << 3,         /* _OSC also grants the standard hotplug controller */
    ACPI_8042 = 1 << 4,         /* there is a keyboard controller */
    ACPI_RTC = 1 << 5,          /* there is a CMOS real time clock */
    ACPI_VGA = 1 << 6,          /* there may be VGA hardware */
    ACPI_8259 = 1 << 7,         /* there is a pair of 8259s as well */
    ACPI_IRQ0_TO_2 = 1 << 8,    /* the 8254 is wired to GSI 2 */
    ACPI_SERIAL = 1 << 9,       /* COM1 is the console: SPCR */
    ACPI_S5 = 1 << 10,          /* \_S5 is here, with s5_type; else a plugin adds it, or none */
    ACPI_CPU_DEVICES = 1 << 11, /* \_SB.CPUS with an ACPI0007 device for each enabled CPU */
};

struct hmat;
struct acpi_range {
    uint64_t base, len;
};

/* Generic Address Structure (5.2.3.2) of a register; bits 0 = absent */
enum { ACPI_GAS_MEMORY = 0, ACPI_GAS_IO = 1 };
struct acpi_gas {
    uint8_t space, bits;
    uint64_t address;
};

struct acpi_ioapic {
    uint8_t id;
    uint32_t address, gsi_base;
};

struct acpi_cpu {
    uint32_t apic_id, node;
    uint8_t enabled; /* else it can be plugged later */
};

/* Methods of the DSDT that events call: which slot has one? */
#define ACPI_CPU_SCAN "\\_SB.CPUS.CSCN"
#define ACPI_MEM_SCAN "\\_SB.MHPC.MSCN"

enum { ACPI_MEM_HOTPLUG = 1 << 0, ACPI_MEM_NONVOLATILE = 1 << 1 };
struct acpi_memory {
    uint64_t base, len;
    uint32_t node, flags; /* ACPI_MEM_* */
};

enum { ACPI_SLOTS = 32, ACPI_PINS = 4 };

struct acpi_machine {
    uint32_t flags; /* ACPI_* */

    /* Processors and interrupts. A CPU's _UID is its index. */
    const struct acpi_cpu *cpus;
    uint32_t n_cpus;
    uint16_t cpu_hotplug; /* port of the registers of processors that come and go (cpu_regs.h) */
    const struct acpi_ioapic *ioapics;
    uint32_t n_ioapics;
    uint16_t sci_gsi;

    /* NUMA (SRAT, SLIT): none with 0 nodes; distances: n_nodes * n_nodes bytes, or NULL for no SLIT
     */
    uint32_t n_nodes;
    const struct acpi_memory *memory;
    uint32_t n_memory;
    const uint8_t *distances;
    const struct hmat *hmat; /* vm/hmat.h; NULL: no HMAT */
    uint32_t n_slots;        /* for memory modules that come and go; 0: none */
    uint16_t mem_hotplug;    /* port of their registers (mem_regs.h) */

    /* PCI segment 0. Windows do not overlap ecam. */
    struct acpi_range ecam; /* 1 MiB for each bus from 0 on */
    uint8_t last_bus;
    const struct acpi_range *io, *mem32, *mem64;
    uint32_t n_io, n_mem32, n_mem64;
    /* GSI of each slot and pin; NULL: 16 + (slot + pin) % 8 */
    const uint32_t (*intx)[ACPI_PINS];
    uint32_t isa_bridge; /* _ADR (device << 16 | function) of \_SB.PCI0.ISA; 0 = none */

    /* Power management. The PM block as in the ICH9 (PM1 at +0, timer at +8), GPE0 where gpe0 says.
     */
    uint16_t pm_base, gpe0_base;
    uint8_t gpe0_len;
    uint8_t s5_type;                   /* SLP_TYP of S5 */
    uint16_t smi_cmd;                  /* port; 0: always in ACPI mode */
    uint8_t acpi_enable, acpi_disable; /* values for smi_cmd */
    struct acpi_gas reset, sleep_control,
        sleep_status; /* the sleep registers: ACPI_HW_REDUCED only */
    uint8_t reset_value;
};

#endif
