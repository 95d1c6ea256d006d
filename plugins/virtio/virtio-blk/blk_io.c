/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "blk_regs.h"
#include "virtio_blk.h"

/* ---- the end of a request ---- */

static uint32_t policy_of(const struct virtio_blk *s, uint32_t op)
{
    return op == TN_BLK_READ ? s->p.rerror : s->p.werror;
}

static void report(struct blk_rq *rq, int err)
{
    bool may_lack = rq->req.nseg && err == -ENOTSUP;
    rq->req.status = may_lack ? BLK_S_UNSUPP : BLK_S_IOERR;
    blk_queue_finish(rq, 0);
}

static void succeed(struct blk_rq *rq)
{
    blk_queue_finish(rq, rq->req.op == TN_BLK_READ ? rq->req.len : 0);
}

/* A request that was taken back because its queue stops is kept, whatever the policy says. */
static void fail(struct blk_rq *rq, int err)
{
    struct virtio_blk *s = rq->q->s;
    if (err == -ECANCELED && !vdev_running(rq->q->vq)) {
        blk_queue_park(rq);
        return;
    }
    if (rq->req.nseg && err == -ENOTSUP) {
        report(rq, err);
        return;
    }
    switch (s->block->on_error(s->p.drive, rq->req.op, -err, policy_of(s, rq->req.op))) {
    case 1:
        succeed(rq);
        break;
    case 2:
        blk_queue_park(rq);
        break;
    default:
        report(rq, err);
    }
}

void blk_io_refuse(struct blk_rq *rq, uint32_t op)
{
    const struct tn_block *block = rq->q->s->block;
    if (TN_HAS(block, refused))
        block->refused(rq->q->lane->drive, op);
    blk_queue_finish(rq, 0);
}

/* Outside of a batch: the drive may hold it back until the turn ends, or want nothing now. */
static void submit_late(struct blk_rq *rq)
{
    struct blk_lane *l = rq->q->lane;
    if (blk_lane_drained(l)) {
        STAILQ_INSERT_TAIL(&l->waiting, rq, link);
        return;
    }
    blk_io_submit(rq);
    blk_lane_flush(l);
}

static void one_done(void *arg, int err)
{
    struct blk_rq *rq = (struct blk_rq *)(void *)((char *)arg - offsetof(struct blk_rq, flight));
    TAILQ_REMOVE(&rq->q->flights, &rq->flight, link);
    if (err < 0)
        fail(rq, err);
    else if (++rq->seg < rq->req.nseg)
        submit_late(rq);
    else
        succeed(rq);
}

/* ---- one by one ---- */

static uint32_t write_flags(const struct virtio_blk *s, uint32_t op)
{
    bool stable = op != TN_BLK_READ && op != TN_BLK_FLUSH;
    return stable && __atomic_load_n(&s->fua, __ATOMIC_RELAXED) ? TN_BLKR_FUA : 0;
}

static int send(struct blk_rq *rq, uint64_t off, uint64_t len, uint32_t flags)
{
    struct virtio_blk *s = rq->q->s;
    struct blk_req *r = &rq->req;
    bool transfer = r->op == TN_BLK_READ || r->op == TN_BLK_WRITE;
    return s->block->submit(rq->q->lane->drive, r->op, off, len, transfer ? r->iov : NULL,
                            transfer ? r->niov : 0, flags | write_flags(s, r->op), one_done,
                            &rq->flight);
}

/* The driver may have changed the segment since it was checked. Empty ones are skipped. 1: none is
 * left, or the answer is known; else as submit(). */
static int send_segment(struct blk_rq *rq)
{
    struct blk_segment seg = {0};
    struct blk_req *r = &rq->req;
    for (; rq->seg < r->nseg; rq->seg++) {
        r->status = blk_req_segment(r, &rq->q->s->limits, rq->seg, &seg);
        if (r->status != BLK_S_OK)
            return 1;
        if (seg.len)
            return send(rq, seg.off, seg.len, seg.flags);
    }
    return 1;
}

void blk_io_submit(struct blk_rq *rq)
{
    /* Before the drive has it: the lists are the same context's. */
    TAILQ_INSERT_TAIL(&rq->q->flights, &rq->flight, link);
    int r = rq->req.nseg ? send_segment(rq) : send(rq, rq->req.off, rq->req.len, 0);
    if (r == 0)
        return;
    TAILQ_REMOVE(&rq->q->flights, &rq->flight, link);
    if (r == 1)
        blk_queue_finish(rq, 0);
    else if (r == -EAGAIN)
        STAILQ_INSERT_TAIL(&rq->q->lane->waiting, rq, link);
    else
        fail(rq, r);
}

void blk_io_retry(struct blk_lane *l)
{
    struct blk_list now = STAILQ_HEAD_INITIALIZER(now);
    STAILQ_CONCAT(&now, &l->waiting);
    while (!STAILQ_EMPTY(&now) && STAILQ_EMPTY(&l->waiting)) {
        struct blk_rq *rq = STAILQ_FIRST(&now);
        STAILQ_REMOVE_HEAD(&now, link);
        blk_io_submit(rq);
    }
    STAILQ_CONCAT(&l->waiting, &now);
}

/* ---- neighbours as one ---- */

/* From the lane's free ones: memory is only taken when more are under way than ever before. */
static struct blk_merged *get_merged(struct blk_lane *l)
{
    struct blk_merged *m = l->free;
    if (m)
        l->free = m->next;
    else
        m = malloc(sizeof *m);
    if (m) {
        m->lane = l;
        m->niov = 0;
        STAILQ_INIT(&m->parts);
    }
    return m;
}

static void put_merged(struct blk_merged *m)
{
    m->next = m->lane->free;
    m->lane->free = m;
}

/* Each for itself: of a merged transfer that failed, most may be good. */
static void send_parts(struct blk_merged *m)
{
    while (!STAILQ_EMPTY(&m->parts)) {
        struct blk_rq *rq = STAILQ_FIRST(&m->parts);
        STAILQ_REMOVE_HEAD(&m->parts, link);
        submit_late(rq);
    }
}

static void merged_done(void *arg, int err)
{
    struct blk_merged *m = arg; /* begins with its flight */
    TAILQ_REMOVE(&STAILQ_FIRST(&m->parts)->q->flights, &m->flight, link);
    if (err < 0 && err != -ECANCELED)
        send_parts(m);
    while (!STAILQ_EMPTY(&m->parts)) {
        struct blk_rq *rq = STAILQ_FIRST(&m->parts);
        STAILQ_REMOVE_HEAD(&m->parts, link);
        if (err < 0)
            fail(rq, err);
        else
            succeed(rq);
    }
    put_merged(m);
}

static void add_part(struct blk_merged *m, struct blk_rq *rq)
{
    memcpy(m->iov + m->niov, rq->req.iov, rq->req.niov * sizeof m->iov[0]);
    m->niov += rq->req.niov;
    STAILQ_INSERT_TAIL(&m->parts, rq, link);
}

static void send_merged(struct blk_merged *m, uint64_t len)
{
    struct blk_rq *first = STAILQ_FIRST(&m->parts);
    struct virtio_blk *s = first->q->s;
    TAILQ_INSERT_TAIL(&first->q->flights, &m->flight, link);
    int r = s->block->submit(m->lane->drive, first->req.op, first->req.off, len, m->iov, m->niov,
                             write_flags(s, first->req.op), merged_done, &m->flight);
    if (r == 0)
        return;
    TAILQ_REMOVE(&first->q->flights, &m->flight, link);
    send_parts(m);
    put_merged(m);
}

/* How many of the n from b on lie side by side and fit into one transfer of *len bytes. */
static uint32_t run_of(const struct virtio_blk *s, struct blk_rq *const *b, uint32_t n,
                       uint64_t *len)
{
    uint32_t most =
        s->info.max_iov && s->info.max_iov < BLK_MERGE_IOV ? s->info.max_iov : BLK_MERGE_IOV;
    uint64_t most_len = s->info.max_transfer ? s->info.max_transfer : UINT64_MAX;
    uint32_t niov = b[0]->req.niov, i;
    *len = b[0]->req.len;
    for (i = 1; i < n && s->p.merging; i++) {
        const struct blk_req *r = &b[i]->req;
        if (r->off != b[0]->req.off + *len || niov + r->niov > most || r->len > most_len - *len)
            break;
        niov += r->niov;
        *len += r->len;
    }
    return niov > most || *len > most_len ? 1 : i;
}

static void send_run(struct blk_queue *q, struct blk_rq *const *b, uint32_t n, uint64_t len)
{
    struct blk_merged *m = n > 1 ? get_merged(q->lane) : NULL;
    for (uint32_t i = 0; i < n; i++)
        if (m)
            add_part(m, b[i]);
        else
            blk_io_submit(b[i]);
    if (m)
        send_merged(m, len);
}

/* By place on the disk; equal places keep their order. */
static void sort(struct blk_rq **b, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++) {
        struct blk_rq *rq = b[i];
        uint32_t k = i;
        for (; k && b[k - 1]->req.off > rq->req.off; k--)
            b[k] = b[k - 1];
        b[k] = rq;
    }
}

void blk_io_batch(struct blk_queue *q)
{
    uint32_t n = q->nbatch, run;
    uint64_t len;
    q->nbatch = 0;
    if (q->s->p.merging)
        sort(q->batch, n);
    for (uint32_t i = 0; i < n; i += run) {
        run = run_of(q->s, q->batch + i, n - i, &len);
        send_run(q, q->batch + i, run, len);
    }
}

void blk_io_add(struct blk_rq *rq)
{
    struct blk_queue *q = rq->q;
    if (q->nbatch == BLK_BATCH || (q->nbatch && q->batch[0]->req.op != rq->req.op))
        blk_io_batch(q);
    q->batch[q->nbatch++] = rq;
}
