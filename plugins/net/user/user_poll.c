/* SPDX-License-Identifier: BSD-2-Clause */
/* libslirp's sockets and timers on the host's event loop. It wants to be asked before each wait
 * which descriptors it waits for, all of them; a turn asks, and changes only the watches that
 * differ. */
#include "user.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- descriptors ---- */

static void came(void *s, uint32_t ev)
{
    struct user_fd *f = s;
    f->ready |= ev;
    user_poll_soon(f->u);
}

static void forget(struct user *u, uint32_t fd)
{
    struct user_fd *f = fd < u->nfds ? u->fds[fd] : NULL;
    if (!f)
        return;
    if (f->watch)
        u->loop->fd_del(f->watch);
    u->fds[fd] = NULL;
    free(f);
}

static struct user_fd *slot(struct user *u, uint32_t fd)
{
    if (fd >= u->nfds) {
        uint32_t n = fd + 64;
        struct user_fd **more = realloc(u->fds, n * sizeof *more);
        if (!more)
            return NULL;
        memset(more + u->nfds, 0, (n - u->nfds) * sizeof *more);
        u->fds = more;
        u->nfds = n;
    }
    if (!u->fds[fd] && (u->fds[fd] = calloc(1, sizeof(struct user_fd))))
        u->fds[fd]->u = u;
    return u->fds[fd];
}

/* The number that slirp asks with later is the descriptor's. */
static int add_poll(int fd, int events, void *s)
{
    struct user *u = s;
    uint32_t ev =
        (events & SLIRP_POLL_IN ? TN_FD_IN : 0u) | (events & SLIRP_POLL_OUT ? TN_FD_OUT : 0u);
    struct user_fd *f = fd >= 0 ? slot(u, (uint32_t)fd) : NULL;
    if (!f)
        return -1;
    f->seen = u->turns;
    if (!f->watch)
        f->watch = u->loop->fd(u->d, NULL, 0, fd, ev, came, f);
    else if (f->events != ev)
        u->loop->fd_mask(f->watch, ev);
    f->events = ev;
    return fd;
}

static int revents(int fd, void *s)
{
    const struct user *u = s;
    const struct user_fd *f = fd >= 0 && (uint32_t)fd < u->nfds ? u->fds[fd] : NULL;
    if (!f)
        return 0;
    return (f->ready & TN_FD_IN ? SLIRP_POLL_IN : 0) | (f->ready & TN_FD_OUT ? SLIRP_POLL_OUT : 0) |
           (f->ready & TN_FD_ERR ? SLIRP_POLL_ERR : 0);
}

/* What it does not wait for any more is not watched; its number may come back. */
static void drop_unseen(struct user *u)
{
    for (uint32_t i = 0; i < u->nfds; i++)
        if (u->fds[i] && u->fds[i]->seen != u->turns)
            forget(u, i);
}

static void take_turn(void *s)
{
    struct user *u = s;
    uint32_t ms = UINT32_MAX;
    slirp_pollfds_poll(u->slirp, 0, revents, u);
    user_forwards_poll(u);
    for (uint32_t i = 0; i < u->nfds; i++)
        if (u->fds[i])
            u->fds[i]->ready = 0;
    u->turns++;
    slirp_pollfds_fill(u->slirp, &ms, add_poll, u);
    drop_unseen(u);
    if (ms != UINT32_MAX)
        u->loop->arm(u->timeout, u->loop->now(u->d, TN_CLK_VM) + (ms ? ms : 1) * 1000000ull);
    else
        u->loop->disarm(u->timeout);
}

void user_poll_soon(struct user *u)
{
    u->loop->kick(u->turn);
}

static void timed_out(void *s)
{
    user_poll_soon(s);
}

int user_poll_init(struct user *u, struct tn_err *e)
{
    u->turn = u->loop->bh(u->d, NULL, 0, take_turn, u);
    u->timeout = u->loop->timer(u->d, NULL, 0, TN_CLK_VM, timed_out, u);
    return u->turn && u->timeout ? 0 : tn_fail(u->d, e, ENOMEM, "no memory for timers");
}

void user_poll_fini(struct user *u)
{
    for (uint32_t i = 0; i < u->nfds; i++)
        free(u->fds[i]); /* the watches are the host's */
    free(u->fds);
}

/* ---- what libslirp calls ---- */

/* A guest that has no room for it loses it, and TCP sends it again. */
static ssize_t send_packet(const void *buf, size_t len, void *s)
{
    struct user *u = s;
    const struct tn_iov v = {(void *)(uintptr_t)buf, len};
    u->feed->deliver(u->d, 0, &v, 1);
    return (ssize_t)len;
}

static void guest_error(const char *msg, void *s)
{
    struct user *u = s;
    u->d->core->guest_error(u->d, "%s", msg);
}

static int64_t clock_ns(void *s)
{
    struct user *u = s;
    return (int64_t)u->loop->now(u->d, TN_CLK_VM);
}

struct slirp_timer {
    struct user *u;
    struct tn_timer *t;
    SlirpTimerCb fn;
    void *arg;
};

static void timer_ran(void *s)
{
    struct slirp_timer *t = s;
    t->fn(t->arg);
    user_poll_soon(t->u);
}

static void *timer_new(SlirpTimerCb fn, void *arg, void *s)
{
    struct user *u = s;
    struct slirp_timer *t = calloc(1, sizeof *t);
    if (!t) {
        u->short_of_memory = 1; /* libslirp cannot be told */
        return NULL;
    }
    *t = (struct slirp_timer){.u = u, .fn = fn, .arg = arg};
    t->t = u->loop->timer(u->d, NULL, 0, TN_CLK_VM, timer_ran, t);
    return t;
}

static void timer_free(void *p, void *s)
{
    struct slirp_timer *t = p;
    struct user *u = s;
    if (t && t->t)
        u->loop->timer_del(t->t);
    free(t);
}

static void timer_mod(void *p, int64_t ms, void *s)
{
    struct slirp_timer *t = p;
    struct user *u = s;
    if (t && t->t) /* there was no memory for it */
        u->loop->arm(t->t, (uint64_t)(ms > 0 ? ms : 0) * 1000000u);
}

/* A new socket: the next turn finds it. One that had this number before is gone. */
static void register_fd(int fd, void *s)
{
    struct user *u = s;
    if (fd >= 0)
        forget(u, (uint32_t)fd);
    if (u->turn)
        user_poll_soon(u);
}

static void unregister_fd(int fd, void *s)
{
    struct user *u = s;
    if (fd >= 0)
        forget(u, (uint32_t)fd);
}

static void notify(void *s)
{
    user_poll_soon(s);
}

const SlirpCb user_callbacks = {
    .send_packet = send_packet,
    .guest_error = guest_error,
    .clock_get_ns = clock_ns,
    .timer_new = timer_new,
    .timer_free = timer_free,
    .timer_mod = timer_mod,
    .register_poll_fd = register_fd,
    .unregister_poll_fd = unregister_fd,
    .notify = notify,
};
