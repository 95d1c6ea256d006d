/* SPDX-License-Identifier: BSD-2-Clause */
/* The device tree as a service: nodes from devices, the rest from the machine. */
#ifndef TN_HOST_FDT_HOST_H
#define TN_HOST_FDT_HOST_H
#include "core/device.h"
#include "util/buf.h"
#include <tenon/fdt.h>

struct fdt *fdt_host_new(struct vm *vm);
void fdt_host_free(struct fdt *f); /* NULL is fine */
/* The blob, from the machine and the devices as they are now. */
int fdt_host_build(struct vm *vm, struct buf *dtb, struct tn_err *e);
extern const struct tn_fdt fdt_table;             /* TN_FDT_1 */
extern const struct tn_fdt_build fdt_build_table; /* TN_FDT_BUILD_1 */

#endif
