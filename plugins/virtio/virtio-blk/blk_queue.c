/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "blk_regs.h"
#include "virtio_blk.h"

/* ---- the end of a turn ---- */

/* Completions of one turn of the loop are published together, with one notification. */
static void mark(struct blk_queue *q)
{
    q->dirty = 1;
    q->s->v.loop->kick(q->lane->turn);
}

void blk_queue_finish(struct blk_rq *rq, uint64_t data)
{
    struct blk_queue *q = rq->q;
    tn_trace_point(q->s->v.d, q->s->trace, &q->s->events[BLK_TRACE_COMPLETE],
                   virtio_blk_req_complete, q->vq->index, rq->el.id, rq->req.status);
    blk_req_answer(&rq->req);
    if (data == rq->req.in_len)
        vq_push(&q->vq->ring, &rq->el, blk_req_used(&rq->req, data));
    else
        vq_push_gap(&q->vq->ring, &rq->el, blk_req_used(&rq->req, data));
    mark(q);
}

void blk_queue_keep(struct blk_queue *q, struct vq_kept *k)
{
    k->next = NULL;
    *q->parked_end = k;
    q->parked_end = &k->next;
}

/* What it holds is looked up again then: memory may be elsewhere. */
void blk_queue_park(struct blk_rq *rq)
{
    struct blk_queue *q = rq->q;
    tn_trace_point(q->s->v.d, q->s->trace, &q->s->events[BLK_TRACE_KEEP], virtio_blk_keep,
                   q->vq->index, rq->el.id);
    blk_req_undo(&rq->req);
    struct vq_kept *k = vq_keep(&q->vq->ring, &rq->el);
    if (k)
        blk_queue_keep(q, k);
    else
        vq_push(&q->vq->ring, &rq->el, 0); /* its memory is gone: nobody waits for it */
    mark(q);
}

bool blk_lane_drained(const struct blk_lane *l)
{
    return __atomic_load_n(&l->s->drained, __ATOMIC_ACQUIRE);
}

/* May more be taken from the ring? What waits goes first. */
static bool is_open(const struct blk_lane *l)
{
    return !blk_lane_drained(l) && STAILQ_EMPTY(&l->waiting);
}

void blk_lane_flush(struct blk_lane *l)
{
    l->held = 1;
    l->s->v.loop->kick(l->turn);
}

static void let_go(struct blk_lane *l)
{
    l->held = 0;
    l->s->block->flush_batch(l->drive);
}

static void end_turn(void *p)
{
    struct blk_lane *l = p;
    bool waited = !STAILQ_EMPTY(&l->waiting);
    if (waited && !blk_lane_drained(l)) {
        blk_io_retry(l);
        l->held = 1;
    }
    if (l->held)
        let_go(l);
    for (struct blk_queue *q = l->queues; q; q = q->peer) {
        if (q->dirty) {
            q->dirty = 0;
            vdev_settle(q->vq);
        }
        if (waited && is_open(l))
            vdev_poke(q->vq);
    }
}

/* ---- the driver's requests ---- */

static uint64_t answer_id(struct blk_rq *rq)
{
    char id[BLK_ID_LEN] = {0};
    const char *serial = rq->q->s->p.serial;
    if (serial)
        memcpy(id, serial, strnlen(serial, sizeof id));
    return vq_write(rq->req.iov, rq->req.niov, 0, id, sizeof id);
}

static void begin(struct blk_rq *rq)
{
    switch (rq->req.op) {
    case BLK_OP_NONE:
        blk_io_refuse(rq, rq->req.refused);
        break;
    case BLK_OP_GET_ID:
        blk_queue_finish(rq, answer_id(rq));
        break;
    case TN_BLK_READ:
    case TN_BLK_WRITE:
        if (rq->req.len)
            blk_io_add(rq);
        else
            blk_queue_finish(rq, 0);
        break;
    default:
        blk_io_batch(rq->q);
        blk_io_submit(rq);
    }
}

/* False: the driver broke the queue. */
static bool take(struct blk_queue *q, struct blk_rq *rq)
{
    const char *why = blk_req_parse(&rq->req, &q->s->limits, rq->el.iov, rq->el.nout, rq->el.nin);
    if (why) {
        vq_break(&q->vq->ring, why);
        vq_drop(&q->vq->ring, &rq->el);
        return false;
    }
    rq->q = q;
    rq->seg = 0;
    tn_trace_point(q->s->v.d, q->s->trace, &q->s->events[BLK_TRACE_REQUEST], virtio_blk_request,
                   q->vq->index, rq->el.id, rq->req.op, rq->req.off, rq->req.len);
    begin(rq);
    return true;
}

/* k and what follows go to the front again. */
static void keep_first(struct blk_queue *q, struct vq_kept *k)
{
    struct vq_kept *last = k;
    while (last->next)
        last = last->next;
    last->next = q->parked;
    if (!q->parked)
        q->parked_end = &last->next;
    q->parked = k;
}

/* What was kept goes first. False: not all of it can be taken yet, or the queue is broken. */
static bool take_parked(struct blk_queue *q)
{
    if (!__atomic_exchange_n(&q->retry, 0, __ATOMIC_ACQ_REL))
        return true;
    struct vq_kept *k = q->parked, *next;
    q->parked = NULL;
    q->parked_end = &q->parked;
    for (; k; k = next) {
        next = k->next;
        struct blk_rq *rq = vq_retake(&q->vq->ring, k);
        if (!rq) {
            __atomic_store_n(&q->retry, 1, __ATOMIC_RELEASE);
            keep_first(q, k);
            return false;
        }
        free(k);
        if (!take(q, rq) && next) {
            keep_first(q, next);
            return false;
        }
    }
    return true;
}

static bool may_take(const struct blk_queue *q)
{
    return vdev_running(q->vq) && is_open(q->lane);
}

/* Ends: nothing is published before all of it is taken, so that the ring has no more to give than
 * its size. */
static void take_all(struct blk_queue *q)
{
    struct vq *ring = &q->vq->ring;
    struct blk_rq *rq;
    do {
        vq_kicks(ring, false);
        while (may_take(q) && (rq = vq_pop(ring)))
            if (!take(q, rq))
                return;
    } while (may_take(q) && vq_kicks(ring, true));
}

void blk_queue_handle(struct vdev_queue *vq)
{
    struct virtio_blk *s = blk_of(vq);
    struct blk_queue *q = &s->q[vq->index];
    if (!may_take(q))
        return;
    if (take_parked(q))
        take_all(q);
    blk_io_batch(q);
    let_go(q->lane);
    q->dirty = 0;
    vdev_settle(vq);
}

/* ---- stops ---- */

/* What waits for room has not begun. */
static void park_waiting(struct blk_queue *q)
{
    struct blk_list others = STAILQ_HEAD_INITIALIZER(others);
    while (!STAILQ_EMPTY(&q->lane->waiting)) {
        struct blk_rq *rq = STAILQ_FIRST(&q->lane->waiting);
        STAILQ_REMOVE_HEAD(&q->lane->waiting, link);
        if (rq->q == q)
            blk_queue_park(rq);
        else
            STAILQ_INSERT_TAIL(&others, rq, link);
    }
    STAILQ_CONCAT(&q->lane->waiting, &others);
}

void blk_queue_stopping(struct vdev_queue *vq)
{
    struct virtio_blk *s = blk_of(vq);
    struct blk_queue *q = &s->q[vq->index];
    struct blk_flight *f;
    park_waiting(q);
    TAILQ_FOREACH(f, &q->flights, link) /* done() never runs inside cancel() */
    s->block->cancel(q->lane->drive, f);
}

void blk_queue_forget(struct blk_queue *q)
{
    while (q->parked) {
        struct vq_kept *k = q->parked;
        q->parked = k->next;
        free(k);
    }
    q->parked_end = &q->parked;
    q->dirty = 0;
}

/* ---- life ---- */

static struct blk_lane *lane_for(struct virtio_blk *s, struct tn_ctx *ctx)
{
    for (uint32_t i = 0; i < s->nlanes; i++)
        if (s->lane[i].ctx == ctx)
            return &s->lane[i];
    struct blk_lane *l = &s->lane[s->nlanes++];
    l->s = s;
    l->ctx = ctx;
    STAILQ_INIT(&l->waiting);
    return l;
}

/* In the home context the device's lock is held, elsewhere nothing is shared. */
static int open_lane(struct virtio_blk *s, struct blk_lane *l, struct tn_err *e)
{
    uint32_t flags = l->ctx ? TN_LF_NOLOCK : 0;
    struct tn_ctx *ctx = l->ctx ? l->ctx : s->v.loop->home(s->v.d);
    l->drive = s->block->queue(s->p.drive, ctx, flags);
    l->turn = s->v.loop->bh(s->v.d, l->ctx, flags, end_turn, l);
    return l->drive && l->turn ? 0 : tn_fail(s->v.d, e, ENOMEM, "no memory for the queues");
}

static void init_queue(struct virtio_blk *s, uint32_t i)
{
    struct blk_queue *q = &s->q[i];
    q->s = s;
    q->vq = &s->v.q[i];
    q->lane = lane_for(s, q->vq->ctx);
    q->peer = q->lane->queues;
    q->lane->queues = q;
    TAILQ_INIT(&q->flights);
    q->parked_end = &q->parked;
}

int blk_queues_init(struct virtio_blk *s, struct tn_err *e)
{
    s->q = calloc(s->v.nq, sizeof s->q[0]);
    s->lane = calloc(s->v.nq, sizeof s->lane[0]);
    if (!s->q || !s->lane)
        return tn_fail(s->v.d, e, ENOMEM, "no memory for the queues");
    for (uint32_t i = 0; i < s->v.nq; i++)
        init_queue(s, i);
    int r = 0;
    for (uint32_t i = 0; i < s->nlanes && r == 0; i++)
        r = open_lane(s, &s->lane[i], e);
    return r;
}

static void free_merged(struct blk_lane *l)
{
    while (l->free) {
        struct blk_merged *m = l->free;
        l->free = m->next;
        free(m);
    }
}

void blk_queues_fini(struct virtio_blk *s)
{
    for (uint32_t i = 0; s->q && i < s->v.nq; i++)
        blk_queue_forget(&s->q[i]);
    for (uint32_t i = 0; s->lane && i < s->nlanes; i++)
        free_merged(&s->lane[i]);
    free(s->lane);
    free(s->q);
    s->lane = NULL;
    s->q = NULL;
}
