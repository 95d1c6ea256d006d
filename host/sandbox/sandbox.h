/* SPDX-License-Identifier: BSD-2-Clause */
/* Seccomp filters per kind of thread, composed from what the host and the loaded plugins need; see
 * docs/sandbox.md. */
#ifndef TN_HOST_SANDBOX_H
#define TN_HOST_SANDBOX_H
#include "core/vm.h"

struct buf;

enum sandbox_kind { SANDBOX_MAIN, SANDBOX_VCPU, SANDBOX_IOTHREAD, SANDBOX_PLUGIN };

/* This machine needs profile (a constant) though no plugin names it: for what depends on options,
 * such as a chardev that connects again. Main thread, before sandbox_prepare(); later only what is
 * in force can be had. 0, -EINVAL (no such profile), -EPERM (too late). */
int sandbox_need(struct vm *vm, const char *profile);
/* There is a monitor: what it adds later finds its calls allowed. The main thread may open what has
 * a name; every thread may do to descriptors what any plugin does. Main thread, before
 * sandbox_prepare(). */
void sandbox_need_monitor(struct vm *vm);
/* -sandbox: on or off. Composes the filters from the profiles of the plugins that are open
 * (tn_plugin.sandbox) and installs the handler that names thread and system call before the process
 * dies. Main thread, after cold plug. -EINVAL with e if a plugin names a profile that does not
 * exist. A process has one sandbox: that of the newest call. */
int sandbox_prepare(struct vm *vm, int on, struct tn_err *e);
/* 1 from sandbox_prepare() with `on` on: what vm's threads may do is settled. Main thread. */
int sandbox_closed(const struct vm *vm);
/* The calling thread is of this kind from here on; profile: of a plugin's thread, may be NULL.
 * Nothing with the sandbox off. A filter that cannot be installed ends the process. The main thread
 * goes last: what it starts later inherits its filter. */
void sandbox_enter(struct vm *vm, enum sandbox_kind kind, const char *profile);
/* Appends the table of profiles, as Markdown. Any thread. */
void sandbox_describe(struct buf *out);

/* Appends the names of the system calls that a thread of kind may make if the sandbox is composed
 * of the host's rows and these n profiles, sorted, blanks between; calls that are refused without
 * death are not among them. Returns how many. Any thread. */
size_t sandbox_calls(struct buf *out, enum sandbox_kind kind, const char *const *profiles,
                     size_t n);

/* 0 in a build for a leak checker, which stops all threads at the end by calls that no filter
 * allows. */
int sandbox_fits_build(void);
/* fn is called when a filter ends the process: what must not be left behind, such as the terminal's
 * mode. Async-signal-safe. */
void sandbox_at_death(void (*fn)(void));

#endif
