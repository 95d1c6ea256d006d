/* SPDX-License-Identifier: BSD-2-Clause */
/* The MC146818A chip against its data sheet. */
#include "mc146818_rig.h"

/* ---- calendar arithmetic ---- */

TEST(every_day_of_ten_thousand_years_converts_both_ways)
{
    int64_t day = -719528;
    static const uint8_t length[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    for (int32_t y = 0; y < 10000; y++) {
        int leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
        for (uint32_t m = 1; m <= 12; m++)
            for (uint32_t d = 1; d <= length[m - 1] + (uint32_t)(leap && m == 2); d++, day++) {
                struct rtc_date date = {y, m, d}, back = rtc_date(day);
                if (rtc_days(&date) != day || back.year != y || back.month != m || back.day != d)
                    CHECK_EQ(rtc_days(&date), day);
            }
    }
    CHECK_EQ(rtc_date(day).year, 0);
    CHECK_EQ(rtc_date(-719529).year, 9999);
}

TEST(alarm_search_agrees_with_trying_each_second)
{
    srand(1);
    for (int round = 0; round < 300; round++) {
        uint8_t mode = (uint8_t)(rand() & (RTC_B_DM | RTC_B_24H));
        uint8_t h = rand() & 1 ? 0xc0 : rtc_encode_hour(mode, (uint32_t)rand() % 24);
        uint8_t m = rand() & 1 ? 0xff : rtc_encode(mode, (uint32_t)rand() % 60);
        uint8_t s = rand() & 1 ? 0xd5 : rtc_encode(mode, (uint32_t)rand() % 60);
        uint32_t from = (uint32_t)rand() % 86400, want = 0;
        for (uint32_t n = 1; n <= 86400 && !want; n++) {
            uint32_t t = (from + n) % 86400;
            if ((h >= 0xc0 || h == rtc_encode_hour(mode, t / 3600)) &&
                (m >= 0xc0 || m == rtc_encode(mode, t / 60 % 60)) &&
                (s >= 0xc0 || s == rtc_encode(mode, t % 60)))
                want = n;
        }
        CHECK_EQ(rtc_alarm_in(mode, h, m, s, from), want);
    }
}

/* ---- time ---- */

TEST(time_advances_without_any_timer)
{
    struct rig g;
    rig_at(&g, 2024, 2, 28, 23, 59, 58);
    CHECK_CLOCK(&g, 0x23, 0x59, 0x58);
    step(&g, 2 * S);
    CHECK_CLOCK(&g, 0x00, 0x00, 0x00);
    CHECK_DATE(&g, 0x20, 0x24, 0x02, 0x29, 5);
    step(&g, 86400 * S);
    CHECK_DATE(&g, 0x20, 0x24, 0x03, 0x01, 6);
    CHECK_EQ(g.armed, 0);
    CHECK_EQ(g.timers, 0);
}

TEST(leap_years_follow_the_gregorian_calendar)
{
    struct rig g;
    rig_at(&g, 2023, 2, 28, 23, 59, 59);
    step(&g, S);
    CHECK_DATE(&g, 0x20, 0x23, 0x03, 0x01, 4);
    rig_at(&g, 2000, 2, 28, 23, 59, 59);
    step(&g, S);
    CHECK_DATE(&g, 0x20, 0x00, 0x02, 0x29, 3);
    rig_at(&g, 2100, 2, 28, 23, 59, 59);
    step(&g, S);
    CHECK_DATE(&g, 0x21, 0x00, 0x03, 0x01, 2);
}

TEST(century_rolls_over)
{
    struct rig g;
    rig_at(&g, 1999, 12, 31, 23, 59, 59);
    step(&g, S);
    CHECK_DATE(&g, 0x20, 0x00, 0x01, 0x01, 7);
    rig_at(&g, 9999, 12, 31, 23, 59, 59);
    step(&g, S);
    CHECK_EQ(get(&g, RTC_CENTURY), 0x00);
    CHECK_EQ(get(&g, RTC_YEAR), 0x00);
}

TEST(century_is_also_at_the_ps2_address)
{
    struct rig g;
    rig_at(&g, 2024, 1, 1, 0, 0, 0);
    CHECK_EQ(get(&g, RTC_CENTURY_PS2), 0x20);
    put(&g, RTC_CENTURY_PS2, 0x19);
    CHECK_EQ(get(&g, RTC_CENTURY), 0x19);
}

TEST(day_of_week_is_a_counter_of_its_own)
{
    struct rig g;
    rig_at(&g, 2024, 1, 1, 0, 0, 0);
    put(&g, RTC_DAY_OF_WEEK, 7);
    step(&g, 86400 * S);
    CHECK_EQ(get(&g, RTC_DAY_OF_WEEK), 1);
}

TEST(a_running_clock_keeps_its_time_in_all_four_modes)
{
    struct rig g;
    rig_at(&g, 2024, 12, 25, 13, 45, 59);
    put(&g, RTC_REG_B, RTC_B_24H | RTC_B_DM);
    CHECK_CLOCK(&g, 13, 45, 59);
    CHECK_DATE(&g, 20, 24, 12, 25, 4);
    put(&g, RTC_REG_B, RTC_B_DM);
    CHECK_CLOCK(&g, 0x81, 45, 59);
    put(&g, RTC_REG_B, 0);
    CHECK_CLOCK(&g, 0x81, 0x45, 0x59);
    put(&g, RTC_REG_B, RTC_B_24H);
    CHECK_CLOCK(&g, 0x13, 0x45, 0x59);
    CHECK_EQ(g.set_calls, 0);
}

TEST(twelve_hour_mode_counts_12_1_2_to_11)
{
    struct rig g;
    rig_at(&g, 2024, 1, 1, 0, 0, 0);
    put(&g, RTC_REG_B, 0);
    for (uint32_t h = 0; h < 24; h++) {
        uint32_t face = h % 12 ? h % 12 : 12;
        CHECK_EQ(get(&g, RTC_HOURS), (face / 10 << 4 | face % 10) + (h >= 12 ? 0x80 : 0));
        step(&g, 3600 * S);
    }
    CHECK_CLOCK(&g, 0x12, 0, 0);
    CHECK_EQ(get(&g, RTC_DAY_OF_MONTH), 2);
}

TEST(a_clock_that_jumps_back_takes_the_time_along)
{
    struct rig g;
    rig_at(&g, 2024, 3, 1, 0, 0, 10);
    g.now -= 11 * S;
    CHECK_CLOCK(&g, 0x23, 0x59, 0x59);
    CHECK_DATE(&g, 0x20, 0x24, 0x02, 0x29, 5);
    CHECK_EQ(get(&g, RTC_REG_C), 0);
}

/* ---- setting ---- */

TEST(set_bit_stops_updates_and_the_phase_goes_on)
{
    struct rig g;
    rig_at(&g, 2024, 1, 1, 10, 0, 0);
    step(&g, 300 * MS);
    put(&g, RTC_REG_B, RTC_B_SET | RTC_B_24H | RTC_B_UIE);
    CHECK_EQ(get(&g, RTC_REG_B) & RTC_B_UIE, 0);
    put(&g, RTC_HOURS, 0x02);
    put(&g, RTC_MINUTES, 0x04);
    put(&g, RTC_SECONDS, 0x58);
    step(&g, 5 * S);
    CHECK_CLOCK(&g, 0x02, 0x04, 0x58);
    CHECK_EQ(g.set_calls, 0);
    put(&g, RTC_REG_B, RTC_B_24H);
    CHECK_EQ(g.set_calls, 1);
    CHECK_EQ(g.set_seconds, utc(2024, 1, 1, 2, 4, 58));
    CHECK_EQ(g.set_ns, 300 * MS);
    step(&g, 699 * MS);
    CHECK_CLOCK(&g, 0x02, 0x04, 0x58);
    step(&g, 1 * MS);
    CHECK_CLOCK(&g, 0x02, 0x04, 0x59);
}

TEST(set_bit_without_a_write_tells_nobody)
{
    struct rig g;
    rig_at(&g, 2024, 1, 1, 10, 0, 0);
    put(&g, RTC_REG_B, RTC_B_SET | RTC_B_24H);
    put(&g, RTC_SECONDS_ALARM, 0x30);
    put(&g, RTC_REG_B, RTC_B_24H);
    CHECK_EQ(g.set_calls, 0);
}

TEST(writes_to_a_running_clock_take_effect_at_once)
{
    struct rig g;
    rig_at(&g, 2024, 1, 1, 10, 0, 0);
    put(&g, RTC_YEAR, 0x30);
    CHECK_EQ(g.set_calls, 1);
    CHECK_EQ(g.set_seconds, utc(2030, 1, 1, 10, 0, 0));
    step(&g, S);
    CHECK_CLOCK(&g, 0x10, 0x00, 0x01);
    CHECK_EQ(get(&g, RTC_YEAR), 0x30);
}

TEST(first_update_comes_half_a_second_after_divider_reset)
{
    struct rig g;
    rig_at(&g, 2024, 1, 1, 10, 0, 0);
    step(&g, 900 * MS);
    put(&g, RTC_REG_A, 0x76);
    step(&g, 10 * S);
    CHECK_CLOCK(&g, 0x10, 0x00, 0x00);
    put(&g, RTC_HOURS, 0x11);
    put(&g, RTC_REG_A, 0x26);
    CHECK_EQ(g.set_calls, 1);
    CHECK_EQ(g.set_ns, 500 * MS);
    step(&g, 500 * MS - 1);
    CHECK_CLOCK(&g, 0x11, 0x00, 0x00);
    step(&g, 1);
    CHECK_CLOCK(&g, 0x11, 0x00, 0x01);
    step(&g, S);
    CHECK_CLOCK(&g, 0x11, 0x00, 0x02);
}

TEST(impossible_values_stay_until_the_next_update_and_become_legal_there)
{
    struct rig g;
    for (uint32_t v = 0; v < 256; v++)
        for (uint8_t reg = 0; reg <= RTC_CENTURY;
             reg += reg == RTC_YEAR ? RTC_CENTURY - RTC_YEAR : 1) {
            rig_at(&g, 2024, 1, 31, 10, 0, 0);
            put(&g, reg, (uint8_t)v);
            CHECK_EQ(get(&g, reg), v);
            step(&g, S);
            uint8_t hour = get(&g, RTC_HOURS), month = get(&g, RTC_MONTH),
                    day = get(&g, RTC_DAY_OF_MONTH);
            CHECK(hour <= 0x23 && (hour & 15) <= 9);
            CHECK(month >= 1 && month <= 0x12 && day >= 1 && day <= 0x31);
            CHECK(get(&g, RTC_SECONDS) <= 0x59);
            CHECK(get(&g, RTC_DAY_OF_WEEK) >= 1 && get(&g, RTC_DAY_OF_WEEK) <= 7);
        }
}

/* ---- register A: update in progress ---- */

TEST(uip_is_up_for_244_us_before_the_update)
{
    struct rig g;
    rig_at(&g, 2024, 1, 1, 10, 0, 0);
    step(&g, S - RTC_UIP_NS - 1);
    CHECK_EQ(get(&g, RTC_REG_A), 0x26);
    step(&g, 1);
    CHECK_EQ(get(&g, RTC_REG_A), 0xa6);
    CHECK_CLOCK(&g, 0x10, 0x00, 0x00);
    step(&g, RTC_UIP_NS);
    CHECK_EQ(get(&g, RTC_REG_A), 0x26);
    CHECK_CLOCK(&g, 0x10, 0x00, 0x01);
}

TEST(uip_is_down_with_set_or_divider_reset_and_cannot_be_written)
{
    struct rig g;
    rig_at(&g, 2024, 1, 1, 10, 0, 0);
    put(&g, RTC_REG_A, 0xa6);
    CHECK_EQ(get(&g, RTC_REG_A), 0x26);
    step(&g, S - 1000);
    put(&g, RTC_REG_B, RTC_B_SET | RTC_B_24H);
    CHECK_EQ(get(&g, RTC_REG_A), 0x26);
    put(&g, RTC_REG_B, RTC_B_24H);
    CHECK_EQ(get(&g, RTC_REG_A), 0xa6);
    put(&g, RTC_REG_A, 0x66);
    CHECK_EQ(get(&g, RTC_REG_A), 0x66);
}

/* ---- C, D, RAM, index, reset ---- */

TEST(c_and_d_are_read_only)
{
    struct rig g;
    rig_at(&g, 2024, 1, 1, 0, 0, 0);
    put(&g, RTC_REG_C, 0xff);
    put(&g, RTC_REG_D, 0x00);
    CHECK_EQ(get(&g, RTC_REG_C), 0);
    CHECK_EQ(get(&g, RTC_REG_D), RTC_D_VRT);
}

TEST(daylight_savings_bit_is_stored)
{
    struct rig g;
    rig_at(&g, 2024, 1, 1, 0, 0, 0);
    put(&g, RTC_REG_B, RTC_B_24H | RTC_B_DSE | RTC_B_SQWE);
    CHECK_EQ(get(&g, RTC_REG_B), RTC_B_24H | RTC_B_DSE | RTC_B_SQWE);
}

TEST(ram_keeps_bytes_and_the_host_cannot_reach_the_clock_through_it)
{
    struct rig g;
    rig_at(&g, 2024, 1, 1, 0, 0, 0);
    for (uint32_t reg = RTC_RAM; reg < RTC_SIZE; reg++) {
        if (reg == RTC_CENTURY || reg == RTC_CENTURY_PS2)
            continue;
        put(&g, (uint8_t)reg, (uint8_t)(reg ^ 0xa5));
        CHECK_EQ(mc146818_ram_get(&g.r, reg), reg ^ 0xa5);
        CHECK_EQ(mc146818_ram_set(&g.r, reg, 1), 0);
        CHECK_EQ(get(&g, (uint8_t)reg), 1);
    }
    CHECK_EQ(mc146818_ram_set(&g.r, RTC_REG_B, 1), -EINVAL);
    CHECK_EQ(mc146818_ram_set(&g.r, RTC_CENTURY, 1), -EINVAL);
    CHECK_EQ(mc146818_ram_set(&g.r, 128, 1), -EINVAL);
}

TEST(bit_7_of_the_index_masks_the_nmi)
{
    struct rig g;
    rig_at(&g, 2024, 1, 1, 0, 0, 0);
    mc146818_write_index(&g.r, 0x80 | RTC_REG_D);
    CHECK_EQ(mc146818_nmi_masked(&g.r), 1);
    CHECK_EQ(mc146818_read(&g.r), RTC_D_VRT);
    mc146818_write_index(&g.r, RTC_REG_D);
    CHECK_EQ(mc146818_nmi_masked(&g.r), 0);
}

TEST(reset_clears_enables_and_flags_but_not_time_and_ram)
{
    struct rig g;
    rig_at(&g, 2024, 1, 1, 10, 0, 0);
    put(&g, 0x40, 0x77);
    put(&g, RTC_REG_B, 0x7e);
    step(&g, 2 * S);
    CHECK_EQ(g.irq, 1);
    mc146818_reset(&g.r);
    CHECK_EQ(g.irq, 0);
    CHECK_EQ(g.deadline, 0);
    CHECK_EQ(get(&g, RTC_REG_B), RTC_B_24H | RTC_B_DM);
    CHECK_EQ(get(&g, RTC_REG_C), 0);
    CHECK_EQ(get(&g, 0x40), 0x77);
    CHECK_CLOCK(&g, 10, 0, 2);
}

TEST(host_time_and_guest_time_agree)
{
    struct rig g;
    rig_at(&g, 1969, 12, 31, 23, 59, 59);
    CHECK_EQ(mc146818_time(&g.r), -1);
    CHECK_DATE(&g, 0x19, 0x69, 0x12, 0x31, 4);
    step(&g, 3 * S);
    CHECK_EQ(mc146818_time(&g.r), 2);
}

TEST(loaded_state_raises_its_line_and_arms_its_timer)
{
    struct rig g, q;
    rig_at(&g, 2024, 1, 1, 10, 0, 0);
    put(&g, RTC_REG_B, RTC_B_24H | RTC_B_UIE | RTC_B_AIE);
    put(&g, RTC_SECONDS_ALARM, 0x30);
    put(&g, RTC_MINUTES_ALARM, 0xff);
    put(&g, RTC_HOURS_ALARM, 0xff);
    step(&g, S);
    rig_flags(&q, 0);
    q.now = g.now;
    q.r = g.r;
    q.r.opaque = &q;
    mc146818_post_load(&q.r);
    CHECK_EQ(q.irq, 1);
    CHECK_EQ(q.deadline, q.now + 29 * S);
    CHECK_CLOCK(&q, 0x10, 0x00, 0x01);
}

TEST(the_host_is_told_once_per_setting)
{
    struct rig g;
    rig_at(&g, 2024, 1, 1, 10, 0, 0);
    put(&g, RTC_MINUTES, 0x30);
    put(&g, RTC_REG_B, RTC_B_24H | RTC_B_SET);
    put(&g, RTC_REG_B, RTC_B_24H);
    put(&g, RTC_REG_A, 0x26);
    CHECK_EQ(g.set_calls, 1);
}

TEST(periodic_interrupts_go_on_after_the_clock_jumped_back)
{
    struct rig g;
    rig_at(&g, 2024, 1, 1, 10, 0, 0);
    put(&g, RTC_REG_A, RTC_A_DV_32KHZ | 15);
    put(&g, RTC_REG_B, RTC_B_24H | RTC_B_PIE);
    interrupts(&g, 100 * S);
    g.now -= 50 * S;
    get(&g, RTC_REG_C);
    CHECK_EQ(interrupts(&g, 10 * S), 20);
}

TEST(lost_interrupts_are_counted_anew_when_the_rate_changes)
{
    struct rig g;
    rig_flags(&g, MC146818_SLEW);
    put(&g, RTC_REG_B, RTC_B_24H | RTC_B_PIE);
    get(&g, RTC_REG_C);
    step(&g, S);
    put(&g, RTC_REG_A, RTC_A_DV_32KHZ | 7); /* half the rate: 1023 lost become 511 */
    get(&g, RTC_REG_C);
    CHECK_EQ(interrupts(&g, 2 * S), 2 * 512 + 511);
}

TEST(turning_the_interrupt_off_forgives_what_was_lost)
{
    struct rig g;
    rig_flags(&g, MC146818_SLEW);
    put(&g, RTC_REG_B, RTC_B_24H | RTC_B_PIE);
    step(&g, S);
    put(&g, RTC_REG_B, RTC_B_24H);
    put(&g, RTC_REG_B, RTC_B_24H | RTC_B_PIE);
    get(&g, RTC_REG_C);
    CHECK_EQ(interrupts(&g, S), 1024);
}

int main(void)
{
    RUN(every_day_of_ten_thousand_years_converts_both_ways);
    RUN(alarm_search_agrees_with_trying_each_second);
    RUN(time_advances_without_any_timer);
    RUN(leap_years_follow_the_gregorian_calendar);
    RUN(century_rolls_over);
    RUN(century_is_also_at_the_ps2_address);
    RUN(day_of_week_is_a_counter_of_its_own);
    RUN(a_running_clock_keeps_its_time_in_all_four_modes);
    RUN(twelve_hour_mode_counts_12_1_2_to_11);
    RUN(a_clock_that_jumps_back_takes_the_time_along);
    RUN(set_bit_stops_updates_and_the_phase_goes_on);
    RUN(set_bit_without_a_write_tells_nobody);
    RUN(writes_to_a_running_clock_take_effect_at_once);
    RUN(first_update_comes_half_a_second_after_divider_reset);
    RUN(impossible_values_stay_until_the_next_update_and_become_legal_there);
    RUN(uip_is_up_for_244_us_before_the_update);
    RUN(uip_is_down_with_set_or_divider_reset_and_cannot_be_written);
    RUN(c_and_d_are_read_only);
    RUN(daylight_savings_bit_is_stored);
    RUN(ram_keeps_bytes_and_the_host_cannot_reach_the_clock_through_it);
    RUN(bit_7_of_the_index_masks_the_nmi);
    RUN(reset_clears_enables_and_flags_but_not_time_and_ram);
    RUN(host_time_and_guest_time_agree);
    RUN(loaded_state_raises_its_line_and_arms_its_timer);
    RUN(the_host_is_told_once_per_setting);
    RUN(periodic_interrupts_go_on_after_the_clock_jumped_back);
    RUN(lost_interrupts_are_counted_anew_when_the_rate_changes);
    RUN(turning_the_interrupt_off_forgives_what_was_lost);
    return tap_done();
}
