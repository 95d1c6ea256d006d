/* SPDX-License-Identifier: BSD-2-Clause */
/* Split virtqueues: Virtual I/O Device 1.3, 2.7. */
#include "vq_impl.h"

enum { PREFETCH_AHEAD = 4 };

/* The ring as one call of vq_pop() or vq_pop_some() sees it: addresses NULL unless direct. */
struct near {
    const uint8_t *desc, *avail;
    uint32_t size;
    uint16_t at; /* q->avail */
    struct vq_elem *free;
};

static ALWAYS_INLINE struct desc load(struct vq *q, const struct near *r, uint32_t i, bool direct)
{
    struct desc d;
    if (direct)
        return near_desc(r->desc + (uint64_t)i * DESC_SIZE, false);
    vq_far_desc(q, &d, q->desc->iova + (uint64_t)i * DESC_SIZE, false);
    return d;
}

/* The rest of a chain that begins with *d, in the ring or in a table of so many entries. The number
 * of descriptors, VQ_BAD or VQ_LATER. *d is then the last one, which may lead to a table. */
static ALWAYS_INLINE int walk(struct vq *q, struct vq_elem *el, struct making *m,
                              const struct near *r, struct desc *d, bool direct)
{
    for (uint32_t n = 1;; n++) {
        if (UNLIKELY(d->flags & DESC_F_INDIRECT))
            return (int)n;
        int err = add_buffer(q, el, m, d);
        if (UNLIKELY(err < 0))
            return err;
        if (!(d->flags & DESC_F_NEXT))
            return (int)n;
        if (UNLIKELY(d->next >= r->size || n >= r->size)) {
            vq_break(q, d->next >= r->size ? "a next index beyond the table (2.7.5)"
                                           : "a chain longer than the queue (2.7.5)");
            return VQ_BAD;
        }
        *d = load(q, r, d->next, direct);
    }
}

static const char *table_refusal(const struct vq *q, const struct desc *at)
{
    if (!(q->flags & TN_VQ_INDIRECT))
        return "an indirect descriptor that was not negotiated (2.7.5.3.1)";
    if (at->flags & DESC_F_NEXT)
        return "a descriptor that is both indirect and chained on (2.7.5.3.1)";
    if (!at->len || at->len % DESC_SIZE)
        return "an indirect table of no whole number of descriptors (2.7.5.3.2)";
    if (at->len / DESC_SIZE > q->size && at->len / DESC_SIZE > VQ_MAX_TABLE)
        return "an indirect table that is too long (2.7.5.3.1)";
    return NULL;
}

static ALWAYS_INLINE int walk_table(struct vq *q, struct vq_elem *el, struct making *m,
                                    const struct desc *at)
{
    const char *bad = table_refusal(q, at);
    if (UNLIKELY(bad)) {
        vq_break(q, bad);
        return VQ_BAD;
    }
    struct near t = {.desc = ram_at(m->ram, at->addr, at->len, TN_DMA_READ),
                     .size = at->len / DESC_SIZE};
    if (UNLIKELY(!t.desc) && !(t.desc = vq_far_table(q, at->addr, at->len)))
        return VQ_BAD;
    struct desc d = load(q, &t, 0, true);
    int n = walk(q, el, m, &t, &d, true);
    if (UNLIKELY(n > 0 && d.flags & DESC_F_INDIRECT)) {
        vq_break(q, "an indirect table within another (2.7.5.3.1)");
        return VQ_BAD;
    }
    return n;
}

/* The number of descriptors of the ring, VQ_BAD or VQ_LATER. */
static ALWAYS_INLINE int gather(struct vq *q, struct vq_elem *el, struct making *m,
                                const struct near *r, struct desc *d, bool direct)
{
    int n = walk(q, el, m, r, d, direct);
    if (n > 0 && d->flags & DESC_F_INDIRECT) {
        int err = walk_table(q, el, m, d);
        if (UNLIKELY(err < 0))
            return err;
    }
    return n;
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

/* After a look at a ring that was empty: the driver has been asked for a kick, unless there are
 * buffers by now. */
static NOINLINE bool more_after_all(struct vq *q)
{
    bool direct = vq_direct(q);
    return q->live && !q->kicks_off && !q->polled && split_kicks(q, true) && more(q, direct);
}

static ALWAYS_INLINE uint64_t avail_off(uint32_t at, uint32_t size)
{
    return AVAIL_RING + AVAIL_ENTRY * (uint64_t)(at & (size - 1));
}

/* What comes next is on its way to this processor while this element is handled. */
static ALWAYS_INLINE void prefetch(const struct vq *q, const struct near *r)
{
    if ((uint16_t)(q->avail_seen - r->at) <= PREFETCH_AHEAD)
        return;
    uint32_t head = ld16(r->avail + avail_off(r->at + PREFETCH_AHEAD, r->size));
    __builtin_prefetch(r->desc + (head & (r->size - 1)) * (uint64_t)DESC_SIZE);
}

static ALWAYS_INLINE struct vq_elem *make(struct vq *q, struct near *r, struct making *m,
                                          bool direct)
{
    struct vq_elem *el = elem_get(q, &r->free);
    if (UNLIKELY(!el))
        return NULL;
    uint64_t off = avail_off(r->at, r->size);
    uint16_t head = direct ? ld16(r->avail + off) : vq_far_ld16(q, q->driver, off);
    if (UNLIKELY(head >= r->size)) {
        vq_break(q, "a head beyond the descriptor table (2.7.6)");
        return vq_abandon(q, el);
    }
    struct desc d = load(q, r, head, direct);
    int n = 1;
    if (LIKELY(!(d.flags & (DESC_F_NEXT | DESC_F_INDIRECT))))
        n = add_buffer(q, el, m, &d) < 0 ? VQ_BAD : 1;
    else
        n = gather(q, el, m, r, &d, direct);
    if (UNLIKELY(n < 0 || (!direct && !q->live) || finish_elem(q, el, m, (uint32_t)n) < 0))
        return vq_abandon(q, el);
    el->id = head;
    q->avail = ++r->at;
    return el;
}

static ALWAYS_INLINE uint32_t pop(struct vq *q, void **els, uint32_t max, bool direct)
{
    const struct tn_ram *ram = vq_hit(q);
    struct near r = {q->desc->va, q->driver->va, q->size, q->avail, q->free};
    uint32_t n = 0;
    for (; n < max; n++) {
        if (r.at == q->avail_seen && !more(q, direct) && !more_after_all(q))
            break;
        if (direct)
            prefetch(q, &r);
        struct making m = {.ram = ram};
        els[n] = make(q, &r, &m, direct);
        if (UNLIKELY(!els[n]))
            break;
        ram = m.ram;
    }
    return n;
}

static NOINLINE uint32_t far_pop(struct vq *q, void **els, uint32_t max)
{
    return pop(q, els, max, false);
}

struct vq_elem *split_pop(struct vq *q)
{
    void *el;
    uint32_t n = LIKELY(vq_direct(q)) ? pop(q, &el, 1, true) : far_pop(q, &el, 1);
    return n ? el : NULL;
}

uint32_t split_pop_some(struct vq *q, void **els, uint32_t max)
{
    return LIKELY(vq_direct(q)) ? pop(q, els, max, true) : far_pop(q, els, max);
}

void split_unpop(struct vq *q)
{
    q->avail--;
}

/* ---- used ring ---- */

static ALWAYS_INLINE void use(struct vq *q, uint16_t id, uint32_t len, uint32_t entries)
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

void split_use(struct vq *q, uint16_t id, uint32_t len, uint32_t entries)
{
    use(q, id, len, entries);
}

void split_push(struct vq *q, struct vq_elem *el, uint32_t written)
{
    use(q, el->id, written, 1);
    elem_put(q, el);
}

/* Direct, and nothing about them is special. */
void split_push_some(struct vq *q, void *const *els, const uint32_t *written, uint32_t n)
{
    uint8_t *ring = q->device->va + USED_RING;
    uint32_t mask = q->size - 1, ndesc = 0;
    uint16_t at = q->used;
    struct vq_elem *free = q->free;
    for (uint32_t i = 0; i < n; i++, at++) {
        struct vq_elem *el = els[i];
        uint8_t *entry = ring + USED_ENTRY * (uint64_t)(at & mask);
        st32(entry, el->id);
        st32(entry + 4, elem_written(el, written[i]));
        ndesc += el->ndesc;
        elem_put_on(q, el, &free);
    }
    if (UNLIKELY(q->device->log))
        for (uint32_t i = 0; i < n; i++)
            ring_dirty(q, q->device, USED_RING + USED_ENTRY * (uint64_t)((q->used + i) & mask),
                       USED_ENTRY);
    q->free = free;
    q->used = at;
    q->pending = (uint16_t)(q->pending + n);
    q->inflight -= n;
    q->ndesc -= ndesc;
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

bool split_unseen(struct vq *q)
{
    return avail_idx(q) != q->avail_seen;
}

bool split_kicks(struct vq *q, bool on)
{
    if (q->flags & TN_VQ_EVENT_IDX) {
        if (!on || (q->armed == ARMED && q->armed_at == q->avail_seen))
            return on && split_unseen(q);
        q->armed_at = q->avail_seen;
        device_st16(q, USED_RING + USED_ENTRY * (uint64_t)q->size, q->armed_at);
    } else if (q->armed != (on ? ARMED : DISARMED)) {
        device_st16(q, USED_FLAGS, on ? 0 : USED_F_NO_NOTIFY);
    }
    q->armed = on ? ARMED : DISARMED;
    return on && split_unseen(q);
}
