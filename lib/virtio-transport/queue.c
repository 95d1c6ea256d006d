/* SPDX-License-Identifier: BSD-2-Clause */
/* The register file of the queues, their starts and stops, and notifications of the driver's. */
#include "virtio-transport/transport.h"
#include <errno.h>
#include <unistd.h>

/* ---- registers ---- */

void vt_clear_queue(struct vt_queue *q)
{
    q->size = q->max;
    q->enabled = q->resetting = q->fresh = 0;
    q->desc = q->driver = q->device = 0;
    __atomic_store_n(&q->vector, VIRTIO_NO_VECTOR, __ATOMIC_RELAXED);
}

struct vt_queue *vt_selected(struct vt *v)
{
    return v->queue_select < v->nqueues && v->q[v->queue_select].max ? &v->q[v->queue_select]
                                                                     : NULL;
}

/* The selected queue if the driver may set it up now. */
static struct vt_queue *configurable(struct vt *v)
{
    struct vt_queue *q = vt_selected(v);
    if (!q)
        vt_guest_error(v, "there is no queue %u", v->queue_select);
    else if (q->enabled || q->resetting || v->reset_wanted)
        vt_guest_error(v, "queue %u is set up while in use", v->queue_select);
    return q && !q->enabled && !q->resetting && !v->reset_wanted ? q : NULL;
}

void vt_set_queue_size(struct vt *v, uint32_t size)
{
    struct vt_queue *q = configurable(v);
    if (!q)
        return;
    if (!size || size > q->max)
        vt_guest_error(v, "queue %u: size %u is not 1 to %u", v->queue_select, size, q->max);
    else
        q->size = (uint16_t)size;
}

void vt_set_queue_address(struct vt *v, uint64_t *reg, uint64_t value)
{
    if (configurable(v))
        *reg = value;
}

void vt_enable_queue(struct vt *v, uint32_t value)
{
    struct vt_queue *q = vt_selected(v);
    if (value != 1 || (q && q->enabled)) {
        if (value != 1)
            vt_guest_error(v, "%u is written to queue_enable (4.1.4.3.2)", value);
        return;
    }
    if (!configurable(v))
        return;
    q->enabled = q->fresh = 1;
    vt_start_queue(v, v->queue_select);
}

void vt_reset_queue(struct vt *v, uint32_t value)
{
    struct vt_queue *q = vt_selected(v);
    if (value != 1 || !q || !vt_has(v, VIRTIO_F_RING_RESET) || v->reset_wanted) {
        vt_guest_error(v, "queue %u cannot be reset by %u (2.6.1)", v->queue_select, value);
        return;
    }
    q->resetting = 1;
    vt_stop_queue(v, v->queue_select);
    vt_progress(v);
}

void vt_disable_queue(struct vt *v)
{
    struct vt_queue *q = vt_selected(v);
    if (!q || v->reset_wanted)
        return;
    q->resetting = 1;
    vt_stop_queue(v, v->queue_select);
    vt_progress(v);
    vt_hold(v);
}

void vt_set_queue_ring(struct vt *v, uint64_t addr, uint64_t align)
{
    struct vt_queue *q = vt_selected(v);
    if (!q || v->reset_wanted)
        return;
    if (q->enabled) {
        vt_guest_error(v, "queue %u moves while in use", v->queue_select);
        return;
    }
    uint64_t n = q->size;
    q->desc = addr;
    q->driver = addr + 16 * n;
    q->device = (q->driver + 2 * (3 + n) + align - 1) & ~(align - 1);
    q->enabled = q->fresh = 1;
    vt_start_queue(v, v->queue_select);
}

/* ---- start and stop ---- */

static uint32_t state_of(const struct vt_queue *q)
{
    return __atomic_load_n(&q->state, __ATOMIC_ACQUIRE);
}

static void set_state(struct vt_queue *q, uint32_t state)
{
    __atomic_store_n(&q->state, state, __ATOMIC_RELEASE);
}

static bool may_dma(const struct vt *v)
{
    return !v->hooks->may_dma || v->hooks->may_dma(v->t);
}

static bool may_run(const struct vt *v, const struct vt_queue *q)
{
    uint32_t s = vt_status(v);
    return q->enabled && !q->resetting && !v->quiescent && !v->reset_wanted &&
           ((s & VIRTIO_CONFIG_S_DRIVER_OK) || v->early) && !(s & VIRTIO_CONFIG_S_NEEDS_RESET) &&
           state_of(q) == VT_Q_IDLE && may_dma(v);
}

static void wire(struct vt *v, uint32_t n)
{
    struct vt_queue *q = &v->q[n];
    if (q->kick_fd >= 0 && !q->wired && !vt_has(v, VIRTIO_F_NOTIFICATION_DATA))
        q->wired = v->hooks->doorbell(v->t, n, true);
}

static void unwire(struct vt *v, uint32_t n)
{
    if (v->q[n].wired)
        v->hooks->doorbell(v->t, n, false);
    v->q[n].wired = 0;
}

void vt_start_queue(struct vt *v, uint32_t n)
{
    struct vt_queue *q = &v->q[n];
    if (!may_run(v, q))
        return;
    struct tn_vq c = {.struct_size = sizeof c,
                      .flags = v->vq_flags | (q->fresh ? 0 : TN_VQ_RESTORE),
                      .index = n,
                      .size = q->size,
                      .desc = q->desc,
                      .driver = q->driver,
                      .device = q->device};
    q->fresh = 0;
    set_state(q, VT_Q_RUNNING);
    if (v->ops->queue_start(v->s, &c) < 0) {
        set_state(q, VT_Q_IDLE);
        vt_broken(v, "a queue cannot be started");
        return;
    }
    wire(v, n);
}

void vt_start_queues(struct vt *v)
{
    for (uint32_t i = 0; i < v->nqueues; i++)
        vt_start_queue(v, i);
}

/* Its completion may come from another thread before queue_stop returns. */
void vt_stop_queue(struct vt *v, uint32_t n)
{
    struct vt_queue *q = &v->q[n];
    if (state_of(q) != VT_Q_RUNNING)
        return;
    unwire(v, n);
    set_state(q, VT_Q_STOPPING);
    if (v->ops->queue_stop(v->s, n) != TN_PENDING)
        set_state(q, VT_Q_IDLE);
}

void vt_stop_queues(struct vt *v)
{
    for (uint32_t i = 0; i < v->nqueues; i++)
        vt_stop_queue(v, i);
}

void vt_dma_changed(struct vt *v)
{
    if (!v->ops)
        return;
    if (!may_dma(v))
        vt_stop_queues(v);
    vt_progress(v);
}

/* ---- notifications ---- */

static void signal_fd(int fd)
{
    const uint64_t one = 1;
    ssize_t n = write(fd, &one, sizeof one);
    (void)n; /* full: signalled already */
}

void vt_notify(struct vt *v, uint32_t n, uint32_t data)
{
    if (n >= v->nqueues) {
        vt_guest_error(v, "there is no queue %u to notify", n);
        return;
    }
    if (state_of(&v->q[n]) != VT_Q_RUNNING)
        return;
    if (v->q[n].kick_fd >= 0 && !vt_has(v, VIRTIO_F_NOTIFICATION_DATA))
        signal_fd(v->q[n].kick_fd);
    else
        v->ops->kick(v->s, n, data);
}

/* 3.1.2: such drivers exist, and did not always write their features either. */
static void start_early(struct vt *v)
{
    if (v->reset_wanted || vt_negotiate_legacy(v) < 0)
        return;
    v->early = 1;
    vt_start_queues(v);
}

void vt_notify_legacy(struct vt *v, uint32_t n)
{
    bool set_up = n < v->nqueues && v->q[n].enabled;
    if (set_up && !v->early && !(vt_status(v) & VIRTIO_CONFIG_S_DRIVER_OK))
        start_early(v);
    vt_notify(v, n, 0);
}
