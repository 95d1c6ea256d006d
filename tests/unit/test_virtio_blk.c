/* SPDX-License-Identifier: BSD-2-Clause */
/* From the ring to the drive and back: single requests, batches, errors, without a machine. */
#include "tap.h"
#include "virtio_blk_driver.h"

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
    struct sent t = discard_twice();
    put_le64(rig->ram + t.data + 16, 1 << 30);
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
    return tap_done();
}
