/* SPDX-License-Identifier: BSD-2-Clause */
/* The handle: a node's life, who is attached to it, and the table that front ends call. */
#include "block_impl.h"

#include "util/alloc.h"
#include "vm/run.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- life ---- */

static void changed_soon(void *p);

static void release_node(struct managed *m)
{
    struct tn_blk *b = (struct tn_blk *)m;
    managed_del(m);
    b->dev->handle = NULL;
    bh_del(b->bh);
    ranges_free(&b->ranges);
    free(b->drive);
    free(b);
}

struct tn_blk *block_create(struct device *d)
{
    const struct tn_blk_backend *be = d->pub.cls->bus_ops;
    if (d->handle || !TN_HAS(be, info) || !TN_HAS(be, queue) || !TN_HAS(be, submit))
        return d->handle;
    struct tn_blk *b = XNEW(struct tn_blk);
    b->m.release = release_node;
    b->dev = d;
    b->be = be;
    b->write_back = 1;
    b->ticks0 = blk_ticks();
    b->ns0 = clock_now(&d->vm->clock, TN_CLK_REAL);
    LIST_INIT(&b->lanes);
    ranges_init(&b->ranges);
    b->bh = bh_new(d->vm->main, NULL, TN_LF_NOLOCK, changed_soon, b);
    managed_add(d, &b->m);
    d->handle = b;
    d->handle_type = TN_P_DRIVE;
    return b;
}

struct tn_blk *blk_of(struct device *d)
{
    return d && d->handle_type == TN_P_DRIVE ? d->handle : NULL;
}

struct device *block_find(struct vm *vm, const char *name)
{
    struct device *d;
    TAILQ_FOREACH(d, &vm->devices, all)
    {
        struct tn_blk *b = d->entry->kind == TN_K_BLOCK ? blk_of(d) : NULL;
        if (b && b->drive && strcmp(b->drive, name) == 0)
            return d;
    }
    return device_find(vm, TN_K_BLOCK, name);
}

struct device *block_protocol(struct device *d)
{
    while (blk_of(d)->below)
        d = blk_of(d)->below->dev;
    return d;
}

int blk_adopt(struct tn_blk *parent, struct tn_blk *b, struct tn_err *e)
{
    if (b->parent || b->front)
        return err_set(e, EBUSY, "Permission conflict on node '%s': it is in use by '%s' already",
                       device_id(b->dev), device_id(b->parent ? b->parent->dev : b->front->dev));
    b->parent = parent;
    b->dev->holds++;
    if (!parent->below)
        parent->below = b;
    return 0;
}

void blk_release(struct tn_blk *b)
{
    if (!b)
        return;
    b->parent = NULL;
    b->dev->holds--;
}

void blk_hurry(struct tn_blk *b, int on)
{
    for (; b; b = b->below)
        if (b->hurry)
            b->hurry(b, on);
}

/* ---- what a node says of itself ---- */

int blk_info_out(const struct tn_blk_info *from, struct tn_blk_info *out)
{
    uint32_t size = out->struct_size < sizeof *from ? out->struct_size : (uint32_t)sizeof *from;
    if (size < 2 * sizeof(uint32_t))
        return -EINVAL;
    memcpy((char *)out + sizeof(uint32_t), (const char *)from + sizeof(uint32_t),
           size - sizeof(uint32_t));
    return 0;
}

static int is_power_of_2(uint64_t v)
{
    return v && !(v & (v - 1));
}

static int read_info(struct tn_blk *b, struct tn_blk_info *i)
{
    *i = (struct tn_blk_info){.struct_size = sizeof *i, .logical = 1};
    int entered = domain_enter(b->dev->domain);
    int r = b->be->info(b->dev->pub.self, i);
    domain_leave(b->dev->domain, entered);
    return r;
}

static int is_sane(const struct tn_blk_info *i)
{
    return is_power_of_2(i->logical) && i->logical <= 1u << 20 &&
           (!i->mem_align || (is_power_of_2(i->mem_align) && i->mem_align <= 1u << 20)) &&
           i->size <= (uint64_t)INT64_MAX - (1u << 20);
}

int blk_opened(struct tn_blk *b, struct tn_err *e)
{
    struct tn_blk_info i;
    int r = read_info(b, &i);
    if (r < 0)
        return err_set(e, -r, "%s: %s", device_id(b->dev), strerror(-r));
    if (!is_sane(&i))
        return err_set(e, EINVAL, "%s: block size %u, buffer alignment %u, size %llu: not sane",
                       device_id(b->dev), i.logical, i.mem_align, (unsigned long long)i.size);
    b->info = i;
    b->opened = 1;
    b->write_back = !b->writethrough;
    return 0;
}

/* Sizes in whole sectors: a file's last one is filled up with zeroes. What the host's page cache or
 * O_DIRECT want to see is dealt with here and no matter of the guest's. */
void blk_front_info(const struct tn_blk *b, struct tn_blk_info *out)
{
    const struct tn_blk_info *i = &b->info;
    *out = *i;
    out->flags = i->flags & ~(uint32_t)(TN_BLKF_FUA | TN_BLKF_WRITE_CACHE | TN_BLKF_DISCARD);
    out->flags |= __atomic_load_n(&b->write_back, __ATOMIC_RELAXED) ? TN_BLKF_WRITE_CACHE : 0;
    out->flags |= b->unmap ? i->flags & TN_BLKF_DISCARD : 0;
    out->flags |= b->read_only ? TN_BLKF_READONLY : 0;
    if (!(i->flags & TN_BLKF_REMOVABLE))
        out->flags |= TN_BLKF_INSERTED;
    out->size = (i->size + BLK_BLOCK - 1) & ~(uint64_t)(BLK_BLOCK - 1);
    out->logical = BLK_BLOCK;
    out->physical = i->physical > BLK_BLOCK ? i->physical : BLK_BLOCK;
    out->max_transfer = 0; /* split here */
    out->max_iov = 0;
    out->mem_align = 0;
}

static int t_info(struct tn_blk *b, struct tn_blk_info *out)
{
    struct tn_blk_info i;
    blk_front_info(b, &i);
    return blk_info_out(&i, out);
}

int blk_access(struct tn_blk *b, uint32_t flags, struct tn_err *e)
{
    if (!TN_HAS(b->be, access))
        return 0;
    int entered = domain_enter(b->dev->domain);
    int r = b->be->access(b->dev->pub.self, flags, e);
    domain_leave(b->dev->domain, entered);
    return r;
}

/* ---- attaching ---- */

static void release_front(struct managed *m)
{
    struct blk_front *f = (struct blk_front *)m;
    struct tn_blk *b = f->b;
    managed_del(m);
    while (!LIST_EMPTY(&f->queues)) /* newer than f: gone already, as a rule */
        blkq_free(LIST_FIRST(&f->queues));
    b->front = NULL;
    b->dev->holds--;
    blk_access(b, 0, NULL);
    free(f);
}

static const char *user_name(const struct tn_blk *b)
{
    return b->drive ? b->drive : device_id(b->dev);
}

static int may_attach(struct tn_blk *b, uint32_t flags, const struct tn_blk_ops *o,
                      struct tn_err *e)
{
    struct tn_blk_info i;
    blk_front_info(b, &i);
    if (b->front && b->automatic)
        return err_set(
            e, EBUSY,
            "Drive '%s' is already in use because it has been automatically connected to "
            "another device (did you need 'if=none' in the drive options?)",
            b->drive);
    if (b->front && b->drive)
        return err_set(e, EBUSY, "Drive '%s' is already in use by another device", b->drive);
    if (b->front || b->parent)
        return err_set(e, EBUSY, "Permission conflict on node '%s': it is in use by '%s' already",
                       user_name(b), device_id(b->front ? b->front->dev : b->parent->dev));
    if ((flags & TN_BLKA_WRITE) && (i.flags & TN_BLKF_READONLY))
        return err_set(e, EACCES, "Block node is read-only");
    if (!(i.flags & TN_BLKF_INSERTED) && !TN_HAS(o, media))
        return err_set(e, ENOMEDIUM, "Device needs media, but drive is empty");
    return 0;
}

static int t_attach(struct tn_blk *b, struct tn_dev *d, uint32_t flags, const struct tn_blk_ops *o,
                    void *s, struct tn_err *e)
{
    if (!b)
        return err_set(e, EINVAL, "drive property not set");
    flags &= TN_BLKA_WRITE | TN_BLKA_SHARE_RW;
    int r = may_attach(b, flags, o, e);
    if (r == 0)
        r = blk_access(b, flags | TN_BLKA_READ, e);
    if (r < 0)
        return r;
    struct blk_front *f = XNEW(struct blk_front);
    *f = (struct blk_front){
        .m.release = release_front, .b = b, .dev = device_of(d), .ops = o, .s = s};
    LIST_INIT(&f->queues);
    b->front = f;
    b->dev->holds++;
    managed_add(f->dev, &f->m);
    return 0;
}

static struct tn_blkq *t_queue(struct tn_blk *b, struct tn_ctx *c, uint32_t flags)
{
    struct blk_front *f = b ? b->front : NULL;
    struct tn_blkq *q;
    ERR_AUTO e = {0};
    if (!f)
        return NULL;
    c = c ? c : f->dev->home;
    LIST_FOREACH(q, &f->queues, link)
    if (q->ctx == c)
        return q;
    if (!loop_here(b->dev->vm->main) || !(q = blkq_new(b, f->dev, c, flags, &e))) {
        log_line(LOG_ERROR, "%s: %s", device_id(f->dev),
                 e.err ? err_text(&e) : "a queue is made by the main thread only");
        return NULL;
    }
    LIST_INSERT_HEAD(&f->queues, q, link);
    return q;
}

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

static struct tn_blk *root_of(struct tn_blk *b)
{
    while (b->parent)
        b = b->parent;
    return b;
}

/* From the node that changed upwards: each says anew what it is. */
static void take_changes(struct tn_blk *b)
{
    struct tn_blkq *q;
    for (;; b = b->parent) {
        struct tn_blk_info i;
        if (b->opened && read_info(b, &i) == 0 && is_sane(&i))
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
static void changed_soon(void *p)
{
    struct tn_blk *b = p, *root = root_of(b);
    if (!__atomic_exchange_n(&b->changed, 0, __ATOMIC_ACQ_REL))
        return;
    block_drain_begin(root);
    take_changes(b);
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
        take_changes(b);
    return r;
}

int block_resize(struct vm *vm, const char *name, uint64_t size, struct tn_err *e)
{
    struct tn_blk *b = blk_of(block_find(vm, name));
    if (!b)
        return err_set(e, ENOENT, "Cannot find device='%s' nor node-name='%s'", name, name);
    if (size > INT64_MAX - (1u << 20))
        return err_set(e, EINVAL, "Parameter 'size' expects a size within the reach of a file");
    struct tn_blk *root = root_of(b);
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

/* ---- errors ---- */

/* block/io: policy of a drive when the device says auto: read errors are reported, a full disk
 * stops the machine. */
static uint32_t policy_of(const struct tn_blk *b, uint32_t op, uint32_t policy)
{
    if (policy == TN_BLKE_AUTO)
        policy = op == TN_BLK_READ ? b->rerror : b->werror;
    if (policy == TN_BLKE_AUTO)
        policy = op == TN_BLK_READ ? TN_BLKE_REPORT : TN_BLKE_ENOSPC;
    return policy;
}

static int t_on_error(struct tn_blk *b, uint32_t op, int err, uint32_t policy)
{
    err = err < 0 ? -err : err;
    switch (policy_of(b, op, policy)) {
    case TN_BLKE_IGNORE:
        return 1;
    case TN_BLKE_ENOSPC:
        if (err != ENOSPC)
            return 0;
        break;
    case TN_BLKE_STOP:
        break;
    default:
        return 0;
    }
    AUTO_FREE char *text =
        xasprintf("%s: %s: %s; the machine is paused", user_name(b),
                  op == TN_BLK_READ ? "read error" : "write error", strerror(err));
    run_io_error(b->dev->vm, text);
    return 2;
}

static int t_write_cache(struct tn_blk *b, uint32_t on)
{
    __atomic_store_n(&b->write_back, on ? 1 : 0, __ATOMIC_RELAXED);
    return 0;
}

/* Removable media come with the first controller that has them. */
static int t_tray(struct tn_blk *b, uint32_t open, uint32_t locked)
{
    (void)b, (void)open, (void)locked;
    return -ENOTSUP;
}

static void t_flush_batch(struct tn_blkq *q)
{
    blkq_flush(q);
}

const struct tn_block block_table = {
    .struct_size = sizeof block_table,
    .rev = 1,
    .attach = t_attach,
    .info = t_info,
    .queue = t_queue,
    .submit = blkq_submit,
    .flush_batch = t_flush_batch,
    .cancel = blkq_cancel,
    .on_error = t_on_error,
    .write_cache = t_write_cache,
    .tray = t_tray,
};
