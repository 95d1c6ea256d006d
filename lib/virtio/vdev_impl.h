/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared by vdev.c and vdev_run.c; nobody else's.
 *
 * A queue's state changes STOPPED -> RUNNING in vdev_queue_start(), and back in vdev_queue_stop()
 * if that may look: in the home context the caller's lock keeps the handler out. In any other case
 * the queue's context takes it RUNNING -> STOPPING -> ENDED -> STOPPED, in bottom halves, so that
 * no thread waits and nothing is called from inside of what it completes. */
#ifndef TN_VDEV_IMPL_H
#define TN_VDEV_IMPL_H
#include "vdev.h"

static inline uint32_t state_of(const struct vdev_queue *q)
{
    return __atomic_load_n(&q->state, __ATOMIC_ACQUIRE);
}

static inline void set_state(struct vdev_queue *q, uint32_t state)
{
    __atomic_store_n(&q->state, state, __ATOMIC_RELEASE);
}

static inline struct tn_ctx *context(const struct vdev_queue *q)
{
    return q->ctx ? q->ctx : q->v->loop->home(q->v->d);
}

static inline bool at_home(const struct vdev_queue *q)
{
    return !q->ctx || q->ctx == q->v->loop->home(q->v->d);
}

static inline bool idle(const struct vdev_queue *q)
{
    return q->ring.inflight <= q->parked;
}

/* An eventfd that is watched for edges counts on and on. */
static inline uint32_t kick_events(const struct vdev *v)
{
    return TN_HAS(v->loop, poll) ? TN_FD_IN | TN_FD_EDGE : TN_FD_IN;
}

/* ---- vdev_run.c ---- */

/* The ring is used no more; its place is kept. In its context, or with the lock that keeps that
 * out. */
void vdev_retire(struct vdev_queue *q);

/* Callbacks of the queue; s is it. */
void vdev_run(void *s);                        /* of bh */
void vdev_kicked(void *s, uint32_t events);    /* of watch */
void vdev_report_end(void *s);                 /* of report */
void vdev_look_again(void *s);                 /* of look */
void vdev_waited(void *s);                     /* of wait */
extern const struct tn_poll_ops vdev_poll_ops; /* of poll */

#endif
