/* SPDX-License-Identifier: BSD-2-Clause */
/* snapshot=on: a node that reads what was written to it from a temporary file, and everything else
 * from the node below, which is never written to. It goes by clusters: a bit says whose a cluster
 * is. Requests that find all their clusters on one side are handed on as they are; the others
 * become a cow, piece by piece. */
#ifndef TN_HOST_BLOCK_SNAPSHOT_H
#define TN_HOST_BLOCK_SNAPSHOT_H
#include "block_filter.h"

#define SNAP_CLUSTER ((uint64_t)64 << 10)

struct snapshot {
    struct filter f;        /* file: what is below */
    struct tn_blk *overlay; /* property: the temporary file */
    uint64_t *map;          /* a bit per cluster: it is in overlay; only ever set; atomic */
    uint64_t size;          /* bytes of the disk, whole blocks of it */
    uint32_t has_overlay;
    struct blk_ranges ranges; /* clusters that are being copied */
};

struct cow;
struct snap_queue {
    struct filter_queue q; /* first; below: the lane of what is below */
    struct blk_lane *over;
    struct cow *idle;
    uint32_t nidle;
};

/* Whose the cluster with byte at is. */
int snap_is_over(const struct snapshot *s, uint64_t at);
/* How far from at on the clusters are all of the same side, at most to end. */
uint64_t snap_run(const struct snapshot *s, uint64_t at, uint64_t end);
void snap_set(struct snapshot *s, uint64_t at, uint64_t end); /* whole clusters, or the last one */

/* ---- block_cow.c ---- */
/* Begins what one lane alone cannot do; the end is r's. In the queue's context. */
int cow_start(struct snap_queue *q, struct tn_blk_req *r);
void cow_free_idle(struct snap_queue *q);

#endif
