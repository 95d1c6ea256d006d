/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests over both sides of a snapshot: reads piece by piece from where each is; writes to
 * clusters that are still below, with a copy of what they do not cover. */
#include "block_snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { IDLE_MOST = 16 }; /* of a queue, each with a buffer of a cluster */

struct cow {
    struct blk_io io; /* first */
    struct snap_queue *q;
    struct tn_blk_req *r;
    uint64_t pos, piece; /* bytes that are done, and of the piece that is under way */
    struct blk_range range;
    uint32_t ranged;
    struct tn_iov one, *slice; /* slice is owned */
    uint8_t *buf;              /* a cluster, or NULL; owned */
    struct cow *next;
};

static void next_piece(struct cow *c);

static struct snapshot *snap_of(const struct cow *c)
{
    return (struct snapshot *)c->q->q.f;
}

static uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* ---- life ---- */

static struct cow *cow_new(struct snap_queue *q, struct tn_blk_req *r)
{
    struct cow *c = q->idle;
    if (c) {
        q->idle = c->next;
        q->nidle--;
    } else if (!(c = calloc(1, sizeof *c))) {
        return NULL;
    }
    c->q = q;
    c->r = r;
    c->pos = c->ranged = 0;
    return c;
}

static void cow_drop(struct cow *c)
{
    free(c->buf);
    free(c);
}

static void cow_end(struct cow *c, int err)
{
    struct tn_blk_req *r = c->r;
    if (c->ranged)
        range_drop(&snap_of(c)->ranges, &c->range);
    free(c->slice);
    c->slice = NULL;
    if (c->q->nidle < IDLE_MOST) {
        c->next = c->q->idle;
        c->q->idle = c;
        c->q->nidle++;
    } else {
        cow_drop(c);
    }
    block_feed_table.done(NULL, r, err);
}

void cow_free_idle(struct snap_queue *q)
{
    for (struct cow *c = q->idle, *next; c; c = next) {
        next = c->next;
        cow_drop(c);
    }
}

/* ---- pieces as they are ---- */

static void send(struct cow *c, struct blk_lane *l, uint32_t op, uint64_t off, uint64_t len,
                 const struct tn_iov *v, uint32_t n, void (*done)(struct blk_io *, int))
{
    c->io.r = (struct tn_blk_req){.op = op, .off = off, .len = len, .iov = v, .niov = n};
    c->io.r.flags = op == TN_BLK_WRITE_ZEROES ? c->r->flags & TN_BLKR_UNMAP : 0;
    c->io.done = done;
    lane_submit(l, &c->io);
    lane_flush(l);
}

static void piece_done(struct blk_io *io, int err)
{
    struct cow *c = (struct cow *)io;
    uint64_t at = c->r->off + c->pos;
    if (err) {
        cow_end(c, err);
        return;
    }
    if (c->r->op != TN_BLK_READ)
        snap_set(snap_of(c), at, at + c->piece);
    c->pos += c->piece;
    next_piece(c);
}

static void send_slice(struct cow *c, struct blk_lane *l)
{
    uint32_t n = 0;
    uint64_t len = c->piece;
    if (c->r->niov) {
        if (!c->slice && !(c->slice = calloc(c->r->niov, sizeof *c->slice))) {
            lane_end(l, &c->io, -ENOMEM);
            return;
        }
        n = iov_slice(c->slice, c->r->niov, c->r->iov, c->r->niov, c->pos, &len);
    }
    send(c, l, c->r->op, c->r->off + c->pos, c->piece, c->slice, n, piece_done);
}

/* ---- copy on write ---- */

/* The cluster as it was, with what is written of it in its place. */
static void base_read(struct blk_io *io, int err)
{
    struct cow *c = (struct cow *)io;
    uint64_t at = c->r->off + c->pos;
    if (err) {
        cow_end(c, err);
        return;
    }
    if (c->r->op == TN_BLK_WRITE)
        iov_gather(c->buf + at % SNAP_CLUSTER, c->r->iov, c->r->niov, c->pos, c->piece);
    else
        memset(c->buf + at % SNAP_CLUSTER, 0, c->piece);
    send(c, c->q->over, TN_BLK_WRITE, io->r.off, c->one.len, &c->one, 1, piece_done);
}

static void merge_cluster(struct cow *c)
{
    uint64_t at = c->r->off + c->pos, first = at / SNAP_CLUSTER * SNAP_CLUSTER;
    if (!c->buf && !(c->buf = aligned_alloc(4096, SNAP_CLUSTER))) {
        c->io.done = piece_done;
        lane_end(c->q->over, &c->io, -ENOMEM);
        return;
    }
    c->one = (struct tn_iov){c->buf, min_u64(SNAP_CLUSTER, snap_of(c)->size - first)};
    send(c, c->q->q.below, TN_BLK_READ, first, c->one.len, &c->one, 1, base_read);
}

/* The end of what can be written from at on without a copy: clusters that are in the overlay, or
 * are covered as a whole; at itself if there is none. */
static uint64_t plain_end(const struct snapshot *s, uint64_t at, uint64_t end)
{
    uint64_t to = at;
    while (to < end) {
        uint64_t first = to / SNAP_CLUSTER * SNAP_CLUSTER,
                 next = min_u64(first + SNAP_CLUSTER, s->size);
        if (!snap_is_over(s, to) && (to != first || end < next))
            break;
        to = min_u64(next, end);
    }
    return to;
}

static void write_piece(struct cow *c)
{
    const struct snapshot *s = snap_of(c);
    uint64_t at = c->r->off + c->pos, end = c->r->off + c->r->len, to = plain_end(s, at, end);
    if (to > at) {
        c->piece = to - at;
        send_slice(c, c->q->over);
    } else {
        c->piece = min_u64((at / SNAP_CLUSTER + 1) * SNAP_CLUSTER, end) - at;
        merge_cluster(c);
    }
}

static void read_piece(struct cow *c)
{
    const struct snapshot *s = snap_of(c);
    uint64_t at = c->r->off + c->pos;
    c->piece = snap_run(s, at, c->r->off + c->r->len) - at;
    send_slice(c, snap_is_over(s, at) ? c->q->over : c->q->q.below);
}

static void next_piece(struct cow *c)
{
    if (c->pos == c->r->len)
        cow_end(c, 0);
    else if (c->r->op == TN_BLK_READ)
        read_piece(c);
    else
        write_piece(c);
}

/* ---- the start ---- */

static void granted_here(void *p)
{
    next_piece(p);
}

static void granted(struct blk_range *r)
{
    struct cow *c = (struct cow *)(void *)((char *)r - offsetof(struct cow, range));
    bh_once(c->q->q.ctx, NULL, granted_here, c);
}

int cow_start(struct snap_queue *q, struct tn_blk_req *r)
{
    struct cow *c = cow_new(q, r);
    if (!c)
        return -ENOMEM;
    c->io.done = piece_done;
    if (r->op == TN_BLK_READ) {
        next_piece(c);
        return 0;
    }
    c->range.first = r->off / SNAP_CLUSTER * SNAP_CLUSTER;
    c->range.end = (r->off + r->len + SNAP_CLUSTER - 1) / SNAP_CLUSTER * SNAP_CLUSTER;
    c->range.granted = granted;
    c->ranged = 1;
    if (range_take(&snap_of(c)->ranges, &c->range))
        next_piece(c);
    return 0;
}
