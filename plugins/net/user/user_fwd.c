/* SPDX-License-Identifier: BSD-2-Clause */
/* hostfwd=: ports of the host that lead to the guest. guestfwd=: an address inside that leads to a
 * connection which is made when the machine starts. */
#include "user.h"

#include "util/alloc.h"
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { CHUNK = 16384, KEPT = 1 << 18 };
struct user_forward {
    struct user *u;
    struct user_forward *next;
    struct guest_rule rule;
    struct tn_watch *watch;
    uint32_t events; /* TN_FD_IN: the guest takes bytes */
    uint8_t *kept;   /* KEPT bytes, of which at to end are to be sent */
    uint32_t at, end;
    int fd;
};

/* ---- guestfwd= ---- */

static void stop(struct user_forward *f)
{
    if (f->watch)
        f->u->loop->fd_del(f->watch);
    f->watch = NULL;
    close_fd(&f->fd);
    f->fd = -1;
}

static void set_mask(struct user_forward *f)
{
    f->u->loop->fd_mask(f->watch, f->events | (f->at < f->end ? TN_FD_OUT : 0u));
}

static void send_kept(struct user_forward *f)
{
    ssize_t n = f->at < f->end
                    ? send(f->fd, f->kept + f->at, f->end - f->at, MSG_DONTWAIT | MSG_NOSIGNAL)
                    : 0;
    if (n < 0 && errno != EAGAIN && errno != EINTR) {
        stop(f);
        return;
    }
    f->at += n > 0 ? (uint32_t)n : 0;
    set_mask(f);
}

/* The guest's bytes: libslirp takes no part of a write, so what the target does not take is kept.
 * One that falls too far behind is let go. */
static ssize_t from_guest(const void *buf, size_t len, void *s)
{
    struct user_forward *f = s;
    if (f->fd < 0)
        return (ssize_t)len;
    memmove(f->kept, f->kept + f->at, f->end - f->at);
    f->end -= f->at;
    f->at = 0;
    if (len > KEPT - f->end) {
        f->u->d->core->warn(f->u->d, "the target of a guestfwd does not read: the connection ends");
        stop(f);
        return (ssize_t)len;
    }
    memcpy(f->kept + f->end, buf, len);
    f->end += (uint32_t)len;
    send_kept(f);
    return (ssize_t)len;
}

/* As much as the guest's side of the connection takes. */
static void readable(void *s, uint32_t ev)
{
    struct user_forward *f = s;
    uint8_t buf[CHUNK];
    if (ev & TN_FD_OUT)
        send_kept(f);
    if (f->fd < 0 || !(ev & (TN_FD_IN | TN_FD_ERR)))
        return;
    size_t room = slirp_socket_can_recv(f->u->slirp, f->rule.server, f->rule.port);
    if (!room && !(ev & TN_FD_ERR)) {
        f->events = 0;
        set_mask(f);
        return;
    }
    ssize_t n =
        recv(f->fd, buf, room < CHUNK ? room : CHUNK, MSG_DONTWAIT); /* no room, and an error: 0 */
    if (n > 0)
        slirp_socket_recv(f->u->slirp, f->rule.server, f->rule.port, buf, (int)n);
    else if (n == 0 || (errno != EAGAIN && errno != EINTR))
        stop(f);
    user_poll_soon(f->u);
}

void user_forwards_poll(struct user *u)
{
    for (struct user_forward *f = u->forwards; f; f = f->next)
        if (f->watch && !f->events &&
            slirp_socket_can_recv(u->slirp, f->rule.server, f->rule.port)) {
            f->events = TN_FD_IN;
            set_mask(f);
        }
}

static int connect_unix(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof a.sun_path)
        return -ENAMETOOLONG;
    strcpy(a.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof a) == 0)
        return fd;
    int err = errno;
    close_fd(&fd);
    return -err;
}

static int connect_tcp(const char *host, uint16_t port)
{
    struct addrinfo want = {.ai_socktype = SOCK_STREAM}, *list;
    char service[8];
    int err = EADDRNOTAVAIL, fd = -1;
    snprintf(service, sizeof service, "%u", port);
    if (getaddrinfo(host, service, &want, &list))
        return -EADDRNOTAVAIL;
    for (struct addrinfo *i = list; i && fd < 0; i = i->ai_next) {
        fd = socket(i->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd >= 0 && connect(fd, i->ai_addr, i->ai_addrlen) < 0) {
            err = errno;
            close_fd(&fd);
            fd = -1;
        }
    }
    freeaddrinfo(list);
    return fd < 0 ? -err : fd;
}

/* The connection of the rule, or -errno. */
static int open_target(const struct guest_rule *r)
{
    return r->kind == TARGET_UNIX ? connect_unix(r->host) : connect_tcp(r->host, r->target_port);
}

static int attach(struct user_forward *f, const char *text, struct tn_err *e)
{
    struct user *u = f->u;
    f->kept = malloc(KEPT);
    f->fd = f->kept ? open_target(&f->rule) : -ENOMEM;
    if (f->fd < 0)
        return tn_fail(u->d, e, -f->fd, "guestfwd '%s': could not connect: %s", text,
                       strerror(-f->fd));
    f->watch = u->loop->fd(u->d, NULL, 0, f->fd, 0, readable, f);
    if (!f->watch)
        return tn_fail(u->d, e, ENOMEM, "no memory for a watch");
    if (slirp_add_guestfwd(u->slirp, from_guest, f, &f->rule.server, f->rule.port) < 0)
        return tn_fail(u->d, e, EINVAL,
                       "conflicting/invalid host:port in guest forwarding rule '%s'", text);
    return 0;
}

static int add_guest_rule(struct user *u, const char *text, struct tn_err *e)
{
    struct guest_rule r;
    if (rule_parse_guestfwd(text, &r) < 0)
        return tn_fail(u->d, e, EINVAL, "Invalid guest forwarding rule '%s'", text);
    if (r.kind == TARGET_CMD)
        return user_add_command(u, text, &r, 0, e);
    if (r.kind == TARGET_CHARDEV)
        return tn_fail(u->d, e, ENOTSUP,
                       "guestfwd '%s': give tcp:HOST:PORT, unix:PATH or cmd:COMMAND as the target",
                       text);
    struct user_forward *f = calloc(1, sizeof *f);
    if (!f)
        return tn_fail(u->d, e, ENOMEM, "no memory for a rule");
    *f = (struct user_forward){.u = u, .next = u->forwards, .rule = r, .fd = -1};
    u->forwards = f;
    return attach(f, text, e);
}

/* ---- hostfwd= ---- */

static int add_host_rule(struct user *u, const char *text, struct tn_err *e)
{
    struct host_rule r;
    const char *why = "";
    if (rule_parse_hostfwd(text, &r, &why) < 0)
        return tn_fail(u->d, e, EINVAL, "Invalid host forwarding rule '%s' (%s)", text, why);
    if (slirp_add_hostfwd(u->slirp, r.udp, r.host, r.host_port, r.guest, r.guest_port) < 0)
        return tn_fail(u->d, e, errno, "Could not set up host forwarding rule '%s': %s", text,
                       strerror(errno));
    user_poll_soon(u);
    return 0;
}

static int each(struct user *u, const struct tn_list *l,
                int (*add)(struct user *, const char *, struct tn_err *), struct tn_err *e)
{
    int r = 0;
    for (uint32_t i = 0; i < l->n && r == 0; i++)
        r = add(u, *(const char **)(void *)((char *)l->items + (uint64_t)i * l->stride), e);
    return r;
}

int user_add_forwards(struct user *u, struct tn_err *e)
{
    int r = each(u, &u->hostfwd, add_host_rule, e);
    return r == 0 ? each(u, &u->guestfwd, add_guest_rule, e) : r;
}

void user_forwards_fini(struct user *u)
{
    for (struct user_forward *f = u->forwards, *next; f; f = next) {
        next = f->next;
        close_fd(&f->fd);
        free(f->kept);
        free(f);
    }
}

/* ---- while the machine runs ---- */

static int add_forward(void *s, const char *rule, struct tn_err *e)
{
    return add_host_rule(s, rule, e);
}

/* A rule without its second half. */
static int remove_forward(void *s, const char *text, struct tn_err *e)
{
    struct user *u = s;
    struct host_rule r;
    const char *why = "";
    AUTO_FREE char *whole = NULL;
    if (asprintf(&whole, "%s-:1", text) < 0) {
        whole = NULL;
        return tn_fail(u->d, e, ENOMEM, "no memory for a forwarding rule");
    }
    if (rule_parse_hostfwd(whole, &r, &why) < 0)
        return tn_fail(u->d, e, EINVAL, "Invalid host forwarding rule '%s' (%s)", text, why);
    if (slirp_remove_hostfwd(u->slirp, r.udp, r.host, r.host_port) < 0)
        return -ENOENT;
    user_poll_soon(u);
    return 0;
}

static int show_forwards(void *s, char *buf, uint64_t n)
{
    char *text = slirp_connection_info(((struct user *)s)->slirp);
    int len = snprintf(buf, n, "%s", text ? text : "");
    free(text);
    return len;
}

const struct tn_net_forwards user_forwards = {.struct_size = sizeof user_forwards,
                                              .add = add_forward,
                                              .remove = remove_forward,
                                              .info = show_forwards};
