/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the two processes: messages of a SOCK_SEQPACKET socket, a connection for each program.
 *
 *     request: struct spawn_head, then its arguments, each with its NUL; descriptors by SCM_RIGHTS
 *     answers: int32: 0 it runs, or an errno; then, when it has ended, int32: waitpid()'s status
 *
 * Shared by spawner.c and spawner_serve.c; nobody else's. */
#ifndef TN_HOST_SPAWNER_IMPL_H
#define TN_HOST_SPAWNER_IMPL_H
#include "spawner.h"
#include <sys/types.h>

struct spawn_head {
    uint32_t nargs, nfds, as[SPAWN_FDS], flags;
};
enum { SPAWN_MAX_ARGS = 64 };

/* The process itself: answers at listener, to owner only, until lifeline is at its end. */
void spawner_serve(int listener, int lifeline, pid_t owner, uint32_t flags)
    __attribute__((noreturn));

#endif
