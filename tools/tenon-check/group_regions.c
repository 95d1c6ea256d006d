/* SPDX-License-Identifier: BSD-2-Clause */
/* Ranges that trap: region.h. */
#include "drive.h"

enum { WHOLE = 0x4000, EDGE = 0x400, PAGES = 64, ROUNDS = 64 };

/* Offsets worth trying: all of a small range; of a large one its ends, and the beginning of some
 * pages. */
static uint64_t next_offset(uint64_t off, uint64_t size)
{
    if (size <= WHOLE || off + 1 < EDGE || off + 1 >= size - EDGE)
        return off + 1;
    uint64_t step = (size / PAGES + 4095) & ~(uint64_t)4095, next = (off / step + 1) * step;
    return next < size - EDGE ? next : size - EDGE;
}

/* Each offset in each size, also across each boundary. */
static void read_all(const struct place *p)
{
    for (uint64_t off = 0; off < p->size; off = next_offset(off, p->size))
        for (uint32_t size = 1; size <= 8; size *= 2)
            place_read(p, off, size);
}

static void write_all(const struct place *p, struct rng *r, uint64_t v)
{
    for (uint64_t off = 0; off < p->size; off = next_offset(off, p->size))
        for (uint32_t size = 1; size <= 8; size *= 2)
            place_write(p, off, v ? v : rng_value(r), size);
}

static void each_place(struct host *h, struct check *c,
                       void (*fn)(struct check *, const struct place *))
{
    struct place p;
    for (uint32_t n = 0; host_place(h, n, &p); n++)
        fn(c, &p);
}

static void has_places(struct check *c, struct host *h)
{
    struct place p;
    if (!host_place(h, 0, &p))
        check_skip(c, "nothing of it traps here");
}

static void read_place(struct check *c, const struct place *p)
{
    (void)c;
    read_all(p);
}

static void write_place(struct check *c, const struct place *p)
{
    write_all(p, &c->rng, ~(uint64_t)0);
    write_all(p, &c->rng, 0);
    read_all(p);
}

static void reads(struct check *c)
{
    struct host *h = NULL;
    struct dev *d = check_start(c, &h);
    has_places(c, h);
    each_place(h, c, read_place);
    host_run(h, 1000000000);
    check_end(c, h, d);
}

static void writes(struct check *c)
{
    struct host *h = NULL;
    struct dev *d = check_start(c, &h);
    has_places(c, h);
    each_place(h, c, write_place);
    host_run(h, 1000000000);
    check_end(c, h, d);
}

/* One more round of reading; 1: it has changed the state, and where says in what. */
static int round_changes(struct check *c, struct host *h, struct dev *d, struct buf *where)
{
    struct st_part before = {0}, after = {0};
    if (drive_save(d, &before) < 0)
        check_skip(c, "it has no state to compare");
    each_place(h, c, read_place);
    drive_save(d, &after);
    int differs = st_differs(&before, &after, c->o->sticky, where);
    st_free(&before);
    st_free(&after);
    return differs;
}

/* What is cleared by reading is so after a round, and a queue is empty after some. */
static void reads_settle(struct check *c)
{
    struct host *h = NULL;
    struct dev *d = check_start(c, &h);
    has_places(c, h);
    drive_regs(h, &c->rng, 60);
    for (uint32_t i = 0; i < ROUNDS; i++) {
        BUF_AUTO where = {0};
        if (!round_changes(c, h, d, &where))
            break;
        CHECK(c, i + 1 < ROUNDS, "reads of registers change state, again and again: %s",
              buf_cstr(&where));
    }
    check_end(c, h, d);
}

static const struct check_test tests[] = {
    {"reads", "each offset is read in each size, also unaligned, and answered",
     "region.h: struct tn_region_ops", CT_CLASS, needs_device, reads},
    {"writes", "likewise written, with ones and with anything",
     "docs/abi.md: A guest never causes an error", CT_CLASS, needs_device, writes},
    {"reads-settle",
     "reading all registers over and over comes to change no state (--sticky names what may)",
     "region.h: read", CT_CLASS, needs_device, reads_settle},
    {0},
};

const struct check_group group_regions = {"regions", tests};
