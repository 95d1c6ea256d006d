/* SPDX-License-Identifier: BSD-2-Clause */
#include "loop.h"

#include "loop_impl.h"
#include "trace_point.h"
#include "util/alloc.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* ---- descriptors ---- */

static uint32_t to_epoll(uint32_t ev)
{
    return (ev & TN_FD_IN ? EPOLLIN | EPOLLRDHUP : 0u) |
           (ev & TN_FD_OUT ? (uint32_t)EPOLLOUT : 0u) | (ev & TN_FD_EDGE ? (uint32_t)EPOLLET : 0u);
}

static void stop_watch(struct managed *m)
{
    __atomic_store_n(&((struct tn_watch *)m)->stopped, 1, __ATOMIC_RELEASE);
}

static void release_watch(struct managed *m)
{
    watch_del((struct tn_watch *)m);
}

static int epoll_add(struct tn_watch *w)
{
    struct epoll_event e = {.events = to_epoll(w->events), .data.ptr = w};
    __atomic_fetch_or(&w->ctx->woken, 0, __ATOMIC_RELEASE); /* *w, for who gets it from epoll */
    if (epoll_ctl(w->ctx->epfd, EPOLL_CTL_ADD, w->fd, &e) == 0)
        return 0;
    if (errno == EPERM) {
        w->always = 1;
        return 0;
    }
    if (errno != EEXIST)
        return -errno;
    w->own_fd = fcntl(w->fd, F_DUPFD_CLOEXEC, 0);
    return w->own_fd >= 0 && epoll_ctl(w->ctx->epfd, EPOLL_CTL_ADD, w->own_fd, &e) == 0 ? 0
                                                                                        : -errno;
}

struct tn_watch *watch_new(struct tn_ctx *c, struct device *d, uint32_t flags, int fd, uint32_t ev,
                           void (*fn)(void *, uint32_t), void *s)
{
    struct tn_watch *w = XNEW(struct tn_watch);
    *w = (struct tn_watch){.m.stop = stop_watch,
                           .m.release = release_watch,
                           .ctx = c,
                           .dev = d,
                           .fn = fn,
                           .s = s,
                           .fd = fd,
                           .own_fd = -1,
                           .events = ev,
                           .flags = flags};
    if (epoll_add(w) < 0) {
        close_fd(&w->own_fd);
        free(w);
        return NULL;
    }
    if (w->always) {
        pthread_mutex_lock(&c->lock);
        w->next_always = c->always;
        __atomic_store_n(&c->always, w, __ATOMIC_RELEASE);
        pthread_mutex_unlock(&c->lock);
        loop_wake(c);
    }
    managed_add(d, &w->m);
    return w;
}

static void epoll_set(struct tn_watch *w, uint32_t ev)
{
    struct epoll_event e = {.events = to_epoll(ev), .data.ptr = w};
    if (!w->always)
        epoll_ctl(w->ctx->epfd, EPOLL_CTL_MOD, w->own_fd >= 0 ? w->own_fd : w->fd, &e);
}

void watch_mask(struct tn_watch *w, uint32_t ev)
{
    if (__atomic_exchange_n(&w->events, ev, __ATOMIC_ACQ_REL) == ev)
        return;
    epoll_set(w, ev);
    if (w->always)
        loop_wake(w->ctx);
}

void watch_del(struct tn_watch *w)
{
    struct tn_ctx *c = w->ctx;
    managed_del(&w->m);
    if (!w->always)
        epoll_ctl(c->epfd, EPOLL_CTL_DEL, w->own_fd >= 0 ? w->own_fd : w->fd, NULL);
    close_fd(&w->own_fd);
    pthread_mutex_lock(&c->lock);
    if (w->always)
        for (struct tn_watch **at = &c->always; *at; at = &(*at)->next_always)
            if (*at == w) {
                __atomic_store_n(at, w->next_always, __ATOMIC_RELEASE);
                break;
            }
    __atomic_store_n(&w->dead, 1, __ATOMIC_RELEASE);
    w->next_dead = c->dead_watches;
    c->dead_watches = w;
    pthread_mutex_unlock(&c->lock);
}

static void call_watch(struct tn_watch *w, uint32_t ev)
{
    w->running = 1;
    if (w->dev)
        trace_host(w->dev->vm, TRACE_LOOP_EVENT, NULL, (uint64_t)w->fd, ev);
    w->fn(w->s, ev);
    w->running = 0; /* deleted or not: it is not buried in this round */
    if (w->muted && !is_set(&w->dead))
        epoll_set(w, __atomic_load_n(&w->events, __ATOMIC_ACQUIRE));
    w->muted = 0;
}

static void ready(struct tn_watch *w, uint32_t ev)
{
    if (is_set(&w->stopped))
        return;
    if (w->running) {
        w->muted = 1;
        epoll_set(w, 0);
        return;
    }
    struct domain *dom = lock_for(w->dev, w->flags);
    ev &= __atomic_load_n(&w->events, __ATOMIC_ACQUIRE) | TN_FD_ERR;
    if (ev && !is_set(&w->stopped) && !is_set(&w->dead))
        call_watch(w, ev);
    if (dom)
        domain_unlock(dom);
}

static uint32_t from_epoll(uint32_t e)
{
    return (e & (EPOLLIN | EPOLLRDHUP | EPOLLHUP) ? TN_FD_IN : 0u) |
           (e & EPOLLOUT ? TN_FD_OUT : 0u) | (e & (EPOLLERR | EPOLLHUP) ? TN_FD_ERR : 0u);
}

/* Files and the like, once a round. The list may change in a callback: a watch that is taken off
 * stays readable. */
static int run_always(struct tn_ctx *c)
{
    int ran = 0;
    for (struct tn_watch *w = __atomic_load_n(&c->always, __ATOMIC_ACQUIRE), *next; w; w = next) {
        next = w->next_always;
        uint32_t ev = __atomic_load_n(&w->events, __ATOMIC_ACQUIRE);
        if (ev) {
            ready(w, ev);
            ran = 1;
        }
    }
    return ran;
}

static int any_always(struct tn_ctx *c)
{
    int yes = 0;
    pthread_mutex_lock(&c->lock);
    for (struct tn_watch *w = c->always; w && !yes; w = w->next_always)
        yes = __atomic_load_n(&w->events, __ATOMIC_RELAXED) != 0;
    pthread_mutex_unlock(&c->lock);
    return yes;
}

/* ---- bottom halves ---- */

static void stop_bh(struct managed *m)
{
    __atomic_store_n(&((struct tn_bh *)m)->stopped, 1, __ATOMIC_RELEASE);
}

static void release_bh(struct managed *m)
{
    bh_del((struct tn_bh *)m);
}

struct tn_bh *bh_new(struct tn_ctx *c, struct device *d, uint32_t flags, void (*fn)(void *),
                     void *s)
{
    struct tn_bh *b = XNEW(struct tn_bh);
    *b = (struct tn_bh){.m.stop = stop_bh,
                        .m.release = release_bh,
                        .ctx = c,
                        .dev = d,
                        .fn = fn,
                        .s = s,
                        .flags = flags};
    managed_add(d, &b->m);
    return b;
}

enum { BH_ONCE = 0x100 }; /* host's own flag: gone before its run */

void bh_once(struct tn_ctx *c, struct device *d, void (*fn)(void *), void *s)
{
    bh_kick(bh_new(c, d, BH_ONCE, fn, s));
}

void bh_once_about(struct tn_ctx *c, struct device *d, void (*fn)(void *), void *s)
{
    bh_kick(bh_new(c, d, BH_ONCE | TN_LF_NOLOCK, fn, s));
}

void bh_kick(struct tn_bh *b)
{
    struct tn_ctx *c = b->ctx;
    if (__atomic_exchange_n(&b->scheduled, 1, __ATOMIC_ACQ_REL))
        return;
    b->next = __atomic_load_n(&c->pending, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(&c->pending, &b->next, b, 1, __ATOMIC_SEQ_CST,
                                        __ATOMIC_RELAXED))
        ;
    if (__atomic_load_n(&c->sleeping, __ATOMIC_SEQ_CST))
        loop_wake(c);
}

void bh_del(struct tn_bh *b)
{
    struct tn_ctx *c = b->ctx;
    managed_del(&b->m);
    pthread_mutex_lock(&c->lock); /* against bh_settle: it must not free b below our kick */
    __atomic_store_n(&b->dead, 1, __ATOMIC_RELEASE);
    bh_kick(b); /* its context frees it, after the call that may be under way */
    pthread_mutex_unlock(&c->lock);
}

/* b leaves the list of the ready. Returns 1 if it is dead, and nobody else's any more. */
static int bh_settle(struct tn_bh *b)
{
    pthread_mutex_lock(&b->ctx->lock);
    int dead = b->dead != 0;
    if (!dead)
        __atomic_store_n(&b->scheduled, 0, __ATOMIC_SEQ_CST);
    pthread_mutex_unlock(&b->ctx->lock);
    return dead;
}

static void run_bh(struct tn_bh *b)
{
    struct domain *dom =
        is_set(&b->stopped) || is_set(&b->dead) ? NULL : lock_for(b->dev, b->flags);
    int dead = bh_settle(b), run = !dead && !is_set(&b->stopped),
        once = run && (b->flags & BH_ONCE);
    void (*fn)(void *) = b->fn;
    void *s = b->s;
    if (once)
        managed_del(&b->m);
    if (once || dead)
        free(b); /* before the call: that may run the loop, or free the device */
    if (run)
        fn(s);
    if (dom)
        domain_unlock(dom);
}

/* What has been kicked goes behind what is ready, first kicked first. */
static void gather(struct tn_ctx *c)
{
    struct tn_bh *stack = __atomic_exchange_n(&c->pending, NULL, __ATOMIC_ACQUIRE), *order = NULL,
                 **end = &c->ready;
    for (struct tn_bh *next; stack; stack = next) {
        next = stack->next;
        stack->next = order;
        order = stack;
    }
    while (*end)
        end = &(*end)->next;
    *end = order;
}

static int run_ready(struct tn_ctx *c)
{
    gather(c);
    int ran = c->ready != NULL;
    while (c->ready) {
        struct tn_bh *b = c->ready;
        c->ready = b->next;
        run_bh(b);
    }
    return ran;
}

enum { CHAIN = 3 };

/* What a bottom half kicks follows at once, without a look at descriptors: some times. */
static int run_bhs(struct tn_ctx *c)
{
    int ran = run_ready(c);
    for (int i = 1; i < CHAIN && __atomic_load_n(&c->pending, __ATOMIC_RELAXED); i++)
        ran |= run_ready(c);
    return ran;
}

/* ---- contexts ---- */

struct tn_ctx *loop_new(const struct clock *clock, const char *name)
{
    struct tn_ctx *c = XNEW(struct tn_ctx);
    c->clock = clock;
    c->name = xstrdup(name);
    pthread_mutex_init(&c->lock, NULL);
    c->epfd = epoll_create1(EPOLL_CLOEXEC);
    c->wakefd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct epoll_event e = {.events = EPOLLIN | EPOLLET}; /* never read: 2^64 wakes are many */
    if (c->epfd < 0 || c->wakefd < 0 || epoll_ctl(c->epfd, EPOLL_CTL_ADD, c->wakefd, &e) < 0) {
        loop_free(c);
        return NULL;
    }
    return c;
}

static void bury(struct tn_ctx *c)
{
    pthread_mutex_lock(&c->lock);
    struct tn_timer *t = c->dead_timers;
    struct tn_watch *w = c->dead_watches;
    struct tn_poll *p = c->dead_polls;
    c->dead_timers = NULL;
    c->dead_watches = NULL;
    c->dead_polls = NULL;
    pthread_mutex_unlock(&c->lock);
    loop_poll_bury(p);
    for (struct tn_timer *next; t; t = next) {
        next = t->next_dead;
        free(t);
    }
    for (struct tn_watch *next; w; w = next) {
        next = w->next_dead;
        free(w);
    }
}

void loop_free(struct tn_ctx *c)
{
    if (!c)
        return;
    run_bhs(c);
    bury(c);
    close_fd(&c->epfd);
    close_fd(&c->wakefd);
    for (uint32_t i = 0; i < ARRAY_SIZE(c->heap); i++)
        free(c->heap[i]);
    pthread_mutex_destroy(&c->lock);
    free(c->name);
    free(c);
}

void loop_wake(struct tn_ctx *c)
{
    uint64_t one = 1;
    __atomic_fetch_or(&c->woken, 1, __ATOMIC_RELEASE);
    ssize_t r = write(c->wakefd, &one, sizeof one);
    (void)r; /* full means awake */
}

void loop_adopt(struct tn_ctx *c)
{
    c->thread = pthread_self();
    __atomic_store_n(&c->has_thread, 1, __ATOMIC_RELEASE);
}

int loop_here(const struct tn_ctx *c)
{
    return __atomic_load_n(&c->has_thread, __ATOMIC_ACQUIRE) &&
           pthread_equal(c->thread, pthread_self());
}

uint64_t loop_until_deadline(struct tn_ctx *c, uint64_t most)
{
    for (uint32_t clk = TN_CLK_VM; clk <= TN_CLK_REAL; clk++) {
        if (clk == TN_CLK_VM &&
            (c->clock->manual || __atomic_load_n(&c->clock->stopped, __ATOMIC_ACQUIRE)))
            continue;
        uint64_t at = loop_deadline(c, clk);
        if (at == ~(uint64_t)0)
            continue;
        uint64_t now = clock_now(c->clock, clk);
        if (at <= now)
            return 0;
        if (at - now < most)
            most = at - now;
    }
    return most;
}

static int wait_events(struct tn_ctx *c, struct epoll_event *ev, int n, uint64_t ns)
{
    struct timespec ts = {.tv_sec = (time_t)(ns / 1000000000u),
                          .tv_nsec = (long)(ns % 1000000000u)};
    int r =
        (int)syscall(SYS_epoll_pwait2, c->epfd, ev, n, ns == ~(uint64_t)0 ? NULL : &ts, NULL, 0);
    if (r < 0 && errno == ENOSYS) /* before Linux 5.11 */
        r = epoll_wait(c->epfd, ev, n,
                       ns == ~(uint64_t)0 ? -1 : (int)((ns + 999999) / 1000000 % 86400000));
    return r < 0 ? 0 : r;
}

static int wait_and_run(struct tn_ctx *c, uint64_t timeout_ns)
{
    struct epoll_event ev[32];
    int ran = 0;
    __atomic_store_n(&c->sleeping, 1, __ATOMIC_SEQ_CST);
    if (c->ready || __atomic_load_n(&c->pending, __ATOMIC_SEQ_CST))
        timeout_ns = 0;
    timeout_ns = loop_until_deadline(c, timeout_ns);
    __atomic_exchange_n(&c->woken, 0,
                        __ATOMIC_ACQ_REL); /* its write ends the wait, or is to come */
    int n = wait_events(c, ev, (int)ARRAY_SIZE(ev), timeout_ns);
    __atomic_store_n(&c->sleeping, 0, __ATOMIC_SEQ_CST);
    (void)__atomic_load_n(&c->woken, __ATOMIC_ACQUIRE); /* epoll_add() */
    for (int i = 0; i < n; i++) {
        struct tn_watch *w = ev[i].data.ptr;
        if (w)
            ready(w, from_epoll(ev[i].events));
        ran |= w != NULL;
    }
    return ran;
}

/* The same, with a look for work before it. */
static int poll_and_run(struct tn_ctx *c, uint64_t timeout_ns)
{
    uint64_t begun = timeout_ns ? clock_now(c->clock, TN_CLK_REAL) : 0;
    if (loop_poll(c, timeout_ns))
        return loop_poll_owes(c) ? wait_and_run(c, 0) | 1 : 1;
    c->polling.unseen = 0;
    int ran = wait_and_run(c, timeout_ns);
    if (ran && timeout_ns)
        loop_poll_learn(&c->polling, clock_now(c->clock, TN_CLK_REAL) - begun);
    return ran;
}

int loop_once(struct tn_ctx *c, uint64_t timeout_ns)
{
    if (c->depth++ == 0)
        bury(c); /* an outer round may still have a dead watch among its events */
    __atomic_add_fetch(&c->passes, 1, __ATOMIC_SEQ_CST);
    if (c->ready || __atomic_load_n(&c->pending, __ATOMIC_SEQ_CST) || any_always(c))
        timeout_ns = 0;
    int ran = __atomic_load_n(&c->polls, __ATOMIC_ACQUIRE) ? poll_and_run(c, timeout_ns)
                                                           : wait_and_run(c, timeout_ns);
    ran |= run_always(c);
    ran |= loop_run_timers(c) != 0;
    ran |= run_bhs(c);
    c->depth--;
    return ran;
}

struct starter {
    struct tn_ctx *c;
    void (*begin)(void *);
    void *s;
};

static void *thread_main(void *p)
{
    struct starter st = *(struct starter *)p;
    free(p);
    loop_adopt(st.c);
    if (st.begin)
        st.begin(st.s);
    while (!__atomic_load_n(&st.c->stop, __ATOMIC_ACQUIRE))
        loop_once(st.c, ~(uint64_t)0);
    return NULL;
}

int loop_start_thread(struct tn_ctx *c, void (*begin)(void *), void *s)
{
    struct starter *st = XNEW(struct starter);
    *st = (struct starter){c, begin, s};
    pthread_t t;
    int err = pthread_create(&t, NULL, thread_main, st);
    if (err) {
        free(st);
        return -err;
    }
    while (!__atomic_load_n(&c->has_thread, __ATOMIC_ACQUIRE))
        sched_yield();
    return 0;
}

void loop_stop_thread(struct tn_ctx *c)
{
    if (!__atomic_load_n(&c->has_thread, __ATOMIC_ACQUIRE))
        return;
    __atomic_store_n(&c->stop, 1, __ATOMIC_RELEASE);
    loop_wake(c);
    pthread_join(c->thread, NULL);
    c->has_thread = 0;
}

void loop_drain(struct tn_ctx *c)
{
    if (loop_here(c) || !__atomic_load_n(&c->has_thread, __ATOMIC_ACQUIRE))
        return;
    assert(!domain_any_held()); /* the callback that is waited for may want it */
    __atomic_thread_fence(
        __ATOMIC_SEQ_CST); /* what was stopped is stopped in the round that comes */
    uint32_t seen = __atomic_load_n(&c->passes, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&c->passes, __ATOMIC_ACQUIRE) == seen) {
        loop_wake(c);
        sched_yield();
    }
}
