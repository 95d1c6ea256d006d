/* SPDX-License-Identifier: BSD-2-Clause */
/* Values against the tables, in the order and the words of QEMU's input visitor. */
#include "qmp_impl.h"

#include "util/alloc.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Where in the arguments a value stands: "events[0].data.key". */
struct place {
    const struct place *up; /* NULL: the arguments themselves */
    const char *key;        /* NULL: an element of a list */
    size_t index;
    struct vm *vm; /* of the arguments themselves: whose plugins count; may be NULL */
};

static void print_place(struct buf *out, const struct place *p)
{
    if (!p || !p->up)
        return;
    print_place(out, p->up);
    if (p->key)
        buf_printf(out, "%s%s", out->len ? "." : "", p->key);
    else
        buf_printf(out, "[%zu]", p->index);
}

static int fail(struct tn_err *e, const struct place *p, const char *before, const char *after)
{
    BUF_AUTO where = {0};
    print_place(&where, p);
    return err_set(e, EINVAL, "%s'%s'%s", before, buf_cstr(&where), after);
}

static int wrong_type(struct tn_err *e, const struct place *p, const char *expected)
{
    AUTO_FREE char *after = xasprintf(", expected: %s", expected);
    return fail(e, p, "Invalid parameter type for ", after);
}

static const char *last_name(const struct place *p, struct buf *room)
{
    if (p->key)
        return p->key;
    print_place(room, p);
    return room->len ? buf_cstr(room) : "null";
}

static int check(const char *type, const struct kv_node *v, const struct place *p,
                 struct tn_err *e);

static struct vm *vm_at(const struct place *p)
{
    while (p->up)
        p = p->up;
    return p->vm;
}

/* ---- built in ---- */

/* A whole number as JSON has them, within [min, max]; a negative one stands for 2^64 less where the
 * type is 64 bits wide, as QEMU has always taken it. */
static int is_whole(const char *t)
{
    t += *t == '-';
    return *t && !t[strspn(t, "0123456789")];
}

static int in_range(const char *t, const struct qmp_builtin *b)
{
    errno = 0;
    if (*t == '-') {
        int64_t n = strtoll(t, NULL, 10);
        return !errno && (n >= b->min || b->max == UINT64_MAX);
    }
    uint64_t n = strtoull(t, NULL, 10);
    return !errno && n <= b->max;
}

static int check_number(const struct qmp_builtin *b, const struct kv_node *v, const struct place *p,
                        struct tn_err *e)
{
    BUF_AUTO room = {0};
    int whole = v->kind == KV_NUMBER && is_whole(v->text);
    if (whole && in_range(v->text, b))
        return 0;
    if (b->expected && (!whole || b->max == INT64_MAX))
        return wrong_type(e, p, b->expected);
    return err_set(e, EINVAL, "Parameter '%s' expects %s", last_name(p, &room), b->range);
}

static int check_builtin(const struct qmp_builtin *b, const struct kv_node *v,
                         const struct place *p, struct tn_err *e)
{
    static const struct {
        const char *name;
        enum kv_kind kind;
    } kinds[] = {{"str", KV_STRING}, {"bool", KV_BOOL}, {"number", KV_NUMBER}, {"null", KV_NULL}};
    if (b->range)
        return check_number(b, v, p, e);
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        if (strcmp(b->name, kinds[i].name) == 0 && v->kind != kinds[i].kind)
            return wrong_type(e, p, b->expected);
    return 0;
}

/* ---- of the tables ---- */

static int check_enum(const struct qmp_type *t, const struct kv_node *v, const struct place *p,
                      struct tn_err *e)
{
    BUF_AUTO room = {0};
    if (v->kind != KV_STRING)
        return wrong_type(e, p, "string");
    for (const char *const *s = t->values; *s; s++)
        if (strcmp(*s, v->text) == 0)
            return 0;
    if (qmp_class_of(t, vm_at(p), v->text))
        return 0;
    return err_set(e, EINVAL, "Parameter '%s' does not accept value '%s'", last_name(p, &room),
                   v->text);
}

static int check_list(const char *type, const struct kv_node *v, const struct place *p,
                      struct tn_err *e)
{
    AUTO_FREE char *element = qmp_list_element(type);
    if (v->kind != KV_LIST)
        return wrong_type(e, p, "array");
    for (size_t i = 0; i < v->n_child; i++) {
        struct place at = {p, NULL, i};
        if (check(element, v->child[i], &at, e) < 0)
            return -EINVAL;
    }
    return 0;
}

static int check_members(const struct qmp_member *m, const struct kv_node *v, const struct place *p,
                         struct tn_err *e)
{
    for (; m && m->name; m++) {
        const struct kv_node *got = kv_get(v, m->name);
        struct place at = {p, m->name, 0};
        if (!got && !m->optional)
            return fail(e, &at, "Parameter ", " is missing");
        if (got && check(m->type, got, &at, e) < 0)
            return -EINVAL;
    }
    return 0;
}

static const struct qmp_member *case_members(const struct qmp_type *t, const struct kv_node *v)
{
    const char *tag = t->tag ? kv_text(v, t->tag) : NULL;
    for (const struct qmp_case *c = t->cases; tag && c && c->name; c++)
        if (strcmp(c->name, tag) == 0)
            return c->more;
    return NULL;
}

static int is_member(const struct qmp_member *m, const char *name)
{
    for (; m && m->name; m++)
        if (strcmp(m->name, name) == 0)
            return 1;
    return 0;
}

/* What a plugin's class takes stands in its own table, and is checked when it is made. */
static int is_plugins(const struct qmp_type *t, const struct kv_node *v, const struct place *p)
{
    const struct qmp_type *tag = qmp_tag_type(t);
    const char *value = tag ? kv_text(v, t->tag) : NULL;
    return value && !case_members(t, v) && qmp_class_of(tag, vm_at(p), value) != NULL;
}

static int check_object(const struct qmp_type *t, const struct kv_node *v, const struct place *p,
                        int extra, struct tn_err *e)
{
    if (v->kind != KV_DICT)
        return wrong_type(e, p, "object");
    const struct qmp_member *more = case_members(t, v);
    extra = extra || is_plugins(t, v, p);
    if (check_members(t->members, v, p, e) < 0 || check_members(more, v, p, e) < 0)
        return -EINVAL;
    for (size_t i = 0; i < v->n_child && !extra; i++) {
        struct place at = {p, v->child[i]->key, 0};
        if (!is_member(t->members, at.key) && !is_member(more, at.key))
            return fail(e, &at, "Parameter ", " is unexpected");
    }
    return 0;
}

static enum kv_kind kind_of(const char *type)
{
    const struct qmp_type *t = qmp_type_find(type);
    const struct qmp_builtin *b = qmp_builtin_find(type, strlen(type));
    if (*type == '[')
        return KV_LIST;
    if (t)
        return t->meta == QMP_ENUM ? KV_STRING : KV_DICT;
    if (!b || b->range || strcmp(type, "number") == 0)
        return KV_NUMBER;
    return strcmp(type, "str") == 0 ? KV_STRING : strcmp(type, "bool") == 0 ? KV_BOOL : KV_NULL;
}

static int check_alternate(const struct qmp_type *t, const struct kv_node *v, const struct place *p,
                           struct tn_err *e)
{
    for (const struct qmp_member *m = t->members; m->name; m++)
        if (kind_of(m->type) == v->kind)
            return check(m->type, v, p, e);
    return wrong_type(e, p, t->name);
}

static int check(const char *type, const struct kv_node *v, const struct place *p, struct tn_err *e)
{
    if (*type == '[')
        return check_list(type, v, p, e);
    const struct qmp_builtin *b = qmp_builtin_find(type, strlen(type));
    if (b)
        return check_builtin(b, v, p, e);
    const struct qmp_type *t = qmp_type_find(type);
    if (!t)
        return err_set(e, EINVAL, "type '%s' is in no table", type);
    if (t->meta == QMP_ENUM)
        return check_enum(t, v, p, e);
    return t->meta == QMP_ALTERNATE ? check_alternate(t, v, p, e) : check_object(t, v, p, 0, e);
}

int qmp_check_value(struct vm *vm, const char *type, const struct kv_node *v, struct tn_err *e)
{
    return check(type, v, &(struct place){.vm = vm}, e);
}

int qmp_check_args(struct vm *vm, const char *type, const struct kv_node *args, int extra,
                   struct tn_err *e)
{
    static const struct qmp_type none = {.name = "q_empty"};
    const struct qmp_type *t = type ? qmp_type_find(type) : &none;
    if (!t)
        return err_set(e, EINVAL, "type '%s' is in no table", type);
    return check_object(t, args, &(struct place){.vm = vm}, extra, e);
}
