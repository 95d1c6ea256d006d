/* SPDX-License-Identifier: BSD-2-Clause */
/* Event contexts: timers, descriptors and bottom halves, one thread each. The main context is run
 * by the main thread, the others by iothreads. tenon.loop/1 is a thin layer over this. */
#ifndef TN_HOST_LOOP_H
#define TN_HOST_LOOP_H
#include "clock.h"
#include "managed.h"
#include <pthread.h>
#include <tenon/loop.h>

struct device;

struct tn_timer {
    struct managed m;
    struct tn_ctx *ctx;
    struct device *dev; /* whose lock the callback takes; NULL: the host's own timer */
    void (*fn)(void *);
    void *s;
    uint64_t ns;                             /* deadline on clk, while armed */
    uint32_t at;                             /* place in the heap + 1; 0 = not armed */
    uint32_t clk, flags, gen, dead, stopped; /* stopped: its device goes; no call begins any more */
    struct tn_timer *next_dead;
};

struct tn_watch {
    struct managed m;
    struct tn_ctx *ctx;
    struct device *dev;
    void (*fn)(void *, uint32_t);
    void *s;
    int fd,
        own_fd; /* own_fd: a duplicate of ours, as epoll takes a descriptor once only; else -1 */
    uint32_t events, flags, dead, stopped;
    uint32_t running, muted; /* in its callback, which runs the loop: no second call, and epoll does
                                not report it */
    uint32_t always;         /* regular files cannot be polled: always ready */
    struct tn_watch *next_dead, *next_always;
};

struct tn_bh {
    struct managed m;
    struct tn_ctx *ctx;
    struct device *dev;
    void (*fn)(void *);
    void *s;
    uint32_t flags, scheduled, dead, stopped;
    struct tn_bh *next;
};

struct tn_poll {
    struct managed m;
    struct tn_ctx *ctx;
    struct device *dev;
    const struct tn_poll_ops *ops;
    void *s;
    uint32_t flags, dead, stopped;
    struct tn_poll *next, *next_dead;
};

/* How long a context asks for work before it waits: as long as that has paid of late. */
struct loop_polling {
    uint64_t max_ns;       /* 0: never. Constant once its thread runs, as are the next two */
    uint64_t grow, shrink; /* factors; 0: twice, and at once to nothing */
    uint64_t gap_ns;       /* between two looks: another thread had the processor */
    uint64_t ns;           /* now */
    uint32_t begun;        /* notifications may be off */
    uint32_t crowded;      /* rounds without polling, as others want this processor */
    uint32_t penalty;      /* what crowded becomes the next time */
    uint32_t unseen;       /* rounds since descriptors were looked at */
};

struct tn_ctx {
    const struct clock *clock;
    char *name;
    int epfd, wakefd;
    pthread_t thread; /* who runs it, valid while has_thread */
    uint32_t has_thread, sleeping, stop;
    pthread_mutex_t lock; /* leaf: the heap, and the lists of the dead */
    struct tn_timer **heap[4];
    uint32_t nheap[4], heap_cap[4];
    struct tn_bh *pending; /* lock-free stack */
    struct tn_bh
        *ready; /* taken off it, in order; its thread's, and what a nested round goes on with */
    struct tn_timer *dead_timers;
    struct tn_watch *dead_watches, *always;
    struct tn_poll *polls, *dead_polls;
    struct loop_polling polling;
    uint32_t woken;  /* loop_wake() was called, and no wait seen it since */
    uint32_t passes; /* iterations done: what loop_drain() waits for */
    uint32_t depth;  /* rounds within rounds: a callback waits and lets the loop go on */
};

/* name is copied; NULL on failure (descriptors). */
struct tn_ctx *loop_new(const struct clock *clock, const char *name);
void loop_free(struct tn_ctx *c); /* no thread runs it, nothing is bound to it */
/* The calling thread runs c: one round, waiting at most timeout_ns (~0 = for ever). Returns 1 if
 * something ran. */
int loop_once(struct tn_ctx *c, uint64_t timeout_ns);
void loop_adopt(struct tn_ctx *c); /* the calling thread is the one that runs c */
int loop_here(const struct tn_ctx *c);
void loop_wake(struct tn_ctx *c); /* any thread, async-signal-safe */
int loop_start_thread(struct tn_ctx *c, void (*begin)(void *),
                      void *s); /* begin runs first in the new thread */
void loop_stop_thread(struct tn_ctx *c);
/* Returns when every callback of c that was under way at the call has returned. From another
 * thread, with no device lock. */
void loop_drain(struct tn_ctx *c);
/* Earliest deadline on clk, ~0 if none. */
uint64_t loop_deadline(struct tn_ctx *c, uint32_t clk);
/* Runs what has expired. c's thread. Returns how many ran. */
uint32_t loop_run_timers(struct tn_ctx *c);

/* Before its thread starts: c polls for up to max_ns. On one processor it never does. */
void loop_set_polling(struct tn_ctx *c, uint64_t max_ns, uint64_t grow, uint64_t shrink);

struct tn_timer *timer_new(struct tn_ctx *c, struct device *d, uint32_t flags, uint32_t clk,
                           void (*fn)(void *), void *s);
void timer_arm(struct tn_timer *t, uint64_t ns);
void timer_disarm(struct tn_timer *t);
void timer_del(struct tn_timer *t);
struct tn_watch *watch_new(struct tn_ctx *c, struct device *d, uint32_t flags, int fd, uint32_t ev,
                           void (*fn)(void *, uint32_t), void *s);
void watch_mask(struct tn_watch *w, uint32_t ev);
void watch_del(struct tn_watch *w);
struct tn_bh *bh_new(struct tn_ctx *c, struct device *d, uint32_t flags, void (*fn)(void *),
                     void *s);
/* Runs fn(s) once, soon, with d's lock (d may be NULL), and forgets it. d must not go before. Any
 * thread. */
void bh_once(struct tn_ctx *c, struct device *d, void (*fn)(void *), void *s);
/* The same without a lock, about d: forgotten if d goes first. fn may free d. */
void bh_once_about(struct tn_ctx *c, struct device *d, void (*fn)(void *), void *s);
void bh_kick(struct tn_bh *b);
void bh_del(struct tn_bh *b);
/* NULL if c does not poll. Main thread. */
struct tn_poll *poll_new(struct tn_ctx *c, struct device *d, uint32_t flags,
                         const struct tn_poll_ops *ops, void *s);
void poll_del(struct tn_poll *p);

#endif
