/* SPDX-License-Identifier: BSD-2-Clause */
/* Interrupts of the clock: update, alarm, periodic. */
#include "mc146818_rig.h"

/* ---- interrupts ---- */

TEST(update_interrupt_comes_each_second_once_acknowledged)
{
    struct rig g;
    rig_at(&g, 2024, 1, 1, 10, 0, 0);
    put(&g, RTC_REG_B, RTC_B_24H | RTC_B_UIE);
    CHECK_EQ(g.irq, 0);
    step(&g, S);
    CHECK_EQ(g.irq, 1);
    step(&g, 10 * S);
    CHECK_EQ(g.timers, 1);
    CHECK_EQ(get(&g, RTC_REG_C), RTC_C_IRQF | RTC_C_UF | RTC_C_PF);
    CHECK_EQ(g.irq, 0);
    CHECK_EQ(get(&g, RTC_REG_C), 0);
    step(&g, S);
    CHECK_EQ(g.irq, 1);
}

TEST(flags_come_up_with_their_interrupt_off)
{
    struct rig g;
    rig_at(&g, 2024, 1, 1, 10, 0, 0);
    put(&g, RTC_SECONDS_ALARM, 0x02);
    put(&g, RTC_MINUTES_ALARM, 0xc0);
    put(&g, RTC_HOURS_ALARM, 0xc0);
    put(&g, RTC_REG_A, 0x20);
    get(&g, RTC_REG_C);
    step(&g, S);
    CHECK_EQ(get(&g, RTC_REG_C), RTC_C_UF);
    step(&g, S);
    CHECK_EQ(get(&g, RTC_REG_C), RTC_C_UF | RTC_C_AF);
    CHECK_EQ(g.armed, 0);
}

TEST(enabling_an_interrupt_whose_flag_is_up_raises_it)
{
    struct rig g;
    rig_at(&g, 2024, 1, 1, 10, 0, 0);
    step(&g, S);
    put(&g, RTC_REG_B, RTC_B_24H | RTC_B_UIE);
    CHECK_EQ(g.irq, 1);
    put(&g, RTC_REG_B, RTC_B_24H);
    CHECK_EQ(g.irq, 0);
}

TEST(alarm_fires_at_its_time_with_one_timer)
{
    struct rig g;
    rig_at(&g, 2024, 1, 1, 10, 0, 0);
    put(&g, RTC_HOURS_ALARM, 0x09);
    put(&g, RTC_MINUTES_ALARM, 0x30);
    put(&g, RTC_SECONDS_ALARM, 0x15);
    put(&g, RTC_REG_B, RTC_B_24H | RTC_B_AIE);
    step(&g, (23 * 3600 + 30 * 60 + 15) * S - 1);
    CHECK_EQ(g.irq, 0);
    CHECK_EQ(g.alarms, 0);
    step(&g, 1);
    CHECK_EQ(g.irq, 1);
    CHECK_EQ(g.alarms, 1);
    CHECK_EQ(g.timers, 1);
    CHECK_CLOCK(&g, 0x09, 0x30, 0x15);
    CHECK_EQ(get(&g, RTC_REG_C) & (RTC_C_AF | RTC_C_IRQF), RTC_C_AF | RTC_C_IRQF);
    step(&g, 86400 * S);
    CHECK_EQ(g.irq, 1);
}

TEST(alarm_of_all_dont_cares_fires_each_second)
{
    struct rig g;
    rig_at(&g, 2024, 1, 1, 10, 0, 0);
    for (uint8_t reg = RTC_SECONDS_ALARM; reg <= RTC_HOURS_ALARM; reg += 2)
        put(&g, reg, 0xff);
    put(&g, RTC_REG_B, RTC_B_24H | RTC_B_AIE);
    for (int i = 0; i < 5; i++) {
        step(&g, S);
        CHECK_EQ(g.irq, 1);
        get(&g, RTC_REG_C);
    }
    CHECK_EQ(g.raised, 5);
}

TEST(alarm_in_twelve_hour_mode_tells_am_from_pm)
{
    struct rig g;
    rig_at(&g, 2024, 1, 1, 0, 59, 59);
    put(&g, RTC_REG_B, 0);
    put(&g, RTC_HOURS_ALARM, 0x81);
    put(&g, RTC_MINUTES_ALARM, 0x00);
    put(&g, RTC_SECONDS_ALARM, 0x00);
    put(&g, RTC_REG_B, RTC_B_AIE);
    step(&g, 12 * 3600 * S);
    CHECK_EQ(g.irq, 0);
    step(&g, S);
    CHECK_EQ(g.irq, 1);
}

TEST(alarm_that_no_time_can_match_never_fires)
{
    struct rig g;
    rig_at(&g, 2024, 1, 1, 0, 0, 0);
    put(&g, RTC_SECONDS_ALARM, 0x7a);
    put(&g, RTC_REG_B, RTC_B_24H | RTC_B_AIE);
    CHECK_EQ(g.deadline, 0);
}

TEST(moving_the_alarm_moves_the_timer)
{
    struct rig g;
    rig_at(&g, 2024, 1, 1, 0, 0, 0);
    put(&g, RTC_REG_B, RTC_B_24H | RTC_B_AIE);
    put(&g, RTC_SECONDS_ALARM, 0x30);
    CHECK_EQ(g.deadline, g.now + 30 * S);
    put(&g, RTC_SECONDS_ALARM, 0x10);
    CHECK_EQ(g.deadline, g.now + 10 * S);
    put(&g, RTC_REG_B, RTC_B_24H | RTC_B_AIE | RTC_B_SET);
    CHECK_EQ(g.deadline, 0);
}

/* ---- periodic interrupt ---- */

TEST(periodic_rates_are_those_of_table_5)
{
    for (uint32_t rs = 1; rs < 16; rs++) {
        struct rig g;
        rig_at(&g, 2024, 1, 1, 0, 0, 0);
        get(&g, RTC_REG_C);
        put(&g, RTC_REG_A, (uint8_t)(RTC_A_DV_32KHZ | rs));
        get(&g, RTC_REG_C);
        put(&g, RTC_REG_B, RTC_B_24H | RTC_B_PIE);
        CHECK_EQ(interrupts(&g, 10 * S), rs == 1 ? 2560 : rs == 2 ? 1280 : 10 * (65536u >> rs));
    }
}

TEST(fast_time_bases_have_two_more_rates)
{
    struct rig g;
    rig_at(&g, 2024, 1, 1, 0, 0, 0);
    put(&g, RTC_REG_A, RTC_A_DV_1MHZ | 1);
    put(&g, RTC_REG_B, RTC_B_24H | RTC_B_PIE);
    CHECK_EQ(interrupts(&g, S), 32768);
}

TEST(a_new_rate_counts_from_the_latest_interrupt)
{
    struct rig g;
    rig_at(&g, 2024, 1, 1, 0, 0, 0);
    put(&g, RTC_REG_A, RTC_A_DV_32KHZ | 15);
    put(&g, RTC_REG_B, RTC_B_24H | RTC_B_PIE);
    interrupts(&g, 500 * MS);
    put(&g, RTC_REG_A, RTC_A_DV_32KHZ | 13);
    CHECK_EQ(g.deadline, g.now + 125 * MS);
    interrupts(&g, 125 * MS);
    put(&g, RTC_REG_A, RTC_A_DV_32KHZ | 15);
    CHECK_EQ(g.deadline, g.now + 500 * MS);
}

TEST(no_timer_runs_while_nobody_acknowledges)
{
    struct rig g;
    rig_at(&g, 2024, 1, 1, 0, 0, 0);
    put(&g, RTC_REG_B, RTC_B_24H | RTC_B_PIE);
    step(&g, 100 * S);
    CHECK_EQ(g.timers, 1);
    CHECK_EQ(g.irq, 1);
}

TEST(rate_zero_and_divider_reset_stop_the_periodic_interrupt)
{
    struct rig g;
    rig_at(&g, 2024, 1, 1, 0, 0, 0);
    put(&g, RTC_REG_B, RTC_B_24H | RTC_B_PIE);
    put(&g, RTC_REG_A, 0x20);
    CHECK_EQ(g.deadline, 0);
    put(&g, RTC_REG_A, 0x76);
    CHECK_EQ(g.deadline, 0);
    put(&g, RTC_REG_A, 0x26);
    CHECK_EQ(g.deadline, g.now + 976563);
}

TEST(lost_periodic_interrupts_are_made_up_for_with_slew_only)
{
    for (uint32_t slew = 0; slew < 2; slew++) {
        struct rig g;
        rig_flags(&g, slew ? MC146818_SLEW : 0);
        put(&g, RTC_REG_B, RTC_B_24H | RTC_B_PIE);
        get(&g, RTC_REG_C);
        step(&g, S);
        CHECK_EQ(g.irq, 1);
        get(&g, RTC_REG_C);
        uint32_t n = 1 + interrupts(&g, 2 * S);
        CHECK_EQ(n, slew ? 3 * 1024 : 2 * 1024 + 1);
    }
}

int main(void)
{
    RUN(update_interrupt_comes_each_second_once_acknowledged);
    RUN(flags_come_up_with_their_interrupt_off);
    RUN(enabling_an_interrupt_whose_flag_is_up_raises_it);
    RUN(alarm_fires_at_its_time_with_one_timer);
    RUN(alarm_of_all_dont_cares_fires_each_second);
    RUN(alarm_in_twelve_hour_mode_tells_am_from_pm);
    RUN(alarm_that_no_time_can_match_never_fires);
    RUN(moving_the_alarm_moves_the_timer);
    RUN(periodic_rates_are_those_of_table_5);
    RUN(fast_time_bases_have_two_more_rates);
    RUN(a_new_rate_counts_from_the_latest_interrupt);
    RUN(no_timer_runs_while_nobody_acknowledges);
    RUN(rate_zero_and_divider_reset_stop_the_periodic_interrupt);
    RUN(lost_periodic_interrupts_are_made_up_for_with_slew_only);
    return tap_done();
}
