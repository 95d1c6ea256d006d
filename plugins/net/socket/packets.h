/* SPDX-License-Identifier: BSD-2-Clause */
/* A datagram socket that carries frames, one in each datagram. [main][dev] of the back end, but
 * packets_send(), which is [any]: its data never changes once it is open. */
#ifndef TN_NET_PACKETS_H
#define TN_NET_PACKETS_H
#include "addr.h"
#include "frame.h"
#include <tenon/core.h>
#include <tenon/loop.h>
#include <tenon/net.h>

struct packets {
    struct tn_dev *d;
    const struct tn_loop *loop;
    const struct tn_net_feed *feed;
    struct tn_watch *watch;
    int fd;         /* -1: none */
    struct addr to; /* to.len 0: the socket is connected */
    uint8_t *buf;   /* FRAME_MAX + 1 bytes */
    uint32_t held;  /* bytes of a frame in buf that the front end has no room for; 0 = none */
    uint32_t wants_out;
};

/* fd becomes p's; to NULL: it is connected. 0 or -errno with e. In realize. */
int packets_open(struct packets *p, struct tn_dev *d, int fd, const struct addr *to,
                 struct tn_err *e);
/* What monitors are shown: head, then local and to as far as they are given. In realize. */
void packets_show(struct tn_dev *d, const char *head, const struct addr *local,
                  const struct addr *to);
void packets_fini(struct packets *p); /* class fini */
/* A socket that is a member of the group, on the interface that has the address `local` (NULL: the
 * one of the route). -errno with why. */
int packets_join(const struct addr *group, const struct addr *local, char why[WHY]);
/* Slots of tn_net_backend, for instances that begin with a struct packets. send() may be called as
 * TN_NETB_ANY says. */
int64_t packets_send(void *s, uint32_t q, const struct tn_iov *v, uint32_t n);
void packets_can_receive(void *s, uint32_t q);

#endif
