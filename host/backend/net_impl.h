/* SPDX-License-Identifier: BSD-2-Clause */
/* What lies between a front end and a back end.
 *
 *   front end --send()--> [out ring] --back_bh--> filters -> be->send()   in the back end's context
 *   front end <-receive()-- filters <--front_bh-- [in ring] <-- deliver() in the front end's
 * context
 *
 * The two devices are two lock domains and may live in two threads. Neither calls the other: each
 * puts packets into a ring and kicks the other's bottom half, so no thread ever holds both locks.
 * The exception is a back end that needs no lock (TN_NETB_ANY): while nothing stands in the ring
 * and no filter in the way, send() goes straight to it.
 *
 * Flow control: a back end that is full says so, packets wait in the out ring; when that is full
 * too, one more for each queue is kept where the front end has it, and sent() tells when it went.
 * A front end that is full lets the in ring fill up, and deliver() says 0 to the back end, which
 * stops reading until can_receive().
 *
 * Filters stand in a list, head to tail: packets to the guest meet them in that order, packets from
 * it in the other. They run where the ring is emptied, each with its own lock. */
#ifndef TN_HOST_NET_IMPL_H
#define TN_HOST_NET_IMPL_H
#include "net.h"
#include "net_ring.h"
#include <tenon/vhost.h>

enum {
    NET_BATCH = 256, /* packets of a bottom half's round; then others have their turn */
    NET_DOWN_BACK = 1,
    NET_DOWN_USER = 2, /* set_link */
    NET_QUEUES_MAX = 1024
};

/* One direction of a queue. */
struct net_lane {
    struct net_ring ring;
    uint32_t passed;   /* the oldest packet has been through all filters */
    uint32_t blocked;  /* who takes from the ring was full, and has not said otherwise since */
    uint32_t unblocks; /* how often it has said so */
    uint32_t drop;     /* what lies before stale has a header of another length */
    uint32_t stale;
};
struct net_queue {
    struct net_lane out, in;
    const struct tn_iov *kept; /* the packet that send() kept, NULL = none */
    uint32_t nkept;
    void (*sent)(void *);
    void *arg;
    uint32_t direct;    /* a front end's thread is inside be->send() */
    uint32_t starved;   /* deliver() was full: can_receive() is owed */
    uint32_t tell_room; /* and due */
};

struct net_front {
    struct managed m; /* of dev */
    struct tn_net *n;
    struct device *dev; /* NULL: nobody */
    struct tn_ctx *ctx;
    const struct tn_net_ops *ops;
    void *s;
    struct tn_bh *bh; /* NOLOCK: takes the lock itself */
    uint32_t gen;     /* 0 = nobody; of the attachment */
    uint32_t link;    /* what it was told */
};

struct net_filter {
    struct managed m; /* of dev */
    TAILQ_ENTRY(net_filter) entry;
    struct tn_net *n;
    struct device *dev;
    const struct tn_net_filter *ops;
    void *self;
    uint32_t dirs, serial, stopped;
};

struct net_offload {
    uint32_t hdr_len;
    uint64_t to_guest, from_guest;
};

struct tn_net {
    struct managed m;       /* of back: the last that it releases */
    LIST_ENTRY(tn_net) all; /* of struct nets; main thread */
    pthread_mutex_t lock;   /* leaf: all below */
    uint32_t refs;          /* the back end, the front end, filters */
    struct device *back;    /* NULL once it is gone: packets are swallowed then */
    const struct tn_net_backend *be;
    struct tn_bh *back_bh; /* NOLOCK, as the front end's */
    struct net_front front;
    uint32_t last_gen, told_peer; /* gen of the front end that the back end knows of */
    struct net_queue *q;          /* from the first attach on */
    uint32_t nq;
    uint32_t down; /* NET_DOWN_* */
    struct net_offload offload;
    uint32_t offload_agreed,
        offload_refused; /* to the front end's realize: some, or all that it tried */
    uint32_t offload_posted, last_posted; /* not 0: the back end is to hear of it; its number */
    TAILQ_HEAD(net_filter_list, net_filter) filters;
    uint32_t nfilters, serial;
    uint32_t hub;    /* its back end is a port of a hub */
    uint32_t lent;   /* the front end has its descriptors: nothing passes here; main thread */
    uint32_t served; /* or its interface; likewise */
    char *info;      /* for monitors; main thread */
};

/* A NIC that has a MAC address. */
struct net_nic {
    struct managed m; /* of the NIC */
    TAILQ_ENTRY(net_nic) entry;
    uint32_t counted; /* its address is one of struct nets.macs: this one */
    uint8_t mac[6];
    uint32_t watched; /* somebody has asked for its filter since it changed last; atomic */
};
struct net_announce;
struct net_hub;
/* vm->nets */
struct nets {
    uint32_t macs[256];         /* of 52:54:00:12:34:XX: how many NICs */
    TAILQ_HEAD(, net_nic) nics; /* in order; changed by the main thread, with lock */
    pthread_mutex_t lock;       /* leaf */
    LIST_HEAD(, tn_net) all;
    LIST_HEAD(, net_announce) announces;
    LIST_HEAD(, net_hub) hubs;
    uint32_t anonymous; /* number for the next back end without an id */
    char **nic_netdev;  /* for each -nic and -net nic, in order: its back end; NULL = no NIC */
    size_t nnics;
};
struct nets *nets_of(struct vm *vm);

/* ---- net.c ---- */
void net_ref(struct tn_net *n);
void net_unref(struct tn_net *n);
/* d is the front end of n, or of nobody (NULL), and then hears of its cable alone. Callbacks in c,
 * NULL: its home context. 0, or -EBUSY with e. */
int net_attach(struct tn_net *n, struct device *d, struct tn_ctx *c, const struct tn_net_ops *o,
               void *s, struct tn_err *e);

/* ---- net_link.c ---- */
/* The handle whose front end dev is; NULL. */
struct tn_net *net_of_front(struct vm *vm, const struct device *dev);
/* Why the link is down, one of NET_DOWN_*: no longer if up. Any thread. */
void net_set_down(struct tn_net *n, uint32_t bit, int up);
/* ---- net_monitor.c ---- */
void net_say(struct tn_dev *d, const char *text);                     /* feed->info */
void net_connected(struct tn_dev *d, const void *addr, uint32_t len); /* feed->connected */
void net_rx_changed(struct tn_dev *d);                                /* netdev->rx_changed */
/* A line of `info network`, or several. */
void net_describe_back(const struct tn_net *n, struct buf *out);
void net_describe_nic(struct device *dev, struct buf *out);
/* ---- net_announce.c ---- */
void net_announces_free(struct nets *nets);

/* ---- net_flow.c ---- */
/* A packet of the host's own, as if n's front end had sent it through queue 0; lost if there is no
 * room. Main thread, no lock held. */
void net_inject(struct tn_net *n, const void *frame, uint32_t len);
void net_front_run(void *front); /* the front end's bottom half */
void net_back_run(void *net);    /* the back end's */
int64_t net_send(struct tn_net *n, uint32_t q, const struct tn_iov *v, uint32_t nv,
                 void (*sent)(void *), void *arg);
int64_t net_deliver(struct tn_net *n, uint32_t q, const struct tn_iov *v, uint32_t nv);
void net_kick_front(struct tn_net *n); /* lock held */
void net_kick_back(struct tn_net *n);  /* lock held */

/* ---- net_filter.c ---- */
enum { NET_PASS, NET_TAKEN };
/* Runs the filters that a packet of queue q meets from here on. No lock held. */
int net_filter_run(struct tn_net *n, uint32_t dir, uint32_t q, struct net_rec *rec);
int net_is_filtered(struct tn_net *n); /* any thread */

/* ---- net_hub.c, net_dump.c, net_buffer.c, net_redirect.c ---- */
extern const struct tn_class net_hubport_class, net_dump_class, net_buffer_class, net_mirror_class,
    net_redirector_class;
int net_hubport_is_taken(const struct device *d); /* it has a back end, so no NIC fits */
void net_hubs_warn(struct vm *vm);
void net_hubs_describe(struct vm *vm, struct buf *out);

#endif
