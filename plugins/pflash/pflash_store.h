/* SPDX-License-Identifier: BSD-2-Clause */
/* The array of a flash memory and the block device that keeps it: read once, and what changes is
 * written behind the guest's back, a run of units at a time. */
#ifndef PFLASH_STORE_H
#define PFLASH_STORE_H
#include <tenon/block.h>
#include <tenon/core.h>
#include <tenon/loop.h>

enum { PFLASH_UNIT = 4096 }; /* bytes that are written at once, at least */

struct pflash_store {
    struct tn_dev *dev;
    const struct tn_block *block;
    const struct tn_loop *loop;
    struct tn_blk *blk;
    struct tn_blkq *queue; /* NULL: nothing is kept */
    struct tn_bh *next;
    uint8_t *array; /* the device's */
    uint64_t size;  /* bytes, a multiple of PFLASH_UNIT */
    uint8_t *stale; /* by unit: the block device has not got it */
    uint32_t nstale;
    uint32_t first, n; /* units that are being written; n 0: none are */
    uint32_t drained;  /* nothing may be submitted */
    uint32_t held;     /* the machine has stopped for an error, and will try again */
    struct tn_iov iov;
    void (*loaded)(struct tn_dev *d, int err); /* the array has been read */
    void (*settled)(struct tn_dev *d);         /* pflash_store_busy() became 0 */
    void (*failed)(struct tn_dev *d, int err); /* what was changed cannot be kept */
};

/* dev, array, size, blk and the three callbacks are set; blk is not NULL. *writable: will be
 * written to; 0 on return if it cannot. 0 or -errno with e. [main], in realize */
int pflash_store_open(struct pflash_store *s, uint32_t *writable, struct tn_err *e);
/* Fills the array: 0, and loaded() follows. [main] */
int pflash_store_load(struct pflash_store *s);
/* Bytes of the array have changed. [main][vcpu][dev] */
void pflash_store_mark(struct pflash_store *s, uint64_t off, uint64_t len);
/* Something is on its way, or waits for its turn: settled() follows. [any][dev] */
int pflash_store_busy(const struct pflash_store *s);
/* The machine goes on: so does what was held. [main][dev] */
void pflash_store_resume(struct pflash_store *s);
void pflash_store_free(struct pflash_store *s); /* [main] memory; the rest is managed */

#endif
