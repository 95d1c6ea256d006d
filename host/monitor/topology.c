/* SPDX-License-Identifier: BSD-2-Clause */
#include "topology.h"

#include "core/bus.h"
#include "core/prop.h"
#include "monitor.h"
#include "util/alloc.h"
#include "vm/address_map.h"
#include "vm/irq.h"
#include "vm/machine.h"
#include <stdlib.h>

static void ret_path(struct kv_node *to, const char *key, const struct device *d)
{
    if (d)
        ret_str(to, key, d->path);
}

/* ---- instances ---- */

static const char *kind_name(uint32_t kind)
{
    static const char *const names[] = {
        [TN_K_DEVICE] = "device",     [TN_K_OBJECT] = "object",   [TN_K_MACHINE] = "machine",
        [TN_K_NETDEV] = "netdev",     [TN_K_CHARDEV] = "chardev", [TN_K_BLOCK] = "block",
        [TN_K_AUDIODEV] = "audiodev", [TN_K_DISPLAY] = "display",
    };
    return kind < ARRAY_SIZE(names) ? names[kind] : "device";
}

/* Names an instance: a back end, or a link. */
static int is_reference(const struct tn_prop *p)
{
    return (p->type >= TN_P_CHARDEV && p->type <= TN_P_LINK) || p->type == TN_P_AUDIODEV;
}

static void add_links(struct kv_node *links, const struct device *d, struct prop_table t,
                      const void *base)
{
    for (uint32_t i = 0; base && i < t.n; i++) {
        const struct tn_prop *p = prop_at(t, i);
        if (!is_reference(p))
            continue;
        const void *const *at = prop_place(p, base);
        const struct device *to = *at ? prop_refers_to(d, p->type, *at) : NULL;
        if (!to)
            continue;
        struct kv_node *l = ret_dict(links, NULL);
        ret_str(l, "property", p->name);
        ret_path(l, "target", to);
    }
}

static void add_address(struct kv_node *to, const struct device *d)
{
    char text[64];
    if (!d->bus || !d->on_bus || !d->bus->type->path)
        return;
    if (d->bus->type->path(d->bus->data, d->bus_child, text, sizeof text) > 0)
        ret_str(to, "address", text);
}

static void add_device(struct kv_node *list, const struct device *d)
{
    const struct tn_class *c = d->pub.cls;
    struct kv_node *n = ret_dict(list, NULL);
    ret_str(n, "path", d->path);
    if (d->id)
        ret_str(n, "id", d->id);
    ret_str(n, "type", d->entry->name);
    ret_str(n, "kind", kind_name(d->entry->kind));
    if (d->entry->desc)
        ret_str(n, "description", d->entry->desc);
    ret_path(n, "parent", d->parent);
    if (d->bus)
        ret_str(n, "bus", d->bus->name);
    add_address(n, d);
    ret_bool(n, "realized", d->stage == DEV_REALIZED);
    add_links(ret_list(n, "links"), d, (struct prop_table){c->props, c->nprops, c->prop_stride},
              device_self(d));
}

/* ---- buses, lines ---- */

static void add_bus(struct kv_node *list, const struct tn_bus *b)
{
    struct kv_node *n = ret_dict(list, NULL);
    ret_str(n, "name", b->name);
    ret_str(n, "type", b->type->name);
    ret_path(n, "owner", b->owner);
}

static int add_line(void *o, const struct irq_use *u)
{
    struct kv_node *n = ret_dict(o, NULL);
    ret_uint(n, "gsi", u->gsi);
    ret_str(n, "trigger", u->flags & TN_LINE_LEVEL ? "level" : "edge");
    ret_bool(n, "active-low", (u->flags & TN_LINE_LOW) != 0);
    ret_bool(n, "shared", (u->flags & TN_LINE_SHARED) != 0);
    ret_bool(n, "asserted", u->level != 0);
    ret_path(n, "user", u->user);
    if (u->intc) {
        ret_path(n, "controller", u->intc);
        ret_uint(n, "pin", u->pin);
    }
    return 0;
}

/* ---- address maps ---- */

static int add_range(void *o, const struct map_range *r)
{
    struct kv_node *n = ret_dict(o, NULL);
    ret_uint(n, "first", r->first);
    ret_uint(n, "last", r->last);
    ret_str(n, "type", r->kind == MAP_IO ? "io" : map_kind_name(r->kind));
    ret_str(n, "name", r->name ? r->name : "");
    ret_uint(n, "offset", r->offset);
    ret_path(n, "owner", r->owner);
    return 0;
}

static void add_space(struct kv_node *list, struct vm *vm, const char *name, struct space *s)
{
    if (!s)
        return;
    struct kv_node *n = ret_dict(list, NULL);
    ret_str(n, "name", name);
    map_flat(vm, s, add_range, ret_list(n, "ranges"));
}

struct kv_node *topology(struct vm *vm)
{
    struct kv_node *t = kv_new(KV_DICT), *list;
    const struct device *d;
    const struct tn_bus *b;
    ret_str(t, "machine", vm->machine ? vm->machine->type->name : "none");
    ret_str(t, "accelerator", vm->kvm ? "kvm" : "qtest");
    list = ret_list(t, "devices");
    TAILQ_FOREACH(d, &vm->devices, all)
    if (d->entry->kind != TN_K_OBJECT || !(d->pub.cls->flags & TN_C_INTERNAL)) /* bookkeeping */
        add_device(list, d);
    list = ret_list(t, "buses");
    TAILQ_FOREACH(b, &vm->buses, all)
    add_bus(list, b);
    irq_each(vm, add_line, ret_list(t, "lines"));
    list = ret_list(t, "address-spaces");
    add_space(list, vm, "memory", vm->mmio);
    add_space(list, vm, "I/O", vm->pio);
    return t;
}
