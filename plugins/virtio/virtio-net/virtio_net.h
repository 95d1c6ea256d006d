/* SPDX-License-Identifier: BSD-2-Clause */
/* The network device's own: one instance, and what its files ask of each other. All of it runs in
 * the home context with the device's lock held.
 *
 * A packet takes one of three roads:
 *   a TAP's descriptor   read straight into the driver's buffers, written straight from them
 *   tn_netdev            back ends without a descriptor, or with filters in between: copied in,
 * lent out vhost                the back end serves the queues; this device has the control queue
 */
#ifndef TN_VIRTIO_NET_H
#define TN_VIRTIO_NET_H
#include "net_filter.h"
#include "net_hash.h"
#include "net_hdr.h"
#include "virtio/vdev.h"
#include <sys/uio.h>
#include <tenon/net.h>
#include <tenon/vhost.h>

_Static_assert(sizeof(struct tn_iov) == sizeof(struct iovec) &&
                   offsetof(struct tn_iov, len) == offsetof(struct iovec, iov_len),
               "pieces are given to readv and writev as they are");

enum {
    NET_PIECES = 1024,            /* of one system call: UIO_MAXIOV */
    NET_FLAT = NET_FRAME_MAX + 1, /* one more, to see that a packet is too long */
    NET_CTRL_QUEUE = 64,
    NET_CTRL_HEADER = 2,
    NET_RX_BATCH = 256,  /* packets read before others have their turn */
    NET_CTRL_MAX = 65536 /* bytes of one control command */
};

/* 5.1.6.5.9: notify after so many packets, or so many microseconds; either 0: at once. */
struct net_coal_params {
    uint32_t packets, usecs;
};
enum { NET_COAL_RX, NET_COAL_TX }; /* as the lowest bit of a queue's index */
struct net_coal {
    struct vdev_queue *q;
    struct tn_timer *timer;
    struct net_coal_params params;
    uint32_t count;      /* packets since the last notification */
    uint8_t armed, want; /* want: the driver asked to be told */
};

struct virtio_net;

/* One receive and one transmit queue, and the same queue of the back end. */
struct net_pair {
    struct virtio_net *n;
    struct vdev_queue *rx, *tx;
    uint32_t index;
    struct net_coal coal[2]; /* by NET_COAL_* */
    int fd;                  /* the back end's; -1: it has none */
    struct tn_watch *watch;  /* of fd */
    uint32_t events;         /* what watch looks for */

    /* receive, as the source of packets */
    uint8_t *flat; /* NET_FLAT bytes: a packet that did not fit, or that is
                      looked at before its queue is chosen */
    uint64_t held; /* bytes of one that waits there for room; 0: none */
    uint8_t held_hdr[NET_HDR_V1_LEN];
    uint8_t blocked; /* it waits for a kick of its receive queue */

    /* receive, as their destination. stock: buffers taken for the next packets; none is kept over a
     * return to the event loop */
    struct vq_elem **stock;
    uint32_t nstock, pieces;
    uint8_t choked;    /* more pieces than one call takes: no more buffers go into stock */
    uint64_t room;     /* bytes in stock */
    uint64_t want;     /* bytes to keep in stock, by the size of packets seen */
    struct tn_iov *in; /* [0]: header; from 1 on: room behind the driver's header */
    uint32_t nin;
    uint8_t dirty; /* pushed and not shown to the driver yet */

    /* transmit */
    struct tn_iov *out; /* [0]: header */
    uint8_t hdr[NET_HDR_V1_LEN];
    uint8_t *whole;         /* NET_FLAT bytes, once a packet had too many pieces */
    struct vq_elem *kept;   /* the back end holds it until sent() */
    struct tn_timer *timer; /* tx=timer */
    uint8_t full, armed;    /* full: the TAP takes nothing more now */
};

enum net_tx_mode { NET_TX_BH, NET_TX_TIMER };

struct virtio_net {
    struct vdev v;
    const struct tn_netdev *netdev;
    struct net_pair *pair;
    uint32_t npairs, curr_pairs;

    /* what the user asked for */
    struct tn_net *peer; /* NULL: none */
    uint8_t mac_given[ETH_ALEN];
    uint64_t wanted; /* NET_F_* */
    const char *tx, *duplex_name;
    uint16_t rx_size, tx_size, host_mtu;
    int32_t speed, tx_burst, bootindex;
    uint32_t tx_timer; /* ns */
    uint8_t mtu_bypass;
    enum net_tx_mode tx_mode;
    uint8_t duplex;

    /* what the back end can do */
    uint64_t can_receive, can_send; /* TN_NET_*: offloads to and from the guest */
    uint32_t back_hdr;              /* bytes of its header: 0 or NET_HDR_V1_LEN */

    /* what was negotiated */
    uint64_t f;       /* v.features[0], closed (5.1.3.1) */
    uint32_t hdr_len; /* of the driver's header */
    uint8_t mergeable;
    uint64_t offloads; /* NET_F_GUEST_*, on now */
    struct net_rss rss;
    struct net_coal_params coal[2]; /* what a queue starts with */

    struct net_filter filter;
    uint16_t status; /* NET_S_* */

    struct net_vhost *vhost; /* NULL: the queues are served here */
};

static inline bool net_has(const struct virtio_net *n, unsigned bit)
{
    return n->f >> bit & 1;
}

/* ---- net_config.c: features, configuration space, what follows from what was negotiated ---- */

/* Realize: checks the properties, asks the back end what it can. 0 or -errno with e. */
int net_config_init(struct virtio_net *n, struct tn_err *e);
uint32_t net_config_len(const struct virtio_net *n);
int net_features(void *s, uint64_t *f, uint32_t nwords, struct tn_err *e);
int net_negotiated(void *s, const uint64_t *f, uint32_t nwords, uint32_t vq_flags);
void net_config_read(void *s, uint32_t off, void *buf, uint32_t len);
void net_config_write(void *s, uint32_t off, const void *buf, uint32_t len);
/* As after a reset of the device. */
void net_config_reset(struct virtio_net *n);
/* NET_F_GUEST_* that the driver turned on; tells the back end. */
void net_set_offloads(struct virtio_net *n, uint64_t offloads);
void net_set_link(struct virtio_net *n, bool up);

/* ---- net_rx.c ---- */

void net_rx_handle(struct vdev_queue *q);
/* tn_net_ops.receive; s: the instance. */
int64_t net_rx_receive(void *s, uint32_t q, const struct tn_iov *v, uint32_t n);
/* The watch of a TAP says that there are packets. */
void net_rx_readable(struct net_pair *from);
/* tn_net_ops.received: shows the driver what came. */
void net_rx_received(void *s, uint32_t q);
/* Other queues may be in use now: sources that wait look again. */
void net_rx_unblock(struct virtio_net *n);

/* ---- net_tx.c ---- */

void net_tx_handle(struct vdev_queue *q);
void net_tx_stopping(struct vdev_queue *q);
/* The watch of a TAP says that it takes packets again. */
void net_tx_writable(struct net_pair *p);
void net_tx_timer(void *s); /* s: a struct net_pair */

/* ---- net_pair.c: queues and the back end's descriptors ---- */

int net_pairs_init(struct virtio_net *n, struct tn_err *e);
void net_pairs_fini(struct virtio_net *n);
/* The back end's descriptors are not used any more. */
void net_pairs_unwatch(struct virtio_net *n);
/* What the watch of p's descriptor looks for: TN_FD_*, on or off. */
void net_pair_watch(struct net_pair *p, uint32_t event, bool on);
/* 5.1.6.5.5: pairs that the driver uses from here on. */
void net_set_pairs(struct virtio_net *n, uint32_t pairs);
/* Which queue serves index 2 depends on what was negotiated (5.1.2). */
void net_place_control(struct virtio_net *n);
bool net_is_control(const struct virtio_net *n, uint32_t q);

/* ---- net_coal.c ---- */

/* Realize. 0 or -ENOMEM. */
int net_coal_init(struct net_coal *c, struct vdev_queue *q);
/* In place of vdev_flush(), for transmit and receive queues. */
void net_coal_flush(struct net_coal *c);
/* Commands of class NOTF_COAL; false: VIRTIO_NET_ERR. out: 8 bytes. */
bool net_coal_set(struct virtio_net *n, uint8_t cmd, const uint8_t *data, uint64_t len);
bool net_coal_get(struct virtio_net *n, const uint8_t *data, uint64_t len, uint8_t *out);
/* Queue q is enabled anew. */
void net_coal_enable(struct virtio_net *n, uint32_t q);
void net_coal_reset(struct virtio_net *n);

/* ---- net_ctrl.c ---- */

void net_ctrl_handle(struct vdev_queue *q);
/* Executes the command in el, which has room for its class, command and ack. Returns the bytes
 * written. */
uint32_t net_ctrl_answer(struct virtio_net *n, struct vq_elem *el);

/* ---- net_announce.c ---- */

/* Asks the driver, if it can. */
void net_announce_ask(struct virtio_net *n);
/* 5.1.6.5.4: the driver has seen the request. */
void net_announce_ack(struct virtio_net *n);

/* ---- net_nic.c ---- */

extern const struct tn_nic net_nic;         /* TN_NIC_1 */
void net_nic_changed(struct virtio_net *n); /* what passes is not what it was */

/* ---- net_vhost.c ---- */

/* Realize: 1: the back end serves the queues; 0: it does not; -errno with e. */
int net_vhost_open(struct virtio_net *n, struct tn_err *e);
void net_vhost_close(struct virtio_net *n);
/* [main][dev] the back end is about to go: its queues are served here from now on. 0 or -ENOMEM. */
int net_vhost_leave(struct virtio_net *n);
uint64_t net_vhost_features(struct virtio_net *n, uint64_t f);
int net_vhost_negotiated(struct virtio_net *n, const uint64_t *f, uint32_t nwords);
/* Slots of tn_virtio_ops for the queues that vhost serves. */
int net_vhost_queue_start(struct virtio_net *n, const struct tn_vq *q);
int net_vhost_queue_stop(struct virtio_net *n, uint32_t q);
/* [main][dev] TN_VIRTIO_LENT_1 */
extern const struct tn_virtio_lent net_lent;
/* Which pairs are in use, or the link, has changed. */
void net_vhost_update(struct virtio_net *n);

#endif
