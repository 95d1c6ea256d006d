/* SPDX-License-Identifier: BSD-2-Clause */
/* The guest's way to configuration space: ports 0xcf8 and 0xcfc, and the ECAM. */
#include "core/loop.h"
#include "pci_impl.h"
#include "util/bytes.h"
#include <errno.h>
#include <string.h>

enum { CONFIG_ADDRESS = 0xcf8, CONFIG_DATA = 0xcfc };

/* ---- one function ---- */

static int trapped(const struct pci_func *f, uint32_t off, uint32_t size, uint32_t what)
{
    for (uint32_t i = 0; f->traps && i < size; i++)
        if (off + i < f->c.size && (f->traps[off + i] & what))
            return 1;
    return 0;
}

static uint32_t locked_read(struct pci_func *f, uint32_t off, uint32_t size)
{
    pthread_mutex_lock(&f->lock);
    uint32_t v = pci_config_read(&f->c, off, size);
    pthread_mutex_unlock(&f->lock);
    return v;
}

uint32_t pci_func_read(struct pci_func *f, uint32_t off, uint32_t size)
{
    if (!trapped(f, off, size, TN_TRAP_READ) || !f->ops->config_read)
        return locked_read(f, off, size);
    domain_lock(f->dev->domain);
    uint32_t v = locked_read(f, off, size);
    if (!__atomic_load_n(&f->c.absent, __ATOMIC_RELAXED))
        v = f->ops->config_read(f->dev->pub.self, off, size, v) & (uint32_t)ones(size);
    domain_unlock(f->dev->domain);
    return v;
}

/* A function level reset, or D3hot left without No_Soft_Reset: for the main loop to carry out. */
static void note_resets(struct pci_events *ev, uint32_t changes)
{
    if (changes & PCI_CHANGED_FLR)
        ev->reset = TN_RESET_FLR;
    else if (changes & PCI_CHANGED_SOFT_RESET)
        ev->reset = TN_RESET_PM;
}

static void bridge_follows(struct pci_func *f, const struct pci_written *w, struct pci_events *ev)
{
    uint32_t what = bridge_written(&f->bridge, w);
    uint32_t numbers = f->bridge.d.secondary | (uint32_t)f->bridge.d.subordinate << 8;
    __atomic_store_n(&f->numbers, numbers, __ATOMIC_RELAXED);
    ev->routed |=
        what & (TN_BRIDGE_NUMBERS | TN_BRIDGE_IO | TN_BRIDGE_MEM | TN_BRIDGE_PREF | TN_BRIDGE_ARI);
    if (what & BRIDGE_RESET)
        ev->bus_reset = 1;
    if (what & BRIDGE_UNRESET)
        ev->bus_reset = 2;
    if (pci_written_hits(w, PCI_COMMAND, 2) || (what & (BRIDGE_IO | BRIDGE_MEM | BRIDGE_PREF)))
        ev->below = 1;
}

/* The write and all that the function's own state makes of it. The function's lock is held. */
static struct pci_written apply(struct pci_func *f, uint32_t off, uint32_t size, uint32_t v,
                                struct pci_events *ev)
{
    struct pci_written w = pci_config_write(&f->c, off, size, v);
    if (!w.size)
        return w;
    note_resets(ev, w.changes);
    if (f->msi.cap)
        msi_written(&f->msi, &w);
    if (f->msix.cap)
        msix_written(&f->msix, &w);
    if (f->below)
        bridge_follows(f, &w, ev);
    if (f->vfs)
        ev->vfs |= sriov_written(&f->vfs->v, &w);
    if (w.changes & PCI_CHANGED_POWER)
        ev->below |= f->below != NULL;
    pci_func_settle(f, ev);
    return w;
}

static void write_locked(struct pci_func *f, uint32_t off, uint32_t size, uint32_t v,
                         struct pci_events *ev)
{
    if (trapped(f, off, size, TN_TRAP_WRITE) && f->ops->config_write &&
        !__atomic_load_n(&f->c.absent, __ATOMIC_RELAXED))
        v = f->ops->config_write(f->dev->pub.self, off, size, v) & (uint32_t)ones(size);
    pthread_mutex_lock(&f->lock);
    struct pci_written w = apply(f, off, size, v, ev);
    pthread_mutex_unlock(&f->lock);
    if (ev->routed & TN_BRIDGE_NUMBERS)
        pci_route(f->pci);
    pci_func_tell(f, ev);
    if (w.size && f->ops->config_written)
        f->ops->config_written(f->dev->pub.self, off, size, w.old);
}

void pci_func_write(struct pci_func *f, uint32_t off, uint32_t size, uint32_t v)
{
    struct pci_events ev = {0};
    domain_lock(f->dev->domain);
    write_locked(f, off, size, v, &ev);
    domain_unlock(f->dev->domain);
    if (ev.bus_reset)
        pci_bus_reset(f->below, ev.bus_reset == 1);
    if (ev.below)
        pci_bus_settle(f->below);
    if (ev.vfs)
        pci_vfs_follow(f, ev.vfs);
    if (ev.reset)
        pci_func_reset_later(f, ev.reset);
}

/* ---- the ports ---- */

static uint64_t address_read(void *s, uint64_t off, uint32_t size)
{
    struct pci *p = s;
    (void)off;
    (void)size;
    return __atomic_load_n(&p->config_address, __ATOMIC_RELAXED);
}

static void address_write(void *s, uint64_t off, uint64_t v, uint32_t size)
{
    struct pci *p = s;
    (void)off;
    (void)size;
    __atomic_store_n(&p->config_address, (uint32_t)v, __ATOMIC_RELAXED);
}

static struct pci_func *data_target(struct pci *p, uint64_t off, struct pci_target *t)
{
    uint32_t address = __atomic_load_n(&p->config_address, __ATOMIC_RELAXED);
    return pci_cf8_decode(address, (uint16_t)(CONFIG_DATA + off), t) ? pci_lookup(p, t) : NULL;
}

static uint64_t data_read(void *s, uint64_t off, uint32_t size)
{
    struct pci_target t;
    struct pci_func *f = data_target(s, off, &t);
    return f ? pci_func_read(f, t.reg, size) : ones(size);
}

static void data_write(void *s, uint64_t off, uint64_t v, uint32_t size)
{
    struct pci_target t;
    struct pci_func *f = data_target(s, off, &t);
    if (f)
        pci_func_write(f, t.reg, size, (uint32_t)v);
}

/* ---- the ECAM ---- */

static uint64_t ecam_read(void *s, uint64_t off, uint32_t size)
{
    struct pci_target t;
    struct pci_func *f = pcie_ecam_decode(off, &t) ? pci_lookup(s, &t) : NULL;
    return f ? pci_func_read(f, t.reg, size) : ones(size);
}

static void ecam_write(void *s, uint64_t off, uint64_t v, uint32_t size)
{
    struct pci_target t;
    struct pci_func *f = pcie_ecam_decode(off, &t) ? pci_lookup(s, &t) : NULL;
    if (f)
        pci_func_write(f, t.reg, size, (uint32_t)v);
}

static const struct tn_region_ops address_ops = {.struct_size = sizeof address_ops,
                                                 .flags = TN_RO_NO_LOCK,
                                                 .valid_min = 4,
                                                 .valid_max = 4,
                                                 .read = address_read,
                                                 .write = address_write};
static const struct tn_region_ops data_ops = {.struct_size = sizeof data_ops,
                                              .flags = TN_RO_NO_LOCK,
                                              .valid_max = 4,
                                              .valid_min = 1,
                                              .read = data_read,
                                              .write = data_write};
static const struct tn_region_ops ecam_ops = {.struct_size = sizeof ecam_ops,
                                              .flags = TN_RO_NO_LOCK,
                                              .valid_min = 1,
                                              .valid_max = 8,
                                              .impl_min = 1,
                                              .impl_max = 4,
                                              .read = ecam_read,
                                              .write = ecam_write};

static int own(struct space *s, struct pci *p, const char *name, uint64_t base, uint64_t size,
               const struct tn_region_ops *ops, struct tn_region **out, struct tn_err *e)
{
    struct tn_region_req q = {.struct_size = sizeof q, .base = base, .size = size, .name = name};
    return region_add(s, NULL, &q, ops, p, 0, out, e);
}

/* CONFIG_ADDRESS takes dwords only (PCI Local Bus 3.0 3.2.2.3.2): the bytes behind its first are
 * other devices' ports, as the reset control register at 0xcf9. */
int pci_access_init(struct pci *p, uint64_t ecam_base, struct tn_err *e)
{
    int err = own(p->vm->pio, p, "pci-conf-idx", CONFIG_ADDRESS, 1, &address_ops, &p->cf8, e);
    if (err < 0)
        return err;
    p->cf8->whole = 1;
    if ((err = own(p->vm->pio, p, "pci-conf-data", CONFIG_DATA, 4, &data_ops, &p->cfc, e)) < 0 ||
        !ecam_base)
        return err;
    return own(p->vm->mmio, p, "pcie-mmcfg-mmio", ecam_base,
               (uint64_t)PCI_BUSES << PCIE_ECAM_BUS_SHIFT, &ecam_ops, &p->ecam, e);
}
