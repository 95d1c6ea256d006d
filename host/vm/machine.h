/* SPDX-License-Identifier: BSD-2-Clause */
/* Machines: their address map, their buses, the devices that they always have, and how a guest is started on them. */
#ifndef TN_HOST_MACHINE_H
#define TN_HOST_MACHINE_H
#include "core/device.h"
#include "cli/options.h"
#include <tenon/machine.h>

struct machine_type {
    const char *name, *alias, *desc;
    uint32_t flags;    /* TN_MF_*: what it can have */
    uint32_t max_cpus;
    uint64_t default_ram;
    const char *const *keys; /* -M keys of its own, NULL-terminated */
};
/* Where things are. Sizes in bytes; 0 = there is none. */
struct machine_map {
    uint64_t ram_low, ram_high_base, ram_high;
    uint64_t ecam_base, ecam_size;
    uint64_t mmio32_base, mmio32_size; /* window of PCI or of virtio-mmio */
    uint64_t mmio64_base, mmio64_size;
    uint64_t ioapic_base;
};
struct machine {
    struct vm *vm;
    const struct machine_type *type;
    struct machine_map map;
    const struct cli_options *cli;
    struct kv_node *opts;        /* -M keys, merged */
    uint32_t flags;              /* TN_MF_* as configured */
    uint32_t cpus, max_cpus, slots;
    uint64_t ram, maxmem;
    uint32_t i8042, serial;      /* made */
    struct boot *boot;           /* what to load; NULL without -kernel */
    struct hook *hooks;          /* tn_machine.on */
    int64_t rtc_offset_ns;       /* guest time = TN_CLK_* of rtc_clock + this */
    uint32_t rtc_clock, rtc_slew;
    struct tn_bus *isa, *sysbus, *pcie;
};

extern const struct machine_type *const machine_types[]; /* NULL-terminated */
const struct machine_type *machine_type_find(const char *name);

/* Address map, RAM, buses, interrupt controller, default devices. 0 or -errno with e. */
int machine_create(struct vm *vm, const struct cli_options *cli, struct tn_err *e);
void machine_free(struct machine *m);
uint32_t machine_max_cpus(const struct vm *vm);
/* TN_ON_*: every fn that registered, in order; the first -errno ends it. Main thread. */
int machine_event(struct vm *vm, uint32_t event, uint64_t arg, struct tn_err *e);
/* Loads kernel or firmware and tables; gives vCPU 0's entry state (*have 0: the reset vector). Boot and each reset. */
struct boot_entry;
int machine_load(struct vm *vm, struct boot_entry *entry, uint32_t *have, struct tn_err *e);
/* The enable matrix: plugin, built, default, run-time switch. Goes to out as a table. */
struct buf;
void machine_matrix(struct vm *vm, struct buf *out);

extern const struct tn_machine machine_table; /* TN_MACHINE_1 */

#endif
