/* SPDX-License-Identifier: BSD-2-Clause */
#include "virtio_drive.h"
#include "stand_in.h"
#include "util/bytes.h"
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>

enum {
    RINGS_AT = 0x20000,
    RING_PITCH = 0x14000,
    DESCS = 32,
    WAIT_MS = 3000,
    FRAME = 96,
    SLACK = 0x10000
};
#define NOWHERE 0x700000000000u /* no memory, and no multiple of what is */

struct dev *vdrive_start(struct check *c, struct host **h, uint64_t features)
{
    const struct tn_virtio_ops *o = c->pair ? c->pair->child->bus_ops : c->cls->bus_ops;
    *h = *h ? *h : host_new(c);
    struct dev *d = check_make(c, h);
    if (o && o->flags & TN_VIO_NO_PACKED)
        features &= ~((uint64_t)1 << VIRTIO_F_RING_PACKED);
    vport_allow(d, features & ~((uint64_t)1 << VIRTIO_F_ACCESS_PLATFORM));
    check_run(c, d);
    vport_of(d); /* while its registers can be reached */
    return d;
}

struct vdrive *vdrive_new(void)
{
    return XNEW(struct vdrive);
}

void vdrive_free(struct vdrive *x)
{
    free(x);
}

static void open_ring(struct vdrive *x, uint32_t q)
{
    int r = dring_open(&x->ring[q], x->v, q, DESCS, RINGS_AT + (uint64_t)q * RING_PITCH);
    if (r < 0)
        x->v->broken = 1; /* "-errno: the device is broken": where it cannot reach its rings */
}

static uint32_t type_of(const struct vdrive *x)
{
    return x->v->setup.device_id ? x->v->setup.device_id : x->v->ops->device_id;
}

static int agreed(const struct vdrive *x, int bit)
{
    return (x->v->agreed[0] >> bit) & 1;
}

/* Of a network device one pair of queues, and the control queue (5.1.2). */
static uint32_t queues(const struct vdrive *x)
{
    uint32_t n = x->v->setup.nqueues < VDRIVE_QUEUES ? x->v->setup.nqueues : VDRIVE_QUEUES;
    return type_of(x) != VIRTIO_ID_NET ? n : agreed(x, VIRTIO_NET_F_CTRL_VQ) ? 3 : 2;
}

void vdrive_open(struct vdrive *x, struct check *c, struct dev *d, uint64_t wanted)
{
    uint64_t f[2] = {wanted | (uint64_t)1 << VIRTIO_F_VERSION_1, 0};
    x->c = c;
    x->d = d;
    x->v = vport_of(d);
    if (!x->v)
        check_skip(c, "the suite has no driver for its transport");
    if (type_of(x) == VIRTIO_ID_NET)
        f[0] &= ~((uint64_t)1 << VIRTIO_NET_F_MQ | (uint64_t)1 << VIRTIO_NET_F_RSS);
    x->v->status = 0;
    if (vport_negotiate(x->v, f) < 0)
        check_skip(c, "features 0x%llx are refused", (unsigned long long)f[0]);
    x->n = queues(x);
    for (uint32_t q = 0; q < x->n; q++)
        open_ring(x, q);
    vport_ready(x->v);
}

void vdrive_reopen(struct vdrive *x, uint32_t q)
{
    open_ring(x, q);
}

void vdrive_follow(struct vdrive *y, const struct vdrive *x, struct dev *d)
{
    *y = *x;
    y->d = d;
    y->v = vport_of(d);
    for (uint32_t q = 0; q < y->n; q++)
        y->ring[q].v = y->v;
    memcpy(host_ram(d->h, 0, RAM_LOW), host_ram(x->d->h, 0, RAM_LOW), RAM_LOW);
    if (vport_follow(y->v, x->v) < 0)
        check_fail(y->c, "features that were agreed on are refused when they are loaded");
}

/* ---- requests ---- */

/* Queues whose buffers come back by themselves, without anything from outside. */
static int answers(const struct vdrive *x, uint32_t q)
{
    switch (type_of(x)) {
    case VIRTIO_ID_BLOCK:
        return 1;
    case VIRTIO_ID_NET:
        return q % 2 == 1;
    default:
        return 0; /* entropy may be out, a port may be closed */
    }
}

struct request {
    struct vbuf b[DRING_BUFS];
    uint32_t n;
    uint8_t data[DRING_BUF_MAX];
};

static void piece(struct request *r, uint32_t len, uint32_t write)
{
    r->b[r->n++] = (struct vbuf){len, write};
}

/* 5.2.6: IN, OUT, FLUSH, GET_ID, sectors within the first 64 KiB */
static void block_request(struct vdrive *x, struct request *r)
{
    static const uint8_t kinds[] = {0, 1, 4, 8};
    uint8_t kind = kinds[rng_below(&x->c->rng, 4)];
    r->data[0] = kind;
    r->data[8] = (uint8_t)rng_below(&x->c->rng, 100);
    piece(r, 16, 0);
    if (kind == 0 || kind == 1) {
        piece(r, 512, kind == 0);
        if (rng_below(&x->c->rng, 2))
            piece(r, 512, kind == 0);
    } else if (kind == 8) {
        piece(r, 20, 1);
    }
    piece(r, 1, 1);
}

/* 5.1.6: a header and a frame; room for one. 5.1.6.5: a command of a class that there is not. */
static void net_request(uint32_t q, struct request *r)
{
    if (q % 2 == 1) {
        piece(r, 12, 0);
        piece(r, FRAME, 0);
    } else if (q == 2) {
        r->data[0] = 0xee;
        piece(r, 2, 0);
        piece(r, 1, 0);
        piece(r, 1, 1);
    } else {
        piece(r, 1600, 1);
    }
}

static void make(struct vdrive *x, uint32_t q, struct request *r)
{
    *r = (struct request){0};
    switch (type_of(x)) {
    case VIRTIO_ID_BLOCK:
        block_request(x, r);
        break;
    case VIRTIO_ID_NET:
        net_request(q, r);
        break;
    case VIRTIO_ID_CONSOLE:
        piece(r, 64, q % 2 == 0);
        break;
    case VIRTIO_ID_RNG:
        piece(r, 1 + rng_below(&x->c->rng, 64), 1);
        break;
    default:
        piece(r, 64, 0);
        piece(r, 64, 1);
    }
}

static void give(struct vdrive *x, uint32_t q, struct request *r)
{
    uint32_t indirect =
        (uint32_t)agreed(x, VIRTIO_RING_F_INDIRECT_DESC) && rng_below(&x->c->rng, 2);
    dring_add(&x->ring[q], r->b, r->n, r->data, indirect);
}

void vdrive_give(struct vdrive *x)
{
    for (uint32_t q = 0; q < x->n; q++) {
        struct request r;
        if (!x->v->q[q].running)
            continue;
        for (uint32_t n = rng_below(&x->c->rng, 6); n; n--) {
            make(x, q, &r);
            give(x, q, &r);
        }
        vport_kick(x->v, q, q);
    }
}

void vdrive_random_requests(struct vdrive *x)
{
    struct rng *rng = &x->c->rng;
    uint32_t q = rng_below(rng, x->n);
    struct request r = {0};
    if (!x->v->q[q].running)
        return;
    for (uint32_t n = 1 + rng_below(rng, 6), writes = 0; n; n--) {
        writes |= !rng_below(rng, 3);
        piece(&r, rng_below(rng, 4) ? rng_below(rng, 32) : rng_below(rng, 300), writes);
    }
    for (size_t i = 0; i < sizeof r.data; i++)
        r.data[i] = rng_below(rng, 2) ? (uint8_t)rng_below(rng, 4) : (uint8_t)rng_next(rng);
    give(x, q, &r);
    vport_kick(x->v, q, q);
}

void vdrive_outside(struct vdrive *x)
{
    struct host *h = x->d->h;
    struct tn_net *net = stand_in_of(h, TN_P_NETDEV, 0);
    struct tn_chr *chr = stand_in_of(h, TN_P_CHARDEV, 0);
    uint8_t frame[FRAME] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 8, 0};
    if (net)
        net_packet(net, 0, frame, sizeof frame);
    if (net && !rng_below(&x->c->rng, 8))
        for (uint32_t up = 0; up <= 1; up++)
            net_link(net, up);
    if (chr)
        chr_type(chr, frame, 8);
}

/* ---- what comes back ---- */

static void take(struct vdrive *x)
{
    for (uint32_t q = 0; q < x->n; q++)
        if (x->ring[q].v && !vport_broken(x->v))
            dring_take(&x->ring[q]);
}

void vdrive_traffic(struct vdrive *x, uint32_t n)
{
    while (n--) {
        vdrive_give(x);
        if (rng_below(&x->c->rng, 2))
            vdrive_outside(x);
        host_run(x->d->h, 100000);
        take(x);
    }
}

static int all_done(void *o)
{
    struct vdrive *x = o;
    take(x);
    for (uint32_t q = 0; q < x->n; q++)
        if (answers(x, q) && dring_live(&x->ring[q]))
            return 0;
    return 1;
}

void vdrive_expect_done(struct vdrive *x)
{
    if (vport_broken(x->v))
        check_fail(x->c,
                   "it says NEEDS_RESET, though the driver did nothing wrong [virtio 1.3 2.1.2]");
    int done = host_wait(x->d->h, WAIT_MS, all_done, x);
    for (uint32_t q = 0; q < x->n; q++)
        if (x->ring[q].v)
            dring_check_ours(&x->ring[q]);
    if (!done)
        for (uint32_t q = 0; q < x->n; q++)
            if (answers(x, q) && dring_live(&x->ring[q]))
                check_fail(x->c, "%u requests of queue %u are never answered",
                           dring_live(&x->ring[q]), q);
}

/* ---- what no driver may do ---- */

static uint64_t sum_outside(const struct vdrive *x)
{
    uint64_t end = RINGS_AT + (uint64_t)x->n * RING_PITCH + SLACK, s = 1;
    const uint8_t *p = host_ram(x->d->h, 0, RAM_LOW);
    for (uint64_t i = 0; i < RAM_LOW; i += 8) {
        uint64_t w;
        if (i == RINGS_AT)
            i = end;
        memcpy(&w, p + i, 8);
        s = (s ^ w) * 0x9e3779b97f4a7c15u;
        s ^= s >> 31;
    }
    return s;
}

static void scribble(struct vdrive *x, struct dring *r)
{
    struct rng *rng = &x->c->rng;
    uint64_t at = r->desc + rng_below(rng, r->size) * 16;
    r->scribbled = 1;
    switch (rng_below(rng, 7)) {
    case 0: /* a loop: the chain leads to itself */
        put_le16(dring_at(r, at, 16) + 14, (uint16_t)((at - r->desc) / 16));
        put_le16(dring_at(r, at, 16) + 12, VRING_DESC_F_NEXT);
        break;
    case 1: /* beyond the table */
        put_le16(dring_at(r, at, 16) + 14, (uint16_t)(r->size + rng_below(rng, 60000)));
        put_le16(dring_at(r, at, 16) + 12, VRING_DESC_F_NEXT);
        break;
    case 2: /* where there is no memory */
        put_le64(dring_at(r, at, 16), NOWHERE | rng_value(rng));
        break;
    case 3: /* of no length, or longer than what it was, within what is ours */
        put_le32(dring_at(r, at, 16) + 8, rng_below(rng, 2) ? 0 : rng_below(rng, SLACK));
        break;
    case 4: /* a table in a table, or of no length that is a table's */
        put_le16(dring_at(r, at, 16) + 12, (uint16_t)(VRING_DESC_F_INDIRECT | rng_below(rng, 4)));
        break;
    case 5: /* more is available than fits */
        put_le16(dring_at(r, r->driver + 2, 2),
                 (uint16_t)(r->avail + r->size + 1 + rng_below(rng, 60000)));
        break;
    default: /* a head beyond the table */
        put_le16(dring_at(r, r->driver + 4 + 2 * rng_below(rng, r->size), 2),
                 (uint16_t)rng_value(rng));
    }
}

void vdrive_break(struct vdrive *x)
{
    uint32_t q = rng_below(&x->c->rng, x->n);
    struct dring *r = &x->ring[q];
    uint64_t before = sum_outside(x);
    vdrive_give(x);
    for (uint32_t i = 0; i < 8; i++)
        scribble(x, r);
    vport_kick(x->v, q, q);
    host_run(x->d->h, 1000000);
    vdrive_outside(x);
    host_run(x->d->h, 1000000);
    if (sum_outside(x) != before)
        check_fail(
            x->c,
            "memory that the driver never gave was written, after a broken ring [virtio 1.3 2.6]");
}
