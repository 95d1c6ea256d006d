/* SPDX-License-Identifier: BSD-2-Clause */
/* The reset control register at 0xcf9, from the ICH9 datasheet, RST_CNT. */
#include "reset_cf9.h"
#include "tap.h"

static void on_reset(void *opaque, uint32_t kind)
{
    uint32_t *log = opaque;
    *log = *log << 4 | kind;
}

static const struct reset_cf9_env env = {on_reset};

/* The kinds asked for by these writes, one hex digit each. */
static uint32_t after(const uint8_t *writes, uint32_t n)
{
    struct reset_cf9 c;
    uint32_t log = 0;
    reset_cf9_init(&c, &env, &log);
    for (uint32_t i = 0; i < n; i++)
        reset_cf9_write(&c, writes[i]);
    return log;
}

#define AFTER(...) after((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

TEST(rst_cpu_rising_resets_as_the_other_bits_say)
{
    CHECK_EQ(AFTER(0x04), RESET_CF9_INIT);
    CHECK_EQ(AFTER(0x06), RESET_CF9_HARD);
    CHECK_EQ(AFTER(0x0e), RESET_CF9_POWER);
    CHECK_EQ(AFTER(0x0c), RESET_CF9_INIT);
    CHECK_EQ(AFTER(0x02, 0x06), RESET_CF9_HARD);
}

TEST(no_edge_no_reset)
{
    CHECK_EQ(AFTER(0x02, 0x0a, 0xf1), 0);
    CHECK_EQ(AFTER(0x04, 0x04, 0x06), RESET_CF9_INIT);
    CHECK_EQ(AFTER(0x04, 0x00, 0x04), RESET_CF9_INIT << 4 | RESET_CF9_INIT);
}

TEST(only_three_bits_are_kept_and_reset_clears_them)
{
    struct reset_cf9 c;
    uint32_t log = 0;
    reset_cf9_init(&c, &env, &log);
    reset_cf9_write(&c, 0xff);
    CHECK_EQ(reset_cf9_read(&c), 0x0e);
    reset_cf9_reset(&c);
    CHECK_EQ(reset_cf9_read(&c), 0);
}

TEST(every_pair_of_writes_keeps_to_the_rule)
{
    for (uint32_t i = 0; i < 0x10000; i++) {
        uint32_t first = i & 0xff, second = i >> 8,
                 expected = !!(first & 4) + (!(first & 4) && (second & 4));
        uint32_t log = AFTER((uint8_t)first, (uint8_t)second), asked = 0;
        for (; log; log >>= 4)
            asked++;
        CHECK_EQ(asked, expected);
    }
}

int main(void)
{
    RUN(rst_cpu_rising_resets_as_the_other_bits_say);
    RUN(no_edge_no_reset);
    RUN(only_three_bits_are_kept_and_reset_clears_them);
    RUN(every_pair_of_writes_keeps_to_the_rule);
    return tap_done();
}
