/* SPDX-License-Identifier: BSD-2-Clause */
#include "pflash_store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 256 }; /* units of one request */

static uint32_t units(const struct pflash_store *s)
{
    return (uint32_t)(s->size / PFLASH_UNIT);
}

int pflash_store_busy(const struct pflash_store *s)
{
    return s->n || (s->nstale && !s->held);
}

/* ---- writing ---- */

static void mark_units(struct pflash_store *s, uint32_t first, uint32_t n)
{
    for (uint32_t i = first; i < first + n; i++) {
        s->nstale += !s->stale[i];
        s->stale[i] = 1;
    }
}

void pflash_store_mark(struct pflash_store *s, uint64_t off, uint64_t len)
{
    if (!s->queue || !len)
        return;
    uint32_t first = (uint32_t)(off / PFLASH_UNIT),
             last = (uint32_t)((off + len - 1) / PFLASH_UNIT);
    mark_units(s, first, last - first + 1);
    s->loop->kick(s->next);
}

/* The first run of units that are stale, from which on they are not. */
static void take_run(struct pflash_store *s)
{
    uint32_t end = units(s);
    for (s->first = 0; s->first < end && !s->stale[s->first];)
        s->first++;
    for (s->n = 0; s->n < MOST && s->first + s->n < end && s->stale[s->first + s->n]; s->n++)
        s->stale[s->first + s->n] = 0;
    s->nstale -= s->n;
}

static void write_next(void *self);

/* What policy says: the machine stops and the units are written when it goes on; or they are lost.
 */
static void write_failed(struct pflash_store *s, int err)
{
    int policy = s->block->on_error(s->blk, TN_BLK_WRITE, err, TN_BLKE_AUTO);
    if (policy == 2) {
        mark_units(s, s->first, s->n);
        s->held = 1;
    } else if (policy == 0) {
        s->failed(s->dev, err);
    }
}

static void written(void *self, int err)
{
    struct pflash_store *s = self;
    if (err < 0)
        write_failed(s, err);
    s->n = 0;
    write_next(s);
}

static void submit_run(struct pflash_store *s)
{
    uint64_t off = (uint64_t)s->first * PFLASH_UNIT, len = (uint64_t)s->n * PFLASH_UNIT;
    s->iov = (struct tn_iov){s->array + off, len};
    int err = s->block->submit(s->queue, TN_BLK_WRITE, off, len, &s->iov, 1, 0, written, s);
    s->block->flush_batch(s->queue);
    if (err < 0) { /* out of memory or the like: not before the machine stops and goes on */
        mark_units(s, s->first, s->n);
        s->n = 0;
        s->held = 1;
        s->failed(s->dev, err);
    }
}

/* Bottom half. One run at a time: what is written twice ends as what came last. */
static void write_next(void *self)
{
    struct pflash_store *s = self;
    if (s->n || (s->drained && s->nstale))
        return;
    if (s->nstale && !s->held) {
        take_run(s);
        submit_run(s);
    }
    if (!pflash_store_busy(s))
        s->settled(s->dev);
}

void pflash_store_resume(struct pflash_store *s)
{
    s->held = 0;
    if (s->queue && s->nstale)
        s->loop->kick(s->next);
}

static void drain_begin(void *self)
{
    ((struct pflash_store *)self)->drained = 1;
}

static void drain_end(void *self)
{
    struct pflash_store *s = self;
    s->drained = 0;
    s->loop->kick(s->next);
}

static const struct tn_blk_ops block_ops = {
    .struct_size = sizeof block_ops, .drain_begin = drain_begin, .drain_end = drain_end};

/* ---- opening ---- */

static void read_done(void *self, int err)
{
    struct pflash_store *s = self;
    s->loaded(s->dev, err);
}

int pflash_store_load(struct pflash_store *s)
{
    s->iov = (struct tn_iov){s->array, s->size};
    int err = s->block->submit(s->queue, TN_BLK_READ, 0, s->size, &s->iov, 1, 0, read_done, s);
    s->block->flush_batch(s->queue);
    return err;
}

/* As large as the array, in blocks that its units are made of. */
static int check_info(const struct pflash_store *s, const struct tn_blk_info *i, struct tn_err *e)
{
    if (i->size != s->size)
        return tn_fail(s->dev, e, EINVAL,
                       "device requires %llu bytes, block backend provides %llu bytes",
                       (unsigned long long)s->size, (unsigned long long)i->size);
    if (i->logical > PFLASH_UNIT)
        return tn_fail(s->dev, e, EINVAL, "its drive has blocks of %u bytes, 4096 are the most",
                       i->logical);
    return 0;
}

int pflash_store_open(struct pflash_store *s, uint32_t *writable, struct tn_err *e)
{
    struct tn_blk_info info = {.struct_size = sizeof info};
    s->block = TN_GET(s->dev, struct tn_block, TN_BLOCK_1);
    s->loop = TN_GET(s->dev, struct tn_loop, TN_LOOP_1);
    int err = s->block->info(s->blk, &info);
    if (err < 0 || (err = check_info(s, &info, e)) < 0)
        return err;
    if (info.flags & TN_BLKF_READONLY)
        *writable = 0;
    err = s->block->attach(s->blk, s->dev, *writable ? TN_BLKA_WRITE : 0, &block_ops, s, e);
    if (err < 0)
        return err;
    s->queue = s->block->queue(s->blk, s->loop->home(s->dev), 0);
    s->next = s->loop->bh(s->dev, NULL, 0, write_next, s);
    s->stale = calloc(units(s), 1);
    if (!s->queue || !s->next || !s->stale)
        return tn_fail(s->dev, e, ENOMEM, "no memory for what is to be written");
    return 0;
}

void pflash_store_free(struct pflash_store *s)
{
    free(s->stale);
}
