/* SPDX-License-Identifier: BSD-2-Clause */
/* WRITE_ZEROES, DISCARD and SECURE_ERASE, and what takes their place where the back end has them
 * not. */
#include "block_split.h"

#include <errno.h>
#include <string.h>

enum {
    ZEROES_MOST = 1 << 30
}; /* bytes of one request: a 32-bit length is what some protocols have */

static void zeroes_next(struct blk_op *o);
static void discard_next(struct blk_op *o);

static int is_unsupported(int err)
{
    return err == -ENOTSUP || err == -ENOSYS || err == -ENOTTY;
}

static int can(const struct tn_blk *b, uint32_t op, uint32_t flag)
{
    return (b->info.flags & flag) && !(__atomic_load_n(&b->cannot, __ATOMIC_RELAXED) >> op & 1);
}

/* ---- zeroes ---- */

static void zeroed(struct blk_io *io, int err)
{
    struct blk_op *o = (struct blk_op *)io;
    if (is_unsupported(err) && o->io.r.op == TN_BLK_WRITE_ZEROES) {
        __atomic_or_fetch(&o->q->b->cannot, 1u << TN_BLK_WRITE_ZEROES, __ATOMIC_RELAXED);
        zeroes_next(o);
        return;
    }
    if (err) {
        op_end(o, err);
        return;
    }
    o->pos += o->piece;
    zeroes_next(o);
}

static void write_zeroes(struct blk_op *o, uint64_t whole)
{
    uint64_t most = o->q->max.max_transfer < BOUNCE_MOST ? o->q->max.max_transfer : BOUNCE_MOST;
    o->piece = whole < most ? whole : most;
    if (op_bounce(o, o->piece) < 0) {
        op_end_soon(o, -ENOMEM);
        return;
    }
    memset(o->bounce, 0, o->piece);
    o->one = (struct tn_iov){o->bounce, o->piece};
    op_send(o, TN_BLK_WRITE, o->off + o->pos, o->piece, &o->one, 1, zeroed);
}

/* Parts of blocks at both ends are written back with the rest of their block. */
static void zeroes_next(struct blk_op *o)
{
    uint64_t mask = o->q->max.block_mask, rest = o->len - o->pos, whole = rest & ~mask;
    if (!rest)
        op_all_written(o);
    else if (((o->off + o->pos) & mask) || !whole)
        op_bounce_write(o, zeroes_next);
    else if (!can(o->q->b, TN_BLK_WRITE_ZEROES, TN_BLKF_WRITE_ZEROES))
        write_zeroes(o, whole);
    else {
        o->piece = whole < ZEROES_MOST ? whole : ZEROES_MOST & ~mask;
        op_send(o, TN_BLK_WRITE_ZEROES, o->off + o->pos, o->piece, NULL, 0, zeroed);
    }
}

void op_zeroes(struct blk_op *o)
{
    if (!o->q->b->unmap)
        o->flags &= ~(uint32_t)TN_BLKR_UNMAP;
    if (o->len)
        op_begin_change(o, zeroes_next);
    else
        op_end_soon(o, 0);
}

/* ---- discard ---- */

static void discarded(struct blk_io *io, int err)
{
    struct blk_op *o = (struct blk_op *)io;
    if (is_unsupported(err) && o->op == TN_BLK_DISCARD) { /* nobody relies on it */
        __atomic_or_fetch(&o->q->b->cannot, 1u << TN_BLK_DISCARD, __ATOMIC_RELAXED);
        op_end(o, 0);
        return;
    }
    if (err) {
        op_end(o, err);
        return;
    }
    o->pos += o->piece;
    discard_next(o);
}

static uint64_t granularity(const struct tn_blk *b)
{
    uint64_t align =
        b->info.discard_align > b->info.logical ? b->info.discard_align : b->info.logical;
    return align ? align : 1;
}

/* o->first .. o->first + o->whole is what there is to do, in whole units. */
static void discard_next(struct blk_op *o)
{
    uint64_t unit = granularity(o->q->b), most = o->q->max.max_discard / unit * unit;
    if (o->pos == o->whole) {
        op_end(o, 0);
        return;
    }
    o->piece = o->whole - o->pos;
    if (o->piece > most)
        o->piece = most ? most : unit;
    op_send(o, o->op, o->first + o->pos, o->piece, NULL, 0, discarded);
}

void op_discard(struct blk_op *o)
{
    const struct tn_blk *b = o->q->b;
    uint64_t unit = o->op == TN_BLK_DISCARD ? granularity(b)
                    : b->info.logical       ? b->info.logical
                                            : 1;
    uint64_t first = (o->off + unit - 1) / unit * unit, end = (o->off + o->len) / unit * unit;
    int erase = o->op == TN_BLK_SECURE_ERASE;
    if (erase &&
        (!(b->info.flags & TN_BLKF_SECURE_ERASE) || first != o->off || end != o->off + o->len)) {
        op_end_soon(o, -ENOTSUP);
        return;
    }
    if (end <= first || (!erase && (!b->unmap || !can(b, TN_BLK_DISCARD, TN_BLKF_DISCARD)))) {
        op_end_soon(o, 0);
        return;
    }
    o->first = first;
    o->whole = end - first;
    discard_next(o);
}
