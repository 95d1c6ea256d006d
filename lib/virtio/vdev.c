/* SPDX-License-Identifier: BSD-2-Clause */
/* Queues of a virtio device: how they are made, started, stopped and saved. */
#include "vdev_impl.h"
#include <errno.h>
#include <stdlib.h>

enum { DEFAULT_SIZE = 256 };

/* ---- slots of tn_virtio_ops ---- */

int vdev_negotiated(void *s, const uint64_t *f, uint32_t nwords, uint32_t vq_flags)
{
    struct vdev *v = s;
    for (uint32_t i = 0; i < TN_VIRTIO_FEATURE_WORDS; i++)
        v->features[i] = i < nwords ? f[i] : 0;
    v->vq_flags = vq_flags;
    return 0;
}

int vdev_queue_start(void *s, const struct tn_vq *c)
{
    struct vdev *v = s;
    if (c->index >= v->nq)
        return -EINVAL;
    struct vdev_queue *q = &v->q[c->index];
    if (state_of(q) != VDEV_Q_STOPPED)
        return -EBUSY;
    if (!(c->flags & TN_VQ_RESTORE))
        q->parked = 0;
    int r =
        vq_start(&q->ring, c, v->dma, v->port->dma(v->p), context(q), q->placed ? &q->place : NULL);
    if (r < 0) {
        v->d->core->guest_error(v->d, "queue %u: %s", c->index,
                                q->ring.broken ? q->ring.broken : "out of memory");
        return r;
    }
    q->told_stop = q->told_broken = q->polling = 0;
    set_state(q, VDEV_Q_RUNNING);
    if (q->watch)
        v->loop->fd_mask(q->watch, kick_events(v));
    vdev_poke(q);
    return 0;
}

int vdev_queue_stop(void *s, uint32_t index)
{
    struct vdev *v = s;
    if (index >= v->nq)
        return 0;
    struct vdev_queue *q = &v->q[index];
    uint32_t state = state_of(q);
    if (state != VDEV_Q_RUNNING)
        return state == VDEV_Q_STOPPED ? 0 : TN_PENDING;
    if (at_home(q) && idle(q)) {
        vdev_retire(q);
        set_state(q, VDEV_Q_STOPPED);
        return 0;
    }
    set_state(q, VDEV_Q_STOPPING);
    vdev_poke(q);
    return TN_PENDING;
}

void vdev_queue_ended(struct vdev_queue *q)
{
    set_state(q, VDEV_Q_ENDED);
    q->v->loop->kick(q->report);
}

int vdev_reset(void *s)
{
    struct vdev *v = s;
    for (uint32_t i = 0; i < TN_VIRTIO_FEATURE_WORDS; i++)
        v->features[i] = 0;
    v->vq_flags = 0;
    for (uint32_t i = 0; i < v->nq; i++) {
        v->q[i].place = (struct vq_place){0};
        v->q[i].placed = 0;
    }
    return 0;
}

void vdev_kick(void *s, uint32_t index, uint32_t data)
{
    struct vdev *v = s;
    (void)data; /* where the driver is (4.1.5.2): the ring says it too */
    if (index < v->nq && vdev_running(&v->q[index]))
        vdev_poke(&v->q[index]);
}

/* ---- life ---- */

void vdev_init(struct vdev *v, struct tn_dev *d)
{
    v->d = d;
}

int vdev_queues(struct vdev *v, uint32_t nq, uint32_t elem_size, uint32_t elem_room,
                struct tn_err *e)
{
    struct tn_dev *d = v->d;
    v->port = d->core->port(d, &v->p);
    v->loop = TN_GET(d, struct tn_loop, TN_LOOP_1);
    v->dma = TN_GET(d, struct tn_dma, TN_DMA_1);
    if (!v->port || !v->loop || !v->dma)
        return tn_fail(d, e, ENOTSUP, "not on a virtio bus");
    v->q = calloc(nq ? nq : 1, sizeof *v->q);
    if (!v->q)
        return tn_fail(d, e, ENOMEM, "out of memory");
    v->nq = nq;
    for (uint32_t i = 0; i < nq; i++) {
        v->q[i].v = v;
        v->q[i].index = i;
        vq_init(&v->q[i].ring, elem_size, elem_room);
    }
    return 0;
}

static int tell_transport(struct vdev *v, uint32_t config_len, struct tn_err *e)
{
    uint16_t *sizes = calloc(v->nq ? v->nq : 1, sizeof *sizes);
    if (!sizes)
        return tn_fail(v->d, e, ENOMEM, "out of memory");
    for (uint32_t i = 0; i < v->nq; i++)
        sizes[i] = v->q[i].max_size ? v->q[i].max_size : DEFAULT_SIZE;
    struct tn_virtio_setup u = {
        .struct_size = sizeof u, .config_len = config_len, .nqueues = v->nq, .max_size = sizes};
    int r = v->port->setup(v->p, &u, e);
    free(sizes);
    return r;
}

/* Without an eventfd, vdev_kick() does it all. */
static int connect(struct vdev *v, struct vdev_queue *q)
{
    struct tn_ctx *c = context(q);
    uint32_t flags = at_home(q) ? 0 : TN_LF_NOLOCK;
    q->bh = v->loop->bh(v->d, c, flags, vdev_run, q);
    q->report = v->loop->bh(v->d, c, TN_LF_NOLOCK, vdev_report_end, q);
    q->look = v->loop->bh(v->d, c, flags, vdev_look_again, q);
    if (q->fed)
        q->wait = v->loop->timer(v->d, c, flags, TN_CLK_REAL, vdev_waited, q);
    if (!q->bh || !q->report || !q->look || (q->fed && !q->wait))
        return -ENOMEM;
    q->kick_fd = v->port->kick_fd(v->p, q->index);
    if (q->kick_fd < 0)
        return 0;
    q->watch = v->loop->fd(v->d, c, flags, q->kick_fd, 0, vdev_kicked, q);
    if (q->watch && TN_HAS(v->loop, poll))
        q->poll = v->loop->poll(v->d, c, flags, &vdev_poll_ops, q);
    return q->watch ? 0 : -ENOMEM;
}

int vdev_setup(struct vdev *v, uint32_t config_len, struct tn_err *e)
{
    int r = tell_transport(v, config_len, e);
    if (r < 0)
        return r;
    for (uint32_t i = 0; i < v->nq; i++) {
        r = connect(v, &v->q[i]);
        if (r < 0)
            return tn_fail(v->d, e, -r, "queue %u: its notifications cannot be watched", i);
    }
    return 0;
}

void vdev_fini(struct vdev *v)
{
    for (uint32_t i = 0; i < v->nq; i++) {
        vq_stop(&v->q[i].ring);
        vq_fini(&v->q[i].ring);
    }
    free(v->q);
    v->q = NULL;
    v->nq = 0;
}

/* ---- state ---- */

static const struct tn_field queue_fields[] = {
    TN_FIELD_ROW(struct vdev_queue, place.avail, "avail", U16, 1),
    TN_FIELD_ROW(struct vdev_queue, place.used, "used", U16, 1),
    TN_FIELD(struct vdev_queue, placed, BOOL),
};

const struct tn_state vdev_queue_state = {
    .struct_size = sizeof(struct tn_state),
    .version = 1,
    .min_version = 1,
    .name = "vdev-queue",
    .fields = queue_fields,
    .nfields = sizeof queue_fields / sizeof queue_fields[0],
    .field_stride = sizeof queue_fields[0],
};
