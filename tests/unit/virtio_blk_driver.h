/* SPDX-License-Identifier: BSD-2-Clause */
/* The driver of the disk in virtio_blk_rig.h, on one split ring. */
#ifndef TN_VIRTIO_BLK_DRIVER_H
#define TN_VIRTIO_BLK_DRIVER_H
#include "virtio_blk_rig.h"

/* One request in flight: where its parts lie. */
struct sent {
    uint16_t head;
    uint64_t header, data, status;
    uint32_t len;
};

static void put_desc(uint16_t i, uint64_t addr, uint32_t len, uint16_t flags)
{
    uint8_t *d = rig->ram + DESC + 16 * i;
    put_le64(d, addr);
    put_le32(d + 8, len);
    put_le16(d + 12, flags);
    put_le16(d + 14, (uint16_t)(i + 1));
}

static void offer(uint16_t head)
{
    put_le16(rig->ram + AVAIL + 4 + 2 * (rig->avail % RING), head);
    rig->avail++;
    put_le16(rig->ram + AVAIL + 2, rig->avail);
}

/* Lays out header, len bytes of data and status in three descriptors, and does not kick. */
static struct sent send(uint32_t type, uint64_t sector, uint32_t len)
{
    bool in = type == BLK_T_IN || type == BLK_T_GET_ID;
    struct sent t = {.head = (uint16_t)(rig->next_desc % RING),
                     .header = rig->next_data,
                     .status = rig->next_data + 16,
                     .data = rig->next_data + 64,
                     .len = len};
    uint16_t n = t.head;
    rig->next_data += 64 + len;
    put_le32(rig->ram + t.header, type);
    put_le64(rig->ram + t.header + 8, sector);
    rig->ram[t.status] = 0xff;
    put_desc(n++, t.header, 16, 1);
    if (len)
        put_desc(n++, t.data, len, in ? 3 : 1);
    put_desc(n++, t.status, 1, 2);
    rig->next_desc = n > RING - 3 ? 0 : n;
    offer(t.head);
    return t;
}

static void kick(void)
{
    vops()->kick(rig->s, 0, 0);
    settle();
}

static inline uint8_t status_of(const struct sent *t)
{
    return rig->ram[t->status];
}

/* The next used entry: id in *id; its length, or -1 if there is none. */
static int64_t next_used(uint16_t *id)
{
    if (get_le16(rig->ram + USED + 2) == rig->used)
        return -1;
    const uint8_t *e = rig->ram + USED + 4 + 8 * (rig->used++ % RING);
    *id = (uint16_t)get_le32(e);
    return get_le32(e + 4);
}

static inline uint32_t count_used(void)
{
    uint16_t id;
    uint32_t n = 0;
    while (next_used(&id) >= 0)
        n++;
    return n;
}

/* A discard of two ranges, 2 sectors at 0 and 8 at 100, made known. Returns where it lies. */
static inline struct sent discard_twice(void)
{
    struct sent t = send(BLK_T_DISCARD, 0, 32);
    uint8_t *p = rig->ram + t.data;
    put_le32(p + 8, 2);
    put_le64(p + 16, 100);
    put_le32(p + 24, 8);
    kick();
    return t;
}

#endif
