/* SPDX-License-Identifier: BSD-2-Clause */
/* A connection and its fate. All of it is under conn.lock, which nobody keeps over a call that
 * could come back; ends of requests are told without it, in the connection's context. */
#include "nbd.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    SECOND = 1000000000,
    RETRY_MAX = 16,   /* seconds between two attempts, after 1, 2, 4, 8 */
    ANSWER_MAX = 10,  /* seconds that a server may take for its part of the handshake */
    REPLIES_MAX = 64, /* that one event takes */
};

static uint64_t now(const struct conn *c)
{
    return c->disk->loop->now(c->disk->dev, TN_CLK_REAL);
}

static int is_patient(const struct conn *c)
{
    return !c->lost || now(c) < c->patient_until;
}

static void fail_waiting(struct conn *c, int err)
{
    for (struct tn_blk_req *r; (r = req_pop(&c->waiting));)
        io_end(c, r, err);
}

/* ---- telling ---- */

/* What has ended, to its queues: of this context by the caller, of another by its bottom half. */
static struct req_list sort_ended(struct conn *c)
{
    struct req_list here = {NULL, NULL}, all = c->ended;
    c->ended.first = NULL;
    for (struct tn_blk_req *r; (r = req_pop(&all));) {
        struct nbd_queue *q = nbd_req_of(r)->q;
        req_push(q->ctx == c->ctx ? &here : &q->returned, r);
        if (q->ctx != c->ctx)
            c->disk->loop->kick(q->bh);
    }
    return here;
}

/* Unlocks c. */
static void leave(struct conn *c)
{
    struct nbd *s = c->disk;
    struct req_list ended = sort_ended(c);
    pthread_mutex_unlock(&c->lock);
    for (struct tn_blk_req *r; (r = req_pop(&ended));)
        s->feed->done(s->dev, r, (int)nbd_req_of(r)->result);
}

/* Locks c, in an event of its: 1. 0, and not locked, if it has moved elsewhere meanwhile. */
static int enter(struct conn *c)
{
    pthread_mutex_lock(&c->lock);
    if (c->state != CONN_CLOSED && c->disk->loop->here(c->ctx))
        return 1;
    pthread_mutex_unlock(&c->lock);
    return 0;
}

/* ---- the first connection ---- */

/* libnbd's text of its last error, without the functions that it came from. */
static const char *reason(void)
{
    const char *text = nbd_get_error(), *colon = text ? strstr(text, ": ") : NULL;
    text = colon ? colon + 2 : "the server hung up";
    return strncmp(text, "connect: ", 9) == 0 ? text + 9 : text;
}

static void opened(struct conn *c, int err, const char *why)
{
    struct nbd *s = c->disk;
    s->opening.pending = 0;
    if (err < 0)
        (void)tn_fail(s->dev, s->opening.e, -err, "Failed to connect to '%s': %s", s->where, why);
    s->dev->core->realized(s->dev, err);
}

/* ---- the socket ---- */

static void on_socket(void *p, uint32_t ev);

static uint32_t wanted(struct conn *c)
{
    unsigned dir = nbd_aio_get_direction(c->h);
    return (dir & LIBNBD_AIO_DIRECTION_READ ? TN_FD_IN : 0u) |
           (dir & LIBNBD_AIO_DIRECTION_WRITE ? (uint32_t)TN_FD_OUT : 0u);
}

/* libnbd closes its socket when it likes; a watch must go before its descriptor does: so it has one
 * of its own. */
static void watch(struct conn *c)
{
    const struct nbd *s = c->disk;
    c->fd = fcntl(nbd_aio_get_fd(c->h), F_DUPFD_CLOEXEC, 0);
    if (c->fd >= 0)
        c->watch = s->loop->fd(s->dev, c->ctx, TN_LF_NOLOCK, c->fd, wanted(c), on_socket, c);
}

static void unwatch(struct conn *c)
{
    if (c->watch)
        c->disk->loop->fd_del(c->watch);
    c->watch = NULL;
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
}

static int is_dead(struct conn *c)
{
    return nbd_aio_is_dead(c->h) || nbd_aio_is_closed(c->h);
}

/* ---- the end of a connection, and the next ---- */

static void schedule(struct conn *c)
{
    uint64_t at = c->state == CONN_WAITING  ? c->retry_at
                  : c->state == CONN_MAKING ? c->give_up_at
                                            : ~(uint64_t)0;
    if (c->waiting.first && c->lost && c->patient_until < at)
        at = c->patient_until;
    if (at != ~(uint64_t)0)
        c->disk->loop->arm(c->timer, at);
}

static void drop_handle(struct conn *c)
{
    unwatch(c);
    if (c->h)
        nbd_close(c->h); /* when it died it called back what it still had: c->waiting */
    c->h = NULL;
}

static uint64_t retry_after(const struct conn *c)
{
    uint32_t seconds = c->attempts < 5 ? 1u << (c->attempts ? c->attempts - 1 : 0) : RETRY_MAX;
    return (uint64_t)seconds * SECOND;
}

/* A connection that was there goes: the first attempt is made at once, but not to a server that
 * takes connections only to drop them. */
static void begin_losing(struct conn *c)
{
    const struct nbd *s = c->disk;
    c->lost = 1;
    c->attempts = now(c) - c->made_at < SECOND;
    c->patient_until = now(c) + (uint64_t)s->reconnect_delay * SECOND;
    s->dev->core->warn(s->dev, "connection to '%s' lost", s->where);
}

/* 1 if the server has another address to be tried first. */
static int next_address(struct conn *c)
{
    if (c->state != CONN_MAKING || ++c->address == c->disk->naddresses) {
        c->address = 0;
        return 0;
    }
    c->retry_at = now(c);
    c->state = CONN_WAITING;
    schedule(c);
    return 1;
}

static void lose(struct conn *c, int err, const char *why)
{
    struct nbd *s = c->disk;
    char text[256];
    snprintf(text, sizeof text, "%s", why);
    drop_handle(c);
    if (next_address(c))
        return;
    if (s->opening.pending && now(c) >= s->opening.until) {
        c->state = CONN_CLOSED;
        opened(c, -err, text);
        return;
    }
    if (!s->opening.pending && !c->lost)
        begin_losing(c);
    else
        c->attempts++;
    c->retry_at = now(c) + (c->attempts ? retry_after(c) : 0);
    c->state = CONN_WAITING;
    if (!is_patient(c))
        fail_waiting(c, -EIO);
    schedule(c);
}

/* ---- a connection comes about ---- */

static int same_export(const struct export *a, const struct export *b)
{
    return a->size == b->size && a->minimum == b->minimum && a->maximum == b->maximum &&
           a->flags == b->flags;
}

static void send_waiting(struct conn *c)
{
    struct req_list all = c->waiting;
    c->waiting.first = NULL;
    for (struct tn_blk_req *r; (r = req_pop(&all));) {
        int err = io_send(c, r);
        if (err == -EAGAIN)
            req_push(&c->waiting, r);
        else if (err < 0)
            io_end(c, r, err);
    }
}

static void made(struct conn *c)
{
    struct nbd *s = c->disk;
    struct export x;
    char why[256] = "";
    int err = open_export(s, c->h, &x, why, sizeof why);
    if (err == 0 && !s->opening.pending && !same_export(&x, &s->export_is)) {
        snprintf(why, sizeof why, "the export is not what it was");
        s->dev->core->warn(s->dev, "'%s': %s", s->where, why);
        err = -EINVAL;
    }
    if (err < 0) {
        lose(c, -err, why);
        return;
    }
    c->state = CONN_READY;
    c->made_at = now(c);
    if (s->opening.pending) {
        s->export_is = x;
        opened(c, 0, NULL);
    }
    if (c->lost)
        s->dev->core->warn(s->dev, "connection to '%s' is back", s->where);
    c->lost = c->attempts = 0;
    send_waiting(c);
}

/* After anything that libnbd has done, in the connection's context. */
static void look(struct conn *c)
{
    if (c->state == CONN_MAKING && nbd_aio_is_ready(c->h))
        made(c);
    if (c->h && is_dead(c)) {
        int err = nbd_get_errno();
        lose(c, err ? err : EIO, reason());
    } else if (c->h && !c->watch) {
        lose(c, ENOMEM, "no memory to watch a socket");
    }
    if (c->watch)
        c->disk->loop->fd_mask(c->watch, wanted(c));
}

/* Asked to read where there is nothing, libnbd waits for a reply and sends no command before. */
static int has_input(const struct conn *c)
{
    char byte;
    return recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || errno != EAGAIN;
}

static void progress(struct conn *c, uint32_t ev)
{
    if ((ev & (TN_FD_OUT | TN_FD_ERR)) && (wanted(c) & TN_FD_OUT))
        nbd_aio_notify_write(c->h);
    if (!(ev & (TN_FD_IN | TN_FD_ERR)))
        return;
    for (int i = 0; i < REPLIES_MAX && (wanted(c) & TN_FD_IN) && has_input(c); i++)
        nbd_aio_notify_read(c->h);
}

static void on_socket(void *p, uint32_t ev)
{
    struct conn *c = p;
    if (!enter(c))
        return;
    if (c->h) {
        progress(c, ev);
        look(c);
    }
    leave(c);
}

static void attempt(struct conn *c)
{
    struct nbd *s = c->disk;
    c->state = CONN_MAKING;
    c->give_up_at = now(c) + ANSWER_MAX * (uint64_t)SECOND;
    if (open_handle(s, &s->address[c->address], &c->h) < 0) {
        lose(c, ENOMEM, "no memory");
        return;
    }
    if (!is_dead(c)) /* else what it says went wrong is not the reason any more */
        watch(c);
    look(c);
    schedule(c);
}

/* ---- other events ---- */

static void on_timer(void *p)
{
    struct conn *c = p;
    if (!enter(c))
        return;
    if (c->state == CONN_WAITING && now(c) >= c->retry_at)
        attempt(c);
    else if (c->state == CONN_MAKING && now(c) >= c->give_up_at)
        lose(c, ETIMEDOUT, "the server does not answer");
    if (c->state != CONN_READY && !is_patient(c))
        fail_waiting(c, -EIO);
    if (c->state != CONN_CLOSED)
        schedule(c);
    leave(c);
}

static void on_bottom_half(void *p)
{
    struct conn *c = p;
    if (!enter(c))
        return;
    if (c->state == CONN_IDLE)
        attempt(c);
    else if (c->h)
        look(c);
    leave(c);
}

/* ---- requests ---- */

void conn_submit(struct conn *c, struct tn_blk_req *r)
{
    pthread_mutex_lock(&c->lock);
    int err = c->state == CONN_READY                      ? io_send(c, r)
              : c->state == CONN_CLOSED || !is_patient(c) ? -EIO
                                                          : -EAGAIN;
    if (err == -EAGAIN) {
        req_push(&c->waiting, r);
        schedule(c);
    } else if (err < 0) {
        io_end(c, r, err);
    }
    int alive = c->state == CONN_READY && !is_dead(c);
    if (alive && c->watch)
        c->disk->loop->fd_mask(c->watch, wanted(c));
    if (c->ended.first || (c->state == CONN_READY && !alive))
        c->disk->loop->kick(c->bh);
    pthread_mutex_unlock(&c->lock);
}

void conn_cancel(struct conn *c, struct tn_blk_req *r)
{
    pthread_mutex_lock(&c->lock);
    if (req_remove(&c->waiting, r)) {
        io_end(c, r, -ECANCELED);
        c->disk->loop->kick(c->bh);
    }
    pthread_mutex_unlock(&c->lock);
}

/* ---- life ---- */

static int bind_to(struct conn *c, struct tn_ctx *ctx)
{
    const struct nbd *s = c->disk;
    struct tn_bh *bh = s->loop->bh(s->dev, ctx, TN_LF_NOLOCK, on_bottom_half, c);
    struct tn_timer *timer = s->loop->timer(s->dev, ctx, TN_LF_NOLOCK, TN_CLK_REAL, on_timer, c);
    if (!bh || !timer) {
        if (bh)
            s->loop->bh_del(bh);
        if (timer)
            s->loop->timer_del(timer);
        return -ENOMEM;
    }
    if (c->bh)
        s->loop->bh_del(c->bh);
    if (c->timer)
        s->loop->timer_del(c->timer);
    c->bh = bh;
    c->timer = timer;
    c->ctx = ctx;
    return 0;
}

struct conn *conn_new(struct nbd *s, struct tn_ctx *ctx)
{
    struct conn *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->disk = s;
    c->fd = -1;
    pthread_mutex_init(&c->lock, NULL);
    if (bind_to(c, ctx) < 0) {
        conn_free(c);
        return NULL;
    }
    c->next = s->all;
    s->all = c;
    return c;
}

void conn_begin(struct conn *c)
{
    c->disk->loop->kick(c->bh);
}

int conn_move(struct conn *c, struct tn_ctx *ctx)
{
    const struct nbd *s = c->disk;
    pthread_mutex_lock(&c->lock);
    int r = c->ctx == ctx ? 0 : bind_to(c, ctx);
    if (r == 0 && c->watch) {
        unwatch(c);
        watch(c);
    }
    if (r == 0)
        schedule(c);
    s->loop->kick(c->bh);
    pthread_mutex_unlock(&c->lock);
    return r;
}

void conn_close(struct conn *c)
{
    const struct nbd *s = c->disk;
    pthread_mutex_lock(&c->lock);
    if (c->h && c->state == CONN_READY)
        nbd_aio_disconnect(c->h, 0);
    c->state = CONN_CLOSED;
    drop_handle(c);
    if (c->timer)
        s->loop->timer_del(c->timer);
    if (c->bh)
        s->loop->bh_del(c->bh);
    c->timer = NULL;
    c->bh = NULL;
    pthread_mutex_unlock(&c->lock);
}

void conn_free(struct conn *c)
{
    if (c->fd >= 0)
        close(c->fd);
    if (c->h)
        nbd_close(c->h); /* of a realize that was given up */
    pthread_mutex_destroy(&c->lock);
    free(c);
}
