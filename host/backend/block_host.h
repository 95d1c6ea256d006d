/* SPDX-License-Identifier: BSD-2-Clause */
/* Block devices between their front end (a disk controller) and their back end: nodes, which are
 * instances of kind TN_K_BLOCK, stand on each other (format or filter on a protocol), and one front
 * end may be attached to the topmost one. */
#ifndef TN_HOST_BLOCK_HOST_H
#define TN_HOST_BLOCK_HOST_H
#include "core/device.h"
#include <tenon/block.h>

struct cli_options;

extern const struct tn_block block_table;         /* TN_BLOCK_1: front ends call it */
extern const struct tn_blk_feed block_feed_table; /* TN_BLOCK_FEED_1: back ends call it */
/* The host's own classes: raw, throttle, what snapshot=on is made of, and throttle-group. */
extern const struct tn_plugin block_plugin;

/* ---- from the command line; main thread ---- */

/* Makes the nodes of every -blockdev and -drive, in this order, and with if=virtio adds the disks'
 * -device. 0 or -errno with e, one line. */
int block_add_all(struct vm *vm, const struct cli_options *o, struct tn_err *e);
/* The nodes of one -blockdev, as a nested tree. */
int block_add_node(struct vm *vm, const struct kv_node *tree, struct tn_err *e);
/* The nodes of one -drive; snapshot: what -snapshot says of a drive that does not. */
int block_add_drive(struct vm *vm, const struct kv_node *dict, int snapshot, struct tn_err *e);
/* Creates the disks of if=virtio. */
int block_add_disks(struct vm *vm, struct tn_err *e);
/* What `-drive format=help` lists: one name a line is not the custom here. */
void block_list_formats(struct vm *vm, struct buf *out);

/* ---- for the core; main thread ---- */

/* Gives a new instance of kind TN_K_BLOCK its handle (d->handle); it goes with d. */
struct tn_blk *block_create(struct device *d);
/* The instance that drive=NAME means: a drive by its id, or a node by its name. NULL. */
struct device *block_find(struct vm *vm, const char *name);
/* The id of the -drive that sits there; NULL. */
const char *block_drive_at(struct vm *vm, const char *interface, uint64_t bus, uint64_t unit);
void block_forget_all(struct vm *vm); /* what vm->block holds; the nodes are gone */

/* ---- for monitors and tests; main thread ---- */

/* Makes the device (drive id or node name) size bytes long, drained, and tells its front end. 0 or
 * -errno with e. */
int block_resize(struct vm *vm, const char *name, uint64_t size, struct tn_err *e);
/* The front end submits nothing more and what is in flight ends; the main loop runs meanwhile.
 * Nests. */
void block_drain_begin(struct tn_blk *b);
void block_drain_end(struct tn_blk *b);

enum {
    BLOCK_ACCT_READ,
    BLOCK_ACCT_WRITE,
    BLOCK_ACCT_FLUSH,
    BLOCK_ACCT_UNMAP,
    BLOCK_ACCT_APPEND,
    BLOCK_ACCT_KINDS
};
/* Counters since the node was made, by kind. A request counts as one of ops, failed, and invalid:
 * refused before the back end saw it, here or by the front end. */
struct block_stats {
    struct {
        uint64_t bytes, ops, ns, failed, invalid;
    } kind[BLOCK_ACCT_KINDS];
    uint64_t highest; /* byte behind the last one that was written */
    uint64_t last;    /* tick at which a request ended; 0: never */
    uint64_t idle;    /* ns since then */
};
void block_stats(struct tn_blk *b, struct block_stats *out);
/* Are requests that fail, or are invalid, a use of the disk: is the time of the former counted, and
 * is a disk that has them not idle? What the drive says, unless its front end's properties
 * account-failed and account-invalid do. */
struct block_accounting {
    uint8_t invalid, failed;
};
/* What the drive says, where its front end says nothing; before that comes. */
void block_account_set(struct tn_blk *b, struct block_accounting a);
struct block_accounting block_accounting(const struct tn_blk *b);
/* How many requests of a kind take how long. Boundaries are n times in ns, at least one, each above
 * the one before; ns NULL: not counted any more. Drains. */
int block_histogram_valid(const uint64_t *ns, uint32_t n);
void block_histogram_set(struct tn_blk *b, uint32_t kind, const uint64_t *ns, uint32_t n);
/* The boundaries, and how many requests took less than each; the last of n + 1 bins, which are
 * atomic, has the rest. n is returned; *bins NULL: not counted. */
uint32_t block_histogram(const struct tn_blk *b, uint32_t kind, const uint64_t **ns,
                         const uint64_t **bins);

/* What the last so many seconds, or the newer half of them, have seen; latencies in ns. */
struct block_interval {
    uint64_t seconds;
    struct {
        uint64_t min, max, avg;
        double depth; /* requests under way, on average */
    } kind[BLOCK_ACCT_KINDS];
};
/* Counts by n intervals of so many seconds each, at most 2^32 - 1; said once, before b is used. */
void block_intervals_set(struct tn_blk *b, const uint64_t *seconds, uint32_t n);
uint32_t block_intervals(const struct tn_blk *b); /* how many there are */
void block_interval(const struct tn_blk *b, uint32_t i, struct block_interval *out);

/* The lowest node that d stands on, or d. */
struct device *block_protocol(struct device *d);
/* Reads len bytes at off, running the main loop until they are there. 0 or -errno. */
int block_read_now(struct tn_blk *b, uint64_t off, void *buf, uint64_t len);
/* What was written is on stable storage. 0 or -errno. */
int block_flush_now(struct tn_blk *b);

/* on 0: every disk is flushed and let go, so that another process can have it; the machine stands
 * still. on 1: all are taken again. Nothing where that is so already. 0, or -errno with e and all
 * are as before. */
int block_activate(struct vm *vm, uint32_t on, struct tn_err *e);
/* b has a front end: it is used now, or, while disks are let go, once they are taken. */
int block_front_access(struct tn_blk *b, uint32_t flags, struct tn_err *e);

#endif
