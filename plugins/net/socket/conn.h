/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a link's connections come from: a listening socket, or an address that is connected to,
 * once or again and again. [main][dev], as everything of these back ends is. */
#ifndef TN_NET_CONN_H
#define TN_NET_CONN_H
#include "addr.h"
#include "link.h"
#include <tenon/os.h>

struct conn {
    struct link link;
    struct tn_dev *d;
    struct addrs to;        /* of a client */
    uint32_t which;         /* the one of to that is tried */
    int listener, attempt;  /* -1: none */
    struct tn_watch *watch; /* of either */
    struct tn_timer *retry;
    uint64_t retry_ns; /* 0: a connection that ends, or cannot be made, was the only one */
    struct tn_err *e;  /* of a realize that waits for the first connection; may be NULL */
    const char *path;  /* of the listener's file, to be removed; NULL */
    uint8_t starting;  /* realize waits */
    uint8_t old;       /* -netdev socket: it shows itself in other words, and tells no events */
    uint8_t shown;     /* the host has heard of the connection that is there */
};

/* All in realize. 0 or -errno with e; conn_connect() also TN_PENDING. */
int conn_init(struct conn *c, struct tn_dev *d, struct tn_err *e);
int conn_listen(struct conn *c, const struct addrs *a, const char *unlink_path, struct tn_err *e);
int conn_connect(struct conn *c, const struct addrs *a, uint64_t retry_ns, struct tn_err *e);
/* fd, which becomes c's, is connected, or listens. */
int conn_adopt(struct conn *c, int fd, struct tn_err *e);
void conn_fini(struct conn *c); /* class fini; also of a conn that is all zero */

/* Slots of tn_net_backend, for instances that begin with a struct conn. */
int64_t conn_send(void *s, uint32_t q, const struct tn_iov *v, uint32_t n);
void conn_can_receive(void *s, uint32_t q);

#endif
