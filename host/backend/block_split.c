/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads and writes that the back end does not take as they are: too long, too scattered, not
 * aligned (in the buffer, or on the disk: then a block is read, changed and written back), all
 * zeroes, or to be on stable storage without FUA. One piece after the other. */
#include "block_split.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void rw_next(struct blk_op *o);

/* ---- ranges ---- */

static void granted_here(void *p)
{
    struct blk_op *o = p;
    o->resume(o);
}

static void granted(struct blk_range *r)
{
    struct blk_op *o = (struct blk_op *)(void *)((char *)r - offsetof(struct blk_op, range));
    bh_once(o->q->ctx, NULL, granted_here, o);
}

void op_begin_change(struct blk_op *o, void (*go)(struct blk_op *))
{
    uint64_t mask = o->q->max.block_mask;
    if (mask < BLK_BLOCK) { /* requests are whole blocks already */
        go(o);
        return;
    }
    o->range.first = o->off & ~mask;
    o->range.end = (o->off + o->len + mask) & ~mask;
    o->range.granted = granted;
    o->resume = go;
    o->ranged = 1;
    if (range_take(&o->q->b->ranges, &o->range))
        go(o);
}

/* ---- the last step ---- */

int op_needs_flush(const struct blk_op *o)
{
    return (o->flags & TN_BLKR_FUA) && !(o->q->b->info.flags & TN_BLKF_FUA);
}

static void flushed(struct blk_io *io, int err)
{
    op_end((struct blk_op *)io, err);
}

void op_send(struct blk_op *o, uint32_t op, uint64_t off, uint64_t len, const struct tn_iov *v,
             uint32_t n, void (*done)(struct blk_io *, int))
{
    uint32_t fua =
        op != TN_BLK_READ && op != TN_BLK_FLUSH && (o->flags & TN_BLKR_FUA) && !op_needs_flush(o);
    o->io.r.op = op;
    o->io.r.off = off;
    o->io.r.len = len;
    o->io.r.iov = v;
    o->io.r.niov = n;
    o->io.r.flags = (fua ? (uint32_t)TN_BLKR_FUA : 0) |
                    (op == TN_BLK_WRITE_ZEROES ? o->flags & TN_BLKR_UNMAP : 0);
    o->io.done = done;
    lane_submit(o->q->lane, &o->io);
    lane_flush(o->q->lane);
}

void op_all_written(struct blk_op *o)
{
    if (op_needs_flush(o))
        op_send(o, TN_BLK_FLUSH, 0, 0, NULL, 0, flushed);
    else
        op_end(o, 0);
}

/* ---- pieces through a buffer ---- */

static uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

int op_bounce(struct blk_op *o, uint64_t want)
{
    uint64_t align = o->q->max.mem_mask + 1;
    if (o->bounce)
        return 0;
    align = align > 4096 ? align : 4096;
    o->bounce = aligned_alloc(align, (want + align - 1) & ~(align - 1));
    return o->bounce ? 0 : -ENOMEM;
}

/* What of the rest one buffer can carry, by whole blocks around it. */
static void choose_piece(struct blk_op *o)
{
    const struct blk_limits *max = &o->q->max;
    uint64_t at = o->off + o->pos, end = o->off + o->len;
    uint64_t most = min_u64(BOUNCE_MOST > max->block_mask ? BOUNCE_MOST : max->block_mask + 1,
                            max->max_transfer);
    o->first = at & ~max->block_mask;
    o->whole = min_u64(((end + max->block_mask) & ~max->block_mask) - o->first, most);
    o->piece = min_u64(end, o->first + o->whole) - at;
}

static void piece_done(struct blk_io *io, int err)
{
    struct blk_op *o = (struct blk_op *)io;
    if (err) {
        op_end(o, err);
        return;
    }
    o->pos += o->piece;
    o->resume(o);
}

static void bounce_io(struct blk_op *o, uint32_t op, uint64_t at, uint64_t len,
                      void (*done)(struct blk_io *, int))
{
    o->one = (struct tn_iov){(char *)o->bounce + (at - o->first), len};
    op_send(o, op, at, len, &o->one, 1, done);
}

static void bounced_read(struct blk_io *io, int err)
{
    struct blk_op *o = (struct blk_op *)io;
    uint64_t skip = o->off + o->pos - o->first;
    if (!err)
        iov_scatter(o->v, o->n, o->pos, (char *)o->bounce + skip, o->piece);
    piece_done(io, err);
}

static void write_back(struct blk_op *o)
{
    char *at = (char *)o->bounce + (o->off + o->pos - o->first);
    if (o->op == TN_BLK_WRITE)
        iov_gather(at, o->v, o->n, o->pos, o->piece);
    else
        memset(at, 0, o->piece);
    bounce_io(o, TN_BLK_WRITE, o->first, o->whole, piece_done);
}

static void tail_read(struct blk_io *io, int err)
{
    struct blk_op *o = (struct blk_op *)io;
    if (err)
        op_end(o, err);
    else
        write_back(o);
}

static void read_tail(struct blk_op *o)
{
    uint64_t block = o->q->max.block_mask + 1, last = o->first + o->whole - block;
    if ((o->off + o->pos + o->piece) & (block - 1) &&
        (last != o->first || o->off + o->pos == o->first))
        bounce_io(o, TN_BLK_READ, last, block, tail_read);
    else
        write_back(o);
}

static void head_read(struct blk_io *io, int err)
{
    struct blk_op *o = (struct blk_op *)io;
    if (err)
        op_end(o, err);
    else
        read_tail(o);
}

void op_bounce_write(struct blk_op *o, void (*next)(struct blk_op *))
{
    choose_piece(o);
    o->resume = next;
    if (op_bounce(o, o->whole) < 0)
        op_end_soon(o, -ENOMEM);
    else if (o->off + o->pos != o->first)
        bounce_io(o, TN_BLK_READ, o->first, o->q->max.block_mask + 1, head_read);
    else
        read_tail(o);
}

static void bounce_piece(struct blk_op *o)
{
    if (o->op != TN_BLK_READ) {
        op_bounce_write(o, rw_next);
        return;
    }
    choose_piece(o);
    o->resume = rw_next;
    if (op_bounce(o, o->whole) < 0)
        op_end_soon(o, -ENOMEM);
    else
        bounce_io(o, TN_BLK_READ, o->first, o->whole, bounced_read);
}

/* ---- pieces as they are ---- */

/* Aligned buffers in o->slice for the next whole blocks; how many, and *len; 0 if there are none.
 */
static uint32_t direct_slice(struct blk_op *o, uint64_t *len)
{
    const struct blk_limits *max = &o->q->max;
    uint32_t most = o->n < max->max_iov ? o->n : max->max_iov, n;
    uint64_t whole = min_u64(o->len - o->pos, max->max_transfer) & ~max->block_mask;
    if (((o->off + o->pos) & max->block_mask) || !whole)
        return 0;
    if (!o->slice && !(o->slice = calloc(most, sizeof *o->slice)))
        return 0;
    do { /* what does not fit into so many buffers may end inside a block */
        *len = whole;
        n = iov_slice(o->slice, most, o->v, o->n, o->pos, len);
        whole = *len & ~max->block_mask;
    } while (whole && whole != *len);
    for (uint32_t i = 0; i < n; i++)
        if (((uintptr_t)o->slice[i].base & max->mem_mask) ||
            (n > 1 && (o->slice[i].len & max->block_mask)))
            return 0;
    return whole ? n : 0;
}

static void rw_next(struct blk_op *o)
{
    uint64_t len;
    if (o->pos == o->len) {
        if (o->op == TN_BLK_READ)
            op_end(o, 0);
        else
            op_all_written(o);
        return;
    }
    uint32_t n = direct_slice(o, &len);
    if (!n) {
        bounce_piece(o);
        return;
    }
    o->piece = len;
    o->resume = rw_next;
    op_send(o, o->op, o->off + o->pos, len, o->slice, n, piece_done);
}

void op_rw(struct blk_op *o)
{
    enum blk_detect detect = o->q->b->detect;
    if (!o->len) {
        op_end_soon(o, 0);
    } else if (o->op == TN_BLK_READ) {
        rw_next(o);
    } else if (detect && iov_is_zero(o->v, o->n)) {
        o->op = TN_BLK_WRITE_ZEROES;
        o->flags |= detect == BLK_DETECT_UNMAP ? (uint32_t)TN_BLKR_UNMAP : 0;
        op_zeroes(o);
    } else {
        op_begin_change(o, rw_next);
    }
}
