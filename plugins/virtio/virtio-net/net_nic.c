/* SPDX-License-Identifier: BSD-2-Clause */
/* What monitors ask of a NIC: which packets pass (VIRTIO 1.3, 5.1.6.5.1 to 5.1.6.5.3). */
#include "virtio_net.h"

static uint32_t state_of(const struct net_filter *f, unsigned none, unsigned all)
{
    return f->mode[none] ? TN_NET_RX_NONE : f->mode[all] ? TN_NET_RX_ALL : TN_NET_RX_NORMAL;
}

static uint32_t vlan_state(const struct virtio_net *n)
{
    if (!net_has(n, NET_F_CTRL_VLAN))
        return TN_NET_RX_ALL;
    for (uint32_t i = 0; i < sizeof n->filter.vlan; i++)
        if (n->filter.vlan[i])
            return TN_NET_RX_NORMAL;
    return TN_NET_RX_NONE;
}

static int rx_filter(void *s, struct tn_net_rx *out)
{
    const struct virtio_net *n = s;
    const struct net_filter *f = &n->filter;
    struct tn_net_rx r = {
        .struct_size = out->struct_size,
        .flags = (f->mode[NET_RX_PROMISC] ? TN_NET_RXF_PROMISC : 0u) |
                 (f->mode[NET_RX_NOBCAST] ? 0u : TN_NET_RXF_BROADCAST) |
                 (f->uni_overflow ? TN_NET_RXF_UNI_OVERFLOW : 0u) |
                 (f->multi_overflow ? TN_NET_RXF_MULTI_OVERFLOW : 0u),
        .unicast = state_of(f, NET_RX_NOUNI, NET_RX_ALLUNI),
        .multicast = state_of(f, NET_RX_NOMULTI, NET_RX_ALLMULTI),
        .vlan = vlan_state(n),
        .nuni = f->nuni,
        .nmulti = f->nmulti,
        .uni = f->table,
        .multi = f->table + (size_t)f->nuni * ETH_ALEN,
        .vlans = f->vlan,
    };
    memcpy(r.mac, f->mac, ETH_ALEN);
    memcpy(out, &r, out->struct_size < sizeof r ? out->struct_size : sizeof r);
    return 0;
}

static void announce(void *s)
{
    net_announce_ask(s);
}

void net_nic_changed(struct virtio_net *n)
{
    if (TN_HAS(n->netdev, rx_changed))
        n->netdev->rx_changed(n->v.d);
}

const struct tn_nic net_nic = {
    .struct_size = sizeof net_nic, .rx_filter = rx_filter, .announce = announce};
