/* SPDX-License-Identifier: BSD-2-Clause */
/* Transmit (VIRTIO 1.3, 5.1.6.2): packets from the driver's buffers to the back end. */
#include "virtio_net.h"
#include <errno.h>
#include <stdlib.h>

enum sent { SENT, KEPT, FULL };

/* ---- one packet ---- */

/* All of it in one piece, for a driver that cut it into more than one call takes. */
static uint32_t flatten(struct net_pair *p, const struct vq_elem *el, uint64_t len)
{
    if (!p->whole)
        p->whole = malloc(NET_FLAT);
    if (!p->whole)
        return 0;
    vq_read(vq_out(el), el->nout, p->n->hdr_len, p->whole, len);
    p->out[1] = (struct tn_iov){p->whole, len};
    return 2;
}

/* The back end's header and the frame, in out; returns how many pieces, 0 without memory. */
static uint32_t lay_out(struct net_pair *p, const struct vq_elem *el, uint64_t len)
{
    uint64_t skip = p->n->hdr_len;
    const struct tn_iov *v = vq_out(el);
    uint32_t k = 1;
    p->out[0] = (struct tn_iov){p->hdr, p->n->back_hdr};
    for (uint32_t i = 0; i < el->nout; i++) {
        uint64_t cut = v[i].len < skip ? v[i].len : skip;
        skip -= cut;
        if (v[i].len == cut)
            continue;
        if (k == NET_PIECES)
            return flatten(p, el, len);
        p->out[k++] = (struct tn_iov){(uint8_t *)v[i].base + cut, v[i].len - cut};
    }
    return k;
}

static enum sent write_out(struct net_pair *p, const struct tn_iov *v, uint32_t nv)
{
    ssize_t r;
    do
        r = writev(p->fd, (const struct iovec *)(const void *)v, (int)nv);
    while (r < 0 && errno == EINTR);
    return r < 0 && errno == EAGAIN ? FULL : SENT; /* any other error: the packet is lost */
}

static void on_sent(void *s);

static enum sent send_out(struct net_pair *p, uint32_t nv)
{
    const struct tn_iov *v = p->out;
    if (!p->n->back_hdr)
        v++, nv--;
    if (p->fd >= 0)
        return write_out(p, v, nv);
    return p->n->netdev->send(p->n->peer, p->index, v, nv, on_sent, p) ? SENT : KEPT;
}

/* Checks the packet and sends it. What the driver has no right to, or what nobody takes, is
 * dropped. */
static enum sent transmit(struct net_pair *p, const struct vq_elem *el)
{
    struct virtio_net *n = p->n;
    uint8_t hdr[NET_HDR_HASH_LEN];
    uint64_t len = el->out_len - n->hdr_len;
    vq_read(vq_out(el), el->nout, 0, hdr, n->hdr_len);
    if (!net_hdr_tx(p->hdr, hdr, n->f) || len < ETH_HLEN || len > NET_FRAME_MAX) {
        n->v.d->core->guest_error(n->v.d, "a packet of %u bytes, GSO type %u, cannot be sent",
                                  (unsigned)len, hdr[NET_HDR_GSO_TYPE]);
        return SENT;
    }
    if (!n->peer || !(n->status & NET_S_LINK_UP))
        return SENT;
    uint32_t nv = lay_out(p, el, len);
    return nv ? send_out(p, nv) : SENT;
}

/* ---- the queue ---- */

/* One packet. False: no more now. */
static bool transmit_next(struct net_pair *p)
{
    struct vq *ring = &p->tx->ring;
    struct vq_elem *el = vq_pop(ring);
    if (!el)
        return false;
    if (el->out_len < p->n->hdr_len) {
        vq_drop(ring, el);
        vq_break(ring, "a packet without its header");
        return false;
    }
    switch (transmit(p, el)) {
    case SENT:
        vq_push(ring, el, 0);
        p->coal[NET_COAL_TX].count++;
        return true;
    case KEPT:
        p->kept = el;
        return false;
    case FULL:
        vq_unpop(ring, el);
        p->full = 1;
        net_pair_watch(p, TN_FD_OUT, true);
        return false;
    }
    return false;
}

/* What there is, at most x-txburst packets; then others have their turn. */
static void drain(struct net_pair *p)
{
    struct vq *ring = &p->tx->ring;
    int32_t left = p->n->tx_burst;
    if (p->kept || p->full || !vdev_running(p->tx) || p->index >= p->n->curr_pairs)
        return;
    vq_kicks(ring, false);
    do
        while (left > 0 && transmit_next(p))
            left--;
    while (left > 0 && !p->kept && !p->full && vq_kicks(ring, true));
    net_coal_flush(&p->coal[NET_COAL_TX]);
    if (!left)
        vdev_poke(p->tx);
}

static void on_sent(void *s)
{
    struct net_pair *p = s;
    vq_push(&p->tx->ring, p->kept, 0);
    p->coal[NET_COAL_TX].count++;
    p->kept = NULL;
    net_coal_flush(&p->coal[NET_COAL_TX]);
    drain(p);
}

void net_tx_writable(struct net_pair *p)
{
    net_pair_watch(p, TN_FD_OUT, false);
    p->full = 0;
    drain(p);
}

/* tx=timer: the first kick starts the timer and asks for no more; a second one, or the timer,
 * sends. */
void net_tx_handle(struct vdev_queue *q)
{
    struct virtio_net *n = (struct virtio_net *)q->v;
    struct net_pair *p = &n->pair[q->index / 2];
    if (n->tx_mode == NET_TX_TIMER && !p->armed && vdev_running(q) && !vq_empty(&q->ring)) {
        p->armed = 1;
        vq_kicks(&q->ring, false);
        n->v.loop->arm(p->timer, n->v.loop->now(n->v.d, TN_CLK_VM) + n->tx_timer);
        return;
    }
    n->v.loop->disarm(p->timer);
    p->armed = 0;
    drain(p);
}

void net_tx_timer(void *s)
{
    struct net_pair *p = s;
    p->armed = 0;
    drain(p);
}

void net_tx_stopping(struct vdev_queue *q)
{
    struct virtio_net *n = (struct virtio_net *)q->v;
    struct net_pair *p = &n->pair[q->index / 2];
    n->v.loop->disarm(p->timer);
    p->armed = 0;
    if (!p->kept)
        return;
    if (n->netdev->purge(n->peer, p->index))
        vq_unpop(&q->ring, p->kept);
    else
        vq_drop(&q->ring, p->kept);
    p->kept = NULL;
}
