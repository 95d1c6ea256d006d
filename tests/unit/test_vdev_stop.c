/* SPDX-License-Identifier: BSD-2-Clause */
/* lib/virtio on the real host: queues that stop, and go on where they stood. */
#include "vdev_rig.h"

/* ---- tests ---- */

TEST(an_idle_queue_at_home_stops_at_once)
{
    machine("transport", "echo");
    fresh(1, 0);
    CHECK_EQ(start(1, 0), 0);
    send(1, 1);
    kick(1);
    CHECK(got(1, 1));
    CHECK_EQ(stop(1), 0);
    CHECK_EQ(stop(1), 0);
    send(1, 2);
    kick(1);
    vdev_kick(m.s, 1, 0);
    CHECK(nothing(1));
    CHECK_EQ(m.t->stopped[1], 0);
    machine_free();
}

TEST(a_queue_goes_on_where_it_stood)
{
    static const uint32_t formats[] = {0, TN_VQ_PACKED};
    for (uint32_t p = 0; p < PLACES; p++)
        for (uint32_t f = 0; f < 2; f++) {
            machine("transport", places[p]);
            fresh(1, formats[f]);
            CHECK_EQ(start(1, 0), 0);
            for (uint64_t i = 0; i < 100; i++) {
                send(1, i);
                kick(1);
                CHECK(got(1, i));
                stop_fully(1);
                CHECK_EQ(start(1, TN_VQ_RESTORE), 0);
            }
            stop_fully(1);
            machine_free();
        }
}

TEST(a_stop_waits_for_what_is_in_flight)
{
    for (uint32_t p = 0; p < PLACES; p++) {
        machine("transport", places[p]);
        fresh(1, 0);
        m.s->hold = 1;
        CHECK_EQ(start(1, 0), 0);
        send(1, 1);
        kick(1);
        CHECK(until(&m.s->handled[1], 2) || m.s->nheld);
        while (!told(&m.s->nheld))
            loop_once(m.vm->main, 1000000);
        CHECK_EQ(stop(1), TN_PENDING);
        CHECK_EQ(stop(1), TN_PENDING);
        send(1, 2);
        kick(1); /* while it stops */
        CHECK(until(&m.s->stopping, 1));
        CHECK(nothing(1));
        CHECK_EQ(told(&m.t->stopped[1]), 0);
        bh_kick(m.s->finish);
        CHECK(until(&m.t->stopped[1], 1));
        CHECK(got(1, 1));
        CHECK(nothing(1)); /* the second was not taken */
        CHECK_EQ(told(&m.t->stopped[1]), 1);
        CHECK_EQ(told(&m.s->stopping), 1);
        m.s->hold = 0;
        CHECK_EQ(start(1, TN_VQ_RESTORE), 0);
        CHECK(got(1, 2));
        stop_fully(1);
        machine_free();
    }
}

TEST(a_stop_does_not_wait_for_what_is_parked)
{
    machine("transport", "echo");
    fresh(1, 0);
    m.s->hold = 1;
    send(1, 1);
    CHECK_EQ(start(1, 0), 0);
    CHECK(until(&m.s->nheld, 1));
    CHECK_EQ(stop(1), TN_PENDING);
    vdev_park(&m.s->v.q[1], 1);
    CHECK(until(&m.t->stopped[1], 1));
    CHECK_EQ(start(1, TN_VQ_RESTORE), 0);
    vdev_park(&m.s->v.q[1], -1);
    bh_kick(m.s->finish);
    CHECK(got(1, 1));
    stop_fully(1);
    machine_free();
}

TEST(a_stop_shows_what_was_not_flushed)
{
    machine("transport", "echo");
    fresh(1, 0);
    m.s->hold = 1;
    send(1, 1);
    CHECK_EQ(start(1, 0), 0);
    CHECK(until(&m.s->nheld, 1));
    vq_push(&m.s->v.q[1].ring, m.s->held[--m.s->nheld], 0);
    CHECK_EQ(stop(1), 0);
    CHECK_EQ(m.t->notified[1], 1);
    CHECK(got(1, 1));
    machine_free();
}

TEST(a_stop_before_the_first_turn_of_the_handler)
{
    machine("transport", "echo");
    fresh(1, 0);
    send(1, 1);
    CHECK_EQ(start(1, 0), 0);
    CHECK_EQ(stop(1), 0);
    CHECK(nothing(1));
    CHECK_EQ(m.s->handled[1], 0);
    CHECK_EQ(start(1, TN_VQ_RESTORE), 0);
    CHECK(got(1, 1));
    machine_free();
}

TEST(starts_and_stops_race_with_an_iothread)
{
    machine("transport", "echo,apart=1");
    fresh(1, TN_VQ_EVENT_IDX);
    uint64_t sent = 0, token;
    uint32_t len, back = 0;
    for (uint32_t i = 0; i < 500; i++) {
        CHECK_EQ(start(1, i ? TN_VQ_RESTORE : 0), 0);
        if (m.drv[1].room) {
            send(1, sent++);
            kick(1);
        }
        if (i % 3 == 0)
            usleep(50);
        stop_fully(1);
        while (drv_get(&m.drv[1], &token, &len))
            CHECK_EQ(token, back++);
    }
    CHECK_EQ(start(1, TN_VQ_RESTORE), 0);
    for (; back < sent; back++)
        CHECK(got(1, back));
    stop_fully(1);
    machine_free();
}

int main(void)
{
    RUN(an_idle_queue_at_home_stops_at_once);
    RUN(a_queue_goes_on_where_it_stood);
    RUN(a_stop_waits_for_what_is_in_flight);
    RUN(a_stop_does_not_wait_for_what_is_parked);
    RUN(a_stop_shows_what_was_not_flushed);
    RUN(a_stop_before_the_first_turn_of_the_handler);
    RUN(starts_and_stops_race_with_an_iothread);
    return tap_done();
}
