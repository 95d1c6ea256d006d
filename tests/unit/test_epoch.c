/* SPDX-License-Identifier: BSD-2-Clause */
/* Grace periods and lock domains: what waits for whom, and what must not. */
#include "core/domain.h"
#include "core/epoch.h"
#include "tap.h"
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

static uint32_t load(const uint32_t *p)
{
    return __atomic_load_n(p, __ATOMIC_SEQ_CST);
}

static void store(uint32_t *p, uint32_t v)
{
    __atomic_store_n(p, v, __ATOMIC_SEQ_CST);
}

static void await(const uint32_t *p, uint32_t v)
{
    while (load(p) < v)
        usleep(50);
}

struct section {
    uint32_t inside, leave, left, pause, paused;
};

static void *stay(void *p)
{
    struct section *s = p;
    struct reader *me = reader_self();
    reader_enter(me);
    reader_enter(me); /* nested: the outer one counts */
    reader_leave(me);
    store(&s->inside, 1);
    if (s->pause) {
        uint32_t depth = reader_pause(me);
        store(&s->paused, 1);
        await(&s->leave, 1);
        reader_resume(me, depth);
    }
    await(&s->leave, 1);
    store(&s->left, 1);
    reader_leave(me);
    return NULL;
}

static void *let_leave(void *p)
{
    struct section *s = p;
    usleep(5000);
    store(&s->leave, 1);
    return NULL;
}

TEST(a_grace_period_waits_for_open_sections)
{
    struct section s = {0};
    pthread_t a, b;
    pthread_create(&a, NULL, stay, &s);
    await(&s.inside, 1);
    pthread_create(&b, NULL, let_leave, &s);
    epoch_wait();
    CHECK_EQ(load(&s.left), 1);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
}

TEST(a_paused_section_is_not_waited_for)
{
    struct section s = {.pause = 1};
    pthread_t a;
    pthread_create(&a, NULL, stay, &s);
    await(&s.paused, 1);
    epoch_wait(); /* would hang */
    CHECK_EQ(load(&s.left), 0);
    store(&s.leave, 1);
    pthread_join(a, NULL);
}

TEST(a_section_of_the_caller_is_not_waited_for)
{
    struct reader *me = reader_self();
    reader_enter(me);
    epoch_wait();
    reader_leave(me);
    CHECK_EQ(me->depth, 0);
}

static void *first_look(void *p)
{
    struct section *s = p;
    struct reader *me = reader_self();
    reader_enter(me);
    reader_leave(me);
    store(&s->leave, 1); /* only now the reader that is waited for may go on */
    return NULL;
}

static void *wait_epoch(void *p)
{
    epoch_wait();
    store(p, 1);
    return NULL;
}

/* A thread looks for the first time while a grace period waits for another, which waits for that
 * thread. */
TEST(a_new_reader_does_not_wait_for_a_grace_period)
{
    struct section s = {0};
    pthread_t a, b, c;
    uint32_t over = 0;
    pthread_create(&a, NULL, stay, &s);
    await(&s.inside, 1);
    pthread_create(&b, NULL, wait_epoch, &over);
    usleep(3000);
    CHECK_EQ(load(&over), 0);
    pthread_create(&c, NULL, first_look, &s);
    pthread_join(c, NULL);
    pthread_join(b, NULL);
    pthread_join(a, NULL);
    CHECK_EQ(load(&over), 1);
}

struct published {
    uint32_t *value;
    uint32_t stop, bad;
};

static void *read_published(void *p)
{
    struct published *s = p;
    struct reader *me = reader_self();
    while (!load(&s->stop)) {
        reader_enter(me);
        uint32_t *v = __atomic_load_n(&s->value, __ATOMIC_ACQUIRE);
        if (__atomic_load_n(v, __ATOMIC_RELAXED) != 42)
            store(&s->bad, 1);
        reader_leave(me);
    }
    return NULL;
}

static uint32_t *boxed(uint32_t v)
{
    uint32_t *p = malloc(sizeof *p);
    *p = v;
    return p;
}

TEST(what_is_freed_after_a_grace_period_is_seen_by_nobody)
{
    struct published s = {.value = boxed(42)};
    pthread_t t[3];
    for (int i = 0; i < 3; i++)
        pthread_create(&t[i], NULL, read_published, &s);
    for (int i = 0; i < 300; i++) {
        uint32_t *old = __atomic_exchange_n(&s.value, boxed(42), __ATOMIC_ACQ_REL);
        epoch_wait();
        __atomic_store_n(old, 0, __ATOMIC_RELAXED);
        free(old);
    }
    store(&s.stop, 1);
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
    CHECK_EQ(s.bad, 0);
    free(s.value);
}

static void *short_life(void *p)
{
    (void)p;
    struct reader *me = reader_self();
    reader_enter(me);
    reader_leave(me);
    return NULL;
}

TEST(readers_that_end_are_forgotten)
{
    for (int i = 0; i < 200; i++) {
        pthread_t t[2];
        for (int k = 0; k < 2; k++)
            pthread_create(&t[k], NULL, short_life, NULL);
        epoch_wait();
        for (int k = 0; k < 2; k++)
            pthread_join(t[k], NULL);
    }
    epoch_wait();
}

/* ---- domains ---- */

struct counter {
    struct domain *d;
    uint64_t n;
};

static void *count(void *p)
{
    struct counter *c = p;
    for (int i = 0; i < 20000; i++) {
        domain_lock(c->d);
        c->n++;
        domain_unlock(c->d);
    }
    return NULL;
}

TEST(a_domain_excludes)
{
    struct counter c = {domain_new(), 0};
    pthread_t t[3];
    for (int i = 0; i < 3; i++)
        pthread_create(&t[i], NULL, count, &c);
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
    CHECK_EQ(c.n, 60000);
    CHECK_EQ(c.d->word, 0);
    domain_unref(c.d);
}

TEST(entering_what_is_held_is_nothing)
{
    struct domain *d = domain_new(), *e = domain_new();
    int outer = domain_enter(d), inner = domain_enter(d), other = domain_enter(e);
    CHECK_EQ(outer, 1);
    CHECK_EQ(inner, 0);
    CHECK_EQ(other, 1);
    CHECK_EQ(domain_depth(), 2);
    domain_leave(e, other);
    domain_leave(d, inner);
    CHECK(domain_held(d));
    domain_leave(d, outer);
    CHECK(!domain_any_held());
    domain_unref(d);
    domain_unref(e);
}

TEST(parking_lets_others_in_and_comes_back)
{
    struct counter c = {domain_new(), 0};
    struct domain *inner = domain_new();
    pthread_t t;
    struct parked p;
    domain_lock(c.d);
    int entered = domain_enter(inner);
    pthread_create(&t, NULL, count, &c);
    domain_park(&p);
    CHECK(!domain_any_held());
    pthread_join(t, NULL); /* would hang */
    domain_unpark(&p);
    CHECK(domain_held(c.d) && domain_held(inner));
    domain_leave(inner, entered);
    domain_unlock(c.d);
    CHECK_EQ(c.n, 20000);
    domain_unref(c.d);
    domain_unref(inner);
}

TEST(a_joined_domain_takes_the_place_of_the_own)
{
    struct domain *own = domain_new(), *other = domain_new();
    domain_lock(own);
    domain_swap_held(own, other);
    CHECK(!domain_held(own) && domain_held(other));
    domain_swap_held(other, other);
    CHECK_EQ(domain_depth(), 1);
    domain_unwind(0);
    CHECK_EQ(own->word | other->word, 0);
    domain_unref(own);
    domain_unref(other);
}

int main(void)
{
    RUN(a_grace_period_waits_for_open_sections);
    RUN(a_paused_section_is_not_waited_for);
    RUN(a_section_of_the_caller_is_not_waited_for);
    RUN(a_new_reader_does_not_wait_for_a_grace_period);
    RUN(what_is_freed_after_a_grace_period_is_seen_by_nobody);
    RUN(readers_that_end_are_forgotten);
    RUN(a_domain_excludes);
    RUN(entering_what_is_held_is_nothing);
    RUN(parking_lets_others_in_and_comes_back);
    RUN(a_joined_domain_takes_the_place_of_the_own);
    return tap_done();
}
