/* SPDX-License-Identifier: BSD-2-Clause */
/* virtio-pci: the files of this plugin among each other. With the device's lock, if nothing else is
 * said. */
#ifndef TN_VPCI_H
#define TN_VPCI_H
#include "virtio-transport/transport.h"
#include "vpci_regs.h"
#include <pthread.h>
#include <tenon/dma.h>
#include <tenon/pci.h>

/* bits of vpci.flags: properties */
enum {
    VPCI_F_IOEVENTFD,
    VPCI_F_PIO_NOTIFY,
    VPCI_F_PAGE_PER_VQ,
    VPCI_F_ATS,
    VPCI_F_ATS_ALIGNED,
    VPCI_F_AER,
    VPCI_F_NO_PCIE,
    VPCI_F_DEVERR_INIT,
    VPCI_F_LNKCTL_INIT,
    VPCI_F_PM_INIT,
    VPCI_F_PM_NO_SOFT_RESET,
    VPCI_F_FLR_INIT,
    VPCI_F_MIGRATE_EXTRA,
    VPCI_F_MASTER_BUG
};

/* How a queue's call_fd reaches the driver. */
struct vpci_call {
    struct vpci *p;
    struct tn_watch *watch; /* reads it while no vector has it */
    uint32_t q;
    uint32_t adopted; /* a vector has it */
};

struct vpci {
    struct tn_dev *dev;
    const struct tn_pci *pci;
    const struct tn_dma *dma;
    const struct tn_loop *loop;
    struct tn_as *system; /* memory as the CPU sees it */
    struct vt vt;
    /* properties */
    uint32_t flags, vectors, disable_legacy, class_code;
    uint8_t disable_modern;
    /* what became of them */
    uint32_t nvectors, notify_step;
    uint64_t bar_size, shm_size;
    uint32_t cfg_cap; /* offset of the configuration access capability */
    uint32_t pm_cap;  /* of the power management capability, 0: none */
    /* interrupts */
    pthread_mutex_t isr_lock; /* leaf: isr and the pin change together */
    uint32_t isr;
    uint32_t msix;          /* on; atomic */
    uint32_t config_vector; /* atomic */
    struct vpci_call *call;
};

static inline bool vpci_flag(const struct vpci *p, uint32_t bit)
{
    return p->flags >> bit & 1;
}

/* vpci_modern.c: the memory BAR, by offset; sizes 1, 2 and 4. Also reached by the configuration
 * access capability. */
uint64_t vpci_modern_read(struct vpci *p, uint64_t off, uint32_t size);
void vpci_modern_write(struct vpci *p, uint64_t off, uint64_t v, uint32_t size);
extern const struct tn_region_ops vpci_modern_ops, vpci_pio_ops;

/* virtio_pci.c: bus mastering for drivers older than Linux 2.6.34, which did not switch it on. */
void vpci_be_master(struct vpci *p);
/* vpci_legacy.c: the I/O BAR. */
extern const struct tn_region_ops vpci_legacy_ops;

/* vpci_irq.c */
void vpci_irq_init(struct vpci *p);
int vpci_irq_queues(struct vpci *p); /* [main] nqueues is known; 0 or -ENOMEM */
void vpci_irq_fini(struct vpci *p);
void vpci_irq_reset(struct vpci *p);
void vpci_irq_loaded(struct vpci *p);
uint32_t vpci_isr_read(struct vpci *p); /* and clear (4.1.4.5) */
/* The vector as it is kept: none if there is no such vector (4.1.5.1.2). */
uint16_t vpci_vector(const struct vpci *p, uint32_t v);
void vpci_set_config_vector(struct vpci *p, uint32_t v);
void vpci_set_queue_vector(struct vpci *p, uint32_t v); /* of the selected queue */
void vpci_irq_mode(void *s, uint32_t mode, uint32_t nvec);
void vpci_queue_interrupt(void *t, uint32_t q); /* [any] */
void vpci_config_interrupt(void *t);            /* [any] */
int vpci_call_fd(void *t, uint32_t q);          /* [main][vcpu] 0 or -errno */
bool vpci_doorbell(void *t, uint32_t q, bool on);
static inline bool vpci_msix_on(const struct vpci *p)
{
    return __atomic_load_n(&p->msix, __ATOMIC_ACQUIRE) != 0;
}

/* vpci_caps.c: [main] in realize. 0 or -errno with e. */
int vpci_add_express(struct vpci *p, struct tn_err *e);
int vpci_add_caps(struct vpci *p, struct tn_err *e);
/* Trapped configuration space: pci_cfg_data (4.1.4.9). */
uint32_t vpci_config_read(void *s, uint32_t off, uint32_t size, uint32_t val);
uint32_t vpci_config_write(void *s, uint32_t off, uint32_t size, uint32_t val);

#endif
