/* SPDX-License-Identifier: BSD-2-Clause */
/* Bytes between the queues and the ports: 5.3.6. Each port waits for itself alone. */
#include "vser.h"

enum {
    PIECES = 16,        /* handed to a port at once */
    ROOM_ENOUGH = 32768 /* bytes that a port writes at once */
};

/* ---- from the guest ---- */

/* Up to PIECES pieces of el behind the first skip bytes; their number. */
static uint32_t slice(const struct vq_elem *el, uint64_t skip, struct tn_iov *v)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < el->nout && n < PIECES; i++) {
        struct tn_iov p = el->iov[i];
        if (skip >= p.len) {
            skip -= p.len;
            continue;
        }
        v[n++] = (struct tn_iov){(uint8_t *)p.base + skip, p.len - skip};
        skip = 0;
    }
    return n;
}

static uint64_t bytes_of(const struct tn_iov *v, uint32_t n)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += v[i].len;
    return sum;
}

/* True when the port has taken all of el. */
static bool deliver(struct vser *s, uint32_t id, const struct vq_elem *el)
{
    const struct vser_port *p = s->port[id];
    struct vser_lane *lane = &s->lane[id];
    struct tn_iov v[PIECES];
    for (uint32_t n; p && s->control.port[id].host_open && (n = slice(el, lane->done, v));) {
        uint64_t given = bytes_of(v, n), taken = p->ops->data(p->s, v, n);
        lane->done += taken < given ? taken : given;
        if (taken < given)
            return false;
    }
    return true;
}

static void finish(struct vser *s, uint32_t id, struct vq_elem *el)
{
    s->lane[id] = (struct vser_lane){0};
    vq_push(&vser_tx(s, id)->ring, el, 0);
}

/* As much as the port takes, but no more than a ring's length in one go: others want to run. */
void vser_tx_handle(struct vdev_queue *q)
{
    struct vser *s = (struct vser *)q->v;
    uint32_t id = vser_port_of(q), turns = q->ring.size;
    struct vser_lane *lane = &s->lane[id];
    while (turns && vdev_running(q)) {
        struct vq_elem *el = lane->el ? lane->el : vq_pop(&q->ring);
        if (!el)
            break;
        if (!deliver(s, id, el)) {
            lane->el = el;
            break;
        }
        finish(s, id, el);
        turns--;
    }
    if (!turns)
        vdev_poke(q);
    vdev_flush(q);
}

/* The rest of the buffer is delivered after the stop, if the queue goes on then. */
void vser_tx_stopping(struct vdev_queue *q)
{
    struct vser *s = (struct vser *)q->v;
    struct vser_lane *lane = &s->lane[vser_port_of(q)];
    if (lane->el)
        vq_unpop(&q->ring, lane->el);
    lane->el = NULL;
    vdev_flush(q);
}

void vser_tx_discard(struct vser *s, uint32_t id)
{
    struct vser_lane *lane = &s->lane[id];
    struct vq_elem *el = lane->el;
    lane->done = 0;
    if (!el)
        return;
    finish(s, id, el);
    vdev_poke(vser_tx(s, id)); /* the ones behind it go the same way */
    vdev_flush(vser_tx(s, id));
}

void vser_accept(void *self)
{
    struct vser_port *p = self;
    vser_tx_handle(vser_tx(p->dev, p->id));
}

/* ---- to the guest ---- */

/* Kicks of a receive queue are wanted only by a port that found no room. */
uint64_t vser_room(void *self)
{
    const struct vser_port *p = self;
    struct vdev_queue *q = vser_rx(p->dev, p->id);
    if (!p->dev->control.port[p->id].guest_open || !vdev_running(q))
        return 0;
    uint64_t room = vq_room(&q->ring, ROOM_ENOUGH);
    if (!room && vq_kicks(&q->ring, true))
        room = vq_room(&q->ring, ROOM_ENOUGH);
    if (room)
        vq_kicks(&q->ring, false);
    return room;
}

uint64_t vser_write(void *self, const void *buf, uint64_t n)
{
    const struct vser_port *p = self;
    struct vdev_queue *q = vser_rx(p->dev, p->id);
    uint64_t done = 0;
    if (!p->dev->control.port[p->id].guest_open)
        return 0;
    while (done < n && vdev_running(q)) {
        struct vq_elem *el = vq_pop(&q->ring);
        if (!el)
            break;
        uint64_t len = vq_write(vq_in(el), el->nin, 0, (const uint8_t *)buf + done, n - done);
        vq_push(&q->ring, el, (uint32_t)len);
        done += len;
    }
    vdev_flush(q);
    return done;
}

static bool is_single(const struct vser *s)
{
    return !vdev_has(&s->v, VIRTIO_CONSOLE_F_MULTIPORT);
}

/* There are buffers, or the queue has just started: without control messages that alone opens port
 * 0. */
void vser_rx_handle(struct vdev_queue *q)
{
    struct vser *s = (struct vser *)q->v;
    uint32_t id = vser_port_of(q);
    if (id == 0 && is_single(s) && vdev_running(q)) {
        control_single(&s->control);
        vser_tell_ports(s);
    }
    if (s->port[id] && s->control.port[id].guest_open)
        s->port[id]->ops->room(s->port[id]->s);
    vdev_flush(q);
}

void vser_tell_ports(struct vser *s)
{
    for (uint32_t i = 0; i < s->max_ports; i++) {
        struct vser_port *p = s->port[i];
        uint32_t open = s->control.port[i].guest_open;
        if (!p || p->told_open == open)
            continue;
        p->told_open = open;
        p->ops->guest_open(p->s, open);
        if (open)
            p->ops->room(p->s);
    }
}
