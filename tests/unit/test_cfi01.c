/* SPDX-License-Identifier: BSD-2-Clause */
/* Flash memory by its commands, without a bus. Sections: Intel StrataFlash J3 datasheet (290667),
 * and JESD68.01 for the query. */
#include "cfi01.h"
#include "tap.h"

enum { SECTOR = 0x1000, SECTORS = 16, SIZE = SECTOR * SECTORS };

struct bank {
    struct cfi01 f;
    uint8_t array[SIZE], locked[SECTORS];
    uint32_t shown, switches, errors;
    uint64_t first, end; /* of what was said to have changed */
};

static void on_show(void *o, uint32_t array)
{
    struct bank *b = o;
    b->shown = array;
    b->switches++;
}

static void on_change(void *o, uint64_t off, uint64_t len)
{
    struct bank *b = o;
    b->first = off;
    b->end = off + len;
}

static void on_error(void *o, const char *what)
{
    (void)what;
    ((struct bank *)o)->errors++;
}

static const struct cfi01_env env = {on_show, on_change, on_error};

static struct bank *begin_wide(uint32_t width, uint32_t device, uint32_t max, uint32_t writable)
{
    static struct bank b;
    const struct cfi01_shape shape = {.sector_length = SECTOR,
                                      .sectors = SECTORS,
                                      .width = width,
                                      .device_width = device,
                                      .max_device_width = max,
                                      .id = {0x89, 0x18}};
    memset(&b, 0, sizeof b);
    b.shown = 1;
    for (uint32_t i = 0; i < SIZE; i++)
        b.array[i] = (uint8_t)(i ^ i >> 8);
    cfi01_init(&b.f, &shape, b.array, b.locked, writable, &env, &b);
    return &b;
}

static struct bank *begin(void)
{
    return begin_wide(1, 1, 1, 1);
}

static uint64_t get(struct bank *b, uint64_t off)
{
    return cfi01_read(&b->f, off, 1);
}

static void put(struct bank *b, uint64_t off, uint64_t v)
{
    cfi01_write(&b->f, off, 1, v);
}

static void erase(struct bank *b, uint64_t off)
{
    put(b, off, CFI01_ERASE);
    put(b, off, CFI01_CONFIRM);
}

TEST(shows_the_array_until_a_command_asks_for_more)
{
    struct bank *b = begin();
    CHECK_EQ(get(b, 0x1234), 0x34 ^ 0x12);
    CHECK_EQ(cfi01_read(&b->f, 0x100, 4), 0x02030001);
    put(b, 0, CFI01_READ_STATUS);
    CHECK_EQ(b->shown, 0);
    CHECK_EQ(get(b, 0x1234), CFI01_SR_READY);
    put(b, 0, CFI01_READ_ID);
    CHECK_EQ(b->switches, 1); /* from one register to another nothing is shown or hidden */
    put(b, 0, CFI01_READ_ARRAY);
    CHECK_EQ(b->shown, 1);
    CHECK_EQ(b->switches, 2);
    CHECK_EQ(get(b, 0x1234), 0x34 ^ 0x12);
}

/* 4.6: bits are cleared; 4.5: an erasure sets those of a block. */
TEST(programs_zeros_and_erases_to_ones)
{
    struct bank *b = begin();
    erase(b, 0x2345);
    CHECK_EQ(get(b, 0), CFI01_SR_READY);
    CHECK_EQ(b->first, 0x2000);
    CHECK_EQ(b->end, 0x3000);
    CHECK_EQ(b->array[0x1fff], 0x1f ^ 0xff);
    CHECK_EQ(b->array[0x2000], 0xff);
    CHECK_EQ(b->array[0x2fff], 0xff);
    CHECK_EQ(b->array[0x3000], 0x30);
    put(b, 0x2010, CFI01_PROGRAM);
    put(b, 0x2010, 0xa5);
    CHECK_EQ(b->first, 0x2010);
    CHECK_EQ(b->end, 0x2011);
    put(b, 0x2010, CFI01_PROGRAM_ALT);
    put(b, 0x2010, 0x0f);
    CHECK_EQ(get(b, 0), CFI01_SR_READY);
    CHECK_EQ(b->array[0x2010], 0x05);
}

TEST(an_erasure_that_is_not_confirmed_is_none)
{
    struct bank *b = begin();
    put(b, 0, CFI01_ERASE);
    put(b, 0, 0x42);
    CHECK_EQ(get(b, 0), CFI01_SR_READY | CFI01_SR_SEQUENCE);
    CHECK_EQ(b->array[1], 1);
    put(b, 0, CFI01_ERASE);
    put(b, 0, CFI01_READ_ARRAY);
    CHECK_EQ(b->shown, 1);
    CHECK_EQ(b->array[1], 1);
}

/* QEMU's: nothing is left, and the array is back. Firmware knows flash memory by that. */
TEST(a_cleared_status_is_zero)
{
    struct bank *b = begin();
    put(b, 0, CFI01_CLEAR_STATUS);
    CHECK_EQ(b->shown, 1);
    put(b, 0, CFI01_READ_STATUS);
    CHECK_EQ(get(b, 0), 0);
    erase(b, 0);
    CHECK_EQ(get(b, 0), CFI01_SR_READY);
}

/* 4.7 */
TEST(the_write_buffer_is_programmed_at_once)
{
    struct bank *b = begin();
    erase(b, 0);
    put(b, 0, CFI01_WRITE_BUFFER);
    CHECK_EQ(get(b, 0), CFI01_SR_READY);
    put(b, 0, 3 - 1);
    put(b, 0x110, 0x11);
    put(b, 0x112, 0x22);
    put(b, 0x1ff, 0x33);
    CHECK_EQ(b->array[0x110], 0xff); /* not before it is confirmed */
    put(b, 0, CFI01_CONFIRM);
    CHECK_EQ(get(b, 0), CFI01_SR_READY);
    CHECK_EQ(b->array[0x110], 0x11);
    CHECK_EQ(b->array[0x111], 0xff);
    CHECK_EQ(b->array[0x112], 0x22);
    CHECK_EQ(b->array[0x1ff], 0x33);
}

TEST(a_word_beside_the_write_buffer_ends_it)
{
    struct bank *b = begin();
    erase(b, 0);
    put(b, 0, CFI01_WRITE_BUFFER);
    put(b, 0, 1);
    put(b, 0x110, 0x11);
    put(b, 0x200, 0x22);
    CHECK_EQ(get(b, 0), CFI01_SR_READY | CFI01_SR_SEQUENCE);
    put(b, 0, CFI01_CONFIRM);
    CHECK_EQ(b->array[0x110], 0xff);
    put(b, 0, CFI01_WRITE_BUFFER);
    put(b, 0, 0);
    put(b, 0x110, 0x11);
    put(b, 0, CFI01_READ_ARRAY); /* instead of the confirmation */
    CHECK_EQ(b->array[0x110], 0xff);
}

/* 4.11 */
TEST(locked_blocks_stay_as_they_are)
{
    struct bank *b = begin();
    put(b, 0x1000, CFI01_LOCK_SETUP);
    put(b, 0x1000, CFI01_LOCK_SET);
    CHECK_EQ(get(b, 0), CFI01_SR_READY);
    put(b, 0, CFI01_READ_ID);
    CHECK_EQ(get(b, 0x1002), 1);
    CHECK_EQ(get(b, 0x0002), 0);
    erase(b, 0x1000);
    CHECK_EQ(get(b, 0), CFI01_SR_READY | CFI01_SR_ERASE | CFI01_SR_LOCKED);
    put(b, 0, CFI01_CLEAR_STATUS);
    put(b, 0x1fff, CFI01_PROGRAM);
    put(b, 0x1fff, 0);
    CHECK_EQ(get(b, 0), CFI01_SR_READY | CFI01_SR_PROGRAM | CFI01_SR_LOCKED);
    CHECK_EQ(b->array[0x1fff], 0x1f ^ 0xff);
    put(b, 0, CFI01_CLEAR_STATUS);
    put(b, 0, CFI01_LOCK_SETUP);
    put(b, 0, CFI01_CONFIRM);
    erase(b, 0x1000);
    CHECK_EQ(get(b, 0), CFI01_SR_READY);
    CHECK_EQ(b->array[0x1fff], 0xff);
}

TEST(what_cannot_be_written_is_locked_for_ever)
{
    struct bank *b = begin_wide(1, 1, 1, 0);
    put(b, 0, CFI01_LOCK_SETUP);
    put(b, 0, CFI01_CONFIRM);
    erase(b, 0);
    CHECK_EQ(get(b, 0), CFI01_SR_READY | CFI01_SR_ERASE | CFI01_SR_LOCKED);
    CHECK_EQ(b->array[1], 1);
    CHECK_EQ(b->end, 0);
}

/* 4.3; JESD68.01: "QRY", Intel's command set, sizes */
TEST(says_what_it_is)
{
    struct bank *b = begin();
    put(b, 0, CFI01_READ_ID);
    CHECK_EQ(get(b, 0), 0x89);
    CHECK_EQ(get(b, 1), 0x18);
    CHECK_EQ(get(b, 0x3001), 0x18);
    put(b, 0x55, CFI01_READ_QUERY);
    CHECK_EQ(get(b, 0x10), 'Q');
    CHECK_EQ(get(b, 0x11), 'R');
    CHECK_EQ(get(b, 0x12), 'Y');
    CHECK_EQ(get(b, 0x13), 1);
    CHECK_EQ(get(b, 0x27), 16);   /* 2^16 bytes */
    CHECK_EQ(get(b, 0x2a), 8);    /* 2^8 of write buffer */
    CHECK_EQ(get(b, 0x2d), 15);   /* 16 blocks */
    CHECK_EQ(get(b, 0x2f), 0x10); /* of 16 times 256 bytes */
    CHECK_EQ(get(b, 0x31), 'P');
    CHECK_EQ(get(b, 0x80), 0);
}

/* Two chips of 16 bits side by side, each answers in its lane. */
TEST(chips_side_by_side_answer_together)
{
    struct bank *b = begin_wide(4, 2, 2, 1);
    cfi01_write(&b->f, 0x154, 4, 0x00980098);
    CHECK_EQ(cfi01_read(&b->f, 0x40, 4), 'Q' | 'Q' << 16);
    CHECK_EQ(cfi01_read(&b->f, 0x42, 2), 'Q');
    CHECK_EQ(cfi01_read(&b->f, 0x27 * 4, 4), 0x000f000f); /* half of it each */
    cfi01_write(&b->f, 0, 4, 0x00700070);
    CHECK_EQ(cfi01_read(&b->f, 0, 4), 0x00800080);
    cfi01_write(&b->f, 0, 4, 0x00200020);
    cfi01_write(&b->f, 0, 4, 0x00d000d0);
    cfi01_write(&b->f, 8, 4, 0x00400040);
    cfi01_write(&b->f, 8, 4, 0x12345678);
    CHECK_EQ(b->array[8], 0x78);
    CHECK_EQ(b->array[11], 0x12);
}

/* A chip of 16 bits that is wired for 8 has an address line to spare. */
TEST(a_narrow_wired_chip_counts_in_its_words)
{
    struct bank *b = begin_wide(1, 1, 2, 1);
    put(b, 0xaa, CFI01_READ_QUERY);
    CHECK_EQ(get(b, 0x20), 'Q');
    CHECK_EQ(get(b, 0x22), 'R');
}

TEST(shapes_that_cannot_be_are_refused)
{
    struct cfi01_shape s = {.sector_length = SECTOR,
                            .sectors = 1,
                            .width = 4,
                            .device_width = 2,
                            .max_device_width = 2};
    CHECK(!cfi01_bad_shape(&s));
    s.width = 3;
    CHECK(cfi01_bad_shape(&s));
    s.width = 1;
    CHECK(cfi01_bad_shape(&s));
    s.width = 4;
    s.sector_length = 0x1080;
    CHECK(cfi01_bad_shape(&s));
    s.sector_length = 1ull << 32;
    CHECK(cfi01_bad_shape(&s));
    s.sector_length = SECTOR;
    s.sectors = 0x10001;
    CHECK(cfi01_bad_shape(&s));
}

TEST(reset_shows_the_array_and_opens_locks)
{
    struct bank *b = begin();
    put(b, 0, CFI01_LOCK_SETUP);
    put(b, 0, CFI01_LOCK_SET);
    put(b, 0, CFI01_PROGRAM);
    cfi01_reset(&b->f);
    CHECK_EQ(b->shown, 1);
    erase(b, 0);
    CHECK_EQ(get(b, 0), CFI01_SR_READY);
}

TEST(state_that_cannot_be_is_refused)
{
    struct bank *b = begin();
    b->f.mode = CFI01_STATUS;
    CHECK_EQ(cfi01_loaded(&b->f), 0);
    CHECK_EQ(b->shown, 0);
    b->f.mode = CFI01_MODES;
    CHECK(cfi01_loaded(&b->f) < 0);
    b->f.mode = CFI01_ARRAY;
    b->f.buffer_used = 256;
    b->f.buffer_base = SIZE - 255;
    CHECK(cfi01_loaded(&b->f) < 0);
}

TEST(unknown_commands_change_nothing)
{
    struct bank *b = begin();
    put(b, 0, 0xc0);
    CHECK_EQ(b->errors, 1);
    CHECK_EQ(b->shown, 1);
    CHECK_EQ(cfi01_read(&b->f, SIZE - 1, 4), 0xffffffff); /* beyond its end */
    cfi01_write(&b->f, SIZE, 1, CFI01_READ_STATUS);
    CHECK_EQ(b->shown, 1);
}

int main(int argc, char **argv)
{
    (void)argc, (void)argv;
    RUN(shows_the_array_until_a_command_asks_for_more);
    RUN(programs_zeros_and_erases_to_ones);
    RUN(an_erasure_that_is_not_confirmed_is_none);
    RUN(a_cleared_status_is_zero);
    RUN(the_write_buffer_is_programmed_at_once);
    RUN(a_word_beside_the_write_buffer_ends_it);
    RUN(locked_blocks_stay_as_they_are);
    RUN(what_cannot_be_written_is_locked_for_ever);
    RUN(says_what_it_is);
    RUN(chips_side_by_side_answer_together);
    RUN(a_narrow_wired_chip_counts_in_its_words);
    RUN(shapes_that_cannot_be_are_refused);
    RUN(reset_shows_the_array_and_opens_locks);
    RUN(state_that_cannot_be_is_refused);
    RUN(unknown_commands_change_nothing);
    return tap_done();
}
