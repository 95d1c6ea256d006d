/* SPDX-License-Identifier: BSD-2-Clause */
/* object-add, object-del. Arguments are as strict as QAPI's: a number is no string. */
#include "cli/keyval.h"
#include "core/device.h"
#include "core/prop.h"
#include "hmp.h"
#include "listing.h"
#include "monitor.h"
#include "qom.h"
#include "util/alloc.h"
#include <errno.h>
#include <string.h>

/* ---- what a client may say ---- */

static int type_is(const struct tn_prop *p, const struct kv_node *v, struct tn_err *e)
{
    const char *type = prop_type_name(p);
    int boolean = p->type == TN_P_BOOL || p->type == TN_P_BIT, list = p->type == TN_P_LIST;
    int number = (p->type >= TN_P_U8 && p->type <= TN_P_SIZE);
    const char *expected = boolean && v->kind != KV_BOOL                          ? "boolean"
                           : list && v->kind != KV_LIST                           ? "array"
                           : !boolean && !list && !number && v->kind != KV_STRING ? "string"
                                                                                  : NULL;
    if (expected)
        return err_set(e, EINVAL, "Invalid parameter type for '%s', expected: %s", v->key,
                       expected);
    if (number && v->kind != KV_NUMBER)
        return err_set(e, EINVAL, "Parameter '%s' expects %s", v->key,
                       p->type == TN_P_SIZE ? "uint64" : type);
    return 0;
}

struct search {
    const char *name;           /* of what is looked for, or */
    const struct kv_node *args; /* what is given */
    const struct tn_prop *found;
};

static int is_it(void *o, const struct tn_prop *p)
{
    struct search *s = o;
    if (strcmp(p->name, s->name) == 0)
        s->found = p;
    return s->found != NULL;
}

static int is_head(const char *key)
{
    return strcmp(key, "qom-type") == 0 || strcmp(key, "id") == 0;
}

/* A dict whose members are rows "x-limits.iops": left to the one who sets them. */
static int check_members(struct vm *vm, const struct class_entry *k, const struct kv_node *args,
                         struct tn_err *e)
{
    for (size_t i = 0; i < args->n_child; i++) {
        const struct kv_node *v = args->child[i];
        struct search s = {.name = v->key};
        if (is_head(v->key) || v->kind == KV_DICT)
            continue;
        if (!qom_each_row(vm, k, is_it, &s))
            return err_set(e, EINVAL, "Parameter '%s' is unexpected", v->key);
        if (type_is(s.found, v, e) < 0)
            return -EINVAL;
    }
    return 0;
}

static int missing(void *o, const struct tn_prop *p)
{
    struct search *s = o;
    if ((p->flags & TN_PF_REQUIRED) && !kv_get(s->args, p->name))
        s->found = p;
    return s->found != NULL;
}

static int check_required(struct vm *vm, const struct class_entry *k, const struct kv_node *args,
                          struct tn_err *e)
{
    struct search s = {.args = args};
    return qom_each_row(vm, k, missing, &s)
               ? err_set(e, EINVAL, "Parameter '%s' is missing", s.found->name)
               : 0;
}

/* ---- the commands ---- */

static const struct class_entry *find_class(struct vm *vm, const char *type, struct tn_err *e)
{
    ERR_AUTO why = {0};
    const struct class_entry *k = registry_peek(vm->registry, TN_K_OBJECT, type);
    if (k && !(k->flags & TN_C_INTERNAL)) {
        k = registry_class(vm->registry, TN_K_OBJECT, type, &why);
        if (!k)
            err_move(e, &why);
        return k;
    }
    err_set(e, EINVAL, "Parameter 'qom-type' does not accept value '%s'", type);
    return NULL;
}

static int check_id(struct vm *vm, const struct kv_node *args, struct tn_err *e)
{
    const char *id = kv_text(args, "id");
    if (!id)
        return err_set(e, EINVAL, "Parameter 'id' is missing");
    if (!keyval_is_id(id))
        return err_set(e, EINVAL, "Parameter 'id' expects an identifier");
    return device_find(vm, TN_K_OBJECT, id)
               ? err_set(e, EEXIST,
                         "attempt to add duplicate property '%s' to object (type 'container')", id)
               : 0;
}

static int add_object(struct qmp_call *c, struct tn_err *e)
{
    const struct class_entry *k = find_class(c->vm, arg_str(c, "qom-type"), e);
    if (!k || check_required(c->vm, k, c->args, e) < 0 || check_members(c->vm, k, c->args, e) < 0 ||
        check_id(c->vm, c->args, e) < 0)
        return -EINVAL;
    return device_add(c->vm, TN_K_OBJECT, c->args, NULL, e);
}

static int remove_object(struct vm *vm, const char *id, struct tn_err *e)
{
    struct device *d = device_find(vm, TN_K_OBJECT, id);
    if (!d || !d->id || (d->pub.cls->flags & TN_C_INTERNAL))
        return err_set(e, ENOENT, "object '%s' not found", id);
    if (d->holds || d->busy || d->parent)
        return err_set(e, EBUSY, "object '%s' is in use, can not be deleted", id);
    int r = device_quiesce(d, TN_Q_UNPLUG, e);
    if (r == 0)
        device_free(d);
    return r;
}

static int del_object(struct qmp_call *c, struct tn_err *e)
{
    return remove_object(c->vm, arg_str(c, "id"), e);
}

/* ---- for people: values are text ---- */

static int hmp_add(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    KV_AUTO *args = keyval_parse(line, "qom-type");
    int r = 0;
    switch (keyval_help_wanted(args, "qom-type")) {
    case KEYVAL_HELP_TYPES:
        listing_classes(c->vm, TN_K_OBJECT, out);
        break;
    case KEYVAL_HELP_PROPERTIES:
        r = listing_properties(c->vm, TN_K_OBJECT, kv_text(args, "qom-type"), out, e);
        break;
    default:
        r = kv_text(args, "qom-type") ? check_id(c->vm, args, e) : 0;
        if (r == 0)
            r = device_add(c->vm, TN_K_OBJECT, args, NULL, e);
    }
    return r < 0 ? r : 0;
}

static int hmp_del(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    (void)out;
    return remove_object(c->vm, line, e);
}

struct offer {
    const char *head;
    struct buf *out;
};

static int offer_class(void *o, const struct class_entry *k)
{
    const struct offer *f = o;
    if (!(k->flags & TN_C_INTERNAL))
        hmp_offer(f->out, f->head, k->name);
    return 0;
}

static void complete_add(struct qmp_call *c, const char *line, struct buf *out)
{
    struct offer f = {line, out};
    registry_each(c->vm->registry, TN_K_OBJECT, offer_class, &f);
}

static void complete_del(struct qmp_call *c, const char *line, struct buf *out)
{
    struct device *d;
    TAILQ_FOREACH(d, &c->vm->devices, all)
    if (d->id && d->entry->kind == TN_K_OBJECT && strncmp(d->id, line, strlen(line)) == 0)
        buf_printf(out, "%s\n", d->id);
}

/* ---- tables ---- */

static const struct qmp_member add_args[] = {
    {"qom-type", "ObjectType", 0}, {"id", "str", 0}, {NULL, NULL, 0}};
static const char *const no_more[] = {NULL};
static const struct qmp_case no_cases[] = {{0}}; /* what each takes stands in its own table */
static const struct qmp_member del_args[] = {{"id", "str", 0}, {NULL, NULL, 0}};
static const struct qmp_type types[] = {
    {.name = "ObjectOptions",
     .meta = QMP_OBJECT,
     .members = add_args,
     .tag = "qom-type",
     .cases = no_cases},
    {.name = "ObjectType",
     .meta = QMP_ENUM,
     .values = no_more,
     .classes = QMP_CLASSES(TN_K_OBJECT)},
    {.name = "object-del-arg", .meta = QMP_OBJECT, .members = del_args},
    {0},
};
static const struct qmp_command commands[] = {
    {"object-add", "ObjectOptions", NULL, QMP_FREE_ARGS | QMP_PRECONFIG, add_object},
    {"object-del", "object-del-arg", NULL, QMP_PRECONFIG, del_object},
    {0},
};
static const struct hmp_command hmp[] = {
    {"object_add", "[qom-type=]type,id=str[,prop=value][,...]", "create QOM object", 0, hmp_add,
     complete_add},
    {"object_del", "id", "destroy QOM object", 0, hmp_del, complete_del},
    {0},
};

const struct qmp_module qmp_object = {.types = types, .commands = commands, .hmp = hmp};
