/* SPDX-License-Identifier: BSD-2-Clause */
/* Resets of functions: of the machine, at once; those that a guest asks for, when the device has
 * come to rest. Until then the function answers nothing, as one that is busy may (PCIe
 * Base 6.0 6.6.2). */
#include "core/epoch.h"
#include "core/loop.h"
#include "pci_impl.h"

/* ---- the function's own registers ---- */

static void reset_registers(struct pci_func *f, uint32_t kind, struct pci_events *ev)
{
    f->pin_level = 0;
    pci_config_reset(&f->c, kind == TN_RESET_COLD);
    if (f->msi.cap)
        msi_reset(&f->msi);
    if (f->msix.cap)
        msix_reset(&f->msix);
    if (f->below) {
        ev->routed = bridge_written(&f->bridge, NULL) & ~(uint32_t)(BRIDGE_RESET | BRIDGE_UNRESET);
        __atomic_store_n(&f->numbers, 0, __ATOMIC_RELAXED);
    }
    if (f->vfs)
        ev->vfs = sriov_written(&f->vfs->v, NULL);
    pci_func_settle(f, ev);
}

void pci_reset_function(struct device *d, uint32_t kind)
{
    struct pci_func *f = d->pci;
    struct pci_events ev = {0};
    if (!f)
        return;
    int entered = domain_enter(d->domain);
    pthread_mutex_lock(&f->lock);
    reset_registers(f, kind, &ev);
    pthread_mutex_unlock(&f->lock);
    if (f->below)
        pci_route(f->pci);
    pci_func_tell(f, &ev);
    domain_leave(d->domain, entered);
    if (ev.vfs)
        pci_vfs_follow(f, ev.vfs);
    if (f->below && !domain_any_held())
        pci_bus_settle(f->below);
}

/* A machine's reset ends what the bridges above hold in reset; what a port has powered off is the
 * port's to say. */
static int reset_one(void *kind, struct device *d, uint32_t rid)
{
    struct pci_events ev = {0};
    (void)rid;
    pci_reset_function(d, *(uint32_t *)kind);
    pthread_mutex_lock(&d->pci->lock);
    if (d->pci->held & PCI_HELD_BUS_RESET)
        pci_func_hold(d->pci, PCI_HELD_BUS_RESET, 0, &ev);
    pthread_mutex_unlock(&d->pci->lock);
    return 0;
}

void pci_reset_all(struct vm *vm, uint32_t kind)
{
    if (!vm->pci)
        return;
    __atomic_store_n(&vm->pci->config_address, 0, __ATOMIC_RELAXED);
    pci_each(vm, reset_one, &kind);
}

/* ---- what the guest asks for ---- */

static void hold(struct pci_func *f, uint32_t why, int on)
{
    struct pci_events ev = {0};
    int entered = domain_enter(f->dev->domain);
    pthread_mutex_lock(&f->lock);
    pci_func_hold(f, why, on, &ev);
    pthread_mutex_unlock(&f->lock);
    pci_func_tell(f, &ev);
    domain_leave(f->dev->domain, entered);
    if (ev.below)
        pci_bus_settle(f->below);
    if (ev.vfs)
        pci_vfs_follow(f, ev.vfs);
}

void pci_func_reset_later(struct pci_func *f, uint32_t kind)
{
    __atomic_store_n(&f->resetting, kind, __ATOMIC_RELEASE);
    hold(f, PCI_HELD_RESET, 1);
    bh_kick(f->reset_bh);
}

static int reset_device(struct device *d, uint32_t kind)
{
    ERR_AUTO e = {0};
    int ran = !d->quiesced, err = device_quiesce(d, TN_Q_RESET, &e);
    if (err < 0) {
        err_report(&e); /* it stays absent: its state is not the guest's to see */
        return err;
    }
    device_reset(d, kind);
    return ran;
}

void pci_func_reset_now(void *s)
{
    struct pci_func *f = s;
    uint32_t kind = __atomic_load_n(&f->resetting, __ATOMIC_ACQUIRE);
    if (!kind || f->dev->stage != DEV_REALIZED)
        return;
    int ran = reset_device(f->dev, kind);
    __atomic_store_n(&f->resetting, 0, __ATOMIC_RELEASE);
    if (ran < 0)
        return;
    hold(f, PCI_HELD_RESET, 0);
    if (ran)
        device_resume(f->dev);
    if (__atomic_load_n(&f->bus->ejected, __ATOMIC_ACQUIRE))
        bh_kick(f->pci->eject_bh);
}

void pci_bus_reset(struct pci_bus *b, int on)
{
    struct reader *me = reader_self();
    reader_enter(me);
    for (uint32_t devfn = 0; devfn < PCI_DEVFNS; devfn++) {
        struct pci_func *f = __atomic_load_n(&b->seen[devfn], __ATOMIC_ACQUIRE);
        if (!f)
            continue;
        hold(f, PCI_HELD_BUS_RESET, on);
        if (on)
            pci_func_reset_later(f, TN_RESET_BUS);
        if (f->below)
            pci_bus_reset(f->below, on);
    }
    reader_leave(me);
}
