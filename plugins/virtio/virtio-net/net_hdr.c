/* SPDX-License-Identifier: BSD-2-Clause */
#include "net_hdr.h"
#include "util/bytes.h"

/* ---- features ---- */

/* 5.1.3.1: bit needs one of these. */
struct need {
    uint8_t bit;
    uint64_t any;
};
static const struct need needs[] = {
    {NET_F_GUEST_TSO4, BIT_ULL(NET_F_GUEST_CSUM)},
    {NET_F_GUEST_TSO6, BIT_ULL(NET_F_GUEST_CSUM)},
    {NET_F_GUEST_ECN, BIT_ULL(NET_F_GUEST_TSO4) | BIT_ULL(NET_F_GUEST_TSO6)},
    {NET_F_GUEST_UFO, BIT_ULL(NET_F_GUEST_CSUM)},
    {NET_F_GUEST_USO4, BIT_ULL(NET_F_GUEST_CSUM)},
    {NET_F_GUEST_USO6, BIT_ULL(NET_F_GUEST_CSUM)},
    {NET_F_HOST_TSO4, BIT_ULL(NET_F_CSUM)},
    {NET_F_HOST_TSO6, BIT_ULL(NET_F_CSUM)},
    {NET_F_HOST_ECN, BIT_ULL(NET_F_HOST_TSO4) | BIT_ULL(NET_F_HOST_TSO6)},
    {NET_F_HOST_UFO, BIT_ULL(NET_F_CSUM)},
    {NET_F_HOST_USO, BIT_ULL(NET_F_CSUM)},
    {NET_F_GSO, BIT_ULL(NET_F_CSUM)},
    {NET_F_CTRL_RX, BIT_ULL(NET_F_CTRL_VQ)},
    {NET_F_CTRL_RX_EXTRA, BIT_ULL(NET_F_CTRL_VQ)},
    {NET_F_CTRL_VLAN, BIT_ULL(NET_F_CTRL_VQ)},
    {NET_F_CTRL_MAC_ADDR, BIT_ULL(NET_F_CTRL_VQ)},
    {NET_F_CTRL_GUEST_OFFLOADS, BIT_ULL(NET_F_CTRL_VQ)},
    {NET_F_GUEST_ANNOUNCE, BIT_ULL(NET_F_CTRL_VQ)},
    {NET_F_MQ, BIT_ULL(NET_F_CTRL_VQ)},
    {NET_F_NOTF_COAL, BIT_ULL(NET_F_CTRL_VQ)},
    {NET_F_VQ_NOTF_COAL, BIT_ULL(NET_F_CTRL_VQ)},
    {NET_F_RSS, BIT_ULL(NET_F_CTRL_VQ)},
    {NET_F_HASH_REPORT, BIT_ULL(NET_F_CTRL_VQ)},
};

uint64_t net_features_close(uint64_t f)
{
    for (uint32_t i = 0; i < sizeof needs / sizeof needs[0]; i++)
        if (!(f & needs[i].any))
            f &= ~BIT_ULL(needs[i].bit);
    return f;
}

/* ---- header ---- */

static bool gso_allowed(uint8_t type, uint64_t tcp4, uint64_t tcp6, uint64_t udp, uint64_t uso,
                        uint64_t ecn, uint64_t f)
{
    uint64_t need = 0;
    switch (type & ~NET_GSO_ECN) {
    case NET_GSO_TCPV4:
        need = tcp4;
        break;
    case NET_GSO_TCPV6:
        need = tcp6;
        break;
    case NET_GSO_UDP:
        need = udp;
        break;
    case NET_GSO_UDP_L4:
        need = uso;
        break;
    }
    return f & need && (!(type & NET_GSO_ECN) || f & ecn);
}

bool net_hdr_tx(uint8_t *out, const uint8_t *driver, uint64_t f)
{
    const uint64_t any = BIT_ULL(NET_F_GSO);
    memcpy(out, driver, NET_HDR_LEGACY_LEN);
    put_le16(out + NET_HDR_NUM_BUFFERS, 0);
    out[NET_HDR_FLAGS] &= f & BIT_ULL(NET_F_CSUM) ? NET_HDR_F_NEEDS_CSUM : 0;
    if (!out[NET_HDR_FLAGS])
        memset(out + NET_HDR_CSUM_START, 0, 4);
    uint8_t type = out[NET_HDR_GSO_TYPE];
    if ((type & ~NET_GSO_ECN) == NET_GSO_NONE) {
        memset(out + NET_HDR_GSO_TYPE, 0, NET_HDR_CSUM_START - NET_HDR_GSO_TYPE);
        return true;
    }
    return out[NET_HDR_FLAGS] && get_le16(out + NET_HDR_GSO_SIZE) &&
           gso_allowed(type, any | BIT_ULL(NET_F_HOST_TSO4), any | BIT_ULL(NET_F_HOST_TSO6),
                       any | BIT_ULL(NET_F_HOST_UFO), BIT_ULL(NET_F_HOST_USO),
                       any | BIT_ULL(NET_F_HOST_ECN), f);
}

enum net_verdict net_hdr_rx(uint8_t *hdr, uint64_t f)
{
    const uint8_t type = hdr[NET_HDR_GSO_TYPE];
    const bool unfinished = hdr[NET_HDR_FLAGS] & NET_HDR_F_NEEDS_CSUM;
    if (type != NET_GSO_NONE && !gso_allowed(type, BIT_ULL(NET_F_GUEST_TSO4),
                                             BIT_ULL(NET_F_GUEST_TSO6), BIT_ULL(NET_F_GUEST_UFO),
                                             BIT_ULL(NET_F_GUEST_USO4) | BIT_ULL(NET_F_GUEST_USO6),
                                             BIT_ULL(NET_F_GUEST_ECN), f))
        return NET_DROP;
    if (f & BIT_ULL(NET_F_GUEST_CSUM)) {
        hdr[NET_HDR_FLAGS] &= NET_HDR_F_NEEDS_CSUM | NET_HDR_F_DATA_VALID;
        return NET_PASS;
    }
    hdr[NET_HDR_FLAGS] = 0;
    return unfinished ? NET_FINISH : NET_PASS;
}

void net_hdr_give(uint8_t *driver, uint32_t driver_len, const uint8_t *hdr, uint16_t num_buffers,
                  struct net_hash hash)
{
    memset(driver, 0, driver_len);
    memcpy(driver, hdr, NET_HDR_LEGACY_LEN);
    if (driver_len >= NET_HDR_V1_LEN)
        put_le16(driver + NET_HDR_NUM_BUFFERS, num_buffers);
    if (driver_len >= NET_HDR_HASH_LEN) {
        put_le32(driver + NET_HDR_HASH_VALUE, hash.value);
        put_le16(driver + NET_HDR_HASH_REPORT, hash.report);
    }
}

/* ---- pieces ---- */

/* A position in pieces. */
struct cursor {
    const struct tn_iov *v;
    uint64_t off;
};

static struct cursor cursor_at(const struct tn_iov *v, uint64_t skip)
{
    while (skip >= v->len && skip)
        skip -= v++->len;
    return (struct cursor){v, skip};
}

/* The piece under c, at most max bytes of it; c moves behind it. */
static uint8_t *cursor_take(struct cursor *c, uint64_t max, uint64_t *got)
{
    while (c->off == c->v->len)
        c->v++, c->off = 0;
    uint8_t *p = (uint8_t *)c->v->base + c->off;
    *got = c->v->len - c->off < max ? c->v->len - c->off : max;
    c->off += *got;
    return p;
}

void net_copy(const struct tn_iov *to, const struct tn_iov *from, uint64_t skip, uint64_t len)
{
    struct cursor a = cursor_at(from, skip), b = cursor_at(to, 0);
    while (len) {
        uint64_t n, m;
        const uint8_t *src = cursor_take(&a, len, &n);
        uint8_t *dst = cursor_take(&b, n, &m);
        memcpy(dst, src, m);
        a.off -= n - m;
        len -= m;
    }
}

/* Sum of n bytes as 16-bit words in network order, the first of which is the high byte if !odd. */
static uint64_t sum_bytes(const uint8_t *p, uint64_t n, bool odd)
{
    uint64_t sum = 0;
    if (odd && n) {
        sum += *p++;
        n--;
    }
    for (; n >= 2; n -= 2, p += 2)
        sum += get_be16(p);
    return n ? sum + ((uint64_t)*p << 8) : sum;
}

bool net_csum_finish(const struct tn_iov *v, uint32_t n, uint64_t len, uint32_t start,
                     uint32_t offset)
{
    if (!n || start >= len || (uint64_t)start + offset + 2 > len)
        return false;
    struct cursor c = cursor_at(v, start);
    uint64_t sum = 0, left = len - start;
    while (left) {
        uint64_t got;
        const uint8_t *p = cursor_take(&c, left, &got);
        sum += sum_bytes(p, got, (len - start - left) & 1);
        left -= got;
    }
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    uint16_t value = (uint16_t)~sum;
    uint8_t bytes[2];
    put_be16(bytes, value ? value : 0xffff); /* RFC 768: zero means none */
    for (uint32_t i = 0; i < 2; i++) {
        struct cursor at = cursor_at(v, (uint64_t)start + offset + i);
        uint64_t got;
        *cursor_take(&at, 1, &got) = bytes[i];
    }
    return true;
}

bool net_is_dhcp_reply(const uint8_t *frame, uint32_t len)
{
    enum { IP = ETH_HLEN, PORT = 67, UDP = 17 };
    if (len < IP + 28 || get_be16(frame + ETH_TYPE) != ETH_P_IPV4 || frame[IP + 9] != UDP)
        return false;
    uint32_t header = (frame[IP] & 15) * 4u;
    return header >= 20 && IP + header + 2 <= len && get_be16(frame + IP + header) == PORT;
}
