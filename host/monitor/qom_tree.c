/* SPDX-License-Identifier: BSD-2-Clause */
/* Which objects there are, and what they are called. */
#include "qom.h"

#include "core/bus.h"
#include "pci/pci_host.h"
#include "util/alloc.h"
#include "vm/machine.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- names ---- */

/* A class that has its place by a transport only goes by the name of QEMU's class there:
 * `virtio-rng` is `virtio-rng-device`. */
char *qom_type_name(const struct class_entry *c, int inner)
{
    if (c->kind == TN_K_CHARDEV)
        return xasprintf("chardev-%s", c->name);
    if (inner || (c->bus && strcmp(c->bus, "virtio-bus") == 0 && !c->inner && !c->inner_name))
        return xasprintf("%s-device", c->name);
    return xstrdup(c->name);
}

static const char *leaf(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The host bridge, which is no instance here. */
static const char *host_bridge(const struct vm *vm)
{
    return strcmp(pci_root_bus((struct vm *)(uintptr_t)vm)->type->name, TN_PCIE_BUS) == 0
               ? "q35"
               : "i440fx";
}

char *qom_bus_path(const struct tn_bus *b)
{
    if (b->owner)
        return xasprintf("%s/%s", b->owner->path, leaf(b->name));
    if (b == pci_root_bus(b->vm))
        return xasprintf("/machine/%s/%s", host_bridge(b->vm), b->name);
    return xasprintf("/machine/unattached/%s", b->name);
}

/* ---- the tree ---- */

static struct qom_node *add(struct qom_tree *t, char *path, char *type)
{
    t->v = xrealloc(t->v, (t->n + 1) * sizeof *t->v);
    struct qom_node *n = &t->v[t->n++];
    *n = (struct qom_node){.path = path, .name = leaf(path), .type = type};
    return n;
}

static void add_places(struct qom_tree *t)
{
    static const char *const places[] = {"/backend",
                                         "/objects",
                                         "/chardevs",
                                         "/machine/peripheral",
                                         "/machine/peripheral-anon",
                                         "/machine/unattached"};
    const struct machine *m = t->vm->machine;
    add(t, xstrdup("/"), xstrdup("container"));
    add(t, xstrdup("/machine"), xasprintf("%s-machine", m && m->type ? m->type->name : "none"));
    for (size_t i = 0; i < ARRAY_SIZE(places); i++)
        add(t, xstrdup(places[i]), xstrdup("container"));
    if (t->vm->pci) {
        const char *bridge = host_bridge(t->vm);
        add(t, xasprintf("/machine/%s", bridge),
            xstrdup(strcmp(bridge, "q35") == 0 ? "q35-pcihost" : "i440FX-pcihost"));
    }
}

static int is_shown(const struct device *d)
{
    uint32_t kind = d->entry->kind;
    return kind == TN_K_DEVICE || kind == TN_K_CHARDEV ||
           (kind == TN_K_OBJECT && !(d->pub.cls->flags & TN_C_INTERNAL));
}

static void add_device(struct qom_tree *t, struct device *d)
{
    struct tn_bus *b;
    int inner = d->parent && d->parent->inner == d;
    add(t, xstrdup(d->path), qom_type_name(d->entry, inner))->dev = d;
    TAILQ_FOREACH(b, &t->vm->buses, all)
    if (b->owner == d)
        add(t, qom_bus_path(b), xstrdup(b->type->name))->bus = b;
}

void qom_tree_init(struct qom_tree *t, struct vm *vm)
{
    struct tn_bus *b;
    struct device *d;
    *t = (struct qom_tree){.vm = vm};
    add_places(t);
    TAILQ_FOREACH(b, &vm->buses, all)
    if (!b->owner)
        add(t, qom_bus_path(b), xstrdup(b->type->name))->bus = b;
    TAILQ_FOREACH(d, &vm->devices, all)
    if (is_shown(d))
        add_device(t, d);
}

void qom_tree_clear(struct qom_tree *t)
{
    for (size_t i = 0; i < t->n; i++) {
        free(t->v[i].path);
        free(t->v[i].type);
    }
    free(t->v);
    *t = (struct qom_tree){0};
}

int qom_is_child(const struct qom_node *parent, const struct qom_node *n)
{
    size_t len = strcmp(parent->path, "/") == 0 ? 0 : strlen(parent->path);
    return n != parent && strncmp(n->path, parent->path, len) == 0 && n->path[len] == '/' &&
           n->path + len + 1 == n->name && *n->name;
}

/* ---- looking up ---- */

/* path is the whole of n's, or its last parts. */
static int fits(const struct qom_node *n, const char *path)
{
    size_t have = strlen(n->path), want = strlen(path);
    if (*path == '/')
        return strcmp(n->path, path) == 0;
    return want && have > want && n->path[have - want - 1] == '/' &&
           strcmp(n->path + have - want, path) == 0;
}

static const struct qom_node *not_found(const char *path, struct tn_err *e)
{
    err_set(e, ENODEV, "Device '%s' not found", path);
    err_class(e, "DeviceNotFound");
    return NULL;
}

const struct qom_node *qom_find(const struct qom_tree *t, const char *path, struct tn_err *e)
{
    const struct qom_node *found = NULL;
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/')
        len--;
    AUTO_FREE char *plain = xstrndup(path, len);
    for (size_t i = 0; i < t->n; i++) {
        if (!fits(&t->v[i], plain))
            continue;
        if (found) {
            err_set(e, EINVAL, "Path '%s' is ambiguous", path);
            return NULL;
        }
        found = &t->v[i];
    }
    return found ? found : not_found(path, e);
}
