/* SPDX-License-Identifier: BSD-2-Clause */
/* What every device on the virtio-bus does alike: finds its port, starts and stops its queues, gets
 * them their kicks in the right context, and drains them. A device embeds struct vdev as the first
 * member of its instance, fills in vdev_queue.handle, and puts vdev_* into its tn_virtio_ops.
 *
 * A queue belongs to one context. In the home context its handler runs [ctx][dev]; in another one
 * (iothread) it runs [ctx] without the device's lock, and the device guards what queues share: its
 * class says TN_C_THREADSAFE.
 */
#ifndef TN_VDEV_H
#define TN_VDEV_H
#include "virtio/hold.h"
#include "virtqueue/virtqueue.h"
#include <tenon/core.h>
#include <tenon/loop.h>

/* vdev_queue.state */
enum {
    VDEV_Q_STOPPED,
    VDEV_Q_RUNNING,
    VDEV_Q_STOPPING, /* queue_stop() said TN_PENDING; the queue's context winds it down */
    VDEV_Q_ENDED     /* nothing of it is used; the transport is about to be told */
};

/* vdev_queue.polling */
enum { VDEV_POLL_CONTEXT = 1, VDEV_POLL_HOLD = 2 };

struct vdev;
struct vdev_queue {
    struct vq ring;
    struct vdev *v;
    uint32_t index;
    struct tn_ctx *ctx;                    /* NULL: home; set before vdev_setup */
    void (*handle)(struct vdev_queue *q);  /* [ctx] buffers may have come; also once at a start */
    void (*stopping)(struct vdev_queue *q); /* [ctx] or NULL: cut short what would not end by itself */
    uint8_t fed;                           /* set before vdev_setup: what fills it is not the driver's request */
    uint16_t max_size;                     /* set before vdev_setup; 0: as virtqueue-size says, 256 */
    /* own */
    struct tn_watch *watch;                /* of kick_fd, or NULL */
    struct tn_bh *bh;                      /* handle(), or the end of the queue */
    struct tn_poll *poll;                  /* of the ring, or NULL */
    struct tn_bh *report;                  /* queue_stopped(), without the device's lock */
    struct tn_bh *look;                    /* for more, while a notification is held back; */
    struct tn_timer *wait;                 /* or until then, where fed */
    struct hold hold;
    uint32_t state;                        /* VDEV_Q_*, atomic */
    uint32_t parked;                       /* requests that wait for resume: a stop does not wait for them */
    uint8_t deaf;                          /* the handler left buffers: it is not polled before something runs it */
    uint8_t polling;                       /* VDEV_POLL_*: why kicks are off */
    uint8_t told_stop, told_broken;        /* stopping() and port->broken() were called */
    int kick_fd;                           /* borrowed; -errno: none */
    uint8_t placed;                        /* place is one: since the last reset it was stopped, or loaded */
    struct vq_place place;                 /* at the last stop, or loaded */
};

struct vdev {
    struct tn_dev *d;
    const struct tn_virtio_port *port;
    void *p;                               /* first argument of port's functions */
    const struct tn_loop *loop;
    const struct tn_dma *dma;
    struct vdev_queue *q;
    uint32_t nq;
    uint64_t features[TN_VIRTIO_FEATURE_WORDS]; /* negotiated; 0 before */
    uint32_t vq_flags;
};

/* [main] class init: remembers d. */
void vdev_init(struct vdev *v, struct tn_dev *d);
/* [main] realize: nq queues, zeroed, elem_size as in vq_init; v->port works from here on. 0 or -errno
 * with e. Then set handle, ctx and max_size of each queue, then vdev_setup(). */
int vdev_queues(struct vdev *v, uint32_t nq, uint32_t elem_size, uint32_t elem_room, struct tn_err *e);
/* [main] realize: tells the transport; watches and bottom halves are made. */
int vdev_setup(struct vdev *v, uint32_t config_len, struct tn_err *e);
/* [main] unrealize: gives back the memory. */
void vdev_fini(struct vdev *v);

/* Slots of tn_virtio_ops; s is the instance. A device that has more to do wraps them. */
int vdev_negotiated(void *s, const uint64_t *f, uint32_t nwords, uint32_t vq_flags);
/* Without TN_VQ_RESTORE the driver has forgotten what was in flight: a device that parks requests drops
 * them first. */
int vdev_queue_start(void *s, const struct tn_vq *q);
/* Stops the handler; 0 if nothing is in flight (but what is parked), else TN_PENDING. */
int vdev_queue_stop(void *s, uint32_t q);
/* [any] a queue that something else has served, and that vdev does not run, has stopped: the transport is
 * told soon, without the device's lock. */
void vdev_queue_ended(struct vdev_queue *q);
/* Forgets features and places. What is parked the device drops before. */
int vdev_reset(void *s);
void vdev_kick(void *s, uint32_t q, uint32_t data);

static inline bool vdev_has(const struct vdev *v, unsigned bit)
{
    return v->features[bit / 64] >> (bit % 64) & 1;
}
/* [ctx] of the queue: publishes what was pushed, notifies if the driver wants it, reports a broken
 * queue, and ends a stop that was waiting for this. Call it once for each batch of vq_push(). */
void vdev_flush(struct vdev_queue *q);
/* The same for a queue whose answers are followed by more requests, or that is fed in quick succession:
 * the notification may be held back for as long as that is worth it (hold.h). What was pushed is published
 * at once. */
void vdev_settle(struct vdev_queue *q);
/* [ctx] may the handler take buffers? False once a stop has begun. */
bool vdev_running(const struct vdev_queue *q);
/* [any] run handle() soon. */
void vdev_poke(struct vdev_queue *q);
/* [ctx] n more (or fewer, n < 0) requests are kept for resume. */
void vdev_park(struct vdev_queue *q, int32_t n);
/* Saved state of one queue: a tn_state for TN_S_SUB over struct vdev_queue (place). */
extern const struct tn_state vdev_queue_state;

#endif
