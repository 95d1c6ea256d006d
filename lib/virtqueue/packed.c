/* SPDX-License-Identifier: BSD-2-Clause */
/* Packed virtqueues: Virtual I/O Device 1.3, 2.8. */
#include "vq_impl.h"

/* A position in the ring with its wrap counter (2.8.1), moved on by n <= size descriptors. */
struct pos {
    uint16_t at;
    uint8_t wrap;
};

static ALWAYS_INLINE struct pos moved(struct pos p, uint32_t size, uint32_t n)
{
    uint32_t to = p.at + n;
    if (to >= size)
        return (struct pos){(uint16_t)(to - size), !p.wrap};
    return (struct pos){(uint16_t)to, p.wrap};
}

static ALWAYS_INLINE bool is_avail(uint16_t flags, uint8_t wrap)
{
    uint16_t both = flags & (PDESC_F_AVAIL | PDESC_F_USED);
    return both == (wrap ? PDESC_F_AVAIL : PDESC_F_USED);
}

static ALWAYS_INLINE uint64_t desc_off(uint32_t at)
{
    return (uint64_t)at * DESC_SIZE;
}

/* The ring as one call of vq_pop() or vq_pop_some() sees it; desc NULL unless direct. */
struct near {
    const uint8_t *desc;
    uint32_t size;
    struct pos at; /* also in q, for whoever else looks */
    struct vq_elem *free;
};

/* The first descriptor's flags tell that the whole chain is there (2.8.17). */
static ALWAYS_INLINE struct desc load(struct vq *q, const struct near *r, uint32_t at, bool direct)
{
    struct desc d;
    if (direct)
        return near_desc(r->desc + desc_off(at), true);
    vq_far_desc(q, &d, q->desc->iova + desc_off(at), true);
    return d;
}

static const char *table_refusal(const struct vq *q, const struct desc *at)
{
    if (!(q->flags & TN_VQ_INDIRECT))
        return "an indirect descriptor that was not negotiated (2.8.19)";
    if (!at->len || at->len % DESC_SIZE)
        return "an indirect table of no whole number of descriptors (2.8.7)";
    if (at->len / DESC_SIZE > q->size && at->len / DESC_SIZE > VQ_MAX_TABLE)
        return "an indirect table that is too long (2.8.19)";
    return NULL;
}

/* 2.8.7: of a table's flags only WRITE counts. */
static ALWAYS_INLINE int walk_table(struct vq *q, struct vq_elem *el, struct making *m,
                                    const struct desc *at)
{
    const char *bad = table_refusal(q, at);
    if (UNLIKELY(bad)) {
        vq_break(q, bad);
        return VQ_BAD;
    }
    const uint8_t *table = ram_at(m->ram, at->addr, at->len, TN_DMA_READ);
    if (UNLIKELY(!table) && !(table = vq_far_table(q, at->addr, at->len)))
        return VQ_BAD;
    for (uint32_t i = 0, entries = at->len / DESC_SIZE; i < entries; i++) {
        struct desc d = near_desc(table + desc_off(i), true);
        int r = add_buffer(q, el, m, &d);
        if (UNLIKELY(r < 0))
            return r;
    }
    return 1;
}

static ALWAYS_INLINE int walk(struct vq *q, struct vq_elem *el, struct making *m,
                              const struct near *r, struct desc *d, bool direct)
{
    uint32_t at = r->at.at;
    for (uint32_t n = 1;; n++) {
        if (UNLIKELY(d->flags & DESC_F_INDIRECT || n > r->size)) {
            vq_break(q, n > r->size ? "a chain longer than the queue (2.8.17)"
                                    : "an indirect descriptor in a chain (2.8.19)");
            return VQ_BAD;
        }
        int err = add_buffer(q, el, m, d);
        if (UNLIKELY(err < 0))
            return err;
        if (!(d->flags & DESC_F_NEXT))
            return (int)n;
        at = at + 1 == r->size ? 0 : at + 1;
        *d = load(q, r, at, direct);
    }
}

/* The chain whose first descriptor is *d, at q->avail. Its length, VQ_BAD or VQ_LATER; *d is its
 * last descriptor then. */
static ALWAYS_INLINE int gather(struct vq *q, struct vq_elem *el, struct making *m,
                                const struct near *r, struct desc *d, bool direct)
{
    if (LIKELY(!(d->flags & (DESC_F_NEXT | DESC_F_INDIRECT))))
        return add_buffer(q, el, m, d) < 0 ? VQ_BAD : 1;
    if (d->flags & DESC_F_NEXT)
        return walk(q, el, m, r, d, direct);
    return walk_table(q, el, m, d);
}

static ALWAYS_INLINE bool there(struct vq *q, const struct near *r, bool direct)
{
    uint64_t off = desc_off(r->at.at) + PDESC_FLAGS;
    return is_avail(direct ? ld16_acquire(r->desc + off) : vq_far_ld16(q, q->desc, off),
                    r->at.wrap);
}

static struct near look(const struct vq *q)
{
    return (struct near){q->desc->va, q->size, {q->avail, q->avail_wrap}, q->free};
}

/* As in split.c. */
static NOINLINE bool more_after_all(struct vq *q)
{
    return q->live && !q->kicks_off && !q->polled && packed_kicks(q, true) && !packed_empty(q);
}

static ALWAYS_INLINE void step(struct vq *q, struct near *r, uint32_t n)
{
    r->at = moved(r->at, r->size, n);
    q->avail = r->at.at;
    q->avail_wrap = r->at.wrap;
    if (UNLIKELY(q->ahead))
        q->ahead = q->ahead > n ? (uint16_t)(q->ahead - n) : 0;
}

static ALWAYS_INLINE struct vq_elem *make(struct vq *q, struct near *r, struct making *m,
                                          bool direct)
{
    struct vq_elem *el = elem_get(q, &r->free);
    if (UNLIKELY(!el))
        return NULL;
    struct desc d = load(q, r, r->at.at, direct);
    int n = gather(q, el, m, r, &d, direct);
    if (UNLIKELY(n < 0 || (!direct && !q->live) || finish_elem(q, el, m, (uint32_t)n) < 0))
        return vq_abandon(q, el);
    el->id = d.next; /* of the chain's last descriptor, 2.8.6 */
    step(q, r, (uint32_t)n);
    return el;
}

static ALWAYS_INLINE uint32_t pop(struct vq *q, void **els, uint32_t max, bool direct)
{
    const struct tn_ram *ram = vq_hit(q);
    struct near r = look(q);
    uint32_t n = 0;
    for (; n < max; n++) {
        if (!there(q, &r, direct) && !more_after_all(q))
            break;
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

struct vq_elem *packed_pop(struct vq *q)
{
    void *el;
    uint32_t n = LIKELY(vq_direct(q)) ? pop(q, &el, 1, true) : far_pop(q, &el, 1);
    return n ? el : NULL;
}

uint32_t packed_pop_some(struct vq *q, void **els, uint32_t max)
{
    return LIKELY(vq_direct(q)) ? pop(q, els, max, true) : far_pop(q, els, max);
}

void packed_unpop(struct vq *q, uint16_t ndesc)
{
    uint32_t from = q->avail;
    q->ahead = (uint16_t)(q->ahead + ndesc);
    if (from < ndesc) {
        from += q->size;
        q->avail_wrap = !q->avail_wrap;
    }
    q->avail = (uint16_t)(from - ndesc);
}

/* ---- used descriptors ---- */

static ALWAYS_INLINE uint64_t used_word(uint16_t id, uint32_t len, uint16_t flags)
{
    return len | (uint64_t)id << 32 | (uint64_t)flags << 48;
}

static ALWAYS_INLINE void near_use(struct vq *q, uint16_t id, uint32_t len, uint16_t flags)
{
    uint8_t *d = q->desc->va + desc_off(q->used);
    if (q->pending) {
        st64(d + PDESC_LEN, used_word(id, len, flags));
    } else { /* all but the flags; the driver looks no further than this one until they change */
        st32(d + PDESC_LEN, len);
        __atomic_store_n((uint16_t *)(void *)(d + PDESC_ID), id, __ATOMIC_RELAXED);
    }
    ring_dirty(q, q->desc, desc_off(q->used), DESC_SIZE);
}

/* 2.8.1, 2.8.4: flags of a used descriptor */
static ALWAYS_INLINE uint16_t used_flags(uint8_t wrap, uint32_t len)
{
    return (uint16_t)((wrap ? PDESC_F_AVAIL | PDESC_F_USED : 0) | (len ? DESC_F_WRITE : 0));
}

/* 2.8.6, 2.8.8: one used descriptor at the place of the first of ndesc, which it stands for. */
static ALWAYS_INLINE void use(struct vq *q, uint16_t id, uint32_t len, uint32_t ndesc)
{
    uint16_t flags = used_flags(q->used_wrap, len);
    if (!q->pending) {
        q->first = q->used;
        q->first_flags = flags;
    }
    if (LIKELY(q->desc->va != NULL)) {
        near_use(q, id, len, flags);
    } else {
        uint64_t w = used_word(id, len, flags);
        vq_far_store(q, q->desc, desc_off(q->used) + PDESC_LEN, &w, q->pending ? 8 : 6);
    }
    struct pos p = moved((struct pos){q->used, q->used_wrap}, q->size, ndesc);
    q->used = p.at;
    q->used_wrap = p.wrap;
    q->pending = (uint16_t)(q->pending + ndesc);
}

void packed_use(struct vq *q, uint16_t id, uint32_t len, uint32_t ndesc)
{
    use(q, id, len, ndesc);
}

void packed_push(struct vq *q, struct vq_elem *el, uint32_t written)
{
    use(q, el->id, written, el->ndesc);
    elem_put(q, el);
}

/* Those behind a pending one: all of the descriptor at once. */
static ALWAYS_INLINE void use_more(struct vq *q, void *const *els, const uint32_t *written,
                                   uint32_t n)
{
    const struct tn_cached *ring = q->desc;
    struct pos p = {q->used, q->used_wrap};
    struct vq_elem *free = q->free;
    uint32_t ndesc = 0;
    for (uint32_t i = 0; i < n; i++) {
        struct vq_elem *el = els[i];
        uint32_t len = elem_written(el, written[i]);
        st64(ring->va + desc_off(p.at) + PDESC_LEN,
             used_word(el->id, len, used_flags(p.wrap, len)));
        ring_dirty(q, ring, desc_off(p.at), DESC_SIZE);
        ndesc += el->ndesc;
        p = moved(p, q->size, el->ndesc);
        elem_put_on(q, el, &free);
    }
    q->free = free;
    q->used = p.at;
    q->used_wrap = p.wrap;
    q->pending = (uint16_t)(q->pending + ndesc);
    q->ndesc -= ndesc;
}

/* Direct, and nothing about them is special. */
void packed_push_some(struct vq *q, void *const *els, const uint32_t *written, uint32_t n)
{
    uint32_t i = 0;
    if (n && !q->pending) {
        struct vq_elem *el = els[i];
        q->ndesc -= el->ndesc;
        packed_push(q, el, elem_written(el, written[i++]));
    }
    use_more(q, els + i, written + i, n - i);
    q->inflight -= n;
}

/* 2.8.10: read after the flags can be seen. n: descriptors used since the last time */
static ALWAYS_INLINE bool wanted(struct vq *q, uint16_t n, bool direct)
{
    uint32_t e = direct ? ld32_seq(q->driver->va) : vq_far_ld32(q, q->driver, 0);
    uint32_t how = e >> EVENT_FLAGS_SHIFT & EVENT_FLAGS_MASK;
    if (how != EVENT_F_DESC || !(q->flags & TN_VQ_EVENT_IDX))
        return how != EVENT_F_DISABLE;
    uint16_t at = (uint16_t)(e & (EVENT_WRAP - 1));
    if (!(e & EVENT_WRAP) != !q->used_wrap)
        at = (uint16_t)(at - q->size);
    return ring_passed(at, q->used, (uint16_t)(q->used - n));
}

bool packed_publish(struct vq *q)
{
    uint64_t off = desc_off(q->first) + PDESC_FLAGS;
    uint16_t n = q->pending;
    q->pending = 0;
    if (UNLIKELY(!vq_direct(q))) {
        vq_far_st16(q, q->desc, off, q->first_flags);
        return wanted(q, n, false) && q->live;
    }
    st16_seq(q->desc->va + off, q->first_flags);
    ring_dirty(q, q->desc, off, 2);
    return wanted(q, n, true);
}

/* ---- kicks ---- */

static void set_event(struct vq *q, uint32_t e)
{
    if (UNLIKELY(!q->device->va)) {
        vq_far_st32(q, q->device, 0, e);
        return;
    }
    st32_seq(q->device->va, e);
    ring_dirty(q, q->device, 0, EVENT_SIZE);
}

bool packed_empty(struct vq *q)
{
    struct near r = look(q);
    return !there(q, &r, r.desc != NULL);
}

/* The event suppression structure that asks for a kick when the descriptor at p comes. */
static uint32_t event_at(const struct vq *q, struct pos p)
{
    if (!(q->flags & TN_VQ_EVENT_IDX))
        return EVENT_F_ENABLE;
    return p.at | (p.wrap ? EVENT_WRAP : 0u) | (uint32_t)EVENT_F_DESC << EVENT_FLAGS_SHIFT;
}

/* Behind what was looked at. */
static struct pos next_pos(const struct vq *q)
{
    return moved((struct pos){q->avail, q->avail_wrap}, q->size, q->ahead);
}

bool packed_unseen(struct vq *q)
{
    struct pos p = next_pos(q);
    uint64_t off = desc_off(p.at) + PDESC_FLAGS;
    return is_avail(q->desc->va ? ld16_seq(q->desc->va + off) : vq_far_ld16(q, q->desc, off),
                    p.wrap);
}

bool packed_kicks(struct vq *q, bool on)
{
    if (!on) {
        if (q->armed != DISARMED)
            set_event(q, (uint32_t)EVENT_F_DISABLE << EVENT_FLAGS_SHIFT);
        q->armed = DISARMED;
        return false;
    }
    uint32_t e = event_at(q, next_pos(q));
    if (q->armed != ARMED || q->armed_at != (uint16_t)e)
        set_event(q, e);
    q->armed = ARMED;
    q->armed_at = (uint16_t)e;
    return packed_unseen(q);
}
