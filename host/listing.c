/* SPDX-License-Identifier: BSD-2-Clause */
#include "listing.h"

#include "backend/block_host.h"
#include "cli/help.h"
#include "cli/keyval.h"
#include "core/prop.h"
#include "core/registry.h"
#include "core/trace_point.h"
#include "pci/pci_host.h"
#include "util/alloc.h"
#include "vm/machine.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- names ---- */

struct names {
    const char **v;
    size_t n;
};

static int add_name(void *o, const struct class_entry *c)
{
    struct names *l = o;
    l->v = xrealloc(l->v, (l->n + 1) * sizeof *l->v);
    l->v[l->n++] = c->name;
    return 0;
}

static void list_kind(struct vm *vm, uint32_t kind,
                      void (*print)(struct buf *, const char *const *, size_t), struct buf *out)
{
    struct names l = {0};
    registry_each(vm->registry, kind, add_name, &l);
    print(out, l.v, l.n);
    free(l.v);
}

/* ---- devices ---- */

struct devices {
    struct registry *registry;
    struct help_device *v;
    size_t n;
};

static uint32_t group_of(uint32_t category)
{
    static const uint32_t groups[] = {
        [TN_CAT_MISC] = HELP_MISC,       [TN_CAT_BRIDGE] = HELP_BRIDGE,
        [TN_CAT_USB] = HELP_USB,         [TN_CAT_STORAGE] = HELP_STORAGE,
        [TN_CAT_NETWORK] = HELP_NETWORK, [TN_CAT_INPUT] = HELP_INPUT,
        [TN_CAT_DISPLAY] = HELP_DISPLAY, [TN_CAT_SOUND] = HELP_SOUND,
        [TN_CAT_CPU] = HELP_CPU,         [TN_CAT_WATCHDOG] = HELP_WATCHDOG,
    };
    return category < ARRAY_SIZE(groups) ? groups[category] : HELP_MISC;
}

/* `virtio-blk` is a name of virtio-blk-pci, as QEMU lists it: by itself it has no place. */
static const char *alias_of(const struct class_entry *c)
{
    const char *inner = c->inner ? c->inner->name : c->inner_name;
    return inner && c->bus && strcmp(c->bus, TN_PCI_BUS) == 0 ? inner : c->alias;
}

static int add_device(void *o, const struct class_entry *c)
{
    struct devices *l = o;
    if ((c->flags & TN_C_INTERNAL) || registry_composed(l->registry, c, 0))
        return 0;
    l->v = xrealloc(l->v, (l->n + 1) * sizeof *l->v);
    l->v[l->n++] = (struct help_device){.name = c->name,
                                        .bus = c->bus,
                                        .alias = alias_of(c),
                                        .desc = c->desc,
                                        .groups = group_of(c->category)};
    return 0;
}

static void list_devices(struct vm *vm, struct buf *out)
{
    struct devices l = {.registry = vm->registry};
    registry_each(vm->registry, TN_K_DEVICE, add_device, &l);
    help_devices(out, l.v, l.n);
    free(l.v);
}

/* ---- properties ---- */

struct props {
    struct help_property *v;
    size_t n;
};

static void add_props(struct props *l, struct prop_table t)
{
    for (uint32_t i = 0; i < t.n; i++) {
        const struct tn_prop *p = prop_at(t, i);
        l->v = xrealloc(l->v, (l->n + 1) * sizeof *l->v);
        l->v[l->n++] =
            (struct help_property){p->name, prop_type_name(p), p->help, prop_default_text(p)};
    }
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct help_property *)a)->name, ((const struct help_property *)b)->name);
}

static const struct tn_bus_type *bus_type(struct vm *vm, const char *name)
{
    const struct tn_bus_type *t = pci_bus_type(name);
    return t ? t : registry_bus_type(vm->registry, name);
}

static void add_class(struct vm *vm, struct props *l, const struct class_entry *c)
{
    add_props(l, (struct prop_table){c->cls->props, c->cls->nprops, c->cls->prop_stride});
    const struct tn_bus_type *t = c->cls->bus ? bus_type(vm, c->cls->bus) : NULL;
    if (t)
        add_props(l, (struct prop_table){t->props, t->nprops, t->prop_stride});
    if (c->inner)
        add_class(vm, l, c->inner);
}

int listing_properties(struct vm *vm, uint32_t kind, const char *name, struct buf *out,
                       struct tn_err *e)
{
    const struct class_entry *c = registry_class(vm->registry, kind, name, e);
    if (!c)
        return -ENOENT;
    struct props l = {0};
    add_class(vm, &l, c);
    if (l.n)
        qsort(l.v, l.n, sizeof *l.v, by_name);
    help_properties(out, c->name, l.v, l.n);
    for (size_t i = 0; i < l.n; i++)
        free((char *)(uintptr_t)l.v[i].def);
    free(l.v);
    return 1;
}

/* ---- what can be logged ---- */

static int add_class_name(void *o, const struct class_entry *c)
{
    return c->compose || c->inner_name ? 0 : add_name(o, c);
}

static void add_event(struct names *l, const struct tn_trace_event *ev)
{
    l->v = xrealloc(l->v, (l->n + 1) * sizeof *l->v);
    l->v[l->n++] = ev->name;
}

static void add_events(struct names *l, const struct tn_class *c)
{
    for (uint32_t i = 0; TN_HAS(c, trace_stride) && i < c->ntraces; i++)
        add_event(l, (const void *)((const char *)c->traces + (size_t)i * c->trace_stride));
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Of every class, its file opened for it; what cannot be opened has none that could be traced. */
static void list_events(struct vm *vm, struct buf *out)
{
    struct names classes = {0}, events = {0};
    registry_each(vm->registry, TN_K_DEVICE, add_class_name, &classes);
    for (size_t i = 0; i < classes.n; i++) {
        ERR_AUTO none = {0};
        const struct class_entry *c =
            registry_class(vm->registry, TN_K_DEVICE, classes.v[i], &none);
        if (c)
            add_events(&events, c->cls);
    }
    for (uint32_t i = 0; i < TRACE_POINTS; i++)
        add_event(&events, &trace_points()[i]);
    if (events.n)
        qsort(events.v, events.n, sizeof *events.v, by_text);
    for (size_t i = 0; i < events.n; i++)
        if (i == 0 || strcmp(events.v[i], events.v[i - 1]) != 0)
            buf_printf(out, "%s\n", events.v[i]);
    free(classes.v);
    free(events.v);
}

static void list_log_items(struct buf *out)
{
    buf_str(out, "Log items (comma separated):\n"
                 "unimp           log unimplemented functionality\n"
                 "guest_errors    log when the guest OS does something invalid (eg accessing a\n"
                 "non-existent register)\n"
                 "trace:PATTERN   enable trace events\n"
                 "\nUse \"-d trace:help\" to get a list of trace events.\n\n");
}

/* ---- who asked ---- */

static int in_list(struct vm *vm, const struct cli_list *l, const char *implied, uint32_t kind,
                   void (*list)(struct vm *, struct buf *), struct buf *out, struct tn_err *e)
{
    for (size_t i = 0; i < l->n; i++)
        switch (keyval_help_wanted(l->v[i].kv, implied)) {
        case KEYVAL_HELP_TYPES:
            list(vm, out);
            return 1;
        case KEYVAL_HELP_PROPERTIES:
            return listing_properties(vm, kind, kv_text(l->v[i].kv, implied), out, e);
        default:
            break;
        }
    return 0;
}

static void list_objects(struct vm *vm, struct buf *out)
{
    list_kind(vm, TN_K_OBJECT, help_objects, out);
}

void listing_classes(struct vm *vm, uint32_t kind, struct buf *out)
{
    if (kind == TN_K_DEVICE)
        list_devices(vm, out);
    else
        list_objects(vm, out);
}

static void list_chardevs(struct vm *vm, struct buf *out)
{
    list_kind(vm, TN_K_CHARDEV, help_chardevs, out);
}

static void list_netdevs(struct vm *vm, struct buf *out)
{
    list_kind(vm, TN_K_NETDEV, help_netdevs, out);
}

static void list_nics(struct vm *vm, struct buf *out)
{
    struct devices l = {.registry = vm->registry};
    registry_each(vm->registry, TN_K_DEVICE, add_device, &l);
    buf_str(out, "Available NIC models:\n");
    for (size_t i = 0; i < l.n; i++)
        if (l.v[i].groups == HELP_NETWORK &&
            strncmp(l.v[i].bus ? l.v[i].bus : "", "virtio", 6) != 0)
            buf_printf(out, "%s\n", l.v[i].name);
    free(l.v);
}

static int wants(const char *word)
{
    return word && (strcmp(word, "help") == 0 || strcmp(word, "?") == 0);
}

/* -nic model=help, -net nic,model=help */
static int nic_models(struct vm *vm, const struct cli_list *l, struct buf *out)
{
    for (size_t i = 0; i < l->n; i++)
        if (wants(kv_text(l->v[i].kv, "model"))) {
            list_nics(vm, out);
            return 1;
        }
    return 0;
}

/* -drive help, -drive format=help, -blockdev help, -blockdev DRIVER,help */
static int list_block(struct vm *vm, const struct cli_options *o, struct buf *out, struct tn_err *e)
{
    for (size_t i = 0; i < o->drives.n; i++) {
        const struct kv_node *kv = o->drives.v[i].kv;
        if (keyval_help_wanted(kv, "driver") != KEYVAL_NO_HELP || wants(kv_text(kv, "format"))) {
            block_list_formats(vm, out);
            return 1;
        }
    }
    return in_list(vm, &o->blockdevs, "driver", TN_K_BLOCK, block_list_formats, out, e);
}

static int list_network(struct vm *vm, const struct cli_options *o, struct buf *out,
                        struct tn_err *e)
{
    const struct cli_list *const lists[] = {&o->netdevs, &o->nics, &o->nets};
    int r = 0;
    for (size_t i = 0; i < ARRAY_SIZE(lists) && r == 0; i++) {
        r = in_list(vm, lists[i], "type", TN_K_NETDEV, list_netdevs, out, e);
        if (r == 0)
            r = nic_models(vm, lists[i], out);
    }
    return r;
}

static int list_machine_or_matrix(struct vm *vm, const struct cli_options *o, struct buf *out)
{
    const char *type = o->machine ? kv_text(o->machine, "type") : NULL;
    if (type && strcmp(type, "help-matrix") == 0) {
        machine_matrix(vm, out);
        return 1;
    }
    if (!wants(type))
        return 0;
    listing_machines(o, out);
    return 1;
}

/* -d help, -d trace:help, -trace help */
static int list_logs(struct vm *vm, const struct cli_options *o, struct buf *out)
{
    if (o->log_items && strcmp(o->log_items, "help") == 0) {
        list_log_items(out);
        return 1;
    }
    int traces = o->log_items && strcmp(o->log_items, "trace:help") == 0;
    for (size_t i = 0; i < o->traces.n; i++)
        traces |= wants(kv_text(o->traces.v[i].kv, "enable"));
    if (traces)
        list_events(vm, out);
    return traces;
}

int listing_wanted(struct vm *vm, const struct cli_options *o, struct buf *out, struct tn_err *e)
{
    static const char *const accels[] = {"kvm", "qtest"};
    int r = in_list(vm, &o->devices, "driver", TN_K_DEVICE, list_devices, out, e);
    if (r == 0)
        r = in_list(vm, &o->objects, "qom-type", TN_K_OBJECT, list_objects, out, e);
    if (r == 0)
        r = in_list(vm, &o->chardevs, "backend", TN_K_CHARDEV, list_chardevs, out, e);
    if (r == 0)
        r = list_network(vm, o, out, e);
    if (r == 0)
        r = list_block(vm, o, out, e);
    if (r == 0)
        r = list_machine_or_matrix(vm, o, out);
    if (r == 0)
        r = list_logs(vm, o, out);
    if (r == 0 && wants(o->cpu)) {
        listing_cpus(out);
        r = 1;
    }
    if (r == 0 && o->accels.n && wants(kv_text(o->accels.v[0].kv, "accel"))) {
        help_accels(out, accels, ARRAY_SIZE(accels));
        r = 1;
    }
    return r;
}
