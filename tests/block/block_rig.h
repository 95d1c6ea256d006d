/* SPDX-License-Identifier: BSD-2-Clause */
/* A block back end on the fixture's machine, driven as the host would: the test is the front end,
 * and done() comes to it. */
#ifndef TN_TEST_BLOCK_RIG_H
#define TN_TEST_BLOCK_RIG_H
#include "vm_fixture.h"
#include <tenon/block.h>

struct rig {
    struct vm *vm;
    struct device *dev;
    const struct tn_blk_backend *be;
    void *self;
    uint32_t changed; /* calls of feed->changed() */
};

/* A request of the test. */
struct rig_req {
    struct tn_blk_req r; /* first */
    uint32_t ended;
    int err;
    void (*then)(struct rig_req *q); /* in the queue's context; may be NULL */
    void *arg;
    struct tn_iov iov;
};

/* A machine with the plugin's class as `options` say ("driver=null-co,size=1M", or JSON), running.
 * NULL, and the text in fixture_error, if it is refused. */
struct rig *rig_new(const struct tn_plugin *p, const char *options);
/* The same, but not running yet. */
struct rig *rig_new_cold(const struct tn_plugin *p, const char *options);
void rig_free(struct rig *g);

struct tn_blk_info rig_info(struct rig *g);
/* The context of a new iothread with this id. */
struct tn_ctx *rig_iothread(struct rig *g, const char *id);
/* Fails the test if there is none. */
void *rig_queue(struct rig *g, struct tn_ctx *c);
/* Waits until no callback of the context is under way, as the host does. */
void rig_queue_del(struct rig *g, struct tn_ctx *c, void *q);

/* Fills q for one buffer of len bytes. */
void rig_fill(struct rig_req *q, uint32_t op, uint64_t off, void *p, uint64_t len, uint32_t flags);
/* Main context: submits, flushes the batch, runs the loop until the end. The request's error. */
int rig_wait(struct rig *g, void *queue, struct rig_req *q);
int rig_io(struct rig *g, void *queue, uint32_t op, uint64_t off, void *p, uint64_t len,
           uint32_t flags);
/* Runs the main loop until *flag, at most ten seconds. */
uint32_t rig_until(struct rig *g, const uint32_t *flag);

/* `ops` random operations, `depth` at a time, on the device's first `area` bytes, in context c (of
 * an iothread, or the main one): what is read is compared with what was written. Returns the number
 * of wrong answers. */
struct stress_load {
    uint64_t area;
    uint32_t depth, ops, seed;
    uint32_t zeroes, fua; /* these operations, too */
};
uint32_t rig_stress(struct rig *g, struct tn_ctx *c, void *queue, const struct stress_load *l);

#endif
