/* SPDX-License-Identifier: BSD-2-Clause */
/* Leaky buckets: each request pours in what it costs, and they leak at the rate that is allowed. A
 * request waits while a bucket is over its brim. Knows no clock: time is given. */
#ifndef TN_HOST_THROTTLE_H
#define TN_HOST_THROTTLE_H
#include "core/err.h"

enum throttle_bucket {
    THROTTLE_BPS_TOTAL,
    THROTTLE_BPS_READ,
    THROTTLE_BPS_WRITE,
    THROTTLE_IOPS_TOTAL,
    THROTTLE_IOPS_READ,
    THROTTLE_IOPS_WRITE,
    THROTTLE_BUCKETS
};

struct throttle_limits {
    struct throttle_limit {
        uint64_t avg;    /* bytes or requests a second; 0 = no limit */
        uint64_t max;    /* the same in a burst; 0: a tenth of a second's worth may come at once */
        uint64_t length; /* of a burst, seconds, at least 1 */
    } of[THROTTLE_BUCKETS];
    uint64_t op_size; /* bytes that count as one request; 0: any request is one */
};

struct throttle {
    struct throttle_limits limits;
    struct {
        double level,
            burst; /* what is in it, in units of avg; and of max, if bursts have a length */
    } of[THROTTLE_BUCKETS];
    uint64_t last_ns; /* when it leaked last */
};

void throttle_limits_init(struct throttle_limits *l); /* no limit */
int throttle_limits_any(const struct throttle_limits *l);
/* 0 or -EINVAL with e: which of them contradict each other. */
int throttle_limits_check(const struct throttle_limits *l, struct tn_err *e);

/* Empty buckets of these limits. */
void throttle_init(struct throttle *t, const struct throttle_limits *l, uint64_t now_ns);
/* How long a request has to wait, ns; 0: it may go. */
uint64_t throttle_wait(struct throttle *t, int is_write, uint64_t now_ns);
/* A request of so many bytes goes. */
void throttle_account(struct throttle *t, int is_write, uint64_t bytes);

#endif
