/* SPDX-License-Identifier: BSD-2-Clause */
/* A disk that changes while it is used: drained, asked anew, resized. Main thread. */
#include "block_runtime.h"

#include <errno.h>

/* ---- drained, and changed ---- */

static void call_front(struct blk_front *f, void (*fn)(void *))
{
    if (!fn)
        return;
    int entered = domain_enter(f->dev->domain);
    fn(f->s);
    domain_leave(f->dev->domain, entered);
}

static int is_idle(const struct blk_front *f)
{
    const struct tn_blkq *q;
    LIST_FOREACH(q, &f->queues, link)
    if (__atomic_load_n(&q->inflight, __ATOMIC_ACQUIRE))
        return 0;
    return 1;
}

/* A context that was in the middle of a batch may have submitted more of it; now it knows. */
static void let_go_of_batches(const struct blk_front *f)
{
    const struct tn_blkq *q;
    LIST_FOREACH(q, &f->queues, link)
    loop_drain(q->ctx);
}

void block_drain_begin(struct tn_blk *b)
{
    struct blk_front *f = b->front;
    if (b->drained++ || !f)
        return;
    call_front(f, TN_HAS(f->ops, drain_begin) ? f->ops->drain_begin : NULL);
    let_go_of_batches(f);
    blk_hurry(b, 1);
    while (b->front == f && !is_idle(f))
        loop_once(b->dev->vm->main, 1000000u);
    blk_hurry(b, 0);
}

void block_drain_end(struct tn_blk *b)
{
    if (--b->drained || !b->front)
        return;
    call_front(b->front, TN_HAS(b->front->ops, drain_end) ? b->front->ops->drain_end : NULL);
}

struct tn_blk *block_root(struct tn_blk *b)
{
    while (b->parent)
        b = b->parent;
    return b;
}

void block_take_changes(struct tn_blk *b)
{
    struct tn_blkq *q;
    for (;; b = b->parent) {
        struct tn_blk_info i;
        if (b->opened && blk_read_info(b, &i) == 0 && blk_is_sane(&i))
            b->info = i;
        if (!b->parent)
            break;
    }
    if (!b->front)
        return;
    LIST_FOREACH(q, &b->front->queues, link)
    blkq_limits(q);
}

/* Main thread: nothing may be in flight while limits and size change. */
void blk_changed(void *p)
{
    struct tn_blk *b = p, *root = block_root(b);
    if (!__atomic_exchange_n(&b->changed, 0, __ATOMIC_ACQ_REL))
        return;
    block_drain_begin(root);
    block_take_changes(b);
    block_drain_end(root);
    if (root->front)
        call_front(root->front,
                   TN_HAS(root->front->ops, resized) ? root->front->ops->resized : NULL);
}

/* ---- resize ---- */

static int do_resize(struct tn_blk *b, uint64_t size, struct tn_err *e)
{
    while (b->elided)
        b = b->elided;
    if (!TN_HAS(b->be, resize))
        return err_set(e, ENOTSUP, "Image format driver does not support resize");
    int entered = domain_enter(b->dev->domain);
    int r = b->be->resize(b->dev->pub.self, size, e);
    domain_leave(b->dev->domain, entered);
    if (r == 0)
        block_take_changes(b);
    return r;
}

int block_resize(struct vm *vm, const char *name, uint64_t size, struct tn_err *e)
{
    struct tn_blk *b = blk_of(block_find(vm, name));
    return b ? block_resize_disk(b, size, e)
             : err_set(e, ENOENT, "Cannot find device='%s' nor node-name='%s'", name, name);
}

int block_resize_disk(struct tn_blk *b, uint64_t size, struct tn_err *e)
{
    if (size > INT64_MAX - (1u << 20))
        return err_set(e, EINVAL, "Parameter 'size' expects a size within the reach of a file");
    struct tn_blk *root = block_root(b);
    if (b->read_only || (b->info.flags & TN_BLKF_READONLY))
        return err_set(e, EACCES, "Block node is read-only");
    block_drain_begin(root);
    int r = do_resize(b, size, e);
    block_drain_end(root);
    if (r == 0 && root->front)
        call_front(root->front,
                   TN_HAS(root->front->ops, resized) ? root->front->ops->resized : NULL);
    return r;
}
