/* SPDX-License-Identifier: BSD-2-Clause */
/* What the registers hold, for who asks from outside. */
#include "virtio-transport/transport.h"
#include <errno.h>
#include <string.h>

/* out has room for as many bytes as it says, and goes on saying that. */
static int give(void *out, const void *all, uint32_t size)
{
    uint32_t room;
    memcpy(&room, out, sizeof room);
    if (room < sizeof room)
        return -EINVAL;
    memcpy((char *)out + sizeof room, (const char *)all + sizeof room,
           (room < size ? room : size) - sizeof room);
    return 0;
}

int vt_regs(const struct vt *v, uint32_t isr, struct tn_virtio_regs *out)
{
    struct tn_virtio_regs all = {.status = vt_status(v),
                                 .isr = isr,
                                 .queue_select = v->queue_select,
                                 .nqueues = v->nqueues,
                                 .vq_flags = v->vq_flags};
    memcpy(all.offered, v->offered, sizeof all.offered);
    memcpy(all.agreed, v->agreed, sizeof all.agreed);
    return give(out, &all, sizeof all);
}

int vt_queue_regs(const struct vt *v, uint32_t q, struct tn_virtio_queue_regs *out)
{
    if (q >= v->nqueues)
        return -EINVAL;
    const struct vt_queue *r = &v->q[q];
    const struct tn_virtio_queue_regs all = {.enabled = r->enabled,
                                             .max = r->max,
                                             .size = r->size,
                                             .desc = r->desc,
                                             .driver = r->driver,
                                             .device = r->device};
    return give(out, &all, sizeof all);
}
