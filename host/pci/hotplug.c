/* SPDX-License-Identifier: BSD-2-Clause */
/* Slots of a running machine: who tells the guest, and what happens when it lets go. */
#include "core/loop.h"
#include "pci_impl.h"
#include "util/alloc.h"
#include <errno.h>
#include <stdlib.h>

enum { AGAIN_NS = 10000000 };

struct plug_owner *pci_slot_owner(const struct pci_bus *b)
{
    return b->owner ? b->owner : b->pci->owner;
}

static int enter(const struct plug_owner *o)
{
    return domain_enter(o->m.dev->domain);
}

static void leave(const struct plug_owner *o, int entered)
{
    domain_leave(o->m.dev->domain, entered);
}

int pci_bus_takes_hotplug(const struct tn_bus *b)
{
    const struct pci_bus *bus = b->pci;
    return pci_slot_owner(bus) && (bus->flags & TN_PCIB_HOTPLUG);
}

/* ---- plugging ---- */

int pci_plug_allowed(struct pci_bus *b, uint32_t devfn, struct tn_err *e)
{
    struct plug_owner *o = pci_slot_owner(b);
    if (!pci_bus_takes_hotplug(b->bus))
        return err_set(e, EINVAL, "Bus '%s' does not support hotplugging", b->bus->name);
    if (!o->ops->pre)
        return 0;
    int entered = enter(o), r = o->ops->pre(o->s, b->bus, devfn, e);
    leave(o, entered);
    return r;
}

static void tell_owner(struct pci_bus *b, uint32_t devfn, uint32_t cold)
{
    struct plug_owner *o = pci_slot_owner(b);
    if (!o || !o->ops->plug)
        return;
    int entered = enter(o);
    o->ops->plug(o->s, b->bus, devfn, cold);
    leave(o, entered);
}

/* A slot that is filled while the machine runs is seen with function 0, and then as a whole. */
static void show_slot(struct pci_func *f)
{
    uint32_t slot = PCI_SLOT_OF(f->devfn), fn0 = PCI_FUNC_OF(f->devfn) == 0 && !f->pf;
    struct pci_func *first = f->bus->at[PCI_DEVFN_OF(slot, 0)];
    if (!fn0 && !f->pf && (f->dev->flags & TN_DEV_HOTPLUGGED) && !(first && first->realized))
        return;
    pci_func_show(f);
    for (uint32_t fn = 1; fn0 && fn < 8; fn++) {
        struct pci_func *other = f->bus->at[PCI_DEVFN_OF(slot, fn)];
        if (other && other->realized)
            pci_func_show(other);
    }
    if (fn0)
        tell_owner(f->bus, f->devfn, f->pci->vm->cold);
}

void pci_slot_filled(struct device *d)
{
    struct device *c;
    struct pci_func *f = d->pci;
    if (f && !f->realized) {
        f->realized = 1;
        show_slot(f);
    }
    TAILQ_FOREACH(c, &d->children, brother)
    pci_slot_filled(c);
}

/* ---- unplugging ---- */

int pci_unplug_request(struct device *d, struct tn_err *e)
{
    struct pci_func *f = d->pci;
    struct plug_owner *o = f ? pci_slot_owner(f->bus) : NULL;
    if (!o || !o->ops->unplug_request)
        return -ENOSYS;
    int entered = enter(o), r = o->ops->unplug_request(o->s, f->bus->bus, f->devfn, 0, e);
    leave(o, entered);
    if (r == -EBUSY)
        return err_set(e, EBUSY, "Device %s is already in the process of unplug", device_id(d));
    return r < 0 ? err_set(e, -r, "Device '%s' cannot be unplugged now", device_id(d)) : 0;
}

static int slot_busy(const struct pci_bus *b, uint32_t slot)
{
    for (uint32_t fn = 0; fn < 8; fn++) {
        const struct pci_func *f = b->at[PCI_DEVFN_OF(slot, fn)];
        if (f && __atomic_load_n(&f->resetting, __ATOMIC_ACQUIRE))
            return 1;
    }
    return 0;
}

static void remove_function(struct pci_func *f)
{
    ERR_AUTO e = {0};
    if (device_quiesce(f->dev, TN_Q_UNPLUG, &e) < 0)
        err_report(&e); /* a forced quiesce has no other answer than 0: it goes */
    device_free(f->dev);
}

static void remove_slot(struct pci_bus *b, uint32_t slot)
{
    uint32_t n = 0;
    for (uint32_t fn = 8; fn--;) {
        struct pci_func *f = b->at[PCI_DEVFN_OF(slot, fn)];
        if (f && !(f->ops->flags & TN_PCIF_VF)) { /* virtual functions go with theirs */
            remove_function(f);
            n++;
        }
    }
    struct plug_owner *o = n ? pci_slot_owner(b) : NULL;
    if (!o || !o->ops->unplugged)
        return;
    int entered = enter(o);
    o->ops->unplugged(o->s, b->bus, PCI_DEVFN_OF(slot, 0));
    leave(o, entered);
}

/* One slot to remove; 0 if there is none. A function that is being reset comes to rest first, and
 * asks again then. */
static int next_ejected(struct pci *p, struct pci_bus **bus, uint32_t *slot)
{
    for (struct pci_bus *b = p->buses; b; b = b->next)
        for (*slot = 0; *slot < PCI_SLOTS; (*slot)++) {
            uint32_t bit = 1u << *slot;
            if (!(__atomic_load_n(&b->ejected, __ATOMIC_ACQUIRE) & bit) || slot_busy(b, *slot))
                continue;
            __atomic_and_fetch(&b->ejected, ~bit, __ATOMIC_ACQ_REL);
            *bus = b;
            return 1;
        }
    return 0;
}

int pci_put_off(struct pci *p)
{
    struct device *d;
    TAILQ_FOREACH(d, &p->vm->devices, all)
    if (d->busy) {
        timer_arm(p->again, clock_now(&p->vm->clock, TN_CLK_REAL) + AGAIN_NS);
        return 1;
    }
    return 0;
}

static int kick_change(void *o, struct device *d, uint32_t rid)
{
    (void)o;
    (void)rid;
    if (d->pci->vfs)
        bh_kick(d->pci->vfs->change_bh);
    return 0;
}

void pci_go_on(void *s)
{
    struct pci *p = s;
    bh_kick(p->eject_bh);
    pci_each(p->vm, kick_change, NULL);
}

static void tell_refused(struct pci *p)
{
    for (struct pci_bus *b = p->buses; b; b = b->next) {
        uint32_t slots = __atomic_exchange_n(&b->refused, 0, __ATOMIC_ACQ_REL);
        for (uint32_t devfn = 0; slots && devfn < PCI_DEVFNS; devfn++)
            if (slots >> PCI_SLOT_OF(devfn) & 1 && b->at[devfn] && b->at[devfn]->dev->asked)
                device_refused(b->at[devfn]->dev);
    }
}

void pci_eject(void *s)
{
    struct pci_bus *b;
    uint32_t slot;
    tell_refused(s);
    if (pci_put_off(s))
        return;
    while (next_ejected(s, &b, &slot)) /* from the start each time: buses go with their bridges */
        remove_slot(b, slot);
}

int pci_let_go(struct device *d)
{
    struct pci_func *f = d->pci;
    if (!f)
        return -ENOSYS;
    __atomic_or_fetch(&f->bus->ejected, 1u << PCI_SLOT_OF(f->devfn), __ATOMIC_ACQ_REL);
    pci_eject(f->pci);
    return 0;
}

/* ---- TN_HOTPLUG_1 ---- */

static void release_owner(struct managed *m)
{
    struct plug_owner *o = (struct plug_owner *)m;
    struct plug_owner **at = o->bus ? &o->bus->owner : &o->pci->owner;
    if (*at == o)
        *at = NULL;
    managed_del(m);
    free(o);
}

static int t_handler(struct tn_dev *d, struct tn_bus *b, const struct tn_plug_ops *ops, void *s,
                     struct tn_err *e)
{
    struct pci *p = device_of(d)->vm->pci;
    struct pci_bus *bus = pci_bus_of(b);
    if (b && !bus)
        return err_set(e, EINVAL, "Bus '%s' has no PCI slots", b->name);
    struct plug_owner **at = bus ? &bus->owner : &p->owner;
    if (*at)
        return err_set(e, EBUSY, "the slots of '%s' belong to %s", b ? b->name : "every bus",
                       device_id((*at)->m.dev));
    struct plug_owner *o = XNEW(struct plug_owner);
    *o = (struct plug_owner){.m.release = release_owner, .pci = p, .bus = bus, .ops = ops, .s = s};
    *at = o;
    managed_add(device_of(d), &o->m);
    return 0;
}

static int t_eject(struct tn_dev *d, struct tn_bus *b, uint32_t slot)
{
    struct pci_bus *bus = pci_bus_of(b);
    (void)d;
    if (!bus || slot >= PCI_SLOTS)
        return -EINVAL;
    __atomic_or_fetch(&bus->ejected, 1u << slot, __ATOMIC_ACQ_REL);
    bh_kick(bus->pci->eject_bh);
    return 0;
}

static uint32_t t_slots(struct tn_dev *d, struct tn_bus *b)
{
    struct pci_bus *bus = pci_bus_of(b);
    uint32_t bits = 0;
    (void)d;
    for (uint32_t devfn = 0; bus && devfn < PCI_DEVFNS; devfn++)
        if (bus->at[devfn] && bus->at[devfn]->realized)
            bits |= 1u << PCI_SLOT_OF(devfn);
    return bits;
}

static int t_each_bus(struct tn_dev *d, int (*fn)(void *o, struct tn_bus *b, uint32_t bsel),
                      void *o)
{
    uint32_t bsel = 0;
    int r = 0;
    for (struct pci_bus *b = device_of(d)->vm->pci->buses; b && r == 0; b = b->next)
        r = fn(o, b->bus, bsel++);
    return r;
}

static void t_refused(struct tn_dev *d, struct tn_bus *b, uint32_t slot, const char *why)
{
    struct pci_bus *bus = pci_bus_of(b);
    (void)d;
    if (!bus || slot >= PCI_SLOTS)
        return;
    log_line(LOG_WARN, "the guest keeps slot %u of %s: %s", slot, b->name, why);
    __atomic_or_fetch(&bus->refused, 1u << slot, __ATOMIC_ACQ_REL);
    bh_kick(bus->pci->eject_bh);
}

const struct tn_hotplug hotplug_table = {.struct_size = sizeof(struct tn_hotplug),
                                         .rev = 1,
                                         .handler = t_handler,
                                         .eject = t_eject,
                                         .slots = t_slots,
                                         .each_bus = t_each_bus,
                                         .refused = t_refused};
