/* SPDX-License-Identifier: BSD-2-Clause */
/* device_add, device_del, and the events of devices that leave. */
#include "cli/keyval.h"
#include "core/device.h"
#include "listing.h"
#include "migration/migration.h"
#include "monitor.h"
#include "qom.h"
#include "util/alloc.h"
#include <errno.h>
#include <string.h>

static int add_it(struct vm *vm, const struct kv_node *dict, struct tn_err *e)
{
    int r = migration_idle(vm, "device_add", e);
    return r < 0 ? r : device_add(vm, TN_K_DEVICE, dict, NULL, e);
}

static int add_device(struct qmp_call *c, struct tn_err *e)
{
    return add_it(c->vm, c->args, e);
}

static int del_it(struct device *d, struct tn_err *e)
{
    int r = d ? migration_idle(d->vm, "device_del", e) : -ENODEV;
    return r < 0 ? r : device_unplug(d, e);
}

/* By id, or by a path, which must be a device's. */
static struct device *find(struct vm *vm, const char *id, struct tn_err *e)
{
    QOM_TREE_AUTO t;
    qom_tree_init(&t, vm);
    AUTO_FREE char *path = *id == '/' ? xstrdup(id) : xasprintf("/machine/peripheral/%s", id);
    ERR_AUTO none = {0};
    const struct qom_node *n = qom_find(&t, path, &none);
    if (n && n->dev && n->dev->entry->kind == TN_K_DEVICE)
        return n->dev;
    if (n) {
        err_set(e, EINVAL, "%s is not a device", id);
        return NULL;
    }
    err_set(e, ENODEV, "Device '%s' not found", id);
    err_class(e, "DeviceNotFound");
    return NULL;
}

static int del_device(struct qmp_call *c, struct tn_err *e)
{
    return del_it(find(c->vm, arg_str(c, "id"), e), e);
}

/* ---- for people ---- */

static int hmp_add(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    KV_AUTO *args = keyval_parse(line, "driver");
    switch (keyval_help_wanted(args, "driver")) {
    case KEYVAL_HELP_TYPES:
        listing_classes(c->vm, TN_K_DEVICE, out);
        return 0;
    case KEYVAL_HELP_PROPERTIES: {
        int r = listing_properties(c->vm, TN_K_DEVICE, kv_text(args, "driver"), out, e);
        return r < 0 ? r : 0;
    }
    default:
        return add_it(c->vm, args, e);
    }
}

static int hmp_del(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    (void)out;
    return del_it(find(c->vm, line, e), e);
}

struct completion {
    const char *line;
    struct buf *out;
};

static int complete_class(void *o, const struct class_entry *k)
{
    const struct completion *c = o;
    if (!(k->flags & TN_C_INTERNAL) && strncmp(k->name, c->line, strlen(c->line)) == 0)
        buf_printf(c->out, "%s\n", k->name);
    return 0;
}

static void complete_add(struct qmp_call *c, const char *line, struct buf *out)
{
    struct completion o = {line, out};
    registry_each(c->vm->registry, TN_K_DEVICE, complete_class, &o);
}

static void complete_del(struct qmp_call *c, const char *line, struct buf *out)
{
    struct device *d;
    TAILQ_FOREACH(d, &c->vm->devices, all)
    if (d->id && d->entry->kind == TN_K_DEVICE && strncmp(d->id, line, strlen(line)) == 0)
        buf_printf(out, "%s\n", d->id);
}

/* ---- tables ---- */

static const struct qmp_member add_args[] = {
    {"driver", "str", 0}, {"bus", "str", 1}, {"id", "str", 1}, {NULL, NULL, 0}};
static const struct qmp_member del_args[] = {{"id", "str", 0}, {NULL, NULL, 0}};
static const struct qmp_member gone[] = {{"device", "str", 1}, {"path", "str", 0}, {NULL, NULL, 0}};
static const struct qmp_type types[] = {
    {.name = "device_add-arg", .meta = QMP_OBJECT, .members = add_args},
    {.name = "device_del-arg", .meta = QMP_OBJECT, .members = del_args},
    {.name = "DEVICE_DELETED-arg", .meta = QMP_OBJECT, .members = gone},
    {.name = "DEVICE_UNPLUG_GUEST_ERROR-arg", .meta = QMP_OBJECT, .members = gone},
    {0},
};
static const struct qmp_command commands[] = {
    {"device_add", "device_add-arg", NULL, QMP_FREE_ARGS, add_device, "json-cli json-cli-hotplug"},
    {"device_del", "device_del-arg", NULL, 0, del_device},
    {0},
};
static const struct qmp_event events[] = {
    {"DEVICE_DELETED", "DEVICE_DELETED-arg", 0, NULL},
    {"DEVICE_UNPLUG_GUEST_ERROR", "DEVICE_UNPLUG_GUEST_ERROR-arg", 0, NULL},
    {0},
};
static const struct hmp_command hmp[] = {
    {"device_add", "driver[,prop=value][,...]", "add device, like -device on the command line", 0,
     hmp_add, complete_add},
    {"device_del", "device", "remove device", 0, hmp_del, complete_del},
    {0},
};

const struct qmp_module qmp_device = {
    .types = types, .commands = commands, .events = events, .hmp = hmp};
