/* SPDX-License-Identifier: BSD-2-Clause */
/* VIRTIO_F_IN_ORDER (2.7.9, 2.8.8): buffers are used in the order in which they were made
 * available, and one entry may stand for a batch of them: for its last, and for the ones before it
 * if they were used completely. */
#include "vq_impl.h"
#include <errno.h>
#include <stdlib.h>

static bool is_packed(const struct vq *q)
{
    return q->flags & TN_VQ_PACKED;
}

int order_start(struct vq *q, bool fresh)
{
    uint32_t room = 1;
    while (room < q->size)
        room *= 2;
    if (!fresh && q->order && q->order_mask == room - 1)
        return 0;
    order_fini(q);
    q->order = calloc(room, sizeof(struct vq_elem *));
    q->order_mask = room - 1;
    return q->order ? 0 : -ENOMEM;
}

void order_fini(struct vq *q)
{
    for (uint32_t i = 0; q->order && i <= q->order_mask; i++)
        if (q->order[i])
            elem_put(q, q->order[i]);
    free(q->order);
    q->order = NULL;
}

void order_close(struct vq *q)
{
    if (!q->run)
        return;
    if (is_packed(q))
        packed_use(q, q->run_id, q->run_len, q->run);
    else
        split_use(q, q->run_id, q->run_len, q->run);
    q->run = 0;
}

/* el's turn has come. An entry that another one may stand for stays open. */
static void use(struct vq *q, struct vq_elem *el)
{
    q->run = (uint16_t)(q->run + (is_packed(q) ? el->ndesc : 1));
    q->run_id = el->id;
    q->run_len = el->written;
    q->seq_used++;
    if (el->written != el->in_len)
        order_close(q);
    elem_put(q, el);
}

/* Two for one turn: of a saved state that cannot be. */
static void wait_for_turn(struct vq *q, struct vq_elem *el, struct vq_elem **at)
{
    if (*at) {
        vq_break(q, "two requests for one place in the order of the queue");
        elem_put(q, el);
    } else {
        *at = el;
    }
}

void order_push(struct vq *q, struct vq_elem *el, uint32_t written)
{
    struct vq_elem **at = &q->order[el->seq & q->order_mask];
    el->written = written;
    if (el->seq != q->seq_used) {
        wait_for_turn(q, el, at);
        return;
    }
    use(q, el);
    while ((el = *(at = &q->order[q->seq_used & q->order_mask]))) {
        *at = NULL;
        use(q, el);
    }
}
