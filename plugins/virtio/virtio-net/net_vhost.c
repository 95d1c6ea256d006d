/* SPDX-License-Identifier: BSD-2-Clause */
/* The front half of vhost: a back end that serves the receive and transmit queues itself. What is
 * left here is the control queue, the configuration space, and telling the back end of both. */
#include "virtio_net.h"
#include <errno.h>
#include <stdlib.h>

/* Feature bits that the back end decides about: those of the rings (6), and the header's form. */
enum { F_NOTIFY_ON_EMPTY = 24, F_ANY_LAYOUT = 27, F_INDIRECT = 28, F_EVENT_IDX = 29 };
static const uint64_t backend_bits = BIT_ULL(F_NOTIFY_ON_EMPTY) | BIT_ULL(F_ANY_LAYOUT) |
                                     BIT_ULL(F_INDIRECT) | BIT_ULL(F_EVENT_IDX) |
                                     0x1fffull << VIO_F_VERSION_1 | BIT_ULL(NET_F_MRG_RXBUF);
/* Done by this device where it sees each packet. */
static const uint64_t device_bits = BIT_ULL(NET_F_RSS) | BIT_ULL(NET_F_HASH_REPORT) |
                                    BIT_ULL(NET_F_NOTF_COAL) | BIT_ULL(NET_F_VQ_NOTF_COAL);

struct vhost_queue {
    struct virtio_net *n;
    struct tn_vq vq;          /* as last started */
    uint8_t started, enabled; /* enabled: as the back end was told; at first it serves all */
};

struct net_vhost {
    const struct tn_vhost *ops;
    void *h;
    struct vhost_queue *q;
    uint8_t leaving; /* the stops that it still answers are with the device's lock held */
};

/* ---- queues ---- */

static uint64_t base_of(const struct vdev_queue *q, const struct tn_vq *vq)
{
    const uint64_t fresh = vq->flags & TN_VQ_PACKED ? 0x80008000u : 0; /* wrap counters: 1 */
    if (!(vq->flags & TN_VQ_RESTORE))
        return fresh;
    return vq->flags & TN_VQ_PACKED ? q->place.avail | (uint64_t)q->place.used << 16
                                    : q->place.avail;
}

/* Also of queues that the driver never starts: the back end must not put packets there. */
void net_vhost_update(struct virtio_net *n)
{
    for (uint32_t i = 0; n->vhost && i < 2 * n->npairs; i++) {
        uint8_t on = i / 2 < n->curr_pairs && n->status & NET_S_LINK_UP;
        if (on != n->vhost->q[i].enabled)
            n->vhost->ops->queue_enable(n->vhost->h, i, on);
        n->vhost->q[i].enabled = on;
    }
}

int net_vhost_queue_start(struct virtio_net *n, const struct tn_vq *vq)
{
    struct vhost_queue *q = &n->vhost->q[vq->index];
    const struct tn_virtio_port *port = n->v.port;
    int kick = port->kick_fd(n->v.p, vq->index), call = port->call_fd(n->v.p, vq->index);
    if (kick < 0 || call < 0)
        return -ENOTSUP;
    int r =
        n->vhost->ops->queue_start(n->vhost->h, vq, kick, call, base_of(&n->v.q[vq->index], vq));
    if (r < 0)
        return r;
    q->vq = *vq;
    q->started = 1;
    return 0;
}

/* [ctx] without the lock; nobody looks at the place before queue_stopped(). */
static void note_stop(struct vhost_queue *q, int err, uint64_t base)
{
    struct vdev_queue *vq = &q->n->v.q[q->vq.index];
    const bool packed = q->vq.flags & TN_VQ_PACKED;
    if (err < 0)
        return;
    vq->place = (struct vq_place){(uint16_t)base, (uint16_t)(packed ? base >> 16 : base)};
    vq->placed = 1;
}

static void on_stopped(void *arg, int err, uint64_t base)
{
    struct vhost_queue *q = arg;
    note_stop(q, err, base);
    if (q->n->vhost->leaving)
        vdev_queue_ended(&q->n->v.q[q->vq.index]);
    else
        q->n->v.port->queue_stopped(q->n->v.p, q->vq.index, err);
}

/* Nobody waits for this end. */
static void on_left(void *arg, int err, uint64_t base)
{
    note_stop(arg, err, base);
}

int net_vhost_queue_stop(struct virtio_net *n, uint32_t i)
{
    struct vhost_queue *q = &n->vhost->q[i];
    if (!q->started)
        return 0;
    q->started = 0;
    return n->vhost->ops->queue_stop(n->vhost->h, i, on_stopped, q);
}

static int is_lent(void *s, uint32_t q)
{
    const struct virtio_net *n = s;
    return n->vhost && q < 2 * n->npairs && n->vhost->q[q].started;
}

const struct tn_virtio_lent net_lent = {.struct_size = sizeof net_lent, .lent = is_lent};

/* ---- negotiation ---- */

uint64_t net_vhost_features(struct virtio_net *n, uint64_t f)
{
    if (!n->vhost)
        return f;
    uint64_t asked[TN_VIRTIO_FEATURE_WORDS] = {f}, theirs = backend_bits;
    if (!n->mtu_bypass)
        theirs |= BIT_ULL(NET_F_MTU);
    if (n->vhost->ops->features(n->vhost->h, asked, TN_VIRTIO_FEATURE_WORDS) < 0)
        asked[0] = 0;
    return f & ~device_bits & (asked[0] | ~theirs);
}

int net_vhost_negotiated(struct virtio_net *n, const uint64_t *f, uint32_t nwords)
{
    if (!n->vhost)
        return 0;
    net_vhost_update(n);
    return n->vhost->ops->negotiated(n->vhost->h, f, nwords, n->v.port->dma(n->v.p));
}

/* ---- the back end itself ---- */

static void start_again(struct virtio_net *n)
{
    for (uint32_t i = 0; i < 2 * n->npairs; i++) {
        struct vhost_queue *q = &n->vhost->q[i];
        if (!q->started)
            continue;
        q->vq.flags |= TN_VQ_RESTORE;
        const struct tn_vq vq = q->vq;
        net_vhost_queue_start(n, &vq);
    }
}

static void on_event(void *s, uint32_t event)
{
    struct virtio_net *n = s;
    switch (event) {
    case TN_VHOST_UP:
        start_again(n);
        net_set_link(n, true);
        break;
    case TN_VHOST_DOWN:
        net_set_link(n, false);
        break;
    case TN_VHOST_HUNG:
        n->v.d->core->warn(n->v.d, "the vhost back end does not answer");
        break;
    }
}

static const struct tn_vhost_events events = {.struct_size = sizeof events, .event = on_event};

/* Kicks and calls go past this device: the transport must have descriptors for them, and make those
 * of every queue now, as a vCPU that starts one may not. */
static bool has_eventfds(const struct virtio_net *n)
{
    const struct tn_virtio_port *port = n->v.port;
    for (uint32_t q = 0; q < 2 * n->npairs; q++)
        if (port->kick_fd(n->v.p, q) < 0 || port->call_fd(n->v.p, q) < 0)
            return false;
    return true;
}

static struct net_vhost *vhost_new(struct virtio_net *n, const struct tn_vhost *ops, void *h)
{
    struct net_vhost *v = calloc(1, sizeof *v);
    struct vhost_queue *q = calloc(2ull * n->npairs, sizeof *q);
    if (!v || !q) {
        free(v);
        free(q);
        return NULL;
    }
    for (uint32_t i = 0; i < 2 * n->npairs; i++)
        q[i] = (struct vhost_queue){.n = n, .enabled = 1};
    *v = (struct net_vhost){.ops = ops, .h = h, .q = q};
    return v;
}

int net_vhost_open(struct virtio_net *n, struct tn_err *e)
{
    void *h = NULL;
    const struct tn_vhost *ops = n->peer ? n->netdev->get_iface(n->peer, TN_VHOST_1, &h) : NULL;
    if (!ops)
        return 0;
    if (!has_eventfds(n)) {
        n->v.d->core->warn(n->v.d, "vhost needs notifications by eventfd: not used");
        return 0;
    }
    n->vhost = vhost_new(n, ops, h);
    if (!n->vhost)
        return tn_fail(n->v.d, e, ENOMEM, "no memory for vhost");
    int r = ops->open(h, n->v.d, 2 * n->npairs, &events, n, e);
    if (r >= 0)
        return 1;
    free(n->vhost->q);
    free(n->vhost);
    n->vhost = NULL;
    return r;
}

void net_vhost_close(struct virtio_net *n)
{
    if (!n->vhost)
        return;
    n->vhost->ops->close(n->vhost->h);
    free(n->vhost->q);
    free(n->vhost);
    n->vhost = NULL;
}

/* Each queue goes on here from where the back end has left it; features are a part of ours. */
int net_vhost_leave(struct virtio_net *n)
{
    struct tn_vq *runs = calloc(2ull * n->npairs, sizeof *runs);
    uint32_t nruns = 0;
    if (!runs)
        return -ENOMEM;
    for (uint32_t i = 0; i < 2 * n->npairs; i++) {
        struct vhost_queue *q = &n->vhost->q[i];
        if (!q->started)
            continue;
        runs[nruns] = q->vq;
        runs[nruns++].flags |= TN_VQ_RESTORE;
        n->vhost->ops->queue_stop(n->vhost->h, i, on_left, q);
    }
    n->vhost->leaving = 1;
    net_vhost_close(n); /* answers all of them */
    for (uint32_t i = 0; i < nruns; i++)
        if (vdev_queue_start(&n->v, &runs[i]) < 0)
            n->v.port->broken(n->v.p, "a queue cannot be taken back from vhost");
    free(runs);
    return 0;
}
