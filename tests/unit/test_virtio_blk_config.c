/* SPDX-License-Identifier: BSD-2-Clause */
/* virtio-blk: what it says of itself, and what may be said of it. */
#include "tap.h"
#include "virtio_blk_driver.h"

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
    RUN(the_configuration_is_that_of_the_disk);
    RUN(another_size_is_a_configuration_change);
    RUN(writeback_is_the_drivers_with_config_wce);
    RUN(properties_that_do_not_fit_are_refused);
    RUN(queues_are_spread_over_iothreads);
    RUN(maps_that_do_not_fit_are_refused);
    RUN(a_readonly_drive_is_not_asked_to_be_written);
    return tap_done();
}
