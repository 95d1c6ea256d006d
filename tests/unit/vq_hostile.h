/* SPDX-License-Identifier: BSD-2-Clause */
/* A queue and a driver that writes what it likes. */
#ifndef TN_VQ_HOSTILE_H
#define TN_VQ_HOSTILE_H
#include "tap.h"
#include "virtqueue/virtqueue.h"
#include "vq_driver.h"

enum { SIZE = 8, DATA = RIG_BASE + 0x100000, TABLE = RIG_BASE + 0x200000 };
enum { NEXT = 1, WRITE = 2, INDIRECT = 4, AVAIL = 0x80 };

static struct rig as;
static struct vq q;
static struct drv drv;

static inline void setup(uint32_t flags)
{
    rig_init(&as, 0);
    drv_init(&drv, &as, flags, SIZE, RIG_BASE);
    vq_init(&q, sizeof(struct vq_elem), 4);
    CHECK_EQ(vq_start(&q, &drv.c, &rig_dma, rig_as(&as), NULL, NULL), 0);
}

static inline void teardown(void)
{
    vq_stop(&q);
    vq_fini(&q);
    drv_fini(&drv);
    rig_fini(&as);
}

static inline void desc(uint64_t at, uint64_t addr, uint32_t len, uint16_t twelve,
                        uint16_t fourteen)
{
    rig_put(&as, at, &addr, 8);
    rig_put(&as, at + 8, &len, 4);
    rig_put(&as, at + 12, &twelve, 2);
    rig_put(&as, at + 14, &fourteen, 2);
}

/* Split: flags and next; packed: id and flags, with the available bit of the first round. */
static inline void split(uint32_t i, uint64_t addr, uint32_t len, uint16_t flags, uint16_t next)
{
    desc(drv.c.desc + 16 * i, addr, len, flags, next);
}

static inline void packed(uint32_t i, uint64_t addr, uint32_t len, uint16_t id, uint16_t flags)
{
    desc(drv.c.desc + 16 * i, addr, len, id, flags | AVAIL);
}

static inline void offer(uint16_t head)
{
    uint16_t idx;
    rig_get(&as, drv.c.driver + 2, &idx, 2);
    rig_put(&as, drv.c.driver + 4 + 2 * (idx % SIZE), &head, 2);
    idx++;
    rig_put(&as, drv.c.driver + 2, &idx, 2);
}

/* Broken for this reason, and dead. */
static inline void broken(const char *why)
{
    uint8_t before[256], after[256];
    CHECK(vq_pop(&q) == NULL);
    CHECK_STR(q.broken, why);
    CHECK_EQ(q.inflight, 0);
    rig_get(&as, drv.c.device, before, 64);
    CHECK(vq_pop(&q) == NULL);
    CHECK(!vq_publish(&q));
    CHECK(vq_empty(&q));
    CHECK(!vq_kicks(&q, true));
    CHECK_EQ(vq_room(&q, 1), 0);
    rig_get(&as, drv.c.device, after, 64);
    CHECK(!memcmp(before, after, 64));
    teardown();
}

#endif
