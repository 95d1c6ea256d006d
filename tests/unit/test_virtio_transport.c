/* SPDX-License-Identifier: BSD-2-Clause */
/* What virtio transports share, without a host: VIRTIO 1.3 chapters 2 and 3, and the promises of
 * tenon/virtio.h to a device. */
#include "vt_live.h"

/* ---- 2.2, 3.1 ---- */

TEST(features_are_offered_to_each_interface)
{
    struct rig *r = rig();
    uint64_t modern = vt_device_features(&r->vt, 0) | (uint64_t)vt_device_features(&r->vt, 1) << 32;
    CHECK_EQ(modern, 0xff | VIRTIO_BIT(28) | VIRTIO_BIT(29) | VIRTIO_BIT(32) | VIRTIO_BIT(40));
    CHECK_EQ(vt_device_features(&r->vt, 2), 1);
    CHECK_EQ(vt_device_features(&r->vt, 4), 0);
    CHECK_EQ(vt_device_features_legacy(&r->vt), 0xff | 0x30000000 | VIRTIO_LEGACY_BITS);
}

TEST(a_child_cannot_offer_ring_features_that_the_user_forbade)
{
    struct rig *r = rig();
    r->offers[0] = ~(uint64_t)0;
    vt_bus_type.plugged(&r->vt, &r->slot, NULL);
    CHECK(!(r->vt.offered[0] & VIRTIO_BIT(VIRTIO_F_RING_PACKED)));
    CHECK(r->vt.offered[0] & VIRTIO_BIT(50));
}

TEST(features_ok_is_refused)
{
    struct rig *r = rig();
    negotiate(r, 0xf);
    CHECK_EQ(vt_status(&r->vt), DRIVER);
    negotiate(r, VIRTIO_BIT(32) | 0x100);
    CHECK_EQ(vt_status(&r->vt), DRIVER);
    r->refuses = 1;
    negotiate(r, ALL);
    CHECK_EQ(vt_status(&r->vt), DRIVER);
    CHECK_EQ(vt_port.features(&r->slot, 0), 0);
    r->refuses = 0;
    negotiate(r, ALL);
    CHECK_EQ(vt_status(&r->vt), FEATS);
    CHECK_EQ(vt_port.features(&r->slot, 0), ALL);
    CHECK_EQ(r->features, ALL);
}

TEST(platform_access_must_be_accepted_where_it_is_offered)
{
    struct rig *r = rig();
    r->vt.offered[0] |= VIRTIO_BIT(VIRTIO_F_ACCESS_PLATFORM);
    negotiate(r, ALL);
    CHECK_EQ(vt_status(&r->vt), DRIVER);
    negotiate(r, ALL | VIRTIO_BIT(VIRTIO_F_ACCESS_PLATFORM));
    CHECK_EQ(vt_status(&r->vt), FEATS);
    CHECK(r->vq_flags & TN_VQ_TRANSLATED);
}

TEST(status_bits_are_not_taken_back)
{
    struct rig *r = live();
    vt_set_status(&r->vt, ACK);
    CHECK_EQ(vt_status(&r->vt), RUNNING);
    vt_set_status(&r->vt, RUNNING | VIRTIO_CONFIG_S_NEEDS_RESET);
    CHECK_EQ(vt_status(&r->vt), RUNNING);
    CHECK(r->errors);
}

/* ---- queues ---- */

TEST(queues_start_at_driver_ok_from_their_registers)
{
    struct rig *r = rig();
    negotiate(r, ALL);
    enable(r, 1);
    CHECK_EQ(r->starts, 0);
    vt_set_status(&r->vt, RUNNING);
    CHECK_EQ(r->starts, 1);
    CHECK_EQ(r->last.index, 1);
    CHECK_EQ(r->last.size, 8);
    CHECK_EQ(r->last.desc, 0x2000);
    CHECK_EQ(r->last.flags, 0);
    enable(r, 2);
    CHECK_EQ(r->starts, 2);
}

TEST(a_queue_that_cannot_start_breaks_the_device)
{
    struct rig *r = rig();
    negotiate(r, ALL);
    enable(r, 0);
    r->start_fails = 1;
    vt_set_status(&r->vt, RUNNING);
    CHECK(vt_status(&r->vt) & VIRTIO_CONFIG_S_NEEDS_RESET);
    CHECK_EQ(r->config_interrupts, 1);
    r->start_fails = 0;
    vt_resume(&r->vt);
    CHECK_EQ(r->starts, 0);
}

TEST(notifications_reach_running_queues_only)
{
    struct rig *r = live();
    uint64_t n;
    vt_notify(&r->vt, 1, 0);
    vt_notify(&r->vt, RIG_QUEUES, 0);
    CHECK_EQ(r->kicks[1], 1);
    vt_notify(&r->vt, 0, 0); /* by its descriptor */
    CHECK_EQ(read(r->vt.q[0].kick_fd, &n, sizeof n), sizeof n);
    CHECK_EQ(r->kicks[0], 0);
    CHECK_EQ(r->doors, 1);
    vt_set_status(&r->vt, 0);
    vt_notify(&r->vt, 1, 0);
    CHECK_EQ(r->kicks[1], 1);
    CHECK_EQ(r->doors, 0);
}

TEST(a_notification_with_data_is_never_a_descriptor)
{
    struct rig *r = rig();
    r->vt.offered[0] |= VIRTIO_BIT(VIRTIO_F_NOTIFICATION_DATA);
    negotiate(r, ALL | VIRTIO_BIT(VIRTIO_F_NOTIFICATION_DATA));
    enable(r, 0);
    vt_set_status(&r->vt, RUNNING);
    vt_notify(&r->vt, 0, 0x8005);
    CHECK_EQ(r->kicks[0], 1);
    CHECK_EQ(r->kick_data, 0x8005);
    CHECK_EQ(r->doors, 0);
}

TEST(descriptors_outlive_a_reset)
{
    struct rig *r = live();
    int kick = r->vt.q[0].kick_fd, call = vt_port.call_fd(&r->slot, 2);
    vt_set_status(&r->vt, 0);
    negotiate(r, ALL);
    CHECK_EQ(vt_port.kick_fd(&r->slot, 0), kick);
    CHECK_EQ(vt_port.call_fd(&r->slot, 2), call);
    CHECK_EQ(vt_port.kick_fd(&r->slot, RIG_QUEUES), -EINVAL);
}

/* ---- configuration ---- */

TEST(configuration_is_bounded)
{
    struct rig *r = live();
    memcpy(r->config, "0123456789abcdef", RIG_CONFIG);
    CHECK_EQ(vt_config_read(&r->vt, 0, 4), 0x33323130);
    CHECK_EQ(vt_config_read(&r->vt, 15, 1), 'f');
    CHECK_EQ(vt_config_read(&r->vt, 14, 4), 0xffffffff);
    CHECK_EQ(vt_config_read(&r->vt, ~(uint64_t)0, 2), 0xffff);
    vt_config_write(&r->vt, 14, 0, 4);
    vt_config_write(&r->vt, 2, 0x4141, 2);
    CHECK_EQ(memcmp(r->config, "01AA456789abcdef", RIG_CONFIG), 0);
    CHECK(!r->broken_promise);
}

TEST(a_change_moves_the_generation_and_notifies_from_driver_ok_on)
{
    struct rig *r = rig();
    vt_port.config_changed(&r->slot);
    CHECK_EQ(vt_generation(&r->vt), 1);
    CHECK_EQ(r->config_interrupts, 0);
    r = live();
    vt_port.config_changed(&r->slot);
    CHECK_EQ(r->config_interrupts, 1);
}

TEST(a_broken_device_stays_broken_until_reset)
{
    struct rig *r = live();
    vt_port.broken(&r->slot, "on purpose");
    CHECK(vt_status(&r->vt) & VIRTIO_CONFIG_S_NEEDS_RESET);
    CHECK_EQ(r->config_interrupts, 1);
    vt_set_status(&r->vt, 0);
    CHECK_EQ(vt_status(&r->vt), 0);
}

/* ---- legacy ---- */

TEST(a_legacy_driver_needs_no_features_ok)
{
    struct rig *r = rig();
    vt_set_status_legacy(&r->vt, DRIVER);
    vt_set_driver_features_legacy(&r->vt, 0xffffffff);
    r->vt.queue_select = 1;
    vt_set_queue_ring(&r->vt, 0x10000, 4096);
    CHECK_EQ(r->vt.q[1].driver, 0x10000 + 16 * 8);
    CHECK_EQ(r->vt.q[1].device, 0x11000);
    vt_set_status_legacy(&r->vt, DRIVER | VIRTIO_CONFIG_S_DRIVER_OK);
    CHECK_EQ(r->starts, 1);
    CHECK(r->last.flags & TN_VQ_LEGACY);
    CHECK_EQ(r->features, vt_device_features_legacy(&r->vt));
}

TEST(a_legacy_driver_may_notify_early)
{
    struct rig *r = rig();
    vt_set_status_legacy(&r->vt, DRIVER);
    vt_notify_legacy(&r->vt, 1);
    CHECK_EQ(r->starts, 0);
    r->vt.queue_select = 1;
    vt_set_queue_ring(&r->vt, 0x10000, 4096);
    vt_notify_legacy(&r->vt, 1);
    CHECK_EQ(r->starts, 1);
    CHECK_EQ(r->kicks[1], 1);
    vt_set_status_legacy(&r->vt, DRIVER | VIRTIO_CONFIG_S_DRIVER_OK);
    CHECK_EQ(r->starts, 1);
    CHECK_EQ(r->negotiations, 1);
}

/* ---- shared memory, setup ---- */

TEST(setup_is_checked)
{
    struct rig *r = rig();
    struct tn_virtio_setup u = {.struct_size = sizeof u, .nqueues = 1};
    CHECK_EQ(vt_port.setup(&r->slot, &u, NULL), -EBUSY);
    CHECK_EQ(vt_port.shm(&r->slot, 1, 0x1000, NULL), -ENOTSUP);
    CHECK_EQ(vt_port.doorbell(&r->slot, 0, -1, 0, 0), -ENOTSUP);
}

/* ---- state ---- */

TEST(a_loaded_device_negotiates_again_and_goes_on)
{
    struct rig *r = rig();
    vt_quiesce(&r->vt, TN_Q_SAVE, 0);
    r->vt.status = RUNNING;
    r->vt.agreed[0] = ALL;
    r->vt.q[0].enabled = 1;
    CHECK_EQ(vt_state.post_load(&r->vt, 1, NULL), 0);
    CHECK_EQ(r->features, ALL);
    vt_resume(&r->vt);
    CHECK_EQ(r->starts, 1);
    CHECK(r->last.flags & TN_VQ_RESTORE);
}

TEST(a_state_that_makes_no_sense_is_refused)
{
    struct rig *r = rig();
    r->vt.agreed[0] = VIRTIO_BIT(60);
    CHECK_EQ(vt_state.post_load(&r->vt, 1, NULL), -EINVAL);
    r->vt.agreed[0] = 0;
    r->vt.q[1].size = 9;
    CHECK_EQ(vt_state.post_load(&r->vt, 1, NULL), -EINVAL);
    r->vt.q[1].size = 8;
    r->vt.status = 0x100;
    CHECK_EQ(vt_state.post_load(&r->vt, 1, NULL), -EINVAL);
}

int main(void)
{
    RUN(features_are_offered_to_each_interface);
    RUN(a_child_cannot_offer_ring_features_that_the_user_forbade);
    RUN(features_ok_is_refused);
    RUN(platform_access_must_be_accepted_where_it_is_offered);
    RUN(status_bits_are_not_taken_back);
    RUN(queues_start_at_driver_ok_from_their_registers);
    RUN(a_queue_that_cannot_start_breaks_the_device);
    RUN(notifications_reach_running_queues_only);
    RUN(a_notification_with_data_is_never_a_descriptor);
    RUN(descriptors_outlive_a_reset);
    RUN(configuration_is_bounded);
    RUN(a_change_moves_the_generation_and_notifies_from_driver_ok_on);
    RUN(a_broken_device_stays_broken_until_reset);
    RUN(a_legacy_driver_needs_no_features_ok);
    RUN(a_legacy_driver_may_notify_early);
    RUN(setup_is_checked);
    RUN(a_loaded_device_negotiates_again_and_goes_on);
    RUN(a_state_that_makes_no_sense_is_refused);
    rig_fini(rig());
    return tap_done();
}
