/* SPDX-License-Identifier: BSD-2-Clause */
/* The front half of vhost in virtio-net: what the back end is told, and when. */
#include "tap.h"
#include "vhost_rig.h"
#include <errno.h>
#include <stdlib.h>

TEST(rings_are_the_back_ends_and_the_rest_is_the_devices)
{
    prepare();
    rig.can = ~(F(MRG_RXBUF) | BIT_ULL(34) | F(STATUS) | F(MAC));
    CHECK_EQ(realize(), 0);
    uint64_t f = offered(BIT_ULL(34) | BIT_ULL(29));
    CHECK_EQ(f & (F(MRG_RXBUF) | BIT_ULL(34)), 0);
    CHECK(f & BIT_ULL(29) && f & F(STATUS) && f & F(MAC) && f & F(MQ) && f & F(CSUM));
    CHECK_EQ(f & (F(RSS) | F(HASH_REPORT) | F(NOTF_COAL)), 0);
    finish();
    CHECK_EQ(rig.closed, 1);
}

TEST(mtu_is_the_back_ends_if_the_user_says_so)
{
    for (uint8_t bypass = 0; bypass < 2; bypass++) {
        prepare();
        rig.can = ~F(MTU);
        set_defaults(rig.n);
        class()->init(rig.n, &rig.dev);
        rig.n->mtu_bypass = bypass;
        rig.n->host_mtu = 9000;
        CHECK_EQ(class()->realize(rig.n, NULL), 0);
        CHECK_EQ(offered(0) >> NET_F_MTU & 1, bypass);
        finish();
    }
}

TEST(queues_start_with_the_transports_descriptors)
{
    prepare();
    CHECK_EQ(realize(), 0);
    negotiate(V1 | F(MRG_RXBUF));
    CHECK_EQ(rig.negotiated, V1 | F(MRG_RXBUF));
    CHECK_EQ(rig.hdr_len, NET_HDR_V1_LEN);
    CHECK_EQ(start(1, 0), 0);
    CHECK_EQ(rig.q[1].kick, KICK + 1);
    CHECK_EQ(rig.q[1].call, CALL + 1);
    CHECK_EQ(rig.q[1].base, 0);
    CHECK_EQ(start(0, TN_VQ_PACKED), 0);
    CHECK_EQ(rig.q[0].base, 0x80008000);
    finish();
}

TEST(queues_are_lent_from_start_to_stop)
{
    prepare();
    CHECK_EQ(realize(), 0);
    const struct tn_virtio_lent *t = class()->get_iface(rig.n, TN_VIRTIO_LENT_1);
    CHECK(t);
    negotiate(V1);
    CHECK_EQ(t->lent(rig.n, 1), 0);
    CHECK_EQ(start(1, 0), 0);
    CHECK_EQ(t->lent(rig.n, 1), 1);
    CHECK_EQ(t->lent(rig.n, 0), 0);
    CHECK_EQ(t->lent(rig.n, NQ - 1), 0);
    CHECK_EQ(t->lent(rig.n, ~0u), 0);
    CHECK_EQ(rig.ops->queue_stop(rig.n, 1), TN_PENDING);
    CHECK_EQ(t->lent(rig.n, 1), 0);
    rig.stop_fn(rig.stop_arg, 0, 0);
    CHECK_EQ(start(1, TN_VQ_RESTORE), 0);
    CHECK_EQ(t->lent(rig.n, 1), 1);
    rig.answers = 1;
    CHECK_EQ(rig.front->gone(rig.front_s), 0);
    CHECK_EQ(t->lent(rig.n, 1), 0);
    finish();
}

TEST(the_drivers_header_is_the_back_ends)
{
    prepare();
    CHECK_EQ(realize(), 0);
    negotiate(F(CSUM));
    CHECK_EQ(rig.hdr_len, NET_HDR_LEGACY_LEN);
    negotiate(V1 | F(GUEST_CSUM) | F(GUEST_TSO4));
    CHECK_EQ(rig.hdr_len, NET_HDR_V1_LEN);
    CHECK_EQ(rig.to_guest, TN_NET_CSUM | TN_NET_TSO4);
    finish();
}

TEST(a_stopped_queue_goes_on_where_it_was)
{
    prepare();
    CHECK_EQ(realize(), 0);
    negotiate(V1);
    CHECK_EQ(start(0, 0), 0);
    CHECK_EQ(rig.ops->queue_stop(rig.n, 0), TN_PENDING);
    rig.stop_fn(rig.stop_arg, 0, 77);
    CHECK_EQ(rig.stopped[0], 1);
    CHECK_EQ(rig.n->v.q[0].place.avail, 77);
    CHECK_EQ(rig.n->v.q[0].place.used, 77);
    CHECK_EQ(rig.ops->queue_stop(rig.n, 0), 0);
    CHECK_EQ(start(0, TN_VQ_RESTORE), 0);
    CHECK_EQ(rig.q[0].base, 77);
    CHECK_EQ(rig.ops->queue_stop(rig.n, 0), TN_PENDING);
    rig.stop_fn(rig.stop_arg, 0, 77);
    CHECK_EQ(start(0, TN_VQ_RESTORE | TN_VQ_PACKED), 0);
    CHECK_EQ(rig.q[0].base, 77 | 77 << 16);
    finish();
}

static uint32_t count_enabled(void)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < 2 * PAIRS; i++)
        n += rig.enabled[i];
    return n;
}

TEST(only_pairs_in_use_are_enabled)
{
    prepare();
    CHECK_EQ(realize(), 0);
    negotiate(V1 | F(CTRL_VQ) | F(MQ));
    CHECK_EQ(count_enabled(), 2); /* also without a start: packets must not go there */
    net_set_pairs(rig.n, 3);
    CHECK_EQ(count_enabled(), 6);
    CHECK(rig.enabled[5] && !rig.enabled[6]);
    negotiate(V1);
    CHECK_EQ(count_enabled(), 2);
    finish();
}

TEST(a_pulled_cable_disables_the_queues)
{
    prepare();
    CHECK_EQ(realize(), 0);
    negotiate(V1 | F(STATUS));
    rig.front->link(rig.front_s, 0);
    CHECK_EQ(count_enabled(), 0);
    CHECK_EQ(rig.config_changes, 1);
    rig.front->link(rig.front_s, 1);
    CHECK_EQ(count_enabled(), 2);
    finish();
}

TEST(a_back_end_that_comes_back_gets_its_queues_again)
{
    prepare();
    CHECK_EQ(realize(), 0);
    negotiate(V1);
    CHECK_EQ(start(0, 0), 0);
    CHECK_EQ(start(1, 0), 0);
    rig.events->event(rig.events_s, TN_VHOST_DOWN);
    CHECK_EQ(rig.n->status & NET_S_LINK_UP, 0);
    rig.events->event(rig.events_s, TN_VHOST_UP);
    CHECK_EQ(rig.q[0].n + rig.q[1].n, 4);
    CHECK(rig.q[0].vq.flags & TN_VQ_RESTORE);
    CHECK_EQ(rig.q[2].n, 0);
    CHECK_EQ(rig.n->status & NET_S_LINK_UP, NET_S_LINK_UP);
    finish();
}

/* netdev_del: what the driver has put into its rings and the back end has not taken is served here.
 */
TEST(a_back_end_that_goes_leaves_its_queues_to_the_device)
{
    prepare();
    CHECK_EQ(realize(), 0);
    negotiate(V1 | F(MRG_RXBUF));
    CHECK_EQ(start(0, 0), 0);
    CHECK_EQ(start(1, 0), 0);
    CHECK_EQ(start(2, 0), 0);
    CHECK_EQ(rig.ops->queue_stop(rig.n, 2), TN_PENDING); /* the driver resets it at that time */
    rig.answers = 3;
    CHECK_EQ(rig.front->gone(rig.front_s), 0);
    CHECK_EQ(rig.closed, 1);
    CHECK_EQ(rig.own[0].n + rig.own[1].n, 2);
    CHECK_EQ(rig.own[2].n, 0);
    CHECK(rig.own[0].vq.flags & TN_VQ_RESTORE);
    CHECK_EQ(rig.n->v.q[0].place.avail, 501);
    CHECK_EQ(rig.n->v.q[1].place.avail, 502);
    CHECK_EQ(rig.n->v.q[2].place.avail, 500);
    CHECK(rig.n->v.q[0].placed);
    CHECK_EQ(rig.stopped[2], 0);                 /* with the device's lock held it is not said, */
    CHECK_EQ(rig.n->v.q[2].state, VDEV_Q_ENDED); /* but by the bottom half that was kicked */
    CHECK_EQ(start(2, 0), 0);
    CHECK_EQ(rig.own[2].n, 1);
    finish();
    CHECK_EQ(rig.closed, 1);
}

TEST(without_eventfds_packets_go_through_the_device)
{
    prepare();
    rig.eventfds = 0;
    CHECK_EQ(realize(), 0);
    CHECK_EQ(rig.attached, 0);
    CHECK_EQ(rig.warnings, 1);
    CHECK(offered(0) & F(RSS));
    finish();
    CHECK_EQ(rig.closed, 0);
}

TEST(a_back_end_that_refuses_is_an_error)
{
    prepare();
    rig.open_result = -EBUSY;
    CHECK_EQ(realize(), -EBUSY);
    finish();
}

int main(void)
{
    RUN(rings_are_the_back_ends_and_the_rest_is_the_devices);
    RUN(mtu_is_the_back_ends_if_the_user_says_so);
    RUN(queues_start_with_the_transports_descriptors);
    RUN(queues_are_lent_from_start_to_stop);
    RUN(the_drivers_header_is_the_back_ends);
    RUN(a_stopped_queue_goes_on_where_it_was);
    RUN(only_pairs_in_use_are_enabled);
    RUN(a_pulled_cable_disables_the_queues);
    RUN(a_back_end_that_comes_back_gets_its_queues_again);
    RUN(a_back_end_that_goes_leaves_its_queues_to_the_device);
    RUN(without_eventfds_packets_go_through_the_device);
    RUN(a_back_end_that_refuses_is_an_error);
    return tap_done();
}
