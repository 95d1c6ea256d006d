/* SPDX-License-Identifier: BSD-2-Clause */
/* Descriptors of a context. */
#include "loop_impl.h"
#include "trace_point.h"
#include "util/alloc.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>

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

void loop_run_watch(struct tn_watch *w, uint32_t events)
{
    ready(w, from_epoll(events));
}

/* The list may change in a callback: a watch that is taken off stays readable. */
int loop_run_always(struct tn_ctx *c)
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

int loop_any_always(struct tn_ctx *c)
{
    int yes = 0;
    pthread_mutex_lock(&c->lock);
    for (struct tn_watch *w = c->always; w && !yes; w = w->next_always)
        yes = __atomic_load_n(&w->events, __ATOMIC_RELAXED) != 0;
    pthread_mutex_unlock(&c->lock);
    return yes;
}

void loop_watch_bury(struct tn_watch *dead)
{
    for (struct tn_watch *next; dead; dead = next) {
        next = dead->next_dead;
        free(dead);
    }
}
