/* SPDX-License-Identifier: BSD-2-Clause */
/* The register window of virtio-mmio, version 2 and 1. */
#include "vmmio.h"

/* ---- interrupt ---- */

void vmmio_interrupt(struct vmmio *m, uint32_t bits)
{
    pthread_mutex_lock(&m->isr_lock);
    m->isr |= bits;
    m->irq->set(m->line, m->isr != 0);
    pthread_mutex_unlock(&m->isr_lock);
}

void vmmio_lower(struct vmmio *m, uint32_t bits)
{
    pthread_mutex_lock(&m->isr_lock);
    m->isr &= ~bits;
    m->irq->set(m->line, m->isr != 0);
    pthread_mutex_unlock(&m->isr_lock);
}

static uint32_t isr(struct vmmio *m)
{
    pthread_mutex_lock(&m->isr_lock);
    uint32_t v = m->isr;
    pthread_mutex_unlock(&m->isr_lock);
    return v;
}

/* ---- reads ---- */

/* A region that is not there has a length and an address of all ones (4.2.2). */
static uint64_t shm_read(struct vmmio *m, uint32_t off)
{
    uint64_t len = ~(uint64_t)0, base = ~(uint64_t)0;
    for (uint32_t i = 0; i < m->vt.nshm; i++)
        if (m->vt.shm[i].id == m->vt.shm_select) {
            len = m->vt.shm[i].len;
            base = m->regions->base(m->shm) + m->vt.shm[i].off;
        }
    switch (off) {
    case VMMIO_SHM_LEN_LOW:
        return (uint32_t)len;
    case VMMIO_SHM_LEN_HIGH:
        return len >> 32;
    case VMMIO_SHM_BASE_LOW:
        return (uint32_t)base;
    default:
        return base >> 32;
    }
}

static uint64_t queue_read(struct vmmio *m, uint32_t off)
{
    const struct vt_queue *q = vt_selected(&m->vt);
    if (!q)
        return 0;
    switch (off) {
    case VMMIO_QUEUE_SIZE_MAX:
        return q->max;
    case VMMIO_QUEUE_READY:
        return q->enabled && !q->resetting;
    default:
        return q->resetting;
    }
}

static uint64_t legacy_read(struct vmmio *m, uint32_t off)
{
    const struct vt_queue *q = vt_selected(&m->vt);
    switch (off) {
    case VMMIO_DEVICE_FEATURES:
        return m->vt.device_feature_select ? 0 : vt_device_features_legacy(&m->vt);
    case VMMIO_QUEUE_SIZE_MAX:
        return queue_read(m, off);
    case VMMIO_QUEUE_PFN:
        return q && q->enabled && !q->resetting ? (uint32_t)(q->desc >> m->page_shift) : 0;
    default:
        return 0;
    }
}

static uint64_t modern_read(struct vmmio *m, uint32_t off)
{
    switch (off) {
    case VMMIO_DEVICE_FEATURES:
        return vt_device_features(&m->vt, m->vt.device_feature_select);
    case VMMIO_QUEUE_SIZE_MAX:
    case VMMIO_QUEUE_READY:
    case VMMIO_QUEUE_RESET:
        return queue_read(m, off);
    case VMMIO_SHM_LEN_LOW:
    case VMMIO_SHM_LEN_HIGH:
    case VMMIO_SHM_BASE_LOW:
    case VMMIO_SHM_BASE_HIGH:
        return shm_read(m, off);
    case VMMIO_CONFIG_GENERATION:
        return vt_generation(&m->vt);
    default:
        return 0;
    }
}

static uint64_t register_read(struct vmmio *m, uint32_t off)
{
    switch (off) {
    case VMMIO_MAGIC:
        return VMMIO_MAGIC_VALUE;
    case VMMIO_VERSION:
        return m->force_legacy ? 1 : 2;
    case VMMIO_DEVICE_ID:
        return m->vt.device_id;
    case VMMIO_VENDOR_ID:
        return VMMIO_VENDOR_VALUE;
    case VMMIO_INTERRUPT_STATUS:
        return isr(m);
    case VMMIO_STATUS:
        return vt_status(&m->vt);
    default:
        return m->force_legacy ? legacy_read(m, off) : modern_read(m, off);
    }
}

/* 4.2.2.2: registers are words; the device configuration is as its fields are. */
static uint64_t region_read(void *s, uint64_t off, uint32_t size)
{
    struct vmmio *m = s;
    if (off >= VMMIO_CONFIG)
        return vt_config_read(&m->vt, off - VMMIO_CONFIG, size);
    if (size != 4) {
        vt_guest_error(&m->vt, "%u bytes are read at 0x%x", size, (unsigned)off);
        return 0;
    }
    return register_read(m, (uint32_t)off);
}

/* ---- writes ---- */

static void write_half(struct vmmio *m, uint64_t *reg, bool high, uint32_t v)
{
    uint64_t now = high ? (uint32_t)*reg | (uint64_t)v << 32 : (*reg & ~(uint64_t)0xffffffffu) | v;
    vt_set_queue_address(&m->vt, reg, now);
}

static void write_address(struct vmmio *m, uint32_t off, uint32_t v)
{
    struct vt_queue *q = vt_selected(&m->vt);
    if (!q)
        return;
    uint64_t *reg = off < VMMIO_QUEUE_DRIVER_LOW   ? &q->desc
                    : off < VMMIO_QUEUE_DEVICE_LOW ? &q->driver
                                                   : &q->device;
    write_half(m, reg, off & 4, v);
}

/* The page size outlives a driver's reset: it is written once, when the driver finds the device. */
static void set_page_size(struct vmmio *m, uint32_t v)
{
    if (!v || (v & (v - 1)))
        vt_guest_error(&m->vt, "GuestPageSize %u is no power of two", v);
    else
        m->page_shift = (uint32_t)__builtin_ctz(v);
}

static void set_align(struct vmmio *m, uint32_t v)
{
    if (!v || (v & (v - 1)))
        vt_guest_error(&m->vt, "QueueAlign %u is no power of two", v);
    else
        m->queue_align = v;
}

static void set_pfn(struct vmmio *m, uint32_t v)
{
    if (v)
        vt_set_queue_ring(&m->vt, (uint64_t)v << m->page_shift, m->queue_align);
    else
        vt_disable_queue(&m->vt);
}

static void legacy_write(struct vmmio *m, uint32_t off, uint32_t v)
{
    switch (off) {
    case VMMIO_DRIVER_FEATURES:
        if (!m->vt.driver_feature_select)
            vt_set_driver_features_legacy(&m->vt, v);
        break;
    case VMMIO_GUEST_PAGE_SIZE:
        set_page_size(m, v);
        break;
    case VMMIO_QUEUE_ALIGN:
        set_align(m, v);
        break;
    case VMMIO_QUEUE_PFN:
        set_pfn(m, v);
        break;
    case VMMIO_STATUS:
        vt_set_status_legacy(&m->vt, v);
        break;
    default:
        vt_guest_error(&m->vt, "0x%x is written to register 0x%x of version 1", v, off);
        break;
    }
}

static void set_ready(struct vmmio *m, uint32_t v)
{
    if (v)
        vt_enable_queue(&m->vt, v);
    else
        vt_disable_queue(&m->vt);
}

static void modern_write(struct vmmio *m, uint32_t off, uint32_t v)
{
    switch (off) {
    case VMMIO_DRIVER_FEATURES:
        vt_set_driver_features(&m->vt, m->vt.driver_feature_select, v);
        break;
    case VMMIO_QUEUE_READY:
        set_ready(m, v);
        break;
    case VMMIO_STATUS:
        vt_set_status(&m->vt, v);
        break;
    case VMMIO_QUEUE_DESC_LOW:
    case VMMIO_QUEUE_DESC_HIGH:
    case VMMIO_QUEUE_DRIVER_LOW:
    case VMMIO_QUEUE_DRIVER_HIGH:
    case VMMIO_QUEUE_DEVICE_LOW:
    case VMMIO_QUEUE_DEVICE_HIGH:
        write_address(m, off, v);
        break;
    case VMMIO_SHM_SEL:
        m->vt.shm_select = v;
        break;
    case VMMIO_QUEUE_RESET:
        vt_reset_queue(&m->vt, v);
        break;
    default:
        vt_guest_error(&m->vt, "0x%x is written to register 0x%x", v, off);
        break;
    }
}

static void register_write(struct vmmio *m, uint32_t off, uint32_t v)
{
    switch (off) {
    case VMMIO_DEVICE_FEATURES_SEL:
        m->vt.device_feature_select = v;
        break;
    case VMMIO_DRIVER_FEATURES_SEL:
        m->vt.driver_feature_select = v;
        break;
    case VMMIO_QUEUE_SEL:
        m->vt.queue_select = v;
        break;
    case VMMIO_QUEUE_SIZE:
        vt_set_queue_size(&m->vt, v);
        break;
    case VMMIO_QUEUE_NOTIFY:
        if (m->force_legacy)
            vt_notify_legacy(&m->vt, v);
        else
            vt_notify(&m->vt, v & 0xffff, v >> 16);
        break;
    case VMMIO_INTERRUPT_ACK:
        vmmio_lower(m, v);
        break;
    default:
        if (m->force_legacy)
            legacy_write(m, off, v);
        else
            modern_write(m, off, v);
        break;
    }
}

static void region_write(void *s, uint64_t off, uint64_t v, uint32_t size)
{
    struct vmmio *m = s;
    if (off >= VMMIO_CONFIG)
        vt_config_write(&m->vt, off - VMMIO_CONFIG, v, size);
    else if (size == 4)
        register_write(m, (uint32_t)off, (uint32_t)v);
    else
        vt_guest_error(&m->vt, "%u bytes are written at 0x%x", size, (unsigned)off);
}

const struct tn_region_ops vmmio_ops = {.struct_size = sizeof vmmio_ops,
                                        .valid_min = 1,
                                        .valid_max = 8,
                                        .impl_min = 1,
                                        .impl_max = 4,
                                        .read = region_read,
                                        .write = region_write};
