/* SPDX-License-Identifier: BSD-2-Clause */
/* Every access to a ring is an atomic of its width: the device may run in another thread. Rings lie
 * in one region each. */
#include "vq_driver.h"

#include <stdlib.h>
#include <string.h>

enum { F_NEXT = 1, F_WRITE = 2, F_INDIRECT = 4, F_AVAIL = 0x80, F_USED = 0x8000 };

static bool packed(const struct drv *d)
{
    return d->c.flags & TN_VQ_PACKED;
}

static uint16_t r16(struct drv *d, uint64_t gpa, int order)
{
    uint16_t *p = (uint16_t *)(void *)rig_at(d->as, gpa);
    return order == __ATOMIC_RELAXED   ? __atomic_load_n(p, __ATOMIC_RELAXED)
           : order == __ATOMIC_ACQUIRE ? __atomic_load_n(p, __ATOMIC_ACQUIRE)
                                       : __atomic_load_n(p, __ATOMIC_SEQ_CST);
}

static uint32_t r32(struct drv *d, uint64_t gpa)
{
    return __atomic_load_n((uint32_t *)(void *)rig_at(d->as, gpa), __ATOMIC_RELAXED);
}

static void w16(struct drv *d, uint64_t gpa, uint16_t v)
{
    __atomic_store_n((uint16_t *)(void *)rig_at(d->as, gpa), v, __ATOMIC_RELAXED);
}

/* Nothing moves across it in either direction. */
static void w16_seq(struct drv *d, uint64_t gpa, uint16_t v)
{
    __atomic_store_n((uint16_t *)(void *)rig_at(d->as, gpa), v, __ATOMIC_SEQ_CST);
}

static void w32(struct drv *d, uint64_t gpa, uint32_t v)
{
    __atomic_store_n((uint32_t *)(void *)rig_at(d->as, gpa), v, __ATOMIC_RELAXED);
}

static void w64(struct drv *d, uint64_t gpa, uint64_t v)
{
    __atomic_store_n((uint64_t *)(void *)rig_at(d->as, gpa), v, __ATOMIC_RELAXED);
}

static uint64_t align(uint64_t v)
{
    return (v + 63) & ~(uint64_t)63;
}

uint64_t drv_init(struct drv *d, struct rig *as, uint32_t flags, uint32_t size, uint64_t base)
{
    memset(d, 0, sizeof *d);
    d->as = as;
    d->c = (struct tn_vq){.struct_size = sizeof d->c, .flags = flags, .size = size};
    d->c.desc = base;
    d->c.driver = align(base + 16 * (uint64_t)size);
    d->c.device = align(d->c.driver + (packed(d) ? 4 : 6 + 2 * (uint64_t)size));
    d->tables = align(d->c.device + (packed(d) ? 4 : 6 + 8 * (uint64_t)size));
    d->table_room = size <= 1024 ? 32 : 0; /* no room for that many */
    d->slot = calloc(size, sizeof *d->slot);
    d->free = calloc(size, sizeof *d->free);
    d->order = calloc(size, sizeof *d->order);
    if (!d->slot || !d->free || !d->order)
        abort();
    d->nfree = d->room = size;
    for (uint32_t i = 0; i < size; i++)
        d->free[i] = (uint16_t)(size - 1 - i);
    d->avail_wrap = d->used_wrap = 1;
    uint64_t end = d->tables + (uint64_t)size * d->table_room * 16;
    for (uint64_t at = base; at < end; at += 4)
        w32(d, at, 0);
    return end;
}

void drv_fini(struct drv *d)
{
    free(d->slot);
    free(d->free);
    free(d->order);
}

static void put_desc(struct drv *d, uint64_t at, const struct drv_buf *b, uint16_t twelve,
                     uint16_t fourteen)
{
    w64(d, at, b->addr);
    w32(d, at + 8, b->len);
    w16(d, at + 12, twelve);
    w16(d, at + 14, fourteen);
}

static uint64_t fill_table(struct drv *d, uint16_t id, const struct drv_buf *b, uint32_t nout,
                           uint32_t n)
{
    uint64_t table = d->tables + (uint64_t)id * d->table_room * 16;
    for (uint32_t i = 0; i < n; i++) {
        uint16_t flags = i < nout ? 0 : F_WRITE;
        if (packed(d)) {
            put_desc(d, table + 16 * i, &b[i], 0, flags);
        } else {
            flags |= i + 1 < n ? F_NEXT : 0;
            put_desc(d, table + 16 * i, &b[i], flags, (uint16_t)(i + 1));
        }
    }
    return table;
}

/* ---- split ---- */

static uint16_t split_chain(struct drv *d, const struct drv_buf *b, uint32_t nout, uint32_t n,
                            uint16_t extra)
{
    uint16_t head = d->free[d->nfree - 1];
    for (uint32_t i = 0; i < n; i++) {
        uint16_t at = d->free[--d->nfree];
        uint16_t flags = (i < nout ? 0 : F_WRITE) | (i + 1 < n ? F_NEXT : 0) | extra;
        put_desc(d, d->c.desc + 16 * (uint64_t)at, &b[i], flags,
                 i + 1 < n ? d->free[d->nfree - 1] : 0);
    }
    return head;
}

static uint16_t split_add(struct drv *d, const struct drv_buf *b, uint32_t nout, uint32_t n,
                          bool indirect)
{
    uint16_t head;
    if (indirect) {
        uint16_t id = d->free[d->nfree - 1];
        struct drv_buf t = {fill_table(d, id, b, nout, n), 16 * n};
        head = split_chain(d, &t, 1, 1, F_INDIRECT);
    } else {
        head = split_chain(d, b, nout, n, 0);
    }
    w16(d, d->c.driver + 4 + 2 * (uint64_t)(d->avail & (d->c.size - 1)), head);
    d->avail++;
    d->added++;
    return head;
}

static bool split_publish(struct drv *d)
{
    uint16_t old = d->published;
    w16_seq(d, d->c.driver + 2, d->avail);
    d->published = d->avail;
    if (!(d->c.flags & TN_VQ_EVENT_IDX))
        return !(r16(d, d->c.device, __ATOMIC_SEQ_CST) & 1);
    uint16_t event = r16(d, d->c.device + 4 + 8 * (uint64_t)d->c.size, __ATOMIC_SEQ_CST);
    return (uint16_t)(d->avail - event - 1) < (uint16_t)(d->avail - old);
}

static void split_free(struct drv *d, uint16_t head, uint32_t n)
{
    for (uint16_t at = head; n--;) {
        uint16_t next = r16(d, d->c.desc + 16 * (uint64_t)at + 14, __ATOMIC_RELAXED);
        d->free[d->nfree++] = at;
        at = next;
    }
}

static bool split_used(struct drv *d, uint16_t *id, uint32_t *len)
{
    if (r16(d, d->c.device + 2, __ATOMIC_ACQUIRE) == d->used)
        return false;
    uint64_t at = d->c.device + 4 + 8 * (uint64_t)(d->used & (d->c.size - 1));
    *id = (uint16_t)r32(d, at);
    *len = r32(d, at + 4);
    return true;
}

/* ---- packed ---- */

static uint16_t avail_flags(const struct drv *d)
{
    return d->avail_wrap ? F_AVAIL : F_USED;
}

static void packed_put(struct drv *d, const struct drv_buf *b, uint16_t id, uint16_t flags,
                       bool first)
{
    uint64_t at = d->c.desc + 16 * (uint64_t)d->avail;
    flags |= avail_flags(d);
    w64(d, at, b->addr);
    w32(d, at + 8, b->len);
    w16(d, at + 12, id);
    if (first) {
        d->first = d->avail;
        d->first_flags = flags;
    } else {
        w16(d, at + 14, flags);
    }
    if (++d->avail == d->c.size) {
        d->avail = 0;
        d->avail_wrap ^= 1;
    }
}

static uint16_t packed_add(struct drv *d, const struct drv_buf *b, uint32_t nout, uint32_t n,
                           bool indirect)
{
    uint16_t id = d->free[--d->nfree];
    bool first = !d->added;
    if (indirect) {
        struct drv_buf t = {fill_table(d, id, b, nout, n), 16 * n};
        packed_put(d, &t, id, F_INDIRECT, first);
        d->added++;
        return id;
    }
    for (uint32_t i = 0; i < n; i++)
        packed_put(d, &b[i], i + 1 < n ? 0xdead : id,
                   (i < nout ? 0 : F_WRITE) | (i + 1 < n ? F_NEXT : 0), first && !i);
    d->added = (uint16_t)(d->added + n);
    return id;
}

static bool packed_publish(struct drv *d)
{
    uint16_t n = d->added;
    w16_seq(d, d->c.desc + 16 * (uint64_t)d->first + 14, d->first_flags);
    uint16_t flags = r16(d, d->c.device + 2, __ATOMIC_SEQ_CST);
    uint16_t off = r16(d, d->c.device, __ATOMIC_SEQ_CST);
    if ((flags & 3) != 2)
        return (flags & 3) != 1;
    uint16_t event = off & 0x7fff;
    if ((off >> 15) != d->avail_wrap)
        event = (uint16_t)(event - d->c.size);
    return (uint16_t)(d->avail - event - 1) < n;
}

static bool packed_used(struct drv *d, uint16_t *id, uint32_t *len)
{
    uint64_t at = d->c.desc + 16 * (uint64_t)d->used;
    uint16_t flags = r16(d, at + 14, __ATOMIC_ACQUIRE);
    bool now_avail = flags & F_AVAIL, now_used = flags & F_USED;
    if (now_avail != now_used || now_used != d->used_wrap)
        return false;
    *id = r16(d, at + 12, __ATOMIC_RELAXED);
    *len = r32(d, at + 8);
    return true;
}

/* ---- both ---- */

bool drv_add(struct drv *d, const struct drv_buf *b, uint32_t nout, uint32_t nin, bool indirect,
             uint64_t token)
{
    uint32_t n = nout + nin, need = indirect ? 1 : n;
    if (need > d->room || !d->nfree || (indirect && n > d->table_room))
        return false;
    uint16_t id =
        packed(d) ? packed_add(d, b, nout, n, indirect) : split_add(d, b, nout, n, indirect);
    d->room -= need;
    struct drv_slot *s = &d->slot[id];
    if (s->busy)
        abort();
    *s = (struct drv_slot){.ndesc = need, .head = id, .token = token, .busy = true};
    for (uint32_t i = nout; i < n; i++)
        s->in_len += b[i].len;
    d->order[d->order_in++ % d->c.size] = id;
    return true;
}

bool drv_publish(struct drv *d)
{
    if (!d->added)
        return false;
    bool kick = packed(d) ? packed_publish(d) : split_publish(d);
    d->added = 0;
    return kick;
}

/* The buffer id is used, and with it n descriptors of the ring. */
static void finish(struct drv *d, uint16_t id, uint64_t *token)
{
    struct drv_slot *s = id < d->c.size ? &d->slot[id] : NULL;
    if (!s || !s->busy)
        abort();
    *token = s->token;
    s->busy = false;
    d->room += s->ndesc;
    if (packed(d)) {
        d->free[d->nfree++] = id;
        uint32_t to = d->used + s->ndesc;
        d->used_wrap ^= to >= d->c.size;
        d->used = (uint16_t)(to >= d->c.size ? to - d->c.size : to);
    } else {
        split_free(d, id, s->ndesc);
        d->used++;
    }
}

static bool used(struct drv *d, uint16_t *id, uint32_t *len)
{
    return packed(d) ? packed_used(d, id, len) : split_used(d, id, len);
}

/* 2.7.9, 2.8.8: an entry may be of a later buffer; those before it were used completely. */
static bool get_in_order(struct drv *d, uint64_t *token, uint32_t *len)
{
    if (!d->batch && !used(d, &d->batch_id, &d->batch_len))
        return false;
    uint16_t id = d->order[d->order_out++ % d->c.size];
    d->batch = id != d->batch_id;
    *len = d->batch ? d->slot[id].in_len : d->batch_len;
    finish(d, id, token);
    return true;
}

bool drv_get(struct drv *d, uint64_t *token, uint32_t *len)
{
    uint16_t id;
    if (d->c.flags & TN_VQ_IN_ORDER)
        return get_in_order(d, token, len);
    if (!used(d, &id, len))
        return false;
    finish(d, id, token);
    return true;
}

static void split_interrupts(struct drv *d, uint32_t after)
{
    if (!(d->c.flags & TN_VQ_EVENT_IDX))
        w16_seq(d, d->c.driver, !after);
    else
        w16_seq(d, d->c.driver + 4 + 2 * (uint64_t)d->c.size,
                (uint16_t)(d->used + (after ? after - 1 : 0x8000)));
}

static void packed_interrupts(struct drv *d, uint32_t after)
{
    bool event = d->c.flags & TN_VQ_EVENT_IDX;
    if (event && after) {
        uint32_t at = d->used + after - 1, wrap = d->used_wrap;
        if (at >= d->c.size) {
            at -= d->c.size;
            wrap ^= 1;
        }
        w16(d, d->c.driver, (uint16_t)(at | wrap << 15));
    }
    w16_seq(d, d->c.driver + 2, !after ? 1 : event ? 2 : 0);
}

bool drv_interrupts(struct drv *d, uint32_t after)
{
    uint16_t id;
    uint32_t len;
    if (packed(d))
        packed_interrupts(d, after);
    else
        split_interrupts(d, after);
    return d->batch || used(d, &id, &len);
}
