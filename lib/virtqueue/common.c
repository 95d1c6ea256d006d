/* SPDX-License-Identifier: BSD-2-Clause */
/* A virtqueue's life, and what both formats do alike. */
#include "vq_impl.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool is_packed(const struct vq *q)
{
    return q->flags & TN_VQ_PACKED;
}

void vq_init(struct vq *q, uint32_t elem_size, uint32_t elem_room)
{
    *q = (struct vq){.elem_size = elem_size, .elem_room = elem_room, .view = &vq_no_view};
}

void vq_fini(struct vq *q)
{
    order_fini(q);
    for (struct vq_elem *el; (el = q->free);) {
        q->free = el->next;
        vq_elem_delete(q, el);
    }
    vq_pieces_fini(q);
}

void vq_break(struct vq *q, const char *why)
{
    if (!q->broken)
        q->broken = why;
    q->live = 0;
}

/* ---- start and stop ---- */

struct areas {
    uint64_t desc, driver, device; /* bytes */
    uint32_t desc_align, driver_align, device_align;
};

/* 2.7, 2.8.13, 2.8.14 */
static struct areas areas_of(uint32_t flags, uint64_t size)
{
    uint64_t event = flags & TN_VQ_EVENT_IDX ? 2 : 0;
    if (flags & TN_VQ_PACKED)
        return (struct areas){DESC_SIZE * size, EVENT_SIZE, EVENT_SIZE, 16, 4, 4};
    return (struct areas){DESC_SIZE * size,
                          AVAIL_RING + AVAIL_ENTRY * size + event,
                          USED_RING + USED_ENTRY * size + event,
                          16,
                          2,
                          4};
}

static const char *refusal(const struct tn_vq *c, const struct areas *a)
{
    if (c->flags & TN_VQ_BE)
        return "big-endian rings";
    if (!c->size || c->size > VQ_MAX_SIZE)
        return "a queue size out of range (2.6)";
    if (!(c->flags & TN_VQ_PACKED) && c->size & (c->size - 1))
        return "a queue size that is no power of two (2.7)";
    if (c->desc % a->desc_align || c->driver % a->driver_align || c->device % a->device_align)
        return "a queue address that is not aligned (2.7.1, 2.8.11)";
    return NULL;
}

static const char *place_refusal(const struct tn_vq *c, const struct vq_place *p)
{
    if (c->flags & TN_VQ_PACKED)
        return (p->avail & 0x7fff) < c->size && (p->used & 0x7fff) < c->size
                   ? NULL
                   : "a saved position beyond the ring";
    return (uint16_t)(p->avail - p->used) <= c->size
               ? NULL
               : "saved indices further apart than the queue is long";
}

/* Descriptors between used and avail: in flight when the place was saved. */
static void set_place(struct vq *q, const struct vq_place *p)
{
    uint16_t mask = is_packed(q) ? 0x7fff : 0xffff;
    q->avail = p->avail & mask;
    q->used = p->used & mask;
    q->avail_wrap = p->avail >> 15;
    q->used_wrap = p->used >> 15;
    q->avail_seen = q->avail;
    q->ahead = q->pending = q->run = 0;
    q->armed = q->again = q->kicks_off = 0;
}

static int map_areas(struct vq *q, const struct tn_vq *c, const struct areas *a)
{
    uint32_t ring = is_packed(q) ? TN_DMA_READ | TN_DMA_WRITE : TN_DMA_READ;
    const struct tn_dma *d = q->dma;
    q->desc = d->cache(q->as, q->ctx, c->desc, a->desc, ring, NULL, NULL);
    q->driver = d->cache(q->as, q->ctx, c->driver, a->driver, TN_DMA_READ, NULL, NULL);
    q->device = d->cache(q->as, q->ctx, c->device, a->device, TN_DMA_WRITE, NULL, NULL);
    q->view = d->view ? d->view(q->as, q->ctx) : NULL;
    if (!q->view)
        q->view = &vq_no_view;
    return q->desc && q->driver && q->device ? 0 : -ENOMEM;
}

static void unmap_areas(struct vq *q)
{
    const struct tn_cached *c[] = {q->desc, q->driver, q->device};
    q->desc = q->driver = q->device = NULL;
    q->view = &vq_no_view;
    for (uint32_t i = 0; i < 3; i++)
        if (c[i])
            q->dma->uncache(c[i]);
}

static void new_life(struct vq *q)
{
    q->life++;
    q->inflight = q->ndesc = 0;
    q->seq_next = q->seq_used = 0;
}

int vq_start(struct vq *q, const struct tn_vq *c, const struct tn_dma *dma, struct tn_as *as,
             struct tn_ctx *ctx, const struct vq_place *place)
{
    uint16_t zero = c->flags & TN_VQ_PACKED ? EVENT_WRAP : 0;
    struct vq_place at = {zero, zero};
    struct areas a = areas_of(c->flags, c->size);
    bool restore = c->flags & TN_VQ_RESTORE && place;
    if (restore)
        at = *place;
    q->live = q->polled = 0;
    q->broken = refusal(c, &a);
    if (!q->broken)
        q->broken = place_refusal(c, &at);
    if (q->broken)
        return -EINVAL;
    q->dma = dma;
    q->as = as;
    q->ctx = ctx;
    q->flags = c->flags;
    q->size = c->size;
    if (!restore)
        new_life(q);
    set_place(q, &at);
    int r = q->flags & TN_VQ_IN_ORDER ? order_start(q, !restore) : 0;
    if (r == 0)
        r = map_areas(q, c, &a);
    if (r < 0) {
        unmap_areas(q);
        return r;
    }
    q->live = 1;
    return 0;
}

void vq_stop(struct vq *q)
{
    if (!vq_running(q))
        return;
    vq_publish(q);
    q->live = 0;
    unmap_areas(q);
}

struct vq_place vq_place(const struct vq *q)
{
    if (!is_packed(q))
        return (struct vq_place){q->avail, q->used};
    return (struct vq_place){(uint16_t)(q->avail | (q->avail_wrap ? EVENT_WRAP : 0)),
                             (uint16_t)(q->used | (q->used_wrap ? EVENT_WRAP : 0))};
}

/* ---- the data path ---- */

void *vq_pop(struct vq *q)
{
    if (UNLIKELY(!q->live))
        return NULL;
    q->again = 0;
    return q->flags & TN_VQ_PACKED ? packed_pop(q) : split_pop(q);
}

uint32_t vq_pop_some(struct vq *q, void **els, uint32_t max)
{
    if (UNLIKELY(!q->live))
        return 0;
    q->again = 0;
    return q->flags & TN_VQ_PACKED ? packed_pop_some(q, els, max) : split_pop_some(q, els, max);
}

/* el leaves the ones in flight. False: it is of an older life. */
static ALWAYS_INLINE bool leave(struct vq *q, const struct vq_elem *el)
{
    if (UNLIKELY(el->life != q->life))
        return false;
    q->inflight--;
    q->ndesc -= el->ndesc;
    return true;
}

static NOINLINE void forget(struct vq *q, struct vq_elem *el)
{
    vq_release(q, el);
    elem_put(q, el);
}

void vq_drop(struct vq *q, struct vq_elem *el)
{
    leave(q, el);
    forget(q, el);
}

void vq_unpop(struct vq *q, struct vq_elem *el)
{
    if (leave(q, el)) {
        q->seq_next--;
        if (is_packed(q))
            packed_unpop(q, el->ndesc);
        else
            split_unpop(q);
    }
    forget(q, el);
}

static ALWAYS_INLINE bool logged(const struct vq *q)
{
    const struct tn_view *v = vq_view(q);
    return v && v->log;
}

void vq_push(struct vq *q, struct vq_elem *el, uint32_t written)
{
    if (UNLIKELY(!leave(q, el) || !q->live)) {
        forget(q, el);
        return;
    }
    written = elem_written(el, written);
    if (UNLIKELY(el->bounce || logged(q)))
        vq_give_back(q, el, written);
    if (q->flags & TN_VQ_IN_ORDER)
        order_push(q, el, written);
    else if (q->flags & TN_VQ_PACKED)
        packed_push(q, el, written);
    else
        split_push(q, el, written);
}

void vq_push_gap(struct vq *q, struct vq_elem *el, uint32_t used)
{
    if (q->live && el->life == q->life && (el->bounce || logged(q)))
        vq_give_back(q, el, el->in_len); /* and nothing is left for vq_push() to give back */
    vq_push(q, el, used);
}

/* Nothing is to be done for these but to write their entries. */
static bool plain(const struct vq *q, void *const *els, uint32_t n)
{
    bool odd = !q->live || q->flags & TN_VQ_IN_ORDER || logged(q) || !vq_direct(q);
    for (uint32_t i = 0; i < n; i++) {
        const struct vq_elem *el = els[i];
        odd |= el->life != q->life || el->bounce;
    }
    return !odd;
}

void vq_push_some(struct vq *q, void *const *els, const uint32_t *written, uint32_t n)
{
    if (UNLIKELY(!plain(q, els, n)))
        for (uint32_t i = 0; i < n; i++)
            vq_push(q, els[i], written[i]);
    else if (q->flags & TN_VQ_PACKED)
        packed_push_some(q, els, written, n);
    else
        split_push_some(q, els, written, n);
}

bool vq_publish(struct vq *q)
{
    if (UNLIKELY(!q->live))
        return false;
    if (q->run)
        order_close(q);
    if (!q->pending)
        return false;
    return q->flags & TN_VQ_PACKED ? packed_publish(q) : split_publish(q);
}

bool vq_empty(struct vq *q)
{
    if (!q->live)
        return true;
    return is_packed(q) ? packed_empty(q) : split_empty(q);
}

static bool unseen(struct vq *q)
{
    return is_packed(q) ? packed_unseen(q) : split_unseen(q);
}

static bool ask_for_kicks(struct vq *q, bool on)
{
    return is_packed(q) ? packed_kicks(q, on) : split_kicks(q, on);
}

bool vq_kicks(struct vq *q, bool on)
{
    q->kicks_off = !on;
    if (!q->live)
        return false;
    if (q->polled)
        return on && unseen(q);
    return ask_for_kicks(q, on);
}

bool vq_poll(struct vq *q, bool on)
{
    q->polled = on;
    if (!q->live || q->kicks_off)
        return false;
    return ask_for_kicks(q, !on);
}

uint64_t vq_room(struct vq *q, uint64_t enough)
{
    struct vq_elem *newest = NULL, *el;
    uint64_t room = 0;
    while (room < enough && (el = vq_pop(q))) {
        room += el->in_len;
        el->next = newest;
        newest = el;
    }
    for (; (el = newest);) {
        newest = el->next;
        vq_unpop(q, el);
    }
    return room;
}

/* ---- rings that are not host memory ---- */

static const char no_ring[] = "a ring that is not in memory (2.7, 2.8)";

static void far_read(struct vq *q, uint64_t iova, void *buf, uint64_t len)
{
    if (q->dma->read(q->as, iova, buf, len) < 0) {
        memset(buf, 0, len);
        vq_break(q, no_ring);
    }
}

NOINLINE uint16_t vq_far_ld16(struct vq *q, const struct tn_cached *c, uint64_t off)
{
    uint16_t v;
    far_read(q, c->iova + off, &v, sizeof v);
    return v;
}

NOINLINE uint32_t vq_far_ld32(struct vq *q, const struct tn_cached *c, uint64_t off)
{
    uint32_t v;
    far_read(q, c->iova + off, &v, sizeof v);
    return v;
}

NOINLINE void vq_far_desc(struct vq *q, struct desc *d, uint64_t iova, bool packed)
{
    uint8_t raw[DESC_SIZE] __attribute__((aligned(8)));
    far_read(q, iova, raw, sizeof raw);
    *d = near_desc(raw, packed);
}

NOINLINE void vq_far_store(struct vq *q, const struct tn_cached *c, uint64_t off, const void *buf,
                           uint32_t len)
{
    uint32_t barrier = 0;
    if (q->dma->write(q->as, c->iova + off, buf, len) < 0)
        vq_break(q, no_ring);
    __atomic_add_fetch(&barrier, 1, __ATOMIC_SEQ_CST); /* a locked instruction */
}

void vq_far_st16(struct vq *q, const struct tn_cached *c, uint64_t off, uint16_t v)
{
    vq_far_store(q, c, off, &v, sizeof v);
}

void vq_far_st32(struct vq *q, const struct tn_cached *c, uint64_t off, uint32_t v)
{
    vq_far_store(q, c, off, &v, sizeof v);
}
