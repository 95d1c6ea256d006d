/* SPDX-License-Identifier: BSD-2-Clause */
/* Calendar arithmetic over the years 0 to 9999, and the chip's coding of it in bytes. */
#ifndef TN_MC146818_CALENDAR_H
#define TN_MC146818_CALENDAR_H
#include <stdint.h>

#define RTC_SECONDS_PER_DAY 86400

struct rtc_date {
    int32_t year;        /* 0..9999 */
    uint32_t month, day; /* from 1 */
};

/* Days since 1970-01-01 in the proleptic Gregorian calendar. A day of the month that the month does
 * not have counts on into the next one. */
int64_t rtc_days(const struct rtc_date *d);
/* The inverse; days beyond the years 0..9999 wrap around, as four digits do. */
struct rtc_date rtc_date(int64_t days);

/* One byte of time in the mode that register B (mode: RTC_B_DM, RTC_B_24H) selects. Decoding brings
 * what is no such number into lo..hi. */
uint8_t rtc_encode(uint8_t mode, uint32_t value);
uint32_t rtc_decode(uint8_t mode, uint8_t byte, uint32_t lo, uint32_t hi);
uint8_t rtc_encode_hour(uint8_t mode, uint32_t hour); /* 0..23 */
uint32_t rtc_decode_hour(uint8_t mode, uint8_t byte);

/* Seconds from second_of_day until the three alarm bytes next match, 1..86400; 0: never. */
uint32_t rtc_alarm_in(uint8_t mode, uint8_t hours, uint8_t minutes, uint8_t seconds,
                      uint32_t second_of_day);

#endif
