/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers by which a guest learns of memory modules that come and go: the interface that QEMU
 * describes in docs/specs/acpi_mem_hotplug. Knows no bus; one thread at a time. */
#ifndef TN_ACPI_MEM_REGS_H
#define TN_ACPI_MEM_REGS_H
#include "plug_slot.h"

/* Offsets in the block. All but the flags are dwords. */
enum {
    MEM_REG_SELECTOR = 0,   /* written: which slot the others are about */
    MEM_REG_OST_EVENT = 4,  /* written */
    MEM_REG_OST_STATUS = 8, /* written: completes a report */
    MEM_REG_ADDR_LOW = 0,   /* read: where the module is */
    MEM_REG_ADDR_HIGH = 4,  /* read */
    MEM_REG_LEN_LOW = 8,    /* read: bytes */
    MEM_REG_LEN_HIGH = 12,  /* read */
    MEM_REG_PROXIMITY = 16, /* read: its NUMA node */
    MEM_REG_FLAGS = 20,     /* byte: PLUG_* */
    MEM_REGS_LEN = 24
};

/* What is in a slot, as long as it is present. */
struct mem_module {
    uint64_t addr, len;
    uint32_t node;
};

struct mem_regs {
    uint32_t selector;               /* state */
    uint32_t n;                      /* slots */
    struct plug_slot *slot;          /* n of them, the caller's */
    const struct mem_module *module; /* n of them, the caller's */
    const struct plug_env *env;
    void *opaque;
};

/* Hardware reset: the selector; what the guest was told of stays told. */
void mem_regs_reset(struct mem_regs *r);
/* Access to size bytes (1, 2 or 4) at off. What is not a register reads 0 and ignores a write. */
uint32_t mem_regs_read(const struct mem_regs *r, uint64_t off, uint32_t size);
void mem_regs_write(struct mem_regs *r, uint64_t off, uint32_t size, uint32_t v);

#endif
