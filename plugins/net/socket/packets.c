/* SPDX-License-Identifier: BSD-2-Clause */
#include "packets.h"

#include "util/alloc.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PIECES = 64, BATCH = 64 };

static void set_mask(struct packets *p)
{
    p->loop->fd_mask(p->watch,
                     (p->held ? 0u : TN_FD_IN) |
                         (__atomic_load_n(&p->wants_out, __ATOMIC_SEQ_CST) ? TN_FD_OUT : 0u));
}

/* 1: another may follow. */
static int give(struct packets *p, uint32_t len)
{
    const struct tn_iov v = {p->buf, len};
    p->held = len && len <= FRAME_MAX && p->feed->deliver(p->d, 0, &v, 1) == 0 ? len : 0;
    return !p->held;
}

static void readable(struct packets *p)
{
    for (int i = 0; i < BATCH; i++) {
        ssize_t n = recv(p->fd, p->buf, FRAME_MAX + 1, MSG_DONTWAIT);
        if (n < 0 && errno == ECONNREFUSED)
            continue; /* of something sent earlier: nobody is there yet */
        if (n < 0 || !give(p, (uint32_t)n))
            break;
    }
    if (p->held)
        set_mask(p);
}

void packets_can_receive(void *s, uint32_t q)
{
    struct packets *p = s;
    (void)q;
    if (p->held && give(p, p->held))
        set_mask(p);
}

static void ready(void *s, uint32_t ev)
{
    struct packets *p = s;
    if (ev & TN_FD_OUT) {
        __atomic_store_n(&p->wants_out, 0, __ATOMIC_SEQ_CST);
        set_mask(p);
        p->feed->writable(p->d, 0);
    }
    if (ev & (TN_FD_IN | TN_FD_ERR) && !p->held)
        readable(p);
}

int64_t packets_send(void *s, uint32_t q, const struct tn_iov *v, uint32_t n)
{
    struct packets *p = s;
    struct iovec out[PIECES];
    uint64_t sum = 0;
    (void)q;
    for (uint32_t i = 0; i < n && i < PIECES; i++) {
        out[i] = (struct iovec){v[i].base, v[i].len};
        sum += v[i].len;
    }
    if (n > PIECES)
        return -EMSGSIZE;
    const struct msghdr m = {.msg_name = p->to.len ? &p->to.sa : NULL,
                             .msg_namelen = p->to.len,
                             .msg_iov = out,
                             .msg_iovlen = n};
    if (sendmsg(p->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
        return (int64_t)sum;
    if (errno != EAGAIN)
        return -errno; /* nobody is there, or it is too long: lost, as on any network */
    __atomic_store_n(&p->wants_out, 1, __ATOMIC_SEQ_CST);
    p->loop->fd_mask(p->watch, TN_FD_IN | TN_FD_OUT); /* ready() puts it right again */
    return 0;
}

int packets_open(struct packets *p, struct tn_dev *d, int fd, const struct addr *to,
                 struct tn_err *e)
{
    p->d = d;
    p->loop = TN_GET(d, struct tn_loop, TN_LOOP_1);
    p->feed = TN_GET(d, struct tn_net_feed, TN_NET_FEED_1);
    p->fd = fd;
    if (to)
        p->to = *to;
    p->buf = malloc(FRAME_MAX + 1);
    p->watch = p->buf ? p->loop->fd(d, NULL, 0, fd, TN_FD_IN, ready, p) : NULL;
    return p->watch ? 0 : tn_fail(d, e, ENOMEM, "no memory for buffers");
}

void packets_show(struct tn_dev *d, const char *head, const struct addr *local,
                  const struct addr *to)
{
    const struct tn_net_feed *feed = TN_GET(d, struct tn_net_feed, TN_NET_FEED_1);
    char here[ADDR_TEXT] = "", there[ADDR_TEXT] = "", text[2 * ADDR_TEXT + 32];
    if (local)
        addr_text(local, here);
    if (to)
        addr_text(to, there);
    const char *sep = !local || !to ? "" : to->sa.ss_family == AF_UNIX ? ":" : "/";
    snprintf(text, sizeof text, "%s%s%s%s", head, here, sep, there);
    if (TN_HAS(feed, info))
        feed->info(d, text);
}

void packets_fini(struct packets *p)
{
    if (p->d && p->fd >= 0)
        close(p->fd);
    free(p->buf);
}

/* ---- multicast ---- */

static int set_options(int fd, const struct addr *group, const struct addr *local)
{
    struct ip_mreq m = {.imr_multiaddr = ((const struct sockaddr_in *)&group->sa)->sin_addr};
    int loop = 1; /* others on this host are members too */
    if (local)
        m.imr_interface = ((const struct sockaddr_in *)&local->sa)->sin_addr;
    if (setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, sizeof m) < 0 ||
        setsockopt(fd, IPPROTO_IP, IP_MULTICAST_LOOP, &loop, sizeof loop) < 0)
        return -errno;
    return local && setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &m.imr_interface,
                               sizeof m.imr_interface) < 0
               ? -errno
               : 0;
}

int packets_join(const struct addr *group, const struct addr *local, char why[WHY])
{
    char text[ADDR_TEXT];
    if (!addr_is_multicast(group)) {
        snprintf(why, WHY, "%s is not a multicast address", addr_text(group, text));
        return -EINVAL;
    }
    int fd = addr_bind_dgram(group, 1), r = fd < 0 ? fd : set_options(fd, group, local);
    if (r >= 0)
        return fd;
    snprintf(why, WHY, "can't join %s: %s", addr_text(group, text), strerror(-r));
    close_fd(&fd);
    return r;
}
