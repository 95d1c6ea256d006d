/* SPDX-License-Identifier: BSD-2-Clause */
#include "chardev_socket.h"

#include "util/alloc.h"
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <unistd.h>

enum { MS = 1000000, SOON_MS = 20, LATER_MS = 1000 };

int sock_accepting(const struct sock *s)
{
    return s->nlisteners != 0;
}

static uint64_t now(const struct sock *s)
{
    return clock_now(&s->c.dev->vm->clock, TN_CLK_REAL);
}

int sock_failed(const struct sock *s, int err, struct tn_err *e)
{
    const char *what = s->path ? s->path : s->fd ? s->label : s->label + strlen("tcp:");
    return err_set(e, err, "Failed to connect to '%s': %s", what, strerror(err));
}

/* ---- a connection ---- */

static void end_wait(struct sock *s, int result)
{
    uint32_t was = s->waiting;
    s->waiting = 0;
    s->result = result;
    if (was == 2)
        s->c.dev->pub.core->realized(&s->c.dev->pub, result);
}

static void listen_for(struct sock *s, uint32_t events)
{
    for (uint32_t i = 0; i < s->nlisteners; i++)
        watch_mask(s->listener[i].w, events);
}

static uint64_t interval(const struct sock *s)
{
    return s->reconnect_ms ? s->reconnect_ms : (uint64_t)s->reconnect * 1000;
}

/* The connection has ended; another may take its place. */
static void again(struct sock *s)
{
    if (s->taken)
        return;
    if (sock_accepting(s))
        listen_for(s, TN_FD_IN);
    else if (interval(s))
        timer_arm(s->retry, now(s) + interval(s) * MS);
}

/* "127.0.0.1:4444" of the other side; "": it has no address. */
static void peer_text(const struct sock *s, char *host, size_t nhost, char *port, size_t nport)
{
    struct chr_addr a = {.len = sizeof a.sa};
    *host = *port = 0;
    if (s->connected && !s->path && getpeername(s->io.in, (struct sockaddr *)&a.sa, &a.len) == 0 &&
        a.sa.ss_family != AF_UNIX)
        getnameinfo((struct sockaddr *)&a.sa, a.len, host, (socklen_t)nhost, port, (socklen_t)nport,
                    NI_NUMERICHOST | NI_NUMERICSERV);
}

void sock_show(struct sock *s)
{
    char host[64], port[16];
    peer_text(s, host, sizeof host, port, sizeof port);
    chr_set_filename(s->c.chr, "%s%s%s%s%s%s%s", s->connected ? "" : "disconnected:", s->label,
                     s->server ? ",server=on" : "", *host ? " <-> " : "", host, *host ? ":" : "",
                     port);
}

static void lost(struct chr_io *io)
{
    struct sock *s = (struct sock *)io->c;
    chr_io_close(io);
    chr_drop_fds(s->c.chr);
    s->connected = 0;
    sock_show(s);
    chr_peer_left(s->c.chr);
    chr_event(s->c.chr, TN_CHR_CLOSED);
    again(s);
}

static void tune(struct sock *s, int fd)
{
    int on = 1;
    if (s->nodelay || s->delay == TN_OFF)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on,
                   sizeof on); /* a local socket refuses, and needs it not */
}

void sock_connected(struct sock *s, int fd)
{
    listen_for(s, 0);
    tune(s, fd);
    if (chr_io_start(&s->io, &s->c, fd, fd, lost) < 0) {
        chr_io_close(&s->io);
        again(s);
        return;
    }
    s->connected = 1;
    sock_show(s);
    chr_event(s->c.chr, TN_CHR_OPENED);
    if (s->waiting)
        end_wait(s, 0);
}

/* ---- server ---- */

/* A client, or -errno: -EAGAIN if there is none. */
static int accept_one(struct sock *s)
{
    for (uint32_t i = 0; i < s->nlisteners; i++) {
        int fd = accept4(s->listener[i].fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0)
            return fd;
        if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR)
            return -errno;
    }
    return -EAGAIN;
}

static void client_waits(void *p, uint32_t ev)
{
    struct sock *s = p;
    (void)ev;
    if (s->connected || s->taken)
        return;
    int fd = accept_one(s);
    if (fd >= 0) {
        sock_connected(s, fd);
    } else if (fd != -EAGAIN) { /* no descriptors left: the client stays where it is, and would wake
                                   us for ever */
        listen_for(s, 0);
        timer_arm(s->retry, now(s) + LATER_MS * (uint64_t)MS);
    }
}

/* ---- client ---- */

static void connect_next(struct sock *s);

static void none_answered(struct sock *s)
{
    int soon = s->last_err == EAGAIN; /* a local server whose queue is full */
    if (s->waiting && !soon)
        end_wait(s, sock_failed(s, s->last_err, s->e));
    else if (s->waiting)
        timer_arm(s->retry, now(s) + SOON_MS * (uint64_t)MS);
    else
        again(s);
}

static int socket_error(int fd)
{
    int err = 0;
    socklen_t len = sizeof err;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0 ? errno : err;
}

static void stop_connecting(struct sock *s)
{
    if (s->w_connecting)
        watch_del(s->w_connecting);
    s->w_connecting = NULL;
    close_fd(&s->connecting);
    s->connecting = -1;
}

static void connect_done(void *p, uint32_t ev)
{
    struct sock *s = p;
    (void)ev;
    int fd = s->connecting, err = socket_error(fd);
    if (!err) {
        s->connecting = -1;
        stop_connecting(s);
        sock_connected(s, fd);
        return;
    }
    stop_connecting(s);
    s->last_err = err;
    connect_next(s);
}

static void connect_next(struct sock *s)
{
    while (s->next < s->addrs.n) {
        int pending = 0, fd = addr_connect(&s->addrs.v[s->next++], &pending);
        if (fd >= 0 && !pending) {
            sock_connected(s, fd);
            return;
        }
        s->connecting = fd;
        if (fd >= 0 && (s->w_connecting = chr_watch(&s->c, fd, TN_FD_OUT, connect_done, s)))
            return;
        s->last_err = fd < 0 ? -fd : ENOSPC;
        stop_connecting(s);
    }
    none_answered(s);
}

static void retry(void *p)
{
    struct sock *s = p;
    if (!s->connected && !s->taken && s->connecting < 0)
        sock_go(s);
}

void sock_go(struct sock *s)
{
    if (!s->retry)
        s->retry = timer_new(s->c.dev->home, s->c.dev, 0, TN_CLK_REAL, retry, s);
    for (uint32_t i = 0; i < s->nlisteners; i++)
        if (!s->listener[i].w)
            s->listener[i].w = chr_watch(&s->c, s->listener[i].fd, 0, client_waits, s);
    s->next = 0;
    if (sock_accepting(s))
        listen_for(s, TN_FD_IN);
    else if (s->addrs.n)
        connect_next(s);
}

/* ---- handing over ---- */

static uint32_t left(const struct sock *s, uint64_t until)
{
    uint64_t t = now(s);
    return t < until ? (uint32_t)((until - t + MS - 1) / MS) : 0;
}

static int wait_client(struct sock *s, uint64_t until)
{
    for (;;) {
        int fd = accept_one(s);
        uint32_t ms = left(s, until);
        if (fd != -EAGAIN || !ms)
            return fd == -EAGAIN ? -ETIMEDOUT : fd;
        struct pollfd p[ADDR_MOST];
        for (uint32_t i = 0; i < s->nlisteners; i++)
            p[i] = (struct pollfd){.fd = s->listener[i].fd, .events = POLLIN};
        poll(p, s->nlisteners, (int)(ms < 1000 ? ms : 1000));
    }
}

static int wait_connected(struct sock *s, int fd, uint64_t until)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    while (poll(&p, 1, (int)left(s, until)) == 0 || !p.revents)
        if (!left(s, until))
            return ETIMEDOUT;
    return socket_error(fd);
}

/* Each address once. */
static int connect_once(struct sock *s, uint64_t until)
{
    int err = ENOTCONN;
    for (uint32_t i = 0; i < s->addrs.n; i++) {
        int pending = 0, fd = addr_connect(&s->addrs.v[i], &pending);
        if (fd < 0) {
            err = -fd;
            continue;
        }
        err = pending ? wait_connected(s, fd, until) : 0;
        if (!err)
            return fd;
        close(fd);
    }
    return -err;
}

/* With reconnect= the server may be late, up to the deadline. */
static int connect_until(struct sock *s, uint64_t until)
{
    int fd;
    stop_connecting(s);
    while ((fd = connect_once(s, until)) < 0 && (interval(s) || fd == -EAGAIN) && left(s, until))
        poll(NULL, 0, SOON_MS);
    return fd;
}

/* The connection that is there, if nothing of it has been read. */
static int give_current(struct sock *s, struct tn_err *e)
{
    if (ring_used(&s->c.chr->in))
        return err_set(e, EBUSY, "chardev '%s' has read from its connection already",
                       device_id(s->c.dev));
    int fd = s->io.in;
    s->io.in = s->io.out = -1;
    chr_io_stop(&s->io);
    s->connected = 0;
    return fd;
}

int sock_take(void *p, int *fd, uint32_t timeout_ms, struct tn_err *e)
{
    struct sock *s = p;
    uint64_t until = now(s) + timeout_ms * (uint64_t)MS;
    if (s->connected) {
        *fd = give_current(s, e);
    } else {
        listen_for(s, 0);
        *fd = sock_accepting(s) ? wait_client(s, until) : connect_until(s, until);
        if (*fd == -ETIMEDOUT && sock_accepting(s))
            err_set(e, ETIMEDOUT, "nobody has connected to %s", s->label);
        else if (*fd < 0)
            sock_failed(s, -*fd, e);
        else
            tune(s, *fd);
    }
    int r = *fd < 0 ? *fd : 0;
    *fd = r < 0 ? -1 : *fd;
    if (r == 0)
        s->taken = 1;
    else if (!s->connected)
        again(s);
    return r;
}

void sock_given_back(struct sock *s)
{
    if (!s->taken)
        return;
    s->taken = 0;
    chr_event(s->c.chr, TN_CHR_CLOSED);
    again(s);
}

void sock_close(struct sock *s)
{
    stop_connecting(s);
    if (s->connected)
        chr_io_finish(&s->io);
    chr_io_close(&s->io);
    for (uint32_t i = 0; i < s->nlisteners; i++) {
        if (s->listener[i].w)
            watch_del(s->listener[i].w);
        close_fd(&s->listener[i].fd);
    }
    s->nlisteners = s->connected = 0;
}
