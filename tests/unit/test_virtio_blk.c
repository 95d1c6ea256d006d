/* SPDX-License-Identifier: BSD-2-Clause */
/* From the ring to the drive and back: batches, merging, errors, stops, without a machine. */
#include "tap.h"
#include "virtio_blk_rig.h"

/* ---- one request ---- */

TEST(a_read_goes_to_the_drive_as_it_is)
{
    rig_up();
    struct sent t = send(BLK_T_IN, 8, 1024);
    uint16_t id;
    kick();
    CHECK_EQ(rig->nio, 1);
    CHECK_EQ(rig->io[0].op, TN_BLK_READ);
    CHECK_EQ(rig->io[0].off, 4096);
    CHECK_EQ(rig->io[0].len, 1024);
    CHECK_EQ(rig->io[0].n, 1);
    CHECK(rig->io[0].v[0].base == rig->ram + t.data); /* not copied */
    CHECK_EQ(status_of(&t), 0xff);
    end_io(0);
    CHECK_EQ(status_of(&t), BLK_S_OK);
    CHECK_EQ(rig->notifies, 0);
    settle();
    CHECK_EQ(next_used(&id), 1025);
    CHECK_EQ(id, t.head);
    CHECK_EQ(rig->notifies, 1);
    rig_down();
}

TEST(a_write_with_a_cache_is_not_fua)
{
    rig_up();
    send(BLK_T_OUT, 1, 512);
    kick();
    CHECK_EQ(rig->io[0].op, TN_BLK_WRITE);
    CHECK_EQ(rig->io[0].flags, 0);
    CHECK_EQ(rig->cache, 1);
    end_all(0);
    rig_down();
}

TEST(without_flush_every_write_is_stable)
{
    /* 5.2.6.2, case 1 */
    rig_new();
    rig->cache_can = -ENOTSUP;
    CHECK_EQ(realize(), 0);
    start((uint64_t)1 << 32);
    CHECK_EQ(rig->cache, 0);
    send(BLK_T_OUT, 1, 512);
    send(BLK_T_IN, 1, 512);
    kick();
    CHECK_EQ(rig->io[0].flags, TN_BLKR_FUA);
    CHECK_EQ(rig->io[1].flags, 0);
    end_all(0);
    rig_down();
}

TEST(the_id_is_the_serial_without_more)
{
    rig_new();
    rig->s->p.serial = "0123456789abcdefghijklmn";
    CHECK_EQ(realize(), 0);
    start((uint64_t)1 << 32);
    struct sent t = send(BLK_T_GET_ID, 0, 20);
    rig->ram[t.data + 20] = 0x77;
    uint16_t id;
    kick();
    CHECK_EQ(next_used(&id), 21);
    CHECK(memcmp(rig->ram + t.data, "0123456789abcdefghij", 20) == 0);
    CHECK_EQ(rig->ram[t.data + 20], 0x77);
    rig_down();
}

TEST(ranges_go_one_by_one)
{
    rig_up();
    struct sent t = send(BLK_T_WRITE_ZEROES, 0, 48);
    uint8_t *p = rig->ram + t.data;
    put_le64(p, 1);
    put_le32(p + 8, 2);
    put_le32(p + 12, 1);
    put_le64(p + 16, 50); /* of no sectors: skipped */
    put_le64(p + 32, 100);
    put_le32(p + 40, 8);
    kick();
    CHECK_EQ(rig->nio, 1);
    CHECK_EQ(rig->io[0].op, TN_BLK_WRITE_ZEROES);
    CHECK_EQ(rig->io[0].flags, TN_BLKR_UNMAP);
    CHECK_EQ(rig->io[0].off, 512);
    CHECK_EQ(rig->io[0].len, 1024);
    end_io(0);
    CHECK_EQ(rig->nio, 1);
    CHECK_EQ(rig->io[0].flags, 0);
    CHECK_EQ(rig->io[0].off, 51200);
    CHECK_EQ(status_of(&t), 0xff);
    put_le64(p, ~0ull); /* done already: not read again */
    end_io(0);
    settle();
    CHECK_EQ(status_of(&t), BLK_S_OK);
    CHECK_EQ(count_used(), 1);
    rig_down();
}

TEST(a_range_changed_meanwhile_does_not_leave_the_disk)
{
    rig_up();
    struct sent t = send(BLK_T_DISCARD, 0, 32);
    uint8_t *p = rig->ram + t.data;
    put_le32(p + 8, 2);
    put_le64(p + 16, 100);
    put_le32(p + 24, 8);
    kick();
    put_le64(p + 16, 1 << 30);
    end_io(0);
    settle();
    CHECK_EQ(rig->nio, 0);
    CHECK_EQ(status_of(&t), BLK_S_IOERR);
    rig_down();
}

/* ---- batches ---- */

TEST(neighbours_become_one)
{
    rig_up();
    struct sent t[4];
    static const uint64_t at[] = {16, 8, 24, 100};
    for (int i = 0; i < 4; i++)
        t[i] = send(BLK_T_OUT, at[i], 4096);
    kick();
    CHECK_EQ(rig->nio, 2);
    CHECK_EQ(rig->io[0].off, 4096);
    CHECK_EQ(rig->io[0].len, 3 * 4096);
    CHECK_EQ(rig->io[0].n, 3);
    CHECK(rig->io[0].v[0].base == rig->ram + t[1].data);
    CHECK(rig->io[0].v[1].base == rig->ram + t[0].data);
    CHECK_EQ(rig->io[1].off, 51200);
    CHECK_EQ(rig->flushes, 2); /* one at the start, one for all of these */
    end_all(0);
    settle();
    for (int i = 0; i < 4; i++)
        CHECK_EQ(status_of(&t[i]), BLK_S_OK);
    CHECK_EQ(count_used(), 4);
    CHECK_EQ(rig->notifies, 1); /* completed in one turn of the loop */
    rig_down();
}

TEST(merging_can_be_switched_off)
{
    rig_new();
    rig->s->p.merging = 0;
    CHECK_EQ(realize(), 0);
    start((uint64_t)1 << 32);
    for (int i = 0; i < 4; i++)
        send(BLK_T_IN, 8 * (uint64_t)i, 4096);
    kick();
    CHECK_EQ(rig->nio, 4);
    end_all(0);
    rig_down();
}

TEST(merging_keeps_to_what_the_drive_takes)
{
    rig_new();
    rig->info.max_transfer = 8192;
    rig->info.max_iov = 100;
    CHECK_EQ(realize(), 0);
    start((uint64_t)1 << 32);
    for (int i = 0; i < 5; i++)
        send(BLK_T_IN, 8 * (uint64_t)i, 4096);
    kick();
    CHECK_EQ(rig->nio, 3);
    CHECK_EQ(rig->io[0].len, 8192);
    CHECK_EQ(rig->io[2].len, 4096);
    end_all(0);
    rig_down();
}

TEST(reads_and_writes_do_not_mix)
{
    rig_up();
    send(BLK_T_IN, 0, 512);
    send(BLK_T_OUT, 1, 512);
    send(BLK_T_IN, 2, 512);
    kick();
    CHECK_EQ(rig->nio, 3);
    end_all(0);
    rig_down();
}

TEST(of_merged_ones_that_fail_each_is_tried_alone)
{
    rig_up();
    struct sent a = send(BLK_T_IN, 0, 512), b = send(BLK_T_IN, 1, 512);
    kick();
    CHECK_EQ(rig->nio, 1);
    end_io(-EIO);
    CHECK_EQ(rig->nio, 2);
    end_io(0);
    end_io(-EIO);
    settle();
    CHECK_EQ(status_of(&a), BLK_S_OK);
    CHECK_EQ(status_of(&b), BLK_S_IOERR);
    rig_down();
}

TEST(a_full_drive_is_waited_for)
{
    rig_up();
    rig->room = 2;
    struct sent t[6];
    for (int i = 0; i < 6; i++)
        t[i] = send(BLK_T_OUT, 100 * (uint64_t)i, 512);
    kick();
    CHECK_EQ(rig->nio, 2);
    for (int i = 0; i < 6; i++) {
        CHECK(rig->nio);
        end_io(0);
        settle();
    }
    for (int i = 0; i < 6; i++)
        CHECK_EQ(status_of(&t[i]), BLK_S_OK);
    CHECK_EQ(count_used(), 6);
    rig_down();
}

TEST(a_full_drive_takes_merged_ones_one_by_one)
{
    rig_up();
    rig->room = 1;
    send(BLK_T_IN, 100, 512);
    send(BLK_T_OUT, 0, 512);
    send(BLK_T_OUT, 1, 512);
    kick();
    CHECK_EQ(rig->nio, 1);
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(rig->nio, 1);
        end_io(0);
        settle();
    }
    CHECK_EQ(count_used(), 3);
    rig_down();
}

TEST(kicks_are_off_while_the_ring_is_read)
{
    rig_up();
    send(BLK_T_IN, 0, 512);
    kick();
    CHECK_EQ(get_le16(rig->ram + USED), 0); /* asked for again at the end */
    end_all(0);
    rig_down();
}

/* ---- errors ---- */

TEST(errors_are_reported_as_the_policy_says)
{
    rig_up();
    rig->s->p.werror = TN_BLKE_REPORT;
    rig->s->p.rerror = TN_BLKE_IGNORE;
    struct sent w = send(BLK_T_OUT, 0, 512);
    kick();
    end_io(-EIO);
    CHECK_EQ(rig->policy_seen, TN_BLKE_REPORT);
    CHECK_EQ(status_of(&w), BLK_S_IOERR);
    rig->on_error = 1;
    struct sent r = send(BLK_T_IN, 0, 512);
    kick();
    end_io(-EIO);
    CHECK_EQ(rig->policy_seen, TN_BLKE_IGNORE);
    CHECK_EQ(status_of(&r), BLK_S_OK);
    rig_down();
}

TEST(a_range_that_the_drive_cannot_do_is_unsupported)
{
    rig_up();
    struct sent t = send(BLK_T_DISCARD, 0, 16);
    put_le32(rig->ram + t.data + 8, 1);
    kick();
    end_io(-ENOTSUP);
    CHECK_EQ(status_of(&t), BLK_S_UNSUPP);
    rig_down();
}

TEST(werror_stop_keeps_the_request_until_the_machine_runs)
{
    rig_up();
    rig->on_error = 2;
    struct sent t = send(BLK_T_OUT, 5, 512);
    kick();
    end_io(-ENOSPC);
    settle();
    CHECK_EQ(count_used(), 0);
    CHECK_EQ(vops()->queue_stop(rig->s, 0), 0); /* the stop does not wait for it */
    rig->on_error = 0;
    the_class()->resume(rig->s);
    start_queue(TN_VQ_RESTORE);
    CHECK_EQ(rig->nio, 1);
    CHECK_EQ(rig->io[0].off, 5 * 512);
    CHECK(rig->io[0].v[0].base == rig->ram + t.data);
    end_io(0);
    settle();
    CHECK_EQ(count_used(), 1);
    CHECK_EQ(status_of(&t), BLK_S_OK);
    rig_down();
}

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
    struct sent t = send(BLK_T_DISCARD, 0, 32);
    uint8_t *p = rig->ram + t.data;
    put_le32(p + 8, 2);
    put_le64(p + 16, 100);
    put_le32(p + 24, 8);
    kick();
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

/* ---- what it says of itself ---- */

static uint64_t config(uint32_t off, uint32_t len)
{
    uint64_t v = 0;
    vops()->config_read(rig->s, off, &v, len);
    return v;
}

TEST(the_configuration_is_that_of_the_disk)
{
    rig_new();
    rig->info.physical = 4096;
    rig->s->p.min_io = 8192;
    CHECK_EQ(realize(), 0);
    CHECK_EQ(config(BLK_CFG_CAPACITY, 8), 2048);
    CHECK_EQ(config(BLK_CFG_SEG_MAX, 4), 254);
    CHECK_EQ(config(BLK_CFG_BLK_SIZE, 4), 512);
    CHECK_EQ(config(BLK_CFG_PHYSICAL_BLOCK_EXP, 1), 3);
    CHECK_EQ(config(BLK_CFG_MIN_IO_SIZE, 2), 16);
    CHECK_EQ(config(BLK_CFG_HEADS, 1), 16);
    CHECK_EQ(config(BLK_CFG_SECTORS, 1), 63);
    CHECK_EQ(config(BLK_CFG_WRITEBACK, 1), 1);
    CHECK_EQ(config(BLK_CFG_NUM_QUEUES, 2), 2);
    CHECK_EQ(config(BLK_CFG_MAX_DISCARD_SECTORS, 4), 4194303);
    CHECK_EQ(config(BLK_CFG_WRITE_ZEROES_MAY_UNMAP, 1), 1);
    CHECK_EQ(config(BLK_CFG_WRITE_ZEROES_MAY_UNMAP + 1, 3), 0); /* unused1 */
    rig_down();
}

TEST(another_size_is_a_configuration_change)
{
    rig_up();
    rig->info.size = 3 << 20;
    rig->drive_ops->resized(rig->s);
    CHECK_EQ(rig->config_changes, 1);
    CHECK_EQ(config(BLK_CFG_CAPACITY, 8), 6144);
    rig->drive_ops->resized(rig->s);
    CHECK_EQ(rig->config_changes, 1);
    send(BLK_T_IN, 6143, 512);
    kick();
    CHECK_EQ(rig->nio, 1);
    end_all(0);
    rig_down();
}

TEST(writeback_is_the_drivers_with_config_wce)
{
    rig_new();
    CHECK_EQ(realize(), 0);
    start((uint64_t)1 << 32 | 1u << BLK_F_FLUSH | 1u << BLK_F_CONFIG_WCE);
    uint8_t off = 0, on = 1;
    vops()->config_write(rig->s, BLK_CFG_WRITEBACK, &off, 1);
    CHECK_EQ(rig->cache, 0);
    CHECK_EQ(config(BLK_CFG_WRITEBACK, 1), 0);
    vops()->config_write(rig->s, BLK_CFG_WRITEBACK, &on, 1);
    CHECK_EQ(rig->cache, 1);
    vops()->config_write(rig->s, BLK_CFG_CAPACITY, &on, 1);
    CHECK_EQ(config(BLK_CFG_CAPACITY, 8), 2048);
    rig_down();
    rig_up(); /* without CONFIG_WCE it cannot be written */
    vops()->config_write(rig->s, BLK_CFG_WRITEBACK, &off, 1);
    CHECK_EQ(rig->cache, 1);
    rig_down();
    rig_new(); /* 5.2.5.2: CONFIG_WCE without FLUSH begins with 0 */
    CHECK_EQ(realize(), 0);
    start((uint64_t)1 << 32 | 1u << BLK_F_CONFIG_WCE);
    CHECK_EQ(config(BLK_CFG_WRITEBACK, 1), 0);
    rig_down();
}

static void refuse(const char *why)
{
    int r = realize();
    bool right = r < 0 && strstr(rig->error, why);
    if (!right)
        printf("# %d, %s\n", r, rig->error);
    rig_free();
    CHECK(right);
}

TEST(properties_that_do_not_fit_are_refused)
{
    rig_new();
    rig->s->p.num_queues = 0;
    refuse("num-queues property must be larger than 0");
    rig_new();
    rig->s->p.queue_size = 100;
    refuse("invalid queue-size property (100), must be a power of 2");
    rig_new();
    rig->s->p.queue_size = 2;
    refuse("must be > 2");
    rig_new();
    rig->s->p.logical = 4096;
    rig->s->p.physical = 512;
    refuse("logical_block_size > physical_block_size not supported");
    rig_new();
    rig->s->p.logical = 513;
    refuse("power of 2");
    rig_new();
    rig->s->p.min_io = 100;
    refuse("min_io_size must be a multiple");
    rig_new();
    rig->s->p.max_discard = 0;
    refuse("invalid max-discard-sectors property (0)");
    rig_new();
    rig->s->p.heads = 16;
    refuse("cyls must be between 1 and 65535");
    rig_new();
    rig->info.flags = 0;
    refuse("Device needs media, but drive is empty");
}

/* Rows as the host stores them. */
static struct blk_vq_map rows[3];
static uint16_t vqs[3][4];

static void map(uint32_t n)
{
    rig_new();
    for (uint32_t i = 0; i < n; i++)
        rows[i] = (struct blk_vq_map){.ctx = (struct tn_ctx *)(void *)&vqs[i]};
    rig->s->p.vq_map = (struct tn_list){rows, n, sizeof rows[0]};
    rig->s->p.num_queues = 4;
}

static void name_vqs(uint32_t row, uint32_t n, uint16_t a, uint16_t b)
{
    vqs[row][0] = a;
    vqs[row][1] = b;
    rows[row].vqs = (struct tn_list){vqs[row], n, sizeof vqs[0][0]};
}

TEST(queues_are_spread_over_iothreads)
{
    map(2);
    CHECK_EQ(realize(), 0);
    CHECK(rig->s->v.q[0].ctx == rows[0].ctx && rig->s->v.q[1].ctx == rows[1].ctx);
    CHECK(rig->s->v.q[2].ctx == rows[0].ctx);
    CHECK_EQ(rig->s->nlanes, 2);
    rig_down();
    map(2);
    name_vqs(0, 2, 3, 0);
    name_vqs(1, 2, 1, 2);
    CHECK_EQ(realize(), 0);
    CHECK(rig->s->v.q[3].ctx == rows[0].ctx && rig->s->v.q[2].ctx == rows[1].ctx);
    rig_down();
}

TEST(maps_that_do_not_fit_are_refused)
{
    map(2);
    name_vqs(0, 1, 0, 0);
    refuse("must have vqs or none");
    map(2);
    name_vqs(0, 2, 0, 1);
    name_vqs(1, 2, 1, 2);
    refuse("cannot assign vq 1");
    map(2);
    name_vqs(0, 2, 0, 1);
    name_vqs(1, 1, 2, 0);
    refuse("missing vq 3");
    map(2);
    name_vqs(0, 2, 0, 1);
    name_vqs(1, 2, 2, 4);
    refuse("vq index 4 in iothread-vq-mapping must be less than num_queues 4");
    map(2);
    rows[1].ctx = rows[0].ctx;
    refuse("duplicate IOThread");
    map(1);
    rig->s->p.iothread = rows[0].ctx;
    refuse("cannot be set at the same time");
}

TEST(a_readonly_drive_is_not_asked_to_be_written)
{
    rig_new();
    rig->info.flags |= TN_BLKF_READONLY;
    CHECK_EQ(realize(), 0);
    CHECK_EQ(rig->attach_flags & TN_BLKA_WRITE, 0);
    CHECK(rig->s->offered >> BLK_F_RO & 1);
    start((uint64_t)1 << 32);
    struct sent t = send(BLK_T_OUT, 0, 512);
    kick();
    CHECK_EQ(rig->nio, 0);
    CHECK_EQ(status_of(&t), BLK_S_IOERR);
    rig_down();
}

int main(void)
{
    RUN(a_read_goes_to_the_drive_as_it_is);
    RUN(a_write_with_a_cache_is_not_fua);
    RUN(without_flush_every_write_is_stable);
    RUN(the_id_is_the_serial_without_more);
    RUN(ranges_go_one_by_one);
    RUN(a_range_changed_meanwhile_does_not_leave_the_disk);
    RUN(neighbours_become_one);
    RUN(merging_can_be_switched_off);
    RUN(merging_keeps_to_what_the_drive_takes);
    RUN(reads_and_writes_do_not_mix);
    RUN(of_merged_ones_that_fail_each_is_tried_alone);
    RUN(a_full_drive_is_waited_for);
    RUN(a_full_drive_takes_merged_ones_one_by_one);
    RUN(kicks_are_off_while_the_ring_is_read);
    RUN(errors_are_reported_as_the_policy_says);
    RUN(a_range_that_the_drive_cannot_do_is_unsupported);
    RUN(werror_stop_keeps_the_request_until_the_machine_runs);
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
    RUN(the_configuration_is_that_of_the_disk);
    RUN(another_size_is_a_configuration_change);
    RUN(writeback_is_the_drivers_with_config_wce);
    RUN(properties_that_do_not_fit_are_refused);
    RUN(queues_are_spread_over_iothreads);
    RUN(maps_that_do_not_fit_are_refused);
    RUN(a_readonly_drive_is_not_asked_to_be_written);
    return tap_done();
}
