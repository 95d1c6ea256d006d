/* SPDX-License-Identifier: BSD-2-Clause */
#include "channel.h"

#include "monitor/monitor.h"
#include "sandbox/spawner.h"
#include "util/alloc.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- bytes ---- */

/* Until fd is ready: 0, or -ECANCELED. */
static int wait_for(const struct mig_channel *c, int fd, short what, struct tn_err *e)
{
    struct pollfd p[] = {{fd, what, 0}, {c->wake, POLLIN, 0}};
    while (poll(p, 2, -1) < 0 && errno == EINTR)
        ;
    return p[1].revents ? err_set(e, ECANCELED, "migration was cancelled") : 0;
}

static int is_cancelled(const struct mig_channel *c, struct tn_err *e)
{
    struct pollfd p = {c->wake, POLLIN, 0};
    return poll(&p, 1, 0) == 1 ? err_set(e, ECANCELED, "migration was cancelled") : 0;
}

/* Skips n bytes of what is to be written. */
static void advance(struct iovec **v, int *nv, size_t n)
{
    while (*nv && n >= (*v)->iov_len) {
        n -= (*v)->iov_len;
        (*v)++;
        (*nv)--;
    }
    if (*nv) {
        (*v)->iov_base = (char *)(*v)->iov_base + n;
        (*v)->iov_len -= n;
    }
}

/* All of it by `some`, which is writev or readv. */
static int move_all(const struct mig_channel *c, int fd, const struct iovec *v, int nv,
                    ssize_t (*some)(int fd, const struct iovec *v, int nv), struct tn_err *e)
{
    struct iovec rest[MIG_MAX_PIECES], *at = rest;
    int out = some == writev, r = c->seeks ? is_cancelled(c, e) : 0;
    memcpy(rest, v, (size_t)nv * sizeof *v);
    advance(&at, &nv, 0);
    while (r == 0 && nv) {
        ssize_t n = some(fd, at, nv);
        if (n > 0 || (n == 0 && out))
            advance(&at, &nv, (size_t)n);
        else if (n == 0)
            r = err_set(e, ENODATA, "the state ends too soon");
        else if (errno == EAGAIN)
            r = wait_for(c, fd, out ? POLLOUT : POLLIN, e);
        else if (errno != EINTR)
            r = err_set(e, errno, "%s the state: %s", out ? "writing" : "reading", strerror(errno));
    }
    return r;
}

static int ch_write(void *o, const struct iovec *v, int nv, struct tn_err *e)
{
    const struct mig_channel *c = o;
    return move_all(c, c->out, v, nv, writev, e);
}

static int ch_read(void *o, const struct iovec *v, int nv, struct tn_err *e)
{
    const struct mig_channel *c = o;
    return move_all(c, c->in, v, nv, readv, e);
}

struct mig_io mig_channel_io(struct mig_channel *c)
{
    return (struct mig_io){.write = ch_write, .read = ch_read, .o = c};
}

/* ---- opening ---- */

static void set_nonblocking(int fd)
{
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

/* A section or two on the way, so that the two ends do not wait for each other at each piece; no
 * more, so that what is written is still near when it is read. */
static void widen(int fd)
{
    int bytes = 512 << 10;
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes) < 0)
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
}

static int resolve(struct chr_addrs *list, const struct mig_addr *a, int server, struct tn_err *e)
{
    return a->kind == MIG_UNIX ? addr_unix(list, a->path, 0, 0, e)
                               : addr_inet(list, a->host, a->port, 0, 0, server, e);
}

static int open_listener(struct mig_channel *c, const struct mig_addr *a, struct tn_err *e)
{
    struct chr_addrs list = {0};
    int r = resolve(&list, a, 1, e), fd = -EADDRNOTAVAIL;
    for (uint32_t i = 0; r == 0 && i < list.n && fd < 0; i++)
        fd = addr_listen(&list.v[i]);
    if (r < 0 || fd < 0)
        return r < 0 ? r : err_set(e, -fd, "Failed to listen at '%s': %s", a->text, strerror(-fd));
    c->listener = fd;
    c->local.len = sizeof c->local.sa;
    if (getsockname(fd, (struct sockaddr *)&c->local.sa, &c->local.len) < 0)
        c->local.len = 0;
    set_nonblocking(fd);
    c->unlink = a->kind == MIG_UNIX ? xstrdup(a->path) : NULL;
    return 0;
}

static int open_connection(struct mig_channel *c, const struct mig_addr *a, struct tn_err *e)
{
    struct chr_addrs list = {0};
    int r = resolve(&list, a, 0, e), fd = -EADDRNOTAVAIL, pending = 0;
    for (uint32_t i = 0; r == 0 && i < list.n && fd < 0; i++)
        fd = addr_connect(&list.v[i], &pending);
    if (r < 0 || fd < 0)
        return r < 0 ? r
                     : err_set(e, -fd, "Failed to connect to '%s': %s",
                               a->path ? a->path : a->text + 4, strerror(-fd));
    widen(fd);
    c->in = c->out = fd;
    c->talks = 1;
    c->pending = pending != 0;
    return 0;
}

int mig_channel_connected(struct mig_channel *c, struct tn_err *e)
{
    int why = 0;
    socklen_t len = sizeof why;
    if (!c->pending)
        return 0;
    int r = wait_for(c, c->out, POLLOUT, e);
    if (r < 0)
        return r;
    c->pending = 0;
    return getsockopt(c->out, SOL_SOCKET, SO_ERROR, &why, &len) < 0 || why
               ? err_set(e, why ? why : errno, "Failed to connect: %s", strerror(why ? why : errno))
               : 0;
}

int mig_channel_accept(struct mig_channel *c, struct tn_err *e)
{
    int fd = accept4(c->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return errno == EAGAIN || errno == EINTR || errno == ECONNABORTED
                   ? -EAGAIN
                   : err_set(e, errno, "accepting the state: %s", strerror(errno));
    c->in = c->out = fd;
    c->talks = 1;
    return 0;
}

/* It may be a socket, a pipe or a file. */
static void learn(struct mig_channel *c, int fd)
{
    struct stat st;
    int ok = fstat(fd, &st) == 0;
    c->talks = ok && S_ISSOCK(st.st_mode);
    c->seeks = ok && S_ISREG(st.st_mode);
    off_t at = c->seeks ? lseek(fd, 0, SEEK_CUR) : 0;
    c->start = at > 0 ? (uint64_t)at : 0;
    if (!c->seeks)
        set_nonblocking(fd);
}

static int named_fd(struct vm *vm, const char *name, int incoming, struct tn_err *e)
{
    char *end;
    long n = strtol(name, &end, 10);
    /* at start there is no monitor that could have been given one */
    if (incoming && *name && !*end && n >= 0 && n < 1 << 20 && fcntl((int)n, F_GETFD) >= 0)
        return (int)n;
    return monitor_take_fd(vm, name, e);
}

static int open_fd(struct mig_channel *c, struct vm *vm, const struct mig_addr *a, int incoming,
                   struct tn_err *e)
{
    int fd = named_fd(vm, a->path, incoming, e);
    if (fd < 0)
        return fd;
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    learn(c, fd);
    c->in = incoming || c->talks ? fd : -1;
    c->out = !incoming || c->talks ? fd : -1;
    return 0;
}

static int open_file(struct mig_channel *c, const struct mig_addr *a, int incoming,
                     struct tn_err *e)
{
    int flags = incoming ? O_RDONLY : O_WRONLY | O_CREAT | (a->offset ? 0 : O_TRUNC);
    int fd = open(a->path, flags | O_CLOEXEC | O_NONBLOCK, 0660);
    if (fd < 0)
        return err_set(e, errno, "Could not %s '%s': %s", incoming ? "open" : "create", a->path,
                       strerror(errno));
    if (a->offset && lseek(fd, (off_t)a->offset, SEEK_SET) < 0) {
        int err = errno;
        close(fd);
        return err_set(e, err, "'%s' has no offset %llu: %s", a->path,
                       (unsigned long long)a->offset, strerror(err));
    }
    learn(c, fd);
    c->in = incoming ? fd : -1;
    c->out = incoming ? -1 : fd;
    return 0;
}

/* ---- commands ---- */

static int open_command(struct mig_channel *c, struct vm *vm, const struct mig_addr *a,
                        int incoming, struct tn_err *e)
{
    int p[2];
    if (pipe2(p, O_CLOEXEC) < 0)
        return err_set(e, errno, "'%s': %s", a->text, strerror(errno));
    int ours = p[incoming ? 0 : 1], theirs = p[incoming ? 1 : 0];
    struct spawn program = {.args = a->args, .fd = {theirs}, .as = {incoming ? 1 : 0}, .nfds = 1};
    c->program = spawner_run(vm->spawner, &program, e);
    close(theirs);
    if (c->program < 0) {
        close(ours);
        return c->program;
    }
    set_nonblocking(ours);
    c->in = incoming ? ours : -1;
    c->out = incoming ? -1 : ours;
    return 0;
}

/* ---- all kinds ---- */

static int open_kind(struct mig_channel *c, struct vm *vm, const struct mig_addr *a, int incoming,
                     struct tn_err *e)
{
    switch (a->kind) {
    case MIG_FD:
        return open_fd(c, vm, a, incoming, e);
    case MIG_FILE:
        return open_file(c, a, incoming, e);
    case MIG_EXEC:
        return open_command(c, vm, a, incoming, e);
    default:
        return incoming ? open_listener(c, a, e) : open_connection(c, a, e);
    }
}

int mig_channel_open(struct mig_channel *c, struct vm *vm, const struct mig_addr *a, int incoming,
                     struct tn_err *e)
{
    *c = (struct mig_channel){.in = -1, .out = -1, .listener = -1, .program = -1};
    c->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int r = c->wake < 0 ? err_set(e, errno, "eventfd: %s", strerror(errno))
                        : open_kind(c, vm, a, incoming, e);
    if (r < 0)
        mig_channel_close(c);
    return r;
}

void mig_channel_cancel(struct mig_channel *c)
{
    uint64_t one = 1;
    ssize_t n = write(c->wake, &one, sizeof one);
    (void)n; /* full: it was cancelled before */
}

static void close_both(struct mig_channel *c)
{
    if (c->in >= 0)
        close(c->in);
    if (c->out >= 0 && c->out != c->in)
        close(c->out);
    c->in = c->out = -1;
}

int mig_channel_finish(struct mig_channel *c, struct tn_err *e)
{
    int status = 0;
    if (c->seeks && c->out >= 0 && fdatasync(c->out) < 0 && errno != EINVAL)
        return err_set(e, errno, "writing the state: %s", strerror(errno));
    if (c->program < 0)
        return 0;
    close_both(c);
    int r = spawner_wait(c->program, c->wake, &status);
    if (r == -ECANCELED)
        return err_set(e, ECANCELED, "migration was cancelled");
    return r < 0 || !WIFEXITED(status) || WEXITSTATUS(status)
               ? err_set(e, EIO, "the command failed with status %d",
                         WIFEXITED(status) ? WEXITSTATUS(status) : -1)
               : 0;
}

int mig_channel_rewind(struct mig_channel *c, struct tn_err *e)
{
    return lseek(c->in, (off_t)c->start, SEEK_SET) < 0
               ? err_set(e, errno, "reading the state: %s", strerror(errno))
               : 0;
}

void mig_channel_close(struct mig_channel *c)
{
    close_both(c);
    close_fd(&c->wake);
    close_fd(&c->listener);
    if (c->unlink)
        unlink(c->unlink);
    free(c->unlink);
    c->unlink = NULL;
    close_fd(&c->program); /* ends it, if it still runs */
}
