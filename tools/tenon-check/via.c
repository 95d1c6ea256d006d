/* SPDX-License-Identifier: BSD-2-Clause */
#include "via.h"
#include "host_pci.h"
#include <linux/pci_regs.h>
#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_pci.h>

enum {
    MMIO_MAGIC = 0x74726976,
    MMIO_QUEUE_RESET = 0x0c0, /* 4.2.2; newer than <linux/virtio_mmio.h> */
    F_NOTIFICATION_DATA = 38,
    F_RING_RESET = 40,
    CAPS_MAX = 48
};

/* What both transports have, each at its place: 4.1.4.3, 4.2.2. */
enum reg {
    DEVICE_FEATURES_SEL,
    DEVICE_FEATURES,
    DRIVER_FEATURES_SEL,
    DRIVER_FEATURES,
    STATUS,
    QUEUE_SEL,
    QUEUE_MAX,
    QUEUE_SIZE,
    QUEUE_ENABLE,
    QUEUE_RESET,
    QUEUE_DESC, /* the three addresses are pairs of 32 bits */
    QUEUE_DRIVER,
    QUEUE_DEVICE,
    REGS
};
struct reg_at {
    uint16_t off;
    uint8_t size;
};

static const struct reg_at pci_regs[REGS] = {
    [DEVICE_FEATURES_SEL] = {VIRTIO_PCI_COMMON_DFSELECT, 4},
    [DEVICE_FEATURES] = {VIRTIO_PCI_COMMON_DF, 4},
    [DRIVER_FEATURES_SEL] = {VIRTIO_PCI_COMMON_GFSELECT, 4},
    [DRIVER_FEATURES] = {VIRTIO_PCI_COMMON_GF, 4},
    [STATUS] = {VIRTIO_PCI_COMMON_STATUS, 1},
    [QUEUE_SEL] = {VIRTIO_PCI_COMMON_Q_SELECT, 2},
    [QUEUE_MAX] = {VIRTIO_PCI_COMMON_Q_SIZE, 2},
    [QUEUE_SIZE] = {VIRTIO_PCI_COMMON_Q_SIZE, 2},
    [QUEUE_ENABLE] = {VIRTIO_PCI_COMMON_Q_ENABLE, 2},
    [QUEUE_RESET] = {VIRTIO_PCI_COMMON_Q_RESET, 2},
    [QUEUE_DESC] = {VIRTIO_PCI_COMMON_Q_DESCLO, 4},
    [QUEUE_DRIVER] = {VIRTIO_PCI_COMMON_Q_AVAILLO, 4},
    [QUEUE_DEVICE] = {VIRTIO_PCI_COMMON_Q_USEDLO, 4},
};
static const struct reg_at mmio_regs[REGS] = {
    [DEVICE_FEATURES_SEL] = {VIRTIO_MMIO_DEVICE_FEATURES_SEL, 4},
    [DEVICE_FEATURES] = {VIRTIO_MMIO_DEVICE_FEATURES, 4},
    [DRIVER_FEATURES_SEL] = {VIRTIO_MMIO_DRIVER_FEATURES_SEL, 4},
    [DRIVER_FEATURES] = {VIRTIO_MMIO_DRIVER_FEATURES, 4},
    [STATUS] = {VIRTIO_MMIO_STATUS, 4},
    [QUEUE_SEL] = {VIRTIO_MMIO_QUEUE_SEL, 4},
    [QUEUE_MAX] = {VIRTIO_MMIO_QUEUE_NUM_MAX, 4},
    [QUEUE_SIZE] = {VIRTIO_MMIO_QUEUE_NUM, 4},
    [QUEUE_ENABLE] = {VIRTIO_MMIO_QUEUE_READY, 4},
    [QUEUE_RESET] = {MMIO_QUEUE_RESET, 4},
    [QUEUE_DESC] = {VIRTIO_MMIO_QUEUE_DESC_LOW, 4},
    [QUEUE_DRIVER] = {VIRTIO_MMIO_QUEUE_AVAIL_LOW, 4},
    [QUEUE_DEVICE] = {VIRTIO_MMIO_QUEUE_USED_LOW, 4},
};

/* A structure of the transport: where, and how long. */
struct window {
    struct place p;
    uint64_t at, len;
};
struct via {
    struct vport v; /* first */
    const struct reg_at *reg;
    struct window common, notify, config;
    uint32_t notify_step; /* bytes; 0: one register for all queues */
    uint16_t *notify_off; /* PCI: queue_notify_off of each queue */
};

static struct via *via_of(struct vport *v)
{
    return (struct via *)(void *)v;
}

static uint32_t rd(struct vport *v, enum reg r)
{
    const struct via *x = via_of(v);
    return (uint32_t)place_read(&x->common.p, x->common.at + x->reg[r].off, x->reg[r].size);
}

static void wr(struct vport *v, enum reg r, uint32_t value)
{
    const struct via *x = via_of(v);
    place_write(&x->common.p, x->common.at + x->reg[r].off, value, x->reg[r].size);
}

static void wr64(struct vport *v, enum reg r, uint64_t value)
{
    const struct via *x = via_of(v);
    place_write(&x->common.p, x->common.at + x->reg[r].off, (uint32_t)value, 4);
    place_write(&x->common.p, x->common.at + x->reg[r].off + 4, value >> 32, 4);
}

static int agreed(const struct vport *v, int bit)
{
    return (v->agreed[bit / 64] >> bit % 64) & 1;
}

/* ---- finding it ---- */

static int bar_place(struct dev *d, uint32_t bar, struct place *out)
{
    for (uint32_t n = 0; pci_place(d, &(uint32_t){n}, out); n++)
        if (out->bar == bar)
            return 1;
    return 0;
}

/* 4.1.4: vendor-specific capabilities, the first of a type is the one to use. */
static int pci_window(struct dev *d, uint32_t type, struct window *w, uint32_t *cap)
{
    uint32_t at = d->pci->cfg[PCI_CAPABILITY_LIST], n = 0;
    for (; at && n < CAPS_MAX; at = d->pci->cfg[at + 1], n++) {
        if (d->pci->cfg[at] != PCI_CAP_ID_VNDR ||
            pci_cfg_read(d, at + VIRTIO_PCI_CAP_CFG_TYPE, 1) != type ||
            !bar_place(d, pci_cfg_read(d, at + VIRTIO_PCI_CAP_BAR, 1), &w->p))
            continue;
        w->at = pci_cfg_read(d, at + VIRTIO_PCI_CAP_OFFSET, 4);
        w->len = pci_cfg_read(d, at + VIRTIO_PCI_CAP_LENGTH, 4);
        *cap = at;
        return 1;
    }
    return 0;
}

static int open_pci(struct via *x, struct dev *d)
{
    uint32_t cap;
    if (!pci_window(d, VIRTIO_PCI_CAP_COMMON_CFG, &x->common, &cap) ||
        !pci_window(d, VIRTIO_PCI_CAP_NOTIFY_CFG, &x->notify, &cap))
        return 0;
    x->notify_step = pci_cfg_read(d, cap + sizeof(struct virtio_pci_cap), 4);
    pci_window(d, VIRTIO_PCI_CAP_DEVICE_CFG, &x->config, &cap);
    x->reg = pci_regs;
    x->v.setup.nqueues =
        (uint32_t)place_read(&x->common.p, x->common.at + VIRTIO_PCI_COMMON_NUMQ, 2);
    return 1;
}

static uint32_t count_queues(struct via *x)
{
    uint32_t n = 0;
    for (; n < VPORT_QUEUES; n++) {
        wr(&x->v, QUEUE_SEL, n);
        if (!rd(&x->v, QUEUE_MAX))
            break;
    }
    return n;
}

static int open_mmio(struct via *x, struct dev *d)
{
    for (uint32_t n = 0; host_place(d->h, n, &x->common.p); n++)
        if (x->common.p.d == d && place_read(&x->common.p, 0, 4) == MMIO_MAGIC &&
            place_read(&x->common.p, VIRTIO_MMIO_VERSION, 4) == 2) {
            x->reg = mmio_regs;
            x->notify = x->config = x->common;
            x->notify.at = VIRTIO_MMIO_QUEUE_NOTIFY;
            x->config.at = VIRTIO_MMIO_CONFIG;
            x->config.len = x->common.p.size - VIRTIO_MMIO_CONFIG;
            x->v.setup.nqueues = count_queues(x);
            return 1;
        }
    return 0;
}

static void read_queues(struct via *x)
{
    struct vport *v = &x->v;
    v->q = xcalloc(v->setup.nqueues + 1, sizeof *v->q);
    x->notify_off = xcalloc(v->setup.nqueues + 1, sizeof *x->notify_off);
    for (uint32_t q = 0; q < v->setup.nqueues; q++) {
        wr(v, QUEUE_SEL, q);
        v->q[q] = (struct vport_queue){.max = (uint16_t)rd(v, QUEUE_MAX), .kick = -1, .call = -1};
        if (x->reg == pci_regs)
            x->notify_off[q] =
                (uint16_t)place_read(&x->common.p, x->common.at + VIRTIO_PCI_COMMON_Q_NOFF, 2);
    }
}

static void read_features(struct vport *v)
{
    for (uint32_t i = 0; i < 2 * TN_VIRTIO_FEATURE_WORDS; i++) {
        wr(v, DEVICE_FEATURES_SEL, i);
        v->offered[i / 2] |= (uint64_t)rd(v, DEVICE_FEATURES) << 32 * (i % 2);
    }
}

static void via_release(struct res *r)
{
    struct vport *v = r->d->guest;
    free(v->q);
    free(via_of(v)->notify_off);
    free(v);
    r->d->guest = NULL;
}

struct vport *via_port(struct dev *d)
{
    if (d->guest || !d->inner || strcmp(d->inner_bus, TN_VIRTIO_BUS) != 0)
        return d->guest;
    struct via *x = XNEW(struct via);
    if (!(d->pci ? open_pci(x, d) : open_mmio(x, d))) {
        free(x);
        return NULL;
    }
    x->v.d = d;
    x->v.via = 1;
    x->v.is_setup = 1;
    x->v.ops = d->inner->pub.cls->bus_ops;
    x->v.child = *(const struct tn_virtio_child *)d->inner->child;
    x->v.as = d->h->parts->system; /* without ACCESS_PLATFORM addresses are the memory's (6.1) */
    x->v.setup.device_id = x->v.ops->device_id;
    x->v.setup.config_len = (uint32_t)x->config.len;
    read_queues(x);
    read_features(&x->v);
    d->guest = &x->v;
    res_new(d, "the suite's own driver", sizeof(struct res), via_release);
    return d->guest;
}

/* ---- a driver's steps: 3.1.1 ---- */

static int device_is_reset(void *o)
{
    return !rd(o, STATUS);
}

/* 2.4.2: the driver waits until it reads 0. */
static void write_status_0(struct vport *v)
{
    wr(v, STATUS, 0);
    if (!host_wait(v->d->h, host_patience(v->d->h), device_is_reset, v))
        check_fail(check_current(), "status 0 was written and is never read [virtio 1.3 2.4.2]");
    for (uint32_t q = 0; q < v->setup.nqueues; q++)
        v->q[q].running = 0;
    v->status = 0;
}

void via_reset(struct vport *v)
{
    write_status_0(v);
    memset(v->agreed, 0, sizeof v->agreed);
}

int via_negotiate(struct vport *v)
{
    write_status_0(v);
    v->status = VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER;
    wr(v, STATUS, v->status);
    for (uint32_t i = 0; i < 2 * TN_VIRTIO_FEATURE_WORDS; i++) {
        wr(v, DRIVER_FEATURES_SEL, i);
        wr(v, DRIVER_FEATURES, (uint32_t)(v->agreed[i / 2] >> 32 * (i % 2)));
    }
    wr(v, STATUS, v->status | VIRTIO_CONFIG_S_FEATURES_OK);
    if (!(rd(v, STATUS) & VIRTIO_CONFIG_S_FEATURES_OK))
        return -EINVAL;
    v->status |= VIRTIO_CONFIG_S_FEATURES_OK;
    return 0;
}

/* 4.1.5.1.2: a vector of its own for each queue, as far as they go. */
static void give_vector(struct vport *v, uint32_t q)
{
    const struct via *x = via_of(v);
    const struct pci_fn *f = v->d->pci;
    if (f && f->mode == TN_IRQ_MSIX)
        place_write(&x->common.p, x->common.at + VIRTIO_PCI_COMMON_Q_MSIX, q % f->msix_n, 2);
}

int via_start(struct vport *v, uint32_t q)
{
    struct vport_queue *k = &v->q[q];
    wr(v, QUEUE_SEL, q);
    wr(v, QUEUE_SIZE, k->size);
    wr64(v, QUEUE_DESC, k->desc);
    wr64(v, QUEUE_DRIVER, k->driver);
    wr64(v, QUEUE_DEVICE, k->device);
    give_vector(v, q);
    wr(v, QUEUE_ENABLE, 1);
    k->running = 1;
    return 0;
}

void via_ready(struct vport *v)
{
    v->status |= VIRTIO_CONFIG_S_DRIVER_OK;
    wr(v, STATUS, v->status);
}

void via_kick(struct vport *v, uint32_t q, uint32_t data)
{
    const struct via *x = via_of(v);
    uint64_t at = x->notify.at + (uint64_t)x->notify_off[q] * x->notify_step;
    int with_data = agreed(v, F_NOTIFICATION_DATA);
    uint32_t value = with_data ? q | data << 16 : q;
    place_write(&x->notify.p, at, value, with_data || x->reg == mmio_regs ? 4 : 2);
}

struct wanted {
    struct vport *v;
    uint32_t q;
};

static int queue_is_reset(void *o)
{
    const struct wanted *w = o;
    wr(w->v, QUEUE_SEL, w->q);
    return !rd(w->v, QUEUE_RESET) && !rd(w->v, QUEUE_ENABLE);
}

/* 2.6.1 */
int via_stop(struct vport *v, uint32_t q)
{
    struct wanted w = {v, q};
    if (!agreed(v, F_RING_RESET))
        return -ENOTSUP;
    wr(v, QUEUE_SEL, q);
    wr(v, QUEUE_RESET, 1);
    if (!host_wait(v->d->h, host_patience(v->d->h), queue_is_reset, &w))
        check_fail(check_current(), "queue_reset of queue %u is never done [virtio 1.3 2.6.1]", q);
    v->q[q].running = 0;
    return 0;
}

/* 4.1.3.1: in pieces of their natural width */
void via_config_read(struct vport *v, uint32_t off, void *buf, uint32_t len)
{
    const struct window *w = &via_of(v)->config;
    for (uint32_t i = 0; i < len; i++)
        ((uint8_t *)buf)[i] = (uint8_t)place_read(&w->p, w->at + off + i, 1);
}

void via_config_write(struct vport *v, uint32_t off, const void *buf, uint32_t len)
{
    const struct window *w = &via_of(v)->config;
    for (uint32_t i = 0; i < len; i++)
        place_write(&w->p, w->at + off + i, ((const uint8_t *)buf)[i], 1);
}

int via_broken(struct vport *v)
{
    return (rd(v, STATUS) & VIRTIO_CONFIG_S_NEEDS_RESET) != 0;
}
