/* SPDX-License-Identifier: BSD-2-Clause */
/* virtio-blk: what its parts share.
 *
 * A *queue* is a virtqueue; a *lane* is a context (main or an iothread) with all queues that it
 * serves and the drive's queue of that context. What a lane and its queues hold is touched by that
 * context only, or when the queues stand still. */
#ifndef TN_VIRTIO_BLK_H
#define TN_VIRTIO_BLK_H
#include <sys/queue.h>
#include <tenon/block.h>
#include <tenon/trace.h>

#include "blk_req.h"
#include "virtio/vdev.h"

enum {
    BLK_QUEUES_AUTO = UINT16_MAX,
    BLK_BATCH = 32,      /* transfers that are looked at together for merging */
    BLK_MERGE_IOV = 256, /* pieces of a merged transfer */
    BLK_MAX_SEG = 16,    /* segments of one discard, write zeroes or secure erase */
    BLK_CONFIG_LEN = 72, /* 5.2.4 without what zoned devices have */
    BLK_MAX_SECTORS = INT32_MAX >> 9
};

/* Trace events */
enum { BLK_TRACE_REQUEST, BLK_TRACE_COMPLETE, BLK_TRACE_KEEP, BLK_TRACES };

struct virtio_blk;
struct blk_lane;
struct blk_queue;

/* What is under way in the drive: a request, or several that are merged. Its address is what
 * cancel() names. */
struct blk_flight {
    TAILQ_ENTRY(blk_flight) link;
};

/* A request, from vq_pop() to vq_push(). */
struct blk_rq {
    struct vq_elem el; /* first */
    struct blk_req req;
    struct blk_queue *q;
    struct blk_flight flight;
    STAILQ_ENTRY(blk_rq) link; /* on one list at a time: merged, waiting */
    uint32_t seg;              /* the segment that is next, or under way */
};
STAILQ_HEAD(blk_list, blk_rq);

/* Requests that lie side by side on the disk, as one. */
struct blk_merged {
    struct blk_flight flight;
    struct blk_lane *lane;
    struct blk_merged *next; /* free one of the lane */
    struct blk_list parts;
    uint32_t niov;
    struct tn_iov iov[BLK_MERGE_IOV];
};

struct blk_queue {
    struct virtio_blk *s;
    struct vdev_queue *vq;
    struct blk_lane *lane;
    TAILQ_HEAD(, blk_flight) flights;
    struct vq_kept *parked, **parked_end; /* kept over a stop of the machine, oldest first */
    struct blk_rq *batch[BLK_BATCH];
    uint32_t nbatch;
    uint32_t retry;         /* atomic: resume says that parked ones are to be taken again */
    uint8_t dirty;          /* something completed in this turn */
    struct blk_queue *peer; /* next queue of the lane */
};

struct blk_lane {
    struct virtio_blk *s;
    struct tn_ctx *ctx; /* NULL: home */
    struct tn_blkq *drive;
    struct tn_bh *turn; /* at the end of a turn of the loop: shows the driver what completed */
    struct blk_queue *queues;
    struct blk_merged *free;
    struct blk_list waiting; /* the drive had no room */
    uint8_t held;            /* the drive may hold back what was submitted in this turn */
};

/* Element of iothread-vq-mapping. */
struct blk_vq_map {
    struct tn_ctx *ctx;
    struct tn_list vqs; /* of uint16_t */
};

/* Properties, as the host stores them. */
struct blk_props {
    struct tn_blk *drive;
    uint64_t logical, physical, min_io, opt_io,
        discard_granularity; /* bytes; 0, ~0: as the drive */
    uint32_t write_cache, backend_defaults, account_invalid, account_failed; /* TN_AUTO, ... */
    uint32_t rerror, werror;                                                 /* TN_BLKE_* */
    uint32_t cyls, heads, secs, lcyls, lheads, lsecs;
    uint32_t max_discard, max_write_zeroes, max_secure_erase; /* sectors */
    int32_t bootindex;
    const char *serial;
    struct tn_ctx *iothread;
    struct tn_list vq_map; /* of struct blk_vq_map */
    uint16_t num_queues, queue_size;
    uint8_t share_rw, config_wce, merging, seg_max_adjust, discard, report_discard_granularity;
    uint8_t write_zeroes;
};

struct virtio_blk {
    struct vdev v; /* first */
    struct blk_props p;
    const struct tn_block *block;
    const struct tn_trace *trace; /* NULL: the host has none */
    struct tn_trace_event events[BLK_TRACES];
    struct tn_blk_info info;
    struct blk_limits limits; /* sectors: atomic */
    uint8_t config[BLK_CONFIG_LEN];
    uint32_t config_len;
    uint64_t offered;    /* features of 5.2.3 */
    struct blk_queue *q; /* v.nq */
    struct blk_lane *lane;
    uint32_t nlanes;
    uint32_t drained; /* atomic: the drive wants nothing now */
    uint32_t fua;     /* atomic: every write is to be stable when it completes */
    uint64_t saved_capacity;
    uint8_t saved_writeback;
    uint8_t drive_wce; /* what the drive was before the driver came */
};

/* ---- blk_config.c: what the disk is ---- */

/* [main] checks the properties against each other and the drive, and takes what they leave open
 * from the drive. 0 or -errno with e. */
int blk_config_check(struct virtio_blk *s, struct tn_err *e);
/* [main] features and configuration space, for nq queues. */
void blk_config_build(struct virtio_blk *s, uint32_t nq);
/* [main][dev] the drive has another size. True: the capacity changed. */
bool blk_config_resize(struct virtio_blk *s);
/* [vcpu][dev] the features that the driver chose; legacy: without FEATURES_OK (5.2.5.3). */
void blk_config_negotiated(struct virtio_blk *s, bool legacy);
void blk_config_write(struct virtio_blk *s, uint32_t off, const uint8_t *p, uint32_t len);
/* [main][vcpu][dev] what the driver reads as writeback. */
void blk_config_set_cache(struct virtio_blk *s, bool writeback);
/* [main][vcpu][dev] the cache as it was before the driver came. */
void blk_config_reset(struct virtio_blk *s);

/* ---- blk_map.c: which context serves which queue ---- */

/* [main] fills ctx[0..nq) from iothread and iothread-vq-mapping; NULL: home. 0 or -EINVAL with e.
 */
int blk_map_queues(struct virtio_blk *s, struct tn_ctx **ctx, uint32_t nq, struct tn_err *e);

/* ---- blk_queue.c: from the ring to the drive and back ---- */

/* [main] queues and lanes; v.q has its contexts. 0 or -errno with e. */
int blk_queues_init(struct virtio_blk *s, struct tn_err *e);
/* [main] nothing is under way any more. */
void blk_queues_fini(struct virtio_blk *s);
/* [ctx] buffers may have come. */
void blk_queue_handle(struct vdev_queue *vq);
/* [ctx] a stop has begun: what the drive has not started yet is taken back, and kept. */
void blk_queue_stopping(struct vdev_queue *vq);
/* The queue stands still. Forgets what is kept: a reset. */
void blk_queue_forget(struct blk_queue *q);
/* Adds to what is kept; k is the queue's from here on. */
void blk_queue_keep(struct blk_queue *q, struct vq_kept *k);
/* [ctx] gives rq up until the machine runs on. */
void blk_queue_park(struct blk_rq *rq);
/* [ctx] gives rq back, data bytes of data written for the driver. */
void blk_queue_finish(struct blk_rq *rq, uint64_t data);
/* [ctx] lets go what the drive may hold back, at the end of this turn. */
void blk_lane_flush(struct blk_lane *l);
/* [any] the drive wants nothing now. */
bool blk_lane_drained(const struct blk_lane *l);

/* ---- blk_state.c: in another process ---- */

extern const struct tn_state blk_state;

/* ---- blk_io.c: requests to the drive ---- */

/* [ctx] answers rq, whose status says that op, which it asks for, cannot be. */
void blk_io_refuse(struct blk_rq *rq, uint32_t op);
/* [ctx] submits rq, or keeps it waiting. */
void blk_io_submit(struct blk_rq *rq);
/* [ctx] takes a transfer into the batch of its queue; a full batch goes out. */
void blk_io_add(struct blk_rq *rq);
/* [ctx] submits the batch, neighbours as one. */
void blk_io_batch(struct blk_queue *q);
/* [ctx] submits what waited, as far as there is room. */
void blk_io_retry(struct blk_lane *l);

static inline struct virtio_blk *blk_of(struct vdev_queue *vq)
{
    return (struct virtio_blk *)(void *)vq->v;
}

#endif
