/* SPDX-License-Identifier: BSD-2-Clause */
/* A driver's hand at the registers of a transport that is a plugin's: virtio over PCI (Virtual I/O
 * Device 1.3, 4.1) and over MMIO (4.2), so that the tests of virtio devices run through it. */
#ifndef TENON_CHECK_VIA_H
#define TENON_CHECK_VIA_H
#include "stand_virtio.h"

/* The transport d with its device as a port whose functions go through registers; owned by d's
 * host. NULL: d is no pair, or of no transport that is known here. */
struct vport *via_port(struct dev *d);

/* As vport_*(), of such a port. */
int via_negotiate(struct vport *v);
int via_start(struct vport *v, uint32_t q);
void via_ready(struct vport *v);
void via_kick(struct vport *v, uint32_t q, uint32_t data);
int via_stop(struct vport *v, uint32_t q); /* needs VIRTIO_F_RING_RESET, else -ENOTSUP */
void via_reset(struct vport *v);
void via_config_read(struct vport *v, uint32_t off, void *buf, uint32_t len);
void via_config_write(struct vport *v, uint32_t off, const void *buf, uint32_t len);
int via_broken(struct vport *v); /* DEVICE_NEEDS_RESET */

#endif
