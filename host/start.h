/* SPDX-License-Identifier: BSD-2-Clause */
/* From scanned options to a machine that runs. Main thread. */
#ifndef TN_HOST_START_H
#define TN_HOST_START_H
#include "cli/options.h"
#include "core/vm.h"
#include <errno.h>
#include <tenon/plugin.h>

/* A VM with its registry filled: the host's own classes, the files of -plugin, and the index; or
 * the linked plugins, NULL-terminated, in the place of both. NULL: said why. */
struct vm *start_vm(const struct cli_options *o, const struct tn_plugin *const *linked);
/* Creates everything that the options name and starts it. 0; or -errno with e: one line, and
 * nothing is left to do but vm_free(). e->err is ECANCELED if the options only asked for a file
 * (dumpdtb). */
int start_machine(struct vm *vm, const struct cli_options *o, struct tn_err *e);

#endif
