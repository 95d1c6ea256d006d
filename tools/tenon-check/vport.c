/* SPDX-License-Identifier: BSD-2-Clause */
/* A driver's hand at a virtio device: by the functions of tn_virtio_ops where the transport is this
 * host's own, by registers where it is a plugin's. */
#include "host_pci.h"
#include "stand_virtio.h"
#include "via.h"
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <unistd.h>

enum { F_NOTIFICATION_DATA = 38 };

static int agreed(const struct vport *v, int bit)
{
    return (v->agreed[bit / 64] >> bit % 64) & 1;
}

static uint32_t flags_of(const struct vport *v)
{
    return (agreed(v, VIRTIO_F_RING_PACKED) ? TN_VQ_PACKED : 0u) |
           (agreed(v, VIRTIO_RING_F_EVENT_IDX) ? TN_VQ_EVENT_IDX : 0u) |
           (agreed(v, VIRTIO_RING_F_INDIRECT_DESC) ? TN_VQ_INDIRECT : 0u) |
           (agreed(v, VIRTIO_F_ACCESS_PLATFORM) ? TN_VQ_TRANSLATED : 0u) |
           (agreed(v, VIRTIO_F_IN_ORDER) ? TN_VQ_IN_ORDER : 0u);
}

static int negotiated(struct vport *v)
{
    int r = 0;
    v->vq_flags = flags_of(v);
    if (v->ops->negotiated)
        CALL(v->d, R_VCPU | R_DEV, "negotiated",
             r = v->ops->negotiated(v->d->pub.self, v->agreed, TN_VIRTIO_FEATURE_WORDS,
                                    v->vq_flags));
    if (r != 0 && r != -EINVAL)
        violation("virtio.h: negotiated answers 0 or -EINVAL", "negotiated answered %d", r);
    return r;
}

int vport_negotiate(struct vport *v, const uint64_t *wanted)
{
    v->status = VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER;
    for (uint32_t i = 0; i < TN_VIRTIO_FEATURE_WORDS; i++)
        v->agreed[i] = v->offered[i] & wanted[i];
    if (v->via)
        return via_negotiate(v);
    int r = negotiated(v);
    if (r == 0)
        v->status |= VIRTIO_CONFIG_S_FEATURES_OK;
    return r;
}

int vport_follow(struct vport *to, const struct vport *from)
{
    to->status = from->status;
    memcpy(to->agreed, from->agreed, sizeof to->agreed);
    for (uint32_t q = 0; q < to->setup.nqueues && q < from->setup.nqueues; q++) {
        int kick = to->q[q].kick, call = to->q[q].call;
        to->q[q] = from->q[q];
        to->q[q].kick = kick;
        to->q[q].call = call;
    }
    if (!to->via)
        return negotiated(to);
    pci_follow(to->d, from->d); /* the rest is in the transport's state */
    return 0;
}

static int start(struct vport *v, uint32_t q, uint32_t flags)
{
    struct vport_queue *k = &v->q[q];
    struct tn_vq vq = {sizeof vq, v->vq_flags | flags, q, k->size, k->desc, k->driver, k->device};
    int r = 0;
    CALL(v->d, R_VCPU | R_DEV, "queue_start", r = v->ops->queue_start(v->d->pub.self, &vq));
    if (r > 0 || r < -4095)
        violation("virtio.h: queue_start: 0 or -errno", "queue_start answered %d", r);
    k->running = r == 0;
    return r;
}

int vport_start(struct vport *v, uint32_t q, uint32_t size, uint64_t desc, uint64_t driver,
                uint64_t device)
{
    struct vport_queue *k = &v->q[q];
    *k = (struct vport_queue){k->max,  (uint16_t)size, 0,      0,      0,          k->kick,
                              k->call, desc,           driver, device, k->notified};
    if (v->via)
        return via_start(v, q);
    v->status |= VIRTIO_CONFIG_S_DRIVER_OK;
    return start(v, q, 0);
}

void vport_ready(struct vport *v)
{
    if (v->via)
        via_ready(v);
}

int vport_broken(struct vport *v)
{
    return v->via ? via_broken(v) : v->broken;
}

void vport_quiesce(struct vport *v)
{
    for (uint32_t q = 0; v->is_setup && q < v->setup.nqueues; q++) {
        v->q[q].was_running = v->q[q].running;
        vport_stop(v, q);
    }
}

void vport_resume(struct vport *v)
{
    for (uint32_t q = 0; v->is_setup && q < v->setup.nqueues; q++)
        if (v->q[q].was_running) {
            v->q[q].was_running = 0;
            start(v, q, TN_VQ_RESTORE);
        }
}

int vport_start_all(struct vport *v, uint64_t gpa, uint32_t size)
{
    for (uint32_t q = 0; q < v->setup.nqueues; q++) {
        uint32_t n = size < v->q[q].max ? size : v->q[q].max;
        uint64_t driver = gpa + 16 * n, device = (driver + 6 + 2 * n + 4095) & ~(uint64_t)4095;
        uint8_t *p = host_ram(v->d->h, gpa, device + 6 + 8 * n - gpa);
        if (!p)
            return -ENOMEM;
        memset(p, 0, device + 6 + 8 * n - gpa);
        int r = vport_start(v, q, n, gpa, driver, device);
        if (r < 0)
            return r;
        gpa = (device + 6 + 8 * n + 4095) & ~(uint64_t)4095;
    }
    vport_ready(v);
    return 0;
}

void vport_kick(struct vport *v, uint32_t q, uint32_t data)
{
    uint64_t one = 1;
    struct vport_queue *k = &v->q[q];
    if (v->via) {
        via_kick(v, q, data);
        return;
    }
    if (k->kick >= 0 && !agreed(v, F_NOTIFICATION_DATA)) {
        if (write(k->kick, &one, sizeof one) < 0)
            violation("os.h: a pending count", "the kick of queue %u cannot be written", q);
    } else if (v->ops->kick) {
        CALL(v->d, R_VCPU | R_DEV, "kick", v->ops->kick(v->d->pub.self, q, data));
    }
}

static int stopped(void *o)
{
    return !((struct vport_queue *)o)->stopping;
}

int vport_stop(struct vport *v, uint32_t q)
{
    struct vport_queue *k = &v->q[q];
    int r = 0;
    if (!k->running)
        return 0;
    if (v->via)
        return via_stop(v, q);
    k->running = 0;
    k->stopping = 1; /* the completion may come from elsewhere before we look */
    CALL(v->d, R_VCPU | R_DEV, "queue_stop", r = v->ops->queue_stop(v->d->pub.self, q));
    if (r == TN_PENDING && !host_wait(v->d->h, host_patience(v->d->h), stopped, k))
        violation("base.h: TN_PENDING",
                  "queue_stop answered TN_PENDING, and queue_stopped did not come");
    k->stopping = 0;
    return r < 0 ? r : 0;
}

static int reset_over(void *o)
{
    return !((struct vport *)o)->resetting;
}

void vport_reset(struct vport *v)
{
    int r = 0;
    if (v->via) {
        via_reset(v);
        return;
    }
    for (uint32_t q = 0; q < v->setup.nqueues; q++)
        vport_stop(v, q);
    v->resetting = 1;
    CALL(v->d, R_VCPU | R_DEV, "virtio reset", r = v->ops->reset(v->d->pub.self));
    if (r == TN_PENDING && !host_wait(v->d->h, host_patience(v->d->h), reset_over, v))
        violation("base.h: TN_PENDING",
                  "the virtio reset answered TN_PENDING, and reset_done did not come");
    v->resetting = v->broken = 0;
    v->status = 0;
    memset(v->agreed, 0, sizeof v->agreed);
}

void vport_config_read(struct vport *v, uint32_t off, void *buf, uint32_t len)
{
    memset(buf, 0xff, len);
    if (off >= v->setup.config_len || len > v->setup.config_len - off)
        return;
    if (v->via)
        via_config_read(v, off, buf, len);
    else if (v->ops->config_read)
        CALL(v->d, R_VCPU | R_DEV, "virtio config_read",
             v->ops->config_read(v->d->pub.self, off, buf, len));
}

void vport_config_write(struct vport *v, uint32_t off, const void *buf, uint32_t len)
{
    if (off >= v->setup.config_len || len > v->setup.config_len - off)
        return;
    if (v->via)
        via_config_write(v, off, buf, len);
    else if (v->ops->config_write)
        CALL(v->d, R_VCPU | R_DEV, "virtio config_write",
             v->ops->config_write(v->d->pub.self, off, buf, len));
}
