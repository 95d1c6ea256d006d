/* SPDX-License-Identifier: BSD-2-Clause */
/** @file
 * Block devices: the front end's side (a disk controller) and the back end's (a class of kind TN_K_BLOCK).
 */
#ifndef TENON_BLOCK_H
#define TENON_BLOCK_H
#include <tenon/prop.h>
#ifdef __cplusplus
extern "C" {
#endif

struct tn_blkq; /**< a queue of a block device, bound to a context */

/** Operations. Offsets and lengths are bytes, multiples of tn_blk_info.logical. */
enum { TN_BLK_READ = 1, TN_BLK_WRITE, TN_BLK_FLUSH, TN_BLK_DISCARD, TN_BLK_WRITE_ZEROES, TN_BLK_SECURE_ERASE };
/** Flags of a request */
enum {
    TN_BLKR_FUA = 1,  /**< on stable storage before done() */
    TN_BLKR_UNMAP = 2 /**< WRITE_ZEROES may give the blocks back */
};
/** tn_blk_info.flags */
enum {
    TN_BLKF_READONLY = 1,
    TN_BLKF_WRITE_CACHE = 2, /**< FLUSH matters */
    TN_BLKF_DISCARD = 4,
    TN_BLKF_WRITE_ZEROES = 8, /**< faster than writing them */
    TN_BLKF_REMOVABLE = 16,
    TN_BLKF_INSERTED = 32,
    TN_BLKF_SECURE_ERASE = 64,
    TN_BLKF_FUA = 128 /**< of a back end: it takes TN_BLKR_FUA; the host flushes after the write if not */
};
/** attach(): flags */
enum {
    TN_BLKA_WRITE = 1,   /**< the front end will write */
    TN_BLKA_SHARE_RW = 2, /**< share-rw=on: others may write, too */
    TN_BLKA_READ = 4      /**< to back ends only: somebody uses it at all */
};
/** Error policy, by direction: what rerror= and werror= say */
enum { TN_BLKE_AUTO = 0, TN_BLKE_REPORT, TN_BLKE_IGNORE, TN_BLKE_STOP, TN_BLKE_ENOSPC };
struct tn_blk_info {
    uint32_t struct_size, flags;  /**< TN_BLKF_* */
    uint64_t size;                /**< bytes */
    uint32_t logical, physical;   /**< bytes of a block */
    uint32_t min_io, opt_io;      /**< bytes; 0 = not known */
    uint64_t max_transfer;        /**< bytes of one request; 0 = no limit */
    uint64_t max_discard, discard_align;
    uint32_t max_iov, mem_align;  /**< 0 = no limit; bytes, other buffers are copied */
};

/** Front end. */
struct tn_blk_ops {
    uint32_t struct_size, flags;
    /** [main][dev] submit nothing until drain_end(); what is in flight completes */
    void (*drain_begin)(void *s);
    void (*drain_end)(void *s); /**< [main][dev] */
    void (*resized)(void *s);   /**< [main][dev] ask info() again */
    /** [main][dev] a medium came (1), is asked back (2), or went (0) */
    void (*media)(void *s, uint32_t what);
};
#define TN_BLOCK_1 "tenon.block/1"
/** TN_BLOCK_1 */
struct tn_block {
    uint32_t struct_size, rev;
    /** [main] one front end per device: -EBUSY. flags TN_BLKA_*; -EACCES to write to a read-only device. Managed */
    int (*attach)(struct tn_blk *b, struct tn_dev *d, uint32_t flags, const struct tn_blk_ops *o, void *s, struct tn_err *e);
    /** [any] fills at most out->struct_size bytes. logical: 512, or what the medium is formatted with */
    int (*info)(struct tn_blk *b, struct tn_blk_info *out);
    /** [main] the queue of context c, made at the first call after attach; flags TN_LF_NOLOCK: done() runs without [dev].
     * NULL: the back end cannot have one more, and the log says why. Managed: what is in flight when the front end goes is
     * waited for, its done() is not called any more */
    struct tn_blkq *(*queue)(struct tn_blk *b, struct tn_ctx *c, uint32_t flags);
    /** [ctx] 0: done(arg, err) follows, once, in the queue's context and never inside; v and its memory stay valid until
     * then. -EINVAL, -EAGAIN (no room before the next done()): it does not */
    int (*submit)(struct tn_blkq *q, uint32_t op, uint64_t off, uint64_t len, const struct tn_iov *v, uint32_t n, uint32_t flags,
                  void (*done)(void *arg, int err), void *arg);
    /** [ctx] submit may hold requests back until here */
    void (*flush_batch)(struct tn_blkq *q);
    /** [ctx] best effort: done(arg, -ECANCELED) or the real end follows all the same. -ENOENT */
    int (*cancel)(struct tn_blkq *q, void *arg);
    /** [ctx] after a failed request. policy TN_BLKE_* of the device's rerror= or werror=, AUTO: the drive's. 0 report it,
     * 1 ignore it, 2 the VM stops: keep it, resubmit in resume */
    int (*on_error)(struct tn_blk *b, uint32_t op, int err, uint32_t policy);
    /** [vcpu][dev] the guest switches the write cache; off: every write is FUA. -ENOTSUP */
    int (*write_cache)(struct tn_blk *b, uint32_t on);
    /** [vcpu][dev] tray of removable media: open (1) or closed (0), locked (1) or not; -ENOTSUP */
    int (*tray)(struct tn_blk *b, uint32_t open, uint32_t locked);
    /** [ctx] the front end has told its guest that a request of op cannot be, such as one beyond the end, and has not
     * submitted it: for statistics. Nothing where op is none of TN_BLK_* */
    void (*refused)(struct tn_blkq *q, uint32_t op);
};

/** One request as the back end sees it; owned by the host, valid until tn_blk_feed.done. */
struct tn_blk_req {
    uint32_t struct_size, op;    /**< TN_BLK_* */
    uint64_t off, len;           /**< bytes */
    const struct tn_iov *iov;
    uint32_t niov, flags;        /**< TN_BLKR_* */
    uint64_t own[4];             /**< the back end's, not initialised */
};
/** What -blockdev and -drive say of any node, and the back end has to know at open: put it into the instance, with its rows
 * into the class's properties. The host keeps to it, too: no write reaches a read-only node, no flush one with no_flush. */
struct tn_blk_open {
    uint8_t read_only;
    uint8_t auto_read_only; /**< if it cannot be opened for writing, open it for reading: info says READONLY */
    uint8_t direct;         /**< past the host's page cache */
    uint8_t no_flush;
    uint8_t force_share;    /**< read-only beside others who write: take no lock */
};
/** T: the instance, o: its member of type struct tn_blk_open */
#define TN_BLK_OPEN_PROPS(T, o)                                                                                        \
    TN_PROP(T, o.read_only, "read-only", BOOL, 0, "never written to"),                                                 \
        TN_PROP(T, o.auto_read_only, "auto-read-only", BOOL, 0, "read-only if it cannot be written to"),               \
        TN_PROP(T, o.direct, "cache.direct", BOOL, 0, "past the host's page cache"),                                   \
        TN_PROP(T, o.no_flush, "cache.no-flush", BOOL, 0, "never flushed"),                                            \
        TN_PROP(T, o.force_share, "force-share", BOOL, 0, "reading beside others who write")

/** FWD: bus_ops of a class of kind TN_K_BLOCK; also implemented by formats and filters, which attach as a front end to the
 * node that their property "file" (TN_P_DRIVE) names. Requests come aligned to info.logical, in pieces within max_transfer
 * and max_iov, buffers aligned to mem_align, and lie within info.size, rounded up to 512 and to info.logical. What is not
 * there (the rest of a last block, what a file has lost since) reads as zeroes. */
struct tn_blk_backend {
    uint32_t struct_size, flags;
    /** [main][dev] fills at most out->struct_size bytes. Flags WRITE_ZEROES, DISCARD: it takes the operation; -ENOTSUP from a
     * request all the same is legal, the host does without from there on */
    int (*info)(void *s, struct tn_blk_info *out);
    /** [main] state for requests of context c, the first argument below; NULL with e */
    void *(*queue)(void *s, struct tn_ctx *c, struct tn_err *e);
    /** [main] nothing of it is in flight: the host has drained it, so a back end needs no quiesce of its own; no callback
     * of its context runs any more */
    void (*queue_del)(void *q);
    /** [ctx] without [dev], concurrent over queues: 0, feed->done follows; -EAGAIN: no room before the next done */
    int (*submit)(void *q, struct tn_blk_req *r);
    /** [ctx] the end of a batch; NULL = submit holds nothing back */
    void (*flush_batch)(void *q);
    /** [ctx] best effort; feed->done follows all the same. NULL = cannot */
    void (*cancel)(void *q, struct tn_blk_req *r);
    /** [main][dev] from here on it is used so: TN_BLKA_*, before the first queue and when it changes; 0: by nobody. Locks
     * are taken and dropped here. -EBUSY ("Failed to get \"write\" lock") and the like, with e. NULL = no opinion */
    int (*access)(void *s, uint32_t flags, struct tn_err *e);
    /** [main][dev] nothing is in flight: make it size bytes. -ENOTSUP, -errno with e. NULL = cannot */
    int (*resize)(void *s, uint64_t size, struct tn_err *e);
};
#define TN_BLOCK_FEED_1 "tenon.block-feed/1"
/** TN_BLOCK_FEED_1: d is the back end itself. */
struct tn_blk_feed {
    uint32_t struct_size, rev;
    /** [ctx] of the queue that r came through, without [dev], never inside submit or cancel: 0 or -errno */
    void (*done)(struct tn_dev *d, struct tn_blk_req *r, int err);
    /** [any] info() has changed: size, flags, medium */
    void (*changed)(struct tn_dev *d);
};

#ifdef __cplusplus
}
#endif
#endif
