/* SPDX-License-Identifier: BSD-2-Clause */
/* What virtio transports share, without a host: resets (VIRTIO 1.3, 2.4 and 2.6.1), quiesce and
 * resume. */
#include "vt_live.h"

/* ---- resets ---- */

TEST(reset_waits_for_queues_then_for_the_child)
{
    struct rig *r = live();
    uint32_t resets = r->resets;
    r->stop_later = r->reset_later = 1;
    vt_set_status(&r->vt, 0);
    CHECK_EQ(vt_status(&r->vt), RUNNING);
    CHECK_EQ(r->resets, resets);
    vt_set_status(&r->vt, 0); /* again: nothing more */
    vt_set_status(&r->vt, ACK);
    rig_stopped(r);
    CHECK_EQ(r->resets, resets + 1);
    CHECK_EQ(vt_status(&r->vt), RUNNING);
    rig_reset_done(r);
    CHECK_EQ(vt_status(&r->vt), 0);
    CHECK_EQ(r->vt.q[1].desc, 0);
    CHECK_EQ(r->stalls, 0);
    CHECK(!r->broken_promise);
}

TEST(a_legacy_reset_holds_the_cpu)
{
    struct rig *r = live();
    r->stop_later = 1;
    vt_set_status_legacy(&r->vt, 0);
    CHECK_EQ(r->stalls, 1);
    CHECK_EQ(r->unstalls, 0);
    rig_stopped(r);
    CHECK_EQ(r->unstalls, 1);
    CHECK_EQ(vt_status(&r->vt), 0);
    vt_set_status_legacy(&r->vt, 0); /* nothing runs: at once */
    CHECK_EQ(r->stalls, 1);
}

TEST(a_queue_reset_leaves_the_others_alone)
{
    struct rig *r = live();
    r->stop_later = 1;
    r->vt.queue_select = 1;
    vt_reset_queue(&r->vt, 1);
    CHECK_EQ(r->running, 5);
    CHECK_EQ(r->vt.q[1].resetting, 1);
    rig_stopped(r);
    CHECK_EQ(r->vt.q[1].resetting, 0);
    CHECK_EQ(r->vt.q[1].enabled, 0);
    CHECK_EQ(r->vt.q[1].size, 8);
    enable(r, 1);
    CHECK_EQ(r->running, 7);
    CHECK(!(r->last.flags & TN_VQ_RESTORE));
}

TEST(a_reset_overtakes_a_queue_reset)
{
    struct rig *r = live();
    r->stop_later = 1;
    r->vt.queue_select = 1;
    vt_reset_queue(&r->vt, 1);
    vt_set_status(&r->vt, 0);
    rig_stopped(r);
    CHECK_EQ(vt_status(&r->vt), 0);
    CHECK_EQ(r->vt.q[1].resetting, 0);
    CHECK(!r->broken_promise);
}

TEST(taking_a_queue_back_holds_the_cpu)
{
    struct rig *r = live();
    r->stop_later = 1;
    r->vt.queue_select = 2;
    vt_disable_queue(&r->vt);
    CHECK_EQ(r->stalls, 1);
    rig_stopped(r);
    CHECK_EQ(r->unstalls, 1);
    CHECK_EQ(r->vt.q[2].enabled, 0);
}

/* ---- quiesce and resume ---- */

TEST(quiesce_stops_and_resume_goes_on)
{
    struct rig *r = live();
    CHECK_EQ(vt_quiesce(&r->vt, TN_Q_SAVE, 0), 0);
    CHECK_EQ(r->running, 0);
    CHECK_EQ(vt_status(&r->vt), RUNNING);
    vt_resume(&r->vt);
    CHECK_EQ(r->running, 7);
    CHECK(r->last.flags & TN_VQ_RESTORE);
}

TEST(quiesce_may_take_time)
{
    struct rig *r = live();
    r->stop_later = 1;
    CHECK_EQ(vt_quiesce(&r->vt, TN_Q_SAVE, 0), TN_PENDING);
    CHECK_EQ(r->quiesced, 0);
    rig_stopped(r);
    CHECK_EQ(r->quiesced, 1);
    CHECK_EQ(r->running, 0);
    CHECK(!r->broken_promise);
}

TEST(quiesce_waits_for_a_reset_under_way)
{
    struct rig *r = live();
    r->stop_later = r->reset_later = 1;
    vt_set_status(&r->vt, 0);
    CHECK_EQ(vt_quiesce(&r->vt, TN_Q_SAVE, 0), TN_PENDING);
    rig_stopped(r);
    CHECK_EQ(r->quiesced, 0);
    rig_reset_done(r);
    CHECK_EQ(r->quiesced, 1);
    vt_resume(&r->vt);
    CHECK_EQ(r->running, 0);
}

TEST(quiesce_by_force_waits_for_nothing)
{
    struct rig *r = live();
    r->stop_later = 1;
    CHECK_EQ(vt_quiesce(&r->vt, TN_Q_SAVE, 0), TN_PENDING);
    CHECK_EQ(vt_quiesce(&r->vt, TN_Q_SAVE, TN_QF_FORCE), 0);
    rig_stopped(r);
    CHECK_EQ(r->quiesced, 0);
}

TEST(nothing_starts_while_at_rest)
{
    struct rig *r = rig();
    vt_quiesce(&r->vt, TN_Q_SAVE, 0);
    negotiate(r, ALL);
    enable(r, 0);
    vt_set_status(&r->vt, RUNNING);
    CHECK_EQ(r->starts, 0);
    vt_resume(&r->vt);
    CHECK_EQ(r->starts, 1);
    CHECK(!(r->last.flags & TN_VQ_RESTORE));
}

TEST(a_reset_from_outside)
{
    struct rig *r = live();
    vt_quiesce(&r->vt, TN_Q_RESET, 0);
    for (uint32_t phase = TN_RESET_ENTER; phase <= TN_RESET_EXIT; phase++)
        vt_reset(&r->vt, TN_RESET_COLD, phase);
    vt_resume(&r->vt);
    CHECK_EQ(vt_status(&r->vt), 0);
    CHECK_EQ(r->running, 0);
    CHECK(!r->broken_promise);
}

TEST(without_dma_queues_rest)
{
    struct rig *r = live();
    r->no_dma = 1;
    vt_dma_changed(&r->vt);
    CHECK_EQ(r->running, 0);
    r->no_dma = 0;
    vt_dma_changed(&r->vt);
    CHECK_EQ(r->running, 7);
    CHECK(r->last.flags & TN_VQ_RESTORE);
}

TEST(a_stop_that_was_overtaken_starts_again)
{
    struct rig *r = live();
    r->stop_later = r->no_dma = 1;
    vt_dma_changed(&r->vt);
    r->no_dma = 0;
    vt_dma_changed(&r->vt);
    CHECK_EQ(r->running, 0);
    rig_stopped(r);
    CHECK_EQ(r->running, 7);
    CHECK(!r->broken_promise);
}

int main(void)
{
    RUN(reset_waits_for_queues_then_for_the_child);
    RUN(a_legacy_reset_holds_the_cpu);
    RUN(a_queue_reset_leaves_the_others_alone);
    RUN(a_reset_overtakes_a_queue_reset);
    RUN(taking_a_queue_back_holds_the_cpu);
    RUN(quiesce_stops_and_resume_goes_on);
    RUN(quiesce_may_take_time);
    RUN(quiesce_waits_for_a_reset_under_way);
    RUN(quiesce_by_force_waits_for_nothing);
    RUN(nothing_starts_while_at_rest);
    RUN(a_reset_from_outside);
    RUN(without_dma_queues_rest);
    RUN(a_stop_that_was_overtaken_starts_again);
    rig_fini(rig());
    return tap_done();
}
