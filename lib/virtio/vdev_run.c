/* SPDX-License-Identifier: BSD-2-Clause */
/* What a queue does in its context: its handler, with kicks or without, what the driver is told,
 * its end. */
#include "vdev_impl.h"
#include <unistd.h>

enum { NOTIFY_ON_EMPTY = 24 };

static uint64_t now_of(const struct vdev_queue *q)
{
    return q->v->loop->now(q->v->d, TN_CLK_REAL);
}

/* ---- the end of a queue ---- */

void vdev_retire(struct vdev_queue *q)
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
    vdev_retire(q);
    set_state(q, VDEV_Q_ENDED);
    q->v->loop->kick(q->report);
}

void vdev_report_end(void *s)
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

void vdev_run(void *s)
{
    struct vdev_queue *q = s;
    uint32_t state = state_of(q);
    q->deaf = 0;
    if (state == VDEV_Q_RUNNING)
        handle(q);
    else if (state == VDEV_Q_STOPPING)
        wind_down(q);
}

void vdev_kicked(void *s, uint32_t events)
{
    struct vdev_queue *q = s;
    uint64_t n;
    ssize_t r = TN_HAS(q->v->loop, poll) ? 0 : read(q->kick_fd, &n, sizeof n);
    (void)r; /* nothing there: another reader was faster */
    (void)events;
    vdev_run(q);
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

const struct tn_poll_ops vdev_poll_ops = {.struct_size = sizeof(struct tn_poll_ops),
                                          .poll = poll_ring,
                                          .begin = poll_begin,
                                          .end = poll_end};

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
void vdev_look_again(void *s)
{
    struct vdev_queue *q = s;
    if (!q->hold.on || !vdev_running(q))
        return; /* vdev_retire() has told, or will */
    bool more = !vq_empty(&q->ring), found = more && took(q);
    if (q->hold.on && (more == found) && hold_look(&q->hold, now_of(q), found))
        q->v->loop->kick(q->look);
    else if (q->hold.on)
        end_hold(q);
}

void vdev_waited(void *s)
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
