/* SPDX-License-Identifier: BSD-2-Clause */
/* Contexts: rounds, their waits, their threads. */
#include "loop.h"

#include "loop_impl.h"
#include "util/alloc.h"
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

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
    loop_watch_bury(w);
    for (struct tn_timer *next; t; t = next) {
        next = t->next_dead;
        free(t);
    }
}

void loop_free(struct tn_ctx *c)
{
    if (!c)
        return;
    loop_run_bhs(c);
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
            loop_run_watch(w, ev[i].events);
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
    if (c->ready || __atomic_load_n(&c->pending, __ATOMIC_SEQ_CST) || loop_any_always(c))
        timeout_ns = 0;
    int ran = __atomic_load_n(&c->polls, __ATOMIC_ACQUIRE) ? poll_and_run(c, timeout_ns)
                                                           : wait_and_run(c, timeout_ns);
    ran |= loop_run_always(c);
    ran |= loop_run_timers(c) != 0;
    ran |= loop_run_bhs(c);
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
