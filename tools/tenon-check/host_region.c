/* SPDX-License-Identifier: BSD-2-Clause */
/* TN_REGION_1, and the guest's accesses to what is registered. */
#include "host_pci.h"
#include "services.h"
#include "util/bytes.h"

enum { PIO_TOP = 0xffff, PIO_FIRST = 0x1000, MMIO_FIRST = 0xd0000000, MMIO_TOP = 0xfebfffff };

static int size_ok(uint32_t v)
{
    return v == 0 || v == 1 || v == 2 || v == 4 || v == 8;
}

void region_ops_check(struct dev *d, const struct tn_region_ops *o, const char *what)
{
    if (!o)
        return;
    if (o->struct_size < offsetof(struct tn_region_ops, write) + sizeof(void *))
        violation("region.h: struct_size", "%s: ops of %u bytes", what, o->struct_size);
    if (!size_ok(o->valid_min) || !size_ok(o->valid_max) || !size_ok(o->impl_min) ||
        !size_ok(o->impl_max) || (o->valid_max && o->valid_min > o->valid_max) ||
        (o->impl_max && o->impl_min > o->impl_max))
        violation("region.h: valid_min .. impl_max are 0, 1, 2, 4 or 8",
                  "%s: valid %u..%u, impl %u..%u", what, o->valid_min, o->valid_max, o->impl_min,
                  o->impl_max);
    if (o->flags & TN_RO_NO_LOCK && !(d->pub.cls->flags & TN_C_THREADSAFE))
        violation("class.h: TN_C_THREADSAFE",
                  "%s with TN_RO_NO_LOCK, but the class does not say that it guards itself", what);
}

struct tn_region_ops region_ops_copy(const struct tn_region_ops *o)
{
    struct tn_region_ops c = {0};
    if (o)
        memcpy(&c, o, o->struct_size < sizeof c ? o->struct_size : sizeof c);
    return c;
}

static void region_release(struct res *r)
{
    struct tn_region *g = (void *)r;
    TAILQ_REMOVE(&r->d->h->parts->regions, g, link);
}

static const struct tn_region *overlap(struct host *h, uint32_t space, uint64_t base, uint64_t size)
{
    const struct tn_region *g;
    TAILQ_FOREACH(g, &h->parts->regions, link)
    if (g->space == space && g->on && base <= g->base + g->size - 1 && g->base <= base + size - 1)
        return g;
    return NULL;
}

/* The host's choice: the first aligned place within the bounds that nothing has. */
static uint64_t choose(struct host *h, const struct tn_region_req *q)
{
    uint64_t align = q->align ? q->align : q->size;
    uint64_t min = q->min                     ? q->min
                   : q->space == TN_SPACE_PIO ? PIO_FIRST
                                              : MMIO_FIRST,
             at = (min + align - 1) / align * align;
    uint64_t max = q->max ? q->max : q->space == TN_SPACE_PIO ? PIO_TOP : MMIO_TOP;
    for (; at + q->size - 1 <= max && at + q->size > at; at += align)
        if (!overlap(h, q->space, at, q->size))
            return at;
    return TN_ANYWHERE;
}

static int claim(struct dev *d, const struct tn_region_req *q, uint64_t *base, struct tn_err *e)
{
    uint64_t top = q->space == TN_SPACE_PIO ? (uint64_t)PIO_TOP : ~(uint64_t)0;
    *base = q->base == TN_ANYWHERE ? (q->size ? choose(d->h, q) : 0) : q->base;
    if (!q->size || *base == TN_ANYWHERE || *base + (q->size - 1) < *base ||
        *base + (q->size - 1) > top)
        return err_set(e, EINVAL, "region '%s' of %llu bytes fits nowhere", q->name ? q->name : "?",
                       (unsigned long long)q->size);
    const struct tn_region *g = overlap(d->h, q->space, *base, q->size);
    return g ? err_set(e, EBUSY, "'%s' is there", g->name) : 0;
}

static int region_add(struct tn_dev *pub, const struct tn_region_req *q,
                      const struct tn_region_ops *ops, void *s, struct tn_region **out,
                      struct tn_err *e)
{
    struct dev *d = dev_of(pub);
    uint64_t base = 0;
    enter(d, R_MAIN, "regions->add");
    if (q->struct_size < offsetof(struct tn_region_req, name) ||
        (q->space != TN_SPACE_MMIO && q->space != TN_SPACE_PIO))
        violation("region.h: struct tn_region_req",
                  "regions->add with a request of %u bytes for space %u", q->struct_size, q->space);
    region_ops_check(d, ops, "regions->add");
    int r = inject_err(d, e, EBUSY, "regions->add");
    r = r ? r : claim(d, q, &base, e);
    if (r < 0)
        return r;
    struct tn_region *g = res_new(d, "region", sizeof *g, region_release);
    g->ops = region_ops_copy(ops);
    g->s = s;
    g->space = q->space;
    g->on = 1;
    g->base = base;
    g->size = q->size;
    snprintf(g->name, sizeof g->name, "%s", q->name ? q->name : "?");
    TAILQ_INSERT_TAIL(&d->h->parts->regions, g, link);
    if (out)
        *out = g;
    return 0;
}

/* The three below are [main][vcpu][dev]. */
static void enter_dev(struct tn_region *g, const char *what)
{
    res_check(&g->r, what);
    enter(g->r.d, R_MAIN | R_VCPU, what);
}

static int region_move(struct tn_region *g, uint64_t base)
{
    enter_dev(g, "regions->move");
    if (base + (g->size - 1) < base)
        return -EINVAL;
    g->base = base;
    return 0;
}

static void region_enable(struct tn_region *g, uint32_t on)
{
    enter_dev(g, "regions->enable");
    if (on > 1)
        violation("region.h: enable: 1 or 0", "regions->enable(%u)", on);
    g->on = on;
}

static uint64_t region_base(struct tn_region *g)
{
    res_check(&g->r, "regions->base");
    enter(g->r.d, R_ANY, "regions->base");
    return g->on ? g->base : TN_ANYWHERE;
}

static int region_map(struct tn_region *g, uint64_t off, uint64_t len, int fd, uint64_t fd_off,
                      uint32_t prot, struct tn_err *e)
{
    (void)fd_off;
    (void)prot;
    res_check(&g->r, "regions->map");
    enter(g->r.d, R_MAIN | R_CTX, "regions->map");
    if (fd < 0 || off % 4096 || len % 4096 || off > g->size || len > g->size - off)
        violation("region.h: map: mmap rules", "regions->map of 0x%llx+0x%llx, descriptor %d",
                  (unsigned long long)off, (unsigned long long)len, fd);
    return inject_err(g->r.d, e, ENOSPC, "regions->map");
}

static int region_unmap(struct tn_region *g, uint64_t off, uint64_t len)
{
    (void)off;
    (void)len;
    res_check(&g->r, "regions->unmap");
    enter(g->r.d, R_MAIN | R_CTX, "regions->unmap");
    return 0;
}

static int region_ioeventfd(struct tn_region *g, uint64_t off, uint32_t size, uint32_t match,
                            uint64_t data, int fd)
{
    (void)match;
    (void)data;
    enter_dev(g, "regions->ioeventfd");
    if (!size_ok(size) || off + size > g->size || fd < 0)
        violation("region.h: ioeventfd", "regions->ioeventfd at 0x%llx of %u bytes, descriptor %d",
                  (unsigned long long)off, size, fd);
    return -ENOTSUP; /* "may be refused at any time": write() has to do the work */
}

static int region_ioeventfd_del(struct tn_region *g, uint64_t off, uint32_t size, uint32_t match,
                                uint64_t data, int fd)
{
    (void)off, (void)size, (void)match, (void)data, (void)fd;
    enter_dev(g, "regions->ioeventfd_del");
    return -ENOENT;
}

static void region_show(struct tn_region *g, uint32_t on)
{
    enter_dev(g, "regions->show");
    if (on > 1)
        violation("region.h: show: 1 or 0", "regions->show(%u)", on);
}

const struct tn_regions region_table = {
    .struct_size = sizeof(struct tn_regions),
    .add = region_add,
    .move = region_move,
    .enable = region_enable,
    .base = region_base,
    .map = region_map,
    .unmap = region_unmap,
    .ioeventfd = region_ioeventfd,
    .ioeventfd_del = region_ioeventfd_del,
    .show = region_show,
};

/* ---- the guest ---- */

static uint32_t or_else(uint32_t v, uint32_t otherwise)
{
    return v ? v : otherwise;
}

static int legal(const struct place *p, uint64_t off, uint32_t size)
{
    const struct tn_region_ops *o = p->ops;
    if (off >= p->size || size > p->size - off)
        return 0;
    if (off % size && !(o->flags & TN_RO_UNALIGNED))
        return 0;
    return size >= or_else(o->valid_min, 1) && size <= or_else(o->valid_max, 8);
}

static uint32_t role(const struct place *p)
{
    return R_VCPU | (p->ops->flags & TN_RO_NO_LOCK ? 0 : R_DEV);
}

static uint64_t read_one(const struct place *p, uint64_t off, uint32_t size)
{
    uint64_t v = ones(size);
    if (p->ops->read)
        CALL(p->d, role(p), "region read", v = p->ops->read(p->s, off, size));
    return v & ones(size);
}

static void write_one(const struct place *p, uint64_t off, uint64_t v, uint32_t size)
{
    if (p->ops->write)
        CALL(p->d, role(p), "region write", p->ops->write(p->s, off, v & ones(size), size));
}

/* The size that the implementation is called with for one of size bytes. */
static uint32_t impl(const struct place *p, uint32_t size)
{
    uint32_t lo = or_else(p->ops->impl_min, or_else(p->ops->valid_min, 1));
    uint32_t hi = or_else(p->ops->impl_max, or_else(p->ops->valid_max, 8));
    return size < lo ? lo : size > hi ? hi : size;
}

uint64_t place_read(const struct place *p, uint64_t off, uint32_t size)
{
    uint32_t n = impl(p, size);
    uint64_t v = 0;
    if (pci_msix_range(p->d, p->bar, off, size))
        return pci_msix_read(p->d, p->bar, off, size);
    if (!legal(p, off, size) || !p->ops->read)
        return ones(size);
    if (n > size) {
        uint64_t at = off & ~(uint64_t)(n - 1);
        return at + n > p->size ? ones(size) : read_one(p, at, n) >> 8 * (off - at) & ones(size);
    }
    for (uint32_t i = 0; i < size; i += n)
        v |= read_one(p, off + i, n) << 8 * i;
    return v;
}

void place_write(const struct place *p, uint64_t off, uint64_t v, uint32_t size)
{
    uint32_t n = impl(p, size);
    if (pci_msix_range(p->d, p->bar, off, size)) {
        pci_msix_write(p->d, p->bar, off, v, size);
        return;
    }
    if (!legal(p, off, size) || !p->ops->write)
        return;
    if (n > size) { /* widened: the other bytes are 0 */
        uint64_t at = off & ~(uint64_t)(n - 1);
        if (at + n <= p->size)
            write_one(p, at, (v & ones(size)) << 8 * (off - at), n);
        return;
    }
    for (uint32_t i = 0; i < size; i += n)
        write_one(p, off + i, v >> 8 * i, n);
}
