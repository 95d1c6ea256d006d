/* SPDX-License-Identifier: BSD-2-Clause */
/* The last words of a process whose thread made a system call that its filter does not allow. */
#ifndef TN_HOST_SANDBOX_SIGSYS_H
#define TN_HOST_SANDBOX_SIGSYS_H

/* Installs the handler of SIGSYS: one line on stderr, then death by SIGSYS. 0 or -errno.
 * Process-wide, main thread. */
int sigsys_install(void);
/* "fork" for 57; NULL for a number without a name. Any thread, async-signal-safe. */
const char *sigsys_name(long nr);

#endif
