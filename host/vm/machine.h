/* SPDX-License-Identifier: BSD-2-Clause */
/* Machines: their address map, their buses, the devices that they always have, and how a guest is
 * started on them. */
#ifndef TN_HOST_MACHINE_H
#define TN_HOST_MACHINE_H
#include "cli/options.h"
#include "core/device.h"
#include <tenon/machine.h>
#include <tenon/memory.h>

struct machine;
/* A device that a machine has unless something speaks against it. */
struct machine_device {
    const char *cls;
    int (*wanted)(const struct machine *m); /* NULL: always */
    const char *const *props;               /* name, value, ..., NULL; or NULL */
};
struct machine_type {
    const char *name, *desc;
    const char *family; /* of its versions: "pc-q35"; NULL: there are none (machine_version.h) */
    uint32_t flags;     /* TN_MF_*: what it can have */
    uint32_t pci;       /* its root is conventional PCI: no TN_MF_PCIE */
    uint32_t max_cpus;
    uint64_t default_ram;
    const char *ram_id;                   /* what monitors call RAM that is no -object's */
    const char *const *keys;              /* -M keys of its own, NULL-terminated */
    void (*map)(struct machine *m);       /* fills map from ram */
    const struct machine_device *devices; /* cls NULL ends */
    uint64_t mmio_slots; /* address of the first virtio-mmio slot; 0: there are none */
    uint16_t cpu_hotplug, mem_hotplug; /* ports of ACPI's registers for it; 0: there is none */
    uint32_t flash_units;              /* flash memories that firmware can be in */
};
/* Where things are. Sizes in bytes; 0 = there is none. */
struct machine_map {
    uint64_t ram_low, ram_high_base, ram_high;
    uint64_t ecam_base, ecam_size;
    uint64_t mmio32_base, mmio32_size; /* window of PCI or of virtio-mmio */
    uint64_t mmio64_base, mmio64_size;
    uint64_t device_base, device_size; /* above RAM, for memory modules */
    uint64_t ioapic_base;
    uint16_t sci_gsi;
    uint32_t isa_bridge; /* its _ADR, device << 16 | function; 0: 1f.0 */
};
/* -numa: RAM comes from the nodes in order. */
struct machine_node {
    uint32_t id;
    struct tn_mem *mem; /* NULL: a part of the machine's own RAM */
    uint64_t size;
};
enum { MACHINE_MAX_NODES = 128 };
struct machine {
    struct vm *vm;
    const struct machine_type *type;
    uint32_t version; /* whose defaults it has: machine_version.h */
    struct machine_map map;
    const struct cli_options *cli;
    uint32_t flags; /* TN_MF_* as configured */
    uint32_t cpus, max_cpus, slots;
    uint64_t ram, maxmem;
    uint32_t acpi, i8042, n_serial; /* acpi=on, i8042 made, serial ports made */
    struct machine_node node[MACHINE_MAX_NODES];
    uint32_t n_nodes;
    struct kv_node *more_numa;     /* what monitors added to -numa, as its dicts; NULL: nothing */
    uint8_t *cpu_node;             /* by CPU index; NULL without -numa */
    uint32_t cpus_in_nodes;        /* somebody said where: cpus=, -numa cpu */
    struct cpu_config *cpu_config; /* what they are: cpu_model.h; NULL likewise */
    struct cpu_slot *cpu;  /* max_cpus of them (cpu.h); NULL on a machine without processors */
    struct device **dimm;  /* slots of them (dimm.h); NULL without slots */
    struct dump_job *dump; /* monitor/cmd_dump.c; NULL: none yet */
    struct acpi_cpu_hotplug *cpu_plug; /* acpi/cpu_hotplug.h; NULL: none */
    struct acpi_mem_hotplug *mem_plug; /* acpi/mem_hotplug.h; NULL: none */
    uint8_t *distances;                /* n_nodes * n_nodes, or NULL */
    struct hmat *hmat;                 /* -M hmat=on; NULL: nothing is told */
    struct tn_mem *own_ram;            /* not of an -object */
    struct boot_firmware *firmware;
    struct tn_mem *rom;
    struct hook *hooks;       /* tn_machine.on */
    int kernel_fd, initrd_fd; /* -1: none; open as long as the machine, for resets */
    uint32_t booted;          /* loaded once: RAM is not fresh any more */
    char boot_set[17];        /* boot_set's order, in place of -boot's; "": none was set */
    uint32_t boots; /* how often the machine was made ready: after the first, -boot once= is over */
    int64_t rtc_offset_ns; /* guest time = rtc_clock + this */
    int64_t rtc_base_ns;   /* what that was at start: -rtc base= */
    uint32_t rtc_clock, rtc_slew;
    struct tn_bus *isa;
    struct mmio_slots *mmio; /* machine_mmio.c; NULL: no slots */
    uint32_t auto_cmdline;   /* what is on them is added to the kernel's command line */
};

extern const struct machine_type *const machine_types[]; /* NULL-terminated */
/* The one that is taken where none is named: pc for a program that is called as QEMU's is. */
const struct machine_type *machine_type_default(const struct cli_options *cli);

/* What -numa (and then monitors) said: item i, a dict; NULL behind the last. */
const struct kv_node *machine_numa_item(const struct machine *m, size_t i);
/* Would item, which is not among them yet, be refused for what it says of HMAT? 0 or -errno with e.
 */
int machine_hmat_may_add(const struct machine *m, const struct kv_node *item, struct tn_err *e);
/* Type, options, accelerator, address map, the host's modules: everything but memory and devices. 0
 * or -errno with e. */
int machine_create(struct vm *vm, const struct cli_options *cli, struct tn_err *e);
/* RAM, vCPUs, buses and the machine's own devices; objects and chardevs exist. */
int machine_populate(struct vm *vm, struct tn_err *e);
/* After the user's devices: what follows from them (the interrupt controller, fw_cfg's items), and
 * TN_ON_DEVICES. */
int machine_finish(struct vm *vm, struct tn_err *e);
void machine_free(struct machine *m);
uint32_t machine_max_cpus(const struct vm *vm);
/* TN_ON_*: every fn that registered, in order; the first -errno ends it. Main thread. */
int machine_event(struct vm *vm, uint32_t event, uint64_t arg, struct tn_err *e);
int machine_listens(const struct vm *vm, uint32_t event); /* 1: somebody registered for it */
/* Loads kernel or firmware and tables; gives vCPU 0's entry state (*have 0: the reset vector). Boot
 * and each reset. */
struct boot_entry;
/* Firmware finds this order of boot devices (-boot's letters) from now on. 0 or -errno with e. */
int machine_boot_set(struct vm *vm, const char *order, struct tn_err *e);
/* The kernel's command line with what the machine adds. The caller frees it. */
char *machine_cmdline(const struct machine *m);
int machine_load(struct vm *vm, struct boot_entry *entry, uint32_t *have, struct tn_err *e);
/* machine_flash.c: somebody asked for flash memory; then firmware starts, and finds -kernel in
 * fw_cfg. Else the host starts the kernel, if there is one. */
int machine_has_flash(const struct machine *m);
int machine_boots_kernel(const struct machine *m);
/* The same of a guest that slept with its memory on (ACPI S3): nothing is loaded. */
int machine_wake(struct vm *vm, struct boot_entry *entry, uint32_t *have, struct tn_err *e);
/* Instead, where RAM is to come from another machine: what is not in RAM. */
int machine_await(struct vm *vm, struct tn_err *e);
void dump_job_free(struct dump_job *j); /* monitor/cmd_dump.c; NULL is fine */
/* The enable matrix: plugin, built, default, run-time switch. Goes to out as a table. */
struct buf;
void machine_matrix(struct vm *vm, struct buf *out);

extern const struct tn_machine machine_table; /* TN_MACHINE_1 */

#endif
