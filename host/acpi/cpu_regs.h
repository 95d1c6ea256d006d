/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers by which a guest learns of processors that come and go: the interface that QEMU
 * describes in docs/specs/acpi_cpu_hotplug, in its modern form. Knows no bus; one thread at a time.
 */
#ifndef TN_ACPI_CPU_REGS_H
#define TN_ACPI_CPU_REGS_H
#include "plug_slot.h"

/* Offsets in the block */
enum {
    CPU_REG_SELECTOR = 0, /* dword, written: which slot the others are about */
    CPU_REG_DATA2 = 0,    /* dword, read: upper half of what the command gives */
    CPU_REG_FLAGS = 4,    /* byte: PLUG_* */
    CPU_REG_COMMAND = 5,  /* byte, written */
    CPU_REG_DATA = 8,     /* dword: operand or result of the command */
    CPU_REGS_LEN = 12
};
enum {
    CPU_CMD_NEXT_EVENT = 0, /* selects the next slot with an event; data: the selector */
    CPU_CMD_OST_EVENT = 1,  /* data written: the event that _OST is about */
    CPU_CMD_OST_STATUS = 2, /* data written: what _OST says */
    CPU_CMD_ARCH_ID = 3,    /* data: the slot's APIC id */
    CPU_CMDS = 4
};

struct cpu_regs {
    /* state: what is saved */
    uint32_t selector;
    uint32_t n; /* slots */
    uint8_t command;
    struct plug_slot *slot; /* n of them, the caller's */
    /* configuration */
    const uint32_t *apic_id; /* n of them, the caller's */
    const struct plug_env *env;
    void *opaque;
};

/* Hardware reset: selector and command; what the guest was told of stays told. */
void cpu_regs_reset(struct cpu_regs *r);
/* Access to size bytes (1, 2 or 4) at off. What is not a register reads 0 and ignores a write. */
uint32_t cpu_regs_read(const struct cpu_regs *r, uint64_t off, uint32_t size);
void cpu_regs_write(struct cpu_regs *r, uint64_t off, uint32_t size, uint32_t v);

#endif
