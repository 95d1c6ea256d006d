/* SPDX-License-Identifier: BSD-2-Clause */
/* What a change of configuration space means outside of it: where regions are, whether the function
 * is bus master, its interrupts; and what the plugin is told of it. */
#include "core/epoch.h"
#include "core/loop.h"
#include "pci_impl.h"

/* ---- regions ---- */

enum { LAST_PORT = 0xffff };

static uint64_t wanted(const struct pci_func *f, const struct pci_region *r)
{
    const struct pci_bar *bar = &f->c.bar[r->bar];
    int io = (bar->kind & PCI_BAR_IO) != 0;

    if (bar->addr == PCI_BAR_UNMAPPED || (io && bar->addr + (bar->size - 1) > LAST_PORT) ||
        !pci_bus_decodes(f->bus, io, bar->addr, bar->size))
        return PCI_BAR_UNMAPPED;
    return bar->addr + r->off;
}

/* A BAR and what lies over it change together. */
static void place_changed(struct pci_func *f, struct space *s, struct pci_events *ev)
{
    struct tn_region *r[PCI_REGIONS];
    uint64_t base[PCI_REGIONS];
    uint32_t n = 0;

    for (uint32_t i = 0; i < PCI_REGIONS; i++) {
        struct pci_region *it = &f->region[i];
        uint64_t at = it->region && it->region->space == s ? wanted(f, it) : it->at;

        if (at == it->at)
            continue;
        it->at = at;
        r[n] = it->region;
        base[n++] = at == PCI_BAR_UNMAPPED ? TN_ANYWHERE : at;
        if (i < PCI_BARS)
            ev->moved |= 1u << i;
    }
    if (n)
        regions_place(s, r, base, n);
}

static void settle_regions(struct pci_func *f, struct pci_events *ev)
{
    if (f->stopped)
        return;
    place_changed(f, f->pci->vm->mmio, ev);
    place_changed(f, f->pci->vm->pio, ev);
}

/* ---- the rest ---- */

static void settle_master(struct pci_func *f)
{
    uint32_t open = pci_config_master(&f->c) && pci_bus_masters(f->bus);
    if (open != __atomic_load_n(&f->as.open, __ATOMIC_RELAXED))
        memory_as_gate(&f->as, open);
}

static uint32_t irq_mode(const struct pci_func *f, uint32_t *nvec)
{
    *nvec = f->msix.enabled ? f->msix.nvec : f->msi.enabled ? f->msi.active : 0;
    if (f->msix.enabled)
        return TN_IRQ_MSIX;
    if (f->msi.enabled)
        return TN_IRQ_MSI;
    *nvec = f->c.bytes[PCI_INTERRUPT_PIN] &&
            !(pci_config_get(&f->c, PCI_COMMAND, 2) & PCI_COMMAND_INTX_DISABLE);
    return *nvec ? TN_IRQ_INTX : TN_IRQ_NONE;
}

static void settle_mode(struct pci_func *f, struct pci_events *ev)
{
    uint32_t nvec, mode = irq_mode(f, &nvec);
    ev->mode |= mode != f->mode || nvec != f->mode_nvec;
    f->mode = mode;
    f->mode_nvec = nvec;
    for (uint32_t i = 0; i < f->nvec && !ev->toggled; i++)
        ev->toggled = (f->vec_state[i] & VEC_TOGGLED) != 0;
}

void pci_func_settle(struct pci_func *f, struct pci_events *ev)
{
    settle_regions(f, ev);
    settle_master(f);
    pci_func_wire(f);
    pci_irqfds_wire(f);
    settle_mode(f, ev);
}

void pci_func_hold(struct pci_func *f, uint32_t why, int on, struct pci_events *ev)
{
    f->held = on ? f->held | why : f->held & ~why;
    pci_config_absent(&f->c, f->held != 0);
    ev->below |= f->below != NULL;
    ev->vfs |= f->vfs ? SRIOV_BARS : 0u;
    pci_func_settle(f, ev);
}

/* ---- telling the plugin ---- */

static void tell_moved(struct pci_func *f, uint32_t moved)
{
    for (uint32_t n = 0; n < PCI_BARS; n++)
        if (moved & 1u << n)
            f->ops->bar_moved(f->dev->pub.self, n,
                              f->region[n].at == PCI_BAR_UNMAPPED ? TN_ANYWHERE : f->region[n].at);
}

/* Takes the mark off vec; 1 if it was there, *masked as it is now. */
static int take_toggled(struct pci_func *f, uint32_t vec, uint32_t *masked)
{
    pthread_mutex_lock(&f->lock);
    int was = f->vec_state[vec] & VEC_TOGGLED;
    *masked = !(f->vec_state[vec] & VEC_LIVE);
    f->vec_state[vec] &= (uint8_t)~VEC_TOGGLED;
    pthread_mutex_unlock(&f->lock);
    return was;
}

static void tell_masks(struct pci_func *f)
{
    uint32_t masked;
    for (uint32_t vec = 0; vec < f->nvec; vec++)
        if (take_toggled(f, vec, &masked) && f->ops->msix_mask && f->msix.cap)
            f->ops->msix_mask(f->dev->pub.self, vec, masked);
}

void pci_func_tell(struct pci_func *f, const struct pci_events *ev)
{
    void *s = f->dev->pub.self;
    if (ev->moved && f->ops->bar_moved)
        tell_moved(f, ev->moved);
    if (ev->mode && f->ops->irq_mode)
        f->ops->irq_mode(s, f->mode, f->mode_nvec);
    if (ev->toggled)
        tell_masks(f);
    if (!f->below)
        return;
    const struct tn_pci_bus_ops *o = f->below->ops;
    if (ev->routed && o && o->routed)
        o->routed(f->below->s, ev->routed);
    if (ev->bus_reset && o && o->bus_reset)
        o->bus_reset(f->below->s, ev->bus_reset == 1);
}

/* ---- telling later ---- */

void pci_func_tell_later(struct pci_func *f, const struct pci_events *ev)
{
    if (!f->realized || f->stopped)
        return;
    f->owed.moved |= ev->moved;
    f->owed.mode |= ev->mode;
    f->owed.toggled |= ev->toggled;
    f->owed.below |= ev->below;
    f->owed.vfs |= ev->vfs;
    bh_kick(f->tell_bh);
}

void pci_func_tell_owed(void *s)
{
    struct pci_func *f = s;
    domain_lock(f->dev->domain);
    pthread_mutex_lock(&f->lock);
    struct pci_events ev = f->owed;
    f->owed = (struct pci_events){0};
    pthread_mutex_unlock(&f->lock);
    pci_func_tell(f, &ev);
    domain_unlock(f->dev->domain);
    if (ev.below)
        pci_bus_settle(f->below);
    if (ev.vfs)
        pci_vfs_follow(f, ev.vfs);
}

/* ---- a bridge's change reaches what is below it ---- */

static void settle_one(struct pci_func *f)
{
    struct pci_events ev = {0};
    domain_lock(f->dev->domain);
    pthread_mutex_lock(&f->lock);
    pci_func_settle(f, &ev);
    pthread_mutex_unlock(&f->lock);
    pci_func_tell(f, &ev);
    domain_unlock(f->dev->domain);
}

void pci_bus_settle(struct pci_bus *b)
{
    struct reader *me = reader_self();
    reader_enter(me);
    for (uint32_t devfn = 0; devfn < PCI_DEVFNS; devfn++) {
        struct pci_func *f = __atomic_load_n(&b->seen[devfn], __ATOMIC_ACQUIRE);
        if (!f)
            continue;
        settle_one(f);
        if (f->below)
            pci_bus_settle(f->below);
    }
    reader_leave(me);
}
