/* SPDX-License-Identifier: BSD-2-Clause */
/* TN_PCI_BUS_1: buses below bridges, and extra roots. */
#include "host_pci.h"
#include "services.h"

static int bus_common(struct pci_fn *f, const struct tn_bus_type *t, const char *name,
                      const void *port_ops, void *bus, const struct tn_pci_bus_ops *o, void *s,
                      struct tn_bus **out, struct tn_err *e, const char *what)
{
    int r = inject_err(f->d, e, ENOMEM, what);
    if (r < 0)
        return r;
    f->below = bus_new(f->d->h, f->d, t ? t : &pci_bus_type, name, port_ops, bus);
    f->bus_ops = o ? *o : (struct tn_pci_bus_ops){0};
    f->bus_self = s;
    *out = f->below;
    return 0;
}

static int pci_bridge(struct tn_dev *pub, const struct tn_bus_type *t, const char *name,
                      uint32_t flags, const void *port_ops, void *bus,
                      const struct tn_pci_bus_ops *o, void *s, struct tn_bus **out,
                      struct tn_err *e)
{
    struct pci_fn *f = pci_declaring(pub, "pci_bus->bridge");
    if (!(f->flags & TN_PCIF_BRIDGE) || flags & ~(uint32_t)15)
        violation("pci-bus.h: bridge: a function with TN_PCIF_BRIDGE",
                  "pci_bus->bridge with flags 0x%x", flags);
    return bus_common(f, t, name, port_ops, bus, o, s, out, e, "pci_bus->bridge");
}

static int pci_root(struct tn_dev *pub, const struct tn_bus_type *t, const char *name, uint32_t nr,
                    uint32_t flags, uint32_t numa, const void *port_ops, void *bus,
                    const struct tn_pci_bus_ops *o, void *s, struct tn_bus **out, struct tn_err *e)
{
    struct dev *d = dev_of(pub);
    (void)flags, (void)numa, (void)o, (void)s;
    enter_realize(d, "pci_bus->root");
    int r = inject_err(d, e, EBUSY, "pci_bus->root");
    if (r == 0 && (!nr || nr > 255))
        r = err_set(e, EINVAL, "there is no bus number %u for a root", nr);
    if (r == 0)
        *out = bus_new(d->h, d, t ? t : &pci_bus_type, name, port_ops, bus);
    return r;
}

static int pci_slot(struct tn_dev *pub, uint32_t chassis, uint32_t slot, struct tn_err *e)
{
    struct dev *d = dev_of(pub);
    (void)chassis, (void)slot;
    enter(d, R_MAIN, "pci_bus->slot");
    return inject_err(d, e, EBUSY, "pci_bus->slot");
}

static void pci_numbers(struct tn_bus *b, uint32_t v[3])
{
    if (!b)
        violation("pci-bus.h: numbers", "pci_bus->numbers of no bus");
    enter(b->r.d, R_ANY, "pci_bus->numbers");
    v[0] = 0;
    v[1] = v[2] = 1;
}

static struct tn_dev *pci_at(struct tn_bus *b, uint32_t devfn)
{
    struct dev *d;
    if (!b)
        violation("pci-bus.h: at", "pci_bus->at of no bus");
    enter(b->r.d, R_MAIN, "pci_bus->at");
    TAILQ_FOREACH(d, &b->h->devs, link)
    if (d->bus == b && d->pci && d->pci->devfn == devfn)
        return &d->pub;
    return NULL;
}

static int pci_reserve(struct tn_dev *pub, const uint64_t v[5])
{
    (void)v;
    enter(dev_of(pub), R_MAIN, "pci_bus->reserve");
    return 0;
}

const struct tn_pci_bus pci_bus_table = {
    .struct_size = sizeof(struct tn_pci_bus),
    .bridge = pci_bridge,
    .root = pci_root,
    .slot = pci_slot,
    .numbers = pci_numbers,
    .at = pci_at,
    .reserve = pci_reserve,
};
