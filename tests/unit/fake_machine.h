/* SPDX-License-Identifier: BSD-2-Clause */
/* A q35 and a microvm for the tests of what the host tells guests about them: everything that the
 * tables of ACPI and the device tree ask of vm/ and pci/, answered from plain data. One VM at a
 * time. */
#ifndef TN_TEST_FAKE_MACHINE_H
#define TN_TEST_FAKE_MACHINE_H
#include "core/bus.h"
#include "fake_host.h"
#include "vm/irq.h"
#include "vm/cpu.h"
#include "vm/machine.h"
#include "vm/space.h"

struct tn_line {
    uint32_t gsi, flags;
};
struct fake_function {
    struct device *dev;
    uint32_t rid;
};
struct fake_machine {
    struct vm *vm;
    struct machine m;
    struct cpu_slot cpu[2];
    struct device cpu_dev;
    struct cli_options cli;
    struct fake_function function[8];
    uint32_t n_functions;
    uint32_t no_lines;
    struct tn_bus isa, pcie;
    uint8_t ram[1 << 16]; /* at FAKE_RAM */
    char space[2];        /* addresses to stand for vm->pio and vm->mmio */
};
#define FAKE_RAM 0x10000u
extern struct fake_machine fake;

/* fake is all zeros but for two CPUs, 64 MiB and an IO-APIC; pci: a root complex and an ISA bus
 * too. */
void fake_machine_start(int pci);
void fake_machine_end(void);
/* d becomes the PCI function rid on bus (NULL: the root). */
void fake_function(struct device *d, struct tn_bus *bus, uint32_t rid);

#endif
