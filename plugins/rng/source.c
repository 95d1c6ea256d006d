/* SPDX-License-Identifier: BSD-2-Clause */
#include "source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE = 4096 }; /* bytes at once */

/* ---- wants ---- */

static uint32_t open_wants(struct reader *r)
{
    pthread_mutex_lock(&r->lock);
    uint32_t n = r->nwants + r->nbytes;
    pthread_mutex_unlock(&r->lock);
    return n;
}

/* Length of the oldest want, 0 if none is open. */
static uint32_t oldest(struct reader *r)
{
    pthread_mutex_lock(&r->lock);
    uint32_t len = r->nwants ? r->want[0] : r->nbytes > 0;
    pthread_mutex_unlock(&r->lock);
    return len;
}

static void close_oldest(struct reader *r)
{
    pthread_mutex_lock(&r->lock);
    if (r->nwants)
        memmove(r->want, r->want + 1, --r->nwants * sizeof *r->want);
    else
        r->nbytes -= r->nbytes > 0;
    pthread_mutex_unlock(&r->lock);
}

/* 0: there is no memory for more. */
static int has_room(struct reader *r)
{
    if (r->nwants < r->room)
        return 1;
    uint32_t *more = realloc(r->want, (r->room + 16) * sizeof *r->want);
    if (!more)
        return 0;
    r->want = more;
    r->room += 16;
    return 1;
}

/* A few for each reader: a device opens no more than it has buffers for. Every want is answered:
 * one that cannot be written down is taken for the least, a byte. */
static void add_want(struct reader *r, uint32_t len)
{
    pthread_mutex_lock(&r->lock);
    if (!r->nbytes && has_room(r))
        r->want[r->nwants++] = len ? len : 1;
    else
        r->nbytes++;
    pthread_mutex_unlock(&r->lock);
}

/* ---- giving ---- */

/* 0: nothing for now. */
static int give_one(struct reader *r, uint32_t len)
{
    uint8_t buf[PIECE];
    int n = r->source->fill(r->source, r, buf, len < PIECE ? len : PIECE);
    if (n == 0)
        return 0;
    close_oldest(r);
    r->entropy(r->arg, buf, n > 0 ? (uint32_t)n : 0);
    return 1;
}

/* The wants that are open now; those that they lead to have kicked for the next round. */
static void run(void *self)
{
    struct reader *r = self;
    for (uint32_t todo = open_wants(r); todo && r->source; todo--) {
        uint32_t len = oldest(r);
        if (!len || !give_one(r, len))
            return;
    }
}

static void unwatch(struct reader *r)
{
    if (r->watch)
        r->source->loop->fd_del(r->watch);
    r->watch = NULL;
}

/* One event for each watch: a descriptor that has hung up would report that for ever. */
static void readable(void *self, uint32_t events)
{
    struct reader *r = self;
    (void)events;
    unwatch(r);
    run(r);
}

void reader_again(struct reader *r, uint64_t ns)
{
    const struct tn_loop *loop = r->source->loop;
    loop->arm(r->timer, loop->now(r->dev, TN_CLK_REAL) + ns);
}

void reader_watch(struct reader *r, int fd)
{
    const struct source *s = r->source;
    if (!r->watch)
        r->watch = s->loop->fd(r->dev, s->loop->home(s->dev), 0, fd, TN_FD_IN, readable, r);
    if (!r->watch)
        reader_again(r, 100000000u);
}

void source_wake(struct source *s)
{
    for (struct reader *r = s->readers; r; r = r->next)
        s->loop->kick(r->bh);
}

/* ---- TN_RNG_1 ---- */

static void *rng_open(void *self, struct tn_dev *d,
                      void (*entropy)(void *arg, const uint8_t *p, uint32_t n), void *arg,
                      struct tn_err *e)
{
    struct source *s = self;
    struct tn_ctx *home = s->loop->home(s->dev);
    struct tn_bh *bh;
    struct reader *r = malloc(sizeof *r);
    if (!r) {
        (void)tn_fail(d, e, ENOMEM, "no memory for a reader of entropy");
        return NULL;
    }
    *r = (struct reader){.source = s, .dev = d, .entropy = entropy, .arg = arg};
    r->timer = s->loop->timer(d, home, 0, TN_CLK_REAL, run, r);
    r->bh = bh = s->loop->bh(d, home, 0, run, r);
    if (!r->timer || !bh) {
        free(r);
        (void)tn_fail(d, e, ENOMEM, "no memory for a reader of entropy");
        return NULL;
    }
    pthread_mutex_init(&r->lock, NULL);
    r->next = s->readers;
    s->readers = r;
    return r;
}

static void rng_want(void *h, uint32_t len)
{
    struct reader *r = h;
    add_want(r, len);
    struct source *s = __atomic_load_n(&r->source, __ATOMIC_ACQUIRE);
    if (s)
        s->loop->kick(r->bh);
}

static void rng_cancel(void *h)
{
    struct reader *r = h;
    pthread_mutex_lock(&r->lock);
    r->nwants = r->nbytes = 0;
    pthread_mutex_unlock(&r->lock);
}

/* r asks nobody any more. */
static void part(struct reader *r)
{
    const struct tn_loop *loop = r->source->loop;
    unwatch(r);
    loop->timer_del(r->timer);
    loop->bh_del(r->bh);
    __atomic_store_n(&r->source, NULL, __ATOMIC_RELEASE);
}

static void rng_close(void *h)
{
    struct reader *r = h;
    for (struct reader **at = r->source ? &r->source->readers : NULL; at && *at; at = &(*at)->next)
        if (*at == r) {
            *at = r->next;
            break;
        }
    if (r->source)
        part(r);
    pthread_mutex_destroy(&r->lock);
    free(r->want);
    free(r);
}

const struct tn_rng source_rng = {
    .struct_size = sizeof source_rng,
    .open = rng_open,
    .want = rng_want,
    .cancel = rng_cancel,
    .close = rng_close,
};

/* ---- life ---- */

const char *const source_provides[] = {TN_RNG_1, NULL};

int source_init(void *self, struct tn_dev *d)
{
    struct source *s = self;
    s->dev = d;
    s->loop = TN_GET(d, struct tn_loop, TN_LOOP_1);
    return 0;
}

const void *source_iface(void *self, const char *id)
{
    (void)self;
    return strcmp(id, TN_RNG_1) == 0 ? &source_rng : NULL;
}

/* A source that is a child of its reader goes first. */
void source_end(void *self)
{
    struct source *s = self;
    while (s->readers) {
        struct reader *r = s->readers;
        s->readers = r->next;
        part(r);
    }
}
