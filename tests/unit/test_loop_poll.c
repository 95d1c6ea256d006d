/* SPDX-License-Identifier: BSD-2-Clause */
/* Event contexts that poll before they wait. */
#include "loop_rig.h"

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
