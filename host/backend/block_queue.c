/* SPDX-License-Identifier: BSD-2-Clause */
/* A front end's queue: its pool of requests, the straight way to the back end, and the way back. */
#include "block_impl.h"

#include "util/alloc.h"
#include <errno.h>
#include <stdlib.h>

enum {
    OPS_A_CHUNK = 64,
    OPS_MOST = 4096 /* more at once are told -EAGAIN */
};

struct blk_chunk {
    struct blk_chunk *next;
    struct blk_op op[OPS_A_CHUNK];
};

/* ---- the pool ---- */

static void pool_grow(struct tn_blkq *q)
{
    struct blk_chunk *c = q->pooled < OPS_MOST ? calloc(1, sizeof *c) : NULL;
    if (!c)
        return;
    c->next = q->chunks;
    q->chunks = c;
    q->pooled += OPS_A_CHUNK;
    for (uint32_t i = 0; i < OPS_A_CHUNK; i++) {
        c->op[i].q = q;
        c->op[i].io.next = (struct blk_io *)q->pool;
        q->pool = &c->op[i];
    }
}

static struct blk_op *op_new(struct tn_blkq *q)
{
    if (__builtin_expect(!q->pool, 0))
        pool_grow(q);
    struct blk_op *o = q->pool;
    if (o)
        q->pool = (struct blk_op *)o->io.next;
    return o;
}

static void op_free(struct blk_op *o)
{
    o->done = NULL;
    o->io.next = (struct blk_io *)o->q->pool;
    o->q->pool = o;
}

/* ---- counting ---- */

static uint32_t account_of(uint32_t op)
{
    switch (op) {
    case TN_BLK_READ:
        return BLOCK_ACCT_READ;
    case TN_BLK_FLUSH:
        return BLOCK_ACCT_FLUSH;
    case TN_BLK_DISCARD:
    case TN_BLK_SECURE_ERASE:
        return BLOCK_ACCT_UNMAP;
    default:
        return BLOCK_ACCT_WRITE;
    }
}

/* Written in the queue's context only; the main thread looks at it. */
static void count_inflight(struct tn_blkq *q, uint32_t by)
{
    __atomic_store_n(&q->inflight, q->inflight + by, __ATOMIC_RELEASE);
}

/* ---- the end of a request ---- */

static void release_parts(struct blk_op *o)
{
    if (o->ranged) {
        range_drop(&o->q->b->ranges, &o->range);
        o->ranged = 0;
    }
    free(o->slice);
    free(o->bounce);
    o->slice = NULL;
    o->bounce = NULL;
}

static void tell(struct blk_op *o, int err)
{
    struct tn_blkq *q = o->q;
    void (*done)(void *, int) = o->done;
    void *arg = o->arg;
    op_free(o);
    if (!__atomic_load_n(&q->stopped, __ATOMIC_ACQUIRE))
        done(arg, err);
    count_inflight(q, ~0u);
}

/* With the front end's lock, unless it wants none. */
static void tell_all(void *p)
{
    struct tn_blkq *q = p;
    struct blk_list now = q->tell;
    q->tell.first = NULL;
    for (struct blk_io *io; (io = blk_list_take(&now));)
        tell((struct blk_op *)io, io->err);
}

/* A back end that completes with a lock of its own held must not get a front end into its way. */
static void finish(struct blk_op *o, int err)
{
    struct tn_blkq *q = o->q;
    if (__builtin_expect(o->ranged || o->slice || o->bounce, 0))
        release_parts(o);
    o->io.lane = NULL;
    if (q->direct && !domain_any_held()) {
        tell(o, err);
    } else {
        o->io.err = err;
        blk_list_add(&q->tell, &o->io);
        bh_kick(q->bh);
    }
}

void op_end(struct blk_op *o, int err)
{
    blk_account(o, err);
    finish(o, err);
}

static void ended(struct blk_io *io, int err)
{
    op_end((struct blk_op *)io, err);
}

static void refused(struct blk_io *io, int err)
{
    struct blk_op *o = (struct blk_op *)io;
    blk_account_invalid(o->q, o->acct);
    finish(o, err);
}

/* ---- the straight way ---- */

/* Can the back end take the buffers as they are? -EINVAL: they are not len bytes. */
static int buffers_fit(const struct blk_limits *max, const struct tn_iov *v, uint32_t n,
                       uint64_t len)
{
    uint64_t sum = 0, bad = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (v[i].len > len - sum)
            return -EINVAL;
        sum += v[i].len;
        bad |= ((uintptr_t)v[i].base & max->mem_mask) | (n > 1 ? v[i].len & max->block_mask : 0);
    }
    return sum != len ? -EINVAL : !bad && n <= max->max_iov;
}

static int is_straight(const struct tn_blkq *q, const struct blk_op *o)
{
    if (((o->off | o->len) & q->max.block_mask) || o->len > q->max.max_transfer)
        return 0;
    return o->op == TN_BLK_READ ||
           (!q->b->detect && q->max.block_mask < BLK_BLOCK && !op_needs_flush(o));
}

static void go_straight(struct blk_op *o)
{
    o->io.r.op = o->op;
    o->io.r.off = o->off;
    o->io.r.len = o->len;
    o->io.r.iov = o->v;
    o->io.r.niov = o->n;
    o->io.r.flags = o->flags;
    o->io.done = ended;
    lane_submit(o->q->lane, &o->io);
}

static void end_soon(struct blk_op *o, int err, void (*done)(struct blk_io *io, int err))
{
    o->io.lane = NULL;
    o->io.done = done;
    lane_end(o->q->lane, &o->io, err);
}

void op_end_soon(struct blk_op *o, int err)
{
    end_soon(o, err, ended);
}

static int is_read_only(const struct tn_blk *b)
{
    return b->read_only || (b->info.flags & TN_BLKF_READONLY);
}

/* What no back end is asked: 0 to go on. */
static int forbidden(const struct tn_blk *b, const struct blk_op *o)
{
    uint64_t size = (b->info.size + (BLK_BLOCK - 1)) & ~(uint64_t)(BLK_BLOCK - 1);
    if (o->op == TN_BLK_FLUSH)
        return 0;
    if ((b->info.flags & (TN_BLKF_REMOVABLE | TN_BLKF_INSERTED)) == TN_BLKF_REMOVABLE)
        return -ENOMEDIUM;
    if (o->off > size || o->len > size - o->off)
        return -EIO;
    return o->op != TN_BLK_READ && is_read_only(b) ? -EPERM : 0;
}

static void start(struct blk_op *o, int fits)
{
    int err = forbidden(o->q->b, o);
    if (__builtin_expect(err != 0, 0)) {
        end_soon(o, err, refused);
        return;
    }
    switch (o->op) {
    case TN_BLK_READ:
    case TN_BLK_WRITE:
        if (__builtin_expect(fits && is_straight(o->q, o), 1))
            go_straight(o);
        else
            op_rw(o);
        break;
    case TN_BLK_FLUSH:
        o->off = o->len = o->n = 0;
        if (is_read_only(o->q->b))
            op_end_soon(o, 0);
        else
            go_straight(o);
        break;
    case TN_BLK_WRITE_ZEROES:
        op_zeroes(o);
        break;
    default:
        op_discard(o);
    }
}

/* With the write cache off every write is FUA; a drive that never flushes has none. */
static uint32_t flags_for(const struct tn_blk *b, uint32_t op, uint32_t flags)
{
    uint32_t fua = TN_BLKR_FUA;
    if (op != TN_BLK_WRITE && op != TN_BLK_WRITE_ZEROES)
        return 0;
    if (b->no_flush)
        return flags & TN_BLKR_UNMAP;
    return (flags & (TN_BLKR_UNMAP | fua)) |
           (__atomic_load_n(&b->write_back, __ATOMIC_RELAXED) ? 0 : fua);
}

static int is_known(uint32_t op)
{
    return op >= TN_BLK_READ && op <= TN_BLK_SECURE_ERASE;
}

int blkq_submit(struct tn_blkq *q, uint32_t op, uint64_t off, uint64_t len, const struct tn_iov *v,
                uint32_t n, uint32_t flags, void (*done)(void *arg, int err), void *arg)
{
    int fits = 1;
    if (!is_known(op))
        return -EINVAL;
    if (op <= TN_BLK_WRITE && (fits = buffers_fit(&q->max, v, n, len)) < 0)
        return -EINVAL;
    struct blk_op *o = op_new(q);
    if (!o)
        return -EAGAIN;
    o->done = done;
    o->arg = arg;
    o->op = op;
    o->off = off;
    o->len = len;
    o->v = v;
    o->n = n;
    o->flags = flags_for(q->b, op, flags);
    o->acct = account_of(op);
    o->pos = 0;
    o->begun = blk_ticks();
    count_inflight(q, 1);
    start(o, fits);
    return 0;
}

void blkq_flush(struct tn_blkq *q)
{
    lane_flush(q->lane);
}

void blkq_refused(struct tn_blkq *q, uint32_t op)
{
    if (is_known(op))
        blk_account_invalid(q, account_of(op));
}

/* What goes step by step is not cancelled: the next step would not know. */
int blkq_cancel(struct tn_blkq *q, void *arg)
{
    for (struct blk_chunk *c = q->chunks; c; c = c->next)
        for (uint32_t i = 0; i < OPS_A_CHUNK; i++) {
            struct blk_op *o = &c->op[i];
            if (!o->done || o->arg != arg || o->io.done != ended || !o->io.lane)
                continue;
            lane_cancel(&o->io);
            return 0;
        }
    return -ENOENT;
}

/* ---- life ---- */

void blkq_limits(struct tn_blkq *q)
{
    const struct tn_blk_info *i = &q->b->info;
    uint64_t all = ~(uint64_t)0;
    q->max.block_mask = i->logical ? i->logical - 1 : 0;
    q->max.mem_mask = i->mem_align ? i->mem_align - 1 : 0;
    if (q->max.block_mask >= BLK_BLOCK && q->max.mem_mask > q->max.block_mask)
        q->max.block_mask = q->max.mem_mask; /* any block of a buffer can be read into then */
    q->max.max_transfer = (i->max_transfer ? i->max_transfer : all) & ~q->max.block_mask;
    if (!q->max.max_transfer)
        q->max.max_transfer = q->max.block_mask + 1;
    q->max.max_discard = i->max_discard ? i->max_discard : all;
    q->max.max_iov = i->max_iov ? i->max_iov : ~(uint32_t)0;
}

static void stop_queue(struct managed *m)
{
    __atomic_store_n(&((struct tn_blkq *)m)->stopped, 1, __ATOMIC_RELEASE);
}

static void release_queue(struct managed *m)
{
    blkq_free((struct tn_blkq *)m);
}

struct tn_blkq *blkq_new(struct tn_blk *b, struct device *dev, struct tn_ctx *c, uint32_t flags,
                         struct tn_err *e)
{
    struct blk_lane *l = lane_get(b, c, e);
    if (!l)
        return NULL;
    struct tn_blkq *q = XNEW(struct tn_blkq);
    *q = (struct tn_blkq){.m = {.stop = stop_queue, .release = release_queue},
                          .b = b,
                          .dev = dev,
                          .ctx = c,
                          .lane = l,
                          .direct = !dev || (flags & TN_LF_NOLOCK)};
    q->bh = bh_new(c, dev, flags & TN_LF_NOLOCK, tell_all, q);
    managed_del(&q->bh->m); /* it goes with q */
    blkq_limits(q);
    pool_grow(q);
    managed_add(dev, &q->m);
    return q;
}

enum { WAIT_MS = 20000 };

/* What the kernel or a peer still holds ends while the main loop runs, or never. */
static int wait_idle(struct tn_blkq *q)
{
    struct vm *vm = q->b->dev->vm;
    uint64_t until = clock_now(&vm->clock, TN_CLK_REAL) + WAIT_MS * (uint64_t)1000000;
    blk_hurry(q->b, 1);
    while (__atomic_load_n(&q->inflight, __ATOMIC_ACQUIRE) &&
           clock_now(&vm->clock, TN_CLK_REAL) < until)
        loop_once(vm->main, 1000000u);
    blk_hurry(q->b, 0);
    loop_drain(q->ctx); /* the last done() has returned to the back end */
    return __atomic_load_n(&q->inflight, __ATOMIC_ACQUIRE) ? -ETIMEDOUT : 0;
}

void blkq_free(struct tn_blkq *q)
{
    managed_del(&q->m);
    __atomic_store_n(&q->stopped, 1, __ATOMIC_RELEASE);
    if (q->dev)
        LIST_REMOVE(q, link);
    if (wait_idle(q) < 0) {
        log_line(LOG_ERROR, "%s: requests do not end, their memory is lost", device_id(q->b->dev));
        return; /* somebody may still write into it */
    }
    blk_stats_add(&q->b->gone, &q->stats);
    bh_del(q->bh);
    lane_put(q->lane);
    for (struct blk_chunk *c = q->chunks, *next; c; c = next) {
        next = c->next;
        free(c);
    }
    free(q);
}
