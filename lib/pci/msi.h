/* SPDX-License-Identifier: BSD-2-Clause */
/* MSI and MSI-X as pure logic (PCI Local Bus 3.0 6.8, PCIe Base 6.0 6.1.4, 7.7.1, 7.7.2). A message
 * is an address and data that the owner writes to memory; the owner hears of each change of a
 * vector's wiring, so that it can move irqfds. Nothing here locks: calls for one function are
 * serialised, and callbacks run inside them. */
#ifndef TN_PCI_MSI_H
#define TN_PCI_MSI_H
#include "pci/config.h"

#define MSI_MAX_VECTORS  32
#define MSIX_MAX_VECTORS 2048

struct pci_msg {
    uint64_t addr;
    uint32_t data;
};

/* What became of a vector that the function raised. */
enum pci_notify {
    PCI_NOTIFY_NONE, /* disabled, or no such vector: dropped */
    PCI_NOTIFY_SEND, /* the owner sends the message */
    PCI_NOTIFY_PEND, /* masked: its pending bit is set, fire() comes at the unmask */
};

/* How the owner is told; each may be NULL. */
struct pci_vec_ops {
    /* the capability was enabled or disabled, or has another number of vectors; before the first
     * rewire() of an enabled capability and after the last one of a disabled one */
    void (*mode)(void *s, bool enabled, uint32_t nvec);
    /* vector vec is delivered as *msg from now on; NULL: masked or disabled */
    void (*rewire)(void *s, uint32_t vec, const struct pci_msg *msg);
    /* vec was pending and is delivered now: send the message */
    void (*fire)(void *s, uint32_t vec, const struct pci_msg *msg);
    /* MSI-X: the guest is about to read the pending bits: raise n vectors from vec on whose event
     * sources are signalled but were not looked at while masked, by msix_notify() */
    void (*poll)(void *s, uint32_t vec, uint32_t n);
};

/* ---- MSI ---- */

enum {
    MSI_64BIT = 1,
    MSI_MASKABLE = 2
}; /* Message Upper Address; per-vector mask and pending bits */

struct msi {
    struct pci_config *c;
    uint32_t cap, flags, nvec; /* offset, MSI_*, vectors that the function has */
    const struct pci_vec_ops *ops;
    void *s;
    /* as last told to the owner */
    bool enabled;
    uint32_t active; /* vectors that the guest enabled: a power of two */
    uint32_t live;   /* bit n: vector n is delivered */
    struct pci_msg base;
};

/* Adds the capability with n vectors (1, 2, 4, ... 32) at offset at (0: first gap). ops and s
 * outlive m. Returns the offset; -EINVAL for another n, or as pci_cap_add(). */
int msi_init(struct msi *m, struct pci_config *c, uint32_t at, uint32_t n, uint32_t flags,
             const struct pci_vec_ops *ops, void *s);

/* The function raises vec; with fewer vectors enabled than it has, vectors share: vec modulo their
 * number. *msg is filled for PCI_NOTIFY_SEND. */
enum pci_notify msi_notify(struct msi *m, uint32_t vec, struct pci_msg *msg);

/* To be called after each guest write to the function's configuration space. */
void msi_written(struct msi *m, const struct pci_written *w);
/* Brings the owner up to date after a reset or a restore of the configuration space. */
void msi_refresh(struct msi *m);
/* After pci_config_reset(): drops pending bits too. */
void msi_reset(struct msi *m);

/* ---- MSI-X ---- */

struct msix {
    struct pci_config *c;
    uint32_t cap, nvec;
    uint32_t table_bar, pba_bar; /* BAR numbers */
    uint64_t table_off, pba_off; /* bytes into the BAR */
    uint8_t *table;              /* nvec entries of 16 bytes, as the guest sees them */
    uint8_t *pba;                /* a bit per vector, whole qwords */
    const struct pci_vec_ops *ops;
    void *s;
    bool enabled,
        open; /* as last told to the owner; open: enabled and the function is not masked */
};

/* Adds the capability with n vectors (1 to 2048). Table and pending bits lie in memory BARs that
 * were declared before, at offsets that are multiples of 8, inside the BAR and apart. Returns the
 * offset; -EINVAL, or as pci_cap_add(). Frees with msix_fini(). */
int msix_init(struct msix *m, struct pci_config *c, uint32_t at, uint32_t n, uint32_t table_bar,
              uint64_t table_off, uint32_t pba_bar, uint64_t pba_off, const struct pci_vec_ops *ops,
              void *s);
void msix_fini(struct msix *m);

/* Bytes that the table and the pending bit array take. */
uint32_t msix_table_len(const struct msix *m);
uint32_t msix_pba_len(const struct msix *m);

/* The function raises vec. *msg is filled for PCI_NOTIFY_SEND. */
enum pci_notify msix_notify(struct msix *m, uint32_t vec, struct pci_msg *msg);
/* Whether vec waits for its unmask; the owner may take the event back, as some functions must. */
bool msix_pending(const struct msix *m, uint32_t vec);
void msix_clear_pending(struct msix *m, uint32_t vec);
/* Whether vec is delivered now, and as what (msg may be NULL). */
bool msix_message(const struct msix *m, uint32_t vec, struct pci_msg *msg);

/* The guest's accesses, off in bytes from the start of the table or the array. Only aligned ones of
 * 4 and 8 bytes (6.8.2); others, and those beyond the end, read as ones and are dropped. Pending
 * bits are read-only. */
uint64_t msix_table_read(const struct msix *m, uint64_t off, uint32_t size);
void msix_table_write(struct msix *m, uint64_t off, uint32_t size, uint64_t value);
uint64_t msix_pba_read(struct msix *m, uint64_t off, uint32_t size);

/* To be called after each guest write to the function's configuration space. */
void msix_written(struct msix *m, const struct pci_written *w);
/* Takes over msix_table_len() and msix_pba_len() bytes; bits that no guest can set are dropped.
 * msix_refresh() is to follow. */
void msix_restore(struct msix *m, const uint8_t *table, const uint8_t *pba);
/* Tells the owner everything anew after table, pending bits and registers were restored. */
void msix_refresh(struct msix *m);
/* After pci_config_reset(): masks all entries, zeroes their messages, drops pending bits. */
void msix_reset(struct msix *m);

#endif
