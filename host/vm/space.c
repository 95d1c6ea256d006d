/* SPDX-License-Identifier: BSD-2-Clause */
#include "space.h"

#include "core/loop.h"
#include "space_impl.h"
#include "util/alloc.h"
#include "util/bytes.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* ---- the published view ---- */

static void view_free(struct view *v)
{
    free(v);
}

static struct view *view_alloc(uint32_t n)
{
    struct view *v = xcalloc(1, sizeof *v + n * (sizeof(uint64_t) + sizeof(struct range)));
    v->first = (uint64_t *)(void *)(v + 1);
    v->range = (struct range *)(void *)(v->first + n);
    return v;
}

static int usable(const struct tn_region *r)
{
    return r->enabled && r->live && r->base != TN_ANYWHERE;
}

static void put_range(struct view *v, uint64_t first, uint64_t last, struct tn_region *r)
{
    struct range *before = v->n ? &v->range[v->n - 1] : NULL;
    if (before && before->region == r &&
        before->last + 1 == first) { /* cut where one that lost begins or ends */
        before->last = last;
        return;
    }
    v->first[v->n] = first;
    v->range[v->n++] = (struct range){last, r->base, r};
}

static uint64_t last_of(const struct tn_region *r)
{
    return r->base + (r->size - 1);
}

/* A region that is in the view, and how many older ones there are. */
struct placed {
    struct tn_region *r;
    uint32_t age;
};

int cmp_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static int by_base(const void *a, const void *b)
{
    return cmp_u64(&((const struct placed *)a)->r->base, &((const struct placed *)b)->r->base);
}

static int by_age(const void *a, const void *b)
{
    uint64_t x = ((const struct placed *)a)->age, y = ((const struct placed *)b)->age;
    return cmp_u64(&x, &y);
}

static struct tn_region *oldest_at(const struct placed *p, uint32_t n, uint64_t addr)
{
    for (uint32_t i = 0; i < n; i++)
        if (addr >= p[i].r->base && addr <= last_of(p[i].r))
            return p[i].r;
    return NULL;
}

/* n regions that overlap, as guests move things: between two edges the oldest wins. O(n^2), of the
 * few that do. */
static void put_cluster(struct view *v, struct placed *p, uint32_t n)
{
    uint32_t nb = 0;
    uint64_t *edge = xcalloc(2 * (size_t)n, sizeof *edge), end = 0;
    for (uint32_t i = 0; i < n; i++) {
        end = last_of(p[i].r) > end ? last_of(p[i].r) : end;
        edge[nb++] = p[i].r->base;
        if (last_of(p[i].r) != ~(uint64_t)0)
            edge[nb++] = last_of(p[i].r) + 1;
    }
    qsort(edge, nb, sizeof *edge, cmp_u64);
    qsort(p, n, sizeof *p, by_age);
    for (uint32_t i = 0, next; i < nb; i = next) {
        for (next = i + 1; next < nb && edge[next] == edge[i]; next++)
            ;
        struct tn_region *hit = oldest_at(p, n, edge[i]);
        if (hit)
            put_range(v, edge[i], next < nb ? edge[next] - 1 : end, hit);
    }
    free(edge);
}

/* How many of p[0..n-1], sorted by base, hang together from the first on. */
static uint32_t cluster(const struct placed *p, uint32_t n)
{
    uint64_t last = last_of(p[0].r);
    uint32_t k = 1;
    for (; k < n && p[k].r->base <= last; k++)
        last = last_of(p[k].r) > last ? last_of(p[k].r) : last;
    return k;
}

static struct view *build(struct space *s)
{
    uint32_t n = 0;
    struct placed *p = xcalloc(s->nregions, sizeof *p);
    for (struct tn_region *r = s->regions; r; r = r->next)
        if (usable(r)) {
            p[n] = (struct placed){r, n};
            n++;
        }
    if (n)
        qsort(p, n, sizeof *p, by_base);
    struct view *v = view_alloc(2 * n);
    for (uint32_t i = 0, k; i < n; i += k) {
        k = cluster(p + i, n - i);
        if (k == 1)
            put_range(v, p[i].r->base, last_of(p[i].r), p[i].r);
        else
            put_cluster(v, p + i, k);
    }
    free(p);
    return v;
}

/* Retired views are freed by the main loop after a grace period: whoever publishes may hold locks
 * that readers want. */
static void reclaim(void *p)
{
    struct space *s = p;
    struct view *v = __atomic_exchange_n(&s->retired, NULL, __ATOMIC_ACQUIRE);
    if (!v)
        return;
    epoch_wait();
    for (struct view *next; v; v = next) {
        next = v->next;
        view_free(v);
    }
}

void space_publish(struct space *s)
{
    struct view *v = build(s), *old = s->view;
    __atomic_store_n(&s->view, v, __ATOMIC_RELEASE);
    old->next = __atomic_load_n(&s->retired, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(&s->retired, &old->next, old, 1, __ATOMIC_RELEASE,
                                        __ATOMIC_RELAXED))
        ;
    bh_kick(s->reclaim);
}

struct space *space_new(struct vm *vm, uint32_t kind, uint64_t limit)
{
    struct space *s = XNEW(struct space);
    s->vm = vm;
    s->kind = kind;
    s->limit = limit;
    pthread_mutex_init(&s->lock, NULL);
    s->view = view_alloc(0);
    s->reclaim = bh_new(vm->main, NULL, 0, reclaim, s);
    return s;
}

void space_free(struct space *s)
{
    reclaim(s);
    bh_del(s->reclaim);
    view_free(s->view);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

/* ---- lookup ---- */

/* The last range that begins at or below addr, without a branch that could be mispredicted; v->n if
 * there is none. */
static inline uint32_t below(const struct view *v, uint64_t addr)
{
    const uint64_t *base = v->first;
    uint32_t n = v->n;
    if (!n || addr < base[0])
        return v->n;
    while (n > 1) {
        uint32_t half = n / 2;
        base += (base[half] <= addr) ? half : 0;
        n -= half;
    }
    return (uint32_t)(base - v->first);
}

/* Where this thread found its addresses: guests come back to the same few registers. Any number
 * will do, as it is only a guess that the view confirms; so neither a new view nor another VM has
 * to clear it. */
enum { HINT_BITS = 12 };
static __thread uint16_t hints[2][1 << HINT_BITS];

static inline uint16_t *hint_for(const struct space *s, uint64_t addr)
{
    return &hints[s->kind & 1]
                 [(addr >> 2) * 0x9e3779b97f4a7c15u >> (64 - HINT_BITS)]; /* Fibonacci hashing */
}

static const struct range *search(const struct view *v, uint64_t addr, uint16_t *hint)
{
    uint32_t i = below(v, addr);
    if (i == v->n || addr > v->range[i].last)
        return NULL;
    *hint = (uint16_t)i;
    return &v->range[i];
}

static inline const struct range *find(struct space *s, uint64_t addr)
{
    const struct view *v = __atomic_load_n(&s->view, __ATOMIC_ACQUIRE);
    uint16_t *hint = hint_for(s, addr);
    uint32_t i = *hint;
    if (__builtin_expect(i < v->n && addr >= v->first[i] && addr <= v->range[i].last, 1))
        return &v->range[i];
    return search(v, addr, hint);
}

/* Nothing claims addr itself: does something claim a later byte of the access? */
static int claimed_behind(const struct space *s, uint64_t addr, uint32_t size)
{
    const struct view *v = __atomic_load_n(&s->view, __ATOMIC_ACQUIRE);
    uint64_t last = addr + (size - 1);
    uint32_t i = last > addr ? below(v, last) : v->n;
    return i < v->n && v->range[i].last >= addr;
}

uint64_t space_misses(const struct space *s)
{
    return __atomic_load_n(&s->misses, __ATOMIC_RELAXED);
}

static void miss(struct space *s)
{
    __atomic_add_fetch(&s->misses, 1, __ATOMIC_RELAXED);
}

/* ---- the call: sizes, lanes, lock ---- */

/* The callback stalled its access, and may go on only when main has done something: that must not
 * wait for us, so the section is left and the region held. 1: it is still there. */
static int wait_out(struct tn_region *r)
{
    struct reader *me = reader_self();
    __atomic_add_fetch(&r->refs, 1, __ATOMIC_RELAXED);
    uint32_t depth = reader_pause(me);
    stall_sleep(r->space->vm);
    reader_resume(me, depth);
    int live = __atomic_load_n(&r->live, __ATOMIC_ACQUIRE) != 0;
    region_unref(r);
    return live;
}

/* 1: the region is still there. *v is all ones unless it answered. */
static inline int call_read(struct tn_region *r, uint64_t off, uint32_t size, uint64_t *v)
{
    const struct tn_region_ops *o = r->ops;
    *v = ones(size);
    if (!o || !o->read)
        return 1;
    for (;;) {
        if (r->domain)
            domain_lock(r->domain);
        uint64_t got = o->read(r->s, off, size);
        if (r->domain)
            domain_unlock(r->domain);
        if (__builtin_expect(!stall_tls, 1)) {
            *v = got & ones(size);
            return 1;
        }
        if (!wait_out(r))
            return 0;
    }
}

/* 1: the region is still there. */
static inline int call_write(struct tn_region *r, uint64_t off, uint64_t v, uint32_t size)
{
    const struct tn_region_ops *o = r->ops;
    if (!o || !o->write)
        return 1;
    if (r->domain)
        domain_lock(r->domain);
    o->write(r->s, off, v & ones(size), size);
    if (r->domain)
        domain_unlock(r->domain);
    return __builtin_expect(!stall_tls, 1) || wait_out(r);
}

static uint32_t or_else(uint32_t v, uint32_t other)
{
    return v ? v : other;
}

static int valid(const struct tn_region *r, uint64_t off, uint32_t size)
{
    const struct tn_region_ops *o = r->ops;
    if (!o || (size >= or_else(o->valid_min, 1) && size <= or_else(o->valid_max, 8) &&
               (!(off & (size - 1)) || (o->flags & TN_RO_UNALIGNED))))
        return 1;
    if (r->m.dev)
        host_core_table.guest_error(
            &r->m.dev->pub, "access of %u bytes at offset 0x%" PRIx64 " of %s", size, off, r->name);
    return 0;
}

/* The size in which the callback wants an access of size. */
static inline uint32_t impl_size(const struct tn_region_ops *o, uint32_t size)
{
    if (!o)
        return size;
    uint32_t min = or_else(o->impl_min, or_else(o->valid_min, 1)),
             max = or_else(o->impl_max, or_else(o->valid_max, 8));
    return size < min ? min : size > max ? max : size;
}

uint32_t direct_sizes(const struct tn_region_ops *o)
{
    uint32_t sizes = 0;
    for (uint32_t size = 1; o && size <= 8; size *= 2)
        if (size >= or_else(o->valid_min, 1) && size <= or_else(o->valid_max, 8) &&
            impl_size(o, size) == size)
            sizes |= size;
    return sizes;
}

static inline int is_direct(const struct tn_region *r, uint64_t off, uint32_t size)
{
    return __builtin_expect((r->direct & size) && !(off & (size - 1)), 1) &&
           __builtin_expect(!__atomic_load_n(&r->overlays, __ATOMIC_RELAXED), 1);
}

/* Wider than the access: the one or two units that it touches. */
static uint64_t read_wide(struct tn_region *r, uint64_t off, uint32_t size, uint32_t unit)
{
    uint64_t at = off & ~(uint64_t)(unit - 1);
    uint32_t skip = (uint32_t)(off - at);
    uint64_t lo, hi = ones(unit);
    int there = call_read(r, at, unit, &lo);
    if (skip + size <= unit)
        return (lo >> (8 * skip)) & ones(size);
    if (there)
        call_read(r, at + unit, unit, &hi);
    return (lo >> (8 * skip) | hi << (8 * (unit - skip))) & ones(size);
}

static void write_wide(struct tn_region *r, uint64_t off, uint64_t v, uint32_t size, uint32_t unit)
{
    uint64_t at = off & ~(uint64_t)(unit - 1);
    uint32_t skip = (uint32_t)(off - at);
    if (call_write(r, at, (v & ones(size)) << (8 * skip), unit) && skip + size > unit)
        call_write(r, at + unit, (v & ones(size)) >> (8 * (unit - skip)), unit);
}

/* Narrower: one unit after the other. A region that goes meanwhile answers the rest with ones. */
static uint64_t read_narrow(struct tn_region *r, uint64_t off, uint32_t size, uint32_t unit)
{
    uint64_t v = 0;
    int there = 1;
    for (uint32_t i = 0; i < size; i += unit) {
        uint64_t part = ones(unit);
        if (there)
            there = call_read(r, off + i, unit, &part);
        v |= part << (8 * i);
    }
    return v;
}

static int overlaid(struct tn_region *r, uint64_t off, void *buf, uint32_t size, uint32_t prot)
{
    return __atomic_load_n(&r->overlays, __ATOMIC_RELAXED) &&
           overlay_access(r, off, buf, size, prot);
}

static uint64_t region_read(struct tn_region *r, uint64_t off, uint32_t size)
{
    uint64_t v = 0;
    if (overlaid(r, off, &v, size, PROT_READ))
        return v;
    if (!valid(r, off, size))
        return ones(size);
    uint32_t unit = impl_size(r->ops, size);
    if (unit > size)
        return read_wide(r, off, size, unit);
    if (unit < size)
        return read_narrow(r, off, size, unit);
    call_read(r, off, size, &v);
    return v;
}

static void region_write(struct tn_region *r, uint64_t off, uint64_t v, uint32_t size)
{
    if (overlaid(r, off, &v, size, PROT_WRITE) || !valid(r, off, size))
        return;
    uint32_t unit = impl_size(r->ops, size);
    if (unit == size)
        call_write(r, off, v, size);
    else if (unit > size)
        write_wide(r, off, v, size, unit);
    else
        for (uint32_t i = 0; i < size && call_write(r, off + i, v >> (8 * i), unit); i += unit)
            ;
}

/* An access that leaves its range half-way, or only ends in one, is two smaller ones. */
static int leaves(const struct range *r, uint64_t addr, uint32_t size)
{
    return __builtin_expect(r->last - addr < size - 1, 0) && !r->region->whole;
}

static uint64_t read_split(struct space *s, uint64_t addr, uint32_t size)
{
    uint64_t lo = space_read(s, addr, size / 2), hi = space_read(s, addr + size / 2, size / 2);
    return lo | hi << (4 * size);
}

static void write_split(struct space *s, uint64_t addr, uint64_t v, uint32_t size)
{
    space_write(s, addr, v, size / 2);
    space_write(s, addr + size / 2, v >> (4 * size), size / 2);
}

/* Nobody claims addr. */
static uint64_t read_unclaimed(struct space *s, uint64_t addr, uint32_t size)
{
    if (claimed_behind(s, addr, size))
        return read_split(s, addr, size);
    miss(s);
    return ones(size);
}

static void write_unclaimed(struct space *s, uint64_t addr, uint64_t v, uint32_t size)
{
    if (claimed_behind(s, addr, size))
        write_split(s, addr, v, size);
    else
        miss(s);
}

uint64_t space_read(struct space *s, uint64_t addr, uint32_t size)
{
    struct reader *me = reader_self();
    uint64_t v;
    reader_enter(me);
    const struct range *r = find(s, addr);
    if (__builtin_expect(!r, 0))
        v = read_unclaimed(s, addr, size);
    else if (leaves(r, addr, size))
        v = read_split(s, addr, size);
    else if (is_direct(r->region, addr - r->base, size))
        call_read(r->region, addr - r->base, size, &v);
    else
        v = region_read(r->region, addr - r->base, size);
    reader_leave(me);
    return v;
}

void space_write(struct space *s, uint64_t addr, uint64_t v, uint32_t size)
{
    struct reader *me = reader_self();
    reader_enter(me);
    const struct range *r = find(s, addr);
    if (__builtin_expect(!r, 0)) {
        write_unclaimed(s, addr, v, size);
    } else if (leaves(r, addr, size)) {
        write_split(s, addr, v, size);
    } else if (__atomic_load_n(&r->region->eventfds, __ATOMIC_RELAXED) &&
               ioeventfd_hit(r->region, addr - r->base, v, size)) {
        /* signalled: that was the write */
    } else if (is_direct(r->region, addr - r->base, size)) {
        call_write(r->region, addr - r->base, v, size);
    } else {
        region_write(r->region, addr - r->base, v, size);
    }
    reader_leave(me);
}
