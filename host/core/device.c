/* SPDX-License-Identifier: BSD-2-Clause */
#include "device_impl.h"

#include "backend/chardev.h"
#include "backend/net.h"
#include "bus.h"
#include "cli/keyval.h"
#include "cli/kvtree.h"
#include "epoch.h"
#include "loop.h"
#include "pci/pci_host.h"
#include "util/alloc.h"
#include "vm/run.h"
#include "vm/space.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- names ---- */

struct device *device_top(struct device *d)
{
    while (d->parent && d->parent->inner == d)
        d = d->parent;
    return d;
}

const char *device_id(const struct device *d)
{
    const struct device *top = device_top((struct device *)(uintptr_t)d);
    return top->id ? top->id : d->path;
}

struct device *device_find(struct vm *vm, uint32_t kind, const char *id)
{
    struct device *d;
    TAILQ_FOREACH(d, &vm->devices, all)
    if (d->entry->kind == kind && ((d->id && strcmp(d->id, id) == 0) || strcmp(d->path, id) == 0))
        return d;
    return NULL;
}

static char *make_path(struct vm *vm, uint32_t kind, const char *id, struct device *parent,
                       const char *name)
{
    if (parent && name)
        return xasprintf("%s/%s", parent->path, name);
    if (parent)
        return xasprintf("%s/child[%u]", parent->path, vm->anon++);
    if (kind == TN_K_OBJECT)
        return xasprintf("/objects/%s", id ? id : name);
    if (kind == TN_K_CHARDEV)
        return xasprintf("/chardevs/%s", id ? id : name);
    if (kind == TN_K_NETDEV)
        return xasprintf("/netdevs/%s", id ? id : name);
    if (kind == TN_K_DEVICE && name)
        return xasprintf("/machine/%s", name);
    if (id)
        return xasprintf("/machine/peripheral/%s", id);
    if (kind == TN_K_DEVICE)
        return xasprintf("/machine/peripheral-anon/device[%u]", vm->anon++);
    return xasprintf("/machine/unattached/device[%u]", vm->unattached++);
}

/* ---- creation ---- */

static const struct tn_prop *locate(struct device *d, const char *key, void **base,
                                    struct device **owner);

/* The inner half of virtio-X-pci is a virtio-X-device to QEMU's users. */
static int is_called(const struct device *d, const char *cls)
{
    const char *name = d->entry->name;
    size_t n = strlen(name);
    if (strcmp(cls, name) == 0 || strcmp(cls, d->pub.cls->name) == 0)
        return 1;
    return d->parent && d->parent->entry->inner == d->entry && strncmp(cls, name, n) == 0 &&
           strcmp(cls + n, "-device") == 0;
}

/* Called when d is new, and again when its bus is known: then for the properties that only the bus
 * has. */
static int global_is_for(struct device *d, const struct global *g)
{
    void *base;
    struct device *owner;
    if (!is_called(d, g->cls))
        return 0;
    const struct tn_prop *p = locate(d, g->prop, &base, &owner);
    return d->bus_type ? !p || base == d->bus_child : p || !d->pub.cls->bus;
}

/* One that does not fit is an error, but for what is plugged into a machine that runs. */
int device_apply_globals(struct device *d, struct tn_err *e)
{
    for (uint32_t i = 0; i < d->vm->nglobals; i++) {
        struct global *g = &d->vm->globals[i];
        if (!global_is_for(d, g))
            continue;
        ERR_AUTO why = {0};
        g->used = 1;
        int r = device_set(d, g->prop, g->value, &why);
        if (r < 0 && d->vm->cold)
            return err_set(e, -r, "can't apply global %s.%s=%s: %s", g->cls, g->prop, g->value,
                           err_text(&why));
        if (r < 0)
            log_line(LOG_WARN, "can't apply global %s.%s=%s: %s", g->cls, g->prop, g->value,
                     err_text(&why));
    }
    return 0;
}

static int apply_preset(struct device *d, struct tn_err *e)
{
    const char *const *p = d->entry->compose ? d->entry->compose->preset : NULL;
    for (; p && p[0] && p[1]; p += 2) {
        int r = device_set(d, p[0], p[1], e);
        if (r < 0)
            return r;
    }
    return 0;
}

static void *instance_alloc(uint64_t size)
{
    size = (size + 63) & ~(uint64_t)63;
    void *s = aligned_alloc(64, size ? size : 64);
    return s ? memset(s, 0, size ? size : 64) : NULL;
}

static struct device *device_alloc(struct vm *vm, const struct class_entry *entry, void *self)
{
    struct device *d = XNEW(struct device);
    d->pub = (struct tn_dev){&vm->host, &host_core_table, entry->cls, self};
    d->vm = vm;
    d->entry = entry;
    TAILQ_INIT(&d->children);
    d->managed.next = d->managed.prev = &d->managed;
    pthread_mutex_init(&d->managed_lock, NULL);
    d->domain = domain_new();
    d->home = vm->main;
    d->flags = vm->cold ? 0 : TN_DEV_HOTPLUGGED;
    return d;
}

static void duplicate(uint32_t kind, const char *id, struct tn_err *e)
{
    if (kind == TN_K_NETDEV)
        err_set(e, EEXIST, "Duplicate ID '%s' for netdev", id);
    else
        err_set(e, EEXIST, "Duplicate %s ID '%s'", kind == TN_K_DEVICE ? "device" : "object", id);
}

/* The type of its bus is known before the transport makes it: users set the bus's properties, too.
 */
static int make_inner(struct device *d, struct tn_err *e)
{
    const struct tn_compose *c = d->entry->compose;
    const struct tn_bus_type *t = registry_bus_type(d->vm->registry, c->inner_bus);
    d->inner = device_new(d->vm, d->entry->inner, NULL, d, c->child, e);
    if (!d->inner)
        return -EINVAL;
    return t ? device_meet_bus_type(d->inner, t, e) : 0;
}

static void take_place(struct device *d, const char *id, struct device *parent, const char *name)
{
    d->id = id ? xstrdup(id) : NULL;
    d->path = make_path(d->vm, d->entry->kind, id, parent, name);
    d->name = name ? xstrdup(name) : NULL;
    d->parent = parent;
    if (parent)
        TAILQ_INSERT_TAIL(&parent->children, d, brother);
    TAILQ_INSERT_TAIL(&d->vm->devices, d, all);
}

/* The instance as it is before the user says anything of it. */
static int set_up(struct device *d, struct tn_err *e)
{
    const struct class_entry *entry = d->entry;
    props_default(d, class_props(entry->cls), d->pub.self);
    int r = entry->cls->init ? entry->cls->init(d->pub.self, &d->pub) : 0;
    if (r < 0)
        return err_set(e, -r, "%s: init failed", entry->name);
    d->inited = 1;
    if (entry->kind == TN_K_CHARDEV && !d->handle)
        chardev_create(d); /* the host's own classes have done it */
    if (entry->kind == TN_K_NETDEV)
        net_create(d);
    r = entry->inner ? make_inner(d, e) : 0;
    if (r == 0)
        r = device_apply_globals(d, e);
    return r < 0 ? r : apply_preset(d, e);
}

struct device *device_new(struct vm *vm, const struct class_entry *entry, const char *id,
                          struct device *parent, const char *name, struct tn_err *e)
{
    if (id && device_find(vm, entry->kind, id)) {
        duplicate(entry->kind, id, e);
        return NULL;
    }
    if (entry->file && entry->file->plugin && plugin_needs(entry->file->plugin, &vm->host, e) < 0)
        return NULL;
    void *self = instance_alloc(entry->cls->instance_size);
    if (!self) {
        err_set(e, ENOMEM, "no memory for a %s", entry->name);
        return NULL;
    }
    struct device *d = device_alloc(vm, entry, self);
    take_place(d, id, parent, name);
    if (set_up(d, e) == 0)
        return d;
    device_free(d);
    return NULL;
}

/* ---- properties ---- */

/* Where a property of that name lives: the class, what its bus adds, or the inner device of a
 * composite. */
static const struct tn_prop *locate(struct device *d, const char *key, void **base,
                                    struct device **owner)
{
    const struct tn_prop *p = prop_find(class_props(d->pub.cls), key);
    *base = d->pub.self;
    *owner = d;
    if (!p && d->bus_child) {
        p = prop_find(bus_props(d->bus_type), key);
        *base = p ? d->bus_child : d->pub.self;
    }
    return !p && d->inner ? locate(d->inner, key, base, owner) : p;
}

static int not_found(struct device *d, const char *key, struct tn_err *e)
{
    return err_set(e, ENOENT, "Property '%s.%s' not found", d->entry->name, key);
}

/* The class hears of its own properties, the bus of those that it added. */
static int changed(struct device *d, const struct tn_prop *p, const void *base, struct tn_err *e)
{
    if (d->stage < DEV_REALIZED)
        return 0;
    int entered = domain_enter(d->domain), r = 0;
    if (base == d->bus_child && d->bus_child)
        r = d->bus->type->prop_changed
                ? d->bus->type->prop_changed(d->bus->data, d->bus_child, p->name, e)
                : 0;
    else if (d->pub.cls->prop_changed)
        r = d->pub.cls->prop_changed(d->pub.self, p->name, e);
    domain_leave(d->domain, entered);
    return r;
}

static int may_set(struct device *d, const struct tn_prop *p, struct tn_err *e)
{
    if (d->stage >= DEV_REALIZING && !(p->flags & TN_PF_RUNTIME))
        return err_set(
            e, EPERM,
            "Attempt to set property '%s' on device '%s' (type '%s') after it was realized",
            p->name, device_id(d), d->entry->name);
    return 0;
}

int device_set(struct device *d, const char *key, const char *text, struct tn_err *e)
{
    struct kv_node v = {
        .kind = KV_STRING, .key = (char *)(uintptr_t)key, .text = (char *)(uintptr_t)text};
    return device_set_node(d, &v, e);
}

/* An object whose members are properties of their own: limits.iops-total. */
static int set_members(struct device *d, const struct kv_node *dict, struct tn_err *e)
{
    for (size_t i = 0; i < dict->n_child; i++) {
        AUTO_FREE char *key = xasprintf("%s.%s", dict->key, dict->child[i]->key);
        struct kv_node member = *dict->child[i];
        member.key = key;
        int r = device_set_node(d, &member, e);
        if (r < 0)
            return r;
    }
    return 0;
}

int device_set_node(struct device *d, const struct kv_node *value, struct tn_err *e)
{
    void *base;
    struct device *owner;
    const struct tn_prop *p = locate(d, value->key, &base, &owner);
    if (!p && value->kind == KV_DICT && value->n_child)
        return set_members(d, value, e);
    if (!p)
        return not_found(d, value->key, e);
    if (may_set(owner, p, e) < 0)
        return -EPERM;
    char before[sizeof(struct tn_list)] = {0};
    memcpy(before, (char *)base + p->offset, p->size);
    int r = prop_set_node(owner, p, base, value, e);
    if (r == 0 && (r = changed(owner, p, base, e)) < 0)
        prop_put_back(owner, p, base, before);
    return r < 0 ? r : 0;
}

int device_set_handle(struct device *d, const char *key, const void *handle, struct tn_err *e)
{
    void *base;
    struct device *owner;
    const struct tn_prop *p = locate(d, key, &base, &owner);
    if (!p)
        return not_found(d, key, e);
    return may_set(owner, p, e) < 0 ? -EPERM : prop_set_handle(owner, p, base, handle, e);
}

/* ---- -device ---- */

static const char *const reserved[] = {"driver", "qom-type", "backend", "id", "bus", NULL};

static int is_reserved(const char *key)
{
    for (const char *const *r = reserved; *r; r++)
        if (strcmp(*r, key) == 0)
            return 1;
    return 0;
}

static int set_all(struct device *d, const struct kv_node *dict, struct tn_err *e)
{
    for (size_t i = 0; i < dict->n_child; i++) {
        int skip = is_reserved(dict->child[i]->key) &&
                   !(strcmp(dict->child[i]->key, "bus") == 0 && !d->bus);
        int r = skip ? 0 : device_set_node(d, dict->child[i], e);
        if (r < 0)
            return r;
    }
    return 0;
}

/* Of a composition both halves must be able to come late, and to go. */
static int hotpluggable(const struct class_entry *c)
{
    return (c->cls->flags & TN_C_HOTPLUG) && (!c->inner || (c->inner->cls->flags & TN_C_HOTPLUG));
}

static int may_create(const struct class_entry *c, struct tn_err *e)
{
    return (c->cls->flags & TN_C_INTERNAL) && !c->compose
               ? err_set(e, EINVAL, "Parameter 'driver' expects a pluggable device type")
               : 0;
}

static int may_come_late(const struct class_entry *c, const struct tn_bus *bus, struct tn_err *e)
{
    if (bus && !bus_takes_hotplug(bus))
        return err_set(e, EINVAL, "Bus '%s' does not support hotplugging", bus->name);
    return c->kind != TN_K_DEVICE || hotpluggable(c)
               ? 0
               : err_set(e, EINVAL, "Device '%s' does not support hotplugging", c->name);
}

static int check_id(const char *id, struct tn_err *e)
{
    return !id || keyval_is_id(id)
               ? 0
               : err_set(e, EINVAL, "Parameter 'id' expects an identifier, not '%s'", id);
}

/* The class that dict names. NULL with e. */
static const struct class_entry *class_asked(struct vm *vm, uint32_t kind,
                                             const struct kv_node *dict, struct tn_err *e)
{
    static const char *const implied[] = {"driver", "qom-type", "driver", "type", "backend"};
    const char *key = kind < ARRAY_SIZE(implied) ? implied[kind] : "driver";
    const char *name = kv_text(dict, key), *id = kv_text(dict, "id");
    if (!name) {
        err_set(e, EINVAL, "Parameter '%s' is missing", key);
        return NULL;
    }
    if (check_id(id, e) < 0)
        return NULL;
    if (kind != TN_K_DEVICE && !id) {
        err_set(e, EINVAL, "Parameter 'id' is missing");
        return NULL;
    }
    const struct class_entry *c = registry_class(vm->registry, kind, name, e);
    if (c)
        c = bus_transport_for(vm, c, kv_text(dict, "bus"));
    return c && may_create(c, e) == 0 ? c : NULL;
}

/* Where it goes, NULL: on no bus. *c becomes its inner class where a transport waits for one. */
static int bus_asked(struct vm *vm, const struct class_entry **c, const char *name,
                     struct tn_bus **bus, struct tn_err *e)
{
    *bus = bus_free_inner(vm, *c, name);
    if (*bus)
        *c = (*c)->inner;
    else if ((*c)->cls->bus && !(*bus = bus_for(vm, *c, name, e)))
        return -ENOENT;
    return vm->cold ? 0 : may_come_late(*c, *bus, e);
}

static int bring_up(struct device *d, struct tn_bus *bus, const struct kv_node *dict,
                    struct tn_err *e)
{
    int r = bus ? device_meet_bus(d, bus, e) : 0;
    if (r == 0)
        r = set_all(d, dict, e);
    return r < 0 ? r : device_realize(d, bus, e);
}

int device_add(struct vm *vm, uint32_t kind, const struct kv_node *dict, struct device **out,
               struct tn_err *e)
{
    struct tn_bus *bus;
    const struct class_entry *c = class_asked(vm, kind, dict, e);
    int r = c ? bus_asked(vm, &c, kv_text(dict, "bus"), &bus, e) : -EINVAL;
    if (r < 0)
        return r;
    struct device *d = device_new(vm, c, kv_text(dict, "id"), NULL, NULL, e);
    if (!d)
        return -EINVAL;
    r = bring_up(d, bus, dict, e);
    if (r < 0) {
        device_free(d);
        return r;
    }
    if (out)
        *out = d;
    return 0;
}

/* ---- interfaces ---- */

static int provides(const struct tn_class *c, const char *id)
{
    for (const char *const *p = c->provides; p && *p; p++)
        if (strcmp(*p, id) == 0)
            return 1;
    return 0;
}

static int is_child_ops(const struct device *d, const char *id)
{
    return d->bus && d->bus->type->child_ops && strcmp(d->bus->type->child_ops, id) == 0;
}

int device_has_iface(struct device *d, const char *id)
{
    const struct tn_class *c = d->pub.cls;
    return (provides(c, id) && c->get_iface) || (is_child_ops(d, id) && c->bus_ops);
}

const void *device_iface(struct device *d, const char *id, void **self)
{
    const struct tn_class *c = d->pub.cls;
    *self = d->pub.self;
    if (provides(c, id) && c->get_iface)
        return c->get_iface(d->pub.self, id);
    if (is_child_ops(d, id))
        return c->bus_ops;
    return d->inner ? device_iface(d->inner, id, self) : NULL;
}

struct device *device_providing(struct vm *vm, const char *id)
{
    struct device *d;
    TAILQ_FOREACH(d, &vm->devices, all)
    if (d->stage == DEV_REALIZED && provides(d->pub.cls, id))
        return d;
    return NULL;
}

void device_defer(struct device *d, void (*fn)(void *), void *s)
{
    bh_once(d->vm->main, d, fn, s);
}
