/* SPDX-License-Identifier: BSD-2-Clause */
/* Notifications coalescing (VIRTIO 1.3, 5.1.6.5.9): used buffers are shown at once, the
 * notification waits for more of them, or for the time. */
#include "util/bytes.h"
#include "virtio_net.h"
#include <errno.h>

enum { PARAMS_LEN = 8 }; /* struct virtio_net_ctrl_coal */

static struct net_coal *coal_of(struct virtio_net *n, uint32_t q)
{
    return &n->pair[q / 2].coal[q & 1];
}

static bool is_on(const struct net_coal *c)
{
    return c->params.packets && c->params.usecs;
}

static void fire(struct net_coal *c)
{
    const struct vdev *v = c->q->v;
    if (c->armed)
        v->loop->disarm(c->timer);
    if (c->want)
        v->port->notify(v->p, c->q->index);
    c->armed = c->want = 0;
    c->count = 0;
}

static void on_timer(void *s)
{
    fire(s);
}

/* 5.1.6.5.9.1: counting begins with the first packet. */
static void arm(struct net_coal *c)
{
    const struct vdev *v = c->q->v;
    if (c->armed)
        return;
    c->armed = 1;
    v->loop->arm(c->timer, v->loop->now(v->d, TN_CLK_VM) + c->params.usecs * UINT64_C(1000));
}

void net_coal_flush(struct net_coal *c)
{
    if (is_on(c))
        c->want |= vq_publish(&c->q->ring);
    if (is_on(c) || !c->q->fed)
        vdev_flush(c->q);
    else
        vdev_settle(c->q);
    if (!is_on(c) || c->count >= c->params.packets)
        fire(c);
    else if (c->count)
        arm(c);
}

/* 5.1.6.5.9.4: the conditions may be met now. */
static void set(struct net_coal *c, struct net_coal_params p)
{
    c->params = p;
    if (!is_on(c) || c->count >= p.packets)
        fire(c);
}

static struct net_coal_params params_at(const uint8_t *p)
{
    return (struct net_coal_params){get_le32(p), get_le32(p + 4)};
}

static bool set_all(struct virtio_net *n, uint32_t which, const uint8_t *data, uint64_t len)
{
    if (len != PARAMS_LEN || !net_has(n, NET_F_NOTF_COAL))
        return false;
    n->coal[which] = params_at(data);
    for (uint32_t i = 0; i < n->npairs; i++)
        set(&n->pair[i].coal[which], n->coal[which]);
    return true;
}

/* The queue that vq_index names, if it is a transmit or receive queue in use. */
static struct net_coal *enabled(struct virtio_net *n, const uint8_t *data)
{
    uint16_t q = get_le16(data);
    bool is = q < 2 * n->npairs && !net_is_control(n, q) && vdev_running(&n->v.q[q]);
    return is ? coal_of(n, q) : NULL;
}

static bool set_one(struct virtio_net *n, const uint8_t *data, uint64_t len)
{
    enum { INDEX_LEN = 4 }; /* vq_index, reserved */
    if (len != INDEX_LEN + PARAMS_LEN || !net_has(n, NET_F_VQ_NOTF_COAL) || !enabled(n, data))
        return false;
    set(enabled(n, data), params_at(data + INDEX_LEN));
    return true;
}

bool net_coal_set(struct virtio_net *n, uint8_t cmd, const uint8_t *data, uint64_t len)
{
    switch (cmd) {
    case NET_COAL_TX_SET:
        return set_all(n, NET_COAL_TX, data, len);
    case NET_COAL_RX_SET:
        return set_all(n, NET_COAL_RX, data, len);
    case NET_COAL_VQ_SET:
        return set_one(n, data, len);
    }
    return false;
}

bool net_coal_get(struct virtio_net *n, const uint8_t *data, uint64_t len, uint8_t *out)
{
    const struct net_coal *c = len >= 4 && net_has(n, NET_F_VQ_NOTF_COAL) ? enabled(n, data) : NULL;
    if (!c)
        return false;
    put_le32(out, c->params.packets);
    put_le32(out + 4, c->params.usecs);
    return true;
}

int net_coal_init(struct net_coal *c, struct vdev_queue *q)
{
    c->q = q;
    c->timer = q->v->loop->timer(q->v->d, NULL, 0, TN_CLK_VM, on_timer, c);
    return c->timer ? 0 : -ENOMEM;
}

void net_coal_enable(struct virtio_net *n, uint32_t q)
{
    coal_of(n, q)->params = n->coal[q & 1];
}

void net_coal_reset(struct virtio_net *n)
{
    memset(n->coal, 0, sizeof n->coal);
    for (uint32_t q = 0; q < 2 * n->npairs; q++) {
        struct net_coal *c = coal_of(n, q);
        c->params = (struct net_coal_params){0, 0};
        c->want = 0;
        fire(c);
    }
}
