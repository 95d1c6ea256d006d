/* SPDX-License-Identifier: BSD-2-Clause */
/* TN_PCI_BUS_1: bridges, ports and extra roots of plugins. */
#include "pci_impl.h"
#include <errno.h>
#include <string.h>

static const struct tn_bus_type *plain(uint32_t flags)
{
    return flags & TN_PCIB_CONVENTIONAL ? &pci_conventional_type : &pci_express_type;
}

/* A type of the plugin's keeps its names and its port table; who sits where is PCI's to say. */
static int own_type(struct pci_bus *b, const struct tn_bus_type *t, const struct tn_bus_type *base,
                    struct tn_err *e)
{
    if (t->nprops || t->child_size || t->check || t->attach || t->plugged)
        return err_set(e, ENOTSUP, "bus type '%s': a PCI bus has the host's rules and properties",
                       t->name);
    b->type = *base;
    b->type.name = t->name;
    b->type.is_a = t->is_a;
    b->type.port_ops = t->port_ops;
    b->type.flags = t->flags;
    b->type.max_children = t->max_children;
    b->bus->type = &b->type;
    return 0;
}

static int make_bus(struct device *d, struct pci_func *bridge, const struct tn_bus_type *t,
                    const char *name, uint32_t flags, const void *port_ops,
                    const struct tn_pci_bus_ops *o, void *s, struct pci_bus **out, struct tn_err *e)
{
    const struct tn_bus_type *base = plain(flags);
    struct pci_bus *b = pci_bus_new(d->vm->pci, d, bridge, t ? t : base, name ? name : d->id,
                                    port_ops, NULL, flags, e);
    if (!b)
        return -EEXIST;
    b->ops = o;
    b->s = s;
    *out = b;
    return t ? own_type(b, t, base, e) : 0;
}

static int t_bridge(struct tn_dev *pub, const struct tn_bus_type *t, const char *name,
                    uint32_t flags, const void *port_ops, void *bus, const struct tn_pci_bus_ops *o,
                    void *s, struct tn_bus **out, struct tn_err *e)
{
    struct device *d = device_of(pub);
    struct pci_func *f = d->pci;
    (void)bus;
    if (!f || !(f->c.flags & PCI_FN_BRIDGE) || f->below)
        return err_set(e, EINVAL, "%s: no bridge, or one that has its bus", device_id(d));
    struct pci_bus *b = NULL;
    int err = make_bus(d, f, t, name, flags, port_ops, o, s, &b, e);
    f->below = b;
    if (err < 0)
        return err;
    memset(f->reserve, 0xff, sizeof f->reserve);
    pthread_mutex_lock(&f->lock);
    bridge_init(&f->bridge, &f->c, BRIDGE_PREF64);
    pthread_mutex_unlock(&f->lock);
    *out = b->bus;
    return 0;
}

static int t_root(struct tn_dev *pub, const struct tn_bus_type *t, const char *name, uint32_t nr,
                  uint32_t flags, uint32_t numa, const void *port_ops, void *bus,
                  const struct tn_pci_bus_ops *o, void *s, struct tn_bus **out, struct tn_err *e)
{
    struct device *d = device_of(pub);
    struct pci_bus *b = NULL;
    (void)numa; /* for the tables, that its plugin writes */
    (void)bus;
    const struct pci_bus *other = pci_root_with(d->vm->pci, nr);
    if (other)
        return err_set(e, EBUSY, "%s: bus number %u is that of '%s'", device_id(d), nr,
                       other->bus->name);
    if (nr >= PCI_BUSES || !d->vm->cold)
        return err_set(e, EINVAL, "%s: no root with bus number %u can be added now", device_id(d),
                       nr);
    int err = make_bus(d, NULL, t, name, flags, port_ops, o, s, &b, e);
    if (b)
        pci_make_root(b, d, nr);
    if (err == 0)
        *out = b->bus;
    return err;
}

struct slot_query {
    const struct device *self;
    uint32_t chassis, slot;
};

static int same_slot(void *o, struct device *d, uint32_t rid)
{
    const struct slot_query *q = o;
    (void)rid;
    return d != q->self && d->pci->chassis == q->chassis && d->pci->slot == q->slot;
}

static int t_slot(struct tn_dev *pub, uint32_t chassis, uint32_t slot, struct tn_err *e)
{
    struct device *d = device_of(pub);
    struct slot_query q = {d, chassis + 1, slot};
    if (!d->pci)
        return err_set(e, EINVAL, "%s is no PCI function", device_id(d));
    if (pci_each(d->vm, same_slot, &q))
        return err_set(e, EBUSY, "Can't add chassis slot, error %d", -EBUSY);
    d->pci->chassis = chassis + 1;
    d->pci->slot = slot;
    return 0;
}

static void t_numbers(struct tn_bus *bus, uint32_t v[3])
{
    const struct pci_bus *b = pci_bus_of(bus);
    memset(v, 0, 3 * sizeof v[0]);
    if (!b)
        return;
    v[0] = b->bridge ? __atomic_load_n(&b->bridge->bus->number, __ATOMIC_RELAXED) : b->number;
    v[1] = v[0];
    v[2] = pci_last_number(b);
    if (!b->bridge)
        return;
    uint32_t n = __atomic_load_n(&b->bridge->numbers, __ATOMIC_RELAXED);
    v[1] = n & 0xff;
    v[2] = n >> 8;
}

static struct tn_dev *t_at(struct tn_bus *bus, uint32_t devfn)
{
    const struct pci_bus *b = pci_bus_of(bus);
    return b && devfn < PCI_DEVFNS && b->at[devfn] ? &b->at[devfn]->dev->pub : NULL;
}

static int t_reserve(struct tn_dev *d, const uint64_t v[5])
{
    struct pci_func *f = pci_func_of(d);
    if (!f || !(f->c.flags & PCI_FN_BRIDGE))
        return -EINVAL;
    memcpy(f->reserve, v, sizeof f->reserve);
    return 0;
}

const struct tn_pci_bus pci_bus_table = {.struct_size = sizeof(struct tn_pci_bus),
                                         .rev = 1,
                                         .bridge = t_bridge,
                                         .root = t_root,
                                         .slot = t_slot,
                                         .numbers = t_numbers,
                                         .at = t_at,
                                         .reserve = t_reserve};
