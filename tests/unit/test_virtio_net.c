/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of virtio-net that need no bus: hash, filters, headers, checksums. Sections are those
 * of VIRTIO 1.3. */
#include "net_filter.h"
#include "net_hash.h"
#include "net_hdr.h"
#include "tap.h"
#include "util/bytes.h"

#define F(bit) BIT_ULL(NET_F_##bit)

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

/* A frame under construction. */
struct frame {
    uint8_t b[NET_HASH_BYTES];
    uint32_t len;
};

static void add(struct frame *f, const void *p, uint32_t n)
{
    if (p)
        memcpy(f->b + f->len, p, n);
    f->len += n;
}

static void add16(struct frame *f, uint16_t v)
{
    put_be16(f->b + f->len, v);
    f->len += 2;
}

static struct frame ethernet(uint16_t type)
{
    struct frame f = {.len = 12};
    add16(&f, type);
    return f;
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

/* ---- 5.1.6.5.1 to 3 filters ---- */

static const uint8_t me[6] = {0x52, 0x54, 0, 0x12, 0x34, 0x56};
static const uint8_t other[6] = {0x52, 0x54, 0, 0, 0, 1};
static const uint8_t group[6] = {0x33, 0x33, 0, 0, 0, 1};
static const uint8_t all[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

static struct net_filter filter(void)
{
    struct net_filter f;
    memcpy(f.mac, me, 6);
    net_filter_reset(&f);
    f.mode[NET_RX_PROMISC] = 0;
    return f;
}

static bool passes(const struct net_filter *f, const uint8_t *dst)
{
    uint8_t frame[NET_FILTER_BYTES] = {0};
    memcpy(frame, dst, 6);
    return net_filter_pass(f, frame);
}

TEST(filter_modes)
{
    struct net_filter f = filter();
    CHECK(passes(&f, me) && passes(&f, all) && !passes(&f, other) && !passes(&f, group));
    f.mode[NET_RX_ALLUNI] = 1;
    CHECK(passes(&f, other) && !passes(&f, group));
    f.mode[NET_RX_NOUNI] = 1; /* even if ALLUNI is on */
    CHECK(!passes(&f, other) && !passes(&f, me) && passes(&f, all));
    f.mode[NET_RX_ALLMULTI] = 1;
    CHECK(passes(&f, group));
    f.mode[NET_RX_NOMULTI] = 1; /* even if ALLMULTI is on; not about broadcast */
    CHECK(!passes(&f, group) && passes(&f, all));
    f.mode[NET_RX_NOBCAST] = 1;
    CHECK(!passes(&f, all));
    f.mode[NET_RX_PROMISC] = 1; /* whatever else is on */
    CHECK(passes(&f, all) && passes(&f, group) && passes(&f, other));
}

static uint64_t table_command(uint8_t *p, uint32_t nuni, uint32_t nmulti)
{
    put_le32(p, nuni);
    uint8_t *q = p + 4;
    for (uint32_t i = 0; i < nuni; i++, q += 6)
        memcpy(q, other, 6), q[5] = (uint8_t)(i + 1);
    put_le32(q, nmulti);
    q += 4;
    for (uint32_t i = 0; i < nmulti; i++, q += 6)
        memcpy(q, group, 6), q[5] = (uint8_t)(i + 1);
    return (uint64_t)(q - p);
}

TEST(filter_table)
{
    uint8_t cmd[2048], far[6] = {0x52, 0x54, 9};
    struct net_filter f = filter();
    CHECK(net_filter_set_table(&f, cmd, table_command(cmd, 2, 1)));
    CHECK(passes(&f, other) && passes(&f, group) && passes(&f, me) && !passes(&f, far));
    CHECK(net_filter_set_table(&f, cmd, table_command(cmd, 0, 0)));
    CHECK(!passes(&f, other) && !passes(&f, group));
    CHECK(net_filter_set_table(&f, cmd, table_command(cmd, 65, 1))); /* overflow: all unicast */
    CHECK(passes(&f, far) && passes(&f, group));
    CHECK(net_filter_set_table(&f, cmd, table_command(cmd, 60, 5))); /* overflow: all multicast */
    far[0] = 1;
    CHECK(passes(&f, far));
    far[0] = 0x52;
    CHECK(!passes(&f, far));
}

TEST(filter_table_refuses_what_is_malformed)
{
    uint8_t cmd[256];
    struct net_filter f = filter();
    uint64_t len = table_command(cmd, 2, 2);
    for (uint64_t cut = 0; cut < len; cut++)
        CHECK(!net_filter_set_table(&f, cmd, cut));
    CHECK(!net_filter_set_table(&f, cmd, len + 1));
    put_le32(cmd, 0xffffffff);
    CHECK(!net_filter_set_table(&f, cmd, len));
    CHECK_EQ(f.nuni + f.nmulti, 0);
}

TEST(filter_vlan)
{
    struct net_filter f = filter();
    uint8_t frame[NET_FILTER_BYTES] = {0};
    memcpy(frame, me, 6);
    put_be16(frame + 12, ETH_P_8021Q);
    put_be16(frame + 14, 0xe000 | 100); /* priority does not count */
    CHECK(net_filter_pass(&f, frame));
    net_filter_vlans(&f, false);
    CHECK(!net_filter_pass(&f, frame));
    CHECK(passes(&f, me));
    f.vlan[100 / 8] |= 1 << 100 % 8;
    CHECK(net_filter_pass(&f, frame));
}

/* ---- 5.1.3.1 features ---- */

TEST(features_without_what_they_need_go)
{
    CHECK_EQ(net_features_close(F(GUEST_TSO4) | F(GUEST_ECN)), 0);
    CHECK_EQ(net_features_close(F(HOST_USO) | F(HOST_UFO) | F(CSUM)),
             F(HOST_USO) | F(HOST_UFO) | F(CSUM));
    CHECK_EQ(net_features_close(F(MQ) | F(RSS) | F(CTRL_RX) | F(MAC)), F(MAC));
    CHECK_EQ(net_features_close(F(GUEST_CSUM) | F(GUEST_TSO6) | F(GUEST_ECN)),
             F(GUEST_CSUM) | F(GUEST_TSO6) | F(GUEST_ECN));
}

/* ---- 5.1.6 headers ---- */

static const uint8_t tso[NET_HDR_HASH_LEN] = {
    NET_HDR_F_NEEDS_CSUM, NET_GSO_TCPV4, 54, 0, 0xb4, 5, 34, 0, 16, 0, 7, 7};

TEST(transmitted_header_is_cut_to_what_was_negotiated)
{
    uint8_t in[NET_HDR_HASH_LEN], out[NET_HDR_V1_LEN];
    memcpy(in, tso, sizeof in);
    CHECK(net_hdr_tx(out, in, F(CSUM) | F(HOST_TSO4)));
    CHECK_EQ(memcmp(out, in, 10), 0);
    CHECK_EQ(get_le16(out + NET_HDR_NUM_BUFFERS), 0);
    CHECK(net_hdr_tx(out, in, F(CSUM) | F(GSO))); /* legacy: any type */
    CHECK(!net_hdr_tx(out, in, F(CSUM) | F(HOST_TSO6)));
    in[NET_HDR_GSO_TYPE] |= NET_GSO_ECN;
    CHECK(!net_hdr_tx(out, in, F(CSUM) | F(HOST_TSO4)));
    CHECK(net_hdr_tx(out, in, F(CSUM) | F(HOST_TSO4) | F(HOST_ECN)));
    in[NET_HDR_GSO_TYPE] = 9;
    CHECK(!net_hdr_tx(out, in, ~0ull));
    in[NET_HDR_GSO_TYPE] = NET_GSO_NONE;
    in[NET_HDR_FLAGS] = 0xff; /* flags that are not recognized are ignored */
    CHECK(net_hdr_tx(out, in, F(CSUM)));
    CHECK_EQ(out[NET_HDR_FLAGS], NET_HDR_F_NEEDS_CSUM);
    CHECK_EQ(get_le16(out + NET_HDR_GSO_SIZE), 0);
    CHECK(net_hdr_tx(out, in, 0));
    CHECK_EQ(out[NET_HDR_FLAGS], 0);
    CHECK_EQ(get_le16(out + NET_HDR_CSUM_START), 0);
}

TEST(transmitted_segments_need_a_size_and_a_checksum)
{
    uint8_t in[NET_HDR_HASH_LEN], out[NET_HDR_V1_LEN];
    memcpy(in, tso, sizeof in);
    in[NET_HDR_FLAGS] = 0;
    CHECK(!net_hdr_tx(out, in, ~0ull));
    memcpy(in, tso, sizeof in);
    put_le16(in + NET_HDR_GSO_SIZE, 0);
    CHECK(!net_hdr_tx(out, in, ~0ull));
}

/* 5.1.6.4.1 */
TEST(received_header_shows_what_was_negotiated)
{
    uint8_t h[NET_HDR_V1_LEN];
    memcpy(h, tso, sizeof h);
    CHECK_EQ(net_hdr_rx(h, F(GUEST_CSUM) | F(GUEST_TSO4)), NET_PASS);
    CHECK_EQ(h[NET_HDR_FLAGS], NET_HDR_F_NEEDS_CSUM);
    CHECK_EQ(net_hdr_rx(h, F(GUEST_CSUM)), NET_DROP);
    memset(h, 0, sizeof h);
    h[NET_HDR_FLAGS] = NET_HDR_F_DATA_VALID | 4 | 0x80;
    CHECK_EQ(net_hdr_rx(h, F(GUEST_CSUM)), NET_PASS);
    CHECK_EQ(h[NET_HDR_FLAGS], NET_HDR_F_DATA_VALID);
    CHECK_EQ(net_hdr_rx(h, 0), NET_PASS);
    CHECK_EQ(h[NET_HDR_FLAGS], 0);
    h[NET_HDR_FLAGS] = NET_HDR_F_NEEDS_CSUM;
    CHECK_EQ(net_hdr_rx(h, 0), NET_FINISH);
}

TEST(header_of_each_length)
{
    uint8_t out[NET_HDR_HASH_LEN + 1];
    const struct net_hash h = {0x12345678, 5};
    static const uint32_t lens[] = {NET_HDR_LEGACY_LEN, NET_HDR_V1_LEN, NET_HDR_HASH_LEN};
    for (uint32_t i = 0; i < 3; i++) {
        memset(out, 0xee, sizeof out);
        net_hdr_give(out, lens[i], tso, 3, h);
        CHECK_EQ(memcmp(out, tso, 10), 0);
        CHECK_EQ(out[lens[i]], 0xee);
    }
    CHECK_EQ(get_le16(out + NET_HDR_NUM_BUFFERS), 3);
    CHECK_EQ(get_le32(out + NET_HDR_HASH_VALUE), 0x12345678);
    CHECK_EQ(get_le16(out + NET_HDR_HASH_REPORT), 5);
    CHECK_EQ(get_le16(out + NET_HDR_HASH_REPORT + 2), 0);
}

/* ---- checksum, pieces ---- */

/* RFC 1071's example, cut in every way into three pieces. */
TEST(checksum_over_pieces)
{
    static const uint8_t words[] = {0xee, 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7, 0, 0};
    for (uint32_t a = 0; a <= sizeof words; a++)
        for (uint32_t b = a; b <= sizeof words; b++) {
            uint8_t d[sizeof words];
            memcpy(d, words, sizeof d);
            const struct tn_iov v[] = {{d, a}, {d + a, b - a}, {d + b, sizeof d - b}};
            CHECK(net_csum_finish(v, 3, sizeof d, 1, 8));
            CHECK_EQ(get_be16(d + 9), 0x220d); /* ~ddf2 */
        }
}

TEST(checksum_outside_of_the_packet)
{
    uint8_t d[10] = {0};
    const struct tn_iov v = {d, sizeof d};
    CHECK(!net_csum_finish(&v, 1, sizeof d, 10, 0));
    CHECK(!net_csum_finish(&v, 1, sizeof d, 2, 7));
    CHECK(!net_csum_finish(&v, 1, sizeof d, 0xffff, 0xffff));
    CHECK(net_csum_finish(&v, 1, sizeof d, 2, 6));
}

TEST(copy_between_pieces)
{
    uint8_t from[64], to[64];
    for (uint32_t i = 0; i < 64; i++)
        from[i] = (uint8_t)i;
    for (uint32_t a = 0; a < 60; a++) {
        memset(to, 0, sizeof to);
        const struct tn_iov src[] = {{from, a}, {from + a, 0}, {from + a, 64 - a}};
        const struct tn_iov dst[] = {{to, 0}, {to, 64 - a}, {to + 64 - a, a}};
        net_copy(dst, src, 3, 61);
        CHECK_EQ(memcmp(to, from + 3, 61), 0);
        CHECK_EQ(to[61], 0);
    }
}

TEST(dhcp_replies_are_found)
{
    struct frame f = ethernet(ETH_P_IPV4);
    uint8_t ip[28] = {0x45, [9] = 17, [21] = 67, [23] = 68};
    add(&f, ip, sizeof ip);
    CHECK(net_is_dhcp_reply(f.b, f.len));
    CHECK(!net_is_dhcp_reply(f.b, f.len - 1));
    f.b[14 + 21] = 68;
    CHECK(!net_is_dhcp_reply(f.b, f.len));
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
    RUN(filter_modes);
    RUN(filter_table);
    RUN(filter_table_refuses_what_is_malformed);
    RUN(filter_vlan);
    RUN(features_without_what_they_need_go);
    RUN(transmitted_header_is_cut_to_what_was_negotiated);
    RUN(transmitted_segments_need_a_size_and_a_checksum);
    RUN(received_header_shows_what_was_negotiated);
    RUN(header_of_each_length);
    RUN(checksum_over_pieces);
    RUN(checksum_outside_of_the_packet);
    RUN(copy_between_pieces);
    RUN(dhcp_replies_are_found);
    return tap_done();
}
