/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests of a virtio disk as drivers lay them out, and as none should (VIRTIO 1.3, 5.2.6). */
#include "blk_regs.h"
#include "blk_req.h"
#include "tap.h"
#include "util/bytes.h"
#include <stdlib.h>

enum { MAX_PIECES = 64, MAX_BYTES = 8192 };

/* The readable and the writable bytes of a request, and the pieces that they are cut into. */
struct layout {
    uint8_t out[MAX_BYTES], in[MAX_BYTES];
    uint32_t out_len, in_len;
    struct tn_iov v[2 * MAX_PIECES];
    uint32_t nout, nin;
};

static struct blk_limits disk(void)
{
    return (struct blk_limits){.sectors = 100,
                               .block_sectors = 1,
                               .discard = {50, 4},
                               .write_zeroes = {50, 4},
                               .secure_erase = {50, 4}};
}

static void header(struct layout *y, uint32_t type, uint64_t sector)
{
    put_le32(y->out + BLK_HDR_TYPE, type);
    put_le64(y->out + BLK_HDR_SECTOR, sector);
    y->out_len = BLK_HDR_LEN;
    memset(y->in, 0xaa, sizeof y->in);
    y->in_len = 1;
}

static void segment(struct layout *y, uint64_t sector, uint32_t n, uint32_t flags)
{
    uint8_t *p = y->out + y->out_len;
    put_le64(p + BLK_SEG_SECTOR, sector);
    put_le32(p + BLK_SEG_NUM_SECTORS, n);
    put_le32(p + BLK_SEG_FLAGS, flags);
    y->out_len += BLK_SEG_LEN;
}

/* Pieces of at most size bytes each, an empty one after every third. */
static uint32_t cut(struct tn_iov *v, uint8_t *p, uint32_t len, uint32_t size, bool holes)
{
    uint32_t n = 0;
    for (uint32_t at = 0; at < len; at += size) {
        v[n++] = (struct tn_iov){p + at, len - at < size ? len - at : size};
        if (holes && n % 3 == 0)
            v[n++] = (struct tn_iov){p + at, 0};
    }
    return n;
}

static const char *parse_cut(struct layout *y, struct blk_req *r, const struct blk_limits *l,
                             uint32_t size, bool holes)
{
    y->nout = cut(y->v, y->out, y->out_len, size, holes);
    y->nin = cut(y->v + y->nout, y->in, y->in_len, size, holes);
    return blk_req_parse(r, l, y->v, y->nout, y->nin);
}

static const char *parse(struct layout *y, struct blk_req *r)
{
    struct blk_limits l = disk();
    return parse_cut(y, r, &l, 4096, false);
}

static uint8_t status_of(struct layout *y)
{
    struct blk_req r;
    return parse(y, &r) ? 0xff : r.status;
}

TEST(a_read_is_what_the_header_says)
{
    struct layout y;
    struct blk_req r;
    header(&y, BLK_T_IN, 7);
    y.in_len = 1024 + 1;
    CHECK(!parse(&y, &r));
    CHECK_EQ(r.op, TN_BLK_READ);
    CHECK_EQ(r.status, BLK_S_OK);
    CHECK_EQ(r.off, 7 * 512);
    CHECK_EQ(r.len, 1024);
    CHECK_EQ(r.niov, 1);
    CHECK(r.iov[0].base == y.in && r.iov[0].len == 1024);
    CHECK(r.status_at == y.in + 1024);
    CHECK_EQ(blk_req_used(&r, 1024), 1025);
}

TEST(a_write_takes_its_data_from_behind_the_header)
{
    struct layout y;
    struct blk_req r;
    header(&y, BLK_T_OUT, 99);
    y.out_len += 512;
    CHECK(!parse(&y, &r));
    CHECK_EQ(r.op, TN_BLK_WRITE);
    CHECK_EQ(r.off, 99 * 512);
    CHECK_EQ(r.niov, 1);
    CHECK(r.iov[0].base == y.out + BLK_HDR_LEN && r.iov[0].len == 512);
    CHECK(r.status_at == y.in);
    CHECK_EQ(blk_req_used(&r, 0), 1);
}

static bool is_whole_write(const struct layout *y, const struct blk_req *r)
{
    uint64_t at = BLK_HDR_LEN;
    for (uint32_t i = 0; i < r->niov; i++) {
        if (r->iov[i].len && r->iov[i].base != y->out + at)
            return false;
        at += r->iov[i].len;
    }
    return r->op == TN_BLK_WRITE && r->len == 512 && at == BLK_HDR_LEN + 512 &&
           r->status_at == y->in;
}

TEST(framing_does_not_matter)
{
    /* 2.7.4.1: the device makes no assumptions about the arrangement of descriptors */
    struct blk_limits l = disk();
    for (uint32_t size = 9; size < 600; size++)
        for (int holes = 0; holes < 2; holes++) {
            struct layout y;
            struct blk_req r;
            header(&y, BLK_T_OUT, 3);
            y.out_len += 512;
            CHECK(!parse_cut(&y, &r, &l, size, holes));
            CHECK(is_whole_write(&y, &r));
        }
}

TEST(the_status_is_the_very_last_byte)
{
    struct layout y;
    struct blk_req r;
    struct blk_limits l = disk();
    header(&y, BLK_T_IN, 0);
    y.in_len = 513;
    CHECK(!parse_cut(&y, &r, &l, 512, false));
    CHECK_EQ(y.nin, 2);
    CHECK_EQ(r.niov, 1);
    CHECK(r.status_at == y.in + 512);
    header(&y, BLK_T_IN, 0);
    y.in_len = 513;
    y.nout = cut(y.v, y.out, y.out_len, 16, false);
    y.nin = cut(y.v + y.nout, y.in, y.in_len, 512, false);
    y.v[y.nout + y.nin++] = (struct tn_iov){y.in, 0}; /* an empty piece behind it */
    CHECK(!blk_req_parse(&r, &l, y.v, y.nout, y.nin));
    CHECK(r.status_at == y.in + 512);
}

TEST(without_header_or_status_it_is_no_request)
{
    struct layout y;
    struct blk_req r;
    header(&y, BLK_T_IN, 0);
    y.out_len = 15;
    CHECK(parse(&y, &r));
    y.out_len = 0;
    CHECK(parse(&y, &r));
    header(&y, BLK_T_FLUSH, 0);
    y.in_len = 0;
    CHECK(parse(&y, &r));
    y.v[0] = (struct tn_iov){y.out, 16};
    y.v[1] = (struct tn_iov){y.in, 0};
    struct blk_limits l = disk();
    CHECK(blk_req_parse(&r, &l, y.v, 1, 1));
}

TEST(what_lies_beyond_the_disk_is_an_error)
{
    static const struct {
        uint64_t sector, bytes;
        uint8_t status;
    } cases[] = {
        {99, 512, BLK_S_OK},
        {100, 512, BLK_S_IOERR},
        {99, 1024, BLK_S_IOERR},
        {100, 0, BLK_S_OK},
        {101, 0, BLK_S_IOERR},
        {UINT64_MAX, 512, BLK_S_IOERR},
        {UINT64_MAX >> 9, 1024, BLK_S_IOERR},
        {(uint64_t)1 << 55, 512, BLK_S_IOERR},
        {0, 511, BLK_S_IOERR}, /* "a multiple of 512 bytes" */
        {0, 1, BLK_S_IOERR},
    };
    for (uint32_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct layout y;
        header(&y, BLK_T_IN, cases[i].sector);
        y.in_len = (uint32_t)cases[i].bytes + 1;
        CHECK_EQ(status_of(&y), cases[i].status);
        header(&y, BLK_T_OUT, cases[i].sector);
        y.out_len += (uint32_t)cases[i].bytes;
        CHECK_EQ(status_of(&y), cases[i].status);
    }
}

TEST(a_part_of_a_block_is_an_error)
{
    struct layout y;
    struct blk_req r;
    struct blk_limits l = disk();
    l.block_sectors = 8;
    l.sectors = 96;
    header(&y, BLK_T_OUT, 8);
    y.out_len += 4096;
    CHECK(!parse_cut(&y, &r, &l, 8192, false) && r.status == BLK_S_OK);
    header(&y, BLK_T_OUT, 9);
    y.out_len += 4096;
    CHECK(!parse_cut(&y, &r, &l, 8192, false) && r.status == BLK_S_IOERR);
    header(&y, BLK_T_OUT, 8);
    y.out_len += 512;
    CHECK(!parse_cut(&y, &r, &l, 8192, false) && r.status == BLK_S_IOERR);
    header(&y, BLK_T_DISCARD, 0);
    segment(&y, 8, 4, 0);
    CHECK(!parse_cut(&y, &r, &l, 8192, false) && r.status == BLK_S_IOERR);
}

TEST(a_readonly_disk_is_not_written)
{
    static const uint32_t types[] = {BLK_T_OUT, BLK_T_DISCARD, BLK_T_WRITE_ZEROES,
                                     BLK_T_SECURE_ERASE};
    struct blk_limits l = disk();
    l.readonly = true;
    for (uint32_t i = 0; i < 4; i++) {
        struct layout y;
        struct blk_req r;
        header(&y, types[i], 0);
        if (types[i] == BLK_T_OUT)
            y.out_len += 512;
        else
            segment(&y, 0, 1, 0);
        CHECK(!parse_cut(&y, &r, &l, 4096, false));
        CHECK_EQ(r.status, BLK_S_IOERR);
        CHECK_EQ(r.op, BLK_OP_NONE);
    }
}

TEST(what_is_not_offered_is_unsupported)
{
    static const uint32_t types[] = {BLK_T_SCSI_CMD,
                                     BLK_T_SCSI_CMD_OUT,
                                     6,
                                     7,
                                     9,
                                     BLK_T_GET_LIFETIME,
                                     12,
                                     15,
                                     16,
                                     18,
                                     20,
                                     22,
                                     24,
                                     26,
                                     0x7fffffff};
    for (uint32_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        struct layout y;
        header(&y, types[i], 0);
        y.in_len = 97;
        CHECK_EQ(status_of(&y), BLK_S_UNSUPP);
    }
    struct blk_limits l = disk();
    l.discard.max_seg = l.write_zeroes.max_seg = l.secure_erase.max_seg = 0;
    for (uint32_t type = BLK_T_DISCARD; type <= BLK_T_SECURE_ERASE; type++) {
        struct layout y;
        struct blk_req r;
        header(&y, type, 0);
        segment(&y, 0, 1, 0);
        CHECK(!parse_cut(&y, &r, &l, 4096, false));
        CHECK_EQ(r.status, BLK_S_UNSUPP);
    }
}

TEST(the_barrier_bit_is_beside_the_type)
{
    struct layout y;
    struct blk_req r;
    header(&y, BLK_T_OUT | BLK_T_BARRIER, 1);
    y.out_len += 512;
    CHECK(!parse(&y, &r));
    CHECK_EQ(r.op, TN_BLK_WRITE);
    header(&y, BLK_T_FLUSH_OUT, 0); /* 5.2.6.3: a synonym */
    CHECK(!parse(&y, &r));
    CHECK_EQ(r.op, TN_BLK_FLUSH);
}

TEST(an_id_has_its_own_buffer)
{
    struct layout y;
    struct blk_req r;
    header(&y, BLK_T_GET_ID, 0);
    y.in_len = BLK_ID_LEN + 1;
    CHECK(!parse(&y, &r));
    CHECK_EQ(r.op, BLK_OP_GET_ID);
    CHECK_EQ(r.data_len, BLK_ID_LEN);
    CHECK_EQ(blk_req_used(&r, BLK_ID_LEN), BLK_ID_LEN + 1);
    header(&y, BLK_T_GET_ID, 0);
    y.in_len = 101;
    CHECK(!parse(&y, &r));
    CHECK_EQ(blk_req_used(&r, BLK_ID_LEN), BLK_ID_LEN); /* behind them nothing was written */
}

TEST(segments_are_read_one_by_one)
{
    struct layout y;
    struct blk_req r;
    struct blk_segment s;
    struct blk_limits l = disk();
    for (uint32_t size = 5; size < 40; size++) {
        header(&y, BLK_T_WRITE_ZEROES, 0);
        segment(&y, 1, 2, BLK_SEG_UNMAP);
        segment(&y, 10, 50, 0);
        segment(&y, 100, 0, 0);
        CHECK(!parse_cut(&y, &r, &l, size, true));
        CHECK_EQ(r.status, BLK_S_OK);
        CHECK_EQ(r.nseg, 3);
        CHECK_EQ(blk_req_segment(&r, &l, 0, &s), BLK_S_OK);
        CHECK_EQ(s.off, 512);
        CHECK_EQ(s.len, 1024);
        CHECK_EQ(s.flags, TN_BLKR_UNMAP);
        CHECK_EQ(blk_req_segment(&r, &l, 1, &s), BLK_S_OK);
        CHECK_EQ(s.off, 5120);
        CHECK_EQ(s.len, 25600);
        CHECK_EQ(s.flags, 0);
    }
}

TEST(a_segment_that_the_driver_changes_is_checked_again)
{
    struct layout y;
    struct blk_req r;
    struct blk_segment s;
    struct blk_limits l = disk();
    header(&y, BLK_T_DISCARD, 0);
    segment(&y, 1, 2, 0);
    CHECK(!parse(&y, &r) && r.status == BLK_S_OK);
    put_le64(y.out + BLK_HDR_LEN + BLK_SEG_SECTOR, UINT64_MAX);
    CHECK_EQ(blk_req_segment(&r, &l, 0, &s), BLK_S_IOERR);
}

static uint8_t one_segment(uint32_t type, uint64_t sector, uint32_t n, uint32_t flags)
{
    struct layout y;
    header(&y, type, 0);
    segment(&y, sector, n, flags);
    return status_of(&y);
}

TEST(flags_of_segments_are_those_of_the_command)
{
    /* 5.2.6.2: UNSUPP for an unknown flag, and for unmap in a discard */
    CHECK_EQ(one_segment(BLK_T_DISCARD, 0, 1, 0), BLK_S_OK);
    CHECK_EQ(one_segment(BLK_T_DISCARD, 0, 1, 1), BLK_S_UNSUPP);
    CHECK_EQ(one_segment(BLK_T_DISCARD, 0, 1, 2), BLK_S_UNSUPP);
    CHECK_EQ(one_segment(BLK_T_SECURE_ERASE, 0, 1, 1), BLK_S_UNSUPP);
    CHECK_EQ(one_segment(BLK_T_WRITE_ZEROES, 0, 1, 1), BLK_S_OK);
    CHECK_EQ(one_segment(BLK_T_WRITE_ZEROES, 0, 1, 3), BLK_S_UNSUPP);
    CHECK_EQ(one_segment(BLK_T_WRITE_ZEROES, 0, 1, 0x80000000), BLK_S_UNSUPP);
}

TEST(segments_are_bounded)
{
    struct layout y;
    CHECK_EQ(one_segment(BLK_T_DISCARD, 50, 50, 0), BLK_S_OK);
    CHECK_EQ(one_segment(BLK_T_DISCARD, 0, 51, 0), BLK_S_IOERR); /* max_discard_sectors */
    CHECK_EQ(one_segment(BLK_T_DISCARD, 51, 50, 0), BLK_S_IOERR);
    CHECK_EQ(one_segment(BLK_T_DISCARD, UINT64_MAX, 2, 0), BLK_S_IOERR);
    CHECK_EQ(one_segment(BLK_T_DISCARD, 0, UINT32_MAX, 0), BLK_S_IOERR);
    header(&y, BLK_T_DISCARD, 0);
    CHECK_EQ(status_of(&y), BLK_S_IOERR); /* none */
    for (int i = 0; i < 5; i++)
        segment(&y, 0, 1, 0);
    CHECK_EQ(status_of(&y), BLK_S_IOERR); /* one more than max_discard_seg */
    y.out_len -= BLK_SEG_LEN;
    CHECK_EQ(status_of(&y), BLK_S_OK);
    y.out_len -= 1;
    CHECK_EQ(status_of(&y), BLK_S_IOERR);
}

TEST(all_segments_are_checked_before_the_first_is_done)
{
    struct layout y;
    struct blk_req r;
    header(&y, BLK_T_DISCARD, 0);
    segment(&y, 0, 1, 0);
    segment(&y, 0, 1, 4);
    CHECK(!parse(&y, &r));
    CHECK_EQ(r.status, BLK_S_UNSUPP);
    CHECK_EQ(r.op, BLK_OP_NONE);
}

TEST(used_lengths_end_at_what_was_not_written)
{
    struct layout y;
    struct blk_req r;
    header(&y, BLK_T_IN, 0);
    y.in_len = 513;
    CHECK(!parse(&y, &r));
    CHECK_EQ(blk_req_used(&r, 0), 0); /* failed: the status lies behind unwritten data */
    header(&y, BLK_T_FLUSH, 0);
    CHECK(!parse(&y, &r));
    CHECK_EQ(blk_req_used(&r, 0), 1);
}

int main(void)
{
    RUN(a_read_is_what_the_header_says);
    RUN(a_write_takes_its_data_from_behind_the_header);
    RUN(framing_does_not_matter);
    RUN(the_status_is_the_very_last_byte);
    RUN(without_header_or_status_it_is_no_request);
    RUN(what_lies_beyond_the_disk_is_an_error);
    RUN(a_part_of_a_block_is_an_error);
    RUN(a_readonly_disk_is_not_written);
    RUN(what_is_not_offered_is_unsupported);
    RUN(the_barrier_bit_is_beside_the_type);
    RUN(an_id_has_its_own_buffer);
    RUN(segments_are_read_one_by_one);
    RUN(a_segment_that_the_driver_changes_is_checked_again);
    RUN(flags_of_segments_are_those_of_the_command);
    RUN(segments_are_bounded);
    RUN(all_segments_are_checked_before_the_first_is_done);
    RUN(used_lengths_end_at_what_was_not_written);
    return tap_done();
}
