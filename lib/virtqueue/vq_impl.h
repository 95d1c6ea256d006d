/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the files of this folder: access to the rings, and how a chain becomes an element. */
#ifndef TN_VQ_IMPL_H
#define TN_VQ_IMPL_H
#include "ring.h"
#include "virtqueue.h"
#include <stddef.h>
#include <string.h>

#define LIKELY(x)     __builtin_expect(!!(x), 1)
#define UNLIKELY(x)   __builtin_expect(!!(x), 0)
#define ALWAYS_INLINE inline __attribute__((always_inline))
#define NOINLINE      __attribute__((noinline, cold))

/* Why an element could not be made: the queue is broken; or not now, see vq.again. */
enum { VQ_BAD = -1, VQ_LATER = -2 };

/* vq.armed; 0: what the ring says is not known */
enum { ARMED = 1, DISARMED };

/* An indirect table may have more entries than the ring has: drivers do that, whatever 2.7.5.3.1
 * says, and devices allow it up to here. */
enum { VQ_MAX_TABLE = 1024 };

/* ---- the rings ----
 *
 * `direct` is a constant wherever these are inlined: true, the three areas are host memory; false,
 * one of them is not (not RAM, or scattered by an IOMMU), and the host copies each field. */

static inline bool vq_direct(const struct vq *q)
{
    return q->desc->va && q->driver->va && q->device->va;
}

uint16_t vq_far_ld16(struct vq *q, const struct tn_cached *c, uint64_t off);
uint32_t vq_far_ld32(struct vq *q, const struct tn_cached *c, uint64_t off);
void vq_far_load(struct vq *q, uint64_t iova, void *buf, uint32_t len);
/* With a full barrier behind it. */
void vq_far_store(struct vq *q, const struct tn_cached *c, uint64_t off, const void *buf,
                  uint32_t len);
void vq_far_st16(struct vq *q, const struct tn_cached *c, uint64_t off, uint16_t v);
void vq_far_st32(struct vq *q, const struct tn_cached *c, uint64_t off, uint32_t v);

static ALWAYS_INLINE void ring_dirty(struct vq *q, const struct tn_cached *c, uint64_t off,
                                     uint64_t len)
{
    if (UNLIKELY(c->log))
        q->dma->dirty(q->as, c->iova + off, len);
}

static ALWAYS_INLINE uint16_t ring_ld16_acquire(struct vq *q, const struct tn_cached *c,
                                                uint64_t off, bool direct)
{
    return direct ? ld16_acquire(c->va + off) : vq_far_ld16(q, c, off);
}

/* One descriptor, each field read once. The last two are named as the split ring has them. */
struct desc {
    uint64_t addr;
    uint32_t len;
    uint16_t flags, next;
};

void vq_far_desc(struct vq *q, struct desc *d, uint64_t iova, bool packed);

static ALWAYS_INLINE struct desc near_desc(const uint8_t *p, bool packed)
{
    if (packed)
        return (struct desc){ld64(p + PDESC_ADDR), ld32(p + PDESC_LEN), ld16(p + PDESC_FLAGS),
                             ld16(p + PDESC_ID)};
    return (struct desc){ld64(p + DESC_ADDR), ld32(p + DESC_LEN), ld16(p + DESC_FLAGS),
                         ld16(p + DESC_NEXT)};
}

/* ---- elements ---- */

/* NULL: no memory, and the queue is broken. */
struct vq_elem *vq_elem_new(struct vq *q);
/* Room for one piece more. 0, VQ_BAD or VQ_LATER. */
int vq_elem_grow(struct vq *q, struct vq_elem *el);
void vq_elem_shrink(struct vq *q, struct vq_elem *el);
void vq_elem_delete(struct vq *q, struct vq_elem *el);

/* *free is q->free, in a register as long as a batch is made: one element does not wait for the
 * other to be stored. */
static ALWAYS_INLINE struct vq_elem *elem_get(struct vq *q, struct vq_elem **free)
{
    struct vq_elem *el = *free;
    if (UNLIKELY(!el))
        return vq_elem_new(q);
    q->free = *free = el->next;
    return el;
}

static ALWAYS_INLINE void elem_put_on(struct vq *q, struct vq_elem *el, struct vq_elem **free)
{
    if (UNLIKELY(el->cap > q->elem_room))
        vq_elem_shrink(q, el);
    el->next = *free;
    *free = el;
}

/* Back among the free ones. */
static ALWAYS_INLINE void elem_put(struct vq *q, struct vq_elem *el)
{
    elem_put_on(q, el, &q->free);
}

/* What it wrote, if the device counts right. */
static ALWAYS_INLINE uint32_t elem_written(const struct vq_elem *el, uint32_t written)
{
    return LIKELY(written <= el->in_len) ? written : (uint32_t)el->in_len;
}

/* ---- pieces ---- */

/* Adds len bytes at iova as pieces n, n+1, ... by whatever way works. The number of pieces then, or
 * VQ_BAD or VQ_LATER. */
int vq_add_slow(struct vq *q, struct vq_elem *el, uint32_t n, uint64_t iova, uint32_t len,
                uint32_t dir);
/* Lets mappings and copies go; the first written bytes of the in pieces go to the driver. */
void vq_give_back(struct vq *q, struct vq_elem *el, uint64_t written);
/* Where the driver has piece i, which is as vq_pop() made it. False: in no memory of now. */
bool vq_iova(const struct vq *q, const struct vq_elem *el, uint32_t i, uint64_t *iova);
/* Lets go of what an element that is not pushed holds. */
void vq_release(struct vq *q, struct vq_elem *el);
/* An indirect table of len bytes in a copy of the queue's. NULL: broken. */
const uint8_t *vq_far_table(struct vq *q, uint64_t iova, uint32_t len);
void vq_pieces_fini(struct vq *q);

extern const struct tn_ram vq_no_ram;
extern const struct tn_view *const vq_no_view; /* NULL */

static ALWAYS_INLINE const struct tn_view *vq_view(const struct vq *q)
{
    return __atomic_load_n(q->view, __ATOMIC_ACQUIRE);
}

/* The region of the last hit. The table may be another one by now, so nothing of it is kept but the
 * place. */
static ALWAYS_INLINE const struct tn_ram *vq_hit(const struct vq *q)
{
    const struct tn_view *v = vq_view(q);
    if (UNLIKELY(!v || q->hit >= v->n))
        return &vq_no_ram;
    return (const struct tn_ram *)(const void *)((const uint8_t *)v->ram +
                                                 (uint64_t)q->hit * v->ram_stride);
}

/* An element while it is made. Its address is taken by inlined functions only, so that it lives in
 * registers. */
struct making {
    const struct tn_ram *ram;
    uint32_t n, nout; /* pieces so far; how many of them are out */
    bool in;          /* a descriptor to write has been seen */
    uint64_t out_len, in_len;
};

static ALWAYS_INLINE uint8_t *ram_at(const struct tn_ram *r, uint64_t iova, uint64_t len,
                                     uint32_t dir)
{
    uint64_t off = iova - r->iova;
    return LIKELY(off < r->len && len <= r->len - off && (r->prot & dir)) ? r->va + off : NULL;
}

/* One that the last region does not have, or with no room for it in iov. */
static ALWAYS_INLINE int add_far(struct vq *q, struct vq_elem *el, struct making *m,
                                 const struct desc *d)
{
    int n = vq_add_slow(q, el, m->n, d->addr, d->len, m->in ? TN_DMA_WRITE : TN_DMA_READ);
    if (n < 0)
        return n;
    m->n = (uint32_t)n;
    m->ram = vq_hit(q);
    return 0;
}

static ALWAYS_INLINE int add_buffer(struct vq *q, struct vq_elem *el, struct making *m,
                                    const struct desc *d)
{
    bool in = d->flags & DESC_F_WRITE;
    if (UNLIKELY(m->in && !in)) {
        vq_break(q, "a buffer to read behind one to write (2.7.4.2)");
        return VQ_BAD;
    }
    m->in = in;
    if (UNLIKELY(!d->len))
        return 0;
    uint8_t *va = ram_at(m->ram, d->addr, d->len, in ? TN_DMA_WRITE : TN_DMA_READ);
    if (LIKELY(va && (m->n == 0 || m->n < el->cap))) {
        el->iov[m->n++] = (struct tn_iov){va, d->len};
    } else {
        int r = add_far(q, el, m, d);
        if (r < 0)
            return r;
    }
    if (in) {
        m->in_len += d->len;
    } else {
        m->out_len += d->len;
        m->nout = m->n;
    }
    return 0;
}

/* The whole chain is known: 0 or VQ_BAD. */
static ALWAYS_INLINE int finish_elem(struct vq *q, struct vq_elem *el, const struct making *m,
                                     uint32_t ndesc)
{
    if (UNLIKELY(m->out_len + m->in_len > (uint64_t)1 << 32)) {
        vq_break(q, "a chain of more than 2^32 bytes (2.7.5.2)");
        return VQ_BAD;
    }
    if (UNLIKELY(q->ndesc + ndesc > q->size)) {
        vq_break(q, "more descriptors in use than the queue has");
        return VQ_BAD;
    }
    el->nout = m->nout;
    el->nin = m->n - m->nout;
    el->out_len = m->out_len;
    el->in_len = m->in_len;
    el->ndesc = (uint16_t)ndesc;
    el->seq = q->seq_next++;
    el->life = q->life;
    q->ndesc += ndesc;
    q->inflight++;
    return 0;
}

/* The element could not be made: NULL. */
void *vq_abandon(struct vq *q, struct vq_elem *el);

/* ---- the two formats ---- */

struct vq_elem *split_pop(struct vq *q);
uint32_t split_pop_some(struct vq *q, void **els, uint32_t max);
void split_push(struct vq *q, struct vq_elem *el, uint32_t written);
void split_push_some(struct vq *q, void *const *els, const uint32_t *written, uint32_t n);
void split_unpop(struct vq *q);
void split_use(struct vq *q, uint16_t id, uint32_t len, uint32_t entries);
bool split_publish(struct vq *q);
bool split_empty(struct vq *q);
bool split_unseen(struct vq *q);
bool split_kicks(struct vq *q, bool on);

struct vq_elem *packed_pop(struct vq *q);
uint32_t packed_pop_some(struct vq *q, void **els, uint32_t max);
void packed_push(struct vq *q, struct vq_elem *el, uint32_t written);
void packed_push_some(struct vq *q, void *const *els, const uint32_t *written, uint32_t n);
void packed_unpop(struct vq *q, uint16_t ndesc);
void packed_use(struct vq *q, uint16_t id, uint32_t len, uint32_t ndesc);
bool packed_publish(struct vq *q);
bool packed_empty(struct vq *q);
bool packed_unseen(struct vq *q);
bool packed_kicks(struct vq *q, bool on);

/* ---- VIRTIO_F_IN_ORDER ---- */

int order_start(struct vq *q, bool fresh);
void order_fini(struct vq *q);
void order_push(struct vq *q, struct vq_elem *el, uint32_t written);
/* Writes the entry of the batch that is open. */
void order_close(struct vq *q);

#endif
