/* SPDX-License-Identifier: BSD-2-Clause */
#include "domain.h"

#include "util/alloc.h"
#include <linux/futex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

__thread struct held held_tls;

struct domain *domain_new(void)
{
    struct domain *d = XNEW(struct domain);
    d->refs = 1;
    return d;
}

struct domain *domain_ref(struct domain *d)
{
    __atomic_add_fetch(&d->refs, 1, __ATOMIC_RELAXED);
    return d;
}

void domain_unref(struct domain *d)
{
    if (d && __atomic_sub_fetch(&d->refs, 1, __ATOMIC_ACQ_REL) == 0)
        free(d);
}

static void futex(uint32_t *word, int op, uint32_t v)
{
    syscall(SYS_futex, word, op | FUTEX_PRIVATE_FLAG, v, NULL, NULL, 0);
}

void domain_lock_slow(struct domain *d)
{
    for (int i = 0; i < 100; i++) {
        uint32_t free_word = 0;
        if (__atomic_compare_exchange_n(&d->word, &free_word, 1, 0, __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED))
            return;
        __builtin_ia32_pause();
    }
    while (__atomic_exchange_n(&d->word, 2, __ATOMIC_ACQUIRE) != 0)
        futex(&d->word, FUTEX_WAIT, 2);
}

void domain_wake(struct domain *d)
{
    futex(&d->word, FUTEX_WAKE, 1);
}

int domain_held(const struct domain *d)
{
    for (uint32_t i = 0; i < held_tls.n; i++)
        if (held_tls.domain[i] == d)
            return 1;
    return 0;
}

int domain_any_held(void)
{
    return held_tls.n != 0;
}

int domain_enter(struct domain *d)
{
    if (domain_held(d))
        return 0;
    domain_take(d);
    return 1;
}

void domain_leave(struct domain *d, int entered)
{
    if (entered)
        domain_unlock(d);
}

void domain_swap_held(struct domain *from, struct domain *to)
{
    if (from == to || !domain_held(from))
        return;
    int have = domain_held(to);
    for (uint32_t i = 0; i < held_tls.n; i++)
        if (held_tls.domain[i] == from) {
            memmove(&held_tls.domain[i], &held_tls.domain[i + 1],
                    (held_tls.n - i - 1) * sizeof held_tls.domain[0]);
            break;
        }
    held_tls.n--;
    if (__atomic_exchange_n(&from->word, 0, __ATOMIC_RELEASE) == 2)
        futex(&from->word, FUTEX_WAKE, 1);
    if (!have)
        domain_take(to);
}

uint32_t domain_depth(void)
{
    return held_tls.n;
}

void domain_unwind(uint32_t depth)
{
    while (held_tls.n > depth)
        domain_unlock(held_tls.domain[held_tls.n - 1]);
}

void domain_park(struct parked *p)
{
    p->n = held_tls.n;
    memcpy(p->domain, held_tls.domain, held_tls.n * sizeof held_tls.domain[0]);
    for (uint32_t i = 0; i < p->n; i++)
        domain_ref(p->domain[i]);
    domain_unwind(0);
}

void domain_unpark(const struct parked *p)
{
    for (uint32_t i = 0; i < p->n; i++) {
        domain_take(p->domain[i]);
        domain_unref(p->domain[i]); /* whoever called with it held has a reference of its own */
    }
}
