/* SPDX-License-Identifier: BSD-2-Clause */
/* qom-list-types, qom-list-properties, device-list-properties: what there could be. */
#include "core/prop.h"
#include "core/registry.h"
#include "monitor.h"
#include "qom.h"
#include "util/alloc.h"
#include <errno.h>
#include <string.h>

/* ---- types ---- */

static int list_types(struct qmp_call *c, struct tn_err *e)
{
    QOM_TYPES_AUTO t;
    const char *implements = arg_str(c, "implements");
    int abstract = arg_bool(c, "abstract", 0);
    (void)e;
    qom_types_init(&t, c->vm);
    c->ret = kv_new(KV_LIST);
    for (size_t i = 0; i < t.n; i++) {
        const struct qom_type *q = &t.v[i];
        if ((q->abstract && !abstract) || (implements && !qom_type_is(&t, q, implements)))
            continue;
        struct kv_node *d = ret_dict(c->ret, NULL);
        ret_str(d, "name", q->name);
        if (q->abstract)
            ret_bool(d, "abstract", 1);
        if (q->parent)
            ret_str(d, "parent", q->parent);
    }
    return 0;
}

/* ---- properties ---- */

static struct kv_node *add_info(struct kv_node *list, const char *name, const char *type)
{
    struct kv_node *d = ret_dict(list, NULL);
    ret_str(d, "name", name);
    ret_str(d, "type", type);
    return d;
}

static int add_row(void *list, const struct tn_prop *p)
{
    struct kv_node *d = add_info(list, p->name, qom_prop_type(p)), *otherwise = qom_default(p);
    if (p->help)
        ret_str(d, "description", p->help);
    if (otherwise)
        kv_add(d, "default-value", otherwise);
    return 0;
}

/* What every device has, beside the rows of its class. */
static void add_common(struct kv_node *list, int device)
{
    add_info(list, "type", "string");
    if (!device)
        return;
    add_info(list, "parent_bus", "link<bus>");
    add_info(list, "realized", "bool");
    add_info(list, "hotplugged", "bool");
    add_info(list, "hotpluggable", "bool");
}

/* The class that a name of a type is about; NULL without e: it has none (a machine, a base). */
static int find_class(struct vm *vm, const struct qom_types *all, const struct qom_type *t,
                      const struct class_entry **out, struct tn_err *e)
{
    int chardev = qom_type_is(all, t, "chardev");
    uint32_t kind = qom_type_is(all, t, "device") ? TN_K_DEVICE
                    : chardev                     ? TN_K_CHARDEV
                                                  : TN_K_OBJECT;
    const char *name = chardev ? t->name + strcspn(t->name, "-") : t->name;
    *out = NULL;
    if (t->abstract || !registry_peek(vm->registry, kind, name + (*name == '-')))
        return 0;
    *out = registry_class(vm->registry, kind, name + (*name == '-'), e);
    return *out ? 0 : -ENOENT;
}

static int unknown(struct tn_err *e, const char *what, const char *name)
{
    err_set(e, ENOENT, "%s '%s' not found", what, name);
    return err_class(e, "DeviceNotFound");
}

static int list_class(struct qmp_call *c, const struct qom_types *all, const struct qom_type *t,
                      int common, struct tn_err *e)
{
    const struct class_entry *entry;
    int r = find_class(c->vm, all, t, &entry, e);
    if (r < 0)
        return r;
    c->ret = kv_new(KV_LIST);
    if (common)
        add_common(c->ret, qom_type_is(all, t, "device"));
    return entry ? qom_each_row(c->vm, entry, add_row, c->ret) : 0;
}

static int list_properties(struct qmp_call *c, struct tn_err *e)
{
    QOM_TYPES_AUTO all;
    const char *name = arg_str(c, "typename");
    qom_types_init(&all, c->vm);
    const struct qom_type *t = qom_type_find(&all, name);
    return t ? list_class(c, &all, t, 1, e) : unknown(e, "Class", name);
}

static int list_device_properties(struct qmp_call *c, struct tn_err *e)
{
    QOM_TYPES_AUTO all;
    const char *name = arg_str(c, "typename");
    qom_types_init(&all, c->vm);
    const struct qom_type *t = qom_type_find(&all, name);
    if (!t)
        return unknown(e, "Device", name);
    if (t->abstract || !qom_type_is(&all, t, "device"))
        return err_set(e, EINVAL, "Parameter 'typename' expects a non-abstract device type");
    return list_class(c, &all, t, 0, e);
}

/* ---- tables ---- */

static const struct qmp_member type_info[] = {
    {"name", "str", 0}, {"abstract", "bool", 1}, {"parent", "str", 1}, {NULL, NULL, 0}};
static const struct qmp_member types_args[] = {
    {"implements", "str", 1}, {"abstract", "bool", 1}, {NULL, NULL, 0}};
static const struct qmp_member name_arg[] = {{"typename", "str", 0}, {NULL, NULL, 0}};
static const struct qmp_type types[] = {
    {.name = "ObjectTypeInfo", .meta = QMP_OBJECT, .members = type_info},
    {.name = "qom-list-types-arg", .meta = QMP_OBJECT, .members = types_args},
    {.name = "qom-list-properties-arg", .meta = QMP_OBJECT, .members = name_arg},
    {.name = "device-list-properties-arg", .meta = QMP_OBJECT, .members = name_arg},
    {0},
};
static const struct qmp_command commands[] = {
    {"qom-list-types", "qom-list-types-arg", "[ObjectTypeInfo]", QMP_PRECONFIG, list_types},
    {"qom-list-properties", "qom-list-properties-arg", "[ObjectPropertyInfo]", QMP_PRECONFIG,
     list_properties},
    {"device-list-properties", "device-list-properties-arg", "[ObjectPropertyInfo]", 0,
     list_device_properties},
    {0},
};

const struct qmp_module qmp_qom_types = {.types = types, .commands = commands};
