/* SPDX-License-Identifier: BSD-2-Clause */
/* What cmd_virtio.c (devices) and cmd_virtio_queue.c (their queues) share. Main thread. */
#ifndef TN_HOST_CMD_VIRTIO_H
#define TN_HOST_CMD_VIRTIO_H
#include "core/device.h"
#include "hmp.h"
#include <tenon/virtio.h>

/* The name of a virtio device, "virtio-blk"; NULL: d is none. The caller frees. */
char *virtio_name(const struct device *d);
/* The device that the argument "path" names, and its registers. NULL with e; what: QEMU's words for
 * what it has to be. */
struct device *virtio_find(struct qmp_call *c, const char *what, struct tn_virtio_regs *regs,
                           struct tn_err *e);
/* Does a back end of d serve one of these queues now? */
int virtio_is_lent(struct device *d, uint32_t first, uint32_t n);
/* The interface TN_VIRTIO_REGS_1 of d's transport, with its lock held until virtio_leave(). */
struct virtio_transport {
    const struct tn_virtio_regs_ops *ops;
    void *s;
    struct device *d;
    int entered;
};
int virtio_enter(const struct device *d, struct virtio_transport *t);
void virtio_leave(struct virtio_transport *t);

#endif
