/* SPDX-License-Identifier: BSD-2-Clause */
/* What QMP's and HMP's sessions have in common: who is there, and whose turn it is. Main thread. */
#ifndef TN_HOST_MONITOR_IMPL_H
#define TN_HOST_MONITOR_IMPL_H
#include "monitor.h"
#include "util/buf.h"
#include <pthread.h>

struct monitor_ops {
    /* Runs the oldest request that waits, if there is one. 1: there was. No other session's command
     * runs meanwhile. */
    int (*work)(struct monitor *m);
    void (*event)(struct monitor *m, const struct kv_node *event); /* NULL: it wants none */
    void (*free)(struct monitor *m); /* detaches from the chardev, and frees m */
};
struct hmp_format { /* of x and its like */
    uint32_t count;
    char format;   /* o d u x c i; 0: none was given yet */
    uint32_t size; /* in bytes; 0: likewise */
};
struct monitor {
    TAILQ_ENTRY(monitor) all;
    const struct monitor_ops *ops;
    struct vm *vm;
    struct tn_chr *chr;
    const char *chardev;      /* id of chr; constant */
    struct hmp_format format; /* HMP's: the one that was given last */
    uint32_t cpu;             /* HMP's: the vCPU that x and info registers mean */
    uint32_t held;            /* HMP's: ticket of the command that goes on; 0: none does */
};

struct monitor_late { /* an event of another thread's, or one that waits for its time */
    TAILQ_ENTRY(monitor_late) all;
    struct kv_node *event;
};
struct monitor_limit; /* qmp_event.c: an event with a rate */

struct jobs; /* cmd_jobs.c */
void jobs_free(struct jobs *jobs);
struct monitors {
    struct vm *vm;
    TAILQ_HEAD(, monitor) all;
    struct tn_bh *bh;          /* the next request */
    struct monitor *last;      /* whose turn was the last one */
    uint32_t begun;            /* requests are answered */
    uint32_t preconfig;        /* the machine is not there yet */
    uint32_t busy;             /* a request is under way */
    uint32_t tickets;          /* of terminals whose command goes on; the last one given */
    uint32_t closed;           /* the VM goes: nobody listens any more */
    struct tn_bh *late_bh;     /* events of other threads */
    pthread_mutex_t late_lock; /* leaf: late */
    TAILQ_HEAD(, monitor_late) late;
    LIST_HEAD(, monitor_limit) limits;
    struct jobs *jobs; /* NULL: nobody asked */
};

/* -mon mode=readline: NULL with e. */
struct monitor *hmp_session_new(struct vm *vm, struct tn_chr *c, const struct kv_node *opts,
                                struct tn_err *e);
/* -mon mode=control. */
struct monitor *qmp_session_new(struct vm *vm, struct tn_chr *c, const struct kv_node *opts,
                                struct tn_err *e);

/* qmp_event.c. flush: every event that waits is sent now, and none is rated any more. */
void monitor_events_begin(struct monitors *ms);
void monitor_events_flush(struct monitors *ms);
void monitor_events_free(struct monitors *ms);

#endif
