/* SPDX-License-Identifier: BSD-2-Clause */
/* The modern interface (4.1.4): one memory BAR with the common configuration, ISR status, the
 * device configuration and the doorbells. */
#include "util/bytes.h"
#include "vpci.h"

/* ---- common configuration (4.1.4.3) ---- */

static uint64_t low(uint64_t v)
{
    return (uint32_t)v;
}

/* A register of the selected queue; 0 all over where there is none: queue_size 0 says so. */
static uint64_t queue_read(struct vpci *p, uint32_t off)
{
    const struct vt_queue *q = vt_selected(&p->vt);
    if (!q)
        return off == VPCI_QUEUE_VECTOR ? VIRTIO_NO_VECTOR : 0;
    switch (off) {
    case VPCI_QUEUE_SIZE:
        return q->size;
    case VPCI_QUEUE_VECTOR:
        return q->vector;
    case VPCI_QUEUE_ENABLE:
        return q->enabled;
    case VPCI_QUEUE_NOTIFY_OFF:
    case VPCI_QUEUE_NOTIF_DATA:
        return p->vt.queue_select;
    case VPCI_QUEUE_DESC:
        return low(q->desc);
    case VPCI_QUEUE_DESC + 4:
        return q->desc >> 32;
    case VPCI_QUEUE_DRIVER:
        return low(q->driver);
    case VPCI_QUEUE_DRIVER + 4:
        return q->driver >> 32;
    case VPCI_QUEUE_DEVICE:
        return low(q->device);
    case VPCI_QUEUE_DEVICE + 4:
        return q->device >> 32;
    case VPCI_QUEUE_RESET:
        return q->resetting;
    default:
        return 0;
    }
}

static uint64_t common_read(struct vpci *p, uint32_t off)
{
    struct vt *v = &p->vt;
    switch (off) {
    case VPCI_DEVICE_FEATURE_SELECT:
        return v->device_feature_select;
    case VPCI_DEVICE_FEATURE:
        return vt_device_features(v, v->device_feature_select);
    case VPCI_DRIVER_FEATURE_SELECT:
        return v->driver_feature_select;
    case VPCI_DRIVER_FEATURE:
        return vt_driver_features(v, v->driver_feature_select);
    case VPCI_CONFIG_VECTOR:
        return p->config_vector;
    case VPCI_NUM_QUEUES:
        return v->nqueues;
    case VPCI_STATUS:
        return vt_status(v);
    case VPCI_GENERATION:
        return vt_generation(v) & 0xff;
    case VPCI_QUEUE_SELECT:
        return v->queue_select;
    default:
        return queue_read(p, off);
    }
}

/* One half of a queue's address. */
static void write_address(struct vpci *p, uint32_t off, uint64_t val)
{
    struct vt_queue *q = vt_selected(&p->vt);
    if (!q)
        return;
    uint64_t *reg = off < VPCI_QUEUE_DRIVER   ? &q->desc
                    : off < VPCI_QUEUE_DEVICE ? &q->driver
                                              : &q->device;
    uint64_t now = off & 4 ? low(*reg) | val << 32 : (*reg & ~(uint64_t)0xffffffffu) | val;
    vt_set_queue_address(&p->vt, reg, now);
}

static void common_write(struct vpci *p, uint32_t off, uint32_t val)
{
    struct vt *v = &p->vt;
    switch (off) {
    case VPCI_DEVICE_FEATURE_SELECT:
        v->device_feature_select = val;
        break;
    case VPCI_DRIVER_FEATURE_SELECT:
        v->driver_feature_select = val;
        break;
    case VPCI_DRIVER_FEATURE:
        vt_set_driver_features(v, v->driver_feature_select, val);
        break;
    case VPCI_CONFIG_VECTOR:
        vpci_set_config_vector(p, val);
        break;
    case VPCI_STATUS:
        vt_set_status(v, val);
        break;
    case VPCI_QUEUE_SELECT:
        v->queue_select = val;
        break;
    case VPCI_QUEUE_SIZE:
        vt_set_queue_size(v, val);
        break;
    case VPCI_QUEUE_VECTOR:
        vpci_set_queue_vector(p, val);
        break;
    case VPCI_QUEUE_ENABLE:
        vt_enable_queue(v, val);
        break;
    case VPCI_QUEUE_RESET:
        vt_reset_queue(v, val);
        break;
    default:
        if (off >= VPCI_QUEUE_DESC && off < VPCI_QUEUE_NOTIF_DATA)
            write_address(p, off, val);
        break;
    }
}

/* Width of the field at off, 64-bit ones in halves; 0: none begins there. 4.1.3.1: an access has
 * the width of its field. */
static uint32_t width(uint32_t off)
{
    if (off == VPCI_STATUS || off == VPCI_GENERATION)
        return 1;
    if (off < VPCI_CONFIG_VECTOR || (off >= VPCI_QUEUE_DESC && off < VPCI_QUEUE_NOTIF_DATA))
        return off % 4 ? 0 : 4;
    return off < VPCI_COMMON_SIZE && off % 2 == 0 ? 2 : 0;
}

/* ---- the BAR ---- */

static void notify(struct vpci *p, uint64_t off, uint32_t val, uint32_t size)
{
    if (off % p->notify_step)
        vt_guest_error(&p->vt, "a notification at 0x%llx is for no queue", (unsigned long long)off);
    else
        vt_notify(&p->vt, (uint32_t)(off / p->notify_step), size == 4 ? val >> 16 : 0);
}

uint64_t vpci_modern_read(struct vpci *p, uint64_t off, uint32_t size)
{
    uint32_t at = off % VPCI_PART_SIZE;
    switch (off - at) {
    case VPCI_COMMON_AT:
        return at < VPCI_COMMON_SIZE ? common_read(p, at) & ones(size) : 0;
    case VPCI_ISR_AT:
        return at ? 0 : vpci_isr_read(p);
    case VPCI_DEVICE_AT:
        return vt_config_read(&p->vt, at, size);
    default:
        return 0;
    }
}

void vpci_modern_write(struct vpci *p, uint64_t off, uint64_t v, uint32_t size)
{
    uint32_t at = off % VPCI_PART_SIZE;
    switch (off - at) {
    case VPCI_COMMON_AT:
        if (size == width(at))
            common_write(p, at, (uint32_t)v);
        else
            vt_guest_error(&p->vt, "%u bytes are written at 0x%x of the common configuration", size,
                           at);
        break;
    case VPCI_ISR_AT:
        break;
    case VPCI_DEVICE_AT:
        vt_config_write(&p->vt, at, v, size);
        break;
    default:
        notify(p, off - VPCI_NOTIFY_AT, (uint32_t)v, size);
        break;
    }
}

static uint64_t bar_read(void *s, uint64_t off, uint32_t size)
{
    return vpci_modern_read(s, off, size);
}

static void bar_write(void *s, uint64_t off, uint64_t v, uint32_t size)
{
    vpci_modern_write(s, off, v, size);
}

const struct tn_region_ops vpci_modern_ops = {.struct_size = sizeof vpci_modern_ops,
                                              .valid_min = 1,
                                              .valid_max = 8,
                                              .impl_min = 1,
                                              .impl_max = 4,
                                              .read = bar_read,
                                              .write = bar_write};

/* ---- modern-pio-notify: one doorbell for all, in I/O space ---- */

static void pio_write(void *s, uint64_t off, uint64_t v, uint32_t size)
{
    struct vpci *p = s;
    if (off == 0 && size >= 2)
        vt_notify(&p->vt, v & 0xffff, size == 4 ? (uint32_t)v >> 16 : 0);
}

static uint64_t pio_read(void *s, uint64_t off, uint32_t size)
{
    (void)s;
    (void)off;
    (void)size;
    return 0;
}

const struct tn_region_ops vpci_pio_ops = {.struct_size = sizeof vpci_pio_ops,
                                           .valid_min = 1,
                                           .valid_max = 4,
                                           .read = pio_read,
                                           .write = pio_write};
