/* SPDX-License-Identifier: BSD-2-Clause */
/* Where requests go: bus numbers down to functions, windows and bus mastering of the bridges above.
 */
#include "pci_impl.h"

struct pci_func *pci_lookup(struct pci *p, const struct pci_target *t)
{
    struct pci_bus *b =
        t->bus < PCI_BUSES ? __atomic_load_n(&p->route[t->bus], __ATOMIC_ACQUIRE) : NULL;
    return b ? __atomic_load_n(&b->seen[t->devfn & 0xff], __ATOMIC_ACQUIRE) : NULL;
}

/* ---- bus numbers ---- */

struct routes {
    struct pci_bus *bus[PCI_BUSES];
};

/* Numbers first..last come down to b: those that no bridge on it passes on lead nowhere. */
static void route_below(struct routes *r, struct pci_bus *b, uint32_t first, uint32_t last)
{
    for (uint32_t devfn = 0; devfn < PCI_DEVFNS; devfn++) {
        struct pci_func *f = b->seen[devfn];
        if (!f || !f->below)
            continue;
        uint32_t n = __atomic_load_n(&f->numbers, __ATOMIC_RELAXED), secondary = n & 0xff,
                 subordinate = n >> 8;
        __atomic_store_n(&f->below->number, secondary, __ATOMIC_RELAXED);
        if (secondary < first || secondary > last || r->bus[secondary])
            continue;
        r->bus[secondary] = f->below;
        if (subordinate > secondary)
            route_below(r, f->below, secondary + 1, subordinate < last ? subordinate : last);
    }
}

/* The number of the root behind the one that has number. */
static uint32_t next_root(const struct pci *p, uint32_t number)
{
    uint32_t next = PCI_BUSES;
    for (const struct pci_bus *b = p->buses; b; b = b->next)
        if (pci_bus_is_root(b) && b->number > number && b->number < next)
            next = b->number;
    return next;
}

uint32_t pci_last_number(const struct pci_bus *root)
{
    return next_root(root->pci, root->number) - 1;
}

void pci_route(struct pci *p)
{
    struct routes r = {{NULL}};
    pthread_mutex_lock(&p->lock);
    for (struct pci_bus *b = p->buses; b; b = b->next) {
        if (!pci_bus_is_root(b))
            continue;
        r.bus[b->number] = b;
        route_below(&r, b, b->number + 1, next_root(p, b->number) - 1);
    }
    for (uint32_t i = 0; i < PCI_BUSES; i++)
        __atomic_store_n(&p->route[i], r.bus[i], __ATOMIC_RELEASE);
    pthread_mutex_unlock(&p->lock);
}

/* ---- windows ---- */

static int in_window(const struct bridge_window *w, uint64_t base, uint64_t size)
{
    return w->base <= base && base <= w->limit && size - 1 <= w->limit - base;
}

static int bridge_passes(struct pci_func *f, int io, uint64_t base, uint64_t size)
{
    pthread_mutex_lock(&f->lock);
    const struct bridge_decode *d = &f->bridge.d;
    uint32_t command = pci_config_get(&f->c, PCI_COMMAND, 2),
             need = io ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY;
    int in = io ? in_window(&d->io, base, size)
                : in_window(&d->mem, base, size) || in_window(&d->pref, base, size);
    int yes = in && (command & need) && !f->c.absent && !pci_config_power(&f->c);
    pthread_mutex_unlock(&f->lock);
    return yes;
}

int pci_bus_decodes(const struct pci_bus *b, int io, uint64_t base, uint64_t size)
{
    for (; b->bridge; b = b->bridge->bus)
        if (!bridge_passes(b->bridge, io, base, size))
            return 0;
    return 1;
}

int pci_bus_masters(const struct pci_bus *b)
{
    for (; b->bridge; b = b->bridge->bus) {
        pthread_mutex_lock(&b->bridge->lock);
        int yes = pci_config_master(&b->bridge->c);
        pthread_mutex_unlock(&b->bridge->lock);
        if (!yes)
            return 0;
    }
    return 1;
}
