/* SPDX-License-Identifier: BSD-2-Clause */
/** @file
 * Network: the front end's side (a NIC), the back end's (a class of kind TN_K_NETDEV), and filters between them.
 */
#ifndef TENON_NET_H
#define TENON_NET_H
#include <tenon/base.h>
#ifdef __cplusplus
extern "C" {
#endif

/** Offloads: what one side lets the other leave undone; a packet begins with a virtio_net_hdr then (virtio 1.2 5.1.6) */
enum {
    TN_NET_CSUM = 1,
    TN_NET_TSO4 = 2,
    TN_NET_TSO6 = 4,
    TN_NET_UFO = 8,
    TN_NET_ECN = 16,
    TN_NET_USO = 32
};

/** Front end. A packet is one whole Ethernet frame without FCS, behind its virtio_net_hdr if one was agreed on. */
struct tn_net_ops {
    uint32_t struct_size, flags;
    /** [ctx][dev] a packet for queue q: bytes taken (all), 0: full, flush() will come; -errno: dropped */
    int64_t (*receive)(void *s, uint32_t q, const struct tn_iov *v, uint32_t n);
    /** [ctx][dev] link of the back end: 1 up, 0 down. Up until it is said */
    void (*link)(void *s, uint32_t up);
    /** [ctx][dev] the batch of receive() calls for q ends: publish and notify now. May be NULL */
    void (*received)(void *s, uint32_t q);
    /** [main][dev] the back end is about to go: 0 if nothing lent by fds() or get_iface() is used from the return on, and
     * link(0) follows. -errno: it has to stay. NULL = it has to, while something is lent */
    int (*gone)(void *s);
};
#define TN_NETDEV_1 "tenon.netdev/1"
/** TN_NETDEV_1 */
struct tn_netdev {
    uint32_t struct_size, rev;
    /** [main] one front end per back end: -EBUSY. Callbacks run in c, NULL = home. n NULL: a NIC without a back end, which
     * hears of its link. Managed */
    int (*attach)(struct tn_net *n, struct tn_dev *d, struct tn_ctx *c, const struct tn_net_ops *o, void *s, struct tn_err *e);
    /** [main] queues of the back end, at least 1 */
    uint32_t (*queues)(struct tn_net *n);
    /** [ctx][dev] bytes: taken, v is free. 0: kept, v stays valid until sent(arg) ran, in the same context and never inside;
     * one at a time for each q. -errno: dropped, -EBUSY: q keeps one already */
    int64_t (*send)(struct tn_net *n, uint32_t q, const struct tn_iov *v, uint32_t nv, void (*sent)(void *), void *arg);
    /** [ctx][dev] receive() has room again */
    void (*flush)(struct tn_net *n, uint32_t q);
    /** [main][vcpu][dev] length of the virtio_net_hdr (0, 10 or 12 bytes) and TN_NET_* of each direction; -ENOTSUP:
     * unchanged. Packets of before that are still on their way, in either direction, are dropped. In realize the back end
     * itself answers; later it follows, and the answer is what it said then */
    int (*offload)(struct tn_net *n, uint32_t hdr_len, uint64_t to_guest, uint64_t from_guest);
    /** [main] fds of a TAP, one per queue, borrowed: how many, or -ENOTSUP */
    int (*fds)(struct tn_net *n, int *fd, uint32_t max);
    /** [main] interface of the back end (TN_VHOST_1) and its handle; NULL if it has none */
    const void *(*get_iface)(struct tn_net *n, const char *id, void **handle);
    /** [ctx][dev] forget the packet that q keeps: sent() is not called. 1 if there was one. For a queue's stop and a reset */
    int (*purge)(struct tn_net *n, uint32_t q);
    /** [main] in realize of any NIC, with a back end or without: all zero gets the next free 52:54:00:12:34:56 and up, as if
     * the user had given it; any other is noted as taken */
    void (*mac)(struct tn_dev *d, uint8_t mac[6]);
    /** [any] of a NIC that has TN_NIC_1: what rx_filter() tells is no longer what it was */
    void (*rx_changed)(struct tn_dev *d);
};

/** What a NIC lets through of a kind of packets: those in its table, none, or all */
enum { TN_NET_RX_NORMAL = 0, TN_NET_RX_NONE, TN_NET_RX_ALL };
/** tn_net_rx.flags */
enum {
    TN_NET_RXF_PROMISC = 1,
    TN_NET_RXF_BROADCAST = 2,     /**< passes */
    TN_NET_RXF_UNI_OVERFLOW = 4,  /**< the guest asked for more addresses than the table holds */
    TN_NET_RXF_MULTI_OVERFLOW = 8
};
struct tn_net_rx {
    uint32_t struct_size, flags; /**< TN_NET_RXF_* */
    uint32_t unicast, multicast, vlan; /**< TN_NET_RX_* */
    uint32_t nuni, nmulti;       /**< addresses in the tables */
    uint8_t mac[6];
    uint8_t reserved[6];
    const uint8_t *uni, *multi;  /**< of 6 bytes each; valid while [dev] is held, as vlans */
    const uint8_t *vlans;        /**< 4096 bits, bit i % 8 of byte i / 8: tag i passes; NULL: every tag does */
};
#define TN_NIC_1 "tenon.nic/1"
/** FWD: TN_NIC_1, of a NIC. */
struct tn_nic {
    uint32_t struct_size, flags;
    /** [main][dev] fills at most out->struct_size bytes; 0 or -errno */
    int (*rx_filter)(void *s, struct tn_net_rx *out);
    /** [main][dev] the host tells the network where it is: ask a driver that can to do so as well. NULL = cannot */
    void (*announce)(void *s);
};

/** tn_net_backend.flags */
enum {
    TN_NETB_ANY = 1 /**< send() is [any] without [dev], for each q one call at a time: the front end's thread is in it */
};
/** bus_ops of a class of kind TN_K_NETDEV. */
struct tn_net_backend {
    uint32_t struct_size, flags; /**< TN_NETB_* */
    /** [main] valid after realize */
    uint32_t (*queues)(void *s);
    /** [ctx][dev] guest to world: bytes taken (all), 0: full, nothing is kept, feed->writable() follows; -errno: dropped */
    int64_t (*send)(void *s, uint32_t q, const struct tn_iov *v, uint32_t n);
    /** [ctx][dev] the front end has room again, or has come */
    void (*can_receive)(void *s, uint32_t q);
    /** [main][dev] as tn_netdev.offload; NULL = none */
    int (*offload)(void *s, uint32_t hdr_len, uint64_t to_guest, uint64_t from_guest);
    /** [main][dev] as tn_netdev.fds; NULL = none */
    int (*fds)(void *s, int *fd, uint32_t max);
    /** [main][dev] a front end came (1) or went (0) */
    void (*peer)(void *s, uint32_t present);
};
#define TN_NET_FEED_1 "tenon.net-feed/1"
/** TN_NET_FEED_1: d is the back end itself. The host queues: no front end runs inside. */
struct tn_net_feed {
    uint32_t struct_size, rev;
    /** [ctx][dev] world to guest: bytes taken (copied), 0: full, can_receive() will come; -ENOTCONN: no front end */
    int64_t (*deliver)(struct tn_dev *d, uint32_t q, const struct tn_iov *v, uint32_t n);
    /** [ctx][dev] 1 up, 0 down */
    void (*link)(struct tn_dev *d, uint32_t up);
    /** [any] send() has room for q again */
    void (*writable)(struct tn_dev *d, uint32_t q);
    /** [main][dev] what a monitor shows of it, in few words: "tcp:127.0.0.1:4444"; copied */
    void (*info)(struct tn_dev *d, const char *text);
    /** [main][dev] of a stream: connected to the peer at addr, a struct sockaddr of len bytes; NULL: no longer */
    void (*connected)(struct tn_dev *d, const void *addr, uint32_t len);
};

#define TN_NET_FORWARDS_1 "tenon.net-forwards/1"
/** FWD: TN_NET_FORWARDS_1, of a back end that leads ports of the host to the guest. [main][dev] all. */
struct tn_net_forwards {
    uint32_t struct_size, flags;
    /** "[tcp|udp]:[host]:port-[guest]:port". 0 or -errno with e */
    int (*add)(void *s, const char *rule, struct tn_err *e);
    /** "[tcp|udp]:[host]:port". -ENOENT: there is none; -EINVAL with e: that is no rule */
    int (*remove)(void *s, const char *rule, struct tn_err *e);
    /** connections and rules as a table: at most n bytes, ended by a zero; what it takes, as snprintf */
    int (*info)(void *s, char *buf, uint64_t n);
};

/** Directions for filters */
enum { TN_NET_FROM_GUEST = 1, TN_NET_TO_GUEST = 2 };
#define TN_NET_FILTER_1 "tenon.net-filter/1"
/** FWD: TN_NET_FILTER_1, of an object with a netdev= property (filter-dump, filter-mirror): it is made after the back ends. */
struct tn_net_filter {
    uint32_t struct_size, flags;
    /** [any][dev] 0: goes on; 1: taken (copied), resubmit() may follow; -errno: dropped */
    int (*packet)(void *s, uint32_t dir, uint32_t q, const struct tn_iov *v, uint32_t n);
};
#define TN_NET_FILTER_CHAIN_1 "tenon.net-filter-chain/1"
/** TN_NET_FILTER_CHAIN_1: d is the filter. */
struct tn_net_filters {
    uint32_t struct_size, rev;
    /** [main] in realize: dirs TN_NET_*; position "head", "tail", "id=ID" (behind that one) or "before=ID". Packets to the
     * guest meet the filters from head to tail, packets from it from tail to head. Managed */
    int (*insert)(struct tn_net *n, struct tn_dev *d, uint32_t dirs, const char *position, struct tn_err *e);
    /** [any] go on behind this filter: bytes taken, 0: full, try again later */
    int64_t (*resubmit)(struct tn_dev *d, uint32_t dir, uint32_t q, const struct tn_iov *v, uint32_t n);
    /** [any] bytes of the virtio_net_hdr in front of every frame now */
    uint32_t (*hdr_len)(struct tn_dev *d);
};

#ifdef __cplusplus
}
#endif
#endif
