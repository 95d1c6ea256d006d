/* SPDX-License-Identifier: BSD-2-Clause */
/* A driver for any device on the virtio-bus: it knows the requests of some types, to others it
 * gives buffers. */
#ifndef TENON_CHECK_VIRTIO_DRIVE_H
#define TENON_CHECK_VIRTIO_DRIVE_H
#include "dring.h"

enum { VDRIVE_QUEUES = 8 };

struct vdrive {
    struct check *c;
    struct dev *d;
    struct vport *v;
    uint32_t n; /* queues that are driven */
    struct dring ring[VDRIVE_QUEUES];
};

/* check_start() with more ring features allowed on the bus. */
struct dev *vdrive_start(struct check *c, struct host **h, uint64_t features);
struct vdrive *vdrive_new(void);
void vdrive_free(struct vdrive *x);
/* From status 0 to DRIVER_OK, with what is offered of wanted and VERSION_1; fails the test if that
 * is refused. */
void vdrive_open(struct vdrive *x, struct check *c, struct dev *d, uint64_t wanted);
void vdrive_reopen(struct vdrive *x, uint32_t q); /* after a stop: empty rings at the same place */
void vdrive_give(struct vdrive *x);               /* requests, and kicks */
/* n times: requests, time, input from outside; takes what comes back. */
void vdrive_traffic(struct vdrive *x, uint32_t n);
void vdrive_outside(struct vdrive *x);
/* y goes on where x was, with the device d of another host: its memory becomes that of x's. x's
 * device is quiet. */
void vdrive_follow(struct vdrive *y, const struct vdrive *x, struct dev *d);
/* Waits for all requests that a device answers by itself; fails the test if one does not come, or
 * the device is broken. */
void vdrive_expect_done(struct vdrive *x);
/* Something in the rings becomes what no driver may write; then time. Bytes outside of rings and
 * buffers stay. */
void vdrive_break(struct vdrive *x);
/* Chains of random pieces with random contents. */
void vdrive_random_requests(struct vdrive *x);

#endif
