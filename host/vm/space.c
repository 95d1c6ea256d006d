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
    if (before && before->region == r && before->last + 1 == first) { /* cut where one that lost begins or ends */
        before->last = last;
        return;
    }
    v->first[v->n] = first;
    v->range[v->n++] = (struct range){last, r->base, r};
}

/* The regions lie side by side: one range each. */
static struct view *build_plain(struct tn_region **r, uint32_t n)
{
    struct view *v = view_alloc(n);
    for (uint32_t i = 0; i < n; i++)
        put_range(v, r[i]->base, r[i]->base + (r[i]->size - 1), r[i]);
    return v;
}

static uint64_t last_of(const struct tn_region *r)
{
    return r->base + (r->size - 1);
}

/* Some overlap, as guests move things: at each address the oldest wins. O(n^2), and rare. by_age[i] is older first. */
static struct view *build_overlapped(struct tn_region **by_age, uint32_t n)
{
    uint32_t nb = 0;
    uint64_t *edge = xcalloc(2 * (size_t)n + 1, sizeof *edge);
    for (uint32_t i = 0; i < n; i++) {
        edge[nb++] = by_age[i]->base;
        if (last_of(by_age[i]) != ~(uint64_t)0)
            edge[nb++] = last_of(by_age[i]) + 1;
    }
    qsort(edge, nb, sizeof *edge, cmp_u64);
    struct view *v = view_alloc(nb);
    for (uint32_t i = 0; i < nb; i++) {
        if (i && edge[i] == edge[i - 1])
            continue;
        struct tn_region *hit = NULL;
        for (uint32_t k = 0; k < n && !hit; k++)
            if (edge[i] >= by_age[k]->base && edge[i] <= last_of(by_age[k]))
                hit = by_age[k];
        if (!hit)
            continue;
        uint64_t last = last_of(hit);
        for (uint32_t k = i + 1; k < nb; k++)
            if (edge[k] > edge[i]) {
                last = last < edge[k] - 1 ? last : edge[k] - 1;
                break;
            }
        put_range(v, edge[i], last, hit);
    }
    free(edge);
    return v;
}

int cmp_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static int by_base(const void *a, const void *b)
{
    return cmp_u64(&(*(struct tn_region *const *)a)->base, &(*(struct tn_region *const *)b)->base);
}

static struct view *build(struct space *s)
{
    uint32_t n = 0, overlap = 0;
    struct tn_region **age = xcalloc(s->nregions, sizeof(struct tn_region *));
    for (struct tn_region *r = s->regions; r; r = r->next)
        if (usable(r))
            age[n++] = r;
    struct tn_region **sorted = xcalloc(n, sizeof(struct tn_region *));
    memcpy(sorted, age, n * sizeof(struct tn_region *));
    qsort(sorted, n, sizeof(struct tn_region *), by_base);
    for (uint32_t i = 1; i < n; i++)
        overlap |= last_of(sorted[i - 1]) >= sorted[i]->base;
    struct view *v = overlap ? build_overlapped(age, n) : build_plain(sorted, n);
    free(age);
    free(sorted);
    return v;
}

/* Retired views are freed by the main loop after a grace period: whoever publishes may hold locks that readers want. */
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
    while (!__atomic_compare_exchange_n(&s->retired, &old->next, old, 1, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
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

/* The last range that begins at or below addr, without a branch that could be mispredicted; v->n if there is none. */
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

/* Where this thread hit last in each kind of space: devices are polled. Any number will do: it is only a guess. */
static __thread uint32_t hints[4];

static inline const struct range *find(struct space *s, uint64_t addr)
{
    const struct view *v = __atomic_load_n(&s->view, __ATOMIC_ACQUIRE);
    uint32_t *hint = &hints[s->kind & 3], i = *hint;
    if (i >= v->n || addr < v->first[i] || addr > v->range[i].last) {
        i = below(v, addr);
        if (i == v->n || addr > v->range[i].last)
            return NULL;
        *hint = i;
    }
    return &v->range[i];
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

/* The callback stalled its access, and may go on only when main has done something: that must not wait for us, so the
 * section is left and the region held. 1: it is still there. */
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

static inline uint64_t call_read(struct tn_region *r, uint64_t off, uint32_t size)
{
    const struct tn_region_ops *o = r->ops;
    if (!o || !o->read)
        return ones(size);
    for (;;) {
        if (r->domain)
            domain_lock(r->domain);
        uint64_t v = o->read(r->s, off, size);
        if (r->domain)
            domain_unlock(r->domain);
        if (__builtin_expect(!stall_tls, 1))
            return v & ones(size);
        if (!wait_out(r))
            return ones(size);
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
        host_core_table.guest_error(&r->m.dev->pub, "access of %u bytes at offset 0x%" PRIx64 " of %s", size, off, r->name);
    return 0;
}

/* The size in which the callback wants an access of size. */
static inline uint32_t impl_size(const struct tn_region_ops *o, uint32_t size)
{
    if (!o)
        return size;
    uint32_t min = or_else(o->impl_min, or_else(o->valid_min, 1)), max = or_else(o->impl_max, or_else(o->valid_max, 8));
    return size < min ? min : size > max ? max : size;
}

/* Wider than the access: the one or two units that it touches. */
static uint64_t read_wide(struct tn_region *r, uint64_t off, uint32_t size, uint32_t unit)
{
    uint64_t at = off & ~(uint64_t)(unit - 1);
    uint32_t skip = (uint32_t)(off - at);
    uint64_t v = call_read(r, at, unit) >> (8 * skip);
    if (skip + size > unit)
        v |= call_read(r, at + unit, unit) << (8 * (unit - skip));
    return v & ones(size);
}

static void write_wide(struct tn_region *r, uint64_t off, uint64_t v, uint32_t size, uint32_t unit)
{
    uint64_t at = off & ~(uint64_t)(unit - 1);
    uint32_t skip = (uint32_t)(off - at);
    if (call_write(r, at, (v & ones(size)) << (8 * skip), unit) && skip + size > unit)
        call_write(r, at + unit, (v & ones(size)) >> (8 * (unit - skip)), unit);
}

static int overlaid(struct tn_region *r, uint64_t off, void *buf, uint32_t size, uint32_t prot)
{
    return __builtin_expect(__atomic_load_n(&r->overlays, __ATOMIC_RELAXED) != NULL, 0) &&
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
    if (unit == size)
        return call_read(r, off, size);
    if (unit > size)
        return read_wide(r, off, size, unit);
    for (uint32_t i = 0; i < size; i += unit)
        v |= call_read(r, off + i, unit) << (8 * i);
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
    return __builtin_expect(!r || r->last - addr < size - 1, 0) && !(r && r->region->whole);
}

static uint64_t read_split(struct space *s, uint64_t addr, uint32_t size)
{
    uint64_t lo = space_read(s, addr, size / 2), hi = space_read(s, addr + size / 2, size / 2);
    return lo | hi << (4 * size);
}

uint64_t space_read(struct space *s, uint64_t addr, uint32_t size)
{
    struct reader *me = reader_self();
    uint64_t v;
    reader_enter(me);
    const struct range *r = find(s, addr);
    if (__builtin_expect(!r, 0) && !claimed_behind(s, addr, size)) {
        miss(s);
        v = ones(size);
    } else if (leaves(r, addr, size)) {
        v = read_split(s, addr, size);
    } else {
        v = region_read(r->region, addr - r->base, size);
    }
    reader_leave(me);
    return v;
}

void space_write(struct space *s, uint64_t addr, uint64_t v, uint32_t size)
{
    struct reader *me = reader_self();
    reader_enter(me);
    const struct range *r = find(s, addr);
    if (__builtin_expect(!r, 0) && !claimed_behind(s, addr, size)) {
        miss(s);
    } else if (leaves(r, addr, size)) {
        space_write(s, addr, v, size / 2);
        space_write(s, addr + size / 2, v >> (4 * size), size / 2);
    } else if (!ioeventfd_hit(r->region, addr - r->base, v, size)) {
        region_write(r->region, addr - r->base, v, size);
    }
    reader_leave(me);
}
