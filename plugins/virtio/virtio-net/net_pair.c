/* SPDX-License-Identifier: BSD-2-Clause */
#include "virtio_net.h"
#include <errno.h>
#include <stdlib.h>

/* ---- queues (5.1.2) ---- */

bool net_is_control(const struct virtio_net *n, uint32_t q)
{
    const uint64_t many = BIT_ULL(NET_F_MQ) | BIT_ULL(NET_F_RSS);
    if (!net_has(n, NET_F_CTRL_VQ))
        return false;
    return q == (n->f & many ? 2 * n->npairs : 2);
}

void net_place_control(struct virtio_net *n)
{
    for (uint32_t i = 0; i < n->v.nq; i++) {
        struct vdev_queue *q = &n->v.q[i];
        const bool tx = i & 1, ctrl = net_is_control(n, i);
        q->handle = ctrl ? net_ctrl_handle : tx ? net_tx_handle : net_rx_handle;
        q->fed = !ctrl && !tx;
        q->stopping = tx && !ctrl ? net_tx_stopping : NULL;
    }
}

void net_set_pairs(struct virtio_net *n, uint32_t pairs)
{
    n->curr_pairs = pairs;
    if (n->vhost) {
        net_vhost_update(n);
        return;
    }
    net_rx_unblock(n);
    for (uint32_t i = 0; i < pairs; i++)
        vdev_poke(n->pair[i].tx);
}

/* ---- descriptors ---- */

void net_pair_watch(struct net_pair *p, uint32_t event, bool on)
{
    uint32_t events = on ? p->events | event : p->events & ~event;
    if (p->watch && events != p->events)
        p->n->v.loop->fd_mask(p->watch, events);
    p->events = events;
}

static void on_ready(void *s, uint32_t events)
{
    struct net_pair *p = s;
    if (events & TN_FD_OUT)
        net_tx_writable(p);
    if (events & ~(uint32_t)TN_FD_OUT)
        net_rx_readable(p);
}

static int watch_fds(struct virtio_net *n, struct tn_err *e)
{
    int *fd = malloc(n->npairs * sizeof *fd);
    int got = fd ? n->netdev->fds(n->peer, fd, n->npairs) : -ENOMEM;
    for (int i = 0; i < got && i < (int)n->npairs; i++) {
        struct net_pair *p = &n->pair[i];
        p->fd = fd[i];
        p->watch = n->v.loop->fd(n->v.d, NULL, 0, p->fd, 0, on_ready, p);
        if (!p->watch)
            got = -ENOMEM;
        net_pair_watch(p, TN_FD_IN, true);
    }
    free(fd);
    return got == -ENOMEM ? tn_fail(n->v.d, e, ENOMEM, "no memory for the back end's queues") : 0;
}

/* What waits for a descriptor that is writable goes on: nobody takes it any more. */
void net_pairs_unwatch(struct virtio_net *n)
{
    for (uint32_t i = 0; i < n->npairs; i++) {
        struct net_pair *p = &n->pair[i];
        if (p->watch)
            n->v.loop->fd_del(p->watch);
        p->watch = NULL;
        p->fd = -1;
        p->held = 0;
        p->full = 0;
        vdev_poke(p->tx);
    }
}

/* ---- life ---- */

static int pair_init(struct net_pair *p, struct tn_err *e)
{
    struct virtio_net *n = p->n;
    p->fd = -1;
    p->flat = malloc(NET_FLAT);
    p->stock = calloc(n->rx_size, sizeof *p->stock);
    p->in = calloc(NET_PIECES + 2, sizeof *p->in);
    p->out = calloc(NET_PIECES, sizeof *p->out);
    p->timer = n->v.loop->timer(n->v.d, NULL, 0, TN_CLK_VM, net_tx_timer, p);
    if (!p->flat || !p->stock || !p->in || !p->out || !p->timer ||
        net_coal_init(&p->coal[NET_COAL_RX], p->rx) < 0 ||
        net_coal_init(&p->coal[NET_COAL_TX], p->tx) < 0)
        return tn_fail(n->v.d, e, ENOMEM, "no memory for a pair of queues");
    p->want = 2048;
    return 0;
}

int net_pairs_init(struct virtio_net *n, struct tn_err *e)
{
    n->pair = calloc(n->npairs, sizeof *n->pair);
    if (!n->pair)
        return tn_fail(n->v.d, e, ENOMEM, "no memory for %u pairs of queues", n->npairs);
    for (uint32_t i = 0; i < n->npairs; i++) {
        struct net_pair *p = &n->pair[i];
        p->n = n;
        p->index = i;
        p->rx = &n->v.q[2 * i];
        p->tx = &n->v.q[2 * i + 1];
        int r = pair_init(p, e);
        if (r < 0)
            return r;
    }
    return n->peer && !n->vhost ? watch_fds(n, e) : 0;
}

void net_pairs_fini(struct virtio_net *n)
{
    for (uint32_t i = 0; n->pair && i < n->npairs; i++) {
        struct net_pair *p = &n->pair[i];
        free(p->flat);
        free(p->stock);
        free(p->in);
        free(p->out);
        free(p->whole);
    }
    free(n->pair);
    n->pair = NULL;
}
