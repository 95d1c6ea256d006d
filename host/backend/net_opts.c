/* SPDX-License-Identifier: BSD-2-Clause */
/* -netdev, -nic and -net: back ends, hub ports and NICs from options. */
#include "net_impl.h"

#include "cli/keyval.h"
#include "cli/options.h"
#include "core/prop.h"
#include "vm/machine.h"
#include <errno.h>
#include <stdlib.h>

/* ---- a back end from a dict ---- */

/* "str" of {"str": "..."}: how QMP writes one item of hostfwd=, guestfwd= or dnssearch=. */
static const struct kv_node *plain(const struct kv_node *v)
{
    const struct kv_node *str = v->kind == KV_DICT && v->n_child == 1 ? kv_get(v, "str") : NULL;
    return str ? str : v;
}

static struct kv_node *list_at(struct kv_node *flat, const char *key)
{
    struct kv_node *l = kv_get(flat, key);
    return l ? l : kv_add(flat, key, kv_new(KV_LIST));
}

/* Dotted keys whatever the form was: {"addr": {"type": "unix"}} and addr.type=unix become
 * addr.type. What is repeated, or a JSON array, becomes a list where the class has one. */
static void flatten(struct kv_node *flat, const char *prefix, const struct kv_node *dict,
                    struct prop_table t)
{
    for (size_t i = 0; i < dict->n_child; i++) {
        const struct kv_node *v = dict->child[i];
        AUTO_FREE char *key = xasprintf("%s%s", prefix, v->key);
        const struct tn_prop *p = prop_find(t, key);
        if (v->kind == KV_DICT) {
            AUTO_FREE char *below = xasprintf("%s.", key);
            flatten(flat, below, v, t);
        } else if (p && p->type == TN_P_LIST && v->kind == KV_LIST) {
            struct kv_node *l = list_at(flat, key);
            for (size_t k = 0; k < v->n_child; k++)
                kv_add(l, NULL, kv_clone(plain(v->child[k])));
        } else if (p && p->type == TN_P_LIST) {
            kv_add(list_at(flat, key), NULL, kv_clone(v));
        } else {
            kv_add(flat, key, kv_clone(v));
        }
    }
}

static int set_all(struct device *d, const struct kv_node *flat, struct tn_err *e)
{
    const struct tn_class *c = d->pub.cls;
    struct prop_table t = {c->props, c->nprops, c->prop_stride};
    for (size_t i = 0; i < flat->n_child; i++) {
        const struct kv_node *v = flat->child[i];
        if (strcmp(v->key, "type") == 0 || strcmp(v->key, "id") == 0)
            continue;
        if (!prop_find(t, v->key))
            return err_set(e, ENOENT, "Invalid parameter '%s'", v->key);
        int r = device_set_node(d, v, e);
        if (r < 0)
            return r;
    }
    return 0;
}

/* Those that QEMU has, so that one that was left out of this build is told from a wrong word. */
static int known_type(const char *type)
{
    static const char *const types[] = {"user",       "tap",        "bridge", "socket",
                                        "stream",     "dgram",      "vde",    "l2tpv3",
                                        "vhost-user", "vhost-vdpa", "af-xdp", "hubport"};
    for (size_t i = 0; i < ARRAY_SIZE(types); i++)
        if (strcmp(types[i], type) == 0)
            return 1;
    return 0;
}

static const struct class_entry *find_class(struct vm *vm, const char *type, struct tn_err *e)
{
    if (registry_peek(vm->registry, TN_K_NETDEV, type))
        return registry_class(vm->registry, TN_K_NETDEV, type, e);
    if (known_type(type))
        err_set(e, ENOENT, "network backend '%s' is not part of this build: plugin not found",
                type);
    else
        err_set(e, EINVAL, "Parameter 'type' does not accept value '%s'", type);
    return NULL;
}

/* id: checked, or made here. */
static int create(struct vm *vm, const struct kv_node *dict, const char *type, const char *id,
                  struct tn_err *e)
{
    const struct class_entry *c = find_class(vm, type, e);
    if (!c)
        return -EINVAL;
    struct device *d = device_new(vm, c, id, NULL, NULL, e);
    if (!d)
        return -EINVAL;
    KV_AUTO *flat = kv_new(KV_DICT);
    flatten(flat, "", dict,
            (struct prop_table){c->cls->props, c->cls->nprops, c->cls->prop_stride});
    int r = set_all(d, flat, e);
    if (r == 0)
        r = device_realize(d, NULL, e);
    if (r < 0)
        device_free(d);
    return r;
}

int net_add(struct vm *vm, const struct kv_node *dict, struct tn_err *e)
{
    const char *type = kv_text(dict, "type"), *id = kv_text(dict, "id");
    if (!type || !id)
        return err_set(e, EINVAL, "Parameter '%s' is missing", type ? "id" : "type");
    if (!keyval_is_id(id))
        return err_set(e, EINVAL, "Parameter 'id' expects an identifier");
    return create(vm, dict, type, id, e);
}

/* ---- -nic and -net ---- */

/* Keys of an option that are the NIC's, and what a device calls them. */
static const struct {
    const char *key, *prop;
} nic_keys[] = {
    {"mac", "mac"}, {"macaddr", "mac"}, {"addr", "addr"}, {"vectors", "vectors"}, {"model", NULL}};

static int is_nic_key(const char *key)
{
    for (size_t i = 0; i < ARRAY_SIZE(nic_keys); i++)
        if (strcmp(nic_keys[i].key, key) == 0)
            return 1;
    return 0;
}

static char *invent(struct vm *vm)
{
    return xasprintf("#net%03u", nets_of(vm)->anonymous++);
}

static void remember_nic(struct vm *vm, char *netdev)
{
    struct nets *nets = nets_of(vm);
    nets->nic_netdev = xrealloc(nets->nic_netdev, (nets->nnics + 1) * sizeof *nets->nic_netdev);
    nets->nic_netdev[nets->nnics++] = netdev;
}

static const char *type_of(const struct kv_node *kv)
{
    const char *type = kv_text(kv, "type");
    return type ? type : "user";
}

static struct kv_node *without_nic_keys(const struct kv_node *kv)
{
    struct kv_node *out = kv_new(KV_DICT);
    for (size_t i = 0; i < kv->n_child; i++)
        if (!is_nic_key(kv->child[i]->key))
            kv_add(out, kv->child[i]->key, kv_clone(kv->child[i]));
    return out;
}

/* -nic TYPE: a back end, and later a NIC on it. */
static int add_nic_backend(struct vm *vm, const struct kv_node *kv, struct tn_err *e)
{
    const char *type = type_of(kv), *given = kv_text(kv, "id");
    if (strcmp(type, "none") == 0) {
        remember_nic(vm, NULL);
        return 0;
    }
    AUTO_FREE char *id = given ? xstrdup(given) : invent(vm);
    KV_AUTO *rest = without_nic_keys(kv);
    int r = create(vm, rest, type, id, e);
    remember_nic(vm, r < 0 ? NULL : xstrdup(id));
    return r;
}

/* A new port of hub 0; netdev NULL: for a NIC. Its id is the caller's. */
static char *add_port(struct vm *vm, const char *netdev, struct tn_err *e)
{
    KV_AUTO *kv = kv_new(KV_DICT);
    uint32_t i = 0;
    char *id = xstrdup("hub0port0");
    while (net_find(vm, id)) {
        free(id);
        id = xasprintf("hub0port%u", ++i);
    }
    kv_set(kv, "hubid", "0");
    if (netdev)
        kv_set(kv, "netdev", netdev);
    if (create(vm, kv, "hubport", id, e) == 0)
        return id;
    free(id);
    return NULL;
}

/* -net nic: a NIC on hub 0, or on netdev=. */
static int add_net_nic(struct vm *vm, const struct kv_node *kv, struct tn_err *e)
{
    const char *netdev = kv_text(kv, "netdev");
    if (netdev && !net_find(vm, netdev))
        return err_set(e, ENOENT, "netdev '%s' not found", netdev);
    char *port = netdev ? xstrdup(netdev) : add_port(vm, NULL, e);
    remember_nic(vm, port);
    return port ? 0 : -EINVAL;
}

/* -net TYPE: a back end on hub 0. */
static int add_net_backend(struct vm *vm, const struct kv_node *kv, struct tn_err *e)
{
    const char *type = type_of(kv), *given = kv_text(kv, "id");
    if (strcmp(type, "nic") == 0)
        return add_net_nic(vm, kv, e);
    remember_nic(vm, NULL);
    if (strcmp(type, "none") == 0)
        return 0;
    if (strcmp(type, "hubport") == 0)
        return err_set(e, EINVAL, "Parameter 'type' does not accept value 'hubport'");
    AUTO_FREE char *id = given ? xstrdup(given) : invent(vm);
    int r = create(vm, kv, type, id, e);
    AUTO_FREE char *port = r < 0 ? NULL : add_port(vm, id, e);
    return r < 0 ? r : port ? 0 : -EINVAL;
}

static int each(struct vm *vm, const struct cli_list *l,
                int (*add)(struct vm *, const struct kv_node *, struct tn_err *), struct tn_err *e)
{
    for (size_t i = 0; i < l->n; i++) {
        ERR_AUTO why = {0};
        if (add(vm, l->v[i].kv, &why) == 0)
            continue;
        if (l->v[i].where.text)
            err_prefix(&why, "%s: ", l->v[i].where.text);
        return err_move(e, &why);
    }
    return 0;
}

int net_add_backends(struct vm *vm, const struct cli_options *o, struct tn_err *e)
{
    int r = each(vm, &o->netdevs, net_add, e);
    if (r == 0)
        r = each(vm, &o->nics, add_nic_backend, e);
    return r == 0 ? each(vm, &o->nets, add_net_backend, e) : r;
}

/* ---- NICs ---- */

static const char *default_model(const struct vm *vm)
{
    return strcmp(vm->machine->type->name, "microvm") == 0 ? "virtio-net-device" : "virtio-net-pci";
}

static int add_nic(struct vm *vm, const struct kv_node *kv, const char *netdev, struct tn_err *e)
{
    const char *model = kv_text(kv, "model"), *name = kv_text(kv, "name");
    if (!model || strcmp(model, "virtio") == 0)
        model = default_model(vm);
    const struct class_entry *c = registry_peek(vm->registry, TN_K_DEVICE, model);
    if (!c || (c->category != TN_CAT_NETWORK && !(c->inner_name && c->inner)))
        return err_set(e, ENOENT, "Unsupported NIC model: %s", model);
    KV_AUTO *dict = kv_new(KV_DICT);
    kv_set(dict, "driver", model);
    kv_set(dict, "netdev", netdev);
    if (name)
        kv_set(dict, "id", name);
    for (size_t i = 0; i < ARRAY_SIZE(nic_keys); i++) {
        const char *v = nic_keys[i].prop ? kv_text(kv, nic_keys[i].key) : NULL;
        if (v)
            kv_set(dict, nic_keys[i].prop, v);
    }
    return device_add(vm, TN_K_DEVICE, dict, NULL, e);
}

int net_add_nics(struct vm *vm, const struct cli_options *o, struct tn_err *e)
{
    const struct cli_list *lists[] = {&o->nics, &o->nets};
    size_t at = 0;
    for (size_t k = 0; k < ARRAY_SIZE(lists); k++)
        for (size_t i = 0; i < lists[k]->n; i++, at++) {
            const char *netdev = vm->nets->nic_netdev[at];
            ERR_AUTO why = {0};
            if (!netdev || add_nic(vm, lists[k]->v[i].kv, netdev, &why) == 0)
                continue;
            if (lists[k]->v[i].where.text)
                err_prefix(&why, "%s: ", lists[k]->v[i].where.text);
            return err_move(e, &why);
        }
    return 0;
}

/* ---- objects that name a back end; warnings ---- */

int net_object_is_late(struct vm *vm, const char *cls)
{
    ERR_AUTO later = {0}; /* a class that is not there is said when the object is made */
    const struct class_entry *c = registry_class(vm->registry, TN_K_OBJECT, cls, &later);
    for (uint32_t i = 0; c && i < c->cls->nprops; i++)
        if (prop_at((struct prop_table){c->cls->props, c->cls->nprops, c->cls->prop_stride}, i)
                ->type == TN_P_NETDEV)
            return 1;
    return 0;
}

void net_warn_unused(struct vm *vm)
{
    struct device *d;
    const struct net_nic *nic;
    net_hubs_warn(vm);
    TAILQ_FOREACH(d, &vm->devices, all)
    {
        const struct tn_net *n = d->handle_type == TN_P_NETDEV ? d->handle : NULL;
        if (n && !n->front.dev && !(n->hub && net_hubport_is_taken(d)))
            log_line(LOG_WARN, "netdev %s has no peer", device_id(d));
    }
    TAILQ_FOREACH(nic, &nets_of(vm)->nics, entry)
    if (!net_of_front(vm, nic->m.dev))
        log_line(LOG_WARN, "nic %s has no peer", device_id(device_top(nic->m.dev)));
}
