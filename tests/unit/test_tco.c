/* SPDX-License-Identifier: BSD-2-Clause */
/* The TCO block by its registers (ICH9 datasheet 316972-004, 13.9). */
#include "tco.h"

#include "tap.h"

struct rig {
    struct tco t;
    uint64_t now, armed;
    uint32_t bites;
    int no_reboot;
};

static uint64_t on_now(void *o)
{
    return ((struct rig *)o)->now;
}

static void on_arm(void *o, uint64_t ns)
{
    ((struct rig *)o)->armed = ns;
}

static int on_no_reboot(void *o)
{
    return ((struct rig *)o)->no_reboot;
}

static void on_bite(void *o)
{
    ((struct rig *)o)->bites++;
}

static const struct tco_env env = {on_now, on_arm, on_no_reboot, on_bite};

static struct rig *begin(void)
{
    static struct rig r;
    memset(&r, 0, sizeof r);
    r.now = 1000;
    tco_init(&r.t, &env, &r);
    tco_reset(&r.t);
    return &r;
}

/* To the next expiry. */
static void expire(struct rig *r)
{
    CHECK(r->armed != 0);
    r->now = r->armed;
    r->armed = 0;
    tco_expired(&r->t);
}

static void start(struct rig *r, uint32_t ticks)
{
    tco_write(&r->t, TCO1_CNT, 2, TCO1_CNT_TMR_HLT);
    tco_write(&r->t, TCO_TMR, 2, ticks);
    tco_write(&r->t, TCO_RLD, 2, 1);
    CHECK_EQ(r->armed, 0);
    tco_write(&r->t, TCO1_CNT, 2, 0);
}

TEST(does_not_run_after_a_reset)
{
    struct rig *r = begin();
    CHECK_EQ(r->armed, 0);
    CHECK_EQ(tco_read(&r->t, TCO_RLD, 2), 0);
    CHECK_EQ(tco_read(&r->t, TCO2_CNT, 2), 8);
    CHECK_EQ(tco_read(&r->t, TCO_SW_IRQ_GEN, 1), 3);
    CHECK(tco_is_reset(&r->t));
}

TEST(bites_at_the_second_timeout)
{
    struct rig *r = begin();
    start(r, 6);
    CHECK_EQ(r->armed, 1000 + 6 * TCO_TICK_NS);
    expire(r);
    CHECK_EQ(tco_read(&r->t, TCO1_STS, 2), TCO1_STS_TIMEOUT);
    CHECK_EQ(r->bites, 0);
    expire(r);
    CHECK_EQ(r->now, 1000 + 12 * TCO_TICK_NS);
    CHECK_EQ(r->bites, 1);
    CHECK_EQ(tco_read(&r->t, TCO2_STS, 2), TCO2_STS_SECOND_TO | TCO2_STS_BOOT);
    CHECK_EQ(r->armed, 0);
}

TEST(counts_on_where_it_may_not_reboot)
{
    struct rig *r = begin();
    r->no_reboot = 1;
    start(r, 6);
    expire(r);
    expire(r);
    CHECK_EQ(r->bites, 0);
    CHECK_EQ(r->armed, 1000 + 18 * TCO_TICK_NS);
}

TEST(a_load_is_a_new_first_stage)
{
    struct rig *r = begin();
    start(r, 6);
    expire(r);
    tco_write(&r->t, TCO_RLD, 2, 1);
    expire(r);
    CHECK_EQ(r->bites, 0);
}

TEST(four_ticks_are_the_least)
{
    struct rig *r = begin();
    start(r, 1);
    CHECK_EQ(r->armed, 1000 + 4 * TCO_TICK_NS);
    CHECK_EQ(tco_read(&r->t, TCO_TMR, 2), 1);
}

TEST(halted_it_keeps_what_is_left)
{
    struct rig *r = begin();
    start(r, 10);
    r->now += 3 * TCO_TICK_NS;
    tco_write(&r->t, TCO1_CNT, 2, TCO1_CNT_TMR_HLT);
    CHECK_EQ(r->armed, 0);
    r->now += 100 * TCO_TICK_NS;
    CHECK_EQ(tco_read(&r->t, TCO_RLD, 2), 7);
    tco_write(&r->t, TCO1_CNT, 2, 0);
    CHECK_EQ(r->armed, r->now + 7 * TCO_TICK_NS);
}

TEST(a_clock_that_has_jumped_does_not_make_it_hurry)
{
    struct rig *r = begin();
    start(r, 4);
    r->now += 1000 * TCO_TICK_NS;
    r->armed = 0;
    tco_expired(&r->t);
    CHECK_EQ(r->armed, r->now + 4 * TCO_TICK_NS);
}

TEST(mailboxes_say_that_they_are_written)
{
    struct rig *r = begin();
    tco_write(&r->t, TCO_DAT_IN, 1, 0x12);
    CHECK_EQ(tco_read(&r->t, TCO1_STS, 2), TCO1_STS_SW_SMI);
    tco_write(&r->t, TCO_DAT_OUT, 1, 0x34);
    CHECK_EQ(tco_read(&r->t, TCO1_STS, 1), TCO1_STS_SW_SMI | TCO1_STS_INT);
    CHECK_EQ(tco_read(&r->t, TCO_DAT_IN, 2), 0x3412);
    tco_write(&r->t, TCO1_STS, 1, TCO1_STS_INT);
    CHECK_EQ(tco_read(&r->t, TCO1_STS, 2), TCO1_STS_SW_SMI);
    tco_write(&r->t, TCO_MESSAGE1, 2, 0x6655);
    CHECK_EQ(tco_read(&r->t, TCO_MESSAGE2, 1), 0x66);
}

TEST(a_lock_stays)
{
    struct rig *r = begin();
    tco_write(&r->t, TCO1_CNT, 2, TCO1_CNT_LOCK);
    tco_write(&r->t, TCO1_CNT + 1, 1, 0);
    CHECK_EQ(tco_read(&r->t, TCO1_CNT, 2), TCO1_CNT_LOCK);
    tco_reset(&r->t);
    CHECK_EQ(tco_read(&r->t, TCO1_CNT, 2), 0);
}

int main(int argc, char **argv)
{
    (void)argc, (void)argv;
    RUN(does_not_run_after_a_reset);
    RUN(bites_at_the_second_timeout);
    RUN(counts_on_where_it_may_not_reboot);
    RUN(a_load_is_a_new_first_stage);
    RUN(four_ticks_are_the_least);
    RUN(halted_it_keeps_what_is_left);
    RUN(a_clock_that_has_jumped_does_not_make_it_hurry);
    RUN(mailboxes_say_that_they_are_written);
    RUN(a_lock_stays);
    return tap_done();
}
