/* SPDX-License-Identifier: BSD-2-Clause */
/* Between a front end and a back end: the straight way, many at once, and who may use it. */
#include "block_disk.h"

/* ---- straight ---- */

TEST(an_aligned_request_reaches_the_back_end_as_it_is)
{
    struct disk *d = disk_on("size=1M");
    CHECK(d);
    struct mem *m = mem_of("d0");
    struct tn_iov v[2] = {{page, 512}, {page + 8192, 1024}};
    fill(page, 1 << 14);
    CHECK_EQ(ask_iov(d, TN_BLK_WRITE, 4096, 1536, v, 2, 0), 0);
    CHECK_EQ(m->n, 1);
    CHECK(m->log[0].iov == v && m->log[0].niov == 2);
    CHECK_EQ(m->log[0].off, 4096);
    CHECK_EQ(m->log[0].len, 1536);
    CHECK(memcmp(m->data + 4096, page, 512) == 0);
    CHECK(memcmp(m->data + 4608, page + 8192, 1024) == 0);
    CHECK_EQ(m->bad, 0);
}

TEST(raw_without_a_window_is_left_out_of_the_way)
{
    block_vm();
    CHECK_EQ(add_blockdev("mem,node-name=m"), 0);
    CHECK_EQ(add_blockdev("raw,node-name=r,file=m"), 0);
    struct disk *d = add_disk("drive=r");
    CHECK(d);
    struct tn_iov v = {page, 512};
    CHECK_EQ(ask_iov(d, TN_BLK_READ, 512, 512, &v, 1, 0), 0);
    CHECK(mem_of("r")->log[0].iov == &v);
}

TEST(raw_with_offset_and_size_shows_a_window)
{
    block_vm();
    CHECK_EQ(add_blockdev("raw,node-name=r,offset=8192,size=4096,file.driver=mem"), 0);
    struct disk *d = add_disk("drive=r");
    CHECK(d);
    struct tn_blk_info i = {.struct_size = sizeof i};
    CHECK_EQ(d->block->info(d->drive, &i), 0);
    CHECK_EQ(i.size, 4096);
    page[0] = 7;
    CHECK_EQ(ask(d, TN_BLK_WRITE, 512, page, 512, 0), 0);
    CHECK_EQ(mem_of("r")->data[8704], 7);
    CHECK_EQ(ask(d, TN_BLK_WRITE, 3584, page, 1024, 0), (uint64_t)-EIO);
    CHECK_EQ(ask(d, TN_BLK_FLUSH, 0, NULL, 0, 0), 0);
}

TEST(what_lies_beyond_the_end_is_refused_without_the_back_end)
{
    struct disk *d = disk_on("size=1M");
    CHECK_EQ(ask(d, TN_BLK_READ, 1 << 20, page, 512, 0), (uint64_t)-EIO);
    CHECK_EQ(ask(d, TN_BLK_READ, (1 << 20) - 512, page, 1024, 0), (uint64_t)-EIO);
    CHECK_EQ(ask(d, TN_BLK_WRITE, ~(uint64_t)511, page, 1024, 0), (uint64_t)-EIO);
    CHECK_EQ(ask(d, TN_BLK_DISCARD, 1 << 20, NULL, 512, 0), (uint64_t)-EIO);
    CHECK_EQ(ask(d, TN_BLK_WRITE_ZEROES, 512, NULL, ~(uint64_t)511, 0), (uint64_t)-EIO);
    CHECK_EQ(mem_of("d0")->n, 0);
    struct block_stats s;
    block_stats(blk("d0"), &s);
    CHECK_EQ(s.kind[BLOCK_ACCT_READ].invalid, 2);
    CHECK_EQ(s.kind[BLOCK_ACCT_READ].failed, 0);
}

TEST(buffers_that_are_not_as_long_as_the_request_are_refused)
{
    struct disk *d = disk_on("size=1M");
    struct tn_iov v = {page, 512};
    struct asked a;
    CHECK_EQ(ask_start(d, &a, TN_BLK_READ, 0, 1024, &v, 1, 0), (uint64_t)-EINVAL);
    CHECK_EQ(ask_start(d, &a, TN_BLK_WRITE, 0, 256, &v, 1, 0), (uint64_t)-EINVAL);
    CHECK_EQ(ask_start(d, &a, 0, 0, 512, &v, 1, 0), (uint64_t)-EINVAL);
    CHECK_EQ(ask_start(d, &a, 7, 0, 512, &v, 1, 0), (uint64_t)-EINVAL);
}

TEST(a_read_only_drive_takes_no_write)
{
    block_vm();
    CHECK_EQ(add_drive("driver=mem,if=none,id=d0,readonly=on"), 0);
    CHECK(!add_disk("drive=d0"));
    CHECK(strstr(fixture_error, "read-only"));
    struct disk *d = add_disk("drive=d0,flags=0");
    CHECK(d);
    CHECK_EQ(mem_of("d0")->open.read_only, 1);
    CHECK_EQ(ask(d, TN_BLK_READ, 0, page, 512, 0), 0);
    CHECK_EQ(ask(d, TN_BLK_WRITE, 0, page, 512, 0), (uint64_t)-EPERM);
    CHECK_EQ(ask(d, TN_BLK_DISCARD, 0, NULL, 512, 0), (uint64_t)-EPERM);
    CHECK_EQ(ask(d, TN_BLK_FLUSH, 0, NULL, 0, 0), 0);
    CHECK_EQ(mem_of("d0")->bad, 0);
}

TEST(a_last_sector_that_is_cut_short_is_whole_to_the_guest)
{
    struct disk *d = disk_on("size=1000,logical=1");
    struct tn_blk_info i = {.struct_size = sizeof i};
    d->block->info(d->drive, &i);
    CHECK_EQ(i.size, 1024);
    CHECK_EQ(i.logical, 512);
    CHECK_EQ(ask(d, TN_BLK_READ, 512, page, 512, 0), 0);
    CHECK_EQ(ask(d, TN_BLK_WRITE, 512, page, 512, 0), 0);
}

TEST(info_fills_no_more_than_was_asked_for)
{
    struct disk *d = disk_on("size=1M");
    struct tn_blk_info i;
    memset(&i, 0xee, sizeof i);
    i.struct_size = offsetof(struct tn_blk_info, logical);
    CHECK_EQ(d->block->info(d->drive, &i), 0);
    CHECK_EQ(i.size, 1 << 20);
    CHECK_EQ(i.logical, 0xeeeeeeee);
    CHECK_EQ(i.struct_size, offsetof(struct tn_blk_info, logical));
}

/* ---- many ---- */

TEST(a_full_back_end_gets_the_rest_in_order_when_it_has_room)
{
    struct disk *d = disk_on("size=1M,slots=3");
    struct mem *m = mem_of("d0");
    struct asked a[40];
    struct tn_iov v = {page, 512};
    for (uint32_t i = 0; i < 40; i++)
        CHECK_EQ(ask_start(d, &a[i], TN_BLK_READ, i * 512, 512, &v, 1, 0), 0);
    for (uint32_t i = 0; i < 40; i++)
        CHECK_EQ(ask_wait(&a[i]), 0);
    CHECK_EQ(m->n, 40);
    CHECK_EQ(m->most, 3);
    for (uint32_t i = 0; i < 40; i++)
        CHECK_EQ(m->log[i].off, i * 512);
}

TEST(more_than_a_queue_can_hold_is_told_to_come_again)
{
    struct disk *d = disk_on("size=1M,hold=on");
    static struct asked a[5000];
    struct tn_iov v = {page, 512};
    uint32_t n = 0;
    while (n < 5000 && ask_start(d, &a[n], TN_BLK_READ, 0, 512, &v, 1, 0) == 0)
        n++;
    CHECK_EQ(n, 4096);
    mem_release(mem_of("d0"), 1);
    CHECK_EQ(ask_start(d, &a[n], TN_BLK_READ, 0, 512, &v, 1, 0), 0);
    mem_release(mem_of("d0"), n);
    for (uint32_t i = 0; i <= n; i++)
        CHECK_EQ(ask_wait(&a[i]), 0);
}

TEST(answers_in_another_order_reach_their_requests)
{
    struct disk *d = disk_on("size=1M,reverse=on");
    struct mem *m = mem_of("d0");
    struct asked a[32];
    struct tn_iov v[32];
    fill(m->data, 32 * 512);
    for (uint32_t i = 0; i < 32; i++) {
        v[i] = (struct tn_iov){page + i * 512, 512};
        CHECK_EQ(ask_start(d, &a[i], TN_BLK_READ, i * 512, 512, &v[i], 1, 0), 0);
    }
    for (uint32_t i = 0; i < 32; i++)
        CHECK_EQ(ask_wait(&a[i]), 0);
    CHECK(memcmp(page, m->data, 32 * 512) == 0);
}

TEST(done_has_the_front_ends_lock_unless_it_wants_none)
{
    struct disk *d = disk_on("size=1M");
    struct asked a;
    struct tn_iov v = {page, 512};
    CHECK_EQ(ask_start(d, &a, TN_BLK_READ, 0, 512, &v, 1, 0), 0);
    CHECK_EQ(ask_wait(&a), 0);
    CHECK_EQ(a.locked, 0);
    block_vm();
    CHECK_EQ(add_drive("driver=mem,if=none,id=d0"), 0);
    d = add_disk("drive=d0,queue-flags=0");
    CHECK_EQ(ask_start(d, &a, TN_BLK_READ, 0, 512, &v, 1, 0), 0);
    CHECK_EQ(ask_wait(&a), 0);
    CHECK_EQ(a.locked, 1);
}

TEST(a_cancelled_request_ends_once)
{
    struct disk *d = disk_on("size=1M,hold=on,slots=1");
    struct asked a, b;
    struct tn_iov v = {page, 512};
    CHECK_EQ(ask_start(d, &a, TN_BLK_READ, 0, 512, &v, 1, 0), 0);
    CHECK_EQ(ask_start(d, &b, TN_BLK_READ, 512, 512, &v, 1, 0), 0);
    CHECK_EQ(d->block->cancel(d->q, &b), 0); /* still waits for room */
    CHECK_EQ(ask_wait(&b), (uint64_t)-ECANCELED);
    CHECK_EQ(d->block->cancel(d->q, &a), 0);
    CHECK_EQ(ask_wait(&a), (uint64_t)-ECANCELED);
    CHECK_EQ(d->block->cancel(d->q, &a), (uint64_t)-ENOENT);
    CHECK_EQ(mem_of("d0")->bad, 0);
}

TEST(a_back_ends_error_is_told_once)
{
    struct disk *d = disk_on("size=1M");
    struct mem *m = mem_of("d0");
    m->fail_op = TN_BLK_READ;
    m->fail_err = -EBADMSG;
    CHECK_EQ(ask(d, TN_BLK_READ, 0, page, 512, 0), (uint64_t)-EBADMSG);
    CHECK_EQ(ask(d, TN_BLK_READ, 0, page, 512, 0), 0);
}

/* ---- attaching and leaving ---- */

TEST(a_drive_is_one_front_ends)
{
    struct disk *d = disk_on("size=1M");
    CHECK(d);
    CHECK(!add_disk("drive=d0"));
    CHECK_STR(fixture_error, "Drive 'd0' is already in use by another device");
    CHECK(!add_disk("drive=d1"));
    CHECK_STR(fixture_error, "Property 'disk.drive' can't find value 'd1'");
}

TEST(the_back_end_hears_who_uses_it_and_when_nobody_does)
{
    block_vm();
    CHECK_EQ(add_drive("driver=mem,if=none,id=d0"), 0);
    struct mem *m = mem_of("d0");
    CHECK_EQ(m->accesses, 0);
    struct disk *d = add_disk("drive=d0,flags=3");
    CHECK_EQ(m->access, TN_BLKA_WRITE | TN_BLKA_SHARE_RW | TN_BLKA_READ);
    device_free(device_of(d->dev));
    CHECK_EQ(m->access, 0);
    CHECK_EQ(m->accesses, 2);
    CHECK(add_disk("drive=d0"));
}

TEST(a_locked_image_is_refused_in_the_back_ends_words)
{
    block_vm();
    CHECK_EQ(add_drive("driver=mem,if=none,id=d0,locking=busy"), 0);
    CHECK(!add_disk("drive=d0"));
    CHECK_STR(fixture_error, "Failed to get \"write\" lock");
    CHECK(add_disk("drive=d0,flags=0"));
}

TEST(a_disk_that_leaves_waits_for_its_requests_and_is_not_called_any_more)
{
    struct disk *d = disk_on("size=1M");
    struct asked a;
    struct tn_iov v = {page, 512};
    CHECK_EQ(ask_start(d, &a, TN_BLK_WRITE, 0, 512, &v, 1, 0), 0);
    CHECK_EQ(mem_held(mem_of("d0")), 1);
    device_free(device_of(d->dev));
    CHECK_EQ(a.ended, 0);
    CHECK_EQ(mem_of("d0")->bad, 0);
    struct block_stats s;
    block_stats(blk("d0"), &s);
    CHECK_EQ(s.kind[BLOCK_ACCT_WRITE].ops, 1);
}

TEST(an_empty_drive_is_for_devices_that_take_media)
{
    block_vm();
    CHECK_EQ(add_drive("if=none,id=d0"), 0);
    CHECK(!add_disk("drive=d0"));
    CHECK_STR(fixture_error, "Device needs media, but drive is empty");
}

/* ---- size ---- */

TEST(resize_drains_and_tells)
{
    struct vm *vm = block_vm();
    ERR_AUTO e = {0};
    CHECK_EQ(add_blockdev("raw,node-name=r,file.driver=mem,file.node-name=m"), 0);
    struct disk *d = add_disk("drive=r");
    struct asked a;
    struct tn_iov v = {page, 512};
    CHECK_EQ(ask_start(d, &a, TN_BLK_READ, 0, 512, &v, 1, 0), 0);
    CHECK_EQ(block_resize(vm, "r", 1 << 19, &e), 0);
    CHECK_EQ(a.ended, 1);
    CHECK_EQ(d->drains, 1);
    CHECK_EQ(d->undrains, 1);
    CHECK_EQ(d->resized, 1);
    CHECK_EQ(mem_of("r")->bad, 0);
    struct tn_blk_info i = {.struct_size = sizeof i};
    d->block->info(d->drive, &i);
    CHECK_EQ(i.size, 1 << 19);
    CHECK_EQ(ask(d, TN_BLK_READ, 1 << 19, page, 512, 0), (uint64_t)-EIO);
    CHECK(block_resize(vm, "r", (uint64_t)1 << 40, &e) < 0);
    CHECK_STR(err_text(&e), "too large");
    err_clear(&e);
    CHECK_EQ(block_resize(vm, "x", 1, &e), (uint64_t)-ENOENT);
    CHECK_STR(err_text(&e), "Cannot find device='x' nor node-name='x'");
}

TEST(a_back_end_that_changes_is_asked_again)
{
    struct disk *d = disk_on("size=1M");
    struct mem *m = mem_of("d0");
    m->size = 1 << 19;
    m->feed->changed(m->dev);
    fixture_until(device_of(d->dev)->vm, &d->resized);
    CHECK_EQ(d->resized, 1);
    CHECK_EQ(ask(d, TN_BLK_READ, 1 << 19, page, 512, 0), (uint64_t)-EIO);
}

/* ---- errors ---- */

TEST(error_policies_are_the_devices_then_the_drives_then_the_usual)
{
    struct disk *d = disk_on("size=1M");
    const struct tn_block *t = d->block;
    CHECK_EQ(t->on_error(d->drive, TN_BLK_READ, -EIO, TN_BLKE_AUTO), 0);
    CHECK_EQ(t->on_error(d->drive, TN_BLK_WRITE, -EIO, TN_BLKE_AUTO), 0);
    CHECK_EQ(t->on_error(d->drive, TN_BLK_READ, -EIO, TN_BLKE_IGNORE), 1);
    d = disk_on("size=1M,rerror=ignore,werror=report");
    CHECK_EQ(t->on_error(d->drive, TN_BLK_READ, -EIO, TN_BLKE_AUTO), 1);
    CHECK_EQ(t->on_error(d->drive, TN_BLK_WRITE, -ENOSPC, TN_BLKE_AUTO), 0);
    CHECK_EQ(t->on_error(d->drive, TN_BLK_READ, -EIO, TN_BLKE_REPORT), 0);
    CHECK_EQ(t->on_error(d->drive, TN_BLK_WRITE, -EIO, TN_BLKE_ENOSPC), 0);
}

TEST(a_full_disk_pauses_the_machine)
{
    struct disk *d = disk_on("size=1M");
    struct vm *vm = device_of(d->dev)->vm;
    struct run_options o = {0};
    struct run *mine = vm->run ? NULL : (vm->run = run_new(vm, &o));
    CHECK_EQ(d->block->on_error(d->drive, TN_BLK_WRITE, -ENOSPC, TN_BLKE_AUTO), 2);
    CHECK_EQ(d->block->on_error(d->drive, TN_BLK_READ, -EIO, TN_BLKE_STOP), 2);
    CHECK_STR(run_state_name(RUN_IO_ERROR), "io-error");
    (void)mine;
}

/* ---- ranges ---- */

static uint32_t grants;

static void granted(struct blk_range *r)
{
    (void)r;
    grants++;
}

TEST(ranges_are_granted_in_order_of_those_that_overlap)
{
    struct blk_ranges s;
    struct blk_range a = {.first = 0, .end = 10, .granted = granted},
                     b = {.first = 5, .end = 20, .granted = granted},
                     c = {.first = 15, .end = 30, .granted = granted},
                     d = {.first = 30, .end = 40, .granted = granted};
    grants = 0;
    ranges_init(&s);
    CHECK(range_take(&s, &a));
    CHECK(!range_take(&s, &b));
    CHECK(!range_take(&s, &c)); /* b came before */
    CHECK(range_take(&s, &d));
    range_drop(&s, &a);
    CHECK_EQ(grants, 1);
    CHECK(b.held && !c.held);
    range_drop(&s, &b);
    CHECK(c.held);
    range_drop(&s, &c);
    range_drop(&s, &d);
    CHECK(TAILQ_EMPTY(&s.all));
    ranges_free(&s);
}

int main(void)
{
    RUN(an_aligned_request_reaches_the_back_end_as_it_is);
    RUN(raw_without_a_window_is_left_out_of_the_way);
    RUN(raw_with_offset_and_size_shows_a_window);
    RUN(what_lies_beyond_the_end_is_refused_without_the_back_end);
    RUN(buffers_that_are_not_as_long_as_the_request_are_refused);
    RUN(a_read_only_drive_takes_no_write);
    RUN(a_last_sector_that_is_cut_short_is_whole_to_the_guest);
    RUN(info_fills_no_more_than_was_asked_for);
    RUN(a_full_back_end_gets_the_rest_in_order_when_it_has_room);
    RUN(more_than_a_queue_can_hold_is_told_to_come_again);
    RUN(answers_in_another_order_reach_their_requests);
    RUN(done_has_the_front_ends_lock_unless_it_wants_none);
    RUN(a_cancelled_request_ends_once);
    RUN(a_back_ends_error_is_told_once);
    RUN(a_drive_is_one_front_ends);
    RUN(the_back_end_hears_who_uses_it_and_when_nobody_does);
    RUN(a_locked_image_is_refused_in_the_back_ends_words);
    RUN(a_disk_that_leaves_waits_for_its_requests_and_is_not_called_any_more);
    RUN(an_empty_drive_is_for_devices_that_take_media);
    RUN(resize_drains_and_tells);
    RUN(a_back_end_that_changes_is_asked_again);
    RUN(error_policies_are_the_devices_then_the_drives_then_the_usual);
    RUN(a_full_disk_pauses_the_machine);
    RUN(ranges_are_granted_in_order_of_those_that_overlap);
    block_vm_end();
    return tap_done();
}
