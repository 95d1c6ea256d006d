/* SPDX-License-Identifier: BSD-2-Clause */
/* Registration of ranges: requests, moves, and TN_REGION_1. */
#include "core/loop.h"
#include "core/trace_point.h"
#include "space_impl.h"
#include "util/alloc.h"
#include "util/bytes.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static struct tn_region *overlapping(struct space *s, const struct tn_region *me, uint64_t base,
                                     uint64_t size)
{
    uint64_t last = base + (size - 1);
    for (struct tn_region *r = s->regions; r; r = r->next)
        if (r != me && r->base != TN_ANYWHERE && r->base <= last && base <= r->base + (r->size - 1))
            return r;
    return NULL;
}

/* base and size are sane and inside the space. */
static int in_space(const struct space *s, uint64_t base, uint64_t size)
{
    return size && base <= s->limit && size - 1 <= s->limit - base;
}

/* The power of two that is not less than size. */
static uint64_t natural(uint64_t size)
{
    return size > (uint64_t)1 << 63 ? (uint64_t)1 << 63
           : size > 1               ? (uint64_t)2 << (63 - __builtin_clzll(size - 1))
                                    : 1;
}

/* First aligned place in min..max that is free, or TN_ANYWHERE. */
static uint64_t choose(struct space *s, const struct tn_region_req *q)
{
    uint64_t align = q->align ? q->align : natural(q->size),
             max = q->max && q->max < s->limit ? q->max : s->limit;
    uint64_t at = (q->min + align - 1) & ~(align - 1);
    while (at >= q->min && q->size - 1 <= max && at <= max - (q->size - 1)) {
        struct tn_region *r = overlapping(s, NULL, at, q->size);
        if (!r)
            return at;
        uint64_t next = (r->base + (r->size - 1)) | (align - 1);
        if (next == ~(uint64_t)0 || next < at)
            break;
        at = next + 1;
    }
    return TN_ANYWHERE;
}

static const char *owner_of(const struct tn_region *r)
{
    return r->m.dev ? device_id(r->m.dev) : "the machine";
}

static const char *space_word(const struct space *s)
{
    return s->kind == TN_SPACE_PIO ? "port" : "memory";
}

static int claim(struct space *s, const struct tn_region_req *q, uint32_t may_overlap,
                 uint64_t *base, struct tn_err *e)
{
    const char *name = q->name ? q->name : "";
    if (!q->size || (q->align & (q->align - 1)))
        return err_set(e, EINVAL, "%s range '%s' has size 0x%" PRIx64 ", alignment 0x%" PRIx64,
                       space_word(s), name, q->size, q->align);
    *base = q->base == TN_ANYWHERE && !may_overlap ? choose(s, q) : q->base;
    if (*base == TN_ANYWHERE && may_overlap)
        return 0; /* a BAR without an address */
    if (*base == TN_ANYWHERE)
        return err_set(e, ENOSPC, "no place for %s range '%s' of 0x%" PRIx64 " bytes",
                       space_word(s), name, q->size);
    if (!in_space(s, *base, q->size))
        return err_set(e, EINVAL,
                       "%s range '%s' 0x%" PRIx64 "+0x%" PRIx64 " does not fit the address space",
                       space_word(s), name, *base, q->size);
    struct tn_region *r = may_overlap ? NULL : overlapping(s, NULL, *base, q->size);
    if (r)
        return err_set(
            e, EBUSY, "%s range '%s' 0x%" PRIx64 "-0x%" PRIx64 " overlaps '%s' of %s at 0x%" PRIx64,
            space_word(s), name, *base, *base + (q->size - 1), r->name, owner_of(r), r->base);
    return 0;
}

static void stop_region(struct managed *m)
{
    struct tn_region *r = (struct tn_region *)m;
    pthread_mutex_lock(&r->space->lock);
    region_unwire(r);
    __atomic_store_n(&r->live, 0, __ATOMIC_RELEASE);
    space_publish(r->space);
    pthread_mutex_unlock(&r->space->lock);
}

static void release_region(struct managed *m)
{
    region_del((struct tn_region *)m);
}

static struct tn_region *region_alloc(struct space *s, struct device *d, const char *name,
                                      const struct tn_region_ops *ops, void *p)
{
    struct tn_region *r = XNEW(struct tn_region);
    r->refs = 1;
    r->m.stop = stop_region;
    r->m.release = release_region;
    r->space = s;
    r->name = xstrdup(name ? name : "");
    r->ops = ops;
    r->direct = direct_sizes(ops);
    r->s = p;
    r->domain = d && !(ops && (ops->flags & TN_RO_NO_LOCK)) ? domain_ref(d->domain) : NULL;
    return r;
}

int region_add(struct space *s, struct device *d, const struct tn_region_req *req,
               const struct tn_region_ops *ops, void *p, uint32_t may_overlap,
               struct tn_region **out, struct tn_err *e)
{
    uint64_t base = TN_ANYWHERE;
    pthread_mutex_lock(&s->lock);
    int err = claim(s, req, may_overlap, &base, e);
    if (err < 0) {
        pthread_mutex_unlock(&s->lock);
        return err;
    }
    struct tn_region *r = region_alloc(s, d, req->name, ops, p), **at = &s->regions;
    r->base = base;
    r->size = req->size;
    r->enabled = base != TN_ANYWHERE;
    r->live =
        !d ||
        d->stage == DEV_REALIZED; /* the machine's own are at once, and those of a device that is */
    while (*at)
        at = &(*at)->next;
    *at = r;
    s->nregions++;
    if (r->live)
        space_publish(s);
    pthread_mutex_unlock(&s->lock);
    trace_host(s->vm, TRACE_REGION_ADD, r->name, base, r->size);
    managed_add(d, &r->m);
    *out = r;
    return 0;
}

void region_unref(struct tn_region *r)
{
    if (__atomic_sub_fetch(&r->refs, 1, __ATOMIC_ACQ_REL))
        return;
    domain_unref(r->domain);
    free(r->name);
    free(r);
}

static void unlink_region(struct tn_region *r)
{
    struct tn_region **at = &r->space->regions;
    while (*at != r)
        at = &(*at)->next;
    *at = r->next;
}

void region_del(struct tn_region *r)
{
    struct space *s = r->space;
    managed_del(&r->m);
    pthread_mutex_lock(&s->lock);
    int was_live = r->live != 0;
    trace_host(s->vm, TRACE_REGION_DEL, r->name);
    region_unwire(r);
    __atomic_store_n(&r->live, 0, __ATOMIC_RELEASE);
    unlink_region(r);
    s->nregions--;
    if (was_live)
        space_publish(s);
    pthread_mutex_unlock(&s->lock);
    if (was_live)
        epoch_wait();
    region_free_wires(r);
    region_unref(r);
}

/* The space's lock is held. 1: somebody could see it. */
static int place(struct tn_region *r, uint64_t base, uint32_t on)
{
    region_unwire(r);
    __atomic_store_n(&r->base, base, __ATOMIC_RELAXED);
    __atomic_store_n(&r->enabled, on, __ATOMIC_RELAXED);
    trace_host(r->space->vm, TRACE_REGION_PLACE, r->name, base, on);
    region_wire(r);
    return r->live != 0;
}

int region_place(struct tn_region *r, uint64_t base, uint32_t on)
{
    struct space *s = r->space;
    if (on && !in_space(s, base, r->size))
        return -EINVAL;
    if (base == r->base && on == r->enabled)
        return 0;
    pthread_mutex_lock(&s->lock);
    if (place(r, base, on))
        space_publish(s);
    pthread_mutex_unlock(&s->lock);
    return 0;
}

void regions_place(struct space *s, struct tn_region *const *r, const uint64_t *base, uint32_t n)
{
    int seen = 0;
    pthread_mutex_lock(&s->lock);
    for (uint32_t i = 0; i < n; i++) {
        int on = base[i] != TN_ANYWHERE && in_space(s, base[i], r[i]->size);
        seen |= place(r[i], on ? base[i] : TN_ANYWHERE, (uint32_t)on);
    }
    if (seen)
        space_publish(s);
    pthread_mutex_unlock(&s->lock);
}

int region_move(struct tn_region *r, uint64_t base)
{
    return in_space(r->space, base, r->size) ? region_place(r, base, r->enabled) : -EINVAL;
}

void region_enable(struct tn_region *r, uint32_t on)
{
    region_place(r, r->base, on && r->base != TN_ANYWHERE);
}

uint64_t region_base(struct tn_region *r)
{
    return __atomic_load_n(&r->enabled, __ATOMIC_RELAXED)
               ? __atomic_load_n(&r->base, __ATOMIC_RELAXED)
               : TN_ANYWHERE;
}

void region_above(struct tn_region *r, struct tn_region *below)
{
    pthread_mutex_lock(&r->space->lock);
    unlink_region(r);
    struct tn_region **at = &r->space->regions;
    while (*at != below)
        at = &(*at)->next;
    r->next = below;
    *at = r;
    if (r->live)
        space_publish(r->space);
    pthread_mutex_unlock(&r->space->lock);
}

static uint32_t activate_in(struct space *s, const struct device *d)
{
    uint32_t n = 0;
    for (struct tn_region *r = s->regions; r; r = r->next)
        if (r->m.dev == d && !r->live) {
            __atomic_store_n(&r->live, 1, __ATOMIC_RELEASE);
            region_wire(r);
            n++;
        }
    return n;
}

static uint32_t activate_tree(struct space *s, const struct device *d)
{
    struct device *c;
    uint32_t n = activate_in(s, d);
    TAILQ_FOREACH(c, &d->children, brother)
    n += activate_tree(s, c);
    return n;
}

void space_activate(struct vm *vm, struct device *d)
{
    struct space *both[] = {vm->pio, vm->mmio};
    for (uint32_t i = 0; i < 2; i++) {
        if (!both[i])
            continue;
        pthread_mutex_lock(&both[i]->lock);
        if (activate_tree(both[i], d))
            space_publish(both[i]);
        pthread_mutex_unlock(&both[i]->lock);
    }
}

int space_each(struct space *s,
               int (*fn)(void *o, const struct tn_region *r, uint64_t first, uint64_t last),
               void *o)
{
    const struct view *v = s->view;
    for (uint32_t i = 0; i < v->n; i++) {
        int x = fn(o, v->range[i].region, v->first[i], v->range[i].last);
        if (x)
            return x;
    }
    return 0;
}

int space_each_region(struct space *s, int (*fn)(void *o, const struct tn_region *r), void *o)
{
    int x = 0;
    for (const struct tn_region *r = s->regions; r && !x; r = r->next)
        x = fn(o, r);
    return x;
}

/* ---- TN_REGION_1 ---- */

static int t_add(struct tn_dev *d, const struct tn_region_req *r, const struct tn_region_ops *ops,
                 void *s, struct tn_region **out, struct tn_err *e)
{
    struct device *dev = device_of(d);
    struct space *sp = r->space == TN_SPACE_PIO    ? dev->vm->pio
                       : r->space == TN_SPACE_MMIO ? dev->vm->mmio
                                                   : NULL;
    if (!sp)
        return err_set(e, EINVAL, "'%s': no address space %u here", r->name ? r->name : "",
                       r->space);
    if (r->window)
        return err_set(e, ENOTSUP, "'%s': this host has no windows", r->name ? r->name : "");
    return region_add(sp, dev, r, ops, s, 0, out, e);
}

const struct tn_regions region_table = {
    .struct_size = sizeof(struct tn_regions),
    .rev = 1,
    .add = t_add,
    .move = region_move,
    .enable = region_enable,
    .base = region_base,
    .map = region_overlay,
    .unmap = region_overlay_del,
    .ioeventfd = region_ioeventfd,
    .ioeventfd_del = region_ioeventfd_del,
    .show = region_show,
};
