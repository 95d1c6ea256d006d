/* SPDX-License-Identifier: BSD-2-Clause */
/* Steps that block_split.c and block_unmap.c share. All in the queue's context. */
#ifndef TN_HOST_BLOCK_SPLIT_H
#define TN_HOST_BLOCK_SPLIT_H
#include "block_impl.h"

enum { BOUNCE_MOST = 256 << 10 }; /* bytes of one piece that is copied */

/* Calls go(o), now or later, once nobody else changes the blocks that o touches. */
void op_begin_change(struct blk_op *o, void (*go)(struct blk_op *));
/* One step; done is called with o's io. */
void op_send(struct blk_op *o, uint32_t op, uint64_t off, uint64_t len, const struct tn_iov *v,
             uint32_t n, void (*done)(struct blk_io *, int));
/* Writes the next piece through a buffer, with what else is in its first and last block, adds it to
 * o->pos and calls next(o). */
void op_bounce_write(struct blk_op *o, void (*next)(struct blk_op *));
int op_bounce(struct blk_op *o, uint64_t want); /* there is a buffer: 0 or -ENOMEM */
/* The data is there: FUA, then the end. Not inside submit. */
void op_all_written(struct blk_op *o);

#endif
