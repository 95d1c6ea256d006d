/* SPDX-License-Identifier: BSD-2-Clause */
/* May the machine ask for programs? Its own threads start none (docs/sandbox.md). */
#ifndef TN_HOST_PROGRAMS_H
#define TN_HOST_PROGRAMS_H
#include "cli/options.h"
#include "core/vm.h"

/* Makes vm->spawner where this command line may need one: for a monitor's commands, a guest's
 * connections that start a program, a state that comes from one, a drawing; not with -sandbox
 * on,spawn=deny. Main thread, before anything of the machine is open. 0 or -errno with e. */
int programs_allow(struct vm *vm, const struct cli_options *o, struct tn_err *e);

#endif
