/* SPDX-License-Identifier: BSD-2-Clause */
/* The host tables that core/ implements; the others are declared beside their modules. */
#ifndef TN_HOST_SERVICES_H
#define TN_HOST_SERVICES_H
#include "vm.h"
#include <tenon/loop.h>
#include <tenon/os.h>
#include <tenon/state.h>

extern const struct tn_loop loop_table; /* TN_LOOP_1 */
extern const struct tn_os os_table;     /* TN_OS_1 */

/* os_run.c: TN_OS_1's. Of run() the caller owns the descriptor. */
int os_run(const struct vm *vm, const struct tn_program *p, struct tn_err *e);
int os_ended(int program, uint32_t ms, int *status);

/* -d guest_errors: are the guest's mistakes written to the log. Process-wide, as the log. */
int log_guest_errors(void);
void log_set_guest_errors(int on);

#endif
