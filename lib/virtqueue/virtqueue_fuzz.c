/* SPDX-License-Identifier: BSD-2-Clause */
/* A driver that writes anything into its rings, and a device that does what devices do. After each
 * step: pieces are in memory, and as long as the element says; what is in flight is bounded; a
 * broken queue stays so, for the reason that it was broken for; and every mapping is given back. */
#include "../../tests/unit/vq_driver.h"
#include "util/bytes.h"
#include "virtqueue/virtqueue.h"
#include <stdlib.h>
#include <string.h>

enum { MAX_SIZE = 32, RINGS = 0x2000, BUFFERS = 0x4000 };

struct machine {
    struct rig rig;
    struct vq q;
    struct tn_vq c;
    struct vq_elem *el[MAX_SIZE];
    uint32_t n; /* elements in flight */
    struct vq_kept *kept;
    const char *broken;
};

struct step {
    uint8_t what, which;
    uint16_t at;
    uint32_t value;
};

static void must(bool x)
{
    if (!x)
        abort();
}

/* ---- the driver ---- */

/* Mostly an address in memory, now and then at its edges, or nowhere. */
static uint64_t some_address(uint32_t v)
{
    uint64_t at = v >> 6;
    switch (v % 64) {
    case 60:
        return at << 38 | v;
    case 61:
        return RIG_EDGE - at % 256;
    case 62:
        return RIG_END - at % 256;
    case 63:
        return RIG_BASE + at % RINGS; /* the rings themselves */
    default:
        return RIG_BASE + RINGS + at % BUFFERS;
    }
}

static uint32_t some_length(uint32_t v)
{
    return v % 61 == 0 ? v : v % 7 * 16;
}

static void write_desc(struct machine *m, const struct step *s)
{
    uint8_t d[16];
    uint64_t table = s->what & 0x80 ? RIG_BASE + RINGS : m->c.desc;
    put_le64(d, some_address(s->value));
    put_le32(d + 8, some_length(s->value));
    put_le16(d + 12, m->c.flags & TN_VQ_PACKED ? s->which : s->at & 7);
    put_le16(d + 14, m->c.flags & TN_VQ_PACKED ? s->at & 0x8087 : s->which % MAX_SIZE);
    rig_put(&m->rig, table + 16 * (uint64_t)(s->value % MAX_SIZE), d, sizeof d);
}

/* The available index moves on, mostly by one. */
static void offer(struct machine *m, const struct step *s)
{
    uint8_t b[2];
    rig_get(&m->rig, m->c.driver + 2, b, 2);
    uint16_t idx = get_le16(b);
    put_le16(b, s->which % (MAX_SIZE + 1));
    rig_put(&m->rig, m->c.driver + 4 + 2 * (uint64_t)(idx % m->c.size), b, 2);
    put_le16(b, (uint16_t)(idx + (s->at & 0xf00 ? 1 : s->at)));
    rig_put(&m->rig, m->c.driver + 2, b, 2);
}

static void poke(struct machine *m, const struct step *s)
{
    uint8_t b[4];
    put_le32(b, s->value);
    rig_put(&m->rig, RIG_BASE + s->at % (RINGS - 4), b, sizeof b);
}

/* ---- the device ---- */

static bool inside(const struct machine *m, const uint8_t *at, uint64_t len)
{
    for (uint32_t i = 0; i < 2; i++)
        if (at >= m->rig.half[i] && len <= RIG_HALF && at + len <= m->rig.half[i] + RIG_HALF)
            return true;
    return m->rig.how & RIG_NO_MAP; /* a copy */
}

static void look_at(struct machine *m, struct vq_elem *el)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < el->nout + el->nin; i++) {
        must(el->iov[i].len && inside(m, el->iov[i].base, el->iov[i].len));
        sum += el->iov[i].len;
    }
    must(sum == el->out_len + el->in_len);
    uint8_t buf[64];
    vq_read(vq_out(el), el->nout, 0, buf, sizeof buf);
    vq_fill(vq_in(el), el->nin, 0, 0x55, sizeof buf);
}

static void pop(struct machine *m)
{
    void *els[2];
    uint32_t n = m->n + 2 <= MAX_SIZE ? vq_pop_some(&m->q, els, 2) : 0;
    for (uint32_t i = 0; i < n; i++) {
        look_at(m, els[i]);
        m->el[m->n++] = els[i];
    }
}

static struct vq_elem *take(struct machine *m, uint32_t which)
{
    struct vq_elem **at = &m->el[which % m->n], *el = *at;
    *at = m->el[--m->n];
    return el;
}

static void give(struct machine *m, const struct step *s)
{
    if (!m->n)
        return;
    if (m->n > 2 && s->which & 0x80) {
        void *els[] = {take(m, s->which), take(m, s->at)};
        vq_push_some(&m->q, els, (uint32_t[]){s->value, s->at}, 2);
    } else if (s->what & 0x80)
        vq_drop(&m->q, take(m, s->which));
    else
        vq_push(&m->q, take(m, s->which), s->value);
}

static void keep(struct machine *m, const struct step *s)
{
    if (m->kept) {
        struct vq_elem *el = m->n < MAX_SIZE ? vq_retake(&m->q, m->kept) : NULL;
        if (el)
            m->el[m->n++] = el;
        free(m->kept);
        m->kept = NULL;
    } else if (m->n) {
        struct vq_elem *el = take(m, s->which);
        m->kept = vq_keep(&m->q, el);
        if (!m->kept)
            vq_drop(&m->q, el);
    }
}

static void peek(struct machine *m)
{
    struct vq_elem *el = vq_pop(&m->q);
    if (el) {
        look_at(m, el);
        vq_unpop(&m->q, el);
    }
    vq_room(&m->q, 4096);
}

static void restart(struct machine *m, const struct step *s)
{
    struct tn_vq c = m->c;
    struct vq_place saved = {s->at, (uint16_t)s->value};
    vq_publish(&m->q);
    struct vq_place p = s->what & 0x80 ? saved : vq_place(&m->q);
    vq_stop(&m->q);
    c.flags |= s->which & 7 ? TN_VQ_RESTORE : 0;
    m->broken = NULL;
    if (vq_start(&m->q, &c, &rig_dma, rig_as(&m->rig), NULL, &p) < 0)
        must(!vq_start(&m->q, &m->c, &rig_dma, rig_as(&m->rig), NULL, NULL));
}

/* ---- steps ---- */

static void check(struct machine *m)
{
    must(!m->broken || m->q.broken == m->broken);
    m->broken = m->q.broken;
    must(m->q.inflight <= m->n && m->q.ndesc <= m->q.size);
    must(!m->broken || (!vq_pop(&m->q) && !vq_publish(&m->q)));
}

static void run(struct machine *m, const struct step *s)
{
    switch (s->what % 12) {
    case 0 ... 2:
        write_desc(m, s);
        break;
    case 3 ... 4:
        offer(m, s);
        break;
    case 5:
        poke(m, s);
        break;
    case 6:
        pop(m);
        break;
    case 7:
        give(m, s);
        break;
    case 8:
        vq_publish(&m->q);
        if (!vq_kicks(&m->q, s->which & 1) && s->which & 1 && !m->q.broken)
            must(m->q.avail_seen != m->q.avail || m->q.ahead || vq_empty(&m->q) || m->q.broken);
        break;
    case 9:
        keep(m, s);
        break;
    case 10:
        peek(m);
        break;
    default:
        restart(m, s);
    }
    m->rig.map_again = s->value % 16 == 0;
}

static void begin(struct machine *m, const struct step *s)
{
    static const uint8_t sizes[] = {1, 2, 4, 8, 32};
    static const uint8_t odd[] = {1, 3, 7, 8, 31};
    static const uint32_t how[] = {0, 0, RIG_NO_VIEW, RIG_NO_VIEW | RIG_NO_MAP, RIG_NO_RINGS};
    bool packed = s->what & 1;
    m->rig.how = how[s->which % 5];
    m->rig.current = m->rig.how & RIG_NO_VIEW ? NULL : &m->rig.view;
    m->rig.map_again = 0;
    memset(rig_at(&m->rig, RIG_BASE), 0, RINGS + BUFFERS);
    rig_log(&m->rig, s->value & 1);
    m->c = (struct tn_vq){
        .flags = (packed ? TN_VQ_PACKED : 0) | (s->what & 2 ? TN_VQ_EVENT_IDX : 0) |
                 (s->what & 12 ? TN_VQ_INDIRECT : 0) | (s->what & 16 ? TN_VQ_IN_ORDER : 0),
        .size = packed ? odd[s->at % 5] : sizes[s->at % 5],
        .desc = RIG_BASE,
        .driver = RIG_BASE + 0x400,
        .device = RIG_BASE + 0x800};
    vq_init(&m->q, sizeof(struct vq_elem), 2);
    must(!vq_start(&m->q, &m->c, &rig_dma, rig_as(&m->rig), NULL, NULL));
}

static void end(struct machine *m)
{
    while (m->n)
        vq_push(&m->q, take(m, 0), ~0u);
    must(!m->q.inflight);
    vq_stop(&m->q);
    vq_fini(&m->q);
    must(!m->rig.mapped && !m->q.bounced);
    free(m->kept);
    m->kept = NULL;
    m->broken = NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct machine m;

    if (!m.rig.half[0])
        rig_init(&m.rig, 0);
    for (bool begun = false;; data += 8, size -= 8, begun = true) {
        if (size < 8) {
            if (begun)
                end(&m);
            return 0;
        }
        struct step s = {data[0], data[1], get_le16(data + 2), get_le32(data + 4)};
        if (!begun) {
            begin(&m, &s);
        } else {
            run(&m, &s);
            check(&m);
        }
    }
}
