/* SPDX-License-Identifier: BSD-2-Clause */
/* The elements of a queue: made when more are in flight than ever before, and kept. */
#include "vq_impl.h"
#include <stdlib.h>
#include <string.h>

/* Pieces beyond elem_room, in all elements of a queue. A driver may put as many descriptors into
 * indirect tables as it likes: how much of that is kept, and how much may be in flight. */
enum { EXTRA_KEPT = 1 << 16, EXTRA_MAX = 1 << 20 };
enum { ALIGN = 64 };

static size_t iov_at(const struct vq *q)
{
    return (q->elem_size + sizeof(uint64_t) - 1) & ~(sizeof(uint64_t) - 1);
}

static struct tn_iov *own_iov(const struct vq *q, struct vq_elem *el)
{
    return (struct tn_iov *)(void *)((char *)el + iov_at(q));
}

NOINLINE struct vq_elem *vq_elem_new(struct vq *q)
{
    size_t size = iov_at(q) + q->elem_room * sizeof(struct tn_iov);
    size = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    struct vq_elem *el = aligned_alloc(ALIGN, size);
    if (!el) {
        vq_break(q, "out of memory");
        return NULL;
    }
    memset(el, 0, size);
    el->iov = own_iov(q, el);
    el->cap = q->elem_room;
    return el;
}

static uint32_t extra(const struct vq *q, const struct vq_elem *el)
{
    return el->cap > q->elem_room ? el->cap : 0;
}

static void replace_iov(struct vq *q, struct vq_elem *el, struct tn_iov *v, uint32_t cap)
{
    q->extra -= extra(q, el);
    if (el->iov != own_iov(q, el))
        free(el->iov);
    el->iov = v;
    el->cap = cap;
    q->extra += extra(q, el);
}

NOINLINE int vq_elem_grow(struct vq *q, struct vq_elem *el)
{
    uint32_t cap = el->cap < 16 ? 32 : 2 * el->cap;
    if (q->extra + cap > EXTRA_MAX && q->inflight) {
        q->again = VQ_AGAIN_ROOM;
        return VQ_LATER;
    }
    struct tn_iov *v = cap <= 2 * EXTRA_MAX ? malloc(cap * sizeof *v) : NULL;
    if (!v) {
        vq_break(q, "a chain in more pieces than there is memory for");
        return VQ_BAD;
    }
    memcpy(v, el->iov, el->cap * sizeof *v);
    replace_iov(q, el, v, cap);
    return 0;
}

NOINLINE void vq_elem_shrink(struct vq *q, struct vq_elem *el)
{
    if (q->extra > EXTRA_KEPT)
        replace_iov(q, el, own_iov(q, el), q->elem_room);
}

void vq_elem_delete(struct vq *q, struct vq_elem *el)
{
    replace_iov(q, el, own_iov(q, el), q->elem_room);
    free(el);
}
