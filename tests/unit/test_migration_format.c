/* SPDX-License-Identifier: BSD-2-Clause */
/* The stream of a machine's state: sections, pages of RAM, what a hostile one can say. */
#include "migration/crc32c.h"
#include "migration/ram.h"
#include "tap.h"
#include "util/alloc.h"
#include "util/bytes.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct buf stream;
static size_t at;

static int to_stream(void *o, const struct iovec *v, int nv, struct tn_err *e)
{
    (void)o;
    (void)e;
    for (int i = 0; i < nv; i++)
        if (v[i].iov_len)
            buf_add(&stream, v[i].iov_base, v[i].iov_len);
    return 0;
}

static int from_stream(void *o, const struct iovec *v, int nv, struct tn_err *e)
{
    (void)o;
    for (int i = 0; i < nv; i++) {
        if (v[i].iov_len > stream.len - at)
            return err_set(e, ENODATA, "the state ends too soon");
        memcpy(v[i].iov_base, stream.data + at, v[i].iov_len);
        at += v[i].iov_len;
    }
    return 0;
}

static struct mig_writer writer(void)
{
    buf_free(&stream);
    at = 0;
    return (struct mig_writer){.io = {.write = to_stream}};
}

static struct mig_reader reader(void)
{
    at = 0;
    return (struct mig_reader){.io = {.read = from_stream}};
}

/* RFC 3720 B.4 */
TEST(the_checksum_is_crc32c)
{
    uint8_t zeros[32] = {0}, up[32];
    for (uint8_t i = 0; i < 32; i++)
        up[i] = i;
    CHECK_EQ(crc32c(0, zeros, 32), 0x8a9136aau);
    CHECK_EQ(crc32c(0, up, 32), 0x46dd794eu);
    CHECK_EQ(crc32c(crc32c(0, up, 5), up + 5, 27), 0x46dd794eu);
}

TEST(sections_come_back_as_they_went)
{
    struct mig_writer w = writer();
    CHECK_EQ(mig_write_header(&w, MIG_F_ANSWER, NULL), 0);
    CHECK_EQ(mig_write_bytes(&w, MIG_CONFIG, "abc", 3, NULL), 0);
    CHECK_EQ(mig_write_bytes(&w, MIG_END, NULL, 0, NULL), 0);
    CHECK_EQ(w.bytes, stream.len);
    struct mig_reader r = reader();
    struct mig_section s;
    CHECK_EQ(mig_read_header(&r, NULL), 0);
    CHECK_EQ(r.flags, MIG_F_ANSWER);
    CHECK_EQ(mig_read(&r, &s, NULL), 0);
    CHECK_EQ(s.type, MIG_CONFIG);
    CHECK_EQ(s.len, 3);
    CHECK(memcmp(s.data, "abc", 3) == 0);
    CHECK_EQ(mig_read(&r, &s, NULL), 0);
    CHECK_EQ(s.type, MIG_END);
    CHECK_EQ(s.number, 1);
    mig_reader_fini(&r);
}

/* However long it is and wherever it begins, it is what a polynomial division says. */
TEST(the_checksum_of_much_is_that_of_its_bits)
{
    uint8_t data[3 * 4096 + 77];
    uint32_t slow = ~0u;
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 7 + i / 251 + i * i / 4099);
    for (size_t i = 0; i < sizeof data; i++) {
        CHECK_EQ(crc32c(0, data, i), ~slow);
        CHECK_EQ(crc32c(crc32c(0, data, i / 3), data + i / 3, i - i / 3), ~slow);
        slow ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            slow = slow >> 1 ^ (slow & 1 ? 0x82f63b78 : 0);
    }
}

/* Header, then sections "one" and "two". */
static void two_sections(void)
{
    struct mig_writer w = writer();
    mig_write_header(&w, 0, NULL);
    mig_write_bytes(&w, MIG_CONFIG, "one", 3, NULL);
    mig_write_bytes(&w, MIG_RAM, "two", 3, NULL);
}

static int read_all(struct tn_err *e)
{
    struct mig_reader r = reader();
    struct mig_section s;
    int err = mig_read_header(&r, e);
    for (int i = 0; err == 0 && i < 2; i++)
        err = mig_read(&r, &s, e);
    mig_reader_fini(&r);
    return err;
}

TEST(any_bit_that_changes_is_found)
{
    two_sections();
    for (size_t i = 0; i < stream.len; i++) {
        ERR_AUTO e = {0};
        stream.data[i] ^= 0x10;
        CHECK(read_all(&e) < 0);
        stream.data[i] ^= 0x10;
    }
    CHECK_EQ(read_all(NULL), 0);
}

TEST(any_cut_is_found)
{
    two_sections();
    size_t whole = stream.len;
    for (stream.len = 0; stream.len < whole; stream.len++) {
        ERR_AUTO e = {0};
        CHECK_EQ(read_all(&e), -ENODATA);
    }
}

TEST(sections_out_of_order_are_found)
{
    two_sections();
    uint8_t one[19];
    memcpy(one, stream.data + 16, sizeof one);
    memcpy(stream.data + 16, stream.data + 35, sizeof one);
    memcpy(stream.data + 35, one, sizeof one);
    ERR_AUTO e = {0};
    CHECK_EQ(read_all(&e), -EINVAL);
    CHECK(strstr(e.text, "section 1 where 0 is to come") != NULL);
}

/* ---- RAM ---- */

static uint8_t guest[8][DIRTY_PAGE], copy[8][DIRTY_PAGE];

static int put(void *o, uint32_t block, const struct ram_run *run)
{
    CHECK_EQ(block, 3);
    ram_put_run(copy[0], run, o);
    return 0;
}

static uint8_t *in_copy(void *o, uint32_t block)
{
    (void)o;
    return block == 3 ? copy[0] : NULL;
}

static uint8_t *nowhere(void *o, uint32_t block)
{
    (void)o;
    (void)block;
    return NULL;
}

/* How a section is read: as a whole, page by page to where they belong, or as that would be if
 * nobody said where. */
enum way { WHOLE, STRAIGHT, NOWHERE, WAYS };

static int read_pages(enum way way, uint64_t *seen, struct tn_err *e)
{
    const uint64_t pages[] = {0, 0, 0, 8};
    struct ram_sink to = {pages, 4, way == STRAIGHT ? in_copy : nowhere, put, seen};
    struct mig_section s;
    struct mig_reader r = reader();
    int err = way == WHOLE ? mig_read(&r, &s, e) : mig_read_head(&r, &s, e);
    if (err == 0)
        err = way == WHOLE ? ram_each_run(&s, &to, e) : ram_read(&r, &s, &to, e);
    if (err == 0)
        CHECK_EQ(r.bytes, stream.len);
    mig_reader_fini(&r);
    return err;
}

static void through(struct ram_batch *b, uint64_t *seen, enum way way)
{
    struct mig_writer w = writer();
    CHECK_EQ(ram_batch_flush(b, &w, NULL), 0);
    CHECK_EQ(read_pages(way, seen, NULL), 0);
}

static void move_pages(enum way way)
{
    struct ram_batch b = {.block = 3};
    uint64_t seen = 0;
    memset(guest, 0, sizeof guest);
    memset(copy, 0, sizeof copy);
    memset(guest[1], 0xa5, DIRTY_PAGE);
    memset(guest[2], 0xa5, DIRTY_PAGE);
    for (uint32_t i = 0; i < DIRTY_PAGE; i++)
        guest[3][i] = guest[4][i] = (uint8_t)(i * 7 + i / 256);
    guest[6][DIRTY_PAGE - 1] = 1; /* almost zero */
    uint32_t kinds = 0;
    for (uint32_t i = 0; i < 8; i++)
        kinds |= ram_batch_add(&b, i, guest[i]) << i;
    CHECK_EQ(kinds, RAM_FILL * 0xa7u); /* 3, 4 and 6 are data */
    CHECK_EQ(b.nruns, 6);
    through(&b, &seen, way);
    CHECK(memcmp(guest, copy, sizeof guest) == 0);
    CHECK_EQ(seen, 0xff);
    memset(guest[3], 0, DIRTY_PAGE); /* a page that was something becomes zero */
    ram_batch_add(&b, 3, guest[3]);
    memset(guest[4], 0, 2 * DIRTY_PAGE);
    ram_batch_add_zeros(&b, 4, 2);
    CHECK_EQ(b.nruns, 1);
    CHECK_EQ(b.npages, 3);
    through(&b, &seen, way);
    CHECK(memcmp(guest, copy, sizeof guest) == 0);
    ram_batch_fini(&b);
}

TEST(pages_of_every_kind_arrive)
{
    for (enum way way = WHOLE; way < WAYS; way++)
        move_pages(way);
}

/* More runs than one call of the reader has pieces for. */
TEST(many_runs_arrive)
{
    enum { TURNS = 30 }; /* pages as they are are fewer than a batch has room for */
    struct ram_batch b = {.block = 3};
    uint64_t seen = 0;
    for (uint32_t i = 0; i < 8; i++)
        memset(guest[i], (int)i + 1, DIRTY_PAGE - i % 2);
    for (int turn = 0; turn < TURNS; turn++)
        for (uint32_t i = 0; i < 4; i++) /* no two in a row follow each other */
            ram_batch_add(&b, i * 3 % 8, guest[i * 3 % 8]);
    CHECK_EQ(b.nruns, 4 * TURNS);
    memset(copy, 0, sizeof copy);
    through(&b, &seen, STRAIGHT);
    CHECK_EQ(seen, 0x4b);
    for (uint32_t i = 0; i < 4; i++)
        CHECK(memcmp(guest[i * 3 % 8], copy[i * 3 % 8], DIRTY_PAGE) == 0);
    ram_batch_fini(&b);
}

TEST(pages_that_come_straight_are_checked_too)
{
    struct ram_batch b = {.block = 3};
    struct mig_writer w = writer();
    ram_batch_add(&b, 0, guest[3]);
    guest[4][5] = 9;
    ram_batch_add(&b, 4, guest[4]);
    CHECK_EQ(ram_batch_flush(&b, &w, NULL), 0);
    for (size_t i = 0; i < stream.len; i += i < 64 ? 1 : 97) {
        ERR_AUTO e = {0};
        stream.data[i] ^= 0x20;
        uint64_t seen = 0;
        CHECK(read_pages(STRAIGHT, &seen, &e) < 0);
        CHECK_EQ(seen, 0);
        stream.data[i] ^= 0x20;
    }
    size_t whole = stream.len;
    for (stream.len = 0; stream.len < whole; stream.len += stream.len < 64 ? 1 : 97) {
        ERR_AUTO e = {0};
        CHECK_EQ(read_pages(STRAIGHT, NULL, &e), -ENODATA);
    }
    stream.len = whole;
    CHECK_EQ(read_pages(STRAIGHT, NULL, NULL), 0);
    ram_batch_fini(&b);
}

static int ram_section(uint32_t block, uint32_t nruns, uint64_t page, uint32_t count, uint32_t kind,
                       uint32_t len)
{
    const uint64_t pages[] = {8};
    uint8_t raw[64] = {0};
    ERR_AUTO e = {0};
    put_le32(raw, block);
    put_le32(raw + 4, nruns);
    put_le64(raw + 8, page);
    put_le32(raw + 16, count);
    put_le32(raw + 20, kind);
    struct mig_section s = {.type = MIG_RAM, .len = len, .data = raw};
    struct ram_sink nobody = {.pages = pages, .nblocks = 1};
    return ram_each_run(&s, &nobody, &e);
}

TEST(runs_that_cannot_be_are_refused)
{
    CHECK_EQ(ram_section(0, 1, 0, 8, RAM_FILL, 32), 0);
    CHECK(ram_section(1, 1, 0, 8, RAM_FILL, 32) < 0);          /* no such block */
    CHECK(ram_section(0, 1, 1, 8, RAM_FILL, 32) < 0);          /* beyond its end */
    CHECK(ram_section(0, 1, UINT64_MAX, 2, RAM_FILL, 32) < 0); /* wraps */
    CHECK(ram_section(0, 1, 0, 0, RAM_FILL, 32) < 0);
    CHECK(ram_section(0, 1, 0, 1, 2, 32) < 0);
    CHECK(ram_section(0, 1, 0, 1, RAM_DATA, 32) < 0); /* no page behind it */
    CHECK(ram_section(0, 1, 0, 1, RAM_FILL, 40) < 0); /* something behind it */
    CHECK(ram_section(0, 0x10000000, 0, 1, RAM_FILL, 32) < 0);
    CHECK(ram_section(0, 1, 0, 1, RAM_FILL, 7) < 0);
}

int main(void)
{
    RUN(the_checksum_is_crc32c);
    RUN(the_checksum_of_much_is_that_of_its_bits);
    RUN(sections_come_back_as_they_went);
    RUN(any_bit_that_changes_is_found);
    RUN(any_cut_is_found);
    RUN(sections_out_of_order_are_found);
    RUN(pages_of_every_kind_arrive);
    RUN(many_runs_arrive);
    RUN(pages_that_come_straight_are_checked_too);
    RUN(runs_that_cannot_be_are_refused);
    buf_free(&stream);
    return tap_done();
}
