/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages of a function: what is masked is pending and leaves when the mask goes, what is not bus
 * master sends nothing. PCI Local Bus 3.0 6.8. */
#include "host_pci.h"
#include "util/bytes.h"
#include <linux/pci_regs.h>
#include <unistd.h>

enum { ENTRY = 16, CTRL = 12, ADDRESS = 0xfee00000 };

static uint64_t table_len(const struct pci_fn *f)
{
    return ENTRY * (uint64_t)f->msix_n;
}

static uint64_t pba_len(const struct pci_fn *f)
{
    return ((uint64_t)f->msix_n + 63) / 64 * 8;
}

void pci_msix_init(struct pci_fn *f)
{
    f->table = xcalloc(f->msix_n, ENTRY);
    f->pba = xcalloc(1, pba_len(f));
    pci_msg_reset(f);
}

void pci_msg_reset(struct pci_fn *f)
{
    for (uint32_t i = 0; i < f->msix_n; i++) {
        memset(f->table + ENTRY * i, 0, ENTRY);
        put_le32(f->table + ENTRY * i + CTRL, PCI_MSIX_ENTRY_CTRL_MASKBIT);
    }
    if (f->pba)
        memset(f->pba, 0, pba_len(f));
    memset(f->live, 0, sizeof f->live);
}

/* ---- registers of the MSI capability: 6.8.1 ---- */

static uint32_t msi_reg(const struct pci_fn *f, uint32_t narrow)
{
    return f->msi + narrow + (f->msi_flags & TN_MSI_64 ? 4 : 0);
}

static uint32_t msi_mask(const struct pci_fn *f)
{
    return f->msi_flags & TN_MSI_MASK ? get_le32(f->cfg + msi_reg(f, PCI_MSI_MASK_32)) : 0;
}

static int msi_pend(struct pci_fn *f, uint32_t vec, int on)
{
    uint8_t *p = f->cfg + msi_reg(f, PCI_MSI_PENDING_32);
    uint32_t was = get_le32(p), bit = 1u << vec;
    put_le32(p, on ? was | bit : was & ~bit);
    return (was & bit) != 0;
}

static int msix_pend(struct pci_fn *f, uint32_t vec, int on)
{
    uint8_t *p = f->pba + vec / 8, bit = (uint8_t)(1u << vec % 8), was = *p;
    *p = (uint8_t)(on ? was | bit : was & ~bit);
    return (was & bit) != 0;
}

/* ---- vectors ---- */

static int msix_on(const struct pci_fn *f, uint16_t *ctrl)
{
    *ctrl = f->msix ? get_le16(f->cfg + f->msix + PCI_MSIX_FLAGS) : 0;
    return *ctrl & PCI_MSIX_FLAGS_ENABLE;
}

static uint32_t msi_active(const struct pci_fn *f)
{
    uint16_t ctrl = f->msi ? get_le16(f->cfg + f->msi + PCI_MSI_FLAGS) : 0;
    uint32_t n = 1u << ((ctrl & PCI_MSI_FLAGS_QSIZE) >> 4);
    return !(ctrl & PCI_MSI_FLAGS_ENABLE) ? 0 : n < f->msi_n ? n : f->msi_n;
}

/* 6.8.3.5: neither the function's mask nor its own. */
static int open_(const struct pci_fn *f, uint32_t vec)
{
    uint16_t ctrl;
    if (msix_on(f, &ctrl))
        return vec < f->msix_n && !(ctrl & PCI_MSIX_FLAGS_MASKALL) &&
               !(f->table[ENTRY * vec + CTRL] & PCI_MSIX_ENTRY_CTRL_MASKBIT);
    return vec < msi_active(f) && !(msi_mask(f) >> vec & 1);
}

static int pend(struct pci_fn *f, uint32_t vec, int on)
{
    uint16_t ctrl;
    if (msix_on(f, &ctrl))
        return vec < f->msix_n && msix_pend(f, vec, on);
    return vec < msi_active(f) && f->msi_flags & TN_MSI_MASK && msi_pend(f, vec, on);
}

/* A message is a write to memory: PCI 3.0 6.2.2, Bus Master. */
static void send(struct pci_fn *f, uint32_t vec)
{
    if (!pci_master(f->d))
        return;
    f->sent[vec]++;
    irq_raised(f->d->h);
}

void pci_message(struct pci_fn *f, uint32_t vec)
{
    uint16_t ctrl;
    int msix = msix_on(f, &ctrl);
    uint32_t n = msi_active(f);
    pthread_mutex_lock(&f->lock);
    if (!msix && n)
        vec &= n - 1;
    if (vec < MSIX_MAX && (msix || n)) {
        if (open_(f, vec))
            send(f, vec);
        else
            pend(f, vec, 1);
    }
    pthread_mutex_unlock(&f->lock);
}

int pci_pending(const struct pci_fn *f, uint32_t vec)
{
    if (f->mode == TN_IRQ_MSIX)
        return vec < f->msix_n && f->pba[vec / 8] >> vec % 8 & 1;
    return f->mode == TN_IRQ_MSI && f->msi_flags & TN_MSI_MASK && vec < f->msi_n &&
           get_le32(f->cfg + msi_reg(f, PCI_MSI_PENDING_32)) >> vec & 1;
}

static void take_irqfds(struct pci_fn *f)
{
    for (uint32_t vec = 0; vec < f->nfds; vec++) {
        uint64_t n;
        if (f->fds[vec] >= 0 && read(f->fds[vec], &n, sizeof n) == sizeof n)
            pci_message(f, vec);
    }
}

void pci_irqfds(struct host *h)
{
    struct dev *d;
    TAILQ_FOREACH(d, &h->devs, link)
    if (d->pci)
        take_irqfds(d->pci);
}

void pci_settle(struct pci_fn *f)
{
    uint32_t most = f->msix_n > f->msi_n ? f->msix_n : f->msi_n;
    for (uint32_t vec = 0; vec < most; vec++) {
        pthread_mutex_lock(&f->lock);
        int is = open_(f, vec), toggled = f->live[vec] != is;
        f->live[vec] = (uint8_t)is;
        if (is && pend(f, vec, 0))
            send(f, vec);
        pthread_mutex_unlock(&f->lock);
        if (toggled && f->ops->msix_mask && f->msix)
            CALL(f->d, R_VCPU | R_DEV, "msix_mask", f->ops->msix_mask(f->d->pub.self, vec, !is));
    }
}

/* ---- table and pending bits, as the guest reaches them: 6.8.2 ---- */

static int inside(uint64_t off, uint32_t size, uint64_t from, uint64_t len)
{
    return (size == 4 || size == 8) && off % size == 0 && off >= from && off + size <= from + len;
}

uint64_t pci_msix_read(struct dev *d, uint32_t bar, uint64_t off, uint32_t size)
{
    struct pci_fn *f = d->pci;
    uint64_t v = 0;
    take_irqfds(f);
    if (bar == f->table_bar && inside(off, size, f->table_off, table_len(f)))
        memcpy(&v, f->table + (off - f->table_off), size);
    else if (bar == f->pba_bar && inside(off, size, f->pba_off, pba_len(f)))
        memcpy(&v, f->pba + (off - f->pba_off), size);
    else
        return ones(size);
    return v;
}

static void store(struct pci_fn *f, uint64_t at, uint32_t v)
{
    uint32_t writable = at % ENTRY == CTRL ? PCI_MSIX_ENTRY_CTRL_MASKBIT : at % ENTRY ? ~0u : ~3u;
    put_le32(f->table + at, v & writable);
}

void pci_msix_write(struct dev *d, uint32_t bar, uint64_t off, uint64_t v, uint32_t size)
{
    struct pci_fn *f = d->pci;
    if (bar != f->table_bar || !inside(off, size, f->table_off, table_len(f)))
        return;
    for (uint32_t i = 0; i < size; i += 4)
        store(f, off - f->table_off + i, (uint32_t)(v >> 8 * i));
    pci_settle(f);
}

void pci_vector(struct dev *d, uint32_t vec, uint32_t masked)
{
    struct pci_fn *f = d->pci;
    uint64_t at = f->table_off + ENTRY * vec;
    pci_msix_write(d, f->table_bar, at, ADDRESS, 8);
    pci_msix_write(d, f->table_bar, at + 8, (uint64_t)masked << 32 | vec, 8);
}
