/* SPDX-License-Identifier: BSD-2-Clause */
/* The device tree as a service: nodes from devices, the rest from the machine. */
#ifndef TN_HOST_FDT_HOST_H
#define TN_HOST_FDT_HOST_H
#include "core/device.h"
#include "util/buf.h"
#include <tenon/fdt.h>

struct fdt *fdt_host_new(struct vm *vm);
void fdt_host_free(struct fdt *f); /* NULL is fine */
/* Appends the blob, from the machine and the devices as they are now, to dtb: root, /chosen with
 * bootargs, memory, cpus, local and IO-APIC, then what the devices' builders add in order of the
 * devices' creation. 0, or -errno with e. Main thread, no device lock held. */
int fdt_host_build(struct vm *vm, struct buf *dtb, struct tn_err *e);
/* What /chosen says about the initrd in later builds; len 0: nothing. Main thread. */
void fdt_host_initrd(struct vm *vm, uint64_t gpa, uint64_t len);
extern const struct tn_fdt fdt_table;             /* TN_FDT_1 */
extern const struct tn_fdt_build fdt_build_table; /* TN_FDT_BUILD_1 */

#endif
