/* SPDX-License-Identifier: BSD-2-Clause */
#include "chardev_socket.h"

#include "sandbox/sandbox.h"
#include "util/alloc.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- options ---- */

static int refuse_unsupported(const struct sock *s, struct tn_err *e)
{
    const char *what = s->telnet      ? "telnet"
                       : s->tn3270    ? "tn3270"
                       : s->websocket ? "websocket"
                       : s->tls_creds ? "tls-creds"
                       : s->tls_authz ? "tls-authz"
                                      : NULL;
    return what ? err_set(e, ENOTSUP, "chardev: socket: '%s' is not supported", what) : 0;
}

static int check_options(const struct sock *s, struct tn_err *e)
{
    if ((s->path != NULL) + (s->host != NULL) + (s->fd != NULL) > 1)
        return err_set(e, EINVAL, "None or one of 'path', 'fd' or 'host' option required.");
    if (!s->path && !s->fd && !s->host && !s->port)
        return err_set(e, EINVAL, "chardev: socket: one of 'path', 'fd' and 'host' is needed");
    if (!s->path && !s->fd && !s->port)
        return err_set(e, EINVAL, "chardev: socket: no port given");
    if (s->reconnect && s->reconnect_ms)
        return err_set(e, EINVAL, "'reconnect' and 'reconnect-ms' are mutually exclusive");
    if (s->server && (s->reconnect || s->reconnect_ms))
        return err_set(e, EINVAL,
                       "'reconnect' option is incompatible with socket in server listen mode");
    if (!s->server && s->wait != TN_AUTO)
        return err_set(e, EINVAL,
                       "'wait' option is incompatible with socket in client connect mode");
    if (s->fd && (s->reconnect || s->reconnect_ms))
        return err_set(e, EINVAL, "'reconnect' option is incompatible with 'fd'");
    return refuse_unsupported(s, e);
}

static int resolve(struct sock *s, struct tn_err *e)
{
    if (s->fd) {
        s->label = xasprintf("fd:%s", s->fd);
        return 0;
    }
    if (s->path) {
        s->label = xasprintf("unix:%s", s->path);
        return addr_unix(&s->addrs, s->path, s->abstract, s->tight, e);
    }
    s->label = xasprintf("tcp:%s:%s", s->host ? s->host : "", s->port);
    return addr_inet(&s->addrs, s->host, s->port, s->ipv4, s->ipv6, s->server, e);
}

/* ---- server ---- */

static uint16_t bound_port(int fd)
{
    struct chr_addr a = {.len = sizeof a.sa};
    return getsockname(fd, (struct sockaddr *)&a.sa, &a.len) == 0 ? addr_port(&a) : 0;
}

/* Every address of the host at one port. 0, or -errno of the last if none would. */
static int listen_at(struct sock *s, uint16_t port)
{
    int r = -EADDRNOTAVAIL;
    for (uint32_t i = 0; i < s->addrs.n; i++) {
        addr_set_port(&s->addrs.v[i], port);
        int fd = addr_listen(&s->addrs.v[i]);
        if (fd == -EADDRINUSE) {
            r = fd;
            break;
        }
        if (fd < 0) {
            r = s->nlisteners ? 0 : fd;
            continue;
        }
        s->listener[s->nlisteners++].fd = fd;
        port = port ? port : bound_port(fd);
        r = 0;
    }
    while (r < 0 && s->nlisteners)
        close_fd(&s->listener[--s->nlisteners].fd);
    return r;
}

static int start_server(struct sock *s, struct tn_err *e)
{
    uint16_t port = addr_port(&s->addrs.v[0]);
    int r = listen_at(s, port);
    while (r == -EADDRINUSE && s->to && port < s->to)
        r = listen_at(s, ++port);
    if (r < 0)
        return err_set(e, -r, "Failed to bind socket to %s: %s",
                       s->path ? s->path : s->label + strlen("tcp:"), strerror(-r));
    if (!s->path) {
        free(s->label);
        s->label = xasprintf("tcp:%s:%u", s->host && *s->host ? s->host : "0.0.0.0",
                             bound_port(s->listener[0].fd));
    }
    return 0;
}

/* ---- a descriptor that whoever started us left open ---- */

static int parse_fd(const struct sock *s, struct tn_err *e)
{
    char *end;
    struct stat st;
    errno = 0;
    long fd = strtol(s->fd, &end, 10);
    if (*end || end == s->fd || errno || fd < 0 || fd > INT32_MAX)
        return err_set(e, EINVAL, "Unable to parse FD number %s", s->fd);
    if (fstat((int)fd, &st) < 0 || !S_ISSOCK(st.st_mode))
        return err_set(e, ENOTSOCK, "File descriptor '%s' is not a socket", s->fd);
    return (int)fd;
}

static int use_fd(struct sock *s, struct tn_err *e)
{
    int fd = parse_fd(s, e), listens = 0;
    socklen_t len = sizeof listens;
    if (fd < 0)
        return fd;
    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len);
    if (!listens != !s->server)
        return err_set(e, EINVAL,
                       s->server ? "File descriptor '%s' does not listen"
                                 : "File descriptor '%s' listens: it needs server=on",
                       s->fd);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    if (s->server)
        s->listener[s->nlisteners++].fd = fd;
    else
        sock_connected(s, fd);
    return 0;
}

/* ---- life ---- */

static int must_wait(const struct sock *s)
{
    return s->server ? s->wait != TN_OFF : !s->reconnect && !s->reconnect_ms && !s->fd;
}

/* What it will do once the machine runs: take clients, connect again, remove its name. */
static int declare(struct sock *s, struct tn_err *e)
{
    struct vm *vm = s->c.dev->vm;
    const char *connects = s->path ? "connect-unix" : "connect-inet";
    int again = s->reconnect || s->reconnect_ms;
    if (sandbox_need(vm, "socket") < 0 || (again && sandbox_need(vm, connects) < 0) ||
        (s->server && s->path && sandbox_need(vm, "unlink") < 0))
        return err_set(e, EINVAL, "no sandbox profile for a socket");
    return 0;
}

static int start(struct sock *s, struct tn_err *e)
{
    if (declare(s, e) < 0)
        return -EINVAL;
    int r = s->fd ? use_fd(s, e) : s->server ? start_server(s, e) : 0;
    if (r < 0)
        return r;
    sock_show(s);
    s->e = e;
    s->waiting = must_wait(s) != 0;
    if (s->server && s->waiting)
        log_line(LOG_INFO, "waiting for a connection on %s,server=on", s->label);
    sock_go(s);
    if (!s->waiting)
        return s->result;
    s->waiting = 2;
    return TN_PENDING;
}

static int sock_realize(void *p, struct tn_err *e)
{
    struct sock *s = p;
    s->connecting = -1;
    int r = chr_common_realize(&s->c, e);
    if (r == 0)
        r = check_options(s, e);
    if (r == 0 && s->c.dev->vm->sealed)
        r = err_set(e, EPERM, "no socket can be opened any more: the machine runs");
    if (r == 0)
        r = resolve(s, e);
    return r < 0 ? r : start(s, e);
}

/* What was bound by name is removed by name; an inherited listener is not ours. */
static void remove_path(const struct sock *s)
{
    struct stat st;
    if (s->path && !s->abstract && s->nlisteners && lstat(s->path, &st) == 0 &&
        S_ISSOCK(st.st_mode))
        unlink(s->path);
}

static void sock_end(void *p)
{
    struct sock *s = p;
    if (!s->label)
        return; /* it never got so far */
    remove_path(s);
    sock_close(s);
    free(s->label);
    s->label = NULL;
}

static int64_t sock_write(void *p, const void *data, uint64_t n)
{
    struct sock *s = p;
    return s->connected ? chr_io_write(&s->io, data, n) : (int64_t)n;
}

static void sock_room(void *p, uint64_t n)
{
    struct sock *s = p;
    if (n && s->connected)
        chr_io_room(&s->io);
}

static void sock_frontend(void *s, uint32_t open)
{
    if (!open)
        sock_given_back(s);
}

static const struct tn_chr_backend sock_ops = {sizeof sock_ops, .write = sock_write,
                                               .room = sock_room, .frontend = sock_frontend,
                                               .take = sock_take};

static const struct tn_prop sock_props[] = {
    CHR_COMMON_PROPS(struct sock),
    TN_PROP_STR(struct sock, path, "path", NULL, "a local socket"),
    TN_PROP_STR(struct sock, host, "host", NULL, "name or address; empty: any, for a server"),
    TN_PROP_STR(struct sock, port, "port", NULL, "number or name of a service"),
    TN_PROP_STR(struct sock, fd, "fd", NULL, "an inherited descriptor"),
    TN_PROP(struct sock, to, "to", U16, 0, "last port to try, for a server"),
    TN_PROP(struct sock, server, "server", BOOL, 0, "listen instead of connecting"),
    TN_PROP(struct sock, wait, "wait", ONOFFAUTO, TN_AUTO,
            "as server, go on only once a client is there"),
    TN_PROP(struct sock, reconnect, "reconnect", U32, 0,
            "as client, seconds until the next attempt; 0: none"),
    TN_PROP(struct sock, reconnect_ms, "reconnect-ms", U32, 0, "the same in milliseconds"),
    TN_PROP(struct sock, nodelay, "nodelay", BOOL, 0, "TCP sends small pieces at once"),
    TN_PROP(struct sock, delay, "delay", ONOFFAUTO, TN_AUTO, "the opposite of nodelay"),
    TN_PROP(struct sock, ipv4, "ipv4", ONOFFAUTO, TN_AUTO, "use IPv4"),
    TN_PROP(struct sock, ipv6, "ipv6", ONOFFAUTO, TN_AUTO, "use IPv6"),
    TN_PROP(struct sock, abstract, "abstract", BOOL, 0, "path is a name in the abstract space"),
    TN_PROP(struct sock, tight, "tight", BOOL, 1,
            "an abstract name ends with its text, not with zeros"),
    TN_PROP(struct sock, telnet, "telnet", BOOL, 0, "not supported"),
    TN_PROP(struct sock, tn3270, "tn3270", BOOL, 0, "not supported"),
    TN_PROP(struct sock, websocket, "websocket", BOOL, 0, "not supported"),
    TN_PROP_STR(struct sock, tls_creds, "tls-creds", NULL, "not supported"),
    TN_PROP_STR(struct sock, tls_authz, "tls-authz", NULL, "not supported"),
};

const struct tn_class chr_socket_class =
    CHR_CLASS(struct sock, "socket", "Stream socket", sock_props, sock_realize, sock_end, sock_ops);
