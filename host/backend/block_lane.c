/* SPDX-License-Identifier: BSD-2-Clause */
/* A node within one context: the way to the back end and from it. */
#include "block_impl.h"

#include "util/alloc.h"
#include <errno.h>
#include <stdlib.h>

void blk_list_add(struct blk_list *l, struct blk_io *io)
{
    io->next = NULL;
    if (!l->first)
        l->end = &l->first;
    *l->end = io;
    l->end = &io->next;
}

struct blk_io *blk_list_take(struct blk_list *l)
{
    struct blk_io *io = l->first;
    if (io)
        l->first = io->next;
    return io;
}

/* ---- life ---- */

static void tell_ended(void *p)
{
    struct blk_lane *l = p;
    struct blk_list now = l->ended; /* what ends meanwhile is for the next round */
    l->ended.first = NULL;
    for (struct blk_io *io; (io = blk_list_take(&now));)
        io->done(io, io->err);
}

static struct blk_lane *lane_new(struct tn_blk *b, struct tn_ctx *c, struct tn_err *e)
{
    void *q = b->be->queue(b->dev->pub.self, c, e);
    if (!q) {
        err_set(e, ENOMEM, "%s: no queue for another context", device_id(b->dev));
        return NULL;
    }
    struct blk_lane *l = XNEW(struct blk_lane);
    *l = (struct blk_lane){.b = b, .ctx = c, .q = q};
    l->bh = bh_new(c, NULL, TN_LF_NOLOCK, tell_ended, l);
    LIST_INSERT_HEAD(&b->lanes, l, link);
    return l;
}

struct blk_lane *lane_get(struct tn_blk *b, struct tn_ctx *c, struct tn_err *e)
{
    struct blk_lane *l;
    while (b->elided)
        b = b->elided;
    LIST_FOREACH(l, &b->lanes, link)
    if (l->ctx == c)
        break;
    if (!l && !(l = lane_new(b, c, e)))
        return NULL;
    l->refs++;
    return l;
}

void lane_put(struct blk_lane *l)
{
    if (!l || --l->refs)
        return;
    LIST_REMOVE(l, link);
    if (TN_HAS(l->b->be, queue_del))
        l->b->be->queue_del(l->q);
    bh_del(l->bh);
    free(l);
}

/* ---- down ---- */

void lane_end(struct blk_lane *l, struct blk_io *io, int err)
{
    io->lane = NULL;
    io->err = err;
    blk_list_add(&l->ended, io);
    bh_kick(l->bh);
}

/* -EAGAIN with nothing in flight would wait for ever. */
static int is_full(const struct blk_lane *l, int r)
{
    return r == -EAGAIN && l->inflight;
}

static int hand_over(struct blk_lane *l, struct blk_io *io)
{
    l->inflight++;
    int r = l->b->be->submit(l->q, &io->r);
    if (__builtin_expect(r < 0, 0))
        l->inflight--;
    return r;
}

void lane_submit(struct blk_lane *l, struct blk_io *io)
{
    io->lane = l;
    io->r.struct_size = sizeof io->r;
    if (__builtin_expect(io->r.op == TN_BLK_FLUSH && l->b->no_flush, 0)) {
        lane_end(l, io, 0);
        return;
    }
    if (__builtin_expect(l->full.first != NULL, 0)) {
        blk_list_add(&l->full, io);
        return;
    }
    int r = hand_over(l, io);
    if (__builtin_expect(r == 0, 1))
        return;
    if (is_full(l, r))
        blk_list_add(&l->full, io);
    else
        lane_end(l, io, r);
}

void lane_pass(struct blk_lane *l, struct tn_blk_req *r)
{
    struct blk_io *io = (struct blk_io *)r;
    io->lane->inflight--;
    lane_submit(l, io);
}

void lane_finish(struct tn_blk_req *r, int err)
{
    struct blk_io *io = (struct blk_io *)r;
    io->lane->inflight--;
    lane_end(io->lane, io, err); /* told by the lane that had it last */
}

void lane_flush(struct blk_lane *l)
{
    if (TN_HAS(l->b->be, flush_batch))
        l->b->be->flush_batch(l->q);
}

int blk_list_remove(struct blk_list *l, struct blk_io *io)
{
    struct blk_io **at = &l->first;
    while (*at && *at != io)
        at = &(*at)->next;
    if (!*at)
        return 0;
    *at = io->next;
    if (!io->next)
        l->end = at;
    return 1;
}

void lane_cancel(struct blk_io *io)
{
    struct blk_lane *l = io->lane;
    if (blk_list_remove(&l->full, io))
        lane_end(l, io, -ECANCELED);
    else if (TN_HAS(l->b->be, cancel))
        l->b->be->cancel(l->q, &io->r);
}

/* ---- up ---- */

static void retry(struct blk_lane *l)
{
    while (l->full.first) {
        struct blk_io *io = l->full.first;
        int r = hand_over(l, io);
        if (is_full(l, r))
            break;
        blk_list_take(&l->full); /* still the first one: nothing is told inside submit */
        if (r < 0)
            lane_end(l, io, r);
    }
    lane_flush(l);
}

static void t_done(struct tn_dev *d, struct tn_blk_req *r, int err)
{
    struct blk_io *io = (struct blk_io *)r;
    struct blk_lane *l = io->lane;
    (void)d;
    l->inflight--;
    io->lane = NULL;
    io->done(io, err);
    if (__builtin_expect(l->full.first != NULL, 0))
        retry(l);
}

static void t_changed(struct tn_dev *d)
{
    struct tn_blk *b = device_of(d)->handle;
    if (b && b->bh) {
        __atomic_store_n(&b->changed, 1, __ATOMIC_RELEASE);
        bh_kick(b->bh);
    }
}

const struct tn_blk_feed block_feed_table = {
    .struct_size = sizeof block_feed_table,
    .rev = 1,
    .done = t_done,
    .changed = t_changed,
};
