/* SPDX-License-Identifier: BSD-2-Clause */
/* What all virtio transports do alike (Virtual I/O Device 1.3, chapters 2 and 3): the virtio-bus
 * and its one child, device status, feature negotiation, the register file of the queues, device
 * configuration, notifications, and the stopping of it all without a thread that waits. A transport
 * (PCI, MMIO) embeds struct vt, decodes its registers into the calls below, and says in struct
 * vt_hooks how it reaches the driver.
 *
 * Locks: everything runs with the device's lock ([dev]), but what says [any]. The child shares the
 * lock (TN_BUS_ONE_DOMAIN).
 */
#ifndef TN_VIRTIO_TRANSPORT_H
#define TN_VIRTIO_TRANSPORT_H
#include "virtio-transport/virtio_regs.h"
#include <stdbool.h>
#include <tenon/core.h>
#include <tenon/loop.h>
#include <tenon/os.h>
#include <tenon/virtio.h>

struct vt;

enum vt_queue_state {
    VT_Q_IDLE,     /* the child does not use it */
    VT_Q_RUNNING,  /* queue_start succeeded */
    VT_Q_STOPPING, /* queue_stop was called and has not completed */
    VT_Q_STOPPED   /* it has; the bottom half makes it idle */
};

/* One queue: its registers (4.1.4.3, 4.2.2), and what the child does with it. */
struct vt_queue {
    uint16_t max, size; /* descriptors: offered, chosen */
    uint16_t vector;    /* PCI; atomic, VIRTIO_NO_VECTOR */
    uint8_t enabled;    /* queue_enable */
    uint8_t resetting;  /* queue_reset: 1 until it is done */
    uint8_t fresh;      /* enabled and not started since: it begins at index 0 */
    uint8_t wired;      /* the transport has installed its doorbell */
    uint64_t desc, driver, device;
    uint32_t state;           /* VT_Q_*, atomic */
    int32_t kick_fd, call_fd; /* for the device's life; -1: nobody asked */
};

/* A shared memory region (2.10). */
struct vt_shm {
    uint32_t id;
    uint64_t len, off; /* bytes; off: in the transport's window */
};
enum { VT_MAX_SHM = 8 };

/* What the transport does. t is what vt_init() got. */
struct vt_hooks {
    /* [main] in the child's plugged(): all is known now. 0 or -errno with e */
    int (*plugged)(void *t, struct tn_err *e);
    /* The registers are back at their reset values; interrupts go low. */
    void (*reset)(void *t);
    /* [any] interrupt for queue q */
    void (*queue_interrupt)(void *t, uint32_t q);
    /* [any] interrupt for a configuration change */
    void (*config_interrupt)(void *t);
    /* installs (true) or removes what signals q's kick_fd without an exit; refusal is no error */
    bool (*doorbell)(void *t, uint32_t q, bool on);
    /* may the device read and write memory now? NULL: always */
    bool (*may_dma)(void *t);
    /* [main][vcpu] q has a call_fd from now on: wire it to the interrupt of the moment. 0 or
     * -errno: q has none then */
    int (*call_fd)(void *t, uint32_t q);
    /* [main][vcpu] memory as the device sees it */
    struct tn_as *(*dma)(void *t, bool translated);
    /* [main] as tn_virtio_port */
    uint32_t (*queues_hint)(void *t, uint32_t fixed);
    int (*where)(void *t, struct tn_pci_where *where, uint64_t *addr);
    /* [main][ctx] as tn_virtio_port; off is within the transport's window, bounds are checked.
     * NULL: the transport has no shared memory */
    int (*shm_map)(void *t, uint64_t off, uint64_t len, int fd, uint64_t fd_off, uint32_t prot);
    int (*shm_unmap)(void *t, uint64_t off, uint64_t len);
};

struct vt {
    struct tn_dev *d; /* the transport */
    const struct vt_hooks *hooks;
    void *t;
    const struct tn_loop *loop;
    const struct tn_os *os;
    struct tn_bus *bus;
    struct tn_bh *progress;
    bool modern, legacy; /* interfaces that the driver is offered */
    uint32_t compat;     /* VT_COMPAT_PROPS */

    struct tn_dev *child; /* NULL: nothing sits on the bus */
    const struct tn_virtio_ops *ops;
    void *s;
    struct tn_virtio_child *allowed; /* by the user */
    uint32_t nqueues, config_len, device_id, class_rev, nshm;
    struct vt_queue *q;
    struct vt_shm shm[VT_MAX_SHM];

    /* registers */
    uint32_t status;     /* 2.1; atomic */
    uint32_t generation; /* 2.5; atomic */
    uint64_t offered[TN_VIRTIO_FEATURE_WORDS];
    uint64_t driver[TN_VIRTIO_FEATURE_WORDS];
    uint64_t agreed[TN_VIRTIO_FEATURE_WORDS]; /* word by word atomic; 0 before FEATURES_OK */
    uint32_t vq_flags;                        /* TN_VQ_* of agreed */
    uint32_t device_feature_select, driver_feature_select;
    uint32_t queue_select, shm_select;
    uint32_t early; /* a legacy driver uses queues before DRIVER_OK (3.1.2) */

    /* stopping: see stop.c */
    bool quiescent;       /* between quiesce and resume: nothing is started */
    bool reset_wanted;    /* status 0 was written */
    bool quiesce_wanted;  /* core->quiesced is owed */
    bool child_resetting; /* ops->reset was called */
    uint32_t child_reset; /* it has completed; atomic */
    uint64_t stalled;     /* token of the legacy driver's vCPU, 0: none */
};

/* QEMU's switches back to how its old versions behaved, of which it has only the new way: rows for
 * the properties of a transport of type T, with a struct vt called vt. vt_realize() refuses off. */
#define VT_COMPAT_PROPS(T)                                \
    TN_PROP_BIT(T, vt.compat, "use-started", 0, 1, NULL), \
        TN_PROP_BIT(T, vt.compat, "use-disabled-flag", 1, 1, NULL)

/* Child data of the bus: what core->port gives the child. */
struct vt_child {
    struct tn_virtio_child v;
    struct vt *vt;
};

/* The bus type: the same in each transport. */
extern const struct tn_bus_type vt_bus_type;

/* ---- life ---- */

/* [main] in the transport's init: d remembers, t is passed to hooks. */
void vt_init(struct vt *v, struct tn_dev *d, const struct vt_hooks *hooks, void *t);
/* [main] in the transport's realize, with modern and legacy set as far as known: makes the bus. 0
 * or -errno with e. */
int vt_realize(struct vt *v, struct tn_err *e);
/* [main] in fini. */
void vt_fini(struct vt *v);
/* [main][dev] the class's own reset, quiesce and resume. */
void vt_reset(struct vt *v, uint32_t kind, uint32_t phase);
int vt_quiesce(struct vt *v, uint32_t why, uint32_t flags);
void vt_resume(struct vt *v);

/* ---- registers ---- */

/* [any] */
uint32_t vt_status(const struct vt *v);
/* The driver writes val to the status register of the modern interface. */
void vt_set_status(struct vt *v, uint32_t val);
/* Likewise of the legacy one: features are fixed at DRIVER_OK, and as nobody polls for the end of a
 * reset, the vCPU is held until then. */
void vt_set_status_legacy(struct vt *v, uint32_t val);

/* 32 bits of the offered features, as selected; of the driver's. */
uint32_t vt_device_features(const struct vt *v, uint32_t select);
uint32_t vt_driver_features(const struct vt *v, uint32_t select);
void vt_set_driver_features(struct vt *v, uint32_t select, uint32_t bits);
/* The same of the legacy interface, which has 32 bits. */
uint32_t vt_device_features_legacy(const struct vt *v);
void vt_set_driver_features_legacy(struct vt *v, uint32_t bits);

/* The selected queue, NULL if there is none of that number. */
struct vt_queue *vt_selected(struct vt *v);
/* Registers of the selected queue; writes that the driver must not do are guest errors and change
 * nothing. */
void vt_set_queue_size(struct vt *v, uint32_t size);
void vt_set_queue_address(struct vt *v, uint64_t *reg, uint64_t value);
void vt_enable_queue(struct vt *v, uint32_t value);
void vt_reset_queue(struct vt *v, uint32_t value);
/* The driver takes the selected queue back at once (QueueReady 0, PFN 0): it is as after a reset,
 * and the vCPU is held until it is. */
void vt_disable_queue(struct vt *v);
/* Legacy: the ring at address addr, its parts laid out by align (2.7.2). */
void vt_set_queue_ring(struct vt *v, uint64_t addr, uint64_t align);

/* Device configuration: size 1, 2 or 4, little-endian lanes. All-ones outside of it. */
uint64_t vt_config_read(struct vt *v, uint64_t off, uint32_t size);
void vt_config_write(struct vt *v, uint64_t off, uint64_t value, uint32_t size);
/* [any] */
uint32_t vt_generation(const struct vt *v);

/* An available buffer notification for queue q; data: what came with it beside the number, 0 unless
 * VIRTIO_F_NOTIFICATION_DATA was negotiated (4.1.5.2). */
void vt_notify(struct vt *v, uint32_t q, uint32_t data);
/* The same of the legacy interface, whose drivers may not have said DRIVER_OK yet. */
void vt_notify_legacy(struct vt *v, uint32_t q);

/* hooks.may_dma has another answer now: queues rest, or go on where they were. */
void vt_dma_changed(struct vt *v);

static inline bool vt_has(const struct vt *v, unsigned bit)
{
    return v->agreed[bit / 64] >> (bit % 64) & 1;
}

/* ---- for the files of this library ---- */

/* port.c */
extern const struct tn_virtio_port vt_port;
/* [dev] starts what may run: DRIVER_OK is set and the queue is enabled. */
void vt_start_queue(struct vt *v, uint32_t q);
void vt_start_queues(struct vt *v);
/* [dev] */
void vt_stop_queue(struct vt *v, uint32_t q);
void vt_stop_queues(struct vt *v);
/* Registers of a queue at reset. */
void vt_clear_queue(struct vt_queue *q);
/* status.c: the features that the driver left behind are fixed; 0 or -EINVAL. */
int vt_negotiate(struct vt *v);
int vt_negotiate_legacy(struct vt *v);
int vt_negotiated_again(struct vt *v, struct tn_err *e);
/* stop.c: a driver's reset begins; whatever has completed goes on. */
void vt_begin_reset(struct vt *v);
/* Holds the vCPU, whose access this is, until the resets under way are done. */
void vt_hold(struct vt *v);
void vt_progress(struct vt *v);
/* [any] the device is beyond help (2.1.2). */
void vt_broken(struct vt *v, const char *why);

/* Saved state of the transport: for TN_S_SUB over struct vt. */
extern const struct tn_state vt_state;

#define vt_guest_error(v, ...) ((v)->d->core->guest_error((v)->d, __VA_ARGS__))

/* ---- regs.c: TN_VIRTIO_REGS_1 ---- */

int vt_regs(const struct vt *v, uint32_t isr, struct tn_virtio_regs *out);
int vt_queue_regs(const struct vt *v, uint32_t q, struct tn_virtio_queue_regs *out);

#endif
