/* SPDX-License-Identifier: BSD-2-Clause */
#include "conn.h"

#include "util/alloc.h"
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

static void try_next(struct conn *c, int err);

static void stop_watching(struct conn *c)
{
    if (c->watch)
        c->link.loop->fd_del(c->watch);
    c->watch = NULL;
}

static void no_delay(int fd)
{
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* of a UNIX socket: says no */
}

/* ---- what monitors hear ---- */

static void say(const struct conn *c, const char *fmt, const char *arg)
{
    char text[ADDR_TEXT + 32];
    snprintf(text, sizeof text, fmt, arg);
    if (TN_HAS(c->link.feed, info))
        c->link.feed->info(c->d, text);
}

/* The peer of a local socket may have no name: then it is that of ours. */
static int peer_of(int fd, struct addr *a)
{
    socklen_t head = offsetof(struct sockaddr, sa_data);
    a->len = sizeof a->sa;
    if (getpeername(fd, (struct sockaddr *)&a->sa, &a->len) < 0)
        return -errno;
    if (a->sa.ss_family != AF_UNIX || a->len > head)
        return 0;
    a->len = sizeof a->sa;
    return getsockname(fd, (struct sockaddr *)&a->sa, &a->len) < 0 ? -errno : 0;
}

/* As QEMU shows it: no brackets, no sign for an abstract name. */
static void peer_text(const struct addr *a, char text[ADDR_TEXT])
{
    const struct sockaddr_un *un = (const struct sockaddr_un *)&a->sa;
    char host[100] = "", port[16] = "";
    size_t head = offsetof(struct sockaddr_un, sun_path), n = a->len > head ? a->len - head : 0;
    if (a->sa.ss_family == AF_UNIX) {
        int abstract = n && !*un->sun_path;
        snprintf(text, ADDR_TEXT, "%.*s", (int)n - abstract, un->sun_path + abstract);
        return;
    }
    getnameinfo((const struct sockaddr *)&a->sa, a->len, host, sizeof host, port, sizeof port,
                NI_NUMERICHOST | NI_NUMERICSERV);
    snprintf(text, ADDR_TEXT, "%s:%s", host, port);
}

static void show_connected(struct conn *c)
{
    char text[ADDR_TEXT];
    struct addr a;
    if (peer_of(c->link.fd, &a) < 0)
        return;
    int local = a.sa.ss_family == AF_UNIX;
    peer_text(&a, text);
    if (c->old)
        say(c, c->listener >= 0 ? "socket: connection from %s" : "socket: connect to %s", text);
    else
        say(c, local ? "unix:%s" : "tcp:%s", text);
    c->shown = 1;
    if (!c->old && TN_HAS(c->link.feed, connected))
        c->link.feed->connected(c->d, &a.sa, a.len);
}

static void show_waiting(struct conn *c)
{
    say(c, "%s", c->old ? "" : c->listener >= 0 ? "listening" : c->retry ? "connecting" : "");
    if (c->shown && !c->old && TN_HAS(c->link.feed, connected))
        c->link.feed->connected(c->d, NULL, 0);
    c->shown = 0;
}

/* fd is the connection from here on. 0 or -errno. */
static int open_link(struct conn *c, int fd)
{
    int r = link_open(&c->link, fd);
    if (r == 0)
        show_connected(c);
    return r;
}

/* ---- a server ---- */

static void accept_one(void *s, uint32_t ev)
{
    struct conn *c = s;
    (void)ev;
    int fd = accept4(c->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return;
    no_delay(fd);
    if (open_link(c, fd) == 0)
        c->link.loop->fd_mask(c->watch, 0); /* one at a time: others wait in the backlog */
}

static int watch_listener(struct conn *c, struct tn_err *e)
{
    c->watch = c->link.loop->fd(c->d, NULL, 0, c->listener, TN_FD_IN, accept_one, c);
    if (!c->watch)
        return tn_fail(c->d, e, ENOMEM, "no memory to watch a socket");
    c->link.feed->link(c->d, 0);
    show_waiting(c);
    return 0;
}

int conn_listen(struct conn *c, const struct addrs *a, const char *unlink_path, struct tn_err *e)
{
    char text[ADDR_TEXT];
    const struct tn_os *os = TN_GET(c->d, struct tn_os, TN_OS_1);
    c->listener = -EADDRNOTAVAIL;
    for (uint32_t i = 0; i < a->n && c->listener < 0; i++)
        c->listener = addr_listen(&a->v[i]);
    if (c->listener < 0)
        return tn_fail(c->d, e, -c->listener, "can't listen on %s: %s", addr_text(&a->v[0], text),
                       strerror(-c->listener));
    if (unlink_path && TN_HAS(os, need) && os->need(c->d, "unlink") == 0)
        c->path = unlink_path;
    return watch_listener(c, e);
}

/* ---- a client ---- */

/* The end of realize, if that is waiting; err 0, or why there is no connection: positive, with
 * doing. */
static void started(struct conn *c, int err, const char *doing)
{
    char text[ADDR_TEXT];
    if (!c->starting)
        return;
    c->starting = 0;
    if (err)
        (void)tn_fail(c->d, c->e, err, "can't %s %s: %s", doing, addr_text(&c->to.v[0], text),
                      strerror(err));
    c->d->core->realized(c->d, -err);
}

/* No address is left. */
static void give_up(struct conn *c, int err)
{
    if (c->retry)
        c->link.loop->arm(c->retry, c->link.loop->now(c->d, TN_CLK_REAL) + c->retry_ns);
    else
        started(c, err, "connect to");
}

static void connected(struct conn *c)
{
    int fd = c->attempt;
    c->attempt = -1;
    stop_watching(c);
    no_delay(fd);
    started(c, -open_link(c, fd), "watch the connection to");
}

static void attempt_ended(void *s, uint32_t ev)
{
    struct conn *c = s;
    int err = 0;
    socklen_t len = sizeof err;
    (void)ev;
    if (getsockopt(c->attempt, SOL_SOCKET, SO_ERROR, &err, &len) < 0)
        err = errno;
    if (err) {
        stop_watching(c);
        close_fd(&c->attempt);
        c->attempt = -1;
        c->which++;
        try_next(c, err);
    } else {
        connected(c);
    }
}

/* err: of the address before. */
static void try_next(struct conn *c, int err)
{
    for (; c->which < c->to.n; c->which++) {
        c->attempt = addr_connect(&c->to.v[c->which]);
        if (c->attempt >= 0)
            break;
        err = -c->attempt;
        c->attempt = -1;
    }
    if (c->attempt >= 0)
        c->watch = c->link.loop->fd(c->d, NULL, 0, c->attempt, TN_FD_OUT, attempt_ended, c);
    if (!c->watch) {
        close_fd(&c->attempt);
        c->attempt = -1;
        give_up(c, err);
    }
}

static void try_again(void *s)
{
    struct conn *c = s;
    c->which = 0;
    try_next(c, EADDRNOTAVAIL);
}

static int make_retry(struct conn *c, uint64_t retry_ns, struct tn_err *e)
{
    const struct tn_os *os = TN_GET(c->d, struct tn_os, TN_OS_1);
    c->retry_ns = retry_ns;
    if (!retry_ns)
        return 0;
    if (TN_HAS(os, need))
        os->need(c->d, c->to.v[0].sa.ss_family == AF_UNIX ? "connect-unix" : "connect-inet");
    c->retry = c->link.loop->timer(c->d, NULL, 0, TN_CLK_REAL, try_again, c);
    return c->retry ? 0 : tn_fail(c->d, e, ENOMEM, "no memory for a timer");
}

int conn_connect(struct conn *c, const struct addrs *a, uint64_t retry_ns, struct tn_err *e)
{
    c->to = *a;
    int r = make_retry(c, retry_ns, e);
    if (r < 0)
        return r;
    c->link.feed->link(c->d, 0);
    show_waiting(c);
    if (retry_ns) {
        try_again(c);
        return 0;
    }
    struct tn_timer *soon = c->link.loop->timer(c->d, NULL, 0, TN_CLK_REAL, try_again, c);
    if (!soon)
        return tn_fail(c->d, e, ENOMEM, "no memory for a timer");
    c->e = e;
    c->starting = 1; /* realized() never comes inside realize: the first attempt is the loop's */
    c->link.loop->arm(soon, 0);
    return TN_PENDING;
}

/* ---- both ---- */

static void closed(void *s, const char *why)
{
    struct conn *c = s;
    if (why)
        c->d->core->warn(c->d, "the connection ends: %s", why);
    show_waiting(c);
    if (c->listener >= 0)
        c->link.loop->fd_mask(c->watch, TN_FD_IN);
    else if (c->retry)
        c->link.loop->arm(c->retry, c->link.loop->now(c->d, TN_CLK_REAL) + c->retry_ns);
}

static int is_listening(int fd)
{
    int on = 0;
    socklen_t len = sizeof on;
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &len) == 0 && on;
}

int conn_adopt(struct conn *c, int fd, struct tn_err *e)
{
    if (is_listening(fd)) {
        c->listener = fd;
        return watch_listener(c, e);
    }
    int r = open_link(c, fd);
    return r < 0 ? tn_fail(c->d, e, -r, "no memory to watch a socket") : 0;
}

int conn_init(struct conn *c, struct tn_dev *d, struct tn_err *e)
{
    c->d = d;
    c->listener = c->attempt = -1;
    int r = link_init(&c->link, d, closed, c);
    return r < 0 ? tn_fail(d, e, -r, "no memory for buffers") : 0;
}

void conn_fini(struct conn *c)
{
    if (!c->d)
        return;
    if (c->path)
        unlink(c->path);
    if (c->listener >= 0)
        close(c->listener);
    if (c->attempt >= 0)
        close(c->attempt);
    link_fini(&c->link);
}

int64_t conn_send(void *s, uint32_t q, const struct tn_iov *v, uint32_t n)
{
    (void)q;
    return link_send(&((struct conn *)s)->link, v, n);
}

void conn_can_receive(void *s, uint32_t q)
{
    (void)q;
    link_can_receive(&((struct conn *)s)->link);
}
