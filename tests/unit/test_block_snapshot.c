/* SPDX-License-Identifier: BSD-2-Clause */
/* snapshot=on: what is below never changes, and the guest sees what it wrote. */
#include "block_mem.h"
#include "tap.h"

#include "backend/block_impl.h"
#include <errno.h>
#include <unistd.h>

enum { SIZE = 300 * 1024, CLUSTER = 64 * 1024 };
static uint8_t page[SIZE] __attribute__((aligned(4096)));
static uint8_t below[SIZE];

static void fill(uint8_t *p, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++)
        p[i] = (uint8_t)rnd(256);
}

static struct disk *snapshot_on(const char *options)
{
    char text[512];
    block_vm();
    snprintf(text, sizeof text, "driver=mem,if=none,id=d0,snapshot=on,size=300k,%s", options);
    if (add_drive(text) < 0)
        return NULL;
    fill(below, SIZE);
    memcpy(mem_of("d0")->data, below, SIZE);
    return add_disk("drive=d0");
}

/* The temporary file: a node that nothing but the snapshot has as its own. */
static struct mem *overlay(void)
{
    struct device *d;
    TAILQ_FOREACH(d, &blk("d0")->dev->vm->devices, all)
    if (strcmp(d->entry->name, "file") == 0)
        return device_self(d);
    return NULL;
}

static int untouched(void)
{
    const struct mem *m = mem_of("d0");
    return memcmp(m->data, below, SIZE) == 0 && !m->bad && m->n == mem_count(m, TN_BLK_READ) &&
           !overlay()->bad;
}

TEST(what_was_not_written_is_read_from_below)
{
    struct disk *d = snapshot_on("logical=512");
    CHECK(d);
    CHECK_EQ(ask(d, TN_BLK_READ, 0, page, SIZE, 0), 0);
    CHECK(memcmp(page, below, SIZE) == 0);
    CHECK_EQ(overlay()->n, 0);
    CHECK_EQ(mem_of("d0")->open.read_only, 1);
    CHECK_EQ(overlay()->open.no_flush, 1);
}

TEST(a_part_of_a_cluster_takes_the_rest_of_it_along)
{
    struct disk *d = snapshot_on("logical=512");
    fill(page, 512);
    CHECK_EQ(ask(d, TN_BLK_WRITE, CLUSTER + 1024, page, 512, 0), 0);
    const struct mem *o = overlay();
    CHECK_EQ(o->n, 1);
    CHECK_EQ(o->log[0].off, CLUSTER);
    CHECK_EQ(o->log[0].len, CLUSTER);
    CHECK(memcmp(o->data + CLUSTER + 1024, page, 512) == 0);
    CHECK(memcmp(o->data + CLUSTER, below + CLUSTER, 1024) == 0);
    CHECK_EQ(ask(d, TN_BLK_WRITE, CLUSTER, page, 512, 0), 0); /* is there now */
    CHECK_EQ(o->log[1].len, 512);
    CHECK_EQ(mem_of("d0")->n, 1);
    CHECK(untouched());
}

TEST(whole_clusters_are_written_without_a_look_below)
{
    struct disk *d = snapshot_on("logical=512");
    fill(page, SIZE);
    CHECK_EQ(ask(d, TN_BLK_WRITE, CLUSTER, page, 2 * CLUSTER, 0), 0);
    CHECK_EQ(mem_of("d0")->n, 0);
    CHECK_EQ(overlay()->n, 1);
    CHECK_EQ(ask(d, TN_BLK_WRITE, 4 * CLUSTER, page, SIZE - 4 * CLUSTER, 0),
             0); /* the last, short */
    CHECK_EQ(mem_of("d0")->n, 0);
    CHECK(untouched());
}

TEST(a_flush_goes_nowhere_and_a_discard_stays_above)
{
    struct disk *d = snapshot_on("logical=512,discard=unmap");
    CHECK_EQ(ask(d, TN_BLK_FLUSH, 0, NULL, 0, 0), 0);
    CHECK_EQ(ask(d, TN_BLK_DISCARD, 0, NULL, CLUSTER, 0), 0);
    CHECK_EQ(overlay()->n, 0);
    CHECK_EQ(ask(d, TN_BLK_WRITE, 0, page, CLUSTER, TN_BLKR_FUA), 0);
    CHECK_EQ(ask(d, TN_BLK_DISCARD, 0, NULL, CLUSTER, 0), 0);
    CHECK_EQ(mem_count(overlay(), TN_BLK_DISCARD), 1);
    CHECK(untouched());
}

TEST(a_copy_that_fails_fails_the_write_and_can_be_tried_again)
{
    struct disk *d = snapshot_on("logical=512");
    struct mem *m = mem_of("d0"), *o = overlay();
    fill(page, 512);
    m->fail_op = TN_BLK_READ;
    m->fail_err = -EIO;
    CHECK_EQ(ask(d, TN_BLK_WRITE, 512, page, 512, 0), (uint64_t)-EIO);
    o->fail_op = TN_BLK_WRITE;
    o->fail_err = -ENOSPC;
    CHECK_EQ(ask(d, TN_BLK_WRITE, 512, page, 512, 0), (uint64_t)-ENOSPC);
    CHECK_EQ(ask(d, TN_BLK_READ, 0, page + 4096, 4096, 0), 0);
    CHECK(memcmp(page + 4096, below, 4096) == 0); /* as if nothing had been written */
    CHECK_EQ(ask(d, TN_BLK_WRITE, 512, page, 512, 0), 0);
    CHECK(untouched());
}

TEST(random_requests_find_what_was_written_and_nothing_changes_below)
{
    static const char *const kinds[] = {"logical=512", "logical=4096,mem-align=4096",
                                        "logical=1,max-iov=3", "logical=512,slots=1,reverse=on"};
    static uint8_t want[SIZE], buf[SIZE];
    for (uint32_t k = 0; k < 4; k++) {
        struct disk *d = snapshot_on(kinds[k]);
        memcpy(want, below, SIZE);
        for (uint32_t i = 0; i < 400; i++) {
            uint32_t len = 512 * (1 + rnd(rnd(4) ? 40 : 400)),
                     off = 512 * rnd((SIZE - len) / 512 + 1);
            uint32_t op = 1 + rnd(3);
            op = op == 3 ? TN_BLK_WRITE_ZEROES : op;
            if (op == TN_BLK_WRITE)
                fill(buf, len);
            CHECK_EQ(ask(d, op, off, op == TN_BLK_WRITE_ZEROES ? NULL : buf, len, 0), 0);
            if (op == TN_BLK_READ)
                CHECK(memcmp(buf, want + off, len) == 0);
            else if (op == TN_BLK_WRITE)
                memcpy(want + off, buf, len);
            else
                memset(want + off, 0, len);
        }
        CHECK_EQ(ask(d, TN_BLK_READ, 0, buf, SIZE, 0), 0);
        CHECK(memcmp(buf, want, SIZE) == 0);
        CHECK(untouched());
    }
}

TEST(many_at_once_on_one_cluster_lose_nothing)
{
    struct disk *d = snapshot_on("logical=512");
    static struct asked a[128];
    static struct tn_iov v[128];
    fill(page, CLUSTER);
    for (uint32_t i = 0; i < 128; i++) {
        uint32_t at = i * 77 % 128;
        v[i] = (struct tn_iov){page + at * 512, 512};
        CHECK_EQ(ask_start(d, &a[i], TN_BLK_WRITE, at * 512, 512, &v[i], 1, 0), 0);
    }
    for (uint32_t i = 0; i < 128; i++)
        CHECK_EQ(ask_wait(&a[i]), 0);
    CHECK(memcmp(overlay()->data, page, CLUSTER) == 0);
    CHECK(untouched());
}

TEST(the_global_switch_is_for_drives_that_say_nothing)
{
    block_vm();
    CHECK_EQ(add_drive_snapshot("driver=mem,if=none,id=a"), 0);
    CHECK_EQ(add_drive_snapshot("driver=mem,if=none,id=b,snapshot=off"), 0);
    CHECK(strcmp(blk("a")->dev->entry->name, "temporary-snapshot") == 0);
    CHECK(strcmp(blk("b")->dev->entry->name, "mem") == 0);
}

TEST(a_folder_that_is_not_there_is_named)
{
    block_vm();
    setenv("TMPDIR", "/nonexistent", 1);
    int r = add_drive("driver=mem,if=none,id=a,snapshot=on");
    unsetenv("TMPDIR");
    CHECK_EQ(r, (uint64_t)-EINVAL);
    CHECK(strstr(fixture_error, "'/nonexistent': No such file or directory"));
}

int main(void)
{
    RUN(what_was_not_written_is_read_from_below);
    RUN(a_part_of_a_cluster_takes_the_rest_of_it_along);
    RUN(whole_clusters_are_written_without_a_look_below);
    RUN(a_flush_goes_nowhere_and_a_discard_stays_above);
    RUN(a_copy_that_fails_fails_the_write_and_can_be_tried_again);
    RUN(random_requests_find_what_was_written_and_nothing_changes_below);
    RUN(many_at_once_on_one_cluster_lose_nothing);
    RUN(the_global_switch_is_for_drives_that_say_nothing);
    RUN(a_folder_that_is_not_there_is_named);
    block_vm_end();
    return tap_done();
}
