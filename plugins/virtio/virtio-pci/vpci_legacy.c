/* SPDX-License-Identifier: BSD-2-Clause */
/* The legacy interface (4.1.4.10): registers in I/O space, rings at page frames, and the device
 * configuration behind them, at an offset that MSI-X moves. */
#include "vpci.h"

enum { RING_ALIGN = 4096 };

static uint32_t config_at(const struct vpci *p)
{
    return vpci_msix_on(p) ? VPCI_L_CONFIG_MSIX : VPCI_L_CONFIG;
}

static uint64_t queue_read(struct vpci *p, uint64_t off)
{
    const struct vt_queue *q = vt_selected(&p->vt);
    switch (off) {
    case VPCI_L_QUEUE_PFN:
        return q && q->enabled && !q->resetting ? (uint32_t)(q->desc >> VPCI_L_PFN_SHIFT) : 0;
    case VPCI_L_QUEUE_SIZE:
        return q ? q->max : 0;
    case VPCI_L_QUEUE_VECTOR:
        return q ? q->vector : VIRTIO_NO_VECTOR;
    default:
        return ~(uint64_t)0;
    }
}

static uint64_t legacy_read(void *s, uint64_t off, uint32_t size)
{
    struct vpci *p = s;
    struct vt *v = &p->vt;
    if (off >= config_at(p))
        return vt_config_read(v, off - config_at(p), size);
    switch (off) {
    case VPCI_L_DEVICE_FEATURES:
        return vt_device_features_legacy(v);
    case VPCI_L_DRIVER_FEATURES:
        return (uint32_t)v->driver[0];
    case VPCI_L_QUEUE_SELECT:
        return v->queue_select;
    case VPCI_L_STATUS:
        return vt_status(v);
    case VPCI_L_ISR:
        return vpci_isr_read(p);
    case VPCI_L_CONFIG_VECTOR:
        return p->config_vector;
    default:
        return queue_read(p, off);
    }
}

static void legacy_write(void *s, uint64_t off, uint64_t val, uint32_t size)
{
    struct vpci *p = s;
    struct vt *v = &p->vt;
    if (off >= config_at(p)) {
        vt_config_write(v, off - config_at(p), val, size);
        return;
    }
    switch (off) {
    case VPCI_L_DRIVER_FEATURES:
        vt_set_driver_features_legacy(v, (uint32_t)val);
        break;
    case VPCI_L_QUEUE_PFN:
        if (val & 0xffffffffu)
            vt_set_queue_ring(v, (val & 0xffffffffu) << VPCI_L_PFN_SHIFT, RING_ALIGN);
        else
            vt_disable_queue(v);
        break;
    case VPCI_L_QUEUE_SELECT:
        v->queue_select = (uint32_t)val & 0xffff;
        break;
    case VPCI_L_QUEUE_NOTIFY:
        vt_notify_legacy(v, (uint32_t)val & 0xffff);
        break;
    case VPCI_L_STATUS:
        if (val & VIRTIO_CONFIG_S_DRIVER_OK)
            vpci_be_master(p);
        vt_set_status_legacy(v, (uint32_t)val);
        break;
    case VPCI_L_CONFIG_VECTOR:
        vpci_set_config_vector(p, (uint32_t)val & 0xffff);
        break;
    case VPCI_L_QUEUE_VECTOR:
        vpci_set_queue_vector(p, (uint32_t)val & 0xffff);
        break;
    default:
        vt_guest_error(v, "0x%llx is written to register %u of the legacy interface",
                       (unsigned long long)val, (unsigned)off);
        break;
    }
}

const struct tn_region_ops vpci_legacy_ops = {.struct_size = sizeof vpci_legacy_ops,
                                              .flags = TN_RO_UNALIGNED,
                                              .valid_min = 1,
                                              .valid_max = 4,
                                              .read = legacy_read,
                                              .write = legacy_write};
