/* SPDX-License-Identifier: BSD-2-Clause */
#include "link.h"

#include "util/alloc.h"
#include "util/bytes.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PIECES = 64 };

int link_init(struct link *l, struct tn_dev *d, void (*closed)(void *s, const char *why), void *s)
{
    l->d = d;
    l->loop = TN_GET(d, struct tn_loop, TN_LOOP_1);
    l->feed = TN_GET(d, struct tn_net_feed, TN_NET_FEED_1);
    l->closed = closed;
    l->s = s;
    l->fd = -1;
    l->in.buf = malloc(FRAME_BUFFER);
    l->out = malloc(FRAME_LEN + FRAME_MAX);
    return l->in.buf && l->out ? 0 : -ENOMEM;
}

void link_close(struct link *l)
{
    if (l->watch)
        l->loop->fd_del(l->watch);
    l->watch = NULL;
    close_fd(&l->fd);
    l->fd = -1;
    frame_reset(&l->in);
    l->out_at = l->out_end = 0;
    l->full = 0;
}

void link_fini(struct link *l)
{
    close_fd(&l->fd);
    free(l->in.buf);
    free(l->out);
}

static void lose(struct link *l, const char *why)
{
    link_close(l);
    l->feed->link(l->d, 0);
    l->feed->writable(l->d, 0); /* what waits is lost, like what comes */
    l->closed(l->s, why);
}

static void set_mask(struct link *l)
{
    l->loop->fd_mask(l->watch,
                     (l->full ? 0u : TN_FD_IN) | (l->out_at < l->out_end ? TN_FD_OUT : 0u));
}

/* ---- world to guest ---- */

/* What has been read goes to the front end, as far as it takes it. 0, or -EPROTO. */
static int give(struct link *l)
{
    const uint8_t *p;
    uint32_t len;
    int r;
    while (!l->full && (r = frame_next(&l->in, &p, &len)) == 1) {
        const struct tn_iov v = {(void *)(uintptr_t)p, len};
        if (len && l->feed->deliver(l->d, 0, &v, 1) == 0)
            l->full = 1;
        else
            frame_pop(&l->in);
    }
    return l->full ? 0 : r;
}

static void readable(struct link *l)
{
    uint8_t *to;
    uint32_t room = frame_room(&l->in, &to);
    ssize_t n = recv(l->fd, to, room, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        lose(l, n ? strerror(errno) : NULL);
        return;
    }
    frame_filled(&l->in, (uint32_t)n);
    if (give(l) < 0)
        lose(l, "a frame is longer than any can be");
    else
        set_mask(l);
}

void link_can_receive(struct link *l)
{
    if (l->fd < 0 || !l->full)
        return;
    l->full = 0;
    if (give(l) < 0)
        lose(l, "a frame is longer than any can be");
    else
        set_mask(l);
}

/* ---- guest to world ---- */

static void writable(struct link *l)
{
    ssize_t n =
        send(l->fd, l->out + l->out_at, l->out_end - l->out_at, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN && errno != EINTR) {
        lose(l, strerror(errno));
        return;
    }
    l->out_at += n > 0 ? (uint32_t)n : 0;
    if (l->out_at == l->out_end) {
        set_mask(l);
        l->feed->writable(l->d, 0);
    }
}

/* The part of the frame that the socket did not take: done bytes went, length included. */
static void keep_rest(struct link *l, const struct iovec *v, uint32_t n, uint64_t done)
{
    l->out_at = l->out_end = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t skip = done < v[i].iov_len ? done : v[i].iov_len;
        memcpy(l->out + l->out_end, (uint8_t *)v[i].iov_base + skip, v[i].iov_len - skip);
        l->out_end += (uint32_t)(v[i].iov_len - skip);
        done -= skip;
    }
    if (l->out_end)
        set_mask(l);
}

int64_t link_send(struct link *l, const struct tn_iov *v, uint32_t n)
{
    struct iovec out[PIECES + 1];
    uint8_t len[FRAME_LEN];
    uint64_t sum = 0;
    for (uint32_t i = 0; i < n && i < PIECES; i++) {
        out[i + 1] = (struct iovec){v[i].base, v[i].len};
        sum += v[i].len;
    }
    if (n > PIECES || sum > FRAME_MAX)
        return -EMSGSIZE;
    if (l->fd < 0)
        return (int64_t)sum;
    if (l->out_at < l->out_end)
        return 0;
    put_be32(len, (uint32_t)sum);
    out[0] = (struct iovec){len, sizeof len};
    const struct msghdr m = {.msg_iov = out, .msg_iovlen = n + 1};
    ssize_t r = sendmsg(l->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (r < 0 && errno != EAGAIN && errno != EINTR)
        return -errno; /* readable() hears of it too, and closes */
    keep_rest(l, out, n + 1, r > 0 ? (uint64_t)r : 0);
    return (int64_t)sum;
}

/* ---- the connection ---- */

static void ready(void *s, uint32_t ev)
{
    struct link *l = s;
    if (ev & TN_FD_OUT && l->out_at < l->out_end)
        writable(l);
    if (l->fd >= 0 && (ev & (TN_FD_IN | TN_FD_ERR)))
        readable(l);
}

int link_open(struct link *l, int fd)
{
    link_close(l);
    l->fd = fd;
    l->watch = l->loop->fd(l->d, NULL, 0, fd, TN_FD_IN, ready, l);
    if (!l->watch) {
        close_fd(&l->fd);
        l->fd = -1;
        return -ENOMEM;
    }
    l->feed->link(l->d, 1);
    return 0;
}
