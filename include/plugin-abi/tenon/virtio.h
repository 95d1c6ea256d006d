/* SPDX-License-Identifier: BSD-2-Clause */
/** @file
 * virtio-bus (Virtual I/O Device 1.3): a device type is written once and sits on any transport. The child owns its
 * queues and its config space; the transport owns status, feature and queue registers, vectors and notification.
 */
#ifndef TENON_VIRTIO_H
#define TENON_VIRTIO_H
#include <tenon/bus.h>
#include <tenon/dma.h>
#include <tenon/pci.h>
#ifdef __cplusplus
extern "C" {
#endif

#define TN_VIRTIO_BUS "virtio-bus"
#define TN_VIRTIO_DEVICE_1 "tenon.virtio-device/1" /**< child_ops: struct tn_virtio_ops in class->bus_ops of virtio-blk, ... */
#define TN_VIRTIO_PORT_1 "tenon.virtio-port/1"     /**< port_ops: struct tn_virtio_port, what core->port gives the child */

/** Features are counted 64-bit words, word 0 = bits 0..63. Words that a side does not know are 0 to it. */
#define TN_VIRTIO_FEATURE_WORDS 2

/** Child data of the bus begins with this: the properties that every transport gives its child. Frozen. */
struct tn_virtio_child {
    uint64_t features; /**< of word 0: what the user allows of ring and transport features */
};
/** Rows of tn_bus_type.props, the same in every provider. T: child data, begins with struct tn_virtio_child. */
#define TN_VIRTIO_BUS_PROPS(T)                                                                                         \
    TN_PROP_BIT(T, v.features, "notify_on_empty", 24, 1, "VIRTIO_F_NOTIFY_ON_EMPTY, legacy only"),                     \
        TN_PROP_BIT(T, v.features, "any_layout", 27, 1, "VIRTIO_F_ANY_LAYOUT, legacy only"),                           \
        TN_PROP_BIT(T, v.features, "indirect_desc", 28, 1, "VIRTIO_F_INDIRECT_DESC"),                                  \
        TN_PROP_BIT(T, v.features, "event_idx", 29, 1, "VIRTIO_F_EVENT_IDX"),                                          \
        TN_PROP_BIT(T, v.features, "iommu_platform", 33, 0, "VIRTIO_F_ACCESS_PLATFORM"),                               \
        TN_PROP_BIT(T, v.features, "packed", 34, 0, "VIRTIO_F_RING_PACKED"),                                           \
        TN_PROP_BIT(T, v.features, "in_order", 35, 0, "VIRTIO_F_IN_ORDER"),                                            \
        TN_PROP_BIT(T, v.features, "notification_data", 38, 0, "VIRTIO_F_NOTIFICATION_DATA"),                          \
        TN_PROP_BIT(T, v.features, "queue_reset", 40, 1, "VIRTIO_F_RING_RESET")

/** tn_virtio_ops.flags */
enum {
    TN_VIO_NO_LEGACY = 1, /**< the device type has no legacy interface */
    TN_VIO_NO_PACKED = 2,
    TN_VIO_OWN_RINGS = 4  /**< a back end serves the rings: it needs kick_fd and call_fd */
};
/** tn_vq.flags and vq_flags of negotiated() */
enum {
    TN_VQ_PACKED = 1,
    TN_VQ_EVENT_IDX = 2,
    TN_VQ_INDIRECT = 4,
    TN_VQ_BE = 8,          /**< legacy rings of a big-endian guest */
    TN_VQ_LEGACY = 16,
    TN_VQ_TRANSLATED = 32, /**< addresses are translated: ACCESS_PLATFORM was negotiated */
    TN_VQ_RESTORE = 64,    /**< go on from the indices at the last stop, or from loaded state, not from zero */
    TN_VQ_IN_ORDER = 128
};
/** One enabled queue. Addresses are in the space that tn_virtio_port.dma gives; the guest chose them, nobody checked
 * them. */
struct tn_vq {
    uint32_t struct_size, flags; /**< TN_VQ_* */
    uint32_t index, size;        /**< size: descriptors */
    uint64_t desc, driver, device;
};

/** FWD: what the child gives the transport. */
struct tn_virtio_ops {
    uint32_t struct_size, flags;       /**< TN_VIO_* */
    uint16_t device_id, pci_legacy_id; /**< 2, and 0x1001 or 0; constant, so that composition needs no code */
    uint32_t pci_class_rev;            /**< class code << 8 | revision */
    /** [main][dev] after realize. In: what the bus properties ask for; out: what is offered */
    int (*features)(void *s, uint64_t *f, uint32_t nwords, struct tn_err *e);
    /** [vcpu][dev] FEATURES_OK; 0, or -EINVAL: the bit stays clear. Legacy: at DRIVER_OK, and must accept */
    int (*negotiated)(void *s, const uint64_t *f, uint32_t nwords, uint32_t vq_flags);
    /** [vcpu][dev] inside config_len; from a copy: a back end is never asked */
    void (*config_read)(void *s, uint32_t off, void *buf, uint32_t len);
    /** [vcpu][dev] posted: a back end learns of it later */
    void (*config_write)(void *s, uint32_t off, const void *buf, uint32_t len);
    /** [vcpu][dev] or [main][dev] in resume: the queue is enabled and DRIVER_OK is set. -errno: the device is broken */
    int (*queue_start)(void *s, const struct tn_vq *q);
    /** [vcpu][dev] or [main][dev]: queue reset, device reset or quiesce; no new buffer is taken from here on. 0: nothing
     * of it is used any more; TN_PENDING: port->queue_stopped follows. Indices may be read then */
    int (*queue_stop)(void *s, uint32_t q);
    /** [vcpu][dev] or [main][dev]: status 0 was written, or a reset from outside; every queue has stopped. 0, or TN_PENDING:
     * port->reset_done follows. The guest reads the old status until then; on a legacy transport its vCPU is stalled */
    int (*reset)(void *s);
    /** [vcpu][dev] a notification that carries data (4.1.5.2), or one of a queue whose kick_fd was never asked for */
    void (*kick)(void *s, uint32_t q, uint32_t data);
};

/** What is fixed in the child's realize. device_id and pci_class_rev 0: those of tn_virtio_ops. */
struct tn_virtio_setup {
    uint32_t struct_size, config_len; /**< bytes */
    uint32_t nqueues, device_id;
    uint32_t pci_class_rev, flags;
    const uint16_t *max_size;         /**< nqueues queue sizes, copied */
};

/** FWD: what the transport gives the child; p is the handle of core->port. */
struct tn_virtio_port {
    uint32_t struct_size, flags;
    /** [main] in the child's realize, once */
    int (*setup)(void *p, const struct tn_virtio_setup *u, struct tn_err *e);
    /** [main] queues=auto: how many beside `fixed` other ones, by the vCPUs and vectors that this transport has */
    uint32_t (*queues_hint)(void *p, uint32_t fixed);
    /** [main][vcpu] translated or system memory; fixed from FEATURES_OK to reset */
    struct tn_as *(*dma)(void *p);
    /** [main] 0 and *where filled (PCI), or 1 and *addr (MMIO): for firmware tables and disk names */
    int (*where)(void *p, struct tn_pci_where *where, uint64_t *addr);
    /** [any] negotiated features, word 0 or 1 */
    uint64_t (*features)(void *p, uint32_t word);
    /** [any] device status (2.1) */
    uint32_t (*status)(void *p);
    /** [main][vcpu] an eventfd of queue q, borrowed, for the device's life: signalled when the guest notifies. A reset
     * does not drain it: a spurious kick is legal */
    int (*kick_fd)(void *p, uint32_t q);
    /** [main][vcpu] an eventfd of queue q, borrowed, for the device's life: signalling it is notify(q). The transport
     * wires it to the vector of the moment; masking is never seen here */
    int (*call_fd)(void *p, uint32_t q);
    /** [any] used buffer notification */
    void (*notify)(void *p, uint32_t q);
    /** [any] configuration change: generation, then interrupt */
    void (*config_changed)(void *p);
    /** [any] DEVICE_NEEDS_RESET and a guest_error with why */
    void (*broken)(void *p, const char *why);
    /** [any] without [dev] held; err 0 or -errno */
    void (*queue_stopped)(void *p, uint32_t q, int err);
    /** [any] without [dev] held */
    void (*reset_done)(void *p, int err);
    /** [main] in realize: shared memory region id (2.10) of len bytes */
    int (*shm)(void *p, uint32_t id, uint64_t len, struct tn_err *e);
    /** [main][ctx] page-aligned piece of a region, fd borrowed. -EBUSY over a live piece; holes read all-ones */
    int (*shm_map)(void *p, uint32_t id, uint64_t off, uint64_t len, int fd, uint64_t fd_off, uint32_t prot);
    /** [main][ctx] returns when no vCPU can reach the piece */
    int (*shm_unmap)(void *p, uint32_t id, uint64_t off, uint64_t len);
    /** [main][ctx] the notify page of q is the back end's own doorbell; fd -1 takes it back. -ENOTSUP is normal */
    int (*doorbell)(void *p, uint32_t q, int fd, uint64_t fd_off, uint64_t len);
};

/** Registers of a transport, for who looks at it from outside. */
struct tn_virtio_regs {
    uint32_t struct_size, status;                /**< status: 2.1 */
    uint32_t isr, queue_select;
    uint32_t nqueues, vq_flags;                  /**< vq_flags: TN_VQ_* of what was agreed on */
    uint64_t offered[2];                         /**< words of features */
    uint64_t agreed[2];                          /**< 0 before FEATURES_OK */
};
struct tn_virtio_queue_regs {
    uint32_t struct_size, enabled;
    uint32_t max, size;                          /**< descriptors: offered, chosen */
    uint64_t desc, driver, device;
};
#define TN_VIRTIO_REGS_1 "tenon.virtio-regs/1"
/** FWD: TN_VIRTIO_REGS_1, of a transport. Both fill at most out->struct_size bytes; 0 or -EINVAL. */
struct tn_virtio_regs_ops {
    uint32_t struct_size, flags;
    int (*regs)(void *s, struct tn_virtio_regs *out);                            /**< [main][dev] */
    int (*queue)(void *s, uint32_t q, struct tn_virtio_queue_regs *out);         /**< [main][dev] */
};
#define TN_VIRTIO_LENT_1 "tenon.virtio-lent/1"
/** FWD: TN_VIRTIO_LENT_1, of a device whose queues a back end may serve (vhost): for who looks at it from outside. */
struct tn_virtio_lent {
    uint32_t struct_size, flags;
    /** [main][dev] 1: queue q is started, and its back end serves it; else 0 */
    int (*lent)(void *s, uint32_t q);
};

#ifdef __cplusplus
}
#endif
#endif
