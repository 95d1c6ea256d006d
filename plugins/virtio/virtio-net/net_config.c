/* SPDX-License-Identifier: BSD-2-Clause */
/* Features and configuration space (VIRTIO 1.3, 5.1.3 and 5.1.4). */
#include "util/bytes.h"
#include "virtio_net.h"
#include <errno.h>

static const uint64_t guest_bits = BIT_ULL(NET_F_GUEST_CSUM) | BIT_ULL(NET_F_GUEST_TSO4) |
                                   BIT_ULL(NET_F_GUEST_TSO6) | BIT_ULL(NET_F_GUEST_ECN) |
                                   BIT_ULL(NET_F_GUEST_UFO) | BIT_ULL(NET_F_GUEST_USO4) |
                                   BIT_ULL(NET_F_GUEST_USO6);
static const uint64_t host_bits = BIT_ULL(NET_F_CSUM) | BIT_ULL(NET_F_HOST_TSO4) |
                                  BIT_ULL(NET_F_HOST_TSO6) | BIT_ULL(NET_F_HOST_ECN) |
                                  BIT_ULL(NET_F_HOST_UFO) | BIT_ULL(NET_F_HOST_USO);

/* ---- the back end's part ---- */

/* One offload of the back end, and the feature bits that stand for it. */
static const struct {
    uint32_t net;
    uint64_t guest, host;
} offload_map[] = {
    {TN_NET_CSUM, BIT_ULL(NET_F_GUEST_CSUM), BIT_ULL(NET_F_CSUM)},
    {TN_NET_TSO4, BIT_ULL(NET_F_GUEST_TSO4), BIT_ULL(NET_F_HOST_TSO4)},
    {TN_NET_TSO6, BIT_ULL(NET_F_GUEST_TSO6), BIT_ULL(NET_F_HOST_TSO6)},
    {TN_NET_ECN, BIT_ULL(NET_F_GUEST_ECN), BIT_ULL(NET_F_HOST_ECN)},
    {TN_NET_UFO, BIT_ULL(NET_F_GUEST_UFO), BIT_ULL(NET_F_HOST_UFO)},
    {TN_NET_USO, BIT_ULL(NET_F_GUEST_USO4) | BIT_ULL(NET_F_GUEST_USO6), BIT_ULL(NET_F_HOST_USO)},
};
enum { OFFLOADS = sizeof offload_map / sizeof offload_map[0] };

static uint64_t to_features(uint64_t receive, uint64_t send)
{
    uint64_t f = 0;
    for (uint32_t i = 0; i < OFFLOADS; i++) {
        f |= receive & offload_map[i].net ? offload_map[i].guest : 0;
        f |= send & offload_map[i].net ? offload_map[i].host : 0;
    }
    return f;
}

static uint64_t to_net(uint64_t f, bool guest)
{
    uint64_t net = 0;
    for (uint32_t i = 0; i < OFFLOADS; i++)
        if (f & (guest ? offload_map[i].guest : offload_map[i].host))
            net |= offload_map[i].net;
    return net;
}

/* What it can do, by trying: everything, then less of what is rare. */
static void probe(struct virtio_net *n)
{
    static const uint64_t rare[] = {0, TN_NET_USO, TN_NET_USO | TN_NET_UFO,
                                    TN_NET_USO | TN_NET_UFO | TN_NET_ECN};
    const uint64_t all =
        TN_NET_CSUM | TN_NET_TSO4 | TN_NET_TSO6 | TN_NET_UFO | TN_NET_ECN | TN_NET_USO;
    for (uint32_t i = 0; n->peer && i < sizeof rare / sizeof rare[0]; i++) {
        uint64_t try = all & ~rare[i];
        if (n->netdev->offload(n->peer, NET_HDR_V1_LEN, try, try) >= 0) {
            n->back_hdr = NET_HDR_V1_LEN;
            n->can_receive = n->can_send = try;
            break;
        }
    }
}

/* With vhost the driver's header is the back end's; else this device converts. The back end hears
 * of it some time later: a reset is no reason to change the header, as most drivers have the same
 * one. */
static void tell_backend(struct virtio_net *n)
{
    if (!n->back_hdr)
        return;
    if (n->vhost && n->f)
        n->back_hdr = n->hdr_len < NET_HDR_V1_LEN ? n->hdr_len : NET_HDR_V1_LEN;
    uint64_t from = n->f & BIT_ULL(NET_F_GSO) ? n->can_send : to_net(n->f & host_bits, false);
    n->netdev->offload(n->peer, n->back_hdr, to_net(n->offloads, true) & n->can_receive, from);
}

void net_set_offloads(struct virtio_net *n, uint64_t offloads)
{
    n->offloads = net_features_close(offloads & n->f & guest_bits);
    tell_backend(n);
}

/* ---- properties ---- */

static bool size_ok(uint16_t v)
{
    return v >= 256 && v <= 1024 && !(v & (v - 1));
}

static int check_sizes(struct virtio_net *n, struct tn_err *e)
{
    if (!size_ok(n->rx_size))
        return tn_fail(n->v.d, e, EINVAL,
                       "Invalid rx_queue_size (= %u), must be a power of 2 between 256 and 1024.",
                       n->rx_size);
    if (!size_ok(n->tx_size))
        return tn_fail(n->v.d, e, EINVAL,
                       "Invalid tx_queue_size (= %u), must be a power of 2 between 256 and 1024.",
                       n->tx_size);
    if (n->host_mtu && n->host_mtu < NET_MTU_MIN)
        return tn_fail(n->v.d, e, EINVAL, "host_mtu (= %u) must be between %d and 65535",
                       n->host_mtu, NET_MTU_MIN);
    if (n->tx_burst < 1)
        return tn_fail(n->v.d, e, EINVAL, "x-txburst (= %d) must be at least 1", n->tx_burst);
    return 0;
}

static int check_link(struct virtio_net *n, struct tn_err *e)
{
    n->duplex = NET_DUPLEX_UNKNOWN;
    if (n->duplex_name && strcmp(n->duplex_name, "half") == 0)
        n->duplex = NET_DUPLEX_HALF;
    else if (n->duplex_name && strcmp(n->duplex_name, "full") == 0)
        n->duplex = NET_DUPLEX_FULL;
    else if (n->duplex_name)
        return tn_fail(n->v.d, e, EINVAL, "'duplex' must be 'half' or 'full'");
    if (n->speed < -1)
        return tn_fail(n->v.d, e, EINVAL, "'speed' must be between 0 and INT_MAX");
    if (n->duplex_name || n->speed >= 0)
        n->wanted |= BIT_ULL(NET_F_SPEED_DUPLEX);
    return 0;
}

static void choose_tx_mode(struct virtio_net *n)
{
    const bool timer = n->tx && strcmp(n->tx, "timer") == 0;
    n->tx_mode = timer ? NET_TX_TIMER : NET_TX_BH;
    if (n->tx && !timer && strcmp(n->tx, "bh") != 0)
        n->v.d->core->warn(n->v.d,
                           "virtio-net: Unknown option tx=%s, valid options: \"timer\" \"bh\"; "
                           "defaulting to \"bh\"",
                           n->tx);
}

int net_config_init(struct virtio_net *n, struct tn_err *e)
{
    int r = check_sizes(n, e);
    if (r == 0)
        r = check_link(n, e);
    if (r < 0)
        return r;
    choose_tx_mode(n);
    probe(n);
    n->wanted |= BIT_ULL(NET_F_MAC);
    if (n->host_mtu)
        n->wanted |= BIT_ULL(NET_F_MTU);
    uint64_t able = to_features(n->can_receive, n->can_send);
    n->wanted &= able | ~(guest_bits | host_bits);
    n->wanted = net_features_close(n->wanted);
    n->status = NET_S_LINK_UP;
    return 0;
}

/* ---- features (5.1.3) ---- */

int net_features(void *s, uint64_t *f, uint32_t nwords, struct tn_err *e)
{
    struct virtio_net *n = s;
    (void)e;
    if (nwords)
        f[0] = net_vhost_features(n, f[0] | n->wanted);
    return 0;
}

/* 5.1.6, 5.1.6.1 */
static uint32_t header_len(const struct virtio_net *n)
{
    if (net_has(n, NET_F_HASH_REPORT))
        return NET_HDR_HASH_LEN;
    const uint64_t longer = BIT_ULL(VIO_F_VERSION_1) | BIT_ULL(NET_F_MRG_RXBUF);
    return n->f & longer ? NET_HDR_V1_LEN : NET_HDR_LEGACY_LEN;
}

int net_negotiated(void *s, const uint64_t *f, uint32_t nwords, uint32_t vq_flags)
{
    struct virtio_net *n = s;
    int r = vdev_negotiated(s, f, nwords, vq_flags);
    if (r < 0)
        return r;
    n->f = net_features_close(nwords ? f[0] : 0);
    n->hdr_len = header_len(n);
    n->mergeable = net_has(n, NET_F_MRG_RXBUF);
    net_place_control(n);
    n->curr_pairs = 1;
    net_set_offloads(n, guest_bits);
    net_filter_vlans(&n->filter, !net_has(n, NET_F_CTRL_VLAN));
    return net_vhost_negotiated(n, f, nwords);
}

/* ---- configuration space (5.1.4) ---- */

/* Up to the last field that an offered feature brings. */
uint32_t net_config_len(const struct virtio_net *n)
{
    static const struct {
        uint64_t any;
        uint32_t end;
    } ends[] = {
        {BIT_ULL(NET_F_RSS) | BIT_ULL(NET_F_HASH_REPORT), NET_CFG_LEN},
        {BIT_ULL(NET_F_SPEED_DUPLEX), NET_CFG_DUPLEX + 1},
        {BIT_ULL(NET_F_MTU), NET_CFG_MTU + 2},
        {BIT_ULL(NET_F_MQ), NET_CFG_MAX_PAIRS + 2},
        {BIT_ULL(NET_F_STATUS), NET_CFG_STATUS + 2},
    };
    for (uint32_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        if (n->wanted & ends[i].any)
            return ends[i].end;
    return NET_CFG_MAC + ETH_ALEN;
}

void net_config_read(void *s, uint32_t off, void *buf, uint32_t len)
{
    struct virtio_net *n = s;
    uint8_t c[NET_CFG_LEN] = {0};
    memcpy(c + NET_CFG_MAC, n->filter.mac, ETH_ALEN);
    put_le16(c + NET_CFG_STATUS, n->status);
    put_le16(c + NET_CFG_MAX_PAIRS, (uint16_t)n->npairs);
    put_le16(c + NET_CFG_MTU, n->host_mtu);
    put_le32(c + NET_CFG_SPEED, (uint32_t)n->speed);
    c[NET_CFG_DUPLEX] = n->duplex;
    c[NET_CFG_RSS_KEY] = NET_HASH_KEY_MAX;
    put_le16(c + NET_CFG_RSS_TABLE, n->wanted & BIT_ULL(NET_F_RSS) ? NET_RSS_TABLE_MAX : 1);
    put_le32(c + NET_CFG_HASH_TYPES, NET_HASH_ALL);
    memset(buf, 0, len);
    if (off < sizeof c)
        memcpy(buf, c + off, len < sizeof c - off ? len : sizeof c - off);
}

/* 5.1.4.3: a legacy driver writes its address here, unless it has a command for it. */
void net_config_write(void *s, uint32_t off, const void *buf, uint32_t len)
{
    struct virtio_net *n = s;
    const uint64_t otherwise = BIT_ULL(VIO_F_VERSION_1) | BIT_ULL(NET_F_CTRL_MAC_ADDR);
    if (n->f & otherwise || off >= ETH_ALEN)
        return;
    memcpy(n->filter.mac + off, buf, len < ETH_ALEN - off ? len : ETH_ALEN - off);
}

/* ---- reset, link ---- */

void net_config_reset(struct virtio_net *n)
{
    n->f = 0;
    n->curr_pairs = 1;
    n->hdr_len = NET_HDR_LEGACY_LEN;
    n->mergeable = 0;
    n->rss = (struct net_rss){.max_tx = 1};
    n->status &= ~NET_S_ANNOUNCE;
    net_coal_reset(n);
    net_filter_reset(&n->filter);
    memcpy(n->filter.mac, n->mac_given, ETH_ALEN);
    for (uint32_t i = 0; i < n->npairs; i++)
        n->pair[i].held = 0;
    net_place_control(n);
    net_set_offloads(n, 0);
}

void net_set_link(struct virtio_net *n, bool up)
{
    uint16_t status = up ? n->status | NET_S_LINK_UP : n->status & ~NET_S_LINK_UP;
    if (status == n->status)
        return;
    n->status = status;
    n->v.port->config_changed(n->v.p);
    net_vhost_update(n);
}
