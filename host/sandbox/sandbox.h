/* SPDX-License-Identifier: BSD-2-Clause */
/* Seccomp filters per kind of thread, composed from what the host and the loaded plugins need. */
#ifndef TN_HOST_SANDBOX_H
#define TN_HOST_SANDBOX_H
#include "core/vm.h"

enum sandbox_kind { SANDBOX_MAIN, SANDBOX_VCPU, SANDBOX_IOTHREAD, SANDBOX_PLUGIN };

/* -sandbox: on or off. Composes the filters from the profiles of the plugins that are open (tn_plugin.sandbox) and
 * installs the handler that names thread and system call before the process dies. Main thread, after cold plug. */
int sandbox_prepare(struct vm *vm, int on, struct tn_err *e);
/* The calling thread is of this kind from here on; profile: of a plugin's thread, may be NULL. Nothing with the sandbox
 * off. A filter that cannot be installed ends the process. */
void sandbox_enter(struct vm *vm, enum sandbox_kind kind, const char *profile);

#endif
