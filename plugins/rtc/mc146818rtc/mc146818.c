/* SPDX-License-Identifier: BSD-2-Clause */
/* MC146818A. Names in brackets are headings of its data sheet.
 *
 * The bytes of the time hold what the latest update left there. An access first runs the updates
 * that have come due since, all in one step; what a guest writes stays as it is, impossible values
 * too, until the next update. */
#include "mc146818.h"

#include <errno.h>
#include <string.h>

#include "mc146818_calendar.h"

#define NS_PER_S 1000000000
#define HZ       32768u
#define MAX_LOST 65536u

static uint8_t reg_a(const struct mc146818 *r)
{
    return r->cmos[RTC_REG_A];
}

static uint8_t reg_b(const struct mc146818 *r)
{
    return r->cmos[RTC_REG_B];
}

/* ---- divider [Divider Control, Table 4] ---- */

/* Three time bases count; reset and the test codes don't. */
static int running(const struct mc146818 *r)
{
    return (reg_a(r) & RTC_A_DV) <= RTC_A_DV_32KHZ;
}

static int updating(const struct mc146818 *r)
{
    return running(r) && !(reg_b(r) & RTC_B_SET);
}

/* ---- time and calendar [Time, Calendar, and Alarm Locations] ---- */

static uint32_t second_of_day(const struct mc146818 *r)
{
    uint8_t mode = reg_b(r);
    return rtc_decode_hour(mode, r->cmos[RTC_HOURS]) * 3600 +
           rtc_decode(mode, r->cmos[RTC_MINUTES], 0, 59) * 60 +
           rtc_decode(mode, r->cmos[RTC_SECONDS], 0, 59);
}

static int64_t day_number(const struct mc146818 *r)
{
    uint8_t mode = reg_b(r);
    const struct rtc_date d = {
        .year = (int32_t)(rtc_decode(mode, r->cmos[RTC_CENTURY], 0, 99) * 100 +
                          rtc_decode(mode, r->cmos[RTC_YEAR], 0, 99)),
        .month = rtc_decode(mode, r->cmos[RTC_MONTH], 1, 12),
        .day = rtc_decode(mode, r->cmos[RTC_DAY_OF_MONTH], 1, 31),
    };
    return rtc_days(&d);
}

static int64_t seconds_now(const struct mc146818 *r)
{
    return day_number(r) * RTC_SECONDS_PER_DAY + second_of_day(r);
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static uint32_t floor_mod(int64_t a, uint32_t b)
{
    int64_t m = a % b;
    return (uint32_t)(m < 0 ? m + b : m);
}

static void put_clock(struct mc146818 *r, uint32_t second)
{
    uint8_t mode = reg_b(r);
    r->cmos[RTC_HOURS] = rtc_encode_hour(mode, second / 3600);
    r->cmos[RTC_MINUTES] = rtc_encode(mode, second / 60 % 60);
    r->cmos[RTC_SECONDS] = rtc_encode(mode, second % 60);
}

static void put_date(struct mc146818 *r, int64_t day, uint32_t day_of_week)
{
    uint8_t mode = reg_b(r);
    struct rtc_date d = rtc_date(day);
    r->cmos[RTC_DAY_OF_WEEK] = rtc_encode(mode, day_of_week);
    r->cmos[RTC_DAY_OF_MONTH] = rtc_encode(mode, d.day);
    r->cmos[RTC_MONTH] = rtc_encode(mode, d.month);
    r->cmos[RTC_YEAR] = rtc_encode(mode, (uint32_t)d.year % 100);
    r->cmos[RTC_CENTURY] = rtc_encode(mode, (uint32_t)d.year / 100);
}

static uint32_t day_of_week(const struct mc146818 *r)
{
    return rtc_decode(reg_b(r), r->cmos[RTC_DAY_OF_WEEK], 1, 7);
}

/* Days between midnights pass; the day of the week is a counter of its own [Table 2]. */
static void advance(struct mc146818 *r, int64_t seconds)
{
    int64_t second = second_of_day(r) + seconds;
    int64_t days = floor_div(second, RTC_SECONDS_PER_DAY);
    put_clock(r, floor_mod(second, RTC_SECONDS_PER_DAY));
    put_date(r, day_number(r) + days, floor_mod(day_of_week(r) - 1 + days, 7) + 1);
}

static uint32_t alarm_in(const struct mc146818 *r)
{
    return rtc_alarm_in(reg_b(r), r->cmos[RTC_HOURS_ALARM], r->cmos[RTC_MINUTES_ALARM],
                        r->cmos[RTC_SECONDS_ALARM], second_of_day(r));
}

/* The updates that have come due, in one step. A clock that jumped back takes the time along,
 * without flags. */
static void run_updates(struct mc146818 *r, uint64_t now)
{
    int64_t n = floor_div((int64_t)(now - r->update_ns), NS_PER_S);
    if (!n || !running(r))
        return;
    r->update_ns += (uint64_t)n * NS_PER_S;
    if (reg_b(r) & RTC_B_SET)
        return;
    if (n > 0) {
        uint32_t alarm = r->cmos[RTC_REG_C] & RTC_C_AF ? 0 : alarm_in(r);
        uint8_t came = alarm && alarm <= n ? RTC_C_AF : 0;
        r->cmos[RTC_REG_C] |= RTC_C_UF | came;
        if (came & reg_b(r))
            r->env->alarm(r->opaque);
    }
    advance(r, n);
}

static void tell_time(struct mc146818 *r, uint64_t now)
{
    if (!r->time_written || !updating(r))
        return;
    r->time_written = 0;
    r->env->time_set(r->opaque, seconds_now(r), (uint32_t)(now - r->update_ns));
}

/* ---- periodic interrupt [Periodic Interrupt Selection, Table 5] ---- */

/* In 1/32768 s; 0: none. Codes 1 and 2 are those of the fast time bases only; at 32 kHz they repeat
 * 8 and 9. */
static uint32_t period(const struct mc146818 *r)
{
    uint32_t rate = reg_a(r) & RTC_A_RS;
    if (!rate || !running(r))
        return 0;
    if (rate <= 2 && (reg_a(r) & RTC_A_DV) == RTC_A_DV_32KHZ)
        rate += 7;
    return 1u << (rate - 1);
}

static uint64_t ns_to_ticks(uint64_t ns)
{
    return ns / NS_PER_S * HZ + ns % NS_PER_S * HZ / NS_PER_S;
}

/* Rounded up: at that time the tick is there. */
static uint64_t ticks_to_ns(uint64_t ticks)
{
    return ticks / HZ * NS_PER_S + (ticks % HZ * NS_PER_S + HZ - 1) / HZ;
}

static void restart_periodic(struct mc146818 *r, uint64_t now)
{
    r->periodic_ns = now;
    r->periodic_ticks = 0;
}

static void count_lost(struct mc146818 *r, uint64_t n)
{
    if (!(r->flags & MC146818_SLEW) || !(reg_b(r) & RTC_B_PIE))
        return;
    uint64_t room = MAX_LOST - r->lost;
    r->lost += (uint32_t)(n < room ? n : room);
}

static void run_periodic(struct mc146818 *r, uint64_t now)
{
    uint32_t each = period(r);
    uint64_t ticks = ns_to_ticks(now - r->periodic_ns);
    if ((int64_t)(now - r->periodic_ns) < 0 || ticks < r->periodic_ticks) {
        restart_periodic(r, now);
        return;
    }
    if (!each)
        return;
    uint64_t n = (ticks - r->periodic_ticks) / each;
    if (n) {
        r->periodic_ticks += n * each;
        count_lost(r, r->cmos[RTC_REG_C] & RTC_C_PF ? n : n - 1);
        r->cmos[RTC_REG_C] |= RTC_C_PF;
    }
    if (r->lost && !(r->cmos[RTC_REG_C] & RTC_C_PF) && now >= r->made_up_ns) {
        r->lost--;
        r->cmos[RTC_REG_C] |= RTC_C_PF;
    }
}

/* ---- interrupt and timer [Interrupts] ---- */

static void update_irq(struct mc146818 *r)
{
    uint8_t level = (r->cmos[RTC_REG_C] & reg_b(r) & RTC_C_FLAGS) != 0;
    r->cmos[RTC_REG_C] = (r->cmos[RTC_REG_C] & RTC_C_FLAGS) | (level ? RTC_C_IRQF : 0);
    if (level == r->irq_level)
        return;
    r->irq_level = level;
    r->env->irq(r->opaque, level);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return b < a ? b : a;
}

static uint64_t next_periodic(const struct mc146818 *r)
{
    uint64_t at = r->periodic_ns + ticks_to_ns(r->periodic_ticks + period(r));
    return r->lost ? earlier(at, r->made_up_ns) : at;
}

/* When an enabled interrupt whose flag is down will raise it; 0: none will. */
static uint64_t next_event(const struct mc146818 *r)
{
    uint8_t waiting = reg_b(r) & ~r->cmos[RTC_REG_C] & RTC_C_FLAGS;
    uint64_t at = UINT64_MAX;
    if ((waiting & RTC_B_PIE) && period(r))
        at = next_periodic(r);
    if ((waiting & RTC_B_UIE) && updating(r))
        at = earlier(at, r->update_ns + NS_PER_S);
    if ((waiting & RTC_B_AIE) && updating(r)) {
        uint32_t seconds = alarm_in(r);
        if (seconds)
            at = earlier(at, r->update_ns + (uint64_t)seconds * NS_PER_S);
    }
    return at == UINT64_MAX ? 0 : at;
}

static void update_timer(struct mc146818 *r)
{
    uint64_t at = next_event(r);
    if (at == r->deadline)
        return;
    r->deadline = at;
    if (at)
        r->env->arm_timer(r->opaque, at);
    else
        r->env->disarm_timer(r->opaque);
}

static uint64_t catch_up(struct mc146818 *r)
{
    uint64_t now = r->env->now_ns(r->opaque);
    run_updates(r, now);
    run_periodic(r, now);
    return now;
}

static void update_outputs(struct mc146818 *r)
{
    update_irq(r);
    update_timer(r);
}

void mc146818_refresh(struct mc146818 *r)
{
    catch_up(r);
    update_outputs(r);
}

void mc146818_timer(struct mc146818 *r)
{
    r->deadline = 0;
    mc146818_refresh(r);
}

/* ---- registers ---- */

static uint8_t read_a(struct mc146818 *r)
{
    uint64_t now = catch_up(r);
    int uip = updating(r) && now - r->update_ns >= NS_PER_S - RTC_UIP_NS;
    update_outputs(r);
    return reg_a(r) | (uip ? RTC_A_UIP : 0);
}

/* Reading clears all flags and so the interrupt [Register C]. */
static uint8_t read_c(struct mc146818 *r)
{
    uint64_t now = catch_up(r);
    update_irq(r);
    uint8_t v = r->cmos[RTC_REG_C];
    r->cmos[RTC_REG_C] = 0;
    r->made_up_ns = now + ticks_to_ns(period(r)) / 2;
    update_outputs(r);
    return v;
}

/* What was lost is an amount of time: it is made up for in interrupts of the new rate. */
static void rescale_lost(struct mc146818 *r, uint32_t was_period)
{
    uint32_t each = period(r);
    uint64_t lost = each ? (uint64_t)r->lost * was_period / each : 0;
    r->lost = (uint32_t)(lost < MAX_LOST ? lost : MAX_LOST);
}

static void write_a(struct mc146818 *r, uint8_t v)
{
    uint64_t now = catch_up(r);
    int was_running = running(r);
    uint32_t was_period = period(r);
    r->cmos[RTC_REG_A] = v & ~RTC_A_UIP;
    if (running(r) && !was_running) {
        r->update_ns = now + RTC_FIRST_UPDATE_NS - NS_PER_S;
        restart_periodic(r, now);
    }
    if (!was_period)
        restart_periodic(r, now);
    rescale_lost(r, was_period);
    tell_time(r, now);
    update_outputs(r);
}

/* SET stops the updates and takes the update interrupt with it [Register B]. The time keeps its
 * meaning when a running clock changes its coding; with SET the guest writes it anew, as the data
 * sheet wants. */
static void write_b(struct mc146818 *r, uint8_t v)
{
    uint64_t now = catch_up(r);
    uint8_t changed = reg_b(r) ^ v;
    int recode = updating(r) && !(v & RTC_B_SET) && (changed & (RTC_B_DM | RTC_B_24H));
    uint32_t second = second_of_day(r), weekday = day_of_week(r);
    int64_t day = day_number(r);
    r->cmos[RTC_REG_B] = v & RTC_B_SET ? v & ~RTC_B_UIE : v;
    if (recode) {
        put_clock(r, second);
        put_date(r, day, weekday);
    }
    if (changed & RTC_B_PIE)
        r->lost = 0;
    tell_time(r, now);
    update_outputs(r);
}

static void write_time(struct mc146818 *r, uint32_t reg, uint8_t v)
{
    uint64_t now = catch_up(r);
    r->cmos[reg] = v;
    r->time_written |= !(reg <= RTC_HOURS_ALARM && (reg & 1));
    tell_time(r, now);
    update_outputs(r);
}

void mc146818_write_index(struct mc146818 *r, uint8_t v)
{
    r->index = v & (RTC_SIZE - 1);
    r->nmi_masked = v >> 7;
}

uint32_t mc146818_nmi_masked(const struct mc146818 *r)
{
    return r->nmi_masked;
}

static uint32_t selected(const struct mc146818 *r)
{
    return r->index == RTC_CENTURY_PS2 ? RTC_CENTURY : r->index;
}

static int is_time(uint32_t reg)
{
    return reg <= RTC_YEAR || reg == RTC_CENTURY;
}

uint8_t mc146818_read(struct mc146818 *r)
{
    uint32_t reg = selected(r);
    if (reg == RTC_REG_A)
        return read_a(r);
    if (reg == RTC_REG_C)
        return read_c(r);
    if (is_time(reg))
        mc146818_refresh(r);
    return r->cmos[reg];
}

void mc146818_write(struct mc146818 *r, uint8_t v)
{
    uint32_t reg = selected(r);
    if (is_time(reg))
        write_time(r, reg, v);
    else if (reg == RTC_REG_A)
        write_a(r, v);
    else if (reg == RTC_REG_B)
        write_b(r, v);
    else if (reg >= RTC_RAM)
        r->cmos[reg] = v;
    /* C and D are read-only [Register C, Register D] */
}

static int is_ram(uint32_t reg)
{
    return reg >= RTC_RAM && reg < RTC_SIZE && reg != RTC_CENTURY && reg != RTC_CENTURY_PS2;
}

int mc146818_ram_set(struct mc146818 *r, uint32_t reg, uint8_t v)
{
    if (!is_ram(reg))
        return -EINVAL;
    r->cmos[reg] = v;
    return 0;
}

int mc146818_ram_get(const struct mc146818 *r, uint32_t reg)
{
    return is_ram(reg) ? r->cmos[reg] : -EINVAL;
}

/* ---- life ---- */

void mc146818_init(struct mc146818 *r, const struct mc146818_env *env, void *opaque, uint32_t flags)
{
    memset(r, 0, sizeof *r);
    r->env = env;
    r->opaque = opaque;
    r->flags = flags;
    r->cmos[RTC_REG_A] = RTC_A_POWER_ON;
    r->cmos[RTC_REG_B] = RTC_B_24H;
    r->cmos[RTC_REG_D] = RTC_D_VRT;
    r->cmos[RTC_DAY_OF_WEEK] = r->cmos[RTC_DAY_OF_MONTH] = r->cmos[RTC_MONTH] = 1;
    r->update_ns = env->now_ns(opaque);
    restart_periodic(r, r->update_ns);
}

void mc146818_reset(struct mc146818 *r)
{
    catch_up(r);
    r->cmos[RTC_REG_B] &= ~(RTC_B_PIE | RTC_B_AIE | RTC_B_UIE | RTC_B_SQWE);
    r->cmos[RTC_REG_C] = 0;
    r->lost = 0;
    update_outputs(r);
}

void mc146818_set_time(struct mc146818 *r, int64_t seconds, uint32_t ns)
{
    uint64_t now = catch_up(r);
    int64_t day = floor_div(seconds, RTC_SECONDS_PER_DAY);
    put_clock(r, floor_mod(seconds, RTC_SECONDS_PER_DAY));
    put_date(r, day, floor_mod(day + 4, 7) + 1); /* 1970-01-01 was a Thursday */
    r->update_ns = now - ns;
    r->time_written = 0;
    update_outputs(r);
}

int64_t mc146818_time(struct mc146818 *r)
{
    mc146818_refresh(r);
    return seconds_now(r);
}

/* No level of a line: the next update gives it to the environment, whatever it is. */
#define UNKNOWN 0xff

void mc146818_post_load(struct mc146818 *r)
{
    r->index &= RTC_SIZE - 1;
    r->nmi_masked &= 1;
    r->time_written &= 1;
    r->lost = r->lost < MAX_LOST ? r->lost : MAX_LOST;
    r->cmos[RTC_REG_A] &= ~RTC_A_UIP;
    r->cmos[RTC_REG_C] &= RTC_C_FLAGS;
    r->cmos[RTC_REG_D] = RTC_D_VRT;
    r->irq_level = UNKNOWN;
    r->deadline = 0;
    mc146818_refresh(r);
}
