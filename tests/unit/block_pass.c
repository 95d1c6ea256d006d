/* SPDX-License-Identifier: BSD-2-Clause */
/* A filter as a plugin writes it: nothing but the public tables. */
#include "block_mem.h"

#include "util/alloc.h"

struct pass {
    struct tn_dev *dev;
    struct tn_blk *file;
    const struct tn_block *block;
    const struct tn_blk_feed *feed;
};

struct pass_queue {
    struct pass *p;
    struct tn_blkq *below;
};

static void pass_resized(void *s)
{
    struct pass *p = s;
    p->feed->changed(p->dev);
}

static const struct tn_blk_ops pass_front = {.struct_size = sizeof pass_front,
                                             .resized = pass_resized};

static int pass_init(void *s, struct tn_dev *d)
{
    ((struct pass *)s)->dev = d;
    return 0;
}

static int pass_realize(void *s, struct tn_err *e)
{
    struct pass *p = s;
    p->block = TN_GET(p->dev, struct tn_block, TN_BLOCK_1);
    p->feed = TN_GET(p->dev, struct tn_blk_feed, TN_BLOCK_FEED_1);
    return p->block->attach(p->file, p->dev, TN_BLKA_WRITE, &pass_front, p, e);
}

static int pass_info(void *s, struct tn_blk_info *out)
{
    struct pass *p = s;
    return p->block->info(p->file, out);
}

static void *pass_queue(void *s, struct tn_ctx *c, struct tn_err *e)
{
    struct pass_queue *q = XNEW(struct pass_queue);
    (void)e;
    q->p = s;
    q->below = q->p->block->queue(q->p->file, c, TN_LF_NOLOCK);
    return q;
}

static void pass_done(void *arg, int err)
{
    struct tn_blk_req *r = arg;
    struct pass *p = (struct pass *)(uintptr_t)r->own[0];
    p->feed->done(p->dev, r, err);
}

static int pass_submit(void *s, struct tn_blk_req *r)
{
    struct pass_queue *q = s;
    r->own[0] = (uintptr_t)q->p;
    return q->p->block->submit(q->below, r->op, r->off, r->len, r->iov, r->niov, r->flags,
                               pass_done, r);
}

static void pass_flush(void *s)
{
    struct pass_queue *q = s;
    q->p->block->flush_batch(q->below);
}

static const struct tn_blk_backend pass_ops = {
    .struct_size = sizeof pass_ops,
    .info = pass_info,
    .queue = pass_queue,
    .queue_del = free,
    .submit = pass_submit,
    .flush_batch = pass_flush,
};

static const struct tn_prop pass_props[] = {
    TN_PROP_REF(struct pass, file, "file", DRIVE, TN_PF_REQUIRED, NULL),
};

const struct tn_class pass_class = {
    .struct_size = sizeof pass_class,
    .kind = TN_K_BLOCK,
    .name = "pass",
    .instance_size = sizeof(struct pass),
    .props = pass_props,
    .nprops = sizeof pass_props / sizeof pass_props[0],
    .prop_stride = sizeof pass_props[0],
    .bus_ops = &pass_ops,
    .init = pass_init,
    .realize = pass_realize,
};
