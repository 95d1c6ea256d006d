/* SPDX-License-Identifier: BSD-2-Clause */
/* Event contexts: order, clocks, descriptors, and what the three deletions promise (tenon/loop.h).
 * Gap G13. */
#include "core/domain.h"
#include "core/loop_impl.h"
#include "tap.h"
#include "vm_fixture.h"
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct count {
    uint32_t n, events;
    uint64_t order;
    struct tn_ctx *ctx;
    struct tn_bh *other;
    struct tn_timer *timer;
    struct tn_watch *watch;
    uint32_t *flag;
};

static void add_one(void *s)
{
    struct count *c = s;
    __atomic_add_fetch(&c->n, 1, __ATOMIC_SEQ_CST);
}

static void saw_event(void *s, uint32_t ev)
{
    struct count *c = s;
    c->n++;
    c->events = ev;
}

static void spin(struct tn_ctx *c)
{
    while (loop_once(c, 0))
        ;
}

/* A context of the test's own, run by this thread. */
static struct tn_ctx *context(struct clock *clock)
{
    clock_init(clock, 1);
    struct tn_ctx *c = loop_new(clock, "t");
    loop_adopt(c);
    return c;
}

static uint64_t trace;
static void digit(void *s)
{
    trace = trace * 10 + (uint64_t)(uintptr_t)s;
}

TEST(timers_run_by_deadline_and_only_when_it_has_come)
{
    struct clock clock;
    struct tn_ctx *c = context(&clock);
    struct tn_timer *t[5];
    static const uint64_t at[] = {500, 100, 300, 200, 400};
    trace = 0;
    for (uint64_t i = 0; i < 5; i++) {
        t[i] = timer_new(c, NULL, 0, TN_CLK_VM, digit, (void *)(uintptr_t)(at[i] / 100));
        timer_arm(t[i], at[i]);
    }
    spin(c);
    CHECK_EQ(trace, 0);
    CHECK_EQ(loop_deadline(c, TN_CLK_VM), 100);
    clock_set(&clock, 300);
    spin(c);
    CHECK_EQ(trace, 123);
    timer_arm(t[0], 350); /* again = moved */
    timer_disarm(t[4]);
    clock_set(&clock, 1000);
    spin(c);
    CHECK_EQ(trace, 1235);
    CHECK_EQ(loop_deadline(c, TN_CLK_VM), ~(uint64_t)0);
    for (int i = 0; i < 5; i++)
        timer_del(t[i]);
    loop_free(c);
}

static void again(void *s)
{
    struct count *c = s;
    c->n++;
    timer_arm(c->timer, 0);
}

/* A timer that is always due must not keep the others, or the monitor, from running. */
TEST(a_timer_that_is_always_due_lets_others_run)
{
    struct clock clock;
    struct tn_ctx *c = context(&clock);
    struct count a = {0}, b = {0};
    a.timer = timer_new(c, NULL, 0, TN_CLK_VM, again, &a);
    struct tn_bh *bh = bh_new(c, NULL, 0, add_one, &b);
    timer_arm(a.timer, 0);
    bh_kick(bh);
    loop_once(c, 0);
    CHECK(a.n > 0);
    CHECK_EQ(b.n, 1);
    timer_del(a.timer);
    bh_del(bh);
    loop_free(c);
}

TEST(many_timers_survive_random_arms_and_deletions)
{
    struct clock clock;
    struct tn_ctx *c = context(&clock);
    struct tn_timer *t[64];
    struct count n = {0};
    uint32_t seed = 12345, now = 0;
    for (int i = 0; i < 64; i++)
        t[i] = timer_new(c, NULL, 0, TN_CLK_VM, add_one, &n);
    for (int i = 0; i < 20000; i++) {
        seed = seed * 1103515245 + 12345;
        uint32_t k = seed >> 8 & 63;
        if (seed >> 20 & 1)
            timer_arm(t[k], now / 8 + (seed >> 27));
        else
            timer_disarm(t[k]);
        clock_set(&clock, ++now / 8);
        if (i % 5 == 0)
            loop_once(c, 0);
        CHECK(loop_deadline(c, TN_CLK_VM) == ~(uint64_t)0 || i % 5 ||
              loop_deadline(c, TN_CLK_VM) > now / 8);
    }
    CHECK(n.n > 100);
    for (int i = 0; i < 64; i++)
        timer_del(t[i]);
    loop_free(c);
}

TEST(guest_timers_stand_still_while_the_machine_is_stopped)
{
    struct clock clock;
    clock_init(&clock, 0);
    struct tn_ctx *c = loop_new(&clock, "t");
    struct count vm = {0}, real = {0};
    loop_adopt(c);
    struct tn_timer *a = timer_new(c, NULL, 0, TN_CLK_VM, add_one, &vm),
                    *b = timer_new(c, NULL, 0, TN_CLK_REAL, add_one, &real);
    timer_arm(a, 0);
    timer_arm(b, 0);
    spin(c);
    CHECK_EQ(vm.n, 0);
    CHECK_EQ(real.n, 1);
    clock_start(&clock);
    uint64_t t0 = clock_now(&clock, TN_CLK_VM);
    spin(c);
    CHECK_EQ(vm.n, 1);
    clock_stop(&clock);
    uint64_t t1 = clock_now(&clock, TN_CLK_VM);
    CHECK(t1 >= t0);
    usleep(2000);
    CHECK_EQ(clock_now(&clock, TN_CLK_VM), t1);
    timer_del(a);
    timer_del(b);
    loop_free(c);
}

/* ---- bottom halves ---- */

TEST(bottom_halves_run_once_in_order_of_their_kick)
{
    struct clock clock;
    struct tn_ctx *c = context(&clock);
    struct tn_bh *b[4];
    trace = 0;
    for (uint64_t i = 0; i < 4; i++)
        b[i] = bh_new(c, NULL, 0, digit, (void *)(uintptr_t)(i + 1));
    bh_kick(b[2]);
    bh_kick(b[0]);
    bh_kick(b[2]); /* once */
    bh_kick(b[3]);
    bh_del(b[3]); /* and then not at all */
    bh_kick(b[1]);
    spin(c);
    CHECK_EQ(trace, 312);
    for (int i = 0; i < 3; i++)
        bh_del(b[i]);
    loop_free(c);
}

static void kick_and_wait(void *s)
{
    struct count *c = s;
    c->n++;
    bh_kick(c->other);
    while (!*c->flag)
        loop_once(c->ctx, 1000000);
}

/* A pause runs in a bottom half and waits for a device whose own bottom half was kicked in the same
 * round: the loop that it runs meanwhile has to come to it. */
TEST(a_round_within_a_round_runs_what_is_ready_behind_it)
{
    struct clock clock;
    struct tn_ctx *c = context(&clock);
    struct count inner = {0};
    struct count outer = {.ctx = c, .flag = &inner.n};
    struct tn_bh *first = bh_new(c, NULL, 0, kick_and_wait, &outer);
    outer.other = bh_new(c, NULL, 0, add_one, &inner);
    bh_kick(first);
    bh_kick(outer.other); /* behind it, in the round that first will hold up */
    loop_once(c, 0);
    CHECK_EQ(outer.n, 1);
    CHECK_EQ(inner.n, 1);
    bh_del(first);
    bh_del(outer.other);
    loop_free(c);
}

static void delete_other(void *s, uint32_t ev)
{
    struct count *c = s;
    (void)ev;
    c->n++;
    watch_del(c->watch);
    if (c->timer)
        timer_del(c->timer);
    c->timer = NULL;
    loop_once(c->ctx, 0); /* a round within: what is dead is not buried below the outer one */
}

TEST(a_watch_deleted_in_a_round_within_stays_until_the_outer_one_ends)
{
    struct clock clock;
    struct tn_ctx *c = context(&clock);
    struct count a = {.ctx = c}, b = {.ctx = c};
    int fa = eventfd(1, EFD_NONBLOCK), fb = eventfd(1, EFD_NONBLOCK);
    struct tn_watch *wa = watch_new(c, NULL, 0, fa, TN_FD_IN, delete_other, &a);
    struct tn_watch *wb = watch_new(c, NULL, 0, fb, TN_FD_IN, delete_other, &b);
    a.watch = wb;
    b.watch = wa;
    a.timer = b.timer = NULL;
    loop_once(c, 0);
    CHECK_EQ(a.n + b.n, 1); /* whoever came first deleted the other, whose event was in hand */
    watch_del(a.n ? wa : wb);
    close(fa);
    close(fb);
    loop_free(c);
}

static void delete_self(void *s)
{
    struct count *c = s;
    c->n++;
    bh_kick(c->other);
    bh_del(c->other);
}

TEST(a_bottom_half_may_delete_itself)
{
    struct clock clock;
    struct tn_ctx *c = context(&clock);
    struct count n = {0};
    n.other = bh_new(c, NULL, 0, delete_self, &n);
    bh_kick(n.other);
    spin(c);
    CHECK_EQ(n.n, 1);
    loop_free(c);
}

/* ---- descriptors ---- */

TEST(watches_are_level_triggered_and_masked)
{
    struct clock clock;
    struct tn_ctx *c = context(&clock);
    struct count n = {0};
    int fd = eventfd(1, EFD_NONBLOCK);
    struct tn_watch *w = watch_new(c, NULL, 0, fd, TN_FD_IN, saw_event, &n);
    loop_once(c, 0);
    loop_once(c, 0);
    CHECK_EQ(n.n, 2);
    CHECK_EQ(n.events, TN_FD_IN);
    watch_mask(w, 0);
    loop_once(c, 0);
    CHECK_EQ(n.n, 2);
    watch_mask(w, TN_FD_OUT);
    loop_once(c, 0);
    CHECK_EQ(n.events, TN_FD_OUT);
    watch_del(w);
    loop_once(c, 0);
    CHECK_EQ(n.n, 3);
    close(fd);
    loop_free(c);
}

TEST(an_edge_is_told_once_and_each_one)
{
    struct clock clock;
    struct tn_ctx *c = context(&clock);
    struct count n = {0};
    int fd = eventfd(0, EFD_NONBLOCK);
    struct tn_watch *w = watch_new(c, NULL, 0, fd, 0, saw_event, &n);
    CHECK_EQ(write(fd, &(uint64_t){1}, 8), 8);
    spin(c);
    CHECK_EQ(n.n, 0);
    watch_mask(w, TN_FD_IN | TN_FD_EDGE); /* there before */
    spin(c);
    CHECK_EQ(n.n, 1);
    CHECK_EQ(n.events, TN_FD_IN);
    for (uint32_t i = 2; i < 5; i++) {
        CHECK_EQ(write(fd, &(uint64_t){1}, 8), 8);
        spin(c);
        CHECK_EQ(n.n, i);
    }
    watch_del(w);
    loop_free(c);
    close(fd);
}

TEST(two_watches_of_one_descriptor)
{
    struct clock clock;
    struct tn_ctx *c = context(&clock);
    struct count a = {0}, b = {0};
    int fd = eventfd(1, EFD_NONBLOCK);
    struct tn_watch *wa = watch_new(c, NULL, 0, fd, TN_FD_IN, saw_event, &a),
                    *wb = watch_new(c, NULL, 0, fd, TN_FD_OUT, saw_event, &b);
    loop_once(c, 0);
    CHECK_EQ(a.events, TN_FD_IN);
    CHECK_EQ(b.events, TN_FD_OUT);
    watch_del(wa);
    loop_once(c, 0);
    CHECK_EQ(a.n, 1);
    CHECK_EQ(b.n, 2);
    watch_del(wb);
    close(fd);
    loop_free(c);
}

TEST(files_are_always_ready)
{
    struct clock clock;
    struct tn_ctx *c = context(&clock);
    struct count n = {0};
    FILE *f = tmpfile();
    struct tn_watch *w = watch_new(c, NULL, 0, fileno(f), TN_FD_IN | TN_FD_OUT, saw_event, &n);
    CHECK(w);
    loop_once(c, ~(uint64_t)0);
    CHECK_EQ(n.events, TN_FD_IN | TN_FD_OUT);
    watch_mask(w, 0);
    loop_once(c, 0);
    CHECK_EQ(n.n, 1);
    watch_del(w);
    fclose(f);
    loop_free(c);
}

/* Reconnect: the old watch must not fire on the new file that got its number. */
TEST(a_number_that_is_used_again_is_another_descriptor)
{
    struct clock clock;
    struct tn_ctx *c = context(&clock);
    struct count old = {0}, young = {0};
    int fd = eventfd(1, EFD_NONBLOCK);
    struct tn_watch *w = watch_new(c, NULL, 0, fd, TN_FD_IN, saw_event, &old);
    watch_del(w);
    close(fd);
    int next = eventfd(1, EFD_NONBLOCK);
    CHECK_EQ(next, fd);
    w = watch_new(c, NULL, 0, next, TN_FD_IN, saw_event, &young);
    CHECK(w);
    loop_once(c, 0);
    CHECK_EQ(old.n, 0);
    CHECK_EQ(young.n, 1);
    watch_del(w);
    close(next);
    loop_free(c);
}

TEST(a_bad_descriptor_is_refused)
{
    struct clock clock;
    struct tn_ctx *c = context(&clock);
    CHECK(!watch_new(c, NULL, 0, 12345, TN_FD_IN, saw_event, NULL));
    loop_free(c);
}

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

/* ---- polling ---- */

enum { LONG_NS = 1u << 31, SHORT_NS = 1000 };

struct source {
    uint32_t asked, found_at, begun, ended; /* found_at: the time of asking that finds something */
    uint32_t late;                          /* end() says so that many times */
    struct tn_bh *bh;
};

static uint32_t source_poll(void *s)
{
    struct source *o = s;
    CHECK(o->begun > o->ended);
    o->asked++;
    if (o->bh)
        bh_kick(o->bh);
    return o->asked == o->found_at;
}

static void source_begin(void *s)
{
    ((struct source *)s)->begun++;
}

static uint32_t source_end(void *s)
{
    struct source *o = s;
    o->ended++;
    return o->late && o->late--;
}

static const struct tn_poll_ops source_ops = {.struct_size = sizeof source_ops,
                                              .poll = source_poll,
                                              .begin = source_begin,
                                              .end = source_end};

/* Whatever the machine has of processors. */
static struct tn_ctx *polling(struct clock *clock, uint64_t ns)
{
    struct tn_ctx *c = context(clock);
    c->polling =
        (struct loop_polling){.max_ns = LONG_NS, .gap_ns = ~(uint64_t)0, .ns = ns, .penalty = 1};
    return c;
}

TEST(a_context_that_was_not_told_to_does_not_poll)
{
    struct clock clock;
    struct tn_ctx *c = context(&clock);
    CHECK(!poll_new(c, NULL, 0, &source_ops, NULL));
    loop_free(c);
}

TEST(a_poll_that_finds_something_saves_the_wait_and_keeps_notifications_off)
{
    struct clock clock;
    struct tn_ctx *c = polling(&clock, LONG_NS);
    struct source o = {.found_at = 3};
    struct tn_poll *p = poll_new(c, NULL, 0, &source_ops, &o);
    CHECK_EQ(loop_once(c, ~(uint64_t)0), 1); /* nothing else would end that */
    CHECK_EQ(o.asked, 3);
    CHECK_EQ(o.begun, 1);
    CHECK_EQ(o.ended, 0);
    o.found_at = 4;
    CHECK_EQ(loop_once(c, ~(uint64_t)0), 1);
    CHECK_EQ(o.begun, 1);
    CHECK_EQ(loop_once(c, SHORT_NS), 0);
    CHECK_EQ(o.ended, 1);
    poll_del(p);
    CHECK_EQ(loop_once(c, SHORT_NS), 0);
    CHECK_EQ(o.ended, 1);
    loop_free(c);
}

TEST(what_came_before_notifications_were_on_again_is_not_waited_for)
{
    struct clock clock;
    struct tn_ctx *c = polling(&clock, SHORT_NS);
    struct source o = {.late = 1};
    struct tn_poll *p = poll_new(c, NULL, 0, &source_ops, &o);
    CHECK_EQ(loop_once(c, ~(uint64_t)0), 1);
    CHECK_EQ(o.ended, 1);
    poll_del(p);
    loop_free(c);
}

TEST(polling_ends_for_a_bottom_half_a_wake_and_a_timer)
{
    struct clock clock;
    struct tn_ctx *c = polling(&clock, LONG_NS);
    struct count n = {0};
    struct source o = {.bh = bh_new(c, NULL, 0, add_one, &n)};
    struct tn_poll *p = poll_new(c, NULL, 0, &source_ops, &o);
    loop_once(c, ~(uint64_t)0);
    CHECK_EQ(o.asked, 1);
    CHECK_EQ(n.n, 1);
    bh_del(o.bh);
    o.bh = NULL;
    loop_once(c, 0); /* its burial */
    loop_wake(c);
    loop_once(c, ~(uint64_t)0);
    CHECK(o.asked <= 3);
    CHECK_EQ(o.ended, o.begun);
    struct tn_timer *t = timer_new(c, NULL, 0, TN_CLK_REAL, add_one, &n);
    timer_arm(t, 1); /* long ago */
    loop_once(c, ~(uint64_t)0);
    CHECK_EQ(n.n, 2);
    timer_del(t);
    poll_del(p);
    loop_free(c);
}

TEST(a_context_whose_processor_others_want_pauses_polling)
{
    struct clock clock;
    struct tn_ctx *c = polling(&clock, LONG_NS);
    struct source o = {0};
    struct tn_poll *p = poll_new(c, NULL, 0, &source_ops, &o);
    c->polling.gap_ns = 0; /* every look comes late */
    CHECK_EQ(loop_once(c, SHORT_NS), 0);
    CHECK_EQ(o.asked, 1);
    CHECK_EQ(c->polling.ns, 0);
    CHECK_EQ(c->polling.crowded, 1);
    CHECK_EQ(c->polling.penalty, 2);
    CHECK_EQ(loop_once(c, SHORT_NS), 0);
    CHECK_EQ(o.asked, 1);
    poll_del(p);
    loop_free(c);
}

/* A poll that always finds something must not keep descriptors waiting for ever. */
TEST(descriptors_have_their_turn_while_polling_finds_work)
{
    struct clock clock;
    struct tn_ctx *c = polling(&clock, LONG_NS);
    struct source o = {0};
    struct count n = {0};
    struct tn_poll *p = poll_new(c, NULL, 0, &source_ops, &o);
    int fd = eventfd(1, EFD_NONBLOCK), rounds = 0;
    struct tn_watch *w = watch_new(c, NULL, 0, fd, TN_FD_IN, saw_event, &n);
    for (; rounds < 100 && !n.n; rounds++) {
        o.found_at = o.asked + 1;
        loop_once(c, ~(uint64_t)0);
    }
    CHECK_EQ(n.n, 1);
    CHECK(rounds > 1 && rounds < 100);
    watch_del(w);
    poll_del(p);
    loop_free(c);
    close(fd);
}

/* QEMU's rule: as long as events come within the limit it grows to where it sees them. */
TEST(the_time_of_polling_follows_the_events)
{
    struct loop_polling p = {.max_ns = 32768};
    loop_poll_learn(&p, 3000);
    CHECK_EQ(p.ns, 4000);
    loop_poll_learn(&p, 3000);
    CHECK_EQ(p.ns, 4000);
    loop_poll_learn(&p, 30000);
    CHECK_EQ(p.ns, 8000);
    for (int i = 0; i < 5; i++)
        loop_poll_learn(&p, 32768);
    CHECK_EQ(p.ns, 32768);
    loop_poll_learn(&p, 32769);
    CHECK_EQ(p.ns, 0);
    p = (struct loop_polling){
        .max_ns = ~(uint64_t)0, .grow = ~(uint64_t)0, .shrink = 3, .ns = 9000};
    loop_poll_learn(&p, 10000);
    CHECK_EQ(p.ns, ~(uint64_t)0);
    p.max_ns = 9000;
    p.ns = 9000;
    loop_poll_learn(&p, 10000);
    CHECK_EQ(p.ns, 3000);
    p.crowded = 2;
    loop_poll_learn(&p, 5000);
    loop_poll_learn(&p, 5000);
    CHECK_EQ(p.ns, 3000);
    loop_poll_learn(&p, 5000);
    CHECK(p.ns > 3000);
}

static uint32_t seen_once(void *s)
{
    return __atomic_exchange_n((uint32_t *)s, 0, __ATOMIC_SEQ_CST);
}

static void tell(void *s)
{
    __atomic_store_n((uint32_t *)s, 1, __ATOMIC_SEQ_CST);
}

/* Its thread polls while others add, delete, drain and kick. */
TEST(polls_come_and_go_beside_their_thread)
{
    static const struct tn_poll_ops ops = {.struct_size = sizeof ops, .poll = seen_once};
    struct clock clock;
    clock_init(&clock, 1);
    struct tn_ctx *c = loop_new(&clock, "t");
    c->polling =
        (struct loop_polling){.max_ns = 100000, .gap_ns = 100000, .ns = 100000, .penalty = 1};
    loop_start_thread(c, NULL, NULL);
    uint32_t flag = 0, other = 0;
    struct tn_bh *bh = bh_new(c, NULL, 0, tell, &other);
    for (int i = 0; i < 300; i++) {
        struct tn_poll *p = poll_new(c, NULL, 0, &ops, &flag),
                       *q = poll_new(c, NULL, 0, &ops, &other);
        tell(&flag);
        bh_kick(bh);
        if (i % 3)
            poll_del(q);
        loop_drain(c);
        poll_del(p);
        if (i % 3 == 0)
            poll_del(q);
    }
    loop_drain(c);
    CHECK(!c->polls);
    bh_del(bh);
    loop_stop_thread(c);
    loop_free(c);
}

int main(void)
{
    RUN(timers_run_by_deadline_and_only_when_it_has_come);
    RUN(a_timer_that_is_always_due_lets_others_run);
    RUN(many_timers_survive_random_arms_and_deletions);
    RUN(guest_timers_stand_still_while_the_machine_is_stopped);
    RUN(bottom_halves_run_once_in_order_of_their_kick);
    RUN(a_round_within_a_round_runs_what_is_ready_behind_it);
    RUN(a_watch_deleted_in_a_round_within_stays_until_the_outer_one_ends);
    RUN(a_bottom_half_may_delete_itself);
    RUN(watches_are_level_triggered_and_masked);
    RUN(an_edge_is_told_once_and_each_one);
    RUN(two_watches_of_one_descriptor);
    RUN(files_are_always_ready);
    RUN(a_number_that_is_used_again_is_another_descriptor);
    RUN(a_bad_descriptor_is_refused);
    RUN(kicks_from_other_threads_are_never_lost);
    RUN(an_earlier_timer_wakes_a_sleeping_context);
    RUN(drain_waits_for_the_callback_under_way);
    RUN(nothing_runs_after_a_deletion_with_the_lock_held);
    RUN(callbacks_wait_for_the_lock_but_nolock_ones);
    RUN(a_device_that_goes_takes_its_timers_watches_and_bottom_halves_along);
    RUN(a_context_that_was_not_told_to_does_not_poll);
    RUN(a_poll_that_finds_something_saves_the_wait_and_keeps_notifications_off);
    RUN(what_came_before_notifications_were_on_again_is_not_waited_for);
    RUN(polling_ends_for_a_bottom_half_a_wake_and_a_timer);
    RUN(a_context_whose_processor_others_want_pauses_polling);
    RUN(descriptors_have_their_turn_while_polling_finds_work);
    RUN(the_time_of_polling_follows_the_events);
    RUN(polls_come_and_go_beside_their_thread);
    return tap_done();
}
