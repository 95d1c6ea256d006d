/* SPDX-License-Identifier: BSD-2-Clause */
/* Starts programs for a machine whose sandbox starts none: a process of its own, made before there
 * was anything that it could have a share in. It is reached by connect() to a socket without a name
 * in any file system, and takes requests from this process only; of its threads those that may not
 * make sockets (vCPUs, iothreads, plugins' own) are kept from it by their filters. */
#ifndef TN_HOST_SPAWNER_H
#define TN_HOST_SPAWNER_H
#include "core/err.h"
#include <stdint.h>

struct spawner;

enum {
    SPAWN_CONFINED = 1, /* what is started gains no rights by set-user-ID and the like */
    SPAWN_DETACHED = 2  /* its standard streams are /dev/null: who waits for ours is not to wait */
};
/* Makes it. NULL with e. Main thread, before there is another and before anything of the machine is
 * open. */
struct spawner *spawner_new(uint32_t flags, struct tn_err *e);
/* What was started runs on unless somebody still waits for it. NULL is fine. */
void spawner_free(struct spawner *s);

enum { SPAWN_FDS = 3, SPAWN_AS_MAX = 15, SPAWN_MAX_BYTES = 1 << 16 };
enum {
    SPAWN_STAYS = 1 /* in a session of its own; it runs on when nobody waits for it any more */
};
struct spawn {
    char *const *args;            /* the first is looked for in PATH; NULL-terminated */
    int fd[SPAWN_FDS];            /* stay the caller's */
    uint32_t as[SPAWN_FDS], nfds; /* what they are there: 0 to SPAWN_AS_MAX; others are as at start */
    uint32_t flags;               /* SPAWN_STAYS */
};
/* Starts a program: a descriptor of it, the caller's, who ends the program (SIGTERM) by closing it.
 * -errno with e: s is NULL (nothing may be started), or it could not be. Main thread. */
int spawner_run(struct spawner *s, const struct spawn *p, struct tn_err *e);
/* Waits for its end: 0 and *status as waitpid() has it, -ECANCELED if wake (-1: none) becomes
 * readable, or -errno. Any thread. */
int spawner_wait(int program, int wake, int *status);

#endif
