/* SPDX-License-Identifier: BSD-2-Clause */
/* Resets of the device and of queues, and the rest before a save: the child is asked to stop, and
 * may answer later. Nobody waits: vt_progress() is called when something has completed, and does
 * what is due next. A modern driver reads the old status until its reset is done (2.1.2, 2.4.1); a
 * legacy driver's vCPU is held. */
#include "virtio-transport/transport.h"
#include <string.h>

static bool any_stopping(struct vt *v)
{
    bool any = false;
    for (uint32_t i = 0; i < v->nqueues; i++) {
        uint32_t done = VT_Q_STOPPED;
        __atomic_compare_exchange_n(&v->q[i].state, &done, VT_Q_IDLE, 0, __ATOMIC_ACQ_REL,
                                    __ATOMIC_ACQUIRE);
        any |= done == VT_Q_STOPPING;
    }
    return any;
}

/* 2.6.1: a queue that was reset is as a queue that was never used. */
static void finish_queue_resets(struct vt *v)
{
    for (uint32_t i = 0; i < v->nqueues; i++)
        if (v->q[i].resetting && __atomic_load_n(&v->q[i].state, __ATOMIC_ACQUIRE) == VT_Q_IDLE)
            vt_clear_queue(&v->q[i]);
}

static void clear_registers(struct vt *v)
{
    for (uint32_t i = 0; i < v->nqueues; i++)
        vt_clear_queue(&v->q[i]);
    memset(v->driver, 0, sizeof v->driver);
    for (uint32_t i = 0; i < TN_VIRTIO_FEATURE_WORDS; i++)
        __atomic_store_n(&v->agreed[i], 0, __ATOMIC_RELAXED);
    v->vq_flags = 0;
    v->device_feature_select = v->driver_feature_select = 0;
    v->queue_select = v->shm_select = 0;
    v->early = 0;
    __atomic_store_n(&v->generation, 0, __ATOMIC_RELEASE);
    __atomic_store_n(&v->status, 0, __ATOMIC_RELEASE);
}

static void finish_reset(struct vt *v)
{
    v->reset_wanted = v->child_resetting = false;
    clear_registers(v);
    v->hooks->reset(v->t);
}

static bool resets_pending(const struct vt *v)
{
    bool any = v->reset_wanted;
    for (uint32_t i = 0; i < v->nqueues; i++)
        any |= v->q[i].resetting;
    return any;
}

void vt_hold(struct vt *v)
{
    if (resets_pending(v) && !v->stalled)
        v->d->core->stall(v->d, &v->stalled);
}

static void let_go(struct vt *v)
{
    if (v->stalled && !resets_pending(v)) {
        v->d->core->unstall(v->d, v->stalled);
        v->stalled = 0;
    }
}

/* True when the child has reset itself. */
static bool reset_child(struct vt *v)
{
    if (v->child_resetting)
        return __atomic_load_n(&v->child_reset, __ATOMIC_ACQUIRE);
    v->child_resetting = true;
    __atomic_store_n(&v->child_reset, 0, __ATOMIC_RELEASE);
    return v->ops->reset(v->s) != TN_PENDING;
}

/* 1 when nothing is under way any more. */
static bool advance(struct vt *v)
{
    bool stopping = any_stopping(v);
    finish_queue_resets(v);
    if (stopping)
        return false;
    if (v->reset_wanted) {
        if (!reset_child(v))
            return false;
        finish_reset(v);
    }
    let_go(v);
    return true;
}

void vt_progress(struct vt *v)
{
    if (!v->ops || !advance(v))
        return;
    vt_start_queues(v); /* what was stopped for a reason that is gone */
    if (!v->quiesce_wanted)
        return;
    v->quiesce_wanted = false;
    v->d->core->quiesced(v->d, 0);
}

void vt_begin_reset(struct vt *v)
{
    if (v->reset_wanted)
        return;
    if (!v->ops) {
        finish_reset(v);
        return;
    }
    v->reset_wanted = true;
    vt_stop_queues(v);
    vt_progress(v);
}

/* ---- from outside ---- */

/* The device is at rest: what is asked for here completes here, but for a child that says so. */
void vt_reset(struct vt *v, uint32_t kind, uint32_t phase)
{
    (void)kind;
    if (phase == TN_RESET_HOLD)
        vt_begin_reset(v);
}

int vt_quiesce(struct vt *v, uint32_t why, uint32_t flags)
{
    (void)why;
    v->quiescent = true;
    if (!v->ops)
        return 0;
    if (flags & TN_QF_FORCE) { /* the child is cut off next, and completes what it owes */
        v->quiesce_wanted = false;
        return 0;
    }
    vt_stop_queues(v);
    v->quiesce_wanted = !advance(v);
    return v->quiesce_wanted ? TN_PENDING : 0;
}

void vt_resume(struct vt *v)
{
    v->quiescent = false;
    vt_start_queues(v);
}
