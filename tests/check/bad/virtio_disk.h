/* SPDX-License-Identifier: BSD-2-Clause */
/* The small device on the virtio-bus as a disk that forgets everything: it answers each buffer of
 * its split ring a microsecond after it was told of it, and writes nothing but the status. Virtio
 * 1.3 2.7, 5.2; broken by macros. */
#ifndef RESTART /* where it begins when a queue is started */
#define RESTART(s, q)                  \
    if (!((q)->flags & TN_VQ_RESTORE)) \
    (s)->index = 0
#endif
#ifndef PREPARE /* in queue_start: 0 or -errno */
#define PREPARE(s, w) 0
#endif
#ifndef AT_STOP
#define AT_STOP(s)
#endif
#ifndef MEND /* in the reset of the device */
#define MEND(w) (w)->broken = 0
#endif
#ifndef IN_REQUEST
#define IN_REQUEST(s, kind)
#endif
#include <tenon/dma.h>
#include <tenon/virtio.h>

struct gadget;
struct disk {
    const struct tn_virtio_port *port;
    const struct tn_dma *dma;
    void *p;
    struct tn_as *as;
    struct tn_vq q;
    uint32_t running, broken;
};
static int disk_setup(struct gadget *s, const struct tn_virtio_port *port, void *p,
                      struct tn_err *e);
static int disk_start(struct gadget *s, const struct tn_vq *q);
static void disk_stop(struct gadget *s);
static void disk_reset(struct gadget *s);
static void disk_kick(void *self, uint32_t q, uint32_t data);

#define OWN_MEMORY
#define NEEDS TN_LOOP_1, TN_IRQ_1, TN_REGION_1, TN_DMA_1, NULL
#define WANTS TN_MACHINE_1, TN_OS_1, TN_TRACE_1, TN_STREAM_1, NULL
/* No packed rings, no event index */
#define OFFER(f)   f[0] &= ~((uint64_t)1 << 34 | (uint64_t)1 << 29)
#define VOPS       .device_id = 2, .flags = TN_VIO_NO_PACKED, .kick = disk_kick
#define IN_SETUP(s, port, p, e)                 \
    do {                                        \
        int error_ = disk_setup(s, port, p, e); \
        if (error_ < 0)                         \
            return error_;                      \
    } while (0)
#define IN_START(s)        return disk_start(s, q)
#define IN_STOP(s)         disk_stop(s)
#define IN_DEVICE_RESET(s) disk_reset(s)
#include "virtio_dev.h"

static void disk_work(void *self);

static int disk_setup(struct gadget *s, const struct tn_virtio_port *port, void *p,
                      struct tn_err *e)
{
    struct disk *w = calloc(1, sizeof *w);
    free(s->memory); /* of a realize that failed */
    s->memory = w;
    s->spare = s->loop->timer(s->d, NULL, 0, TN_CLK_VM, disk_work, s);
    if (!w || !s->spare)
        return tn_fail(s->d, e, ENOMEM, "no memory for a disk");
    w->port = port;
    w->p = p;
    w->dma = TN_GET(s->d, struct tn_dma, TN_DMA_1);
    return 0;
}

static void disk_kick(void *self, uint32_t q, uint32_t data)
{
    struct gadget *s = self;
    (void)q, (void)data;
    s->loop->arm(s->spare, s->loop->now(s->d, TN_CLK_VM) + 1000);
}

static int disk_start(struct gadget *s, const struct tn_vq *q)
{
    struct disk *w = s->memory;
    w->as = w->port->dma(w->p);
    w->q = *q;
    w->running = 1;
    RESTART(s, q);
    disk_kick(s, 0, 0);
    return w->broken ? -EIO : PREPARE(s, w);
}

static void disk_stop(struct gadget *s)
{
    AT_STOP(s);
    ((struct disk *)s->memory)->running = 0;
}

static void disk_reset(struct gadget *s)
{
    s->index = 0;
    MEND((struct disk *)s->memory);
}

static void disk_broken(struct disk *w, const char *why)
{
    w->running = 0;
    w->broken = 1;
    w->port->broken(w->p, why);
}

/* 2.7.5: the first and the last piece of a chain; -1: it is none */
struct desc {
    uint64_t addr;
    uint32_t len;
    uint16_t flags, next;
};
static int chain_ends(struct disk *w, uint16_t head, struct desc *first, struct desc *last)
{
    uint64_t table = w->q.desc, at = head;
    uint32_t n = w->q.size, left = n;
    int r = w->dma->read(w->as, table + 16 * at, last, sizeof *last);
    if (r == 0 && last->flags & 4) { /* 2.7.5.3 */
        table = last->addr;
        left = n = last->len / 16;
        r = n && n <= 64 ? w->dma->read(w->as, table, last, sizeof *last) : -EINVAL;
    }
    *first = *last;
    for (; r == 0 && left && last->flags & 1; left--)
        r = last->next < n
                ? w->dma->read(w->as, table + 16 * (uint64_t)last->next, last, sizeof *last)
                : -EINVAL;
    return r == 0 && left ? 0 : -1;
}

/* The answer to the buffer that begins at head: status OK (5.2.6), if there is room for it. */
static int disk_answer(struct gadget *s, struct disk *w, uint16_t head)
{
    struct desc first, last;
    uint8_t kind = 0, status = 0;
    uint32_t slot = s->index % w->q.size, used[2] = {head, 0};
    uint16_t idx = (uint16_t)(s->index + 1);
    (void)kind;
    if (head >= w->q.size || chain_ends(w, head, &first, &last) < 0)
        return -1;
    if (first.len && w->dma->read(w->as, first.addr, &kind, 1) < 0)
        return -1;
    IN_REQUEST(s, kind);
    if (last.flags & 2 && last.len) {
        used[1] = 1;
        if (w->dma->write(w->as, last.addr + last.len - 1, &status, 1) < 0)
            return -1;
    }
    s->index = idx;
    if (w->dma->write(w->as, w->q.device + 4 + 8 * slot, used, 8) < 0)
        return -1;
    return w->dma->write(w->as, w->q.device + 2, &idx, 2);
}

static void disk_work(void *self)
{
    struct gadget *s = self;
    struct disk *w = s->memory;
    uint16_t avail = 0, head = 0;
    if (!w->running)
        return;
    if (w->dma->read(w->as, w->q.driver + 2, &avail, 2) < 0 ||
        (uint16_t)(avail - s->index) > w->q.size) {
        disk_broken(w, "its ring is not there, or too full");
        return;
    }
    while ((uint16_t)s->index != avail)
        if (w->dma->read(w->as, w->q.driver + 4 + 2 * (s->index % w->q.size), &head, 2) < 0 ||
            disk_answer(s, w, head) < 0) {
            disk_broken(w, "a buffer that is none");
            return;
        }
    w->port->notify(w->p, 0);
}
