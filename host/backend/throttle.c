/* SPDX-License-Identifier: BSD-2-Clause */
#include "throttle.h"

#include <errno.h>
#include <string.h>

#define VALUE_MAX    1000000000000000ull /* of avg and max */
#define NS_IN_SECOND 1e9

void throttle_limits_init(struct throttle_limits *l)
{
    memset(l, 0, sizeof *l);
    for (uint32_t i = 0; i < THROTTLE_BUCKETS; i++)
        l->of[i].length = 1;
}

int throttle_limits_any(const struct throttle_limits *l)
{
    for (uint32_t i = 0; i < THROTTLE_BUCKETS; i++)
        if (l->of[i].avg)
            return 1;
    return 0;
}

/* A total and one direction at once, of the three from first on. */
static int mixed(const struct throttle_limit *first)
{
    return (first[0].avg && (first[1].avg || first[2].avg)) ||
           (first[0].max && (first[1].max || first[2].max));
}

static int check_one(const struct throttle_limit *l, struct tn_err *e)
{
    if (l->avg > VALUE_MAX || l->max > VALUE_MAX)
        return err_set(e, EINVAL, "bps/iops/max values must be within [0, %llu]", VALUE_MAX);
    if (!l->length)
        return err_set(e, EINVAL, "the burst length cannot be 0");
    if (l->length > 1 && !l->max)
        return err_set(e, EINVAL, "burst length set without burst rate");
    if (l->max && l->length > VALUE_MAX / l->max)
        return err_set(e, EINVAL, "burst length too high for this burst rate");
    if (l->max && !l->avg)
        return err_set(e, EINVAL, "bps_max/iops_max require corresponding bps/iops values");
    if (l->max && l->max < l->avg)
        return err_set(e, EINVAL, "bps_max/iops_max cannot be lower than bps/iops");
    return 0;
}

int throttle_limits_check(const struct throttle_limits *l, struct tn_err *e)
{
    if (mixed(&l->of[THROTTLE_BPS_TOTAL]) || mixed(&l->of[THROTTLE_IOPS_TOTAL]))
        return err_set(e, EINVAL,
                       "bps/iops/max total values and read/write values cannot be used at the same "
                       "time");
    if (l->op_size && !l->of[THROTTLE_IOPS_TOTAL].avg && !l->of[THROTTLE_IOPS_READ].avg &&
        !l->of[THROTTLE_IOPS_WRITE].avg)
        return err_set(e, EINVAL, "iops size requires an iops value to be set");
    for (uint32_t i = 0; i < THROTTLE_BUCKETS; i++)
        if (check_one(&l->of[i], e) < 0)
            return -EINVAL;
    return 0;
}

void throttle_init(struct throttle *t, const struct throttle_limits *l, uint64_t now_ns)
{
    memset(t, 0, sizeof *t);
    t->limits = *l;
    t->last_ns = now_ns;
}

/* ---- buckets ---- */

static double leaked(double level, uint64_t rate, double seconds)
{
    level -= (double)rate * seconds;
    return level > 0 ? level : 0;
}

static void leak(struct throttle *t, uint64_t now_ns)
{
    double seconds = now_ns > t->last_ns ? (double)(now_ns - t->last_ns) / NS_IN_SECOND : 0;
    t->last_ns = now_ns > t->last_ns ? now_ns : t->last_ns;
    for (uint32_t i = 0; i < THROTTLE_BUCKETS; i++) {
        t->of[i].level = leaked(t->of[i].level, t->limits.of[i].avg, seconds);
        t->of[i].burst = leaked(t->of[i].burst, t->limits.of[i].max, seconds);
    }
}

/* Seconds until what is over the brim has leaked out. */
static double seconds_over(double level, double brim, uint64_t rate)
{
    return level > brim ? (level - brim) / (double)rate : 0;
}

/* The brim of a bucket with bursts is a whole burst; how fast that is poured in is a matter of a
 * second bucket, which leaks at the burst's rate and holds a tenth of a second. */
static double wait_of(const struct throttle *t, uint32_t i)
{
    const struct throttle_limit *l = &t->limits.of[i];
    if (!l->avg)
        return 0;
    if (!l->max)
        return seconds_over(t->of[i].level, (double)l->avg / 10, l->avg);
    double wait = seconds_over(t->of[i].level, (double)l->max * (double)l->length, l->avg);
    if (l->length > 1) {
        double burst = seconds_over(t->of[i].burst, (double)l->max / 10, l->max);
        wait = burst > wait ? burst : wait;
    }
    return wait;
}

/* The four buckets that a request of one direction is poured into. */
static void buckets_of(int is_write, uint32_t out[4])
{
    out[0] = THROTTLE_BPS_TOTAL;
    out[1] = is_write ? THROTTLE_BPS_WRITE : THROTTLE_BPS_READ;
    out[2] = THROTTLE_IOPS_TOTAL;
    out[3] = is_write ? THROTTLE_IOPS_WRITE : THROTTLE_IOPS_READ;
}

uint64_t throttle_wait(struct throttle *t, int is_write, uint64_t now_ns)
{
    uint32_t which[4];
    double most = 0;
    leak(t, now_ns);
    buckets_of(is_write, which);
    for (uint32_t i = 0; i < 4; i++) {
        double wait = wait_of(t, which[i]);
        most = wait > most ? wait : most;
    }
    double ns = most * NS_IN_SECOND;
    return ns < 1 && most > 0 ? 1 : ns > 1e18 ? (uint64_t)1e18 : (uint64_t)ns;
}

void throttle_account(struct throttle *t, int is_write, uint64_t bytes)
{
    uint32_t which[4];
    uint64_t unit = t->limits.op_size;
    double ops = unit && bytes > unit ? (double)bytes / (double)unit : 1;
    buckets_of(is_write, which);
    for (uint32_t i = 0; i < 4; i++) {
        double cost = i < 2 ? (double)bytes : ops;
        t->of[which[i]].level += cost;
        if (t->limits.of[which[i]].length > 1)
            t->of[which[i]].burst += cost;
    }
}
