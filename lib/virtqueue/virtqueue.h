/* SPDX-License-Identifier: BSD-2-Clause */
/* The device's side of a virtqueue (Virtual I/O Device 1.3, 2.6 to 2.8): split and packed
 * rings, indirect descriptors, event index, in-order use. It knows no transport and no device type:
 * virtio devices and vhost-user back ends use the same code.
 *
 * The driver is hostile: an index, length, address, chain or table that breaks a rule marks the queue
 * broken, with one line that says why, and vq_pop() gives nothing from then on. Nothing worse happens.
 *
 * One thread at a time uses a queue: the context that it was started for. No function here calls the
 * host for each descriptor: rings are cached mappings, buffers are looked up in the table of RAM
 * (tn_dma.view). Only behind an IOMMU, or across an edge of RAM, does dma->map stand in.
 */
#ifndef TN_VIRTQUEUE_H
#define TN_VIRTQUEUE_H
#include <stdbool.h>
#include <string.h>
#include <tenon/dma.h>
#include <tenon/virtio.h>

enum { VQ_MAX_SIZE = 32768 };

/* One buffer of the driver: a chain of descriptors, as pieces of host memory. First the pieces that
 * the device reads, then those that it writes. A device embeds it as the first member of its request;
 * requests belong to the queue, from vq_pop() to vq_push() or vq_drop(). A device may cut pieces while
 * it works, but the in pieces are as vq_pop() gave them when vq_push() gets them. */
struct vq_elem {
    struct tn_iov *iov;           /* out pieces, then in pieces; valid until vq_push */
    uint32_t nout, nin;           /* pieces */
    uint64_t out_len, in_len;     /* bytes */
    /* the queue's own */
    uint16_t id, ndesc;           /* head or buffer id; descriptors of the ring that it takes */
    uint16_t seq;                 /* order of vq_pop(), for in-order use and vq_unpop() */
    uint8_t life;                 /* of the queue, when it was popped: see vq_start() */
    uint8_t reserved;
    uint32_t written, cap;        /* cap: pieces that iov has room for */
    struct vq_elem *next;         /* among the free ones */
    struct vq_bounce *bounce;     /* what is not plain RAM: mappings and copies to give back */
};

/* Where a queue stands, enough to go on elsewhere (state, vhost). Packed: bit 15 is the wrap counter. */
struct vq_place {
    uint16_t avail, used;
};

/* vq.again: why vq_pop() gave nothing although there is a buffer */
enum {
    VQ_AGAIN_MAP = 1, /* tn_dma.map said -EAGAIN: see map_retry */
    VQ_AGAIN_ROOM = 2 /* too much host memory is in use for what is in flight: when some of it ended */
};

struct vq {
    /* the data path's */
    uint8_t live;                /* started, and not broken */
    uint8_t avail_wrap, used_wrap; /* packed: wrap counters */
    uint8_t life;                /* elements of an earlier one are only released */
    uint8_t kicks_off;           /* vq_kicks(q, false) is in force */
    uint8_t armed;               /* the driver was asked for a kick, at armed_at (event index) */
    uint8_t polled;              /* vq_poll(q, true) is in force: kicks stay off */
    uint8_t again;               /* VQ_AGAIN_*: of the last vq_pop() */
    uint32_t flags, size;        /* TN_VQ_*; descriptors */
    const struct tn_cached *desc, *driver, *device; /* the three areas */
    const struct tn_view *const *view; /* the table of RAM of this moment; *view NULL: map */
    struct vq_elem *free;
    uint32_t hit;                /* where in the table the last buffer was */
    uint16_t avail, used;        /* next to take, next to give back; packed: without the wrap counter */
    uint16_t avail_seen;         /* split: the driver's index when it was last read */
    uint16_t ahead;              /* packed: descriptors from avail on that were looked at: vq_unpop() */
    uint16_t armed_at;
    uint16_t pending;            /* used ring entries (packed: descriptors) not yet published */
    uint32_t inflight;           /* elements popped and not given back */
    uint32_t ndesc;              /* descriptors of the ring that are not used yet */
    uint16_t first, first_flags; /* packed: the pending descriptor that vq_publish() writes last */
    /* VIRTIO_F_IN_ORDER */
    uint16_t seq_next, seq_used; /* of the next vq_pop(); of the next to be used */
    uint16_t run, run_id;        /* used, and not written yet: entries, and the last one's id and length */
    uint32_t run_len, order_mask;
    struct vq_elem **order;      /* given back before their turn, by seq */
    /* set by vq_start */
    const struct tn_dma *dma;
    struct tn_as *as;
    struct tn_ctx *ctx;
    const char *broken;          /* why; NULL: sound */
    /* set by vq_init */
    uint32_t elem_size;          /* bytes of the device's request */
    uint32_t elem_room;          /* pieces for which an element has room from the start */
    uint64_t extra;              /* pieces that elements have room for beyond elem_room */
    uint64_t bounced;            /* bytes of copies in flight */
    struct vq_bounce *bounces;   /* free ones */
    struct vq_bounce **bounce_end; /* of the element that is being made */
    void *table;                 /* an indirect table that is not in one piece of RAM */
    uint32_t table_room;         /* bytes */
};

/* elem_size: of the device's request, at least sizeof(struct vq_elem); elem_room: pieces that a
 * request usually has, at least 1 (more are found room for when they come). No memory is taken. */
void vq_init(struct vq *q, uint32_t elem_size, uint32_t elem_room);
/* Gives back all memory. Nothing is in flight. */
void vq_fini(struct vq *q);

/* [vcpu] or [main]; the queue's context does not use q yet. c: tn_queue's addresses and flags as the
 * transport gives them; place: where to go on with TN_VQ_RESTORE, else NULL. 0; -EINVAL: size or
 * alignment is against 2.6/2.8 (q->broken says why); -ENOMEM. An address that is not RAM is no error
 * here: the queue is broken at its first use.
 * Without TN_VQ_RESTORE a new life begins: what is still in flight of an older one can be pushed and
 * dropped as ever, but the driver never sees it. */
int vq_start(struct vq *q, const struct tn_vq *c, const struct tn_dma *dma, struct tn_as *as,
             struct tn_ctx *ctx, const struct vq_place *place);
/* Publishes what was pushed. The rings are not touched after the return. Elements in flight may still be
 * dropped, pushed without effect, or kept for a start with TN_VQ_RESTORE. */
void vq_stop(struct vq *q);
static inline bool vq_running(const struct vq *q)
{
    return q->desc != NULL;
}
/* Where the queue stands. Elements in flight count as taken: a device that wants them to be taken
 * again calls vq_unpop() first. */
struct vq_place vq_place(const struct vq *q);

/* The next buffer, or NULL: none there, not now (q->again), or the queue is broken. The bytes after
 * struct vq_elem are as the device last left them (zero at first). Where there is none, the driver has
 * been asked for a kick, unless vq_kicks(q, false) is in force. */
void *vq_pop(struct vq *q);
/* The same for up to max of them, at less cost for each; how many there were. */
uint32_t vq_pop_some(struct vq *q, void **els, uint32_t max);
/* Takes the newest element back: vq_pop() will give it again. In reverse order of vq_pop(). */
void vq_unpop(struct vq *q, struct vq_elem *el);
/* Gives the buffer back, with written bytes of its in pieces, counted from the first. The driver sees
 * it at vq_publish(), with VIRTIO_F_IN_ORDER not before all older ones. el is gone. */
void vq_push(struct vq *q, struct vq_elem *el, uint32_t written);
/* The same for a buffer that was written in other places, too, than its first used bytes: a status at
 * its end, behind data that never came. */
void vq_push_gap(struct vq *q, struct vq_elem *el, uint32_t used);
/* The same for n of them, in this order, at less cost for each. */
void vq_push_some(struct vq *q, void *const *els, const uint32_t *written, uint32_t n);
/* Forgets the element without giving it back: a queue reset, a broken queue. */
void vq_drop(struct vq *q, struct vq_elem *el);
/* A buffer that was popped and is not in flight: what is needed to take it again. */
struct vq_kept {
    struct vq_kept *next; /* the device's */
    uint16_t id, ndesc, seq, reserved;
    uint32_t nout, nin;
    struct {
        uint64_t iova, len;
    } piece[]; /* nout, then nin */
};
enum { VQ_MAX_KEPT = 1 << 16 }; /* pieces of one */
/* [ctx] Gives el up, of which iov is as vq_pop() made it, so that vq_retake() gets it again: after a
 * stop and a start with TN_VQ_RESTORE, with other memory below, in another process. The caller frees
 * the answer. NULL: it cannot be done, and el is still in flight. */
struct vq_kept *vq_keep(struct vq *q, struct vq_elem *el);
/* The same buffer, anew; k is the caller's still. NULL: not now (q->again), or the queue is broken. */
void *vq_retake(struct vq *q, const struct vq_kept *k);
/* For loading: all but next and the numbers of pieces is 0. NULL: too many, or no memory. */
struct vq_kept *vq_kept_new(uint32_t nout, uint32_t nin);
/* Shows the driver what was pushed. True: it wants to be notified. */
bool vq_publish(struct vq *q);

/* Are there buffers? Never breaks a queue. */
bool vq_empty(struct vq *q);
/* Asks the driver for kicks (true, as at the start) or tells it that none are needed (false). After true,
 * look again: returns true if buffers came that neither vq_pop() nor vq_room() has seen. */
bool vq_kicks(struct vq *q, bool on);
/* While a queue is polled (true) no kick is asked for, whatever is said to vq_kicks(), which still looks. False:
 * as vq_kicks() was told last; returns true if buffers came that nobody has seen. A start ends it, too. */
bool vq_poll(struct vq *q, bool on);
/* Bytes that could be written into the buffers that are there, counted up to enough: for a device that
 * needs several for one message. */
uint64_t vq_room(struct vq *q, uint64_t enough);

/* Marks the queue broken; why is a constant. */
void vq_break(struct vq *q, const char *why);

/* ---- pieces ---- */

uint64_t vq_read_pieces(const struct tn_iov *v, uint32_t n, uint64_t skip, void *buf, uint64_t len);
uint64_t vq_write_pieces(const struct tn_iov *v, uint32_t n, uint64_t skip, const void *buf, uint64_t len);
/* Copies len bytes from the pieces, skip bytes into them, to buf; returns how many there were. */
static inline uint64_t vq_read(const struct tn_iov *v, uint32_t n, uint64_t skip, void *buf, uint64_t len)
{
    if (!n || skip > v->len || len > v->len - skip)
        return vq_read_pieces(v, n, skip, buf, len);
    memcpy(buf, (const uint8_t *)v->base + skip, len);
    return len;
}
/* The other way. */
static inline uint64_t vq_write(const struct tn_iov *v, uint32_t n, uint64_t skip, const void *buf, uint64_t len)
{
    if (!n || skip > v->len || len > v->len - skip)
        return vq_write_pieces(v, n, skip, buf, len);
    memcpy((uint8_t *)v->base + skip, buf, len);
    return len;
}
uint64_t vq_fill(const struct tn_iov *v, uint32_t n, uint64_t skip, uint8_t byte, uint64_t len);
/* Cuts skip bytes off the front of *v, in place; the pieces that are left. */
uint32_t vq_skip(struct tn_iov **v, uint32_t n, uint64_t skip);
static inline const struct tn_iov *vq_out(const struct vq_elem *el)
{
    return el->iov;
}
static inline struct tn_iov *vq_in(struct vq_elem *el)
{
    return el->iov + el->nout;
}

#endif
