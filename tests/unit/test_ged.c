/* SPDX-License-Identifier: BSD-2-Clause */
/* The Generic Event Device without a bus. */
#include "ged.h"
#include "tap.h"

struct bench {
    struct ged chip;
    uint32_t level, rises, slept, slp_typ, resets;
};

static void on_line(void *opaque, uint32_t level)
{
    struct bench *b = opaque;
    b->rises += level && !b->level;
    b->level = level;
}

static void on_sleep(void *opaque, uint32_t slp_typ)
{
    struct bench *b = opaque;
    b->slept++;
    b->slp_typ = slp_typ;
}

static void on_reset(void *opaque)
{
    ((struct bench *)opaque)->resets++;
}

static const struct ged_env env = {on_line, on_sleep, on_reset};

#define BENCH(b)          \
    struct bench b = {0}; \
    ged_init(&b.chip, GED_EVT_MEM_HOTPLUG | GED_EVT_POWER_DOWN, &env, &b)

TEST(a_read_of_the_selector_returns_and_clears_the_events)
{
    BENCH(b);
    CHECK_EQ(ged_event(&b.chip, GED_EVT_POWER_DOWN), 0);
    CHECK_EQ(b.level, 1);
    CHECK_EQ(ged_event(&b.chip, GED_EVT_MEM_HOTPLUG), 0);
    CHECK_EQ(ged_selector_read(&b.chip, 0, 4), GED_EVT_POWER_DOWN | GED_EVT_MEM_HOTPLUG);
    CHECK_EQ(b.level, 0);
    CHECK_EQ(ged_selector_read(&b.chip, 0, 4), 0);
}

TEST(every_event_makes_an_edge)
{
    BENCH(b);
    ged_event(&b.chip, GED_EVT_POWER_DOWN);
    ged_event(&b.chip, GED_EVT_POWER_DOWN);
    CHECK_EQ(b.rises, 2);
    CHECK_EQ(b.level, 1);
}

TEST(an_event_that_the_tables_do_not_handle_is_refused)
{
    BENCH(b);
    CHECK(ged_event(&b.chip, GED_EVT_CPU_HOTPLUG) < 0);
    CHECK(ged_event(&b.chip, GED_EVT_CPU_HOTPLUG | GED_EVT_POWER_DOWN) < 0);
    CHECK(ged_event(&b.chip, 0) < 0);
    CHECK_EQ(b.level, 0);
    CHECK_EQ(ged_selector_read(&b.chip, 0, 4), 0);
}

TEST(other_selector_accesses_lose_no_event)
{
    BENCH(b);
    ged_event(&b.chip, GED_EVT_POWER_DOWN);
    CHECK_EQ(ged_selector_read(&b.chip, 0, 1), 0);
    CHECK_EQ(ged_selector_read(&b.chip, 0, 8), 0);
    CHECK_EQ(ged_selector_read(&b.chip, 4, 4), 0);
    CHECK_EQ(ged_selector_read(&b.chip, 0, 4), GED_EVT_POWER_DOWN);
}

TEST(sleep_control_asks_for_the_type)
{
    BENCH(b);
    ged_regs_write(&b.chip, GED_SLEEP_CTL, 1, 5u << GED_SLP_TYP_SHIFT);
    CHECK_EQ(b.slept, 0);
    ged_regs_write(&b.chip, GED_SLEEP_CTL, 1, 5u << GED_SLP_TYP_SHIFT | GED_SLP_EN);
    CHECK_EQ(b.slept, 1);
    CHECK_EQ(b.slp_typ, 5);
    CHECK_EQ(ged_regs_read(&b.chip, GED_SLEEP_CTL, 1), 5u << GED_SLP_TYP_SHIFT);
    ged_regs_write(&b.chip, GED_SLEEP_CTL, 4, GED_SLP_EN);
    CHECK_EQ(b.slept, 1);
}

TEST(wake_status_is_cleared_by_writing_one)
{
    BENCH(b);
    ged_wake(&b.chip);
    CHECK_EQ(ged_regs_read(&b.chip, GED_SLEEP_STS, 1), GED_WAK_STS);
    ged_regs_write(&b.chip, GED_SLEEP_STS, 1, 0x7f);
    CHECK_EQ(ged_regs_read(&b.chip, GED_SLEEP_STS, 1), GED_WAK_STS);
    ged_regs_write(&b.chip, GED_SLEEP_STS, 1, GED_WAK_STS);
    CHECK_EQ(ged_regs_read(&b.chip, GED_SLEEP_STS, 1), 0);
}

TEST(only_the_reset_value_resets)
{
    BENCH(b);
    ged_regs_write(&b.chip, GED_RESET, 1, 0x41);
    ged_regs_write(&b.chip, GED_RESET, 2, GED_RESET_VALUE);
    ged_regs_write(&b.chip, GED_RESET + 1, 1, GED_RESET_VALUE);
    CHECK_EQ(b.resets, 0);
    ged_regs_write(&b.chip, GED_RESET, 1, GED_RESET_VALUE);
    CHECK_EQ(b.resets, 1);
    CHECK_EQ(ged_regs_read(&b.chip, GED_RESET, 1), 0);
}

TEST(reset_drops_events_and_load_restores_the_wire)
{
    BENCH(b);
    ged_event(&b.chip, GED_EVT_POWER_DOWN);
    ged_wake(&b.chip);
    ged_regs_write(&b.chip, GED_SLEEP_CTL, 1, GED_SLP_TYP);
    ged_reset(&b.chip);
    CHECK_EQ(b.level, 0);
    CHECK_EQ(ged_selector_read(&b.chip, 0, 4), 0);
    CHECK_EQ(ged_regs_read(&b.chip, GED_SLEEP_CTL, 1), 0);
    CHECK_EQ(ged_regs_read(&b.chip, GED_SLEEP_STS, 1), 0);
    b.chip.pending = ~0u;
    ged_loaded(&b.chip);
    CHECK_EQ(b.level, 1);
    CHECK_EQ(ged_selector_read(&b.chip, 0, 4), GED_EVT_MEM_HOTPLUG | GED_EVT_POWER_DOWN);
}

int main(void)
{
    RUN(a_read_of_the_selector_returns_and_clears_the_events);
    RUN(every_event_makes_an_edge);
    RUN(an_event_that_the_tables_do_not_handle_is_refused);
    RUN(other_selector_accesses_lose_no_event);
    RUN(sleep_control_asks_for_the_type);
    RUN(wake_status_is_cleared_by_writing_one);
    RUN(only_the_reset_value_resets);
    RUN(reset_drops_events_and_load_restores_the_wire);
    return tap_done();
}
