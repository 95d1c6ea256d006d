/* SPDX-License-Identifier: BSD-2-Clause */
/* Buffers that a device gives up for now and takes again later: over a stop of the machine, a
 * change of its memory, or in another process. The ring cannot give them a second time: others
 * behind them may have been used, and with packed rings the descriptors are overwritten then. */
#include "vq_impl.h"
#include <stdlib.h>

struct vq_kept *vq_kept_new(uint32_t nout, uint32_t nin)
{
    uint64_t n = (uint64_t)nout + nin;
    struct vq_kept *k = n <= VQ_MAX_KEPT ? calloc(1, sizeof *k + n * sizeof k->piece[0]) : NULL;
    if (k) {
        k->nout = nout;
        k->nin = nin;
    }
    return k;
}

struct vq_kept *vq_keep(struct vq *q, struct vq_elem *el)
{
    bool known = vq_running(q) && el->life == q->life;
    struct vq_kept *k = known ? vq_kept_new(el->nout, el->nin) : NULL;
    for (uint32_t i = 0; k && i < el->nout + el->nin; i++) {
        k->piece[i].len = el->iov[i].len;
        if (!vq_iova(q, el, i, &k->piece[i].iova)) {
            free(k);
            k = NULL;
        }
    }
    if (!k)
        return NULL;
    k->id = el->id;
    k->ndesc = el->ndesc;
    k->seq = el->seq;
    vq_drop(q, el);
    return k;
}

static bool plausible(const struct vq *q, const struct vq_kept *k)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < k->nout + k->nin; i++) {
        if (k->piece[i].len > UINT32_MAX)
            return false;
        sum += k->piece[i].len;
    }
    return k->ndesc && q->ndesc + k->ndesc <= q->size && sum <= (uint64_t)1 << 32 &&
           (q->flags & TN_VQ_PACKED || k->id < q->size);
}

static int add_pieces(struct vq *q, struct vq_elem *el, const struct vq_kept *k)
{
    int n = 0;
    for (uint32_t i = 0; n >= 0 && i < k->nout + k->nin; i++) {
        bool in = i >= k->nout;
        if (i == k->nout)
            el->nout = (uint32_t)n;
        if (k->piece[i].len)
            n = vq_add_slow(q, el, (uint32_t)n, k->piece[i].iova, (uint32_t)k->piece[i].len,
                            in ? TN_DMA_WRITE : TN_DMA_READ);
        *(in ? &el->in_len : &el->out_len) += k->piece[i].len;
    }
    return n;
}

void *vq_retake(struct vq *q, const struct vq_kept *k)
{
    if (!q->live)
        return NULL;
    q->again = 0;
    if (!plausible(q, k)) {
        vq_break(q, "a request in the saved state that cannot be");
        return NULL;
    }
    struct vq_elem *el = elem_get(q, &q->free);
    if (!el)
        return NULL;
    el->out_len = el->in_len = 0;
    int n = add_pieces(q, el, k);
    if (n < 0)
        return vq_abandon(q, el);
    if (!k->nin)
        el->nout = (uint32_t)n;
    el->nin = (uint32_t)n - el->nout;
    el->id = k->id;
    el->ndesc = k->ndesc;
    el->seq = k->seq;
    el->life = q->life;
    q->ndesc += k->ndesc;
    q->inflight++;
    return el;
}
