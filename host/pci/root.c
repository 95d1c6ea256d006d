/* SPDX-License-Identifier: BSD-2-Clause */
/* The root complex and its buses. */
#include "core/loop.h"
#include "pci_impl.h"
#include "util/alloc.h"
#include <errno.h>
#include <stdlib.h>

struct pci_bus *pci_bus_of(const struct tn_bus *b)
{
    return b ? b->pci : NULL;
}

int pci_bus_is_express(const struct pci_bus *b)
{
    return bus_type_is(b->bus->type, TN_PCIE_BUS) && !(b->flags & TN_PCIB_CONVENTIONAL);
}

int pci_bus_is_root(const struct pci_bus *b)
{
    return !b->bridge;
}

static void link_bus(struct pci *p, struct pci_bus *b)
{
    struct pci_bus **at = &p->buses;
    while (*at)
        at = &(*at)->next;
    *at = b;
}

static void unlink_bus(struct pci *p, struct pci_bus *b)
{
    for (struct pci_bus **at = &p->buses; *at; at = &(*at)->next)
        if (*at == b) {
            *at = b->next;
            return;
        }
}

static void release_root(struct managed *m)
{
    struct pci_bus *b = (struct pci_bus *)m;
    struct pci *p = b->pci;

    managed_del(m);
    pci_bus_free(b);
    pci_route(p);
}

const struct pci_bus *pci_root_with(const struct pci *p, uint32_t nr)
{
    for (const struct pci_bus *b = p->buses; b; b = b->next)
        if (pci_bus_is_root(b) && b->number == nr)
            return b;
    return NULL;
}

void pci_make_root(struct pci_bus *b, struct device *owner, uint32_t nr)
{
    b->m.release = release_root;
    managed_add(owner, &b->m);
    __atomic_store_n(&b->number, nr, __ATOMIC_RELAXED);
    pci_route(b->pci);
}

struct pci_bus *pci_bus_new(struct pci *p, struct device *owner, struct pci_func *bridge,
                            const struct tn_bus_type *t, const char *name, const void *port_ops,
                            void *data, uint32_t flags, struct tn_err *e)
{
    struct pci_bus *b = XNEW(struct pci_bus);
    *b = (struct pci_bus){.pci = p, .bridge = bridge, .flags = flags};
    b->bus = bus_new(p->vm, owner, t, name, port_ops, data ? data : b, e);
    if (!b->bus) {
        free(b);
        return NULL;
    }
    b->bus->pci = b;
    pthread_mutex_lock(&p->lock);
    link_bus(p, b);
    pthread_mutex_unlock(&p->lock);
    return b;
}

void pci_bus_free(struct pci_bus *b)
{
    pthread_mutex_lock(&b->pci->lock);
    unlink_bus(b->pci, b);
    pthread_mutex_unlock(&b->pci->lock);
    free(b);
}

struct tn_bus *pci_root_bus(struct vm *vm)
{
    return vm->pci ? vm->pci->root->bus : NULL;
}

uint32_t pci_root_gsi(uint32_t slot, uint32_t pin)
{
    return 16 + (slot + pin) % 8;
}

struct pci *pci_host_new(struct vm *vm, uint64_t ecam_base, struct tn_err *e)
{
    struct pci *p = XNEW(struct pci);
    p->vm = vm;
    pthread_mutex_init(&p->lock, NULL);
    p->eject_bh = bh_new(vm->main, NULL, 0, pci_eject, p);
    p->again = timer_new(vm->main, NULL, 0, TN_CLK_REAL, pci_go_on, p);
    p->root = pci_bus_new(p, NULL, NULL, ecam_base ? &pci_express_type : &pci_conventional_type,
                          ecam_base ? "pcie.0" : "pci.0", NULL, NULL, TN_PCIB_HOTPLUG, e);
    if (!p->root || pci_access_init(p, ecam_base, e) < 0) {
        pci_host_free(p);
        return NULL;
    }
    pci_route(p);
    vm_serve(vm, TN_PCI_1, &pci_table);
    vm_serve(vm, TN_PCI_BUS_1, &pci_bus_table);
    vm_serve(vm, TN_HOTPLUG_1, &hotplug_table);
    return p;
}

void pci_host_free(struct pci *p)
{
    if (!p)
        return;
    vm_unserve(p->vm, TN_PCI_1);
    vm_unserve(p->vm, TN_PCI_BUS_1);
    vm_unserve(p->vm, TN_HOTPLUG_1);
    struct tn_region *own[] = {p->ecam, p->cf8, p->cfc};
    for (uint32_t i = 0; i < ARRAY_SIZE(own); i++)
        if (own[i])
            region_del(own[i]);
    bh_del(p->eject_bh);
    timer_del(p->again);
    if (p->root) {
        bus_free(p->root->bus);
        pci_bus_free(p->root);
    }
    pthread_mutex_destroy(&p->lock);
    free(p);
}

static int each_on(struct pci_bus *b, int (*fn)(void *, struct device *, uint32_t), void *o)
{
    for (uint32_t devfn = 0; devfn < PCI_DEVFNS; devfn++) {
        struct pci_func *f = b->at[devfn];
        int r = f && f->realized ? fn(o, f->dev, pci_func_rid(f)) : 0;
        if (r == 0 && f && f->below)
            r = each_on(f->below, fn, o);
        if (r)
            return r;
    }
    return 0;
}

int pci_each(struct vm *vm, int (*fn)(void *o, struct device *d, uint32_t rid), void *o)
{
    int r = 0;
    for (struct pci_bus *b = vm->pci ? vm->pci->buses : NULL; b && r == 0; b = b->next)
        if (pci_bus_is_root(b))
            r = each_on(b, fn, o);
    return r;
}
