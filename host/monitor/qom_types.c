/* SPDX-License-Identifier: BSD-2-Clause */
/* The tree of types: what QEMU's has above the classes of the registry, and these. */
#include "qom.h"

#include "core/prop.h"
#include "pci/pci_host.h"
#include "util/alloc.h"
#include "vm/machine.h"
#include <stdlib.h>
#include <string.h>

/* ---- what stands above ---- */

static const struct qom_type ancestors[] = {
    {"object", NULL, 1, 0},
    {"interface", NULL, 1, 0},
    {"user-creatable", "interface", 1, 0},
    {"container", "object", 0, 0},
    {"bus", "object", 1, 0},
    {"chardev", "object", 1, 0},
    {"machine", "object", 1, 0},
    {"rng-backend", "object", 1, 0},
    {"memory-backend", "object", 1, 0},
    {"netfilter", "object", 1, 0},
    {"event-loop-base", "object", 1, 0},
    {"device", "object", 1, 0},
    {"pci-device", "device", 1, 0},
    {"virtio-pci", "pci-device", 1, 0},
    {"isa-device", "device", 1, 0},
    {"sys-bus-device", "device", 1, 0},
    {"virtio-device", "device", 1, 0},
};

static void add(struct qom_types *t, const char *name, const char *parent, int abstract,
                int creatable)
{
    t->v = xrealloc(t->v, (t->n + 1) * sizeof *t->v);
    t->v[t->n++] = (struct qom_type){name, parent, abstract, creatable};
}

static const char *keep(struct qom_types *t, char *text)
{
    t->texts = xrealloc(t->texts, (t->n_texts + 1) * sizeof *t->texts);
    return t->texts[t->n_texts++] = text;
}

/* ---- what the registry has ---- */

struct fill {
    struct qom_types *types;
    struct registry *registry;
};

static int starts(const char *s, const char *with)
{
    return strncmp(s, with, strlen(with)) == 0;
}

static const char *parent_of_device(const struct class_entry *c)
{
    const char *bus = c->bus ? c->bus : "";
    if (strcmp(bus, "virtio-bus") == 0)
        return "virtio-device";
    if (starts(bus, "PCI") || strcmp(bus, "CXL") == 0)
        return c->inner || c->inner_name ? "virtio-pci" : "pci-device";
    return strcmp(bus, "ISA") == 0 ? "isa-device" : *bus ? "device" : "sys-bus-device";
}

/* A class that has its place by a transport only is there under its transports' names; the
 * transport itself is one of the bases. */
static int add_device(void *o, const struct class_entry *c)
{
    struct fill *f = o;
    if (!registry_composed(f->registry, c, 0) && !qom_type_find(f->types, c->name))
        add(f->types, c->name, parent_of_device(c), 0, 0);
    return 0;
}

static const char *parent_of_object(const char *name)
{
    return starts(name, "rng-")              ? "rng-backend"
           : starts(name, "memory-backend-") ? "memory-backend"
           : starts(name, "filter-")         ? "netfilter"
           : strcmp(name, "iothread") == 0   ? "event-loop-base"
                                             : "object";
}

static int add_object(void *o, const struct class_entry *c)
{
    struct fill *f = o;
    if (!(c->flags & TN_C_INTERNAL))
        add(f->types, c->name, parent_of_object(c->name), 0, 1);
    return 0;
}

static int add_chardev(void *o, const struct class_entry *c)
{
    struct fill *f = o;
    add(f->types, keep(f->types, qom_type_name(c, 0)), "chardev", 0, 0);
    return 0;
}

static void add_machines(struct qom_types *t)
{
    for (const struct machine_type *const *m = machine_types; *m; m++)
        add(t, keep(t, xasprintf("%s-machine", (*m)->name)), "machine", 0, 0);
}

void qom_types_init(struct qom_types *t, struct vm *vm)
{
    struct fill f = {t, vm->registry};
    *t = (struct qom_types){0};
    for (size_t i = 0; i < ARRAY_SIZE(ancestors); i++)
        add(t, ancestors[i].name, ancestors[i].parent, ancestors[i].abstract, 0);
    add_machines(t);
    registry_each(vm->registry, TN_K_DEVICE, add_device, &f);
    registry_each(vm->registry, TN_K_OBJECT, add_object, &f);
    registry_each(vm->registry, TN_K_CHARDEV, add_chardev, &f);
}

void qom_types_clear(struct qom_types *t)
{
    for (size_t i = 0; i < t->n_texts; i++)
        free(t->texts[i]);
    free(t->texts);
    free(t->v);
    *t = (struct qom_types){0};
}

const struct qom_type *qom_type_find(const struct qom_types *t, const char *name)
{
    for (size_t i = 0; i < t->n; i++)
        if (strcmp(t->v[i].name, name) == 0)
            return &t->v[i];
    return NULL;
}

int qom_type_is(const struct qom_types *all, const struct qom_type *t, const char *name)
{
    if (strcmp(name, "user-creatable") == 0 && t->creatable)
        return 1;
    for (; t; t = t->parent ? qom_type_find(all, t->parent) : NULL)
        if (strcmp(t->name, name) == 0)
            return 1;
    return 0;
}

/* ---- rows of a class ---- */

static const struct tn_bus_type *bus_type(struct vm *vm, const char *name)
{
    const struct tn_bus_type *t = name ? pci_bus_type(name) : NULL;
    return t || !name ? t : registry_bus_type(vm->registry, name);
}

static int each_of(struct prop_table t, int (*fn)(void *o, const struct tn_prop *p), void *o)
{
    int r = 0;
    for (uint32_t i = 0; i < t.n && r == 0; i++)
        r = fn(o, prop_at(t, i));
    return r;
}

int qom_each_row(struct vm *vm, const struct class_entry *c,
                 int (*fn)(void *o, const struct tn_prop *p), void *o)
{
    const struct tn_bus_type *b = bus_type(vm, c->cls->bus);
    int r = each_of((struct prop_table){c->cls->props, c->cls->nprops, c->cls->prop_stride}, fn, o);
    if (r == 0 && b)
        r = each_of((struct prop_table){b->props, b->nprops, b->prop_stride}, fn, o);
    return r == 0 && c->inner ? qom_each_row(vm, c->inner, fn, o) : r;
}
