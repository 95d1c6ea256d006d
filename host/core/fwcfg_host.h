/* SPDX-License-Identifier: BSD-2-Clause */
/* What is offered through fw_cfg: registered by devices and the machine, given to the device that is the hardware. */
#ifndef TN_HOST_FWCFG_H
#define TN_HOST_FWCFG_H
#include "vm.h"
#include <tenon/fwcfg.h>

struct fwcfg *fwcfg_host_new(struct vm *vm);
void fwcfg_host_free(struct fwcfg *f); /* NULL is fine */
/* The machine's own items: copied. name NULL: a numbered key. */
int fwcfg_host_add(struct vm *vm, uint32_t key, const char *name, const void *p, uint64_t len, struct tn_err *e);
/* Hands every item to the fw_cfg device, when one is realized; nothing without one. Main thread, after cold plug. */
int fwcfg_host_connect(struct vm *vm, struct tn_err *e);
extern const struct tn_fwcfg fwcfg_table; /* TN_FWCFG_1 */

#endif
