/* SPDX-License-Identifier: BSD-2-Clause */
#include "dring.h"
#include "host_dma.h"
#include "util/bytes.h"
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

enum {
    PAGE = 4096,
    DESC = 16,
    INDIRECT_AT = 0x2000,
    BUFS_AT = 0x3000,
    PATTERN = 0x5a,
    PACKED_AVAIL = 1 << 7,
    PACKED_USED = 1 << 15
};

uint8_t *dring_at(const struct dring *r, uint64_t iova, uint32_t len)
{
    uint8_t *p = host_ram(r->v->d->h, dma_gpa(r->v->as, iova), len);
    if (!p)
        check_fail(check_current(), "the suite's own ring at 0x%llx is outside RAM",
                   (unsigned long long)iova);
    return p;
}

static void put16(const struct dring *r, uint64_t at, uint16_t v)
{
    __atomic_store_n((uint16_t *)(void *)dring_at(r, at, 2), v, __ATOMIC_RELEASE);
}

static uint16_t get16(const struct dring *r, uint64_t at)
{
    return __atomic_load_n((uint16_t *)(void *)dring_at(r, at, 2), __ATOMIC_ACQUIRE);
}

static void fill(const struct dring *r, uint64_t at, uint64_t len, uint8_t with)
{
    for (uint64_t i = 0; i < len; i++)
        *dring_at(r, at + i, 1) = with;
}

static int agreed(const struct vport *v, int bit)
{
    return (v->agreed[bit / 64] >> bit % 64) & 1;
}

int dring_open(struct dring *r, struct vport *v, uint32_t q, uint32_t size, uint64_t gpa)
{
    size = size < DRING_MAX ? size : DRING_MAX;
    size = size < v->q[q].max ? size : v->q[q].max;
    *r = (struct dring){
        .v = v, .q = q, .size = size, .packed = (uint32_t)agreed(v, VIRTIO_F_RING_PACKED)};
    r->desc = gpa;
    r->driver = r->desc + DRING_MAX * DESC;
    r->device = gpa + PAGE;
    r->memory = gpa;
    r->avail_wrap = r->used_wrap = 1;
    r->free = size;
    fill(r, gpa, 2 * PAGE, 0);
    return vport_start(v, q, size, r->desc, r->driver, r->device);
}

static void bad(const struct dring *r, const char *section, const char *what, uint32_t id,
                uint32_t len)
{
    check_fail(check_current(), "queue %u: %s: id %u, length %u [virtio 1.3 %s]", r->q, what, id,
               len, section);
}

/* ---- buffers that are the driver's again ---- */

static void take_back(const struct dring *r, struct vchain *c)
{
    c->ours = 1;
    for (uint32_t i = 0; i < c->n; i++)
        fill(r, c->at[i], c->b[i].len, PATTERN);
}

static void check_ours(const struct dring *r, const struct vchain *c)
{
    for (uint32_t i = 0; c->ours && !r->scribbled && i < c->n; i++)
        for (uint32_t k = 0; k < c->b[i].len; k++)
            if (*dring_at(r, c->at[i] + k, 1) != PATTERN)
                bad(r, "2.6", "a buffer that had come back was written", (uint32_t)(c - r->chain),
                    k);
}

void dring_check_ours(const struct dring *r)
{
    for (uint32_t id = 0; id < r->size; id++)
        check_ours(r, &r->chain[id]);
}

/* ---- giving ---- */

static uint32_t free_id(const struct dring *r)
{
    uint32_t id = 0;
    while (id < r->size && r->chain[id].live)
        id++;
    return id;
}

static void place(const struct dring *r, struct vchain *c, uint32_t id, const struct vbuf *b,
                  uint32_t n, const uint8_t *with)
{
    uint64_t at = r->memory + BUFS_AT + (uint64_t)id * DRING_BUF_MAX;
    uint32_t used = 0, from = 0;
    check_ours(r, c);
    c->ours = 0;
    c->n = n;
    for (uint32_t i = 0; i < n; i++) {
        c->b[i] = b[i];
        c->at[i] = at + used;
        used += b[i].len + 8; /* a gap that nobody owns */
        fill(r, c->at[i], b[i].len + 8, PATTERN);
        for (uint32_t k = 0; with && !b[i].write && k < b[i].len; k++)
            *dring_at(r, c->at[i] + k, 1) = with[from++];
    }
    if (used > DRING_BUF_MAX)
        check_fail(check_current(), "the suite's own buffers have %u bytes", used);
}

static void put_desc(const struct dring *r, uint64_t at, uint64_t addr, uint32_t len,
                     uint16_t third, uint16_t fourth)
{
    put_le64(dring_at(r, at, DESC), addr);
    put_le32(dring_at(r, at, DESC) + 8, len);
    put_le16(dring_at(r, at, DESC) + 12, third);
    put_le16(dring_at(r, at, DESC) + 14, fourth);
}

static uint16_t piece_flags(const struct vchain *c, uint32_t i, int last)
{
    return (uint16_t)((c->b[i].write ? VRING_DESC_F_WRITE : 0) | (last ? 0 : VRING_DESC_F_NEXT));
}

static uint64_t indirect_table(const struct dring *r, const struct vchain *c, uint32_t id)
{
    uint64_t table = r->memory + INDIRECT_AT + (uint64_t)id * DRING_BUFS * DESC;
    for (uint32_t i = 0; i < c->n; i++)
        if (r->packed)
            put_desc(r, table + i * DESC, c->at[i], c->b[i].len, 0, piece_flags(c, i, 1));
        else
            put_desc(r, table + i * DESC, c->at[i], c->b[i].len, piece_flags(c, i, i + 1 == c->n),
                     (uint16_t)(i + 1));
    return table;
}

/* Entries are taken round and round: with VIRTIO_F_IN_ORDER they have to be (2.7.9). */
static uint16_t take_entry(struct dring *r)
{
    while (r->taken[r->next])
        r->next = (r->next + 1) % r->size;
    uint16_t at = (uint16_t)r->next;
    r->taken[at] = 1;
    r->next = (r->next + 1) % r->size;
    return at;
}

static void add_split(struct dring *r, struct vchain *c, uint32_t id, uint32_t indirect)
{
    if (indirect)
        put_desc(r, r->desc + id * DESC, indirect_table(r, c, id), c->n * DESC,
                 VRING_DESC_F_INDIRECT, 0);
    for (uint32_t i = 0; !indirect && i < c->n; i++) {
        int last = i + 1 == c->n;
        put_desc(r, r->desc + (uint64_t)c->entry[i] * DESC, c->at[i], c->b[i].len,
                 piece_flags(c, i, last), last ? 0 : c->entry[i + 1]);
    }
    put16(r, r->driver + 4 + 2 * (r->avail % r->size), (uint16_t)id);
    put16(r, r->driver + 2, ++r->avail);
}

static void step(const struct dring *r, uint16_t *at, uint32_t *wrap, uint32_t n)
{
    *at = (uint16_t)(*at + n);
    if (*at >= r->size) {
        *at = (uint16_t)(*at - r->size);
        *wrap ^= 1;
    }
}

static uint16_t avail_bits(uint32_t wrap)
{
    return wrap ? PACKED_AVAIL : (uint16_t)PACKED_USED;
}

static void add_packed(struct dring *r, struct vchain *c, uint32_t id, uint32_t indirect)
{
    uint16_t head = r->avail, head_flags = 0;
    for (uint32_t i = 0; i < c->descs; i++) {
        uint64_t at = r->desc + (uint64_t)r->avail * DESC;
        uint16_t flags =
            (uint16_t)((indirect ? VRING_DESC_F_INDIRECT : piece_flags(c, i, i + 1 == c->descs)) |
                       avail_bits(r->avail_wrap));
        if (indirect)
            put_desc(r, at, indirect_table(r, c, id), c->n * DESC, (uint16_t)id, get16(r, at + 14));
        else
            put_desc(r, at, c->at[i], c->b[i].len, (uint16_t)id, get16(r, at + 14));
        if (i == 0)
            head_flags = flags; /* last: until then the device sees none of it */
        else
            put16(r, at + 14, flags);
        step(r, &r->avail, &r->avail_wrap, 1);
    }
    put16(r, r->desc + (uint64_t)head * DESC + 14, head_flags);
}

int dring_add(struct dring *r, const struct vbuf *b, uint32_t n, const uint8_t *with,
              uint32_t indirect)
{
    uint32_t need = indirect ? 1 : n, id = 0;
    uint16_t entry[DRING_BUFS] = {0};
    if (need > r->free || n > DRING_BUFS)
        return 0;
    for (uint32_t i = 0; !r->packed && i < need; i++)
        entry[i] = take_entry(r);
    id = r->packed ? free_id(r) : entry[0];
    struct vchain *c = &r->chain[id];
    memcpy(c->entry, entry, sizeof entry);
    place(r, c, id, b, n, with);
    c->descs = need;
    c->stamp = r->made++;
    c->live = 1;
    if (r->packed)
        add_packed(r, c, id, indirect);
    else
        add_split(r, c, id, indirect);
    r->free -= need;
    return 1;
}

/* ---- taking ---- */

/* What came back is checked against what was given, and its gaps against the pattern. */
static struct vchain *came_back(struct dring *r, uint32_t id, uint32_t len)
{
    uint32_t room = 0;
    struct vchain *c = id < r->size ? &r->chain[id] : NULL;
    if (!c || !c->live)
        bad(r, "2.7.8, 2.8.8", "a buffer comes back that the device does not have", id, len);
    for (uint32_t i = 0; i < c->n; i++)
        room += c->b[i].write ? c->b[i].len : 0;
    if (len > room)
        bad(r, "2.7.8.2", "the device says that it wrote more than there is room for", id, len);
    if (agreed(r->v, VIRTIO_F_IN_ORDER) && c->stamp != r->stamps_used)
        bad(r, "2.7.9, 2.8.9", "out of order, though VIRTIO_F_IN_ORDER was agreed", id, len);
    for (uint32_t i = 0; i < c->n; i++)
        for (uint32_t k = 0; k < 8; k++)
            if (*dring_at(r, c->at[i] + c->b[i].len + k, 1) != PATTERN)
                bad(r, "2.6", "bytes behind a buffer were written", id, len);
    c->live = 0;
    take_back(r, c);
    for (uint32_t i = 0; !r->packed && i < c->descs; i++)
        r->taken[c->entry[i]] = 0;
    r->free += c->descs;
    r->stamps_used++;
    return c;
}

/* With VIRTIO_F_IN_ORDER one entry may stand for all up to it (2.7.9, 2.8.9): the older ones come
 * back before, how many; *descs: the entries of the ring that they had. */
static uint32_t older_ones(struct dring *r, uint32_t id, uint32_t *descs)
{
    uint32_t n = 0;
    while (agreed(r->v, VIRTIO_F_IN_ORDER) && id < r->size && r->chain[id].live &&
           r->chain[id].stamp > r->stamps_used)
        for (uint32_t k = 0; k < r->size; k++)
            if (r->chain[k].live && r->chain[k].stamp == r->stamps_used) {
                *descs += came_back(r, k, 0)->descs;
                n++;
                break;
            }
    return n;
}

static uint32_t take_split(struct dring *r)
{
    uint16_t idx = get16(r, r->device + 2);
    uint32_t n = (uint16_t)(idx - r->used), left = n, descs = 0;
    if (n > r->made - r->stamps_used)
        bad(r, "2.7.8", "more buffers come back than were given", idx, r->used);
    while (left) {
        const uint8_t *e = dring_at(r, r->device + 4 + 8 * (r->used % r->size), 8);
        uint32_t of = older_ones(r, get_le32(e), &descs) + 1;
        came_back(r, get_le32(e), get_le32(e + 4));
        if (of > left)
            bad(r, "2.7.9", "an entry stands for more buffers than the index counts", get_le32(e),
                get_le32(e + 4));
        r->used = (uint16_t)(r->used + of);
        left -= of;
    }
    return n;
}

static uint32_t take_packed(struct dring *r)
{
    uint32_t n = 0;
    for (;; n++) {
        const uint8_t *e = dring_at(r, r->desc + (uint64_t)r->used * DESC, DESC);
        uint16_t flags = get16(r, r->desc + (uint64_t)r->used * DESC + 14);
        uint32_t a = !!(flags & PACKED_AVAIL), u = !!(flags & PACKED_USED);
        if (a != u || u != r->used_wrap || r->made == r->stamps_used)
            return n;
        uint32_t id = get_le16(e + 12), len = flags & VRING_DESC_F_WRITE ? get_le32(e + 8) : 0;
        uint32_t descs = 0;
        n += older_ones(r, id, &descs);
        descs += came_back(r, id, len)->descs;
        step(r, &r->used, &r->used_wrap, descs);
    }
}

uint32_t dring_take(struct dring *r)
{
    return r->packed ? take_packed(r) : take_split(r);
}

uint32_t dring_live(const struct dring *r)
{
    return (uint32_t)(r->made - r->stamps_used);
}
