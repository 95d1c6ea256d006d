/* SPDX-License-Identifier: BSD-2-Clause */
/* Event contexts and other threads, and what the three deletions promise. Gap G13. */
#include "loop_rig.h"

/* ---- other threads ---- */

struct kicker {
    struct tn_bh *b;
    uint32_t n;
};

static void *kick_often(void *p)
{
    struct kicker *k = p;
    for (uint32_t i = 0; i < k->n; i++)
        bh_kick(k->b);
    return NULL;
}

TEST(kicks_from_other_threads_are_never_lost)
{
    struct clock clock;
    clock_init(&clock, 1);
    struct tn_ctx *c = loop_new(&clock, "t");
    struct count n = {0};
    struct tn_bh *b = bh_new(c, NULL, 0, add_one, &n);
    CHECK_EQ(loop_start_thread(c, NULL, NULL), 0);
    for (int round = 0; round < 200; round++) {
        struct kicker k = {b, 20};
        pthread_t t;
        uint32_t before = __atomic_load_n(&n.n, __ATOMIC_SEQ_CST);
        pthread_create(&t, NULL, kick_often, &k);
        pthread_join(t, NULL);
        for (int i = 0; i < 5000 && __atomic_load_n(&n.n, __ATOMIC_SEQ_CST) == before; i++)
            usleep(100);
        CHECK(__atomic_load_n(&n.n, __ATOMIC_SEQ_CST) > before);
    }
    bh_del(b);
    loop_stop_thread(c);
    loop_free(c);
}

TEST(an_earlier_timer_wakes_a_sleeping_context)
{
    struct clock clock;
    clock_init(&clock, 0);
    clock_start(&clock);
    struct tn_ctx *c = loop_new(&clock, "t");
    struct count n = {0};
    struct tn_timer *t = timer_new(c, NULL, 0, TN_CLK_REAL, add_one, &n);
    loop_start_thread(c, NULL, NULL);
    timer_arm(t, clock_now(&clock, TN_CLK_REAL) + 3600000000000u);
    usleep(1000);
    timer_arm(t, clock_now(&clock, TN_CLK_REAL));
    for (int i = 0; i < 5000 && !__atomic_load_n(&n.n, __ATOMIC_SEQ_CST); i++)
        usleep(1000);
    CHECK_EQ(__atomic_load_n(&n.n, __ATOMIC_SEQ_CST), 1);
    timer_del(t);
    loop_stop_thread(c);
    loop_free(c);
}

static void slow(void *s)
{
    struct count *c = s;
    __atomic_store_n(&c->events, 1, __ATOMIC_SEQ_CST);
    usleep(20000);
    __atomic_store_n(&c->n, 1, __ATOMIC_SEQ_CST);
}

TEST(drain_waits_for_the_callback_under_way)
{
    struct clock clock;
    clock_init(&clock, 1);
    struct tn_ctx *c = loop_new(&clock, "t");
    struct count n = {0};
    struct tn_bh *b = bh_new(c, NULL, 0, slow, &n);
    loop_start_thread(c, NULL, NULL);
    bh_kick(b);
    while (!__atomic_load_n(&n.events, __ATOMIC_SEQ_CST))
        usleep(100);
    loop_drain(c);
    CHECK_EQ(__atomic_load_n(&n.n, __ATOMIC_SEQ_CST), 1);
    bh_del(b);
    loop_stop_thread(c);
    loop_free(c);
}

/* ---- with [dev] held ---- */

static const struct tn_class plain = {
    .struct_size = sizeof plain, .name = "plain", .instance_size = 8};

FIXTURE_PLUGIN(plains, &plain);

static void *lock_a_while(void *p)
{
    struct device *d = p;
    domain_lock(d->domain);
    usleep(10000);
    domain_unlock(d->domain);
    return NULL;
}

/* With [dev] held, no call follows the return of a deletion, though the callback is on its way and
 * waits for the lock. */
TEST(nothing_runs_after_a_deletion_with_the_lock_held)
{
    struct vm *vm = fixture_vm_with(&plains);
    struct device *d = fixture_add(vm, TN_K_DEVICE, "plain");
    struct clock clock;
    clock_init(&clock, 1);
    struct tn_ctx *c = loop_new(&clock, "t");
    loop_start_thread(c, NULL, NULL);
    for (int i = 0; i < 50; i++) {
        struct count n = {0};
        int fd = eventfd(0, EFD_NONBLOCK);
        struct tn_timer *t = timer_new(c, d, 0, TN_CLK_VM, add_one, &n);
        struct tn_bh *b = bh_new(c, d, 0, add_one, &n);
        struct tn_watch *w = watch_new(c, d, 0, fd, TN_FD_IN, saw_event, &n);
        domain_lock(d->domain);
        timer_arm(t, 0);
        bh_kick(b);
        uint64_t one = 1;
        CHECK_EQ(write(fd, &one, 8), 8);
        usleep(i % 3 * 100);
        timer_del(t);
        bh_del(b);
        watch_del(w);
        close(fd);
        uint32_t seen = __atomic_load_n(&n.n, __ATOMIC_SEQ_CST);
        domain_unlock(d->domain);
        loop_drain(c);
        loop_drain(c);
        CHECK_EQ(seen, 0);
        CHECK_EQ(__atomic_load_n(&n.n, __ATOMIC_SEQ_CST), 0);
    }
    loop_stop_thread(c);
    loop_free(c);
    vm_free(vm);
}

TEST(callbacks_wait_for_the_lock_but_nolock_ones)
{
    struct vm *vm = fixture_vm_with(&plains);
    struct device *d = fixture_add(vm, TN_K_DEVICE, "plain");
    struct count with = {0}, without = {0};
    struct tn_bh *a = bh_new(vm->main, d, 0, add_one, &with),
                 *b = bh_new(vm->main, d, TN_LF_NOLOCK, add_one, &without);
    pthread_t t;
    pthread_create(&t, NULL, lock_a_while, d);
    usleep(2000);
    bh_kick(b);
    loop_once(vm->main, 0);
    CHECK_EQ(without.n, 1);
    bh_kick(a);
    loop_once(vm->main, 0); /* waits for the thread */
    CHECK_EQ(with.n, 1);
    pthread_join(t, NULL);
    bh_del(a);
    bh_del(b);
    vm_free(vm);
}

/* What a device takes goes with it: nothing of it runs afterwards, in whatever context it was about
 * to. */
TEST(a_device_that_goes_takes_its_timers_watches_and_bottom_halves_along)
{
    struct vm *vm = fixture_vm_with(&plains);
    struct clock clock;
    clock_init(&clock, 1);
    struct tn_ctx *c = loop_new(&clock, "t");
    loop_start_thread(c, NULL, NULL);
    int fd = eventfd(1, EFD_NONBLOCK);
    for (int i = 0; i < 50; i++) {
        struct count n = {0};
        struct device *d = fixture_add(vm, TN_K_DEVICE, "plain");
        timer_arm(timer_new(c, d, 0, TN_CLK_VM, add_one, &n), 0);
        timer_arm(timer_new(vm->main, d, 0, TN_CLK_VM, add_one, &n), 0);
        bh_kick(bh_new(vm->main, d, 0, add_one, &n));
        bh_kick(bh_new(c, d, i % 2 ? TN_LF_NOLOCK : 0, add_one, &n));
        bh_once(vm->main, d, add_one, &n);
        bh_once_about(vm->main, d, add_one, &n);
        CHECK(watch_new(vm->main, d, 0, fd, TN_FD_IN, saw_event, &n));
        usleep(i % 5 * 50);
        device_free(d);
        loop_drain(c); /* not by device_free(): c is no iothread of this machine */
        uint32_t seen = __atomic_load_n(&n.n, __ATOMIC_SEQ_CST);
        fixture_spin(vm);
        loop_drain(c);
        CHECK_EQ(__atomic_load_n(&n.n, __ATOMIC_SEQ_CST), seen);
    }
    close(fd);
    loop_stop_thread(c);
    loop_free(c);
    vm_free(vm);
}

int main(void)
{
    RUN(kicks_from_other_threads_are_never_lost);
    RUN(an_earlier_timer_wakes_a_sleeping_context);
    RUN(drain_waits_for_the_callback_under_way);
    RUN(nothing_runs_after_a_deletion_with_the_lock_held);
    RUN(callbacks_wait_for_the_lock_but_nolock_ones);
    RUN(a_device_that_goes_takes_its_timers_watches_and_bottom_halves_along);
    return tap_done();
}
