/* SPDX-License-Identifier: BSD-2-Clause */
/* Between fdt_host*.c only. `struct fdt` of core/vm.h is the service; boot/fdt.h calls a tree so,
 * and only fdt_host_base.c includes it. */
#ifndef TN_BOOT_FDT_HOST_IMPL_H
#define TN_BOOT_FDT_HOST_IMPL_H
#include "boot/fdt_host.h"

/* A node that a builder began; its handle is its index. */
struct fdt_made {
    char *path; /* owned */
    struct device *dev;
};
/* Who plays a role. */
struct fdt_role {
    char *name, *path; /* owned */
};
/* One build in progress; what builders get as tn_fdt_out. The blob is a libfdt one, open for
 * changes. */
struct tn_fdt_out {
    struct vm *vm;
    struct device *dev; /* whose builder runs */
    void *blob;         /* owned; size bytes */
    int size;
    struct fdt_made *made;
    struct fdt_role *roles;
    uint32_t n_made, n_roles;
};

/* Appends the tree without devices to dtb. 0 or -EINVAL with e. */
int fdt_host_base(struct vm *vm, uint64_t initrd_gpa, uint64_t initrd_len, struct buf *dtb,
                  struct tn_err *e);
/* The base tree's IO-APIC plays the role "intc"; a machine without lines has none, and loses the
 * node. */
void fdt_host_find_intc(struct tn_fdt_out *o);

#endif
