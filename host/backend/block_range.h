/* SPDX-License-Identifier: BSD-2-Clause */
/* Ranges of a disk that one request at a time may change: blocks that are read, changed in part and
 * written back. First come, first served among those that overlap; any thread. */
#ifndef TN_HOST_BLOCK_RANGE_H
#define TN_HOST_BLOCK_RANGE_H
#include <pthread.h>
#include <stdint.h>
#include <sys/queue.h>

struct blk_range {
    TAILQ_ENTRY(blk_range) link;
    uint64_t first, end; /* bytes */
    uint32_t held;
    void (*granted)(struct blk_range *r); /* any thread, as a leaf */
};
struct blk_ranges {
    pthread_mutex_t lock;                      /* leaf */
    TAILQ_HEAD(blk_range_list, blk_range) all; /* held and waiting, oldest first */
};

void ranges_init(struct blk_ranges *s);
void ranges_free(struct blk_ranges *s);
/* 1: r is held; 0: r->granted() follows, when it is. first, end and granted are set. */
int range_take(struct blk_ranges *s, struct blk_range *r);
void range_drop(struct blk_ranges *s, struct blk_range *r);

#endif
