/* SPDX-License-Identifier: BSD-2-Clause */
/* Queues of a virtio device: their kicks, their contexts, their end.
 *
 * A queue's state changes STOPPED -> RUNNING in vdev_queue_start(), and back in vdev_queue_stop()
 * if that may look: in the home context the caller's lock keeps the handler out. In any other case
 * the queue's context takes it RUNNING -> STOPPING -> ENDED -> STOPPED, in bottom halves, so that
 * no thread waits and nothing is called from inside of what it completes. */
#include "vdev.h"
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { DEFAULT_SIZE = 256, NOTIFY_ON_EMPTY = 24 };

static uint32_t state_of(const struct vdev_queue *q)
{
    return __atomic_load_n(&q->state, __ATOMIC_ACQUIRE);
}

static void set_state(struct vdev_queue *q, uint32_t state)
{
    __atomic_store_n(&q->state, state, __ATOMIC_RELEASE);
}

static struct tn_ctx *context(const struct vdev_queue *q)
{
    return q->ctx ? q->ctx : q->v->loop->home(q->v->d);
}

static bool at_home(const struct vdev_queue *q)
{
    return !q->ctx || q->ctx == q->v->loop->home(q->v->d);
}

static bool idle(const struct vdev_queue *q)
{
    return q->ring.inflight <= q->parked;
}

static uint64_t now_of(const struct vdev_queue *q)
{
    return q->v->loop->now(q->v->d, TN_CLK_REAL);
}

/* ---- the end of a queue ---- */

/* In its context, or with the lock that keeps that out. */
static void retire(struct vdev_queue *q)
{
    if (q->watch)
        q->v->loop->fd_mask(q->watch, 0);
    if (vq_publish(&q->ring) || q->hold.wants) /* pushed, and not yet flushed; held back */
        q->v->port->notify(q->v->p, q->index);
    q->hold.on = q->hold.wants = 0;
    if (q->wait)
        q->v->loop->disarm(q->wait);
    q->polling = 0;
    vq_stop(&q->ring);
    q->place = vq_place(&q->ring);
    q->placed = 1;
}

static void wind_down(struct vdev_queue *q)
{
    if (q->watch)
        q->v->loop->fd_mask(q->watch, 0);
    if (!q->told_stop) {
        q->told_stop = 1;
        if (q->stopping)
            q->stopping(q);
    }
    if (!idle(q) || state_of(q) != VDEV_Q_STOPPING)
        return;
    retire(q);
    set_state(q, VDEV_Q_ENDED);
    q->v->loop->kick(q->report);
}

static void report_end(void *s)
{
    struct vdev_queue *q = s;
    if (state_of(q) != VDEV_Q_ENDED)
        return;
    set_state(q, VDEV_Q_STOPPED);
    q->v->port->queue_stopped(q->v->p, q->index, 0);
}

/* ---- the handler ---- */

static void report_broken(struct vdev_queue *q)
{
    if (!q->ring.broken || q->told_broken)
        return;
    q->told_broken = 1;
    q->v->port->broken(q->v->p, q->ring.broken);
}

/* There is a buffer that could not be taken: handle() runs when it may be. */
static void try_again(struct vdev_queue *q, bool pushed)
{
    if (q->ring.again == VQ_AGAIN_MAP)
        q->v->dma->map_retry(q->ring.as, q->bh);
    else if (pushed)
        vdev_poke(q);
    else
        return;
    q->ring.again = 0;
}

static void handle(struct vdev_queue *q)
{
    q->handle(q);
    if (q->ring.broken)
        report_broken(q);
    if (q->ring.again)
        try_again(q, false);
}

static void run(void *s)
{
    struct vdev_queue *q = s;
    uint32_t state = state_of(q);
    q->deaf = 0;
    if (state == VDEV_Q_RUNNING)
        handle(q);
    else if (state == VDEV_Q_STOPPING)
        wind_down(q);
}

/* An eventfd that is watched for edges counts on and on. */
static uint32_t kick_events(const struct vdev *v)
{
    return TN_HAS(v->loop, poll) ? TN_FD_IN | TN_FD_EDGE : TN_FD_IN;
}

static void kicked(void *s, uint32_t events)
{
    struct vdev_queue *q = s;
    uint64_t n;
    ssize_t r = TN_HAS(q->v->loop, poll) ? 0 : read(q->kick_fd, &n, sizeof n);
    (void)r; /* nothing there: another reader was faster */
    (void)events;
    run(q);
}

/* ---- polling ---- */

/* Returns true if buffers came that nobody has seen and no kick tells of. */
static bool set_polling(struct vdev_queue *q, uint8_t why, bool on)
{
    uint8_t before = q->polling;
    q->polling = on ? before | why : before & (uint8_t)~why;
    return !before != !q->polling && vq_poll(&q->ring, on);
}

/* 1: the handler took something. One that takes nothing although it could wants to be run later,
 * and will be. */
static bool took(struct vdev_queue *q)
{
    uint16_t at = vq_place(&q->ring).avail;
    handle(q);
    return vq_place(&q->ring).avail != at;
}

/* The one that stops the queue does not run the handler, but in its home context may touch the
 * ring: all this looks at the state first. */
static void poll_begin(void *s)
{
    struct vdev_queue *q = s;
    if (vdev_running(q) && !q->deaf)
        set_polling(q, VDEV_POLL_CONTEXT, true);
}

/* Where the handler takes nothing, there is no poll before it was run, and kicks come as ever. */
static uint32_t poll_ring(void *s)
{
    struct vdev_queue *q = s;
    if (!vdev_running(q) || !(q->polling & VDEV_POLL_CONTEXT) || vq_empty(&q->ring))
        return 0;
    if (took(q))
        return 1;
    q->deaf = 1;
    set_polling(q, VDEV_POLL_CONTEXT, false);
    return 0;
}

static uint32_t poll_end(void *s)
{
    struct vdev_queue *q = s;
    return vdev_running(q) && set_polling(q, VDEV_POLL_CONTEXT, false);
}

static const struct tn_poll_ops poll_ops = {
    .struct_size = sizeof poll_ops, .poll = poll_ring, .begin = poll_begin, .end = poll_end};

void vdev_poke(struct vdev_queue *q)
{
    q->v->loop->kick(q->bh);
}

bool vdev_running(const struct vdev_queue *q)
{
    return state_of(q) == VDEV_Q_RUNNING;
}

void vdev_park(struct vdev_queue *q, int32_t n)
{
    q->parked = n < 0 && (uint32_t)-n > q->parked ? 0 : q->parked + (uint32_t)n;
    if (state_of(q) == VDEV_Q_STOPPING && idle(q))
        vdev_poke(q);
}

/* Legacy, VIRTIO_F_NOTIFY_ON_EMPTY: every buffer has been used. */
static bool ran_empty(struct vdev_queue *q)
{
    return vdev_has(q->v, NOTIFY_ON_EMPTY) && !q->ring.inflight && vq_empty(&q->ring);
}

/* What a flush does besides telling the driver. */
static void after_flush(struct vdev_queue *q, bool pushed)
{
    if (q->ring.broken)
        report_broken(q);
    if (q->ring.again)
        try_again(q, pushed);
    if (state_of(q) == VDEV_Q_STOPPING && idle(q))
        vdev_poke(q);
}

void vdev_flush(struct vdev_queue *q)
{
    bool pushed = q->ring.pending || q->ring.run;
    if (vq_publish(&q->ring) || (pushed && ran_empty(q)))
        q->v->port->notify(q->v->p, q->index);
    after_flush(q, pushed);
}

/* ---- notifications held back ---- */

static void tell(struct vdev_queue *q, uint32_t answers)
{
    bool wants = q->hold.wants;
    hold_told(&q->hold, now_of(q), answers);
    if (wants)
        q->v->port->notify(q->v->p, q->index);
}

static void end_hold(struct vdev_queue *q)
{
    tell(q, q->hold.answers);
    if (set_polling(q, VDEV_POLL_HOLD, false))
        vdev_poke(q);
}

/* A turn of the context for each look: others in it wait no longer than for any handler. */
static void look_again(void *s)
{
    struct vdev_queue *q = s;
    if (!q->hold.on || !vdev_running(q))
        return; /* retire() has told, or will */
    bool more = !vq_empty(&q->ring), found = more && took(q);
    if (q->hold.on && (more == found) && hold_look(&q->hold, now_of(q), found))
        q->v->loop->kick(q->look);
    else if (q->hold.on)
        end_hold(q);
}

static void waited(void *s)
{
    struct vdev_queue *q = s;
    if (q->hold.on && vdev_running(q))
        end_hold(q);
}

static void wait_for_more(struct vdev_queue *q)
{
    const struct vdev *v = q->v;
    if (q->fed) {
        v->loop->arm(q->wait, now_of(q) + hold_patience(&q->hold));
    } else {
        set_polling(q, VDEV_POLL_HOLD, true);
        v->loop->kick(q->look);
    }
}

/* Only the driver can help. */
static bool starved(struct vdev_queue *q)
{
    return q->fed && vq_empty(&q->ring);
}

static void hold_on(struct vdev_queue *q, uint32_t answers)
{
    q->hold.answers += answers;
    if (q->fed && (starved(q) || !hold_look(&q->hold, now_of(q), true)))
        end_hold(q);
}

static void hold_or_tell(struct vdev_queue *q, uint32_t answers)
{
    bool may =
        q->hold.wants && !q->ring.inflight && vdev_running(q) && !q->ring.broken && !starved(q);
    if (may && hold_begin(&q->hold, now_of(q), answers))
        wait_for_more(q);
    else
        tell(q, answers);
}

void vdev_settle(struct vdev_queue *q)
{
    bool pushed = q->ring.pending || q->ring.run;
    uint32_t answers = q->ring.pending;
    if (pushed) {
        q->hold.wants |= vq_publish(&q->ring) || ran_empty(q);
        if (q->hold.on)
            hold_on(q, answers);
        else
            hold_or_tell(q, answers);
    }
    after_flush(q, pushed);
}

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
        retire(q);
        set_state(q, VDEV_Q_STOPPED);
        return 0;
    }
    set_state(q, VDEV_Q_STOPPING);
    vdev_poke(q);
    return TN_PENDING;
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
    q->bh = v->loop->bh(v->d, c, flags, run, q);
    q->report = v->loop->bh(v->d, c, TN_LF_NOLOCK, report_end, q);
    q->look = v->loop->bh(v->d, c, flags, look_again, q);
    if (q->fed)
        q->wait = v->loop->timer(v->d, c, flags, TN_CLK_REAL, waited, q);
    if (!q->bh || !q->report || !q->look || (q->fed && !q->wait))
        return -ENOMEM;
    q->kick_fd = v->port->kick_fd(v->p, q->index);
    if (q->kick_fd < 0)
        return 0;
    q->watch = v->loop->fd(v->d, c, flags, q->kick_fd, 0, kicked, q);
    if (q->watch && TN_HAS(v->loop, poll))
        q->poll = v->loop->poll(v->d, c, flags, &poll_ops, q);
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
