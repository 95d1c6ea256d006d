/* SPDX-License-Identifier: BSD-2-Clause */
/* virtio-blk: stops, resets, drains and what is kept over them. */
#include "tap.h"
#include "virtio_blk_driver.h"

/* ---- stops ---- */

TEST(a_stop_waits_for_the_drive)
{
    rig_up();
    send(BLK_T_IN, 0, 512);
    kick();
    CHECK_EQ(vops()->queue_stop(rig->s, 0), TN_PENDING);
    settle();
    CHECK_EQ(rig->cancels, 1);
    CHECK_EQ(rig->stopped, 0);
    end_io(0);
    settle();
    CHECK_EQ(rig->stopped, 1);
    CHECK_EQ(count_used(), 1);
    rig_down();
}

TEST(what_is_cancelled_by_a_stop_is_done_again)
{
    rig_up();
    struct sent a = send(BLK_T_IN, 0, 512), b = send(BLK_T_IN, 1, 512),
                c = send(BLK_T_OUT, 90, 512);
    kick();
    CHECK_EQ(rig->nio, 2);
    CHECK_EQ(vops()->queue_stop(rig->s, 0), TN_PENDING);
    settle();
    end_all(-ECANCELED);
    settle();
    CHECK_EQ(rig->stopped, 1);
    CHECK_EQ(count_used(), 0);
    the_class()->resume(rig->s);
    start_queue(TN_VQ_RESTORE);
    CHECK_EQ(rig->nio, 2);
    end_all(0);
    settle();
    CHECK_EQ(count_used(), 3);
    CHECK_EQ(status_of(&a) | status_of(&b) | status_of(&c), BLK_S_OK);
    rig_down();
}

TEST(what_waits_for_room_does_not_hold_up_a_stop)
{
    rig_up();
    rig->room = 1;
    send(BLK_T_IN, 0, 512);
    send(BLK_T_IN, 90, 512);
    kick();
    CHECK_EQ(vops()->queue_stop(rig->s, 0), TN_PENDING);
    settle();
    end_io(0);
    settle();
    CHECK_EQ(rig->stopped, 1);
    CHECK_EQ(rig->nio, 0);
    the_class()->resume(rig->s);
    start_queue(TN_VQ_RESTORE);
    CHECK_EQ(rig->nio, 1);
    end_io(0);
    settle();
    CHECK_EQ(count_used(), 2);
    rig_down();
}

TEST(a_reset_forgets_what_was_kept)
{
    rig_up();
    rig->on_error = 2;
    send(BLK_T_OUT, 5, 512);
    kick();
    end_io(-EIO);
    settle();
    CHECK_EQ(vops()->queue_stop(rig->s, 0), 0);
    CHECK_EQ(vops()->reset(rig->s), 0);
    memset(rig->ram, 0, DATA);
    rig->avail = rig->used = 0;
    start((uint64_t)1 << 32);
    the_class()->resume(rig->s);
    settle();
    CHECK_EQ(rig->nio, 0);
    send(BLK_T_IN, 5, 512);
    kick();
    CHECK_EQ(rig->nio, 1);
    end_all(0);
    settle();
    CHECK_EQ(count_used(), 1);
    rig_down();
}

TEST(a_queue_that_is_reset_alone_forgets_too)
{
    rig_up();
    rig->on_error = 2;
    send(BLK_T_OUT, 5, 512);
    kick();
    end_io(-EIO);
    settle();
    CHECK_EQ(vops()->queue_stop(rig->s, 0), 0);
    memset(rig->ram, 0, DATA);
    rig->avail = rig->used = 0;
    start_queue(0);
    the_class()->resume(rig->s);
    settle();
    CHECK_EQ(rig->nio, 0);
    CHECK(!rig->s->q[0].parked);
    rig_down();
}

TEST(memory_may_be_elsewhere_after_a_stop)
{
    rig_up();
    rig->on_error = 2;
    struct sent t = send(BLK_T_OUT, 5, 512);
    kick();
    end_io(-ENOSPC);
    settle();
    CHECK_EQ(vops()->queue_stop(rig->s, 0), 0);
    uint8_t *before = rig->ram;
    rig->ram = malloc(RAM);
    memcpy(rig->ram, before, RAM);
    free(before);
    rig->region.va = rig->ram;
    the_class()->resume(rig->s);
    start_queue(TN_VQ_RESTORE);
    CHECK_EQ(rig->nio, 1);
    CHECK(rig->io[0].v[0].base == rig->ram + t.data);
    end_io(0);
    CHECK_EQ(status_of(&t), BLK_S_OK);
    rig_down();
}

/* A second instance, in the memory of the first, goes on from what the first one saved. */
static void move_to_another(uint32_t vq_flags)
{
    struct rig *old = rig;
    nsaved = 0;
    CHECK_EQ(queue_table()->save(&old->s->q[0], NULL, NULL), 0);
    rig_new();
    CHECK_EQ(realize(), 0);
    memcpy(rig->ram, old->ram, RAM);
    rig->avail = old->avail;
    rig->used = old->used;
    uint64_t f[2] = {old->features, 0};
    vops()->negotiated(rig->s, f, 2, vq_flags);
    CHECK_EQ(queue_table()->load(&rig->s->q[0], NULL, NULL), 0);
    the_class()->resume(rig->s);
    start_queue(TN_VQ_RESTORE | vq_flags);
    struct rig *now = rig;
    rig = old;
    rig_down();
    rig = now;
}

TEST(what_is_kept_goes_to_another_process)
{
    rig_up();
    rig->on_error = 2;
    struct sent a = send(BLK_T_OUT, 5, 512), b = send(BLK_T_IN, 50, 512),
                c = send(BLK_T_OUT, 90, 512);
    kick();
    CHECK_EQ(rig->nio, 3);
    end_io(-ENOSPC);
    end_io(0); /* the one behind it is used before it */
    end_io(-ENOSPC);
    settle();
    CHECK_EQ(count_used(), 1);
    CHECK_EQ(vops()->queue_stop(rig->s, 0), 0);
    move_to_another(0);
    CHECK_EQ(rig->nio, 2);
    CHECK_EQ(rig->io[0].op, TN_BLK_WRITE);
    CHECK_EQ(rig->io[0].off, 5 * 512);
    CHECK(rig->io[0].v[0].base == rig->ram + a.data);
    end_all(0);
    settle();
    CHECK_EQ(count_used(), 2);
    CHECK_EQ(status_of(&a) | status_of(&b) | status_of(&c), BLK_S_OK);
    send(BLK_T_IN, 1, 512);
    kick();
    CHECK_EQ(rig->nio, 1);
    end_all(0);
    rig_down();
}

TEST(in_order_it_is_taken_from_the_ring_again)
{
    rig_new();
    CHECK_EQ(realize(), 0);
    uint64_t f[2] = {(uint64_t)1 << 32, 0};
    vops()->negotiated(rig->s, f, 2, TN_VQ_IN_ORDER);
    rig->next_data = DATA;
    start_queue(TN_VQ_IN_ORDER);
    rig->on_error = 2;
    send(BLK_T_OUT, 5, 512);
    send(BLK_T_IN, 50, 512);
    kick();
    end_io(-ENOSPC);
    end_io(0);
    settle();
    CHECK_EQ(count_used(), 0);
    CHECK_EQ(vops()->queue_stop(rig->s, 0), 0);
    move_to_another(TN_VQ_IN_ORDER);
    CHECK_EQ(rig->nio, 2);
    end_all(0);
    settle();
    CHECK_EQ(get_le16(rig->ram + USED + 2), 2);
    rig_down();
}

TEST(a_saved_request_that_cannot_be_breaks_the_device)
{
    rig_up();
    rig->on_error = 2;
    send(BLK_T_OUT, 5, 512);
    kick();
    end_io(-EIO);
    settle();
    CHECK_EQ(vops()->queue_stop(rig->s, 0), 0);
    nsaved = 0;
    CHECK_EQ(queue_table()->save(&rig->s->q[0], NULL, NULL), 0);
    struct saved_item *kept = saved_as("kept");
    CHECK(kept);
    kept->data[1] = 1000; /* more pieces than there are */
    CHECK(queue_table()->load(&rig->s->q[0], NULL, NULL) < 0);
    kept->data[1] = 2 | 1ull << 32;
    kept->data[2] = 1ull << 40; /* no memory there */
    CHECK_EQ(queue_table()->load(&rig->s->q[0], NULL, NULL), 0);
    the_class()->resume(rig->s);
    start_queue(TN_VQ_RESTORE);
    CHECK(rig->broken != NULL);
    rig_down();
}

TEST(a_drained_drive_is_given_nothing)
{
    rig_up();
    rig->drive_ops->drain_begin(rig->s);
    send(BLK_T_IN, 5, 512);
    kick();
    CHECK_EQ(rig->nio, 0);
    rig->drive_ops->drain_begin(rig->s);
    rig->drive_ops->drain_end(rig->s);
    settle();
    CHECK_EQ(rig->nio, 0);
    rig->drive_ops->drain_end(rig->s);
    settle();
    CHECK_EQ(rig->nio, 1);
    end_all(0);
    rig_down();
}

TEST(a_drained_drive_is_not_given_the_next_segment)
{
    rig_up();
    struct sent t = discard_twice();
    rig->drive_ops->drain_begin(rig->s);
    end_io(0);
    settle();
    CHECK_EQ(rig->nio, 0);
    rig->drive_ops->drain_end(rig->s);
    settle();
    CHECK_EQ(rig->nio, 1);
    end_io(0);
    settle();
    CHECK_EQ(status_of(&t), BLK_S_OK);
    rig_down();
}

TEST(a_request_without_a_status_breaks_the_device)
{
    rig_up();
    put_desc(0, DATA, 16, 0);
    offer(0);
    kick();
    CHECK(rig->broken != NULL);
    CHECK_EQ(vops()->queue_stop(rig->s, 0), 0);
    rig_down();
}

int main(void)
{
    RUN(a_stop_waits_for_the_drive);
    RUN(what_is_cancelled_by_a_stop_is_done_again);
    RUN(what_waits_for_room_does_not_hold_up_a_stop);
    RUN(a_reset_forgets_what_was_kept);
    RUN(a_queue_that_is_reset_alone_forgets_too);
    RUN(memory_may_be_elsewhere_after_a_stop);
    RUN(what_is_kept_goes_to_another_process);
    RUN(in_order_it_is_taken_from_the_ring_again);
    RUN(a_saved_request_that_cannot_be_breaks_the_device);
    RUN(a_drained_drive_is_given_nothing);
    RUN(a_drained_drive_is_not_given_the_next_segment);
    RUN(a_request_without_a_status_breaks_the_device);
    return tap_done();
}
