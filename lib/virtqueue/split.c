/* SPDX-License-Identifier: BSD-2-Clause */
/* Split virtqueues: Virtual I/O Device 1.3, 2.7. */
#include "vq_impl.h"

enum { PREFETCH_AHEAD = 4 };

/* A chain in the ring (table NULL) or in an indirect table, from entry i on. The number of
 * descriptors, VQ_BAD or VQ_LATER. *d is then the last one: of a ring it may lead to a table. */
static ALWAYS_INLINE int walk(struct vq *q, struct vq_elem *el, struct making *m,
                              const uint8_t *table, uint32_t entries, uint32_t i, struct desc *d,
                              bool direct)
{
    for (uint32_t n = 1;; n++) {
        if (direct || table)
            *d = near_desc((table ? table : q->desc->va) + (uint64_t)i * DESC_SIZE, false);
        else
            vq_far_desc(q, d, q->desc->iova + (uint64_t)i * DESC_SIZE, false);
        if (UNLIKELY(d->flags & DESC_F_INDIRECT))
            return (int)n;
        int r = add_buffer(q, el, m, d);
        if (UNLIKELY(r < 0))
            return r;
        if (!(d->flags & DESC_F_NEXT))
            return (int)n;
        i = d->next;
        if (UNLIKELY(i >= entries || n >= entries)) {
            vq_break(q, i >= entries ? "a next index beyond the table (2.7.5)"
                                     : "a chain longer than the queue (2.7.5)");
            return VQ_BAD;
        }
    }
}

static ALWAYS_INLINE int walk_table(struct vq *q, struct vq_elem *el, struct making *m,
                                    const struct desc *at)
{
    uint32_t entries = at->len / DESC_SIZE;
    const char *bad = NULL;
    if (UNLIKELY(!(q->flags & TN_VQ_INDIRECT)))
        bad = "an indirect descriptor that was not negotiated (2.7.5.3.1)";
    else if (UNLIKELY(at->flags & DESC_F_NEXT))
        bad = "a descriptor that is both indirect and chained on (2.7.5.3.1)";
    else if (UNLIKELY(!entries || at->len % DESC_SIZE))
        bad = "an indirect table of no whole number of descriptors (2.7.5.3.2)";
    else if (UNLIKELY(entries > q->size && entries > VQ_MAX_TABLE))
        bad = "an indirect table that is too long (2.7.5.3.1)";
    if (UNLIKELY(bad)) {
        vq_break(q, bad);
        return VQ_BAD;
    }
    const uint8_t *table = ram_at(m->ram, at->addr, at->len, TN_DMA_READ);
    if (UNLIKELY(!table) && !(table = vq_far_table(q, at->addr, at->len)))
        return VQ_BAD;
    struct desc d;
    int r = walk(q, el, m, table, entries, 0, &d, true);
    if (UNLIKELY(r > 0 && d.flags & DESC_F_INDIRECT)) {
        vq_break(q, "an indirect table within another (2.7.5.3.1)");
        return VQ_BAD;
    }
    return r;
}

static ALWAYS_INLINE int make(struct vq *q, struct vq_elem *el, struct making *m, uint16_t head,
                              bool direct)
{
    struct desc d;
    int n = walk(q, el, m, NULL, q->size, head, &d, direct);
    if (n > 0 && d.flags & DESC_F_INDIRECT) {
        int r = walk_table(q, el, m, &d);
        if (UNLIKELY(r < 0))
            return r;
    }
    if (UNLIKELY(n < 0 || !q->live))
        return n < 0 ? n : VQ_BAD;
    el->id = head;
    return finish_elem(q, el, m, (uint32_t)n);
}

static ALWAYS_INLINE bool more(struct vq *q, bool direct)
{
    uint16_t idx = ring_ld16_acquire(q, q->driver, AVAIL_IDX, direct);
    if (UNLIKELY((uint16_t)(idx - q->avail) > q->size)) {
        vq_break(q, "the available index jumps further than the queue is long (2.7.6)");
        return false;
    }
    q->avail_seen = idx;
    return idx != q->avail;
}

static ALWAYS_INLINE uint64_t avail_off(const struct vq *q, uint16_t at)
{
    return AVAIL_RING + AVAIL_ENTRY * (uint64_t)(at & (q->size - 1));
}

/* What comes next is on its way to this processor while this element is handled. */
static ALWAYS_INLINE void prefetch(const struct vq *q)
{
    uint16_t at = (uint16_t)(q->avail + PREFETCH_AHEAD);
    if ((uint16_t)(q->avail_seen - q->avail) <= PREFETCH_AHEAD)
        return;
    uint32_t head = ld16(q->driver->va + avail_off(q, at)) & (q->size - 1);
    __builtin_prefetch(q->desc->va + (uint64_t)head * DESC_SIZE);
}

static ALWAYS_INLINE struct vq_elem *pop(struct vq *q, bool direct)
{
    if (q->avail == q->avail_seen && !more(q, direct) &&
        !(q->live && !q->kicks_off && split_kicks(q, true) && more(q, direct)))
        return NULL;
    if (direct)
        prefetch(q);
    struct vq_elem *el = elem_get(q);
    if (UNLIKELY(!el))
        return NULL;
    uint16_t head = direct ? ld16(q->driver->va + avail_off(q, q->avail))
                           : vq_far_ld16(q, q->driver, avail_off(q, q->avail));
    struct making m = {.ram = vq_hit(q), .in_from = ~0u};
    if (UNLIKELY(head >= q->size)) {
        vq_break(q, "a head beyond the descriptor table (2.7.6)");
        return vq_abandon(q, el);
    }
    if (UNLIKELY(make(q, el, &m, head, direct) < 0))
        return vq_abandon(q, el);
    q->avail++;
    return el;
}

static NOINLINE struct vq_elem *far_pop(struct vq *q)
{
    return pop(q, false);
}

struct vq_elem *split_pop(struct vq *q)
{
    return LIKELY(vq_direct(q)) ? pop(q, true) : far_pop(q);
}

void split_unpop(struct vq *q)
{
    q->avail--;
}

/* ---- used ring ---- */

void split_use(struct vq *q, uint16_t id, uint32_t len, uint32_t entries)
{
    uint64_t off = USED_RING + USED_ENTRY * (uint64_t)(q->used & (q->size - 1));
    if (LIKELY(q->device->va != NULL)) {
        st32(q->device->va + off, id);
        st32(q->device->va + off + 4, len);
        ring_dirty(q, q->device, off, USED_ENTRY);
    } else {
        vq_far_store(q, q->device, off, (const uint32_t[]){id, len}, USED_ENTRY);
    }
    q->used = (uint16_t)(q->used + entries);
    q->pending = (uint16_t)(q->pending + entries);
}

/* 2.7.7, 2.7.10: read after the new index can be seen */
static ALWAYS_INLINE bool wanted(struct vq *q, uint16_t old, bool direct)
{
    bool event = q->flags & TN_VQ_EVENT_IDX;
    uint64_t off = event ? AVAIL_RING + AVAIL_ENTRY * (uint64_t)q->size : AVAIL_FLAGS;
    uint16_t v = direct ? ld16_seq(q->driver->va + off) : vq_far_ld16(q, q->driver, off);
    return event ? ring_passed(v, q->used, old) : !(v & AVAIL_F_NO_INTERRUPT);
}

bool split_publish(struct vq *q)
{
    uint16_t old = (uint16_t)(q->used - q->pending);
    q->pending = 0;
    if (UNLIKELY(!vq_direct(q))) {
        vq_far_st16(q, q->device, USED_IDX, q->used);
        return wanted(q, old, false) && q->live;
    }
    st16_seq(q->device->va + USED_IDX, q->used);
    ring_dirty(q, q->device, USED_IDX, 2);
    return wanted(q, old, true);
}

/* ---- kicks ---- */

static void device_st16(struct vq *q, uint64_t off, uint16_t v)
{
    if (UNLIKELY(!q->device->va)) {
        vq_far_st16(q, q->device, off, v);
        return;
    }
    st16_seq(q->device->va + off, v);
    ring_dirty(q, q->device, off, 2);
}

static uint16_t avail_idx(struct vq *q)
{
    return LIKELY(q->driver->va != NULL) ? ld16_seq(q->driver->va + AVAIL_IDX)
                                         : vq_far_ld16(q, q->driver, AVAIL_IDX);
}

bool split_empty(struct vq *q)
{
    return q->avail == q->avail_seen && avail_idx(q) == q->avail;
}

bool split_kicks(struct vq *q, bool on)
{
    if (q->flags & TN_VQ_EVENT_IDX) {
        if (!on || (q->armed == ARMED && q->armed_at == q->avail_seen))
            return on && avail_idx(q) != q->avail_seen;
        q->armed_at = q->avail_seen;
        device_st16(q, USED_RING + USED_ENTRY * (uint64_t)q->size, q->armed_at);
    } else if (q->armed != (on ? ARMED : DISARMED)) {
        device_st16(q, USED_FLAGS, on ? 0 : USED_F_NO_NOTIFY);
    }
    q->armed = on ? ARMED : DISARMED;
    return on && avail_idx(q) != q->avail_seen;
}
