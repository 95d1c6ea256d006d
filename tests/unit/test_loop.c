/* SPDX-License-Identifier: BSD-2-Clause */
/* Event contexts: timers, bottom halves and descriptors, in order (tenon/loop.h). */
#include "loop_rig.h"

static void spin(struct tn_ctx *c)
{
    while (loop_once(c, 0))
        ;
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
    return tap_done();
}
