/* SPDX-License-Identifier: BSD-2-Clause */
/* iothread and iothread-vq-mapping: which context serves which queue. */
#include <errno.h>

#include "virtio_blk.h"

static const struct blk_vq_map *row(const struct virtio_blk *s, uint32_t i)
{
    return (const struct blk_vq_map *)(const void *)((const char *)s->p.vq_map.items +
                                                     (uint64_t)i * s->p.vq_map.stride);
}

static uint16_t vq_of(const struct blk_vq_map *m, uint32_t i)
{
    return *(const uint16_t *)(const void *)((const char *)m->vqs.items +
                                             (uint64_t)i * m->vqs.stride);
}

/* Either each row names its queues, or none does. */
static int check_rows(struct virtio_blk *s, struct tn_err *e)
{
    bool named = row(s, 0)->vqs.n;
    for (uint32_t i = 0; i < s->p.vq_map.n; i++) {
        if (!row(s, i)->ctx)
            return tn_fail(s->v.d, e, EINVAL,
                           "Parameter 'iothread-vq-mapping[%u].iothread' is missing", i);
        for (uint32_t k = 0; k < i; k++)
            if (row(s, i)->ctx == row(s, k)->ctx)
                return tn_fail(s->v.d, e, EINVAL,
                               "duplicate IOThread in iothread-vq-mapping: items %u and %u", k, i);
        if ((row(s, i)->vqs.n != 0) != named)
            return tn_fail(s->v.d, e, EINVAL,
                           "either all items in iothread-vq-mapping must have vqs or none of them "
                           "must have it");
    }
    return 0;
}

static int map_row(struct virtio_blk *s, const struct blk_vq_map *m, struct tn_ctx **ctx,
                   uint32_t nq, struct tn_err *e)
{
    for (uint32_t i = 0; i < m->vqs.n; i++) {
        uint16_t q = vq_of(m, i);
        if (q >= nq)
            return tn_fail(s->v.d, e, EINVAL,
                           "vq index %u in iothread-vq-mapping must be less than num_queues %u", q,
                           nq);
        if (ctx[q])
            return tn_fail(s->v.d, e, EINVAL, "cannot assign vq %u twice in iothread-vq-mapping",
                           q);
        ctx[q] = m->ctx;
    }
    return 0;
}

static int map_named(struct virtio_blk *s, struct tn_ctx **ctx, uint32_t nq, struct tn_err *e)
{
    for (uint32_t i = 0; i < s->p.vq_map.n; i++) {
        int r = map_row(s, row(s, i), ctx, nq, e);
        if (r < 0)
            return r;
    }
    for (uint32_t q = 0; q < nq; q++)
        if (!ctx[q])
            return tn_fail(s->v.d, e, EINVAL,
                           "missing vq %u IOThread assignment in iothread-vq-mapping", q);
    return 0;
}

int blk_map_queues(struct virtio_blk *s, struct tn_ctx **ctx, uint32_t nq, struct tn_err *e)
{
    uint32_t n = s->p.vq_map.n;
    for (uint32_t q = 0; q < nq; q++)
        ctx[q] = NULL;
    if (!n)
        return 0;
    if (s->p.iothread)
        return tn_fail(
            s->v.d, e, EINVAL,
            "iothread and iothread-vq-mapping properties cannot be set at the same time");
    int r = check_rows(s, e);
    if (r < 0 || row(s, 0)->vqs.n)
        return r < 0 ? r : map_named(s, ctx, nq, e);
    for (uint32_t q = 0; q < nq; q++)
        ctx[q] = row(s, q % n)->ctx;
    return 0;
}
