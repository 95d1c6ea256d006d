/* SPDX-License-Identifier: BSD-2-Clause */
/* What an object says of itself: its rows, and what every object of its kind has. */
#include "qom.h"

#include "core/bus.h"
#include "core/device_impl.h"
#include "pci/pci_host.h"
#include "util/alloc.h"
#include "util/buf.h"
#include "vm/machine.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct visit {
    const struct qom_tree *tree;
    int (*fn)(void *o, const struct qom_prop *p);
    void *o;
};

/* ---- properties that are in no table ---- */

static int say(const struct visit *v, const char *name, const char *type, enum kv_kind kind,
               const char *text)
{
    KV_AUTO *value = kv_scalar(kind, text);
    struct qom_prop p = {.name = name, .type = type, .value = value};
    return v->fn(v->o, &p);
}

static int say_bool(const struct visit *v, const char *name, int on)
{
    return say(v, name, "bool", KV_BOOL, on ? "on" : "off");
}

static int say_link(const struct visit *v, const char *name, const char *type, const char *path)
{
    AUTO_FREE char *full = xasprintf("link<%s>", type);
    return say(v, name, full, KV_STRING, path);
}

static int say_children(const struct visit *v, const struct qom_node *parent)
{
    int r = 0;
    for (size_t i = 0; i < v->tree->n && r == 0; i++) {
        const struct qom_node *n = &v->tree->v[i];
        AUTO_FREE char *type = xasprintf("child<%s>", n->type);
        r = qom_is_child(parent, n) ? say(v, n->name, type, KV_STRING, n->path) : 0;
    }
    return r;
}

/* ---- devices ---- */

static int say_rows(const struct visit *v, struct device *owner, struct prop_table t,
                    const void *base)
{
    int r = 0;
    for (uint32_t i = 0; i < t.n && r == 0; i++) {
        const struct tn_prop *row = prop_at(t, i);
        struct qom_prop p = {.name = row->name,
                             .type = qom_prop_type(row),
                             .desc = row->help,
                             .row = row,
                             .owner = owner,
                             .base = base};
        r = v->fn(v->o, &p);
    }
    return r;
}

/* Of a composition the properties of both halves, as QEMU's aliases. */
static int say_all_rows(const struct visit *v, struct device *d)
{
    int r = say_rows(v, d, class_props(d->pub.cls), d->pub.self);
    if (r == 0 && d->bus_child)
        r = say_rows(v, d, bus_props(d->bus_type), d->bus_child);
    return r == 0 && d->inner ? say_all_rows(v, d->inner) : r;
}

static int say_legacy_addr(const struct visit *v, const struct device *d)
{
    char text[32];
    int n = d->pci && d->bus->type->path
                ? d->bus->type->path(d->bus->data, d->bus_child, text, sizeof text)
                : -1;
    return n < 0 ? 0 : say(v, "legacy-addr", "str", KV_STRING, text);
}

static int say_device(const struct visit *v, struct device *d)
{
    AUTO_FREE char *bus = d->bus ? qom_bus_path(d->bus) : xstrdup("");
    int r = say_link(v, "parent_bus", "bus", bus);
    if (r == 0)
        r = say_bool(v, "realized", d->stage == DEV_REALIZED);
    if (r == 0)
        r = say_bool(v, "hotplugged", (d->flags & TN_DEV_HOTPLUGGED) != 0);
    if (r == 0)
        r = say_bool(v, "hotpluggable", (d->pub.cls->flags & TN_C_HOTPLUG) != 0);
    if (r == 0)
        r = say_all_rows(v, d);
    if (r == 0 && d->pub.cls->category == TN_CAT_CPU && d->vm->machine)
        r = qom_each_cpu_prop(d->vm->machine->cpu_config, v->fn, v->o);
    return r == 0 ? say_legacy_addr(v, d) : r;
}

/* ---- buses, the machine ---- */

static int say_bus(const struct visit *v, const struct tn_bus *b)
{
    struct device *d;
    uint32_t n = 0;
    int r = say_bool(v, "realized", 1);
    TAILQ_FOREACH(d, &b->children, sibling)
    {
        AUTO_FREE char *name = xasprintf("child[%u]", n++);
        AUTO_FREE char *type = qom_type_name(d->entry, d->parent && d->parent->inner == d);
        if (r == 0)
            r = say_link(v, name, type, d->path);
    }
    return r;
}

static int say_text(const struct visit *v, const char *name, const char *text)
{
    return say(v, name, "string", KV_STRING, text ? text : "");
}

static int say_machine(const struct visit *v, const struct machine *m)
{
    const struct cli_options *o = m->cli;
    AUTO_FREE char *ram = o && kv_text(o->machine, "memory-backend")
                              ? xasprintf("/objects/%s", kv_text(o->machine, "memory-backend"))
                              : xstrdup("");
    int r = say_text(v, "kernel", o ? o->kernel : NULL);
    if (r == 0)
        r = say_text(v, "initrd", o ? o->initrd : NULL);
    if (r == 0)
        r = say_text(v, "append", o ? o->append : NULL);
    if (r == 0)
        r = say_text(v, "firmware", o ? o->bios : NULL);
    if (r == 0)
        r = say_link(v, "memory-backend", "memory-backend", ram);
    if (r == 0)
        r = say(v, "acpi", "OnOffAuto", KV_STRING, m->acpi ? "on" : "off");
    if (r == 0)
        r = say_bool(v, "i8042", m->i8042 != 0);
    return r == 0 ? say_bool(v, "usb", 0) : r;
}

int qom_each_prop(const struct qom_tree *t, const struct qom_node *n,
                  int (*fn)(void *o, const struct qom_prop *p), void *o)
{
    struct visit v = {t, fn, o};
    int r = say(&v, "type", "string", KV_STRING, n->type);
    if (r == 0 && n->bus)
        r = say_bus(&v, n->bus);
    else if (r == 0 && n->dev && n->dev->entry->kind == TN_K_DEVICE)
        r = say_device(&v, n->dev);
    else if (r == 0 && n->dev)
        r = say_all_rows(&v, n->dev);
    else if (r == 0 && t->vm->machine && strcmp(n->path, "/machine") == 0)
        r = say_machine(&v, t->vm->machine);
    return r == 0 ? say_children(&v, n) : r;
}
