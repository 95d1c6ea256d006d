/* SPDX-License-Identifier: BSD-2-Clause */
#include "relay.h"

#include "util/alloc.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { WAY_BYTES = 1 << 16, ROUNDS = 8, PAIR_SECONDS = 1 };

/* From fd[i] to the other. */
struct way {
    uint32_t at, end;   /* of bytes: what is still to be sent */
    uint8_t eof, ended; /* nothing more comes; the other has been told */
    uint8_t bytes[WAY_BYTES];
};
struct relay {
    const struct tn_loop *loop;
    void (*done)(void *s, struct relay *r);
    void *s;
    struct tn_watch *watch[2]; /* NULL: its other end has gone, nothing more is to be heard of it */
    int fd[2];
    struct way way[2];
};

/* ---- one way ---- */

static int would_block(void)
{
    return errno == EAGAIN || errno == EINTR;
}

static void fill(struct way *w, int from)
{
    if (w->at < w->end || w->eof)
        return;
    ssize_t n = recv(from, w->bytes, sizeof w->bytes, MSG_DONTWAIT);
    w->at = 0;
    w->end = n > 0 ? (uint32_t)n : 0;
    w->eof = n == 0 || (n < 0 && !would_block());
}

/* Nobody takes anything more. */
static void break_off(struct way *w)
{
    w->at = w->end = 0;
    w->eof = 1;
}

static void drain(struct way *w, int to)
{
    ssize_t n = w->at < w->end
                    ? send(to, w->bytes + w->at, w->end - w->at, MSG_DONTWAIT | MSG_NOSIGNAL)
                    : 0;
    if (n < 0 && !would_block())
        break_off(w);
    w->at += n > 0 ? (uint32_t)n : 0;
    if (w->eof && w->at == w->end && !w->ended) {
        shutdown(to, SHUT_WR);
        w->ended = 1;
    }
}

/* Some of it: the watch calls again. Nobody calls again for who has gone: all that is taken. */
static void pump(struct relay *r, unsigned i)
{
    struct way *w = &r->way[i];
    for (int n = 0; !w->ended && (n < ROUNDS || !r->watch[i]); n++) {
        fill(w, r->fd[i]);
        int some = w->at < w->end || w->eof;
        drain(w, r->fd[!i]);
        if (!some || w->at < w->end)
            return;
    }
}

/* ---- both ---- */

static void set_masks(struct relay *r)
{
    for (unsigned i = 0; i < 2; i++) {
        const struct way *in = &r->way[i], *out = &r->way[!i];
        uint32_t events = in->at == in->end && !in->eof ? TN_FD_IN : 0u;
        if (r->watch[i])
            r->loop->fd_mask(r->watch[i], events | (out->at < out->end ? TN_FD_OUT : 0u));
    }
}

static void forget(struct relay *r, unsigned i)
{
    if (r->watch[i])
        r->loop->fd_del(r->watch[i]);
    r->watch[i] = NULL;
}

static void came(struct relay *r, unsigned i, uint32_t ev)
{
    if (ev & TN_FD_ERR) {
        forget(r, i);
        break_off(&r->way[!i]);
    }
    pump(r, 0);
    pump(r, 1);
    if (r->way[0].ended && r->way[1].ended)
        r->done(r->s, r);
    else
        set_masks(r);
}

static void came_a(void *s, uint32_t ev)
{
    came(s, 0, ev);
}

static void came_b(void *s, uint32_t ev)
{
    came(s, 1, ev);
}

struct relay *relay_new(struct tn_dev *d, const struct tn_loop *loop, int a, int b,
                        void (*done)(void *s, struct relay *r), void *s)
{
    struct relay *r = calloc(1, sizeof *r);
    if (!r) {
        close(a);
        close(b);
        return NULL;
    }
    r->loop = loop;
    r->done = done;
    r->s = s;
    r->fd[0] = a;
    r->fd[1] = b;
    r->watch[0] = loop->fd(d, NULL, 0, a, TN_FD_IN, came_a, r);
    r->watch[1] = loop->fd(d, NULL, 0, b, TN_FD_IN, came_b, r);
    if (r->watch[0] && r->watch[1])
        return r;
    relay_free(r);
    return NULL;
}

void relay_free(struct relay *r)
{
    if (!r)
        return;
    for (unsigned i = 0; i < 2; i++) {
        forget(r, i);
        close_fd(&r->fd[i]);
    }
    free(r);
}

/* ---- a TCP connection ---- */

static int listen_here(struct sockaddr_in *at)
{
    socklen_t n = sizeof *at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    *at = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (fd >= 0 && bind(fd, (struct sockaddr *)at, n) == 0 && listen(fd, SOMAXCONN) == 0 &&
        getsockname(fd, (struct sockaddr *)at, &n) == 0)
        return fd;
    int err = errno;
    close_fd(&fd);
    return -err;
}

static int connect_to(const struct sockaddr_in *there, struct sockaddr_in *from)
{
    const struct timeval most = {.tv_sec = PAIR_SECONDS};
    socklen_t n = sizeof *from;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof most) == 0 &&
        connect(fd, (const struct sockaddr *)there, sizeof *there) == 0 &&
        getsockname(fd, (struct sockaddr *)from, &n) == 0)
        return fd;
    int err = errno;
    close_fd(&fd);
    return -err;
}

/* The one from there, whoever else has tried to be it. */
static int accept_from(int listener, const struct sockaddr_in *from)
{
    struct sockaddr_in peer = {0};
    int fd;
    do {
        socklen_t n = sizeof peer;
        fd = accept4(listener, (struct sockaddr *)&peer, &n, SOCK_CLOEXEC);
        if (fd < 0)
            return -errno;
        if (peer.sin_port == from->sin_port && peer.sin_addr.s_addr == from->sin_addr.s_addr)
            return fd;
        close(fd);
    } while (1);
}

int tcp_pair(int fd[2])
{
    const int one = 1;
    struct sockaddr_in at, from = {0};
    int listener = listen_here(&at);
    if (listener < 0)
        return listener;
    fd[0] = connect_to(&at, &from);
    fd[1] = fd[0] < 0 ? fd[0] : accept_from(listener, &from);
    close(listener);
    if (fd[1] < 0) {
        close_fd(&fd[0]);
        return fd[1];
    }
    for (unsigned i = 0; i < 2; i++)
        setsockopt(fd[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return 0;
}
