/* SPDX-License-Identifier: BSD-2-Clause */
/* The lock of a device, or of the devices that share one (a lock domain): level 1 of three. Level 0
 * is the main thread with its single configuration order, level 2 are leaf locks that call nobody.
 * A thread holds one domain at a time, but for the main thread during realize, where a parent's may
 * stay held while its child is made. */
#ifndef TN_HOST_DOMAIN_H
#define TN_HOST_DOMAIN_H
#include <assert.h>
#include <stdint.h>

struct domain {
    uint32_t word; /* 0 free, 1 held, 2 held and waited for */
    uint32_t refs;
};

enum { DOMAINS_MAX_HELD = 16 };
/* What a thread has let go of for a while. */
struct parked {
    struct domain *domain[DOMAINS_MAX_HELD];
    uint32_t n;
};

struct domain *domain_new(void); /* one reference */
struct domain *domain_ref(struct domain *d);
void domain_unref(struct domain *d);

/* What this thread holds, oldest first. */
struct held {
    uint32_t n;
    struct domain *domain[DOMAINS_MAX_HELD];
};
extern __thread struct held held_tls;
void domain_lock_slow(struct domain *d);
void domain_wake(struct domain *d);

static inline void domain_take(struct domain *d)
{
    uint32_t free_word = 0;
    if (__builtin_expect(!__atomic_compare_exchange_n(&d->word, &free_word, 1, 0, __ATOMIC_ACQUIRE,
                                                      __ATOMIC_RELAXED),
                         0))
        domain_lock_slow(d);
    assert(held_tls.n < DOMAINS_MAX_HELD);
    held_tls.domain[held_tls.n++] = d;
}

static inline void domain_lock(struct domain *d)
{
    assert(held_tls.n ==
           0); /* two domains at once, or one twice, is the deadlock that the rule Lock excludes */
    domain_take(d);
}

static inline void domain_unlock(struct domain *d)
{
    assert(held_tls.n && held_tls.domain[held_tls.n - 1] == d);
    held_tls.n--;
    if (__builtin_expect(__atomic_exchange_n(&d->word, 0, __ATOMIC_RELEASE) == 2, 0))
        domain_wake(d);
}

/* As domain_lock, but a no-op if this thread has it: for realize below a parent. Returns what
 * leave() wants. */
int domain_enter(struct domain *d);
void domain_leave(struct domain *d, int entered);
/* This thread holds from: it lets go of it and takes to, unless it has that too. */
void domain_swap_held(struct domain *from, struct domain *to);
int domain_held(const struct domain *d); /* by this thread */
int domain_any_held(void);               /* does this thread hold one */
uint32_t domain_depth(void);             /* how many it holds */
void domain_unwind(uint32_t depth);      /* unlocks the newest until depth are left */

/* Before waiting for others: this thread lets go of all that it holds. unpark() takes it again, in
 * the same order. */
void domain_park(struct parked *p);
void domain_unpark(const struct parked *p);

#endif
