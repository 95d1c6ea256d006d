/* SPDX-License-Identifier: BSD-2-Clause */
/* The ACPI fixed hardware without a bus, from ACPI 6.5 chapter 4.8. */
#include "acpi_pm.h"
#include "tap.h"

#define SECOND 1000000000ull
/* 2^23 ticks of 3.579545 MHz, in ns, rounded up. */
#define HALF_24_NS 2343484438ull

struct bench {
    struct acpi_pm chip;
    uint64_t now, alarm;
    uint32_t sci, sci_changes, slept, slp_typ;
};

static uint64_t on_now(void *opaque)
{
    return ((struct bench *)opaque)->now;
}

static void on_arm(void *opaque, uint64_t ns)
{
    ((struct bench *)opaque)->alarm = ns;
}

static void on_disarm(void *opaque)
{
    ((struct bench *)opaque)->alarm = 0;
}

static void on_sci(void *opaque, uint32_t level)
{
    struct bench *b = opaque;
    b->sci = level;
    b->sci_changes++;
}

static void on_sleep(void *opaque, uint32_t slp_typ)
{
    struct bench *b = opaque;
    b->slept++;
    b->slp_typ = slp_typ;
}

static const struct acpi_pm_env env = {on_now, on_arm, on_disarm, on_sci, on_sleep};

/* ICH9: 8 bytes of GPE0, enable 2, disable 3. */
#define CONFIG .gpe_bytes = 8, .acpi_enable = 2, .acpi_disable = 3
#define BENCH(b, ...)                                 \
    struct bench b = {0};                             \
    struct acpi_pm_config b##_config = {__VA_ARGS__}; \
    CHECK_EQ(acpi_pm_init(&b.chip, &b##_config, &env, &b), 0)

static uint32_t get(struct bench *b, uint32_t off, uint32_t size)
{
    return (uint32_t)acpi_pm_fixed_read(&b->chip, off, size);
}

static void put(struct bench *b, uint32_t off, uint32_t size, uint32_t value)
{
    acpi_pm_fixed_write(&b->chip, off, size, value);
}

TEST(a_bad_configuration_is_refused)
{
    struct acpi_pm c;
    struct acpi_pm_config wide = {.gpe_bytes = ACPI_PM_GPE_MAX + 1, .always_acpi = 1};
    struct acpi_pm_config same = {.gpe_bytes = 2, .acpi_enable = 5, .acpi_disable = 5};
    CHECK(acpi_pm_init(&c, &wide, &env, NULL) < 0);
    CHECK(acpi_pm_init(&c, &same, &env, NULL) < 0);
}

TEST(smi_command_sets_and_clears_sci_en)
{
    BENCH(b, CONFIG);
    put(&b, ACPI_PM1_CNT, 2, ACPI_PM1_BM_RLD);
    acpi_pm_apm_write(&b.chip, ACPI_APM_CNT, 2);
    CHECK_EQ(get(&b, ACPI_PM1_CNT, 2), ACPI_PM1_SCI_EN | ACPI_PM1_BM_RLD);
    put(&b, ACPI_PM1_CNT, 2, ACPI_PM1_SCI_EN);
    acpi_pm_apm_write(&b.chip, ACPI_APM_CNT, 7);
    CHECK_EQ(get(&b, ACPI_PM1_CNT, 2), ACPI_PM1_SCI_EN);
    acpi_pm_apm_write(&b.chip, ACPI_APM_CNT, 3);
    CHECK_EQ(get(&b, ACPI_PM1_CNT, 2), 0);
    acpi_pm_apm_write(&b.chip, ACPI_APM_STS, 0x5a);
    CHECK_EQ(acpi_pm_apm_read(&b.chip, ACPI_APM_CNT), 3);
    CHECK_EQ(acpi_pm_apm_read(&b.chip, ACPI_APM_STS), 0x5a);
    acpi_pm_reset(&b.chip);
    CHECK_EQ(acpi_pm_apm_read(&b.chip, ACPI_APM_CNT), 0);
    CHECK_EQ(acpi_pm_apm_read(&b.chip, ACPI_APM_STS), 0);
}

TEST(without_smi_command_sci_en_is_always_set)
{
    BENCH(b, .always_acpi = 1);
    CHECK_EQ(get(&b, ACPI_PM1_CNT, 2), ACPI_PM1_SCI_EN);
    put(&b, ACPI_PM1_CNT, 2, ACPI_PM1_BM_RLD);
    CHECK_EQ(get(&b, ACPI_PM1_CNT, 2), ACPI_PM1_SCI_EN | ACPI_PM1_BM_RLD);
    put(&b, ACPI_PM1_CNT, 2, 0);
    CHECK_EQ(get(&b, ACPI_PM1_CNT, 2), ACPI_PM1_SCI_EN);
    acpi_pm_reset(&b.chip);
    CHECK_EQ(get(&b, ACPI_PM1_CNT, 2), ACPI_PM1_SCI_EN);
}

TEST(power_button_interrupts_when_enabled)
{
    BENCH(b, CONFIG);
    acpi_pm_apm_write(&b.chip, ACPI_APM_CNT, 2);
    acpi_pm_event(&b.chip, ACPI_PM1_PWRBTN);
    CHECK_EQ(get(&b, ACPI_PM1_STS, 2), ACPI_PM1_PWRBTN);
    CHECK_EQ(b.sci, 0);
    put(&b, ACPI_PM1_EN, 2, ACPI_PM1_PWRBTN);
    CHECK_EQ(b.sci, 1);
    put(&b, ACPI_PM1_STS, 2, ACPI_PM1_GBL); /* another bit: stays */
    CHECK_EQ(b.sci, 1);
    put(&b, ACPI_PM1_STS, 2, ACPI_PM1_PWRBTN);
    CHECK_EQ(b.sci, 0);
    CHECK_EQ(b.sci_changes, 2);
}

TEST(no_sci_in_legacy_mode)
{
    BENCH(b, CONFIG);
    put(&b, ACPI_PM1_EN, 2, ACPI_PM1_PWRBTN);
    acpi_pm_event(&b.chip, ACPI_PM1_PWRBTN);
    CHECK_EQ(b.sci, 0);
    acpi_pm_apm_write(&b.chip, ACPI_APM_CNT, 2);
    CHECK_EQ(b.sci, 1);
}

TEST(enable_bits_that_do_not_exist_do_not_stick)
{
    BENCH(b, CONFIG);
    put(&b, ACPI_PM1_EN, 2, 0xffff);
    CHECK_EQ(get(&b, ACPI_PM1_EN, 2), ACPI_PM1_EN_BITS);
}

TEST(status_and_enable_may_be_accessed_together_or_by_byte)
{
    BENCH(b, CONFIG);
    acpi_pm_event(&b.chip, ACPI_PM1_PWRBTN | ACPI_PM1_GBL);
    put(&b, ACPI_PM1_EN + 1, 1, 0x01);
    CHECK_EQ(get(&b, ACPI_PM1_STS, 4), ACPI_PM1_PWRBTN << 16 | ACPI_PM1_PWRBTN | ACPI_PM1_GBL);
    put(&b, ACPI_PM1_STS, 1, 0xff);
    CHECK_EQ(get(&b, ACPI_PM1_STS, 2), ACPI_PM1_PWRBTN);
    put(&b, ACPI_PM1_STS, 4, ACPI_PM1_GBL << 16 | 0xffff);
    CHECK_EQ(get(&b, ACPI_PM1_STS, 4), ACPI_PM1_GBL << 16);
    CHECK_EQ(get(&b, ACPI_PM1_STS + 1, 4), ACPI_PM1_GBL << 8);
}

TEST(sleep_enable_asks_for_the_type_and_reads_as_zero)
{
    BENCH(b, CONFIG);
    put(&b, ACPI_PM1_CNT, 2, 5u << ACPI_PM1_SLP_TYP_SHIFT);
    CHECK_EQ(b.slept, 0);
    put(&b, ACPI_PM1_CNT, 2, 5u << ACPI_PM1_SLP_TYP_SHIFT | ACPI_PM1_SLP_EN);
    CHECK_EQ(b.slept, 1);
    CHECK_EQ(b.slp_typ, 5);
    CHECK_EQ(get(&b, ACPI_PM1_CNT, 2), 5u << ACPI_PM1_SLP_TYP_SHIFT);
    put(&b, ACPI_PM1_CNT, 1, 0xff);
    CHECK_EQ(b.slept, 1);
    CHECK_EQ(get(&b, ACPI_PM1_CNT, 1), ACPI_PM1_SCI_EN | ACPI_PM1_BM_RLD);
}

TEST(timer_counts_at_its_frequency)
{
    BENCH(b, CONFIG);
    b.now = SECOND;
    CHECK_EQ(get(&b, ACPI_PM_TMR, 4), 3579545);
    put(&b, ACPI_PM_TMR, 4, 0); /* read-only */
    CHECK_EQ(get(&b, ACPI_PM_TMR, 4), 3579545);
    CHECK_EQ(get(&b, ACPI_PM_TMR + 1, 1), 3579545 >> 8 & 0xff);
    b.now = 10 * SECOND;
    CHECK_EQ(get(&b, ACPI_PM_TMR, 4), 35795450 & 0xffffff);
    BENCH(wide, CONFIG, .timer_32bit = 1);
    wide.now = 10 * SECOND;
    CHECK_EQ(get(&wide, ACPI_PM_TMR, 4), 35795450);
}

TEST(timer_does_not_overflow_after_centuries)
{
    BENCH(b, CONFIG, .timer_32bit = 1);
    b.now = 1ull << 63; /* 292 years: ticks = 2^63 * 3579545 / 10^9 */
    unsigned __int128 ticks = (unsigned __int128)b.now * 3579545 / SECOND;
    CHECK_EQ(get(&b, ACPI_PM_TMR, 4), (uint32_t)ticks);
}

TEST(timer_status_is_set_when_the_high_bit_changes)
{
    BENCH(b, CONFIG);
    b.now = HALF_24_NS - 1;
    CHECK_EQ(get(&b, ACPI_PM1_STS, 2), 0);
    acpi_pm_event(&b.chip, ACPI_PM1_RTC);
    acpi_pm_event(&b.chip, ACPI_PM1_SLPBTN);
    b.now = HALF_24_NS;
    CHECK_EQ(get(&b, ACPI_PM1_STS, 2), ACPI_PM1_TMR | ACPI_PM1_RTC | ACPI_PM1_SLPBTN);
    put(&b, ACPI_PM1_STS, 2, ACPI_PM1_RTC | ACPI_PM1_SLPBTN);
    CHECK_EQ(get(&b, ACPI_PM1_STS, 2), ACPI_PM1_TMR);
    CHECK_EQ(get(&b, ACPI_PM_TMR, 4), 0x800000);
    put(&b, ACPI_PM1_STS, 2, ACPI_PM1_TMR);
    CHECK_EQ(get(&b, ACPI_PM1_STS, 2), 0);
    b.now = 2 * HALF_24_NS;
    CHECK_EQ(get(&b, ACPI_PM1_STS, 2), ACPI_PM1_TMR);
}

TEST(timer_is_armed_only_while_it_can_interrupt)
{
    BENCH(b, CONFIG);
    acpi_pm_apm_write(&b.chip, ACPI_APM_CNT, 2);
    CHECK_EQ(b.alarm, 0);
    put(&b, ACPI_PM1_EN, 2, ACPI_PM1_TMR);
    CHECK_EQ(b.alarm, HALF_24_NS);
    b.now = b.alarm;
    acpi_pm_timer(&b.chip);
    CHECK_EQ(b.sci, 1);
    CHECK_EQ(b.alarm, 0);
    put(&b, ACPI_PM1_STS, 2, ACPI_PM1_TMR);
    CHECK_EQ(b.sci, 0);
    CHECK_EQ(b.alarm, 2 * HALF_24_NS - 1); /* 2^24 ticks, rounded up once */
    put(&b, ACPI_PM1_EN, 2, 0);
    CHECK_EQ(b.alarm, 0);
}

TEST(general_purpose_events_interrupt_from_every_byte)
{
    BENCH(b, CONFIG);
    acpi_pm_apm_write(&b.chip, ACPI_APM_CNT, 2);
    CHECK_EQ(acpi_pm_gpe(&b.chip, 63), 0);
    CHECK(acpi_pm_gpe(&b.chip, 64) < 0);
    CHECK_EQ(acpi_pm_gpe_read(&b.chip, 7, 1), 0x80);
    CHECK_EQ(b.sci, 0);
    acpi_pm_gpe_write(&b.chip, 15, 1, 0x80);
    CHECK_EQ(b.sci, 1);
    CHECK_EQ(acpi_pm_gpe_read(&b.chip, 8, 8), 0x80ull << 56);
    acpi_pm_gpe_write(&b.chip, 4, 4, 0x80000000);
    CHECK_EQ(b.sci, 0);
    CHECK_EQ(acpi_pm_gpe_read(&b.chip, 0, 8), 0);
}

TEST(general_purpose_events_of_one_byte_are_apart)
{
    BENCH(b, .gpe_bytes = 2, .always_acpi = 1);
    acpi_pm_gpe(&b.chip, 1);
    acpi_pm_gpe(&b.chip, 3);
    acpi_pm_gpe(&b.chip, 8);
    CHECK_EQ(acpi_pm_gpe_read(&b.chip, 0, 2), 0x010a);
    CHECK_EQ(acpi_pm_gpe_read(&b.chip, 0, 1), 0x0a);
    acpi_pm_gpe_write(&b.chip, 0, 1, 0x0100);
    CHECK_EQ(acpi_pm_gpe_read(&b.chip, 1, 1), 0x01);
    acpi_pm_gpe_write(&b.chip, 2, 1, 0x08);
    CHECK_EQ(b.sci, 1);
    acpi_pm_gpe_write(&b.chip, 0, 2, 0xff08);
    CHECK_EQ(b.sci, 0);
    CHECK_EQ(acpi_pm_gpe_read(&b.chip, 0, 4), 0x080002);
}

TEST(gpe_accesses_past_the_block_do_nothing)
{
    BENCH(b, .gpe_bytes = 2, .always_acpi = 1);
    acpi_pm_gpe_write(&b.chip, 3, 4, 0xffffffff);
    CHECK_EQ(acpi_pm_gpe_read(&b.chip, 2, 4), 0xff00);
    acpi_pm_gpe_write(&b.chip, ~0ull, 8, ~0ull);
    CHECK_EQ(acpi_pm_gpe_read(&b.chip, 4, 8), 0);
    CHECK_EQ(acpi_pm_gpe_read(&b.chip, ~0ull, 8), 0);
}

TEST(fixed_accesses_past_the_block_do_nothing)
{
    BENCH(b, CONFIG);
    b.now = SECOND;
    put(&b, ACPI_PM_FIXED_LEN, 4, ~0u);
    CHECK_EQ(get(&b, ACPI_PM_FIXED_LEN, 4), 0);
    CHECK_EQ(acpi_pm_fixed_read(&b.chip, ACPI_PM_TMR, 8), 3579545);
    CHECK_EQ(acpi_pm_fixed_read(&b.chip, 5, 8), 3579545ull << 24);
    acpi_pm_fixed_write(&b.chip, ACPI_PM1_EN, 8, ACPI_PM1_GBL | ACPI_PM1_BM_RLD << 16);
    CHECK_EQ(acpi_pm_fixed_read(&b.chip, 0, 8),
             (uint64_t)ACPI_PM1_BM_RLD << 32 | ACPI_PM1_GBL << 16);
}

TEST(wake_sets_its_status_and_the_reason)
{
    BENCH(b, CONFIG);
    acpi_pm_wake(&b.chip, ACPI_PM1_RTC);
    CHECK_EQ(get(&b, ACPI_PM1_STS, 2), ACPI_PM1_WAK | ACPI_PM1_RTC);
}

TEST(reset_clears_and_lowers_the_wire)
{
    BENCH(b, CONFIG);
    acpi_pm_apm_write(&b.chip, ACPI_APM_CNT, 2);
    put(&b, ACPI_PM1_EN, 2, ACPI_PM1_PWRBTN | ACPI_PM1_TMR);
    acpi_pm_event(&b.chip, ACPI_PM1_PWRBTN);
    CHECK_EQ(b.sci, 1);
    acpi_pm_reset(&b.chip);
    CHECK_EQ(b.sci, 0);
    CHECK_EQ(b.alarm, 0);
    CHECK_EQ(get(&b, ACPI_PM1_STS, 4), 0);
}

TEST(load_reports_the_wire_and_arms_the_timer)
{
    BENCH(b, CONFIG);
    b.chip.pm1_cnt = 0xffff;
    b.chip.pm1_en = 0xffff;
    b.chip.pm1_sts = ACPI_PM1_PWRBTN;
    acpi_pm_loaded(&b.chip);
    CHECK_EQ(b.sci, 1);
    CHECK_EQ(b.alarm, HALF_24_NS);
    CHECK_EQ(get(&b, ACPI_PM1_EN, 2), ACPI_PM1_EN_BITS);
    CHECK_EQ(get(&b, ACPI_PM1_CNT, 2) & ACPI_PM1_SLP_EN, 0);
    b.chip.pm1_sts = 0;
    acpi_pm_loaded(&b.chip);
    CHECK_EQ(b.sci, 0);
}

int main(void)
{
    RUN(a_bad_configuration_is_refused);
    RUN(smi_command_sets_and_clears_sci_en);
    RUN(without_smi_command_sci_en_is_always_set);
    RUN(power_button_interrupts_when_enabled);
    RUN(no_sci_in_legacy_mode);
    RUN(enable_bits_that_do_not_exist_do_not_stick);
    RUN(status_and_enable_may_be_accessed_together_or_by_byte);
    RUN(sleep_enable_asks_for_the_type_and_reads_as_zero);
    RUN(timer_counts_at_its_frequency);
    RUN(timer_does_not_overflow_after_centuries);
    RUN(timer_status_is_set_when_the_high_bit_changes);
    RUN(timer_is_armed_only_while_it_can_interrupt);
    RUN(general_purpose_events_interrupt_from_every_byte);
    RUN(general_purpose_events_of_one_byte_are_apart);
    RUN(gpe_accesses_past_the_block_do_nothing);
    RUN(fixed_accesses_past_the_block_do_nothing);
    RUN(wake_sets_its_status_and_the_reason);
    RUN(reset_clears_and_lowers_the_wire);
    RUN(load_reports_the_wire_and_arms_the_timer);
    return tap_done();
}
