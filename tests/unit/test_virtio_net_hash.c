/* SPDX-License-Identifier: BSD-2-Clause */
/* The hash of virtio-net and what it steers. Sections are those of VIRTIO 1.3. */
#include "net_frame.h"
#include "tap.h"
#include "util/bytes.h"

/* ---- 5.1.6.4.3 hash ---- */

/* "Verifying the RSS Hash Calculation" of Microsoft's NDIS documentation: key and packets. */
static const uint8_t key[NET_HASH_KEY_MAX] = {
    0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
    0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3,
    0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa};

static const struct {
    uint8_t src[4], dst[4];
    uint16_t sport, dport;
    uint32_t ip, tcp;
} v4[] = {
    {{66, 9, 149, 187}, {161, 142, 100, 80}, 2794, 1766, 0x323e8fc2, 0x51ccc178},
    {{199, 92, 111, 2}, {65, 69, 140, 83}, 14230, 4739, 0xd718262a, 0xc626b0ea},
    {{24, 19, 198, 95}, {12, 22, 207, 184}, 12898, 38024, 0xd2d0a5de, 0x5c2b394a},
    {{38, 27, 205, 30}, {209, 142, 163, 6}, 48228, 2217, 0x82989176, 0xafc7327f},
    {{153, 39, 163, 191}, {202, 188, 127, 2}, 44251, 1303, 0x5d1809c5, 0x10e828a2},
};

static const struct {
    uint8_t src[16], dst[16];
    uint16_t sport, dport;
    uint32_t ip, tcp;
} v6[] = {
    {{0x3f, 0xfe, 0x25, 0x01, 0x02, 0x00, 0x1f, 0xff, 0, 0, 0, 0, 0, 0, 0, 7},
     {0x3f, 0xfe, 0x25, 0x01, 0x02, 0x00, 0x00, 0x03, 0, 0, 0, 0, 0, 0, 0, 1},
     2794,
     1766,
     0x2cc18cd5,
     0x40207d3d},
    {{0x3f, 0xfe, 0x05, 0x01, 0x00, 0x08, 0, 0, 0x02, 0x60, 0x97, 0xff, 0xfe, 0x40, 0xef, 0xab},
     {0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1},
     14230,
     4739,
     0x0f0c461c,
     0xdde51bbf},
    {{0x3f, 0xfe, 0x19, 0x00, 0x45, 0x45, 0, 3, 0x02, 0x00, 0xf8, 0xff, 0xfe, 0x21, 0x67, 0xcf},
     {0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0x02, 0x00, 0xf8, 0xff, 0xfe, 0x21, 0x67, 0xcf},
     44251,
     38024,
     0x4b61e985,
     0x02d1feef},
};

static struct net_rss rss_with(uint32_t types)
{
    struct net_rss r = {.types = types, .max_tx = 1};
    memcpy(r.key, key, sizeof key);
    return r;
}

static struct frame ipv4(uint32_t i, uint8_t proto, uint16_t fragment)
{
    struct frame f = ethernet(ETH_P_IPV4);
    uint8_t ip[20] = {0x45, [9] = proto};
    put_be16(ip + 6, fragment);
    memcpy(ip + 12, v4[i].src, 4);
    memcpy(ip + 16, v4[i].dst, 4);
    add(&f, ip, sizeof ip);
    add16(&f, v4[i].sport);
    add16(&f, v4[i].dport);
    add(&f, NULL, 16);
    return f;
}

static struct frame ipv6(uint32_t i, uint8_t next)
{
    struct frame f = ethernet(ETH_P_IPV6);
    uint8_t ip[40] = {0x60, [6] = next};
    memcpy(ip + 8, v6[i].src, 16);
    memcpy(ip + 24, v6[i].dst, 16);
    add(&f, ip, sizeof ip);
    return f;
}

static void ports(struct frame *f, uint32_t i)
{
    add16(f, v6[i].sport);
    add16(f, v6[i].dport);
    add(f, NULL, 16);
}

static struct net_hash hash(uint32_t types, const struct frame *f)
{
    struct net_rss r = rss_with(types);
    return net_hash_frame(&r, f->b, f->len);
}

TEST(toeplitz_of_the_published_ipv4_packets)
{
    for (uint32_t i = 0; i < sizeof v4 / sizeof v4[0]; i++) {
        struct frame tcp = ipv4(i, 6, 0x4000), icmp = ipv4(i, 1, 0);
        struct net_hash h = hash(NET_HASH_ALL, &tcp);
        CHECK_EQ(h.value, v4[i].tcp);
        CHECK_EQ(h.report, 2);
        h = hash(NET_HASH_ALL, &icmp);
        CHECK_EQ(h.value, v4[i].ip);
        CHECK_EQ(h.report, 1);
        h = hash(NET_HASH_IPV4, &tcp);
        CHECK_EQ(h.value, v4[i].ip);
    }
}

TEST(toeplitz_of_the_published_ipv6_packets)
{
    for (uint32_t i = 0; i < sizeof v6 / sizeof v6[0]; i++) {
        struct frame f = ipv6(i, 6);
        ports(&f, i);
        struct net_hash h = hash(NET_HASH_ALL, &f);
        CHECK_EQ(h.value, v6[i].tcp);
        CHECK_EQ(h.report, 5);
        h = hash(NET_HASH_IPV6, &f);
        CHECK_EQ(h.value, v6[i].ip);
        CHECK_EQ(h.report, 4);
    }
}

TEST(udp_has_its_own_types)
{
    struct frame f = ipv4(0, 17, 0);
    CHECK_EQ(hash(NET_HASH_UDPV4 | NET_HASH_IPV4, &f).report, 3);
    CHECK_EQ(hash(NET_HASH_UDPV4, &f).value, v4[0].tcp);
    CHECK_EQ(hash(NET_HASH_TCPV4, &f).report, 0);
    f = ipv6(0, 17);
    ports(&f, 0);
    CHECK_EQ(hash(NET_HASH_UDPV6, &f).report, 6);
    CHECK_EQ(hash(NET_HASH_UDPV6, &f).value, v6[0].tcp);
}

TEST(fragments_have_no_ports)
{
    struct frame more = ipv4(0, 6, 0x2000), later = ipv4(0, 6, 0x00b9);
    CHECK_EQ(hash(NET_HASH_ALL, &more).report, 1);
    CHECK_EQ(hash(NET_HASH_ALL, &later).report, 1);
    CHECK_EQ(hash(NET_HASH_TCPV4, &more).report, 0);
    struct frame f = ipv6(0, 44);
    const uint8_t fragment[8] = {6, 0, 0, 1};
    add(&f, fragment, sizeof fragment);
    ports(&f, 0);
    CHECK_EQ(hash(NET_HASH_ALL, &f).report, 7);
    CHECK_EQ(hash(NET_HASH_TCPV6 | NET_HASH_IPV6, &f).report, 4);
}

TEST(tags_are_looked_through)
{
    struct frame in = ipv4(0, 6, 0), f = ethernet(ETH_P_8021Q);
    add16(&f, 5);
    add(&f, in.b + 12, in.len - 12);
    CHECK_EQ(hash(NET_HASH_ALL, &f).value, v4[0].tcp);
}

/* 5.1.6.4.3.4: home address and routing header type 2 replace source and destination. */
TEST(extension_headers_replace_addresses)
{
    struct frame f = ipv6(1, 60);
    uint8_t dest[24] = {43, 2, 0xc9, 16}, routing[24] = {6, 2, 2, 1};
    memcpy(dest + 4, v6[0].src, 16);
    memcpy(routing + 8, v6[0].dst, 16);
    add(&f, dest, sizeof dest);
    add(&f, routing, sizeof routing);
    ports(&f, 0);
    struct net_hash h = hash(NET_HASH_ALL, &f);
    CHECK_EQ(h.value, v6[0].tcp);
    CHECK_EQ(h.report, 8);
    h = hash(NET_HASH_IP_EX, &f);
    CHECK_EQ(h.value, v6[0].ip);
    CHECK_EQ(h.report, 7);
    /* "Else skip IPv6 extension headers" */
    h = hash(NET_HASH_IPV6, &f);
    CHECK_EQ(h.value, v6[1].ip);
    CHECK_EQ(h.report, 4);
}

TEST(ex_types_are_for_packets_with_extension_headers)
{
    struct frame f = ipv6(0, 6);
    ports(&f, 0);
    CHECK_EQ(hash(NET_HASH_TCP_EX | NET_HASH_IP_EX, &f).report, 0);
}

TEST(no_hash_of_what_is_not_ip)
{
    struct frame arp = ethernet(0x0806);
    add(&arp, NULL, 46);
    CHECK_EQ(hash(NET_HASH_ALL, &arp).report, 0);
    struct frame f = ipv4(0, 6, 0);
    for (uint32_t len = 0; len < 34; len++) {
        f.len = len;
        CHECK_EQ(hash(NET_HASH_ALL, &f).report, 0);
    }
}

/* ---- 5.1.6.5.7 receive-side scaling ---- */

static uint64_t rss_command(uint8_t *p, uint16_t entries, uint16_t queue, uint8_t key_len)
{
    memset(p, 0, 400);
    put_le32(p, NET_HASH_ALL);
    put_le16(p + 4, (uint16_t)(entries - 1));
    put_le16(p + 6, 1);
    for (uint32_t i = 0; i < entries; i++)
        put_le16(p + 8 + 2 * i, (uint16_t)((queue + i) % 4));
    uint8_t *tail = p + 8 + 2 * entries;
    put_le16(tail, 2);
    tail[2] = key_len;
    memcpy(tail + 3, key, key_len < 40 ? key_len : 40);
    return 8 + 2ull * entries + 3 + key_len;
}

TEST(rss_directs_by_the_indirection_table)
{
    uint8_t cmd[400];
    struct net_rss r = {0};
    uint64_t len = rss_command(cmd, 128, 3, 40);
    CHECK(net_rss_config(&r, true, cmd, len, 4));
    CHECK_EQ(r.steer, 1);
    CHECK_EQ(r.max_tx, 2);
    CHECK_EQ(memcmp(r.key, key, 40), 0);
    CHECK_EQ(net_rss_queue(&r, (struct net_hash){0x51ccc178, 2}), (3 + 0x78) % 4);
    CHECK_EQ(net_rss_queue(&r, (struct net_hash){0, 0}), 1); /* unclassified_queue */
}

TEST(rss_refuses_what_breaks_a_rule)
{
    uint8_t cmd[400];
    struct net_rss r = {.types = 77};
    uint64_t len = rss_command(cmd, 16, 0, 40);
    for (uint64_t cut = 0; cut < len; cut++)
        CHECK(!net_rss_config(&r, true, cmd, cut, 4));
    CHECK(!net_rss_config(&r, true, cmd, len, 3)); /* a queue that is not there */
    rss_command(cmd, 12, 0, 40);
    CHECK(!net_rss_config(&r, true, cmd, sizeof cmd, 4)); /* no power of two */
    rss_command(cmd, 16, 0, 41);
    CHECK(!net_rss_config(&r, true, cmd, sizeof cmd, 4));
    rss_command(cmd, 16, 0, 40);
    put_le32(cmd, 0x200);
    CHECK(!net_rss_config(&r, true, cmd, sizeof cmd, 4)); /* a type that is not supported */
    put_le32(cmd, NET_HASH_ALL);
    put_le16(cmd + 4, 255);
    CHECK(!net_rss_config(&r, true, cmd, sizeof cmd, 4));
    CHECK_EQ(r.types, 77);
}

TEST(hash_config_steers_nothing)
{
    uint8_t cmd[53] = {NET_HASH_TCPV4, [12] = 40};
    struct net_rss r = {0};
    memcpy(cmd + 13, key, 40);
    CHECK(net_rss_config(&r, false, cmd, sizeof cmd, 1));
    CHECK_EQ(r.steer, 0);
    CHECK_EQ(r.types, NET_HASH_TCPV4);
    CHECK(!net_rss_config(&r, false, cmd, sizeof cmd - 1, 1));
}

int main(void)
{
    RUN(toeplitz_of_the_published_ipv4_packets);
    RUN(toeplitz_of_the_published_ipv6_packets);
    RUN(udp_has_its_own_types);
    RUN(fragments_have_no_ports);
    RUN(tags_are_looked_through);
    RUN(extension_headers_replace_addresses);
    RUN(ex_types_are_for_packets_with_extension_headers);
    RUN(no_hash_of_what_is_not_ip);
    RUN(rss_directs_by_the_indirection_table);
    RUN(rss_refuses_what_breaks_a_rule);
    RUN(hash_config_steers_nothing);
    return tap_done();
}
