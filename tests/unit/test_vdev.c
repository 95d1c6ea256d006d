/* SPDX-License-Identifier: BSD-2-Clause */
/* lib/virtio on the real host: queues that run, break and go. */
#include "vdev_rig.h"

/* ---- tests ---- */

TEST(a_device_tells_its_transport_what_it_has)
{
    machine("transport", "echo");
    CHECK_EQ(m.t->queues, QUEUES);
    CHECK_EQ(m.t->config_len, 8);
    machine_free();
}

static void serves(const char *transport_options, const char *echo_options, uint32_t flags)
{
    machine(transport_options, echo_options);
    fresh(1, flags);
    send(1, 1); /* there before the start */
    CHECK_EQ(start(1, 0), 0);
    CHECK(got(1, 1));
    CHECK(until(&m.t->notified[1], 1));
    for (uint64_t i = 2; i < 50; i++) {
        drv_interrupts(&m.drv[1], 1);
        send(1, i);
        kick(1);
        CHECK(got(1, i));
        CHECK(until(&m.t->notified[1], (uint32_t)i));
    }
    CHECK_EQ(m.t->notified[0], 0);
    machine_free();
}

TEST(kicks_reach_the_handler_in_its_context)
{
    for (uint32_t p = 0; p < PLACES; p++)
        for (uint32_t e = 0; e < 2; e++) {
            serves(e ? "transport,no-eventfd=1" : "transport", places[p], 0);
            serves(e ? "transport,no-eventfd=1" : "transport", places[p],
                   TN_VQ_PACKED | TN_VQ_EVENT_IDX);
        }
}

TEST(a_broken_ring_is_reported_once)
{
    for (uint32_t p = 0; p < PLACES; p++) {
        machine("transport", places[p]);
        fresh(1, 0);
        CHECK_EQ(start(1, 0), 0);
        uint16_t *idx = (uint16_t *)(void *)rig_at(&m.rig, m.drv[1].c.driver + 2);
        __atomic_store_n(idx, SIZE + 1, __ATOMIC_RELAXED);
        kick(1);
        CHECK(until(&m.t->broken, 1));
        CHECK_STR(m.t->why, "the available index jumps further than the queue is long (2.7.6)");
        kick(1);
        CHECK(nothing(1));
        CHECK_EQ(told(&m.t->broken), 1);
        stop_fully(1);
        machine_free();
    }
}

TEST(a_ring_that_cannot_be_is_refused)
{
    machine("transport", "echo");
    fresh(1, 0);
    m.drv[1].c.size = 3;
    CHECK_EQ(start(1, 0), -EINVAL);
    m.drv[1].c.size = SIZE;
    m.drv[1].c.index = QUEUES;
    CHECK_EQ(vdev_queue_start(m.s, &m.drv[1].c), -EINVAL);
    CHECK_EQ(vdev_queue_stop(m.s, QUEUES), 0);
    vdev_kick(m.s, QUEUES, 0);
    CHECK_EQ(stop(1), 0);
    machine_free();
}

TEST(a_reset_forgets_places_and_features)
{
    machine("transport", "echo");
    const uint64_t f[] = {(uint64_t)1 << 32 | 1};
    vdev_negotiated(m.s, f, 1, TN_VQ_PACKED);
    CHECK(vdev_has(&m.s->v, 32) && vdev_has(&m.s->v, 0) && !vdev_has(&m.s->v, 64));
    for (uint32_t q = 0; q < QUEUES; q++) {
        fresh(q, TN_VQ_PACKED);
        CHECK_EQ(start(q, 0), 0);
        send(q, 1);
        kick(q);
        CHECK(got(q, 1));
        CHECK_EQ(stop(q), 0);
    }
    CHECK_EQ(vdev_reset(m.s), 0);
    CHECK(!vdev_has(&m.s->v, 32));
    fresh(1, TN_VQ_PACKED); /* only one of them this time, and from the start */
    CHECK_EQ(start(1, TN_VQ_RESTORE), 0);
    send(1, 2);
    kick(1);
    CHECK(got(1, 2));
    CHECK_EQ(m.s->v.q[0].state, VDEV_Q_STOPPED);
    machine_free();
}

TEST(legacy_drivers_are_told_when_the_queue_ran_empty)
{
    machine("transport", "echo");
    vdev_negotiated(m.s, (uint64_t[]){1 << 24}, 1, TN_VQ_LEGACY);
    fresh(1, 0);
    drv_interrupts(&m.drv[1], 0);
    send(1, 1);
    CHECK_EQ(start(1, 0), 0);
    CHECK(got(1, 1));
    CHECK(until(&m.t->notified[1], 1));
    machine_free();
}

TEST(a_device_goes_with_running_queues)
{
    for (uint32_t p = 0; p < PLACES; p++) {
        machine("transport", places[p]);
        fresh(1, 0);
        send(1, 1);
        CHECK_EQ(start(1, 0), 0);
        machine_free();
    }
}

enum { SHORT_NS = 1000 };

/* As send(); returns whether the device wants a kick. */
static bool offer(uint32_t q, uint64_t token)
{
    struct drv_buf b = {DATA + 64 * token, 64};
    CHECK(drv_add(&m.drv[q], &b, 1, 0, false, token));
    return drv_publish(&m.drv[q]);
}

static void until_quiet(void)
{
    while (loop_once(iothread, SHORT_NS))
        ;
}

static void polled(const char *options, uint32_t flags)
{
    by_hand = true;
    machine("transport", options);
    fresh(1, flags);
    CHECK_EQ(start(1, 0), 0);
    until_quiet();
    CHECK(offer(1, 1)); /* no kick is sent in any case: polling finds it */
    CHECK_EQ(loop_once(iothread, ~(uint64_t)0), 1);
    CHECK(got(1, 1));
    for (uint64_t i = 2; i < 6; i++) {
        bool wanted = offer(1, i);
        CHECK(!wanted || flags & TN_VQ_EVENT_IDX); /* that may still pass where it was armed */
        CHECK_EQ(loop_once(iothread, ~(uint64_t)0), 1);
        CHECK(got(1, i));
    }
    CHECK(!offer(1, 6));
    until_quiet();
    CHECK(got(1, 6));
    CHECK(offer(1, 7)); /* the context is about to wait: kicks again */
    kick(1);
    until_quiet();
    CHECK(got(1, 7));
    machine_free();
    by_hand = false;
}

TEST(a_polled_queue_needs_no_kicks)
{
    static const uint32_t formats[] = {0, TN_VQ_EVENT_IDX, TN_VQ_PACKED,
                                       TN_VQ_PACKED | TN_VQ_EVENT_IDX};
    for (uint32_t p = 1; p < PLACES; p++)
        for (uint32_t f = 0; f < 4; f++)
            polled(places[p], formats[f]);
}

TEST(a_handler_that_takes_nothing_is_not_polled)
{
    by_hand = true;
    machine("transport", places[1]);
    fresh(1, 0);
    CHECK_EQ(start(1, 0), 0);
    until_quiet();
    m.s->refuse = 1;
    uint32_t before = told(&m.s->handled[1]);
    offer(1, 1);
    until_quiet(); /* ends: what stays there does not count as found */
    until_quiet();
    CHECK_EQ(told(&m.s->handled[1]), before + 1);
    m.s->refuse = 0;
    CHECK(offer(1, 2)); /* kicks are on */
    kick(1);
    until_quiet();
    CHECK(got(1, 1));
    CHECK(got(1, 2));
    offer(1, 3); /* and so is polling */
    CHECK_EQ(loop_once(iothread, ~(uint64_t)0), 1);
    CHECK(got(1, 3));
    machine_free();
    by_hand = false;
}

TEST(a_polled_queue_stops_and_starts)
{
    by_hand = true;
    machine("transport", places[1]);
    fresh(1, 0);
    for (uint64_t i = 1; i < 20; i++) {
        CHECK_EQ(start(1, i > 1 ? TN_VQ_RESTORE : 0), 0);
        if (i % 2)
            until_quiet();
        offer(1, i);
        CHECK_EQ(loop_once(iothread, ~(uint64_t)0), 1);
        CHECK(got(1, i));
        CHECK_EQ(stop(1), 0);
        if (i % 3)
            until_quiet();
    }
    machine_free();
    by_hand = false;
}

int main(void)
{
    RUN(a_device_tells_its_transport_what_it_has);
    RUN(kicks_reach_the_handler_in_its_context);
    RUN(a_broken_ring_is_reported_once);
    RUN(a_ring_that_cannot_be_is_refused);
    RUN(a_reset_forgets_places_and_features);
    RUN(legacy_drivers_are_told_when_the_queue_ran_empty);
    RUN(a_device_goes_with_running_queues);
    RUN(a_polled_queue_needs_no_kicks);
    RUN(a_handler_that_takes_nothing_is_not_polled);
    RUN(a_polled_queue_stops_and_starts);
    return tap_done();
}
