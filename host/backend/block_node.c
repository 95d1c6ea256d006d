/* SPDX-License-Identifier: BSD-2-Clause */
/* A node: its life, what it stands on, and what it says of itself. */
#include "block_impl.h"

#include "util/alloc.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- life ---- */

static void release_node(struct managed *m)
{
    struct tn_blk *b = (struct tn_blk *)m;
    managed_del(m);
    b->dev->handle = NULL;
    bh_del(b->bh);
    ranges_free(&b->ranges);
    blk_histograms_free(b);
    blk_intervals_free(b);
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
    block_account_set(b, (struct block_accounting){1, 1});
    b->ticks0 = blk_ticks();
    b->ns0 = clock_now(&d->vm->clock, TN_CLK_REAL);
    LIST_INIT(&b->lanes);
    ranges_init(&b->ranges);
    b->bh = bh_new(d->vm->main, NULL, TN_LF_NOLOCK, blk_changed, b);
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

int blk_read_info(struct tn_blk *b, struct tn_blk_info *i)
{
    *i = (struct tn_blk_info){.struct_size = sizeof *i, .logical = 1};
    int entered = domain_enter(b->dev->domain);
    int r = b->be->info(b->dev->pub.self, i);
    domain_leave(b->dev->domain, entered);
    return r;
}

int blk_is_sane(const struct tn_blk_info *i)
{
    return is_power_of_2(i->logical) && i->logical <= 1u << 20 &&
           (!i->mem_align || (is_power_of_2(i->mem_align) && i->mem_align <= 1u << 20)) &&
           i->size <= (uint64_t)INT64_MAX - (1u << 20);
}

int blk_opened(struct tn_blk *b, struct tn_err *e)
{
    struct tn_blk_info i;
    int r = blk_read_info(b, &i);
    if (r < 0)
        return err_set(e, -r, "%s: %s", device_id(b->dev), strerror(-r));
    if (!blk_is_sane(&i))
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

int blk_access(struct tn_blk *b, uint32_t flags, struct tn_err *e)
{
    if (!TN_HAS(b->be, access))
        return 0;
    int entered = domain_enter(b->dev->domain);
    int r = b->be->access(b->dev->pub.self, flags, e);
    domain_leave(b->dev->domain, entered);
    return r;
}
