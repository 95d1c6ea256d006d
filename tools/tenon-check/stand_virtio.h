/* SPDX-License-Identifier: BSD-2-Clause */
/* A virtio transport of the strict host: virtio-bus with one device on it, and a driver's hand at
 * its registers. Virtual I/O Device 1.3. */
#ifndef TENON_CHECK_STAND_VIRTIO_H
#define TENON_CHECK_STAND_VIRTIO_H
#include "parts.h"
#include <tenon/virtio.h>

enum { VPORT_QUEUES = 1024, VPORT_SHM = 8 };

struct vport_queue {
    uint16_t max, size;    /* descriptors; size: as the driver chose */
    int running, stopping; /* stopping: queue_stop() answered TN_PENDING */
    int was_running;       /* before a quiesce */
    int kick, call;        /* eventfds, -1 = never asked for */
    uint64_t desc, driver, device, notified;
};

struct vport {
    struct tn_virtio_child child; /* first: the bus's properties */
    struct dev *d;
    const struct tn_virtio_ops *ops;
    struct tn_virtio_setup setup;
    int is_setup, resetting, broken, via; /* via: it is a plugin's transport (via.h) */
    uint64_t offered[TN_VIRTIO_FEATURE_WORDS], agreed[TN_VIRTIO_FEATURE_WORDS];
    uint32_t status, vq_flags; /* status: VIRTIO_CONFIG_S_*; vq_flags: TN_VQ_* of what was agreed */
    uint32_t config_changes;
    struct vport_queue *q;
    struct tn_as *as;
};

/* d's on this host's virtio-bus, or that of the transport and device that d is; NULL. */
struct vport *vport_of(struct dev *d);
struct vport *vport_on_bus(struct dev *d); /* the former only */
/* Before realize: the bus's properties, with these features allowed beside the defaults. */
void vport_allow(struct dev *d, uint64_t features);
/* ACKNOWLEDGE to FEATURES_OK with offered & wanted (3.1.1). 0, or what negotiated() answered. */
int vport_negotiate(struct vport *v, const uint64_t *wanted);
/* Rings at addresses of the driver's choice, then queue_start(). Split: desc, avail and used;
 * packed: ring and event areas. */
int vport_start(struct vport *v, uint32_t q, uint32_t size, uint64_t desc, uint64_t driver,
                uint64_t device);
/* Lays out every queue in guest RAM from gpa on, empty, and DRIVER_OK; 0 or -errno of the first
 * that refuses. */
int vport_start_all(struct vport *v, uint64_t gpa, uint32_t size);
/* After all queues: DRIVER_OK. */
void vport_ready(struct vport *v);
int vport_broken(struct vport *v); /* it says NEEDS_RESET */
void vport_kick(struct vport *v, uint32_t q, uint32_t data);
/* Waits for a pending stop. 0 or -errno. */
int vport_stop(struct vport *v, uint32_t q);
/* Status 0: stops every queue, then reset(); waits for what is pending. */
void vport_reset(struct vport *v);
/* What a transport loads of another that is quiet: status, features, and where queues were. to's
 * device is quiet and reset. 0, or what negotiated() answered. */
int vport_follow(struct vport *to, const struct vport *from);
/* As a transport does in its own quiesce and resume; dev_quiesce() and dev_resume() call them. */
void vport_quiesce(struct vport *v);
void vport_resume(struct vport *v);
void vport_config_read(struct vport *v, uint32_t off, void *buf,
                       uint32_t len); /* inside config_len */
void vport_config_write(struct vport *v, uint32_t off, const void *buf, uint32_t len);

#endif
