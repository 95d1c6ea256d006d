/* SPDX-License-Identifier: BSD-2-Clause */
#include "net_filter.h"
#include "util/bytes.h"

void net_filter_reset(struct net_filter *f)
{
    memset(f->mode, 0, sizeof f->mode);
    f->mode[NET_RX_PROMISC] = 1;
    f->uni_overflow = f->multi_overflow = 0;
    f->nuni = f->nmulti = 0;
    memset(f->table, 0, sizeof f->table);
    net_filter_vlans(f, true);
}

void net_filter_vlans(struct net_filter *f, bool all)
{
    memset(f->vlan, all ? 0xff : 0, sizeof f->vlan);
}

/* Takes one struct virtio_net_ctrl_mac off the front: *n addresses at *macs. */
static bool take_macs(const uint8_t **data, uint64_t *len, const uint8_t **macs, uint32_t *n)
{
    if (*len < 4)
        return false;
    *n = get_le32(*data);
    *macs = *data + 4;
    uint64_t bytes = 4 + (uint64_t)*n * ETH_ALEN;
    if (bytes > *len)
        return false;
    *data += bytes;
    *len -= bytes;
    return true;
}

bool net_filter_set_table(struct net_filter *f, const uint8_t *data, uint64_t len)
{
    const uint8_t *uni, *multi;
    uint32_t nuni, nmulti;
    if (!take_macs(&data, &len, &uni, &nuni) || !take_macs(&data, &len, &multi, &nmulti) || len)
        return false;
    f->uni_overflow = nuni > NET_MAC_TABLE;
    f->nuni = f->uni_overflow ? 0 : nuni;
    memcpy(f->table, uni, (size_t)f->nuni * ETH_ALEN);
    f->multi_overflow = nmulti > NET_MAC_TABLE - f->nuni;
    f->nmulti = f->multi_overflow ? 0 : nmulti;
    memcpy(f->table + f->nuni * ETH_ALEN, multi, (size_t)f->nmulti * ETH_ALEN);
    return true;
}

static bool in_table(const struct net_filter *f, uint32_t first, uint32_t n, const uint8_t *mac)
{
    const uint8_t *row = f->table + first * ETH_ALEN;
    for (uint32_t i = 0; i < n; i++, row += ETH_ALEN)
        if (!memcmp(row, mac, ETH_ALEN))
            return true;
    return false;
}

static bool pass_multicast(const struct net_filter *f, const uint8_t *dst)
{
    static const uint8_t broadcast[ETH_ALEN] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    if (!memcmp(dst, broadcast, ETH_ALEN))
        return !f->mode[NET_RX_NOBCAST];
    if (f->mode[NET_RX_NOMULTI])
        return false;
    return f->mode[NET_RX_ALLMULTI] || f->multi_overflow || in_table(f, f->nuni, f->nmulti, dst);
}

static bool pass_unicast(const struct net_filter *f, const uint8_t *dst)
{
    if (f->mode[NET_RX_NOUNI])
        return false;
    return f->mode[NET_RX_ALLUNI] || f->uni_overflow || !memcmp(f->mac, dst, ETH_ALEN) ||
           in_table(f, 0, f->nuni, dst);
}

bool net_filter_pass(const struct net_filter *f, const uint8_t *frame)
{
    if (f->mode[NET_RX_PROMISC])
        return true;
    if (get_be16(frame + ETH_TYPE) == ETH_P_8021Q) {
        uint32_t vid = get_be16(frame + ETH_TYPE + 2) & (VLAN_IDS - 1);
        if (!(f->vlan[vid / 8] >> (vid % 8) & 1))
            return false;
    }
    return frame[0] & 1 ? pass_multicast(f, frame) : pass_unicast(f, frame);
}

bool net_filter_valid(const struct net_filter *f)
{
    return f->nuni <= NET_MAC_TABLE && f->nmulti <= NET_MAC_TABLE - f->nuni;
}
