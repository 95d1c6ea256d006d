/* SPDX-License-Identifier: BSD-2-Clause */
/* A clock chip, and a host around it whose time the test sets. */
#ifndef TN_TEST_MC146818_RIG_H
#define TN_TEST_MC146818_RIG_H
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "mc146818.h"
#include "mc146818_calendar.h"
#include "tap.h"

#define S  1000000000ull
#define MS 1000000ull

struct rig {
    struct mc146818 r;
    uint64_t now, deadline;
    uint32_t irq, raised, armed, timers;
    uint32_t alarms, set_calls, set_ns;
    int64_t set_seconds;
};

static inline void env_irq(void *o, uint32_t level)
{
    struct rig *g = o;
    g->irq = level;
    g->raised += level;
}

static inline void env_time_set(void *o, int64_t seconds, uint32_t ns)
{
    struct rig *g = o;
    g->set_calls++;
    g->set_seconds = seconds;
    g->set_ns = ns;
}

static inline uint64_t env_now(void *o)
{
    return ((struct rig *)o)->now;
}

static inline void env_arm(void *o, uint64_t deadline)
{
    struct rig *g = o;
    g->deadline = deadline;
    g->armed++;
}

static inline void env_disarm(void *o)
{
    ((struct rig *)o)->deadline = 0;
}

static inline void env_alarm(void *o)
{
    ((struct rig *)o)->alarms++;
}

static const struct mc146818_env env = {env_irq, env_time_set, env_now,
                                        env_arm, env_disarm,   env_alarm};

static inline void step(struct rig *g, uint64_t ns)
{
    uint64_t end = g->now + ns;
    while (g->deadline && g->deadline <= end) {
        if (g->deadline > g->now)
            g->now = g->deadline;
        g->deadline = 0;
        g->timers++;
        mc146818_timer(&g->r);
    }
    g->now = end;
}

static inline uint8_t get(struct rig *g, uint8_t reg)
{
    mc146818_write_index(&g->r, reg);
    return mc146818_read(&g->r);
}

static inline void put(struct rig *g, uint8_t reg, uint8_t v)
{
    mc146818_write_index(&g->r, reg);
    mc146818_write(&g->r, v);
}

static inline void rig_flags(struct rig *g, uint32_t flags)
{
    memset(g, 0, sizeof *g);
    g->now = 5 * S;
    mc146818_init(&g->r, &env, g, flags);
}

static inline int64_t utc(int year, int month, int day, int hour, int min, int sec)
{
    struct tm t = {.tm_year = year - 1900,
                   .tm_mon = month - 1,
                   .tm_mday = day,
                   .tm_hour = hour,
                   .tm_min = min,
                   .tm_sec = sec};
    return timegm(&t);
}

/* 24-hour BCD, at the start of a second */
static inline void rig_at(struct rig *g, int year, int month, int day, int hour, int min, int sec)
{
    rig_flags(g, 0);
    mc146818_set_time(&g->r, utc(year, month, day, hour, min, sec), 0);
}

#define CHECK_CLOCK(g, h, m, s)           \
    do {                                  \
        CHECK_EQ(get(g, RTC_HOURS), h);   \
        CHECK_EQ(get(g, RTC_MINUTES), m); \
        CHECK_EQ(get(g, RTC_SECONDS), s); \
    } while (0)
#define CHECK_DATE(g, c, y, m, d, w)           \
    do {                                       \
        CHECK_EQ(get(g, RTC_CENTURY), c);      \
        CHECK_EQ(get(g, RTC_YEAR), y);         \
        CHECK_EQ(get(g, RTC_MONTH), m);        \
        CHECK_EQ(get(g, RTC_DAY_OF_MONTH), d); \
        CHECK_EQ(get(g, RTC_DAY_OF_WEEK), w);  \
    } while (0)

static inline uint32_t interrupts(struct rig *g, uint64_t ns)
{
    uint64_t end = g->now + ns;
    uint32_t n = 0;
    while (g->deadline && g->deadline <= end) {
        step(g, g->deadline - g->now);
        n += g->irq;
        get(g, RTC_REG_C);
    }
    g->now = end;
    return n;
}

#endif
