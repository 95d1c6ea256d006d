/* SPDX-License-Identifier: BSD-2-Clause */
/* The control virtqueue (VIRTIO 1.3, 5.1.6.5). */
#include "util/bytes.h"
#include "virtio_net.h"
#include <stdlib.h>

/* A command's data, len bytes. Each handler answers whether the device did it. */
typedef bool ctrl_fn(struct virtio_net *n, uint8_t cmd, const uint8_t *data, uint64_t len);

/* 5.1.6.5.1; 5.1.6.5.1.1: EXTRA is about the modes from ALLUNI on. */
static bool ctrl_rx(struct virtio_net *n, uint8_t cmd, const uint8_t *data, uint64_t len)
{
    unsigned feature = cmd >= NET_RX_ALLUNI ? NET_F_CTRL_RX_EXTRA : NET_F_CTRL_RX;
    if (cmd >= NET_RX_MODES || len != 1 || !net_has(n, feature))
        return false;
    n->filter.mode[cmd] = data[0] != 0;
    net_nic_changed(n);
    return true;
}

/* 5.1.6.5.2 */
static bool ctrl_mac(struct virtio_net *n, uint8_t cmd, const uint8_t *data, uint64_t len)
{
    if (cmd == NET_MAC_TABLE_SET) {
        bool set = net_has(n, NET_F_CTRL_RX) && net_filter_set_table(&n->filter, data, len);
        if (set)
            net_nic_changed(n);
        return set;
    }
    if (cmd != NET_MAC_ADDR_SET || len != ETH_ALEN || !net_has(n, NET_F_CTRL_MAC_ADDR))
        return false;
    memcpy(n->filter.mac, data, ETH_ALEN);
    net_nic_changed(n);
    return true;
}

/* 5.1.6.5.3 */
static bool ctrl_vlan(struct virtio_net *n, uint8_t cmd, const uint8_t *data, uint64_t len)
{
    uint16_t vid = len == 2 ? get_le16(data) : VLAN_IDS;
    if (vid >= VLAN_IDS || cmd > NET_VLAN_DEL || !net_has(n, NET_F_CTRL_VLAN))
        return false;
    uint8_t bit = (uint8_t)(1 << vid % 8);
    if (cmd == NET_VLAN_ADD)
        n->filter.vlan[vid / 8] |= bit;
    else
        n->filter.vlan[vid / 8] &= (uint8_t)~bit;
    net_nic_changed(n);
    return true;
}

/* 5.1.6.5.4 */
static bool ctrl_announce(struct virtio_net *n, uint8_t cmd, const uint8_t *data, uint64_t len)
{
    (void)data;
    (void)len;
    if (cmd != NET_ANNOUNCE_ACK || !(n->status & NET_S_ANNOUNCE))
        return false;
    net_announce_ack(n);
    return true;
}

/* 5.1.6.5.6 */
static bool set_pairs(struct virtio_net *n, const uint8_t *data, uint64_t len)
{
    uint16_t pairs = len == 2 ? get_le16(data) : 0;
    if (pairs < 1 || pairs > n->npairs || !net_has(n, NET_F_MQ))
        return false;
    n->rss.steer = 0;
    net_set_pairs(n, pairs);
    return true;
}

/* 5.1.6.5.6.4 and 5.1.6.5.7.1: the last command decides how packets are steered. */
static bool ctrl_mq(struct virtio_net *n, uint8_t cmd, const uint8_t *data, uint64_t len)
{
    switch (cmd) {
    case NET_MQ_PAIRS_SET:
        return set_pairs(n, data, len);
    case NET_MQ_RSS_CONFIG:
        if (!net_has(n, NET_F_RSS) || !net_rss_config(&n->rss, true, data, len, n->npairs))
            return false;
        net_set_pairs(n, n->rss.max_tx);
        return true;
    case NET_MQ_HASH_CONFIG:
        return net_has(n, NET_F_HASH_REPORT) &&
               net_rss_config(&n->rss, false, data, len, n->npairs);
    }
    return false;
}

/* 5.1.6.5.8 */
static bool ctrl_offloads(struct virtio_net *n, uint8_t cmd, const uint8_t *data, uint64_t len)
{
    uint64_t want = len == 8 ? get_le64(data) : 0;
    if (cmd != NET_GUEST_OFFLOADS_SET || len != 8 || !net_has(n, NET_F_CTRL_GUEST_OFFLOADS) ||
        want & ~n->f)
        return false;
    net_set_offloads(n, want);
    return true;
}

static ctrl_fn *const classes[] = {
    [NET_CTRL_RX] = ctrl_rx,
    [NET_CTRL_MAC] = ctrl_mac,
    [NET_CTRL_VLAN] = ctrl_vlan,
    [NET_CTRL_ANNOUNCE] = ctrl_announce,
    [NET_CTRL_MQ] = ctrl_mq,
    [NET_CTRL_GUEST_OFFLOADS] = ctrl_offloads,
    [NET_CTRL_NOTF_COAL] = net_coal_set,
};

enum { RESULT_MAX = 8 };

/* Most commands are a few bytes; the filter table may be long. */
static bool execute(struct virtio_net *n, const struct vq_elem *el, const uint8_t *head)
{
    uint8_t few[512], *data = few;
    uint64_t len = el->out_len - NET_CTRL_HEADER;
    if (head[0] >= sizeof classes / sizeof classes[0] || len > NET_CTRL_MAX)
        return false;
    if (len > sizeof few)
        data = malloc(len);
    if (!data)
        return false;
    vq_read(vq_out(el), el->nout, NET_CTRL_HEADER, data, len);
    bool ok = classes[head[0]](n, head[1], data, len);
    if (data != few)
        free(data);
    return ok;
}

/* The one command with a result, which stands before the ack. */
static uint32_t get_coal(struct virtio_net *n, struct vq_elem *el)
{
    uint8_t data[4], result[RESULT_MAX + 1] = {0};
    uint64_t len = vq_read(vq_out(el), el->nout, NET_CTRL_HEADER, data, sizeof data);
    bool ok = el->in_len >= sizeof result && net_coal_get(n, data, len, result);
    result[RESULT_MAX] = ok ? NET_OK : NET_ERR;
    if (el->in_len >= sizeof result)
        return (uint32_t)vq_write(vq_in(el), el->nin, 0, result, sizeof result);
    return (uint32_t)vq_write(vq_in(el), el->nin, 0, result + RESULT_MAX, 1);
}

uint32_t net_ctrl_answer(struct virtio_net *n, struct vq_elem *el)
{
    uint8_t head[NET_CTRL_HEADER];
    vq_read(vq_out(el), el->nout, 0, head, NET_CTRL_HEADER);
    if (head[0] == NET_CTRL_NOTF_COAL && head[1] == NET_COAL_VQ_GET)
        return get_coal(n, el);
    uint8_t ack = execute(n, el, head) ? NET_OK : NET_ERR;
    return (uint32_t)vq_write(vq_in(el), el->nin, 0, &ack, 1);
}

void net_ctrl_handle(struct vdev_queue *q)
{
    struct virtio_net *n = (struct virtio_net *)q->v;
    struct vq_elem *el;
    while (vdev_running(q) && (el = vq_pop(&q->ring))) {
        if (el->out_len < NET_CTRL_HEADER || el->in_len < 1) {
            vq_drop(&q->ring, el);
            vq_break(&q->ring, "a control command without header or room for its ack");
            break;
        }
        vq_push(&q->ring, el, net_ctrl_answer(n, el));
    }
    vdev_flush(q);
}
