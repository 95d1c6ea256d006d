/* SPDX-License-Identifier: BSD-2-Clause */
/* TN_LOOP_1: one thread, virtual clocks, real files. */
#include "host_pci.h"
#include "services.h"
#include <poll.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { REAL_OFFSET = 5000, ROUNDS_MAX = 100000, INSTANT = 64, CALLBACK_NS = 1000 };
#define EPOCH_NS 1700000000000000000u /* the host's wall clock when a test begins */

struct tn_timer {
    struct res r;
    TAILQ_ENTRY(tn_timer) link;
    struct tn_ctx *c;
    uint32_t flags, clk, armed;
    uint64_t at;
    void (*fn)(void *);
    void *s;
};
struct tn_watch {
    struct res r;
    TAILQ_ENTRY(tn_watch) link;
    struct tn_ctx *c;
    uint32_t flags, ev;
    int fd, edges; /* edges: an epoll set of fd alone, -1 = asked by poll() */
    void (*fn)(void *, uint32_t);
    void *s;
};
struct tn_bh {
    struct res r;
    TAILQ_ENTRY(tn_bh) link;
    struct tn_ctx *c;
    uint32_t flags, kicked;
    void (*fn)(void *);
    void *s;
};
struct tn_poll {
    struct res r;
    TAILQ_ENTRY(tn_poll) link;
    struct tn_ctx *c;
    uint32_t flags;
    struct tn_poll_ops ops;
    void *s;
};

static uint64_t clock_of(struct host *h, uint32_t clk)
{
    switch (clk) {
    case TN_CLK_VM:
        return h->parts->vm_now;
    case TN_CLK_HOST:
        return h->now + EPOCH_NS;
    case TN_CLK_REAL:
        return h->now + REAL_OFFSET;
    default:
        violation("loop.h: TN_CLK_*", "there is no clock %u", clk);
    }
}

static uint64_t loop_now(struct tn_dev *pub, uint32_t clk)
{
    struct dev *d = dev_of(pub);
    enter(d, R_ANY, "loop->now");
    return clock_of(d->h, clk);
}

/* What every registration of this table has to be. */
static struct tn_ctx *bound(struct dev *d, struct tn_ctx *c, uint32_t flags, const void *fn,
                            const char *what)
{
    if (!fn)
        violation("loop.h", "%s without a function", what);
    if (flags & TN_LF_NOLOCK && !(d->pub.cls->flags & TN_C_THREADSAFE))
        violation("class.h: TN_C_THREADSAFE",
                  "%s with TN_LF_NOLOCK, but the class does not say that it guards itself", what);
    if (!c)
        return d->home;
    if (c->h != d->h)
        violation("loop.h", "%s with a context of nobody", what);
    return c;
}

static void callback(struct dev *d, struct tn_ctx *c, uint32_t flags, const char *what,
                     void (*fn)(void *), void *s)
{
    CALL(d, c->role | (flags & TN_LF_NOLOCK ? 0 : R_DEV), what, fn(s));
}

/* ---- timers ---- */

static void timer_release(struct res *r)
{
    struct tn_timer *t = (void *)r;
    TAILQ_REMOVE(&r->d->h->parts->timers, t, link);
}

static struct tn_timer *loop_timer(struct tn_dev *pub, struct tn_ctx *c, uint32_t flags,
                                   uint32_t clk, void (*fn)(void *), void *s)
{
    struct dev *d = dev_of(pub);
    enter(d, R_MAIN, "loop->timer");
    if (inject(d, "loop->timer"))
        return NULL;
    c = bound(d, c, flags, (void *)(uintptr_t)fn, "a timer");
    clock_of(d->h, clk);
    struct tn_timer *t = res_new(d, "timer", sizeof *t, timer_release);
    t->c = c;
    t->flags = flags;
    t->clk = clk;
    t->fn = fn;
    t->s = s;
    TAILQ_INSERT_TAIL(&d->h->parts->timers, t, link);
    return t;
}

static void loop_arm(struct tn_timer *t, uint64_t ns)
{
    res_check(&t->r, "loop->arm");
    enter(t->r.d, R_ANY, "loop->arm");
    t->at = ns;
    __atomic_store_n(&t->armed, 1, __ATOMIC_RELEASE);
    loop_wake(t->r.d->h);
}

static void loop_disarm(struct tn_timer *t)
{
    res_check(&t->r, "loop->disarm");
    enter(t->r.d, R_ANY, "loop->disarm");
    __atomic_store_n(&t->armed, 0, __ATOMIC_RELEASE);
}

static void loop_timer_del(struct tn_timer *t)
{
    res_check(&t->r, "loop->timer_del");
    enter(t->r.d, R_ANY, "loop->timer_del");
    res_drop(&t->r);
}

int timer_state(struct tn_timer *t, uint64_t *at)
{
    res_check(&t->r, "a timer field of the state");
    *at = t->armed ? t->at : 0;
    return (int)t->armed;
}

void timer_set(struct tn_timer *t, int armed, uint64_t at)
{
    res_check(&t->r, "a timer field of the state");
    t->armed = (uint32_t)armed;
    t->at = at;
}

/* ---- files ---- */

static void watch_release(struct res *r)
{
    struct tn_watch *w = (void *)r;
    close_fd(&w->edges);
    TAILQ_REMOVE(&r->d->h->parts->watches, w, link);
}

static void watch_edges(struct tn_watch *w)
{
    struct epoll_event e = {.events = EPOLLET | (w->ev & TN_FD_IN ? EPOLLIN : 0u) |
                                      (w->ev & TN_FD_OUT ? EPOLLOUT : 0u)};
    close_fd(&w->edges);
    w->edges = -1;
    if (!(w->ev & TN_FD_EDGE))
        return;
    w->edges = epoll_create1(EPOLL_CLOEXEC);
    if (w->edges < 0 || epoll_ctl(w->edges, EPOLL_CTL_ADD, w->fd, &e) < 0)
        violation("loop.h: TN_FD_EDGE", "descriptor %d has no edges: %s", w->fd, strerror(errno));
}

static struct tn_watch *loop_fd(struct tn_dev *pub, struct tn_ctx *c, uint32_t flags, int fd,
                                uint32_t ev, void (*fn)(void *, uint32_t), void *s)
{
    struct dev *d = dev_of(pub);
    enter(d, R_MAIN | R_CTX, "loop->fd");
    if (inject(d, "loop->fd"))
        return NULL;
    struct pollfd p = {.fd = fd};
    if (fd < 0 || (poll(&p, 1, 0) >= 0 && p.revents & POLLNVAL))
        violation("loop.h: fd", "loop->fd with %d, which is no open descriptor", fd);
    c = bound(d, c, flags, (void *)(uintptr_t)fn, "a watch");
    struct tn_watch *w = res_new(d, "watch", sizeof *w, watch_release);
    w->c = c;
    w->flags = flags;
    w->fd = fd;
    w->edges = -1;
    w->ev = ev;
    w->fn = fn;
    w->s = s;
    watch_edges(w);
    TAILQ_INSERT_TAIL(&d->h->parts->watches, w, link);
    return w;
}

static void loop_fd_mask(struct tn_watch *w, uint32_t ev)
{
    res_check(&w->r, "loop->fd_mask");
    enter(w->r.d, R_ANY, "loop->fd_mask");
    w->ev = ev;
    watch_edges(w);
}

static void loop_fd_del(struct tn_watch *w)
{
    res_check(&w->r, "loop->fd_del");
    enter(w->r.d, R_ANY, "loop->fd_del");
    res_drop(&w->r);
}

/* ---- bottom halves ---- */

static void bh_release(struct res *r)
{
    struct tn_bh *b = (void *)r;
    TAILQ_REMOVE(&r->d->h->parts->bhs, b, link);
}

static struct tn_bh *loop_bh(struct tn_dev *pub, struct tn_ctx *c, uint32_t flags,
                             void (*fn)(void *), void *s)
{
    struct dev *d = dev_of(pub);
    enter(d, R_MAIN | R_CTX, "loop->bh");
    if (inject(d, "loop->bh"))
        return NULL;
    c = bound(d, c, flags, (void *)(uintptr_t)fn, "a bottom half");
    struct tn_bh *b = res_new(d, "bottom half", sizeof *b, bh_release);
    b->c = c;
    b->flags = flags;
    b->fn = fn;
    b->s = s;
    TAILQ_INSERT_TAIL(&d->h->parts->bhs, b, link);
    return b;
}

static void loop_kick(struct tn_bh *b)
{
    res_check(&b->r, "loop->kick");
    enter(b->r.d, R_ANY | R_LEAF, "loop->kick");
    __atomic_store_n(&b->kicked, 1, __ATOMIC_RELEASE);
    loop_wake(b->r.d->h);
}

static void loop_bh_del(struct tn_bh *b)
{
    res_check(&b->r, "loop->bh_del");
    enter(b->r.d, R_ANY, "loop->bh_del");
    res_drop(&b->r);
}

void bh_kick(struct tn_bh *b)
{
    res_check(&b->r, "a bottom half that was registered");
    b->kicked = 1;
}

/* ---- contexts and polling ---- */

static struct tn_ctx *loop_home(struct tn_dev *pub)
{
    struct dev *d = dev_of(pub);
    enter(d, R_ANY, "loop->home");
    return d->home;
}

static uint32_t loop_here(struct tn_ctx *c)
{
    uint32_t role = call_top() ? call_top()->role : R_MAIN | R_CTX;
    enter(NULL, R_ANY, "loop->here");
    return (role & (R_MAIN | R_CTX)) == c->role;
}

static void poll_release(struct res *r)
{
    struct tn_poll *p = (void *)r;
    TAILQ_REMOVE(&r->d->h->parts->polls, p, link);
}

static struct tn_poll *loop_poll(struct tn_dev *pub, struct tn_ctx *c, uint32_t flags,
                                 const struct tn_poll_ops *o, void *s)
{
    struct dev *d = dev_of(pub);
    enter(d, R_MAIN, "loop->poll");
    c = bound(d, c, flags, o && o->poll ? o : NULL, "a poller");
    if (c->role & R_MAIN || inject(d, "loop->poll"))
        return NULL; /* nothing is lost then */
    struct tn_poll *p = res_new(d, "poller", sizeof *p, poll_release);
    p->c = c;
    p->flags = flags;
    p->ops = *o;
    p->s = s;
    TAILQ_INSERT_TAIL(&d->h->parts->polls, p, link);
    return p;
}

static void loop_poll_del(struct tn_poll *p)
{
    res_check(&p->r, "loop->poll_del");
    enter(p->r.d, R_ANY, "loop->poll_del");
    res_drop(&p->r);
}

const struct tn_loop loop_table = {
    .struct_size = sizeof(struct tn_loop),
    .now = loop_now,
    .timer = loop_timer,
    .arm = loop_arm,
    .disarm = loop_disarm,
    .fd = loop_fd,
    .fd_mask = loop_fd_mask,
    .bh = loop_bh,
    .kick = loop_kick,
    .home = loop_home,
    .here = loop_here,
    .timer_del = loop_timer_del,
    .fd_del = loop_fd_del,
    .bh_del = loop_bh_del,
    .poll = loop_poll,
    .poll_del = loop_poll_del,
};

/* ---- running ---- */

void loop_wake(struct host *h)
{
    uint64_t one = 1;
    if (write(h->parts->wake, &one, sizeof one) < 0)
        return; /* full: it wakes all the same */
}

void job_add(struct host *h, struct dev *d, void (*fn)(void *), void *o)
{
    struct job *j = XNEW(struct job);
    *j = (struct job){.fn = fn, .o = o, .d = d};
    pthread_mutex_lock(&h->parts->jobs_lock);
    TAILQ_INSERT_TAIL(&h->parts->jobs, j, link);
    pthread_mutex_unlock(&h->parts->jobs_lock);
    loop_wake(h);
}

static int run_job(struct host *h)
{
    pthread_mutex_lock(&h->parts->jobs_lock);
    struct job *j = TAILQ_FIRST(&h->parts->jobs);
    if (j)
        TAILQ_REMOVE(&h->parts->jobs, j, link);
    pthread_mutex_unlock(&h->parts->jobs_lock);
    if (!j)
        return 0;
    if (!j->d || j->d->stage < ST_UNREALIZING)
        j->fn(j->o);
    free(j);
    return 1;
}

static int run_bh(struct host *h)
{
    struct tn_bh *b;
    TAILQ_FOREACH(b, &h->parts->bhs, link)
    if (__atomic_exchange_n(&b->kicked, 0, __ATOMIC_ACQ_REL)) {
        callback(b->r.d, b->c, b->flags, "a bottom half", b->fn, b->s);
        return 1;
    }
    return 0;
}

static int run_timer(struct host *h)
{
    struct tn_timer *t;
    TAILQ_FOREACH(t, &h->parts->timers, link)
    if (t->armed && t->at <= clock_of(h, t->clk)) {
        t->armed = 0;
        callback(t->r.d, t->c, t->flags, "a timer", t->fn, t->s);
        return 1;
    }
    return 0;
}

/* Something came since the last look, though what was there before was never read. */
static uint32_t edge(const struct tn_watch *w)
{
    struct epoll_event e;
    if (epoll_wait(w->edges, &e, 1, 0) <= 0)
        return 0;
    return (e.events & EPOLLIN ? TN_FD_IN : 0u) | (e.events & EPOLLOUT ? TN_FD_OUT : 0u) |
           (e.events & (EPOLLERR | EPOLLHUP) ? TN_FD_ERR : 0u);
}

static uint32_t ready(int fd, uint32_t ev)
{
    struct pollfd p = {
        .fd = fd, .events = (short)((ev & TN_FD_IN ? POLLIN : 0) | (ev & TN_FD_OUT ? POLLOUT : 0))};
    if (poll(&p, 1, 0) <= 0)
        return 0;
    if (p.revents & POLLNVAL)
        violation("loop.h: after fd_del the fd may be closed",
                  "descriptor %d was closed while it is watched", fd);
    return (p.revents & POLLIN ? TN_FD_IN : 0u) | (p.revents & POLLOUT ? TN_FD_OUT : 0u) |
           (p.revents & (POLLERR | POLLHUP) ? TN_FD_ERR | (ev & TN_FD_IN) : 0u);
}

/* Each watch once a round: a level-triggered one that stays ready does not keep the others out. */
static uint32_t run_watches(struct host *h)
{
    struct tn_watch *w, *next;
    uint32_t n = 0;
    TAILQ_FOREACH_SAFE(w, &h->parts->watches, link, next)
    {
        uint32_t fire = 0;
        if (w->edges >= 0)
            fire = edge(w);
        else if (w->ev & (TN_FD_IN | TN_FD_OUT | TN_FD_ERR))
            fire = ready(w->fd, w->ev) & (w->ev | TN_FD_ERR);
        if (!fire)
            continue;
        CALL(w->r.d, w->c->role | (w->flags & TN_LF_NOLOCK ? 0 : R_DEV), "a watch",
             w->fn(w->s, fire));
        n++;
        if (next && next->r.dead)
            break; /* the callback took it away: the rest comes in the next round */
    }
    return n;
}

/* Callbacks take time: who is kicked again and again to look whether time is up finds that it is.
 */
static void pass_time(struct host *h, uint32_t round)
{
    if (round < INSTANT)
        return;
    h->now += CALLBACK_NS;
    h->parts->vm_now += h->parts->running ? CALLBACK_NS : 0;
}

/* All that is due at this instant. */
static uint32_t run_due(struct host *h)
{
    uint32_t n = 0, round = 0, files = 0;
    uint64_t drained;
    if (read(h->parts->wake, &drained, sizeof drained) < 0)
        errno = 0; /* nobody woke it */
    do {
        while (run_job(h) || run_bh(h) || run_timer(h))
            if (n++, pass_time(h, ++round), round > ROUNDS_MAX)
                violation("loop.h",
                          "timers or bottom halves of the plugin start themselves for ever");
        pci_irqfds(h);
        files = run_watches(h);
        n += files;
    } while (files && ++round < 64);
    return n;
}

static uint64_t next_timer(struct host *h, uint64_t most)
{
    struct tn_timer *t;
    TAILQ_FOREACH(t, &h->parts->timers, link)
    {
        uint64_t now = clock_of(h, t->clk);
        if (t->armed && (t->clk != TN_CLK_VM || h->parts->running) && t->at > now &&
            t->at - now < most)
            most = t->at - now;
    }
    return most;
}

uint32_t host_run(struct host *h, uint64_t ns)
{
    uint32_t n = run_due(h), steps = 0;
    while (ns && steps++ < ROUNDS_MAX) {
        uint64_t step = next_timer(h, ns);
        h->now += step;
        h->parts->vm_now += h->parts->running ? step : 0;
        ns -= step;
        n += run_due(h);
    }
    return n;
}

int host_wait(struct host *h, uint32_t ms, int (*done)(void *o), void *o)
{
    struct timespec begin, now;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (;;) {
        host_run(h, 1000000);
        if (done(o))
            return 1;
        clock_gettime(CLOCK_MONOTONIC, &now);
        if ((now.tv_sec - begin.tv_sec) * 1000 + (now.tv_nsec - begin.tv_nsec) / 1000000 >
            (int64_t)ms)
            return 0;
        struct pollfd p = {.fd = h->parts->wake, .events = POLLIN};
        poll(&p, 1, 1);
    }
}
