/* SPDX-License-Identifier: BSD-2-Clause */
/* PCI functions on the strict host: config space by masks, BARs, messages. Sections: PCI Local
 * Bus 3.0, PCI Express Base 6.0. */
#ifndef TENON_CHECK_HOST_PCI_H
#define TENON_CHECK_HOST_PCI_H
#include "parts.h"
#include "stand_bus.h"
#include <tenon/pci-bus.h>
#include <tenon/pci.h>

enum { PCI_BARS = 6, PCI_ROM = 6, PCI_CFG = 4096, MSIX_MAX = 2048 };

struct pci_bar {
    struct tn_region_ops ops;
    void *s;
    uint64_t size, at; /* size 0: not there; at: TN_ANYWHERE while it does not decode */
    uint32_t kind;     /* TN_BAR_* */
    int upper;         /* it is the upper half of the one before */
};

struct pci_fn {
    struct dev *d;
    const struct tn_pci_ops *ops;
    uint8_t cfg[PCI_CFG], wmask[PCI_CFG], w1c[PCI_CFG], initial[PCI_CFG], used[PCI_CFG],
        trap[PCI_CFG];
    struct pci_bar bar[PCI_BARS + 1];
    uint32_t devfn, flags;
    uint32_t msi, msi_n, msi_flags; /* offset of the capability, 0 = none; vectors */
    uint32_t msix, msix_n, table_bar, pba_bar;
    uint64_t table_off, pba_off;
    uint8_t *table, *pba;    /* msix_n entries of 16 bytes; their pending bits */
    uint8_t live[MSIX_MAX];  /* vectors that are not masked */
    pthread_mutex_t lock;    /* of table, pba, live and sent: pci->irq is [any] */
    uint32_t mode, nvec;     /* TN_IRQ_* that the class was told */
    uint32_t intx;           /* level of the pin */
    uint64_t intx_rose_in;   /* call_serial() */
    uint64_t sent[MSIX_MAX]; /* messages that left, by vector */
    int gone, express;
    struct tn_as *as;
    int fds[MSIX_MAX];    /* irqfds lent, -1 = none; */
    uint32_t nfds;        /* none from this vector on */
    struct tn_bus *below; /* of a bridge */
    struct tn_pci_bus_ops bus_ops;
    void *bus_self;
};

/* The guest's accesses; size 1, 2 or 4, off a multiple of it. With every effect on the function. */
uint32_t pci_cfg_read(struct dev *d, uint32_t off, uint32_t size);
void pci_cfg_write(struct dev *d, uint32_t off, uint32_t v, uint32_t size);
/* What firmware does: an address for each BAR, decoding and bus mastering on; mode TN_IRQ_*: INTx,
 * or one vector each. */
void pci_firmware(struct dev *d);
void pci_enable_irq(struct dev *d, uint32_t mode);
/* Offset of a capability, 0 = none. */
uint32_t pci_find_cap(const struct pci_fn *f, uint8_t id);
/* What a machine that goes on has of the function: registers, table and pending bits of from, which
 * is quiet, as to is. The class is told by pci_tell(), when it runs again. */
void pci_follow(struct dev *to, const struct dev *from);
void pci_tell(struct dev *d);
/* Registers as after power-on; the class's own reset is dev_reset()'s. */
void pci_reset(struct dev *d);
/* ---- messages; host_pci_msg.c ---- */

/* After declaring, with msix_n entries; and after a reset: all masked, nothing pending. */
void pci_msix_init(struct pci_fn *f);
void pci_msg_reset(struct pci_fn *f);
/* The class raises vector vec: it leaves, is pending, or means nothing. */
void pci_message(struct pci_fn *f, uint32_t vec);
/* Likewise what came by descriptors that were lent, of every function. */
void pci_irqfds(struct host *h);
/* Masks may have changed: tells the class, and sends what was pending. */
void pci_settle(struct pci_fn *f);
int pci_pending(const struct pci_fn *f, uint32_t vec); /* what the guest reads of it */
/* The guest's accesses where pci_msix_range(). */
uint64_t pci_msix_read(struct dev *d, uint32_t bar, uint64_t off, uint32_t size);
void pci_msix_write(struct dev *d, uint32_t bar, uint64_t off, uint64_t v, uint32_t size);
/* The guest gives MSI-X vector vec a message, masked or not. */
void pci_vector(struct dev *d, uint32_t vec, uint32_t masked);

/* In the life of a device: realize is over, and it goes. */
void pci_ready(struct dev *d);
void pci_free(struct dev *d);
/* First line of what only realize may call: its function. */
struct pci_fn *pci_declaring(struct tn_dev *pub, const char *what);
int pci_master(const struct dev *d); /* 1: bus mastering is on, in D0 */
/* 1 if the host answers there itself: MSI-X table and pending bits. */
int pci_msix_range(const struct dev *d, uint32_t bar, uint64_t off, uint32_t size);
/* The BARs that trap and decode, as places. */
int pci_place(struct dev *d, uint32_t *n, struct place *out);

#endif
