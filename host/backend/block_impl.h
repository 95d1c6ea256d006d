/* SPDX-License-Identifier: BSD-2-Clause */
/* What lies between a front end and a back end.
 *
 *   front end --submit()--> tn_blkq: a blk_op of its pool            block_queue.c
 *                              | as it is, or step by step            block_split.c, block_zero.c
 *                           blk_lane of the topmost node              block_lane.c
 *                              | raw, throttle, snapshot              block_raw.c, ...
 *                           blk_lane of the protocol node --submit--> the back end
 *   front end <---done()---- tn_blkq <---------- feed->done() ------- the back end
 *
 * A lane is a node within one context: the back end's queue, and what waits because that was full.
 * All that is bound to a lane or a tn_blkq happens in its context; no lock is taken on the way.
 * A filter that has nothing to do afterwards changes the request and hands it on (lane_pass()): its
 * completion goes straight to who made it. */
#ifndef TN_HOST_BLOCK_IMPL_H
#define TN_HOST_BLOCK_IMPL_H
#include "block_host.h"
#include "block_range.h"
#include "core/loop.h"

enum { BLK_BLOCK = 512 }; /* what front ends count in, unless the medium's blocks are larger */

enum blk_detect { BLK_DETECT_OFF, BLK_DETECT_ON, BLK_DETECT_UNMAP };

/* A request on its way through a lane. */
struct blk_io {
    struct tn_blk_req r;   /* first: what back ends see */
    struct blk_lane *lane; /* which has it; NULL once it has ended */
    struct blk_io *next;
    int err;
    void (*done)(struct blk_io *io,
                 int err); /* in the lane's context, never inside lane_submit() */
};

struct blk_list {
    struct blk_io *first, **end;
};

struct blk_lane {
    LIST_ENTRY(blk_lane) link; /* of the node; main thread */
    struct tn_blk *b;
    struct tn_ctx *ctx;
    void *q; /* the back end's */
    uint32_t refs;
    uint32_t inflight;     /* with the back end */
    struct blk_list full;  /* the back end had no room for them */
    struct blk_list ended; /* without the back end's help: told by bh */
    struct tn_bh *bh;
};

/* A node. Fields are the main thread's but where they say so. */
struct tn_blk {
    struct managed m; /* of dev: the last that it releases */
    struct device *dev;
    const struct tn_blk_backend *be;
    struct tn_blk *elided; /* the node below, if this one adds nothing to it */
    struct tn_blk *parent; /* the node that stands on this one */
    struct tn_blk *below;  /* the first that this one stands on */
    void (*hurry)(struct tn_blk *b,
                  int on); /* a node that keeps requests back lets them go; or NULL */
    LIST_HEAD(, blk_lane) lanes;

    /* what the options said; constant once the node is open */
    uint32_t read_only, no_flush, unmap, writethrough;
    enum blk_detect detect;
    uint32_t rerror, werror; /* TN_BLKE_* */
    char *drive;             /* id of the -drive whose root this is, or NULL */
    uint32_t automatic;      /* if= connected it to a disk of its own */
    uint32_t owned;          /* the user made it by itself: it goes when he says so */
    uint32_t orphan;   /* its drive was removed while it was in use: it goes with its device */
    uint32_t io_error; /* the errno that stopped the machine last; atomic */

    struct tn_blk_info info;  /* of the back end; changes while nothing is in flight */
    uint32_t opened;          /* info is valid */
    uint32_t cannot;          /* 1 << TN_BLK_*: the back end said -ENOTSUP; atomic */
    uint32_t changed;         /* feed->changed() came; atomic */
    struct tn_bh *bh;         /* of changed, in the main context */
    struct blk_ranges ranges; /* where blocks are read, changed and written back */

    struct blk_front *front; /* who is attached */
    uint32_t drained;        /* depth */
    uint32_t write_back;     /* the guest's write cache is on; atomic */
    struct block_stats gone; /* of queues that are gone; ns in ticks, likewise in a queue */
    struct block_accounting account, account_drive; /* what holds; what the drive says */
    /* NULL: nobody asked; changed while drained */
    struct blk_histogram *histogram[BLOCK_ACCT_KINDS];
    struct blk_intervals *intervals;
    uint32_t timed;       /* there are some of either */
    uint64_t ticks0, ns0; /* the same moment in both */
};

struct blk_front {
    struct managed m; /* of dev */
    struct tn_blk *b;
    struct device *dev;
    const struct tn_blk_ops *ops;
    void *s;
    uint32_t access; /* TN_BLKA_*; 0 is let go by block_activate() */
    LIST_HEAD(, tn_blkq) queues;
};

struct blk_op;
struct blk_chunk;

/* What a back end takes as it is, and what a tn_blkq must not look up for each request. */
struct blk_limits {
    uint64_t block_mask, mem_mask; /* bits that must be 0 in offsets and lengths; in addresses */
    uint64_t max_transfer, max_discard;
    uint32_t max_iov;
};

struct tn_blkq {
    struct managed m; /* of dev */
    LIST_ENTRY(tn_blkq) link;
    struct tn_blk *b;
    struct device *dev; /* the front end; NULL: the host itself */
    struct tn_ctx *ctx;
    struct blk_lane *lane;
    struct blk_limits max;
    uint32_t direct;   /* done() may be called at once: without [dev] */
    uint32_t stopped;  /* the front end goes: no done() any more; atomic */
    uint32_t inflight; /* written in ctx; the main thread waits for 0 */
    uint32_t pooled;
    struct blk_op *pool; /* not in use */
    struct blk_chunk *chunks;
    struct blk_list tell; /* ended, for bh */
    struct tn_bh *bh;
    struct block_stats stats; /* written in ctx only */
};

/* A request of a front end. */
struct blk_op {
    struct blk_io io; /* first */
    struct tn_blkq *q;
    void (*done)(void *arg, int err);
    void *arg;
    uint64_t off, len; /* as asked for */
    const struct tn_iov *v;
    uint32_t n, op, flags;
    uint32_t acct;
    uint64_t begun; /* blk_ticks() */
    /* step by step */
    uint64_t pos;          /* bytes that are done */
    uint64_t piece;        /* bytes of the piece that is under way */
    uint64_t first, whole; /* of the blocks around it */
    void (*resume)(struct blk_op *o);
    struct tn_iov one, *slice; /* slice is owned */
    void *bounce;              /* owned */
    struct blk_range range;
    uint32_t ranged; /* range is held */
};

/* ---- block_lane.c ---- */

void blk_list_add(struct blk_list *l, struct blk_io *io);
struct blk_io *blk_list_take(struct blk_list *l);           /* the first one, NULL */
int blk_list_remove(struct blk_list *l, struct blk_io *io); /* 0: it is not there */

/* The lane of b in c, one reference more; NULL with e. Main thread. */
struct blk_lane *lane_get(struct tn_blk *b, struct tn_ctx *c, struct tn_err *e);
void lane_put(struct blk_lane *l); /* main thread, nothing in flight; NULL is fine */
/* Hands io, of which r and done are set, to the node. io->done() follows, once, and not inside. */
void lane_submit(struct blk_lane *l, struct blk_io *io);
/* In a filter's submit: io goes on to the lane below, as it now is, and never comes back. */
void lane_pass(struct blk_lane *l, struct tn_blk_req *r);
/* In a filter: r ends here. Legal inside submit. */
void lane_finish(struct tn_blk_req *r, int err);
/* io->done(err) follows, once, not inside; io is not with the back end. */
void lane_end(struct blk_lane *l, struct blk_io *io, int err);
/* Best effort for what a lane has: io->lane is not NULL. io->done() follows all the same. */
void lane_cancel(struct blk_io *io);
/* After submits that nobody else follows up with flush_batch(). */
void lane_flush(struct blk_lane *l);

/* ---- block_node.c ---- */

/* Asks the back end what it is now: 0 or -errno. Is the answer one that can be worked with? */
int blk_read_info(struct tn_blk *b, struct tn_blk_info *i);
int blk_is_sane(const struct tn_blk_info *i);
/* The node is realized: takes what it says of itself. */
int blk_opened(struct tn_blk *b, struct tn_err *e);
struct tn_blk *blk_of(struct device *d); /* its handle, NULL */
/* b is used so from here on, and what it stands on: 0 or -errno with e. */
int blk_access(struct tn_blk *b, uint32_t flags, struct tn_err *e);
/* What front ends see of b. */
void blk_front_info(const struct tn_blk *b, struct tn_blk_info *out);
/* Copies at most out->struct_size bytes. */
int blk_info_out(const struct tn_blk_info *from, struct tn_blk_info *out);
/* b becomes the child of node d, as it is being realized: 0, or -EBUSY with e if it is in use. */
int blk_adopt(struct tn_blk *parent, struct tn_blk *b, struct tn_err *e);
void blk_release(struct tn_blk *b); /* its parent goes; NULL is fine */
/* Nothing is kept back on purpose in b and below, until on is 0 again. Nests. */
void blk_hurry(struct tn_blk *b, int on);

/* ---- block_swap.c ---- */
/* The nodes that a and b stand for trade places; b has no users, a is drained if it has. 0 or
 * -errno with e: nothing has changed. */
int blk_swap(struct tn_blk *a, struct tn_blk *b, struct tn_err *e);
/* Another instance of b's class gets queues for what goes through b: before blk_trade(). 0 or
 * -errno with e; then, or if it is not to be, blk_trade_cancel(). */
int blk_trade_prepare(struct tn_blk *b, struct tn_blk *fresh, struct tn_err *e);
void blk_trade_cancel(struct tn_blk *fresh);
/* b, drained and with nothing below it, is served by fresh's instance from here on, under its name;
 * fresh has what was there before, which is returned, for device_free(). */
struct device *blk_trade(struct tn_blk *b, struct tn_blk *fresh);

/* ---- block_change.c ---- */
void blk_changed(void *b); /* bottom half: feed->changed() came */

/* ---- block_queue.c ---- */

struct tn_blkq *blkq_new(struct tn_blk *b, struct device *dev, struct tn_ctx *c, uint32_t flags,
                         struct tn_err *e);
void blkq_free(struct tn_blkq *q);   /* waits for what is in flight; main thread */
void blkq_limits(struct tn_blkq *q); /* the node's info has changed */
int blkq_submit(struct tn_blkq *q, uint32_t op, uint64_t off, uint64_t len, const struct tn_iov *v,
                uint32_t n, uint32_t flags, void (*done)(void *arg, int err), void *arg);
void blkq_flush(struct tn_blkq *q);
int blkq_cancel(struct tn_blkq *q, void *arg);
void blkq_refused(struct tn_blkq *q, uint32_t op);
/* o has ended: its owner is told, now or soon. */
void op_end(struct blk_op *o, int err);      /* not inside blkq_submit() */
void op_end_soon(struct blk_op *o, int err); /* anywhere */

/* ---- block_split.c, block_unmap.c: requests that the back end does not take as they are ---- */

void op_rw(struct blk_op *o);               /* READ, WRITE */
void op_zeroes(struct blk_op *o);           /* WRITE_ZEROES */
void op_discard(struct blk_op *o);          /* DISCARD, SECURE_ERASE */
int op_needs_flush(const struct blk_op *o); /* FUA is to be had by a flush only */

/* ---- block_acct.c ---- */
/* A clock that costs a few ns, twice per request; how fast it goes is asked when somebody wants to
 * know. [any] */
static inline uint64_t blk_ticks(void)
{
    return __builtin_ia32_rdtsc();
}
void blk_account(struct blk_op *o, int err); /* o has ended. In its queue's context */
void blk_account_invalid(struct tn_blkq *q, uint32_t kind); /* one was refused. In q's context */
/* d, whose properties may say what is counted, comes to b; NULL: it goes. */
void blk_account_front(struct tn_blk *b, const struct device *d);
double blk_ns_per_tick(const struct tn_blk *b);
void blk_timed(struct tn_blk *b); /* histograms or intervals have come, or have gone */
void blk_stats_add(struct block_stats *to, const struct block_stats *from);
void blk_histograms_free(struct tn_blk *b);

/* ---- block_interval.c ---- */
/* A request took so many ticks; b has intervals. [any] */
void blk_intervals_count(const struct tn_blk *b, uint32_t kind, uint64_t ticks);
void blk_intervals_free(struct tn_blk *b);

/* ---- block_zero.c ---- */
int iov_is_zero(const struct tn_iov *v, uint32_t n);

/* ---- block_iov.c ---- */
/* Fills out with len bytes of v from byte skip on, at most most pieces; how many pieces. *len is
 * what they hold. */
uint32_t iov_slice(struct tn_iov *out, uint32_t most, const struct tn_iov *v, uint32_t n,
                   uint64_t skip, uint64_t *len);
void iov_gather(void *to, const struct tn_iov *v, uint32_t n, uint64_t skip, uint64_t len);
void iov_scatter(const struct tn_iov *v, uint32_t n, uint64_t skip, const void *from, uint64_t len);

extern const struct tn_class blk_raw_class, blk_throttle_class, blk_snapshot_class, blk_empty_class,
    throttle_group_class;

#endif
