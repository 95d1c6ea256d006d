/* SPDX-License-Identifier: BSD-2-Clause */
/* What every transport of Virtual I/O Device 1.3 has: device status, and the feature bits of the
 * ring and the transport. The names are those of <linux/virtio_config.h>, a stable header that
 * every reader of virtio code knows; here are the bits that older copies of it lack.
 *
 *   VIRTIO_CONFIG_S_*   device status                 2.1
 *   VIRTIO_F_*          reserved feature bits         6, legacy 6.3
 *   VIRTIO_RING_F_*     of the rings                  2.7, 2.8
 */
#ifndef TN_VIRTIO_REGS_H
#define TN_VIRTIO_REGS_H
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#ifndef VIRTIO_F_NOTIFICATION_DATA
#define VIRTIO_F_NOTIFICATION_DATA 38
#endif
#ifndef VIRTIO_F_RING_RESET
#define VIRTIO_F_RING_RESET 40
#endif

#define VIRTIO_BIT(n) ((uint64_t)1 << (n))

/* Said by the legacy interface only. */
#define VIRTIO_LEGACY_BITS (VIRTIO_BIT(VIRTIO_F_NOTIFY_ON_EMPTY) | VIRTIO_BIT(VIRTIO_F_ANY_LAYOUT))

/* No queue: what a queue's vector register holds when it has none (4.1.4.3). */
#define VIRTIO_NO_VECTOR 0xffff

#define VIRTIO_MAX_QUEUES     1024
#define VIRTIO_MAX_QUEUE_SIZE 32768

#endif
