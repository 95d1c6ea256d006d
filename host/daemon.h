/* SPDX-License-Identifier: BSD-2-Clause */
/* -daemonize: the process that was started ends once the machine is ready, with status 0, or with 1
 * if there is none; the machine runs on in the background, with no terminal. */
#ifndef TN_HOST_DAEMON_H
#define TN_HOST_DAEMON_H

/* Returns in the background process only: a descriptor for daemon_ready(), or -errno if there is no
 * such process. Before any thread. */
int daemon_begin(void);
/* The machine is ready: leaves the folder and the standard descriptors, and lets the first process
 * end. fd is closed; -1 is fine. 0 or -errno. */
int daemon_ready(int *fd);

#endif
