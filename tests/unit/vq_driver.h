/* SPDX-License-Identifier: BSD-2-Clause */
/* The driver's side of virtqueues, and memory to have them in: written from the specification
 * alone, to hold lib/virtqueue against. */
#ifndef TN_TEST_VQ_DRIVER_H
#define TN_TEST_VQ_DRIVER_H
#include <stdbool.h>
#include <stdint.h>
#include <tenon/dma.h>
#include <tenon/virtio.h>

/* ---- memory: two regions that are neighbours for the guest, and strangers in the host ---- */

enum { RIG_BASE = 0x100000, RIG_HALF = 0x400000, RIG_EDGE = RIG_BASE + RIG_HALF };
enum { RIG_END = RIG_EDGE + RIG_HALF };
enum { RIG_PAGE = 4096, RIG_PAGES = 2 * RIG_HALF / RIG_PAGE };

/* How the address space behaves */
enum {
    RIG_NO_VIEW = 1, /* buffers by map(), a page at a time */
    RIG_NO_MAP = 2,  /* map() says -ENOTSUP */
    RIG_NO_RINGS = 4 /* cached mappings have no address */
};

/* Stands in for a struct tn_as where rig_dma is used. */
struct rig {
    uint8_t *half[2];
    struct tn_ram ram[2];
    struct tn_view view;
    const struct tn_view *current;
    uint32_t how;            /* RIG_* */
    uint32_t map_again;      /* so many calls of map() say -EAGAIN */
    uint32_t mapped, caches; /* that are to be given back */
    uint32_t retries, reads, writes;
    uint64_t mapped_dirty; /* bytes that unmap() was told of */
    uint8_t dirty[RIG_PAGES];
};

extern const struct tn_dma rig_dma;
static inline struct tn_as *rig_as(struct rig *a)
{
    return (struct tn_as *)(void *)a;
}
void rig_init(struct rig *a, uint32_t how);
void rig_fini(struct rig *a);
/* Marks of dirty() from here on count. */
void rig_log(struct rig *a, bool on);
bool rig_dirty(const struct rig *a, uint64_t gpa);
uint8_t *rig_at(struct rig *a, uint64_t gpa);
void rig_put(struct rig *a, uint64_t gpa, const void *p, uint64_t len);
void rig_get(struct rig *a, uint64_t gpa, void *p, uint64_t len);

/* ---- the driver ---- */

struct drv_buf {
    uint64_t addr;
    uint32_t len;
};

struct drv_slot {
    uint32_t ndesc, in_len;
    uint16_t head; /* split: first descriptor */
    uint64_t token;
    bool busy;
};

struct drv {
    struct rig *as;
    struct tn_vq c;  /* what the device is started with */
    uint64_t tables; /* RAM for indirect tables, one for each slot */
    uint32_t table_room;
    struct drv_slot *slot; /* by head, or buffer id */
    uint16_t *free;        /* split: descriptors; packed: ids */
    uint32_t nfree, room;  /* room: descriptors that are not in use */
    uint16_t avail, published, used;
    uint8_t avail_wrap, used_wrap;
    uint16_t first, first_flags; /* packed: written last */
    uint16_t added;              /* descriptors, or heads, since the last drv_kick() */
    /* in-order */
    uint16_t *order;
    uint32_t order_in, order_out, batch;
    uint16_t batch_id;
    uint32_t batch_len;
};

/* Rings at base; returns the first address behind them. flags: TN_VQ_* */
uint64_t drv_init(struct drv *d, struct rig *as, uint32_t flags, uint32_t size, uint64_t base);
void drv_fini(struct drv *d);
/* nout buffers to read, then nin to write. False: no room. Visible at drv_publish(). */
bool drv_add(struct drv *d, const struct drv_buf *b, uint32_t nout, uint32_t nin, bool indirect,
             uint64_t token);
/* Shows what was added; true: the device wants a kick. */
bool drv_publish(struct drv *d);
/* One used buffer, or false. */
bool drv_get(struct drv *d, uint64_t *token, uint32_t *len);
/* Interrupts wanted: 0 never, 1 always, or (event index) after n more buffers. Returns true if
 * there are used buffers by now. */
bool drv_interrupts(struct drv *d, uint32_t after);

#endif
