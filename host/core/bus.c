/* SPDX-License-Identifier: BSD-2-Clause */
#include "bus.h"

#include "pci/pci_host.h"
#include "prop.h"
#include "util/alloc.h"
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int bus_type_is(const struct tn_bus_type *t, const char *name)
{
    if (strcmp(t->name, name) == 0)
        return 1;
    for (const char *const *b = t->is_a; b && *b; b++)
        if (strcmp(*b, name) == 0)
            return 1;
    return 0;
}

struct tn_bus *bus_find(struct vm *vm, const char *name)
{
    struct tn_bus *b;
    TAILQ_FOREACH(b, &vm->buses, all)
    if (strcmp(b->name, name) == 0)
        return b;
    return NULL;
}

static int same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static int same_props(const struct tn_bus_type *a, const struct tn_bus_type *b)
{
    struct prop_table s = {a->props, a->nprops, a->prop_stride},
                      t = {b->props, b->nprops, b->prop_stride};
    if (s.n != t.n)
        return 0;
    for (uint32_t i = 0; i < s.n; i++) {
        const struct tn_prop *p = prop_at(s, i), *q = prop_at(t, i);
        if (!same_text(p->name, q->name) || p->type != q->type || p->offset != q->offset ||
            p->size != q->size)
            return 0;
    }
    return 1;
}

/* A type that several plugins provide is one constant of a public header, so each has a copy that
 * says the same. */
static int same_type(const struct tn_bus_type *a, const struct tn_bus_type *b)
{
    return a == b || (a->flags == b->flags && a->max_children == b->max_children &&
                      a->child_size == b->child_size && same_text(a->child_ops, b->child_ops) &&
                      same_text(a->port_ops, b->port_ops) && same_props(a, b));
}

/* The bus between the halves of a composite. */
static int is_inside(const struct device *owner, const struct tn_bus_type *type)
{
    const struct tn_compose *c = owner ? owner->entry->compose : NULL;
    return c && strcmp(c->inner_bus, type->name) == 0;
}

/* "ID.0" below a device that has an id, TYPE.N in lower case otherwise; the first N that is free.
 * What is inside of a composite leaves these to the buses that users name. */
static char *default_name(struct vm *vm, struct device *owner, const struct tn_bus_type *type)
{
    const char *id = owner ? device_top(owner)->id : NULL;
    if (is_inside(owner, type))
        return xasprintf("%s/%s", device_id(owner), type->name);
    for (uint32_t n = 0;; n++) {
        char *name = xasprintf("%s.%u", id ? id : type->name, n);
        if (!id)
            for (char *c = name; *c; c++)
                *c = (char)tolower((unsigned char)*c);
        if (!bus_find(vm, name))
            return name;
        free(name);
    }
}

static void release_bus(struct managed *m)
{
    bus_free((struct tn_bus *)m);
}

struct tn_bus *bus_new(struct vm *vm, struct device *owner, const struct tn_bus_type *type,
                       const char *name, const void *port_ops, void *data, struct tn_err *e)
{
    const struct tn_bus_type *twin = registry_bus_type(vm->registry, type->name);
    if (twin && !same_type(twin, type)) {
        err_set(e, EEXIST, "bus type '%s' is provided twice, and differently", type->name);
        return NULL;
    }
    if (name && bus_find(vm, name)) {
        err_set(e, EEXIST, "Duplicate bus name '%s'", name);
        return NULL;
    }
    struct tn_bus *b = XNEW(struct tn_bus);
    b->m.release = release_bus;
    b->vm = vm;
    b->type = type;
    b->name = name ? xstrdup(name) : default_name(vm, owner, type);
    b->owner = owner;
    b->port_ops = port_ops;
    b->data = data;
    TAILQ_INIT(&b->children);
    TAILQ_INSERT_TAIL(&vm->buses, b, all);
    managed_add(owner, &b->m);
    return b;
}

void bus_free(struct tn_bus *b)
{
    managed_del(&b->m);
    TAILQ_REMOVE(&b->vm->buses, b, all);
    free(b->name);
    free(b);
}

int bus_full(const struct tn_bus *b)
{
    return b->type->max_children && b->nchildren >= b->type->max_children;
}

/* What a machine made, or what is inside of a composite, has no places that come and go. */
int bus_takes_hotplug(const struct tn_bus *b)
{
    if (b->pci)
        return pci_bus_takes_hotplug(b);
    return b->owner && !is_inside(b->owner, b->type) && !(b->owner->pub.cls->flags & TN_C_INTERNAL);
}

/* Depth first: the buses of owner, newest first, each before what hangs below it. */
static struct tn_bus *search(struct vm *vm, const struct device *owner, const char *type, int *seen)
{
    struct tn_bus *b;
    TAILQ_FOREACH_REVERSE(b, &vm->buses, tn_bus_list, all)
    {
        if (b->owner != owner)
            continue;
        int fits = bus_type_is(b->type, type);
        *seen |= fits;
        if (fits && !bus_full(b) && !(b->type->flags & TN_BUS_NO_DEFAULT))
            return b;
        struct device *child;
        TAILQ_FOREACH(child, &b->children, sibling)
        {
            struct tn_bus *below = search(vm, child, type, seen);
            if (below)
                return below;
        }
    }
    return NULL;
}

static struct tn_bus *search_all(struct vm *vm, const char *type, int *seen)
{
    struct tn_bus *b = search(vm, NULL, type, seen);
    struct device *d;
    if (b)
        return b;
    TAILQ_FOREACH(d, &vm->devices, all)
    if (!d->bus && (b = search(vm, d, type, seen)))
        return b;
    return NULL;
}

static int bus_here(struct vm *vm, const char *type, const char *name)
{
    struct tn_bus *b;
    TAILQ_FOREACH(b, &vm->buses, all)
    if (bus_type_is(b->type, type) && (!name || strcmp(b->name, name) == 0))
        return 1;
    return 0;
}

const struct class_entry *bus_transport_for(struct vm *vm, const struct class_entry *c,
                                            const char *name)
{
    const struct class_entry *m;
    if (!c->cls->bus || c->compose || bus_here(vm, c->cls->bus, name))
        return c;
    for (uint32_t n = 0; (m = registry_composed(vm->registry, c, n)); n++) {
        ERR_AUTO none = {0};
        m = registry_class(vm->registry, TN_K_DEVICE, m->name, &none);
        if (m && m->cls->bus && bus_here(vm, m->cls->bus, name))
            return m;
    }
    return c;
}

static int prefers_free(const struct class_entry *c)
{
    return c->compose && (c->compose->flags & TN_COMPOSE_INTO_FREE);
}

struct tn_bus *bus_free_inner(struct vm *vm, const struct class_entry *c, const char *name)
{
    int seen = 0;
    if (!prefers_free(c))
        return NULL;
    struct tn_bus *b = name ? bus_find(vm, name) : search_all(vm, c->compose->inner_bus, &seen);
    return b && bus_type_is(b->type, c->compose->inner_bus) && !bus_full(b) ? b : NULL;
}

struct tn_bus *bus_for(struct vm *vm, const struct class_entry *c, const char *name,
                       struct tn_err *e)
{
    /* what users know of is the inner device and its bus */
    const char *type = c->cls->bus, *shown = prefers_free(c) ? c->compose->inner_bus : type;
    if (!name) {
        int seen = 0;
        struct tn_bus *b = search_all(vm, type, &seen);
        if (!b && seen)
            err_set(e, ENOSPC, "All '%s' buses are full: no place for device '%s'", shown, c->name);
        else if (!b)
            err_set(e, ENOENT, "No '%s' bus found for device '%s'", shown, c->name);
        return b;
    }
    struct tn_bus *b = bus_find(vm, name);
    if (!b) {
        err_set(e, ENOENT, "Bus '%s' not found", name);
        return NULL;
    }
    if (!bus_type_is(b->type, type)) {
        err_set(e, EINVAL, "Device '%s' can't go on %s bus", c->name, b->type->name);
        return NULL;
    }
    if (bus_full(b)) {
        err_set(e, ENOSPC, "Bus '%s' is full", name);
        return NULL;
    }
    return b;
}
