/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a buffer is, when the last region does not have it: in another region, across several,
 * behind an IOMMU, or nowhere that could be mapped. */
#include "vq_impl.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of copies in flight: what one hostile queue may take. */
enum { BOUNCE_MAX = 32 << 20, SEGS = 16 };

const struct tn_ram vq_no_ram = {0};
const struct tn_view *const vq_no_view = NULL;

/* One piece that is not plain RAM: a mapping, or a copy. */
struct vq_bounce {
    struct vq_bounce *next;
    struct tn_seg seg;
    uint64_t iova;
    uint32_t dir;
    uint32_t copy;  /* seg.va is ours */
    uint32_t piece; /* index in iov */
};

/* ---- regions ---- */

static const struct tn_ram *region(const struct tn_view *v, uint32_t i)
{
    return (const struct tn_ram *)(const void *)((const uint8_t *)v->ram +
                                                 (uint64_t)i * v->ram_stride);
}

/* The region of iova, also in q->hit. */
static const struct tn_ram *find(struct vq *q, const struct tn_view *v, uint64_t iova)
{
    uint32_t lo = 0, hi = v->n;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        const struct tn_ram *r = region(v, mid);
        if (iova < r->iova) {
            hi = mid;
        } else if (iova - r->iova >= r->len) {
            lo = mid + 1;
        } else {
            q->hit = mid;
            return r;
        }
    }
    return NULL;
}

static int put_piece(struct vq *q, struct vq_elem *el, uint32_t n, void *va, uint64_t len)
{
    int r = n < el->cap ? 0 : vq_elem_grow(q, el);
    if (r == 0)
        el->iov[n] = (struct tn_iov){va, len};
    return r;
}

static int not_ram(struct vq *q)
{
    vq_break(q, "a buffer that is not in memory");
    return VQ_BAD;
}

static int add_regions(struct vq *q, struct vq_elem *el, uint32_t n, const struct tn_view *v,
                       uint64_t iova, uint64_t len, uint32_t dir)
{
    while (len) {
        const struct tn_ram *r = find(q, v, iova);
        if (!r || !(r->prot & dir))
            return not_ram(q);
        uint64_t off = iova - r->iova, run = r->len - off < len ? r->len - off : len;
        int err = put_piece(q, el, n, r->va + off, run);
        if (err < 0)
            return err;
        n++;
        iova += run;
        len -= run;
    }
    return (int)n;
}

/* ---- mappings and copies ---- */

static struct vq_bounce *bounce_new(struct vq *q)
{
    struct vq_bounce *b = q->bounces;
    if (!b)
        return malloc(sizeof *b);
    q->bounces = b->next;
    return b;
}

static void bounce_free(struct vq *q, struct vq_bounce *b)
{
    b->next = q->bounces;
    q->bounces = b;
}

static void keep(struct vq *q, struct vq_elem *el, struct vq_bounce *b)
{
    struct vq_bounce **end = el->bounce ? q->bounce_end : &el->bounce;
    b->next = NULL;
    *end = b;
    q->bounce_end = &b->next;
}

/* The mapping of seg is the element's from here on, or gone. */
static int add_seg(struct vq *q, struct vq_elem *el, uint32_t n, const struct tn_seg *seg,
                   uint64_t iova, uint32_t dir)
{
    struct vq_bounce *b = bounce_new(q);
    int r = b ? put_piece(q, el, n, seg->va, seg->len) : VQ_BAD;
    if (r < 0) {
        q->dma->unmap(q->as, seg, 1, dir, 0);
        free(b);
        if (!b)
            vq_break(q, "out of memory");
        return r;
    }
    *b = (struct vq_bounce){.seg = *seg, .iova = iova, .dir = dir, .piece = n};
    keep(q, el, b);
    return 0;
}

static int add_copy(struct vq *q, struct vq_elem *el, uint32_t n, uint64_t iova, uint64_t len,
                    uint32_t dir)
{
    if (q->bounced + len > BOUNCE_MAX && q->inflight) {
        q->again = VQ_AGAIN_ROOM;
        return VQ_LATER;
    }
    struct vq_bounce *b = q->bounced + len <= BOUNCE_MAX ? bounce_new(q) : NULL;
    uint8_t *copy = b ? calloc(1, len) : NULL;
    int r = copy ? put_piece(q, el, n, copy, len) : VQ_BAD;
    if (r == 0 && dir == TN_DMA_READ && q->dma->read(q->as, iova, copy, len) < 0)
        r = not_ram(q);
    if (r < 0) {
        free(copy);
        if (b)
            bounce_free(q, b);
        if (r == VQ_BAD)
            vq_break(q, "a buffer that is too large to be copied");
        return r;
    }
    *b = (struct vq_bounce){.seg = {copy, len, 0}, .iova = iova, .dir = dir, .copy = 1, .piece = n};
    q->bounced += len;
    keep(q, el, b);
    return (int)n + 1;
}

static int add_mapped(struct vq *q, struct vq_elem *el, uint32_t n, uint64_t iova, uint64_t len,
                      uint32_t dir)
{
    while (len) {
        struct tn_seg seg[SEGS];
        int got = q->dma->map ? q->dma->map(q->as, iova, len, dir, seg, SEGS) : -ENOTSUP;
        if (got == -ENOTSUP)
            return add_copy(q, el, n, iova, len, dir);
        if (got == -EAGAIN) {
            q->again = VQ_AGAIN_MAP;
            return VQ_LATER;
        }
        if (got <= 0)
            return not_ram(q);
        for (int i = 0; i < got; i++) {
            int r = add_seg(q, el, n, &seg[i], iova, dir);
            if (r < 0) {
                if (i + 1 < got)
                    q->dma->unmap(q->as, seg + i + 1, (uint32_t)(got - i - 1), dir, 0);
                return r;
            }
            n++;
            iova += seg[i].len;
            len -= seg[i].len < len ? seg[i].len : len;
        }
    }
    return (int)n;
}

NOINLINE int vq_add_slow(struct vq *q, struct vq_elem *el, uint32_t n, uint64_t iova, uint32_t len,
                         uint32_t dir)
{
    const struct tn_view *v = vq_view(q);
    return v ? add_regions(q, el, n, v, iova, len, dir) : add_mapped(q, el, n, iova, len, dir);
}

/* ---- giving back ---- */

static void end_bounce(struct vq *q, struct vq_bounce *b, uint64_t written)
{
    if (!b->copy) {
        q->dma->unmap(q->as, &b->seg, 1, b->dir, written);
    } else {
        if (written && q->dma->write(q->as, b->iova, b->seg.va, written) < 0)
            vq_break(q, "a buffer that cannot be written any more");
        q->bounced -= b->seg.len;
        free(b->seg.va);
    }
    bounce_free(q, b);
}

/* The log goes by the driver's addresses: back from the host's. */
static void mark_dirty(struct vq *q, const struct tn_view *v, const uint8_t *va, uint64_t len)
{
    for (uint32_t i = 0; len && i < v->n; i++) {
        const struct tn_ram *r = region(v, i);
        uint64_t off = (uintptr_t)va - (uintptr_t)r->va;
        if (r->va && off < r->len) {
            q->dma->dirty(q->as, r->iova + off, len < r->len - off ? len : r->len - off);
            return;
        }
    }
}

NOINLINE void vq_give_back(struct vq *q, struct vq_elem *el, uint64_t written)
{
    const struct tn_view *v = vq_view(q);
    for (uint32_t i = 0; i < el->nout + el->nin; i++) {
        struct vq_bounce *b = el->bounce;
        bool special = b && b->piece == i;
        uint64_t len = special ? b->seg.len : el->iov[i].len;
        uint64_t here = i < el->nout ? 0 : written < len ? written : len;
        written -= here;
        if (special) {
            el->bounce = b->next;
            end_bounce(q, b, here);
        } else if (here && v && v->log) {
            mark_dirty(q, v, el->iov[i].base, here);
        }
    }
}

void vq_release(struct vq *q, struct vq_elem *el)
{
    for (struct vq_bounce *b; (b = el->bounce);) {
        el->bounce = b->next;
        end_bounce(q, b, 0);
    }
}

/* ---- back to the driver's addresses ---- */

bool vq_iova(const struct vq *q, const struct vq_elem *el, uint32_t i, uint64_t *iova)
{
    for (const struct vq_bounce *b = el->bounce; b; b = b->next)
        if (b->piece == i) {
            *iova = b->iova;
            return true;
        }
    const struct tn_view *v = vq_view(q);
    for (uint32_t k = 0; v && k < v->n; k++) {
        const struct tn_ram *r = region(v, k);
        uint64_t off = (uintptr_t)el->iov[i].base - (uintptr_t)r->va;
        if (r->va && off < r->len) {
            *iova = r->iova + off;
            return true;
        }
    }
    return false;
}

/* ---- indirect tables ---- */

NOINLINE const uint8_t *vq_far_table(struct vq *q, uint64_t iova, uint32_t len)
{
    const struct tn_view *v = vq_view(q);
    uint8_t *va = v ? tn_ram_at(v, iova, len, TN_DMA_READ) : NULL;
    if (va) /* q->hit stays where the buffers are */
        return va;
    if (q->table_room < len) {
        free(q->table);
        q->table = malloc(len);
        q->table_room = q->table ? len : 0;
    }
    if (!q->table || q->dma->read(q->as, iova, q->table, len) < 0) {
        vq_break(q,
                 q->table ? "an indirect table that is not in memory (2.7.5.3)" : "out of memory");
        return NULL;
    }
    return q->table;
}

void vq_pieces_fini(struct vq *q)
{
    for (struct vq_bounce *b; (b = q->bounces);) {
        q->bounces = b->next;
        free(b);
    }
    free(q->table);
    q->table = NULL;
    q->table_room = 0;
}

void *vq_abandon(struct vq *q, struct vq_elem *el)
{
    vq_release(q, el);
    elem_put(q, el);
    return NULL;
}
