/* SPDX-License-Identifier: BSD-2-Clause */
/* Reassembly of IPv4 fragments, RFC 791 3.2. */
#include "reass.h"
#include "tap.h"

#include "util/bytes.h"
#include <stdlib.h>

enum { MORE = 0x2000, HEAD = 34 };

static struct reass r;
static uint8_t whole[65536], got[70000];
static uint32_t got_len;
static uint64_t now;

static void begin(void)
{
    reass_free(&r);
    memset(&r, 0, sizeof r);
    now = 1;
    for (uint32_t i = 0; i < sizeof whole; i++)
        whole[i] = (uint8_t)(i * 7 + (i >> 8));
}

/* Bytes at to at + len of the datagram with this id. */
static enum reass_verdict piece(uint16_t id, uint32_t at, uint32_t len, int more)
{
    static uint8_t f[HEAD + 65536];
    const uint8_t *out;
    memset(f, 0, HEAD);
    f[0] = at == 0 ? 0x52 : 0; /* the first one's headers are the datagram's */
    f[12] = 8;
    f[14] = 0x45;
    put_be16(f + 16, (uint16_t)(20 + len));
    put_be16(f + 18, id);
    put_be16(f + 20, (uint16_t)(at / 8 | (more ? MORE : 0)));
    f[22] = 64;
    f[23] = 17;
    f[26] = 10;
    f[30] = 10;
    memcpy(f + HEAD, whole + at, len);
    enum reass_verdict v = reass_frame(&r, f, HEAD + len, now, &out, &got_len);
    if (v == REASS_DONE)
        memcpy(got, out, got_len);
    return v;
}

static int is_whole(uint32_t len)
{
    uint32_t sum = 0;
    for (int i = 14; i < HEAD; i += 2)
        sum += get_be16(got + i);
    return got_len == HEAD + len && get_be16(got + 16) == 20 + len && get_be16(got + 20) == 0 &&
           got[0] == 0x52 && (sum & 0xffff) + (sum >> 16) == 0xffff &&
           memcmp(got + HEAD, whole, len) == 0;
}

TEST(what_is_no_fragment_goes_on)
{
    begin();
    CHECK_EQ(piece(1, 0, 100, 0), REASS_WHOLE);
    const uint8_t arp[60] = {[12] = 8, [13] = 6, [20] = 0xff}, *out;
    uint32_t len;
    CHECK_EQ(reass_frame(&r, arp, sizeof arp, now, &out, &len), REASS_WHOLE);
    CHECK_EQ(reass_frame(&r, arp, 3, now, &out, &len), REASS_WHOLE);
}

TEST(pieces_in_order)
{
    begin();
    CHECK_EQ(piece(1, 0, 1480, 1), REASS_KEPT);
    CHECK_EQ(piece(1, 1480, 1480, 1), REASS_KEPT);
    CHECK_EQ(piece(1, 2960, 41, 0), REASS_DONE);
    CHECK(is_whole(3001));
}

TEST(pieces_in_any_order_and_mixed_with_others)
{
    begin();
    CHECK_EQ(piece(1, 2960, 41, 0), REASS_KEPT);
    CHECK_EQ(piece(2, 8, 8, 0), REASS_KEPT);
    CHECK_EQ(piece(1, 1480, 1480, 1), REASS_KEPT);
    CHECK_EQ(piece(1, 1480, 1480, 1), REASS_KEPT); /* once more */
    CHECK_EQ(piece(1, 0, 1480, 1), REASS_DONE);
    CHECK(is_whole(3001));
    CHECK_EQ(piece(2, 0, 8, 1), REASS_DONE);
    CHECK(is_whole(16));
    CHECK_EQ(piece(1, 0, 1480, 1), REASS_KEPT); /* a new one of the same name */
}

TEST(the_longest_datagram)
{
    begin();
    for (uint32_t at = 0; at < 65512; at += 8)
        CHECK_EQ(piece(1, at, 8, 1), REASS_KEPT);
    CHECK_EQ(piece(1, 65512, 3, 0), REASS_DONE);
    CHECK(is_whole(65515));
    CHECK_EQ(piece(2, 65512, 4, 0), REASS_KEPT); /* 65536 with its header */
    CHECK_EQ(r.slot[0].busy + r.slot[1].busy, 0);
}

TEST(overlaps_and_contradictions_end_a_datagram)
{
    static const struct {
        uint32_t at, len;
        int more;
    } bad[] = {{8, 16, 1}, {0, 32, 1}, {16, 8, 0}, {40, 8, 1}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        begin();
        CHECK_EQ(piece(1, 16, 8, 1), REASS_KEPT);
        CHECK_EQ(piece(1, 32, 8, 0), REASS_KEPT);
        CHECK_EQ(piece(1, bad[i].at, bad[i].len, bad[i].more), REASS_KEPT);
        if (i == 2)
            continue; /* bytes that have come: it is nothing new */
        CHECK_EQ(r.slot[0].busy, 0);
    }
    begin();
    CHECK_EQ(piece(1, 40, 8, 1), REASS_KEPT);
    CHECK_EQ(piece(1, 16, 8, 0), REASS_KEPT); /* an end before what has come */
    CHECK_EQ(r.slot[0].busy, 0);
}

TEST(pieces_that_cannot_be)
{
    begin();
    CHECK_EQ(piece(1, 0, 9, 1), REASS_KEPT); /* not of whole blocks */
    CHECK_EQ(piece(1, 8, 0, 0), REASS_KEPT);
    CHECK_EQ(r.slot[0].busy, 0);
}

TEST(the_oldest_gives_way_and_time_ends_all)
{
    begin();
    for (uint16_t id = 1; id <= REASS_SLOTS + 1; id++, now++)
        CHECK_EQ(piece(id, 8, 8, 0), REASS_KEPT);
    CHECK_EQ(piece(2, 0, 8, 1), REASS_DONE);
    CHECK_EQ(piece(1, 0, 8, 1), REASS_KEPT); /* its other half is gone */
    now += REASS_SECONDS * 1000000000ull + 1000;
    CHECK_EQ(piece(3, 0, 8, 1), REASS_KEPT);
}

int main(void)
{
    RUN(what_is_no_fragment_goes_on);
    RUN(pieces_in_order);
    RUN(pieces_in_any_order_and_mixed_with_others);
    RUN(the_longest_datagram);
    RUN(overlaps_and_contradictions_end_a_datagram);
    RUN(pieces_that_cannot_be);
    RUN(the_oldest_gives_way_and_time_ends_all);
    reass_free(&r);
    return tap_done();
}
