/* SPDX-License-Identifier: BSD-2-Clause */
#include "net_hash.h"
#include "util/bytes.h"

/* ---- Toeplitz ---- */

uint32_t net_toeplitz(const uint8_t *key, const uint8_t *in, uint32_t n)
{
    uint32_t hash = 0, window = get_be32(key);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t next = key[i + 4];
        for (int bit = 7; bit >= 0; bit--) {
            if (in[i] >> bit & 1)
                hash ^= window;
            window = window << 1 | (next >> bit & 1);
        }
    }
    return hash;
}

/* ---- the packet ---- */

enum { IP_TCP = 6, IP_UDP = 17 };
enum { /* IPv6 extension headers */
       EXT_HOP = 0,
       EXT_ROUTING = 43,
       EXT_FRAGMENT = 44,
       EXT_AUTH = 51,
       EXT_DEST = 60
};
enum { OPT_PAD1 = 0, OPT_HOME_ADDRESS = 0xc9 }; /* RFC 6275 6.3 */
enum { ROUTING_TYPE_2 = 2 };                    /* RFC 6275 6.4 */

/* What of a packet the hash is about. Pointers go into the packet. */
struct flow {
    const uint8_t *src, *dst, *home, *route; /* home, route: NULL, or the addresses that replace */
    const uint8_t *ports;                    /* NULL: neither TCP nor UDP, or not there */
    uint32_t version;                        /* 4, 6; 0: not IP */
    uint8_t proto, has_ext;
};

static void find_ports(struct flow *f, const uint8_t *p, uint32_t len)
{
    if ((f->proto == IP_TCP || f->proto == IP_UDP) && len >= 4)
        f->ports = p;
}

/* The ports of a fragment are in the first one only: all of them are hashed without. */
static void parse_ipv4(struct flow *f, const uint8_t *p, uint32_t len)
{
    if (len < 20 || p[0] >> 4 != 4)
        return;
    uint32_t header = (p[0] & 15) * 4u;
    f->version = 4;
    f->src = p + 12;
    f->dst = p + 16;
    f->proto = p[9];
    if (header >= 20 && header <= len && !(get_be16(p + 6) & 0x3fff))
        find_ports(f, p + header, len - header);
}

static void parse_routing(struct flow *f, const uint8_t *p, uint32_t len)
{
    if (p[2] == ROUTING_TYPE_2 && len >= 24)
        f->route = p + 8;
}

static void parse_options(struct flow *f, const uint8_t *p, uint32_t len)
{
    for (uint32_t at = 2; at + 2 <= len;) {
        if (p[at] == OPT_PAD1) {
            at++;
            continue;
        }
        uint32_t size = 2u + p[at + 1];
        if (size > len - at)
            return;
        if (p[at] == OPT_HOME_ADDRESS && size == 18)
            f->home = p + at + 2;
        at += size;
    }
}

/* Length of extension header `type` at p, or 0: it is none, or it is cut off. */
static uint32_t ext_len(uint8_t type, const uint8_t *p, uint32_t len)
{
    uint32_t n = 0;
    if (len < 8)
        return 0;
    if (type == EXT_HOP || type == EXT_ROUTING || type == EXT_DEST)
        n = (p[1] + 1u) * 8;
    else if (type == EXT_FRAGMENT)
        n = 8;
    else if (type == EXT_AUTH)
        n = (p[1] + 2u) * 4;
    return n <= len ? n : 0;
}

static void parse_ipv6(struct flow *f, const uint8_t *p, uint32_t len)
{
    if (len < 40 || p[0] >> 4 != 6)
        return;
    uint8_t next = p[6];
    bool fragment = false;
    f->version = 6;
    f->src = p + 8;
    f->dst = p + 24;
    p += 40;
    len -= 40;
    for (uint32_t n; (n = ext_len(next, p, len)); p += n, len -= n) {
        f->has_ext = 1;
        fragment |= next == EXT_FRAGMENT && (get_be16(p + 2) & 0xfff9);
        if (next == EXT_ROUTING)
            parse_routing(f, p, n);
        else if (next == EXT_DEST)
            parse_options(f, p, n);
        next = p[0];
    }
    f->proto = next;
    if (!fragment)
        find_ports(f, p, len);
}

static void parse(struct flow *f, const uint8_t *p, uint32_t len)
{
    uint32_t at = ETH_TYPE;
    if (len < ETH_HLEN)
        return;
    uint16_t type = get_be16(p + at);
    for (int tags = 0; tags < 2 && (type == ETH_P_8021Q || type == ETH_P_8021AD); tags++) {
        at += ETH_VLAN_LEN;
        if (at + 2 > len)
            return;
        type = get_be16(p + at);
    }
    at += 2;
    if (type == ETH_P_IPV4)
        parse_ipv4(f, p + at, len - at);
    else if (type == ETH_P_IPV6)
        parse_ipv6(f, p + at, len - at);
}

/* ---- the hash ---- */

/* The most telling of three enabled types, 0 if none applies. */
static uint32_t choose(const struct flow *f, uint32_t types, uint32_t tcp, uint32_t udp,
                       uint32_t ip)
{
    if (f->ports && f->proto == IP_TCP && types & tcp)
        return tcp;
    if (f->ports && f->proto == IP_UDP && types & udp)
        return udp;
    return types & ip;
}

static uint32_t choose_type(const struct flow *f, uint32_t types)
{
    uint32_t t = 0;
    if (f->version == 4)
        return choose(f, types, NET_HASH_TCPV4, NET_HASH_UDPV4, NET_HASH_IPV4);
    if (f->has_ext)
        t = choose(f, types, NET_HASH_TCP_EX, NET_HASH_UDP_EX, NET_HASH_IP_EX);
    return t ? t : choose(f, types, NET_HASH_TCPV6, NET_HASH_UDPV6, NET_HASH_IPV6);
}

/* The bytes that type stands for; returns how many. */
static uint32_t gather(const struct flow *f, uint32_t type, uint8_t *in)
{
    const bool ex = type & (NET_HASH_IP_EX | NET_HASH_TCP_EX | NET_HASH_UDP_EX);
    const bool ip_only = type & (NET_HASH_IPV4 | NET_HASH_IPV6 | NET_HASH_IP_EX);
    uint32_t addr = f->version == 4 ? 4 : 16;
    memcpy(in, ex && f->home ? f->home : f->src, addr);
    memcpy(in + addr, ex && f->route ? f->route : f->dst, addr);
    if (ip_only || !f->ports)
        return 2 * addr;
    memcpy(in + 2 * addr, f->ports, 4);
    return 2 * addr + 4;
}

struct net_hash net_hash_frame(const struct net_rss *r, const uint8_t *frame, uint32_t len)
{
    struct net_hash h = {0, 0};
    struct flow f = {0};
    uint8_t in[36];
    parse(&f, frame, len);
    uint32_t type = f.version ? choose_type(&f, r->types) : 0;
    if (type) {
        h.value = net_toeplitz(r->key, in, gather(&f, type, in));
        h.report = (uint16_t)__builtin_ffs((int)type);
    }
    return h;
}

uint32_t net_rss_queue(const struct net_rss *r, struct net_hash h)
{
    return h.report ? r->table[h.value & r->mask] : r->unclassified;
}

/* ---- its configuration ---- */

/* Everything but the key: bytes used, or 0. */
static uint64_t read_table(struct net_rss *r, const uint8_t *p, uint64_t len)
{
    if (len < 8)
        return 0;
    r->mask = get_le16(p + 4);
    r->unclassified = get_le16(p + 6);
    uint32_t n = r->mask + 1u;
    if (n > NET_RSS_TABLE_MAX || n & (n - 1) || len < 8 + 2ull * n + 2)
        return 0;
    for (uint32_t i = 0; i < n; i++)
        r->table[i] = get_le16(p + 8 + 2ull * i);
    r->max_tx = get_le16(p + 8 + 2ull * n);
    return 8 + 2ull * n + 2;
}

static bool read_key(struct net_rss *r, const uint8_t *p, uint64_t len)
{
    if (len < 1 || p[0] > NET_HASH_KEY_MAX || len - 1 < p[0] || (r->types && !p[0]))
        return false;
    memcpy(r->key, p + 1, p[0]);
    return true;
}

bool net_rss_config(struct net_rss *r, bool steer, const uint8_t *data, uint64_t len,
                    uint32_t pairs)
{
    struct net_rss new = {.steer = steer, .max_tx = 1};
    uint64_t used = 12; /* hash_config: hash_types, reserved[4] */
    if (len < 13)
        return false;
    new.types = get_le32(data);
    if (steer)
        used = read_table(&new, data, len);
    if (!used || !read_key(&new, data + used, len - used) || !net_rss_valid(&new, pairs))
        return false;
    *r = new;
    return true;
}

bool net_rss_valid(const struct net_rss *r, uint32_t pairs)
{
    uint32_t n = r->mask + 1u;
    if (r->types & ~(uint32_t)NET_HASH_ALL || n > NET_RSS_TABLE_MAX || n & (n - 1))
        return false;
    if (!r->steer)
        return true;
    for (uint32_t i = 0; i < n; i++)
        if (r->table[i] >= pairs)
            return false;
    return r->unclassified < pairs && r->max_tx >= 1 && r->max_tx <= pairs;
}
