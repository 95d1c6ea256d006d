/* SPDX-License-Identifier: BSD-2-Clause */
#include "mc146818_calendar.h"

#include "mc146818_regs.h"

#define DAYS_PER_400_YEARS 146097
#define DAYS_PER_CYCLE     (25 * DAYS_PER_400_YEARS) /* the years 0..9999 */
#define DAYS_0_TO_1970     719528

/* Days before each month of a year that starts in March: the leap day comes last, and the lengths
 * follow a line. */
static uint32_t days_before_month(uint32_t from_march)
{
    return (153 * from_march + 2) / 5;
}

int64_t rtc_days(const struct rtc_date *d)
{
    int64_t year = d->month > 2 ? d->year : d->year - 1;
    int64_t era = (year + 400) / 400 - 1; /* year is -1 at least */
    int64_t of_era = year - era * 400;
    int64_t of_year = days_before_month((d->month + 9) % 12) + d->day - 1;
    int64_t days = era * DAYS_PER_400_YEARS + of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    return days + 60 - DAYS_0_TO_1970; /* 0000-03-01 is day 60 of year 0 */
}

struct rtc_date rtc_date(int64_t days)
{
    int64_t day = (days + DAYS_0_TO_1970) % DAYS_PER_CYCLE;
    if (day < 0)
        day += DAYS_PER_CYCLE;
    /* The first two months belong to the March year before: count them from the end of the cycle of
     * 400. */
    day += DAYS_PER_400_YEARS - 60;
    uint32_t era = (uint32_t)(day / DAYS_PER_400_YEARS);
    uint32_t of_era = (uint32_t)(day % DAYS_PER_400_YEARS);
    uint32_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    uint32_t of_year = of_era - (365 * year + year / 4 - year / 100);
    uint32_t from_march = (5 * of_year + 2) / 153;
    uint32_t month = (from_march + 2) % 12 + 1;
    return (struct rtc_date){
        .year = (int32_t)(year + era * 400 + (month <= 2)) - 400,
        .month = month,
        .day = of_year - days_before_month(from_march) + 1,
    };
}

uint8_t rtc_encode(uint8_t mode, uint32_t value)
{
    return (uint8_t)(mode & RTC_B_DM ? value : value / 10 << 4 | value % 10);
}

uint32_t rtc_decode(uint8_t mode, uint8_t byte, uint32_t lo, uint32_t hi)
{
    uint32_t v = mode & RTC_B_DM ? byte : (byte >> 4) * 10u + (byte & 0x0f);
    return v < lo ? lo : v > hi ? hi : v;
}

uint8_t rtc_encode_hour(uint8_t mode, uint32_t hour)
{
    if (mode & RTC_B_24H)
        return rtc_encode(mode, hour);
    uint8_t v = rtc_encode(mode, hour % 12 ? hour % 12 : 12);
    return hour >= 12 ? v | RTC_HOURS_PM : v;
}

uint32_t rtc_decode_hour(uint8_t mode, uint8_t byte)
{
    if (mode & RTC_B_24H)
        return rtc_decode(mode, byte, 0, 23);
    uint32_t hour = rtc_decode(mode, byte & ~RTC_HOURS_PM, 1, 12) % 12;
    return byte & RTC_HOURS_PM ? hour + 12 : hour;
}

/* ---- alarm ---- */

#define ANY   0xfeu
#define NEVER 0xffu

/* The chip compares bytes: an alarm byte means the one value that is coded like it, all values, or
 * none. */
static uint32_t alarm_value(uint8_t mode, uint8_t byte, uint32_t count,
                            uint8_t (*encode)(uint8_t, uint32_t))
{
    if ((byte & RTC_ALARM_ANY) == RTC_ALARM_ANY)
        return ANY;
    for (uint32_t v = 0; v < count; v++)
        if (encode(mode, v) == byte)
            return v;
    return NEVER;
}

static uint32_t above(uint32_t from, uint32_t base)
{
    return from > base ? from - base : 0;
}

/* The first match from second `from` of an hour on, or 3600. */
static uint32_t match_in_hour(uint32_t m, uint32_t s, uint32_t from)
{
    for (uint32_t minute = from / 60; minute < 60; minute++) {
        uint32_t earliest = above(from, minute * 60);
        if ((m == ANY || m == minute) && (s == ANY || s >= earliest))
            return minute * 60 + (s == ANY ? earliest : s);
    }
    return 3600;
}

/* The first match from second `from` of a day on, or RTC_SECONDS_PER_DAY. */
static uint32_t match_in_day(uint32_t h, uint32_t m, uint32_t s, uint32_t from)
{
    for (uint32_t hour = from / 3600; hour < 24; hour++) {
        if (h != ANY && h != hour)
            continue;
        uint32_t at = match_in_hour(m, s, above(from, hour * 3600));
        if (at < 3600)
            return hour * 3600 + at;
    }
    return RTC_SECONDS_PER_DAY;
}

uint32_t rtc_alarm_in(uint8_t mode, uint8_t hours, uint8_t minutes, uint8_t seconds,
                      uint32_t second_of_day)
{
    uint32_t h = alarm_value(mode, hours, 24, rtc_encode_hour);
    uint32_t m = alarm_value(mode, minutes, 60, rtc_encode);
    uint32_t s = alarm_value(mode, seconds, 60, rtc_encode);
    if (h == NEVER || m == NEVER || s == NEVER)
        return 0;
    uint32_t at = match_in_day(h, m, s, second_of_day + 1);
    if (at == RTC_SECONDS_PER_DAY)
        at += match_in_day(h, m, s, 0);
    return at - second_of_day;
}
