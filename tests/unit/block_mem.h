/* SPDX-License-Identifier: BSD-2-Clause */
/* A back end of memory that does what a test tells it, and a disk that asks it: for tests of what
 * lies between. */
#ifndef TN_TEST_BLOCK_MEM_H
#define TN_TEST_BLOCK_MEM_H
#include "backend/block_host.h"
#include "vm_fixture.h"

enum { MEM_LOG = 8192 };

/* Drivers "mem" and "file": -drive driver=mem,size=...,logical=... Filter "pass": as a plugin would
 * write one. */
struct mem {
    struct tn_dev *dev;
    const struct tn_blk_feed *feed;
    /* properties */
    uint64_t size, max_transfer, max_discard, discard_align;
    uint32_t logical, mem_align, max_iov, slots, flags; /* slots 0: as many as there are */
    uint8_t hold, reverse;                              /* hold: completed by mem_release() only */
    const char *filename, *locking;
    struct tn_blk_open open;
    /* what it does */
    uint8_t *data;
    uint32_t fail_op, fail_after; /* the request after so many of op fails */
    int fail_err;
    /* what it saw */
    struct mem_seen {
        uint32_t op, flags, niov;
        uint64_t off, len;
        const struct tn_iov *iov;
    } log[MEM_LOG];
    uint32_t n, bad;                 /* bad: requests against the rules */
    uint32_t inside;                 /* in submit */
    uint32_t access, accesses, most; /* most: in flight at once */
    pthread_mutex_t lock;
    struct mem_queue *queues;
};

extern const struct tn_class pass_class;

struct disk {
    struct tn_dev *dev;
    struct tn_blk *drive;
    struct tn_ctx *iothread;
    uint32_t flags, queue_flags; /* of attach, of queue */
    const struct tn_block *block;
    struct tn_blkq *q;
    uint32_t drains, undrains, resized, no_queue;
};

/* What a request came to. */
struct asked {
    struct disk *d;
    uint32_t ended, inside, locked; /* inside: done() came within submit */
    int err;
};

struct vm *block_vm(void); /* new, with both classes; the one before is freed */
void block_vm_end(void);
/* -drive, -blockdev: 0, or -errno and the text in fixture_error. */
int add_drive(const char *text);
int add_drive_snapshot(const char *text);
int add_blockdev(const char *text);
struct mem *mem_of(const char *name); /* the protocol node below that drive or node */
struct tn_blk *blk(const char *name);
struct disk *add_disk(const char *options); /* "drive=d0,..."; NULL with fixture_error */

/* ask() submits and ends when done() has come, ask_start() at once. -errno of submit or done(). */
int ask(struct disk *d, uint32_t op, uint64_t off, void *buf, uint64_t len, uint32_t flags);
int ask_iov(struct disk *d, uint32_t op, uint64_t off, uint64_t len, const struct tn_iov *v,
            uint32_t n, uint32_t flags);
int ask_start(struct disk *d, struct asked *a, uint32_t op, uint64_t off, uint64_t len,
              const struct tn_iov *v, uint32_t n, uint32_t flags);
int ask_wait(struct asked *a);
void mem_release(struct mem *m, uint32_t n); /* completes so many of those held, oldest first */
uint32_t mem_held(const struct mem *m);
uint32_t mem_count(const struct mem *m, uint32_t op); /* requests of op in the log */
uint32_t rnd(uint32_t below);                         /* the same sequence each time */
void rnd_seed(uint32_t seed);

#endif
