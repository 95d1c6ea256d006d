/* SPDX-License-Identifier: BSD-2-Clause */
/* virtio-mmio: the files of this plugin among each other. With the device's lock, if nothing else
 * is said. */
#ifndef TN_VMMIO_H
#define TN_VMMIO_H
#include "virtio-transport/transport.h"
#include "vmmio_regs.h"
#include <pthread.h>
#include <tenon/acpi.h>
#include <tenon/fdt.h>
#include <tenon/irq.h>
#include <tenon/mmio-slot.h>
#include <tenon/region.h>

struct vmmio;
struct vmmio_call {
    struct vmmio *m;
    uint32_t q;
};

struct vmmio {
    struct tn_dev *dev;
    const struct tn_regions *regions;
    const struct tn_irq *irq;
    const struct tn_dma *dma;
    const struct tn_loop *loop;
    struct tn_as *system; /* memory as the CPU sees it */
    struct vt vt;
    /* properties */
    uint8_t force_legacy;
    uint8_t ioeventfd;
    /* what the machine gave */
    struct tn_mmio_place place;
    struct tn_region *registers, *shm;
    struct tn_line *line;
    /* registers of this transport */
    pthread_mutex_t isr_lock; /* leaf: isr and the line change together */
    uint32_t isr;             /* InterruptStatus */
    uint32_t page_shift;      /* of GuestPageSize; version 1 */
    uint32_t queue_align;     /* bytes; version 1 */
    struct vmmio_call *call;  /* one for each queue */
};

/* vmmio_regs.c */
extern const struct tn_region_ops vmmio_ops;
void vmmio_interrupt(struct vmmio *m, uint32_t bits); /* [any] */
void vmmio_lower(struct vmmio *m, uint32_t bits);     /* [any] bits are acknowledged */

/* vmmio_tables.c: [main] tells the guest's tables of the transport. 0 or -errno with e. */
int vmmio_describe(struct vmmio *m, struct tn_err *e);

#endif
