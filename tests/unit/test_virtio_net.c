/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of virtio-net that need no bus: filters, headers, checksums. Sections are those of
 * VIRTIO 1.3. */
#include "net_filter.h"
#include "net_frame.h"
#include "net_hdr.h"
#include "tap.h"
#include "util/bytes.h"

#define F(bit) BIT_ULL(NET_F_##bit)

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
