/* SPDX-License-Identifier: BSD-2-Clause */
/* The vhost-net of a TAP. */
#ifndef TN_NET_TAP_VHOST_H
#define TN_NET_TAP_VHOST_H
#include "tap.h"
#include <linux/vhost_types.h>
#include <tenon/vhost.h>

enum { VHOST_MEM_MOST = 64 }; /* of the kernel: module vhost, parameter max_mem_regions */

struct vhost_ring {
    uint32_t started, disabled;
    uint32_t stop_wanted; /* a queue_stop() that is to be answered by fn(arg) */
    void (*fn)(void *arg, int err, uint64_t base);
    void *arg;
};
struct tap_vhost {
    struct tap *t;
    int fd[TAP_QUEUES_MAX]; /* of /dev/vhost-net */
    uint32_t n;
    uint64_t features;    /* the kernel's */
    struct tn_dev *owner; /* the front end that has it open; NULL */
    const struct tn_dma *dma;
    struct tn_as *as; /* that it listens to */
    struct tn_bh *stops;
    struct vhost_ring ring[2 * TAP_QUEUES_MAX];
    struct vhost_memory_region mem[VHOST_MEM_MOST];
    uint32_t nmem;
};

#endif
