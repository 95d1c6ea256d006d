/* SPDX-License-Identifier: BSD-2-Clause */
/* What the host's own filters have in common: the options of QEMU's netfilter. */
#ifndef TN_HOST_NET_FILTER_H
#define TN_HOST_NET_FILTER_H
#include "net_impl.h"

struct net_filter_opts {
    struct tn_net *n;
    const char *position;
    uint32_t queue, insert;
    uint8_t status; /* off: packets pass */
};
extern const char *const net_filter_queues[], *const net_filter_inserts[];

#define NET_FILTER_PROPS(T, f)                                                                  \
    TN_PROP_REF(T, f.n, "netdev", NETDEV, 0, "back end whose packets are seen"),                \
        TN_PROP_ENUM(T, f.queue, "queue", net_filter_queues, 0,                                 \
                     "rx: what the back end receives from the guest; tx: what it sends there"), \
        TN_PROP_ROW(T, f.status, "status", BOOL, TN_PF_RUNTIME, 0, 1, 0, 0, NULL, NULL,         \
                    "off: packets pass"),                                                       \
        TN_PROP_STR(T, f.position, "position", "tail", "head, tail or id=FILTER"),              \
        TN_PROP_ENUM(T, f.insert, "insert", net_filter_inserts, 0, "behind or before that filter")

/* In realize of d, which provides TN_NET_FILTER_1: 0 or -errno with e. */
int net_filter_join(const struct net_filter_opts *o, struct tn_dev *d, struct tn_err *e);

#endif
