/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared by machine*.c; nobody else's. */
#ifndef TN_HOST_MACHINE_IMPL_H
#define TN_HOST_MACHINE_IMPL_H
#include "machine.h"

const char *machine_option(const struct machine *m, const char *key);
int machine_switch(const struct machine *m, const char *key, int otherwise); /* an on/off one */
int machine_hmat(struct machine *m, struct tn_err *e); /* machine_hmat.c: nodes are read */
void machine_hooks_free(struct machine *m);            /* machine_table.c */
int machine_memory(struct machine *m,
                   struct tn_err *e); /* machine_memory.c: RAM where the map says */
/* machine_memory.c: the RAM behind an -object memory-backend-*, which then belongs to the machine.
 * NULL with e. */
struct tn_mem *machine_memdev(struct machine *m, const char *id, struct tn_err *e);
/* machine_numa.c: nodes and CPUs' nodes, from -numa. */
int machine_numa(struct machine *m, struct tn_err *e);
int machine_numa_backends(const struct machine *m); /* nodes bring their own memory */
int machine_boot_open(
    struct machine *m,
    struct tn_err *e); /* machine_boot.c: the files, as long as names can be opened */
int machine_mmio_slots(struct machine *m, struct tn_err *e); /* machine_mmio.c */
void machine_mmio_free(struct machine *m);
int machine_fwcfg_items(struct machine *m, struct tn_err *e);  /* machine_boot.c */
int machine_fwcfg_kernel(struct machine *m, struct tn_err *e); /* machine_fwkernel.c */
/* machine_flash.c: the flash memories; drives are open. */
int machine_flash(struct machine *m, struct tn_err *e);
/* machine.c: a device of the machine's own, name below /machine; props: name, value, ..., NULL, or
 * NULL. NULL with e. */
struct device *machine_add_device(struct machine *m, const char *cls, const char *name,
                                  const char *const *props, struct tn_err *e);

#endif
