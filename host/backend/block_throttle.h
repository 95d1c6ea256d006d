/* SPDX-License-Identifier: BSD-2-Clause */
/* Limits that one or several drives share. */
#ifndef TN_HOST_BLOCK_THROTTLE_H
#define TN_HOST_BLOCK_THROTTLE_H
#include "core/vm.h"
#include "throttle.h"
#include <pthread.h>

struct throttle_queue;
struct throttle_group {
    LIST_ENTRY(throttle_group) link;
    char *name;
    uint32_t refs; /* of -object, and of each node */
    uint32_t clk;  /* TN_CLK_* that it goes by */
    const struct clock *clock;
    pthread_mutex_t lock; /* leaf: below */
    struct throttle t;
    TAILQ_HEAD(throttle_turns, throttle_queue) turns[2]; /* reads, writes: who has some, in turn */
};
LIST_HEAD(throttle_groups, throttle_group);

/* The group of that name, NULL. Main thread; likewise all below. */
struct throttle_group *throttle_group_find(struct vm *vm, const char *name);
/* The same, or a new one without limits; one reference more. */
struct throttle_group *throttle_group_get(struct vm *vm, const char *name);
void throttle_group_put(struct throttle_group *g); /* NULL is fine */
/* The group of a throttle node. */
struct tn_blk;
struct throttle_group *blk_throttle_group(const struct tn_blk *b);
/* New limits, empty buckets. */
void throttle_group_limit(struct throttle_group *g, const struct throttle_limits *l);

#endif
