/* SPDX-License-Identifier: BSD-2-Clause */
/* Driving a back end of kind TN_K_BLOCK. */
#ifndef TENON_CHECK_HOST_BLOCK_H
#define TENON_CHECK_HOST_BLOCK_H
#include "host.h"
#include <tenon/block.h>

enum { BLK_SENT_MAGIC = 0x5eb10c };

/* A request to a back end, in memory of the test that outlives it. */
struct blk_sent {
    struct tn_blk_req req; /* first: op, off, len, iov, niov and flags are the test's to fill in */
    uint32_t magic;
    int done, err;
};
/* Submits s->req to queue q (of tn_blk_backend.queue); s->done comes in host_run() or host_wait().
 * What submit answered. */
int blk_send(struct dev *d, void *q, struct blk_sent *s);

#endif
