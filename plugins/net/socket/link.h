/* SPDX-License-Identifier: BSD-2-Clause */
/* One connection that carries frames, of a back end that has at most one at a time. All functions
 * and callbacks are [ctx][dev] of the back end. */
#ifndef TN_NET_LINK_H
#define TN_NET_LINK_H
#include "frame.h"
#include <tenon/core.h>
#include <tenon/loop.h>
#include <tenon/net.h>

struct link {
    struct tn_dev *d;
    const struct tn_loop *loop;
    const struct tn_net_feed *feed;
    void (*closed)(void *s, const char *why); /* the peer has left, or is broken */
    void *s;
    int fd; /* -1: there is no connection */
    struct tn_watch *watch;
    struct frame_reader in;
    uint8_t *out; /* what did not fit of a frame: FRAME_LEN + FRAME_MAX bytes */
    uint32_t out_at, out_end;
    uint32_t full; /* the front end takes no more for now */
};

/* Buffers: -ENOMEM. [main] */
int link_init(struct link *l, struct tn_dev *d, void (*closed)(void *s, const char *why), void *s);
/* fd, connected and non-blocking, is the link's from here on. 0 or -errno, then it is closed. */
int link_open(struct link *l, int fd);
void link_close(struct link *l);
void link_fini(struct link *l); /* [main] no callback is running */
/* As tn_net_backend.send; without a connection the frame is lost, as on a cable that is out. */
int64_t link_send(struct link *l, const struct tn_iov *v, uint32_t n);
void link_can_receive(struct link *l); /* as tn_net_backend.can_receive */

#endif
