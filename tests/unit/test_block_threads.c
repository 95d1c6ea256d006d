/* SPDX-License-Identifier: BSD-2-Clause */
/* One drive used from two contexts at once: the main thread and an iothread, which write every
 * other sector, many at a time. */
#include "block_mem.h"
#include "tap.h"

#include "vm/iothread.h"
#include <errno.h>

enum { SECTORS = 512, ROUNDS = 3000, DEPTH = 16 };

/* One context: it writes the sectors `odd`, odd + 2, ..., in any order, and reads some back. */
struct worker {
    struct disk *d;
    struct tn_blkq *q;
    struct tn_ctx *ctx;
    uint32_t odd, started, ended, finished, wrong, here;
    uint32_t seed;
    uint8_t want[SECTORS];
    struct job {
        struct worker *w;
        uint32_t sector, reads, busy;
        struct tn_iov v;
        uint8_t data[512];
    } job[DEPTH];
};
static struct worker worker[2];

static uint32_t next(struct worker *w, uint32_t below)
{
    w->seed = w->seed * 1103515245u + 12345u;
    return (w->seed >> 8) % below;
}

static int in_flight(const struct worker *w, uint32_t sector)
{
    for (uint32_t i = 0; i < DEPTH; i++)
        if (w->job[i].busy && w->job[i].sector == sector)
            return 1;
    return 0;
}

static void go_on(struct worker *w);

static void job_done(void *arg, int err)
{
    struct job *j = arg;
    struct worker *w = j->w;
    w->wrong += err != 0 || !loop_here(w->ctx);
    if (j->reads)
        for (uint32_t i = 0; i < 512; i++)
            w->wrong += j->data[i] != w->want[j->sector];
    j->busy = 0;
    w->ended++;
    go_on(w);
}

static void start_job(struct worker *w, struct job *j)
{
    do
        j->sector = w->odd + 2 * next(w, SECTORS / 2);
    while (in_flight(w, j->sector));
    j->w = w;
    j->busy = 1;
    j->reads = next(w, 4) == 0;
    j->v = (struct tn_iov){j->data, 512};
    if (!j->reads) {
        w->want[j->sector] = (uint8_t)next(w, 256);
        memset(j->data, w->want[j->sector], 512);
    }
    w->started++;
    if (w->d->block->submit(w->q, j->reads ? TN_BLK_READ : TN_BLK_WRITE, j->sector * 512, 512,
                            &j->v, 1, 0, job_done, j) < 0)
        w->wrong++;
}

static void go_on(struct worker *w)
{
    for (uint32_t i = 0; i < DEPTH && w->started < ROUNDS; i++)
        if (!w->job[i].busy)
            start_job(w, &w->job[i]);
    w->d->block->flush_batch(w->q);
    if (w->ended == ROUNDS)
        __atomic_store_n(&w->finished, 1, __ATOMIC_RELEASE);
}

static void begin(void *p)
{
    go_on(p);
}

/* Two workers on one drive, started. */
static struct disk *start_both(struct vm *vm, const char *drive)
{
    CHECK_EQ(add_drive(drive), 0);
    struct device *t = fixture_add(vm, TN_K_OBJECT, "iothread,id=t");
    struct disk *d = add_disk("drive=d0,no-queue=1");
    CHECK(t && d);
    memset(worker, 0, sizeof worker);
    for (uint32_t i = 0; i < 2; i++) {
        struct worker *w = &worker[i];
        w->d = d;
        w->odd = i;
        w->seed = i + 1;
        w->ctx = i ? t->handle : vm->main;
        w->q = d->block->queue(d->drive, w->ctx, TN_LF_NOLOCK);
        CHECK(w->q);
    }
    CHECK(worker[0].q != worker[1].q);
    fixture_start(vm); /* the iothread runs from here on */
    for (uint32_t i = 0; i < 2; i++)
        bh_once_about(worker[i].ctx, device_of(d->dev), begin, &worker[i]);
    return d;
}

static int both(struct vm *vm, const char *drive)
{
    start_both(vm, drive);
    fixture_until(vm, &worker[0].finished);
    fixture_until(vm, &worker[1].finished);
    CHECK_EQ(worker[0].finished + worker[1].finished, 2);
    return (int)(worker[0].wrong + worker[1].wrong);
}

static void check_sectors(const uint8_t *data)
{
    for (uint32_t i = 0; i < SECTORS; i++)
        for (uint32_t k = 0; k < 512; k += 511)
            CHECK_EQ(data[i * 512 + k], worker[i & 1].want[i]);
}

TEST(sectors_of_one_block_are_changed_from_both)
{
    struct vm *vm = block_vm();
    fixture_register(vm, &iothread_plugin);
    CHECK_EQ(both(vm, "driver=mem,if=none,id=d0,size=256k,logical=4096"), 0);
    CHECK_EQ(mem_of("d0")->bad, 0);
    check_sectors(mem_of("d0")->data);
}

TEST(clusters_of_a_snapshot_are_copied_from_both)
{
    struct vm *vm = block_vm();
    struct device *d;
    fixture_register(vm, &iothread_plugin);
    CHECK_EQ(both(vm, "driver=mem,if=none,id=d0,size=256k,snapshot=on"), 0);
    CHECK_EQ(mem_of("d0")->bad, 0);
    TAILQ_FOREACH(d, &vm->devices, all)
    if (strcmp(d->entry->name, "file") == 0)
        check_sectors(((struct mem *)device_self(d))->data);
}

TEST(limits_hold_for_both_together)
{
    struct vm *vm = block_vm();
    fixture_register(vm, &iothread_plugin);
    CHECK_EQ(both(vm, "driver=mem,if=none,id=d0,size=256k,iops=100000000"), 0);
    check_sectors(mem_of("d0")->data);
}

TEST(intervals_have_the_requests_of_both)
{
    struct vm *vm = block_vm();
    struct block_stats s;
    struct block_interval v;
    fixture_register(vm, &iothread_plugin);
    CHECK_EQ(both(vm, "driver=mem,if=none,id=d0,size=256k,stats-intervals.0=3600"), 0);
    block_stats(blk("d0"), &s);
    block_interval(blk("d0"), 0, &v);
    for (uint32_t i = BLOCK_ACCT_READ; i <= BLOCK_ACCT_WRITE; i++) {
        uint64_t avg = s.kind[i].ns / s.kind[i].ops;
        CHECK(v.kind[i].avg >= avg - avg / 10 && v.kind[i].avg <= avg + avg / 10);
        CHECK(v.kind[i].min <= avg && v.kind[i].max >= avg);
    }
}

TEST(a_disk_leaves_in_the_middle_of_it)
{
    static const char *const drives[] = {
        "driver=mem,if=none,id=d0,size=256k,logical=4096",
        "driver=mem,if=none,id=d0,size=256k,snapshot=on",
        "driver=mem,if=none,id=d0,size=256k,iops=1000",
    };
    for (uint32_t i = 0; i < 9; i++) {
        struct vm *vm = block_vm();
        fixture_register(vm, &iothread_plugin);
        struct disk *d = start_both(vm, drives[i % 3]);
        for (uint32_t k = 0; k < i; k++)
            loop_once(vm->main, 100000);
        device_free(device_of(d->dev));
        CHECK_EQ(mem_of("d0")->bad, 0);
        CHECK_EQ(worker[0].wrong + worker[1].wrong, 0);
    }
}

int main(void)
{
    RUN(sectors_of_one_block_are_changed_from_both);
    RUN(clusters_of_a_snapshot_are_copied_from_both);
    RUN(limits_hold_for_both_together);
    RUN(intervals_have_the_requests_of_both);
    RUN(a_disk_leaves_in_the_middle_of_it);
    block_vm_end();
    return tap_done();
}
