/* SPDX-License-Identifier: BSD-2-Clause */
/* What the run state (run.c) and the requests that change it (run_request.c) share. Main thread,
 * but where it says so. */
#ifndef TN_HOST_RUN_IMPL_H
#define TN_HOST_RUN_IMPL_H
#include "run.h"
#include "run_event.h"
#include <pthread.h>
#include <tenon/machine.h>

/* A vCPU cannot go on, a disk has failed: behind the public requests. */
enum { REQ_STUCK = TN_REQ_SUSPEND_DISK + 1, REQ_IO_ERROR };

struct run_listener {
    void (*fn)(void *o, uint32_t req, const char *text);
    void *o;
};
struct run {
    struct vm *vm;
    struct run_options o;
    enum run_state state;
    struct tn_bh *bh;
    uint32_t pending;     /* bit per TN_REQ_*; atomic */
    uint32_t acting;      /* depth of what may wait, and let the loop go on */
    uint32_t by_user;     /* the reset that is asked for; atomic */
    uint32_t ended;       /* run_main returns */
    uint32_t status;      /* process status */
    uint64_t said_ns;     /* when a line was last written at the guest's wish; 0 = never */
    pthread_mutex_t lock; /* leaf: text */
    char *text;           /* of the newest request that had one */
    struct run_listener listener[8];
    uint32_t nlisteners;
};

/* A change that may wait, and let the loop go on, begins; what is asked for meanwhile comes at its
 * end. Nests. */
void run_begin_act(struct run *r);
void run_end_act(struct run *r);
/* Listeners hear of what was asked for. */
void run_announce(struct run *r, uint32_t req, const char *text);
/* The machine ends, or stands still for ever (-no-shutdown), and monitors are told why. */
void run_finish(struct run *r, const char *text, enum run_cause cause);
void run_over(struct run *r, enum run_state s);                        /* ends, without a word */
void run_set_back(struct run *r, uint32_t kind, enum run_cause cause); /* TN_RESET_* */
void run_suspend(struct run *r, const char *text);                     /* ACPI S3 */
void run_wake(struct run *r);

/* ---- run_request.c ---- */
/* A request waits that wants the vCPUs to stand where they are. */
int run_end_is_asked(const struct run *r);
/* Bits of what waits and may be done now. */
uint32_t run_can_act_on(const struct run *r);
void run_requested(void *r); /* the bottom half */

#endif
