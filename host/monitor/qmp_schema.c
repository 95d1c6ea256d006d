/* SPDX-License-Identifier: BSD-2-Clause */
/* query-qmp-schema: the tables as a client sees them. Commands and events come first, then every
 * type that they lead to, each once. */
#include "qmp_impl.h"

#include "core/registry.h"
#include "util/alloc.h"
#include <stdlib.h>
#include <string.h>

#define EMPTY "q_empty" /* what a command without arguments takes */

struct seen {
    struct vm *vm; /* whose plugins' names count; may be NULL */
    struct kv_node *out;
    const char **types; /* as the tables call them, in order of first mention */
    size_t n, done;
};

/* "size" is an "int" to the outside, and "[size]" an "[int]". The caller frees it. */
static char *outside_name(const char *type)
{
    size_t depth = strspn(type, "["), len = strcspn(type + depth, "]");
    const struct qmp_builtin *b = qmp_builtin_find(type + depth, len);
    const char *tail = type + depth + len;
    return b ? xasprintf("%.*s%s%s", (int)depth, type, b->schema, tail) : xstrdup(type);
}

static void mention(struct seen *s, const char *type)
{
    for (size_t i = 0; i < s->n; i++)
        if (strcmp(s->types[i], type) == 0)
            return;
    if ((s->n & (s->n - 1)) == 0)
        s->types = xrealloc(s->types, (s->n ? 2 * s->n : 1) * sizeof *s->types);
    s->types[s->n++] = type;
}

static void put_type(struct seen *s, struct kv_node *to, const char *key, const char *type)
{
    AUTO_FREE char *name = outside_name(type);
    ret_str(to, key, name);
    mention(s, type);
}

static struct kv_node *entry(struct seen *s, const char *name, const char *meta)
{
    struct kv_node *d = ret_dict(s->out, NULL);
    ret_str(d, "name", name);
    ret_str(d, "meta-type", meta);
    return d;
}

static void put_features(struct kv_node *d, const char *words)
{
    if (!words)
        return;
    struct kv_node *list = ret_list(d, "features");
    AUTO_FREE char *copy = xstrdup(words);
    for (char *save, *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
        ret_str(list, NULL, w);
}

static void put_command(struct seen *s, const struct qmp_command *c)
{
    struct kv_node *d = entry(s, c->name, "command");
    put_type(s, d, "arg-type", c->args ? c->args : EMPTY);
    put_type(s, d, "ret-type", c->ret ? c->ret : EMPTY);
    if (c->flags & QMP_OOB)
        ret_bool(d, "allow-oob", 1);
    put_features(d, c->features);
}

static void put_event(struct seen *s, const struct qmp_event *v)
{
    struct kv_node *d = entry(s, v->name, "event");
    put_type(s, d, "arg-type", v->data ? v->data : EMPTY);
}

static void put_members(struct seen *s, struct kv_node *d, const struct qmp_member *m)
{
    struct kv_node *list = ret_list(d, "members");
    for (; m && m->name; m++) {
        struct kv_node *one = ret_dict(list, NULL);
        ret_str(one, "name", m->name);
        put_type(s, one, "type", m->type);
        if (m->optional)
            kv_add(one, "default", kv_scalar(KV_NULL, ""));
    }
}

static const struct qmp_member *case_adds(const struct qmp_type *t, const char *value)
{
    for (const struct qmp_case *c = t->cases; c && c->name; c++)
        if (strcmp(c->name, value) == 0)
            return c->more;
    return NULL;
}

/* What a case adds has no name in the tables: it is TYPE-case. */
static void put_variant(struct seen *s, struct kv_node *list, const struct qmp_type *t,
                        const char *value)
{
    int more = case_adds(t, value) != NULL;
    AUTO_FREE char *name = more ? xasprintf("%s-%s", t->name, value) : xstrdup(EMPTY);
    struct kv_node *one = ret_dict(list, NULL);
    ret_str(one, "case", value);
    ret_str(one, "type", name);
    if (!more)
        mention(s, EMPTY);
}

struct class_variant {
    struct seen *seen;
    struct kv_node *list;
    const struct qmp_type *type;
};

static int put_class_variant(void *o, const struct class_entry *c)
{
    struct class_variant *v = o;
    put_variant(v->seen, v->list, v->type, c->name);
    return 0;
}

static void put_variants(struct seen *s, struct kv_node *d, const struct qmp_type *t)
{
    const struct qmp_type *tag = qmp_tag_type(t);
    if (!tag || !tag->values)
        return;
    ret_str(d, "tag", t->tag);
    struct kv_node *list = ret_list(d, "variants");
    for (const char *const *v = tag->values; *v; v++)
        put_variant(s, list, t, *v);
    qmp_each_class(tag, s->vm, put_class_variant, &(struct class_variant){s, list, t});
    for (const char *const *v = tag->values; *v; v++) {
        const struct qmp_member *more = case_adds(t, *v);
        AUTO_FREE char *name = xasprintf("%s-%s", t->name, *v);
        if (more)
            put_members(s, entry(s, name, "object"), more);
    }
}

struct value_lists {
    struct kv_node *members, *values;
};

static void put_value(const struct value_lists *l, const char *value)
{
    ret_str(ret_dict(l->members, NULL), "name", value);
    ret_str(l->values, NULL, value);
}

static int put_class(void *o, const struct class_entry *c)
{
    put_value(o, c->name);
    return 0;
}

static void put_enum(struct seen *s, const struct qmp_type *t)
{
    struct kv_node *d = entry(s, t->name, "enum");
    struct value_lists l = {ret_list(d, "members"), ret_list(d, "values")};
    for (const char *const *v = t->values; *v; v++)
        put_value(&l, *v);
    qmp_each_class(t, s->vm, put_class, &l);
}

static void put_alternate(struct seen *s, const struct qmp_type *t)
{
    struct kv_node *list = ret_list(entry(s, t->name, "alternate"), "members");
    for (const struct qmp_member *m = t->members; m->name; m++)
        put_type(s, ret_dict(list, NULL), "type", m->type);
}

static void put_object(struct seen *s, const struct qmp_type *t)
{
    struct kv_node *d = entry(s, t->name, "object");
    put_members(s, d, t->members);
    put_variants(s, d, t);
}

static int is_put(const struct seen *s, const char *name)
{
    for (size_t i = 0; i < s->out->n_child; i++)
        if (strcmp(kv_text(s->out->child[i], "name"), name) == 0)
            return 1;
    return 0;
}

static void put_builtin(struct seen *s, const struct qmp_builtin *b)
{
    static const char *const json[][2] = {{"str", "string"}, {"bool", "boolean"},
                                          {"int", "int"},    {"number", "number"},
                                          {"any", "value"},  {"null", "null"}};
    if (is_put(s, b->schema))
        return;
    for (size_t i = 0; i < ARRAY_SIZE(json); i++)
        if (strcmp(json[i][0], b->schema) == 0)
            ret_str(entry(s, b->schema, "builtin"), "json-type", json[i][1]);
}

static void put_list(struct seen *s, const char *type)
{
    AUTO_FREE char *name = outside_name(type), *inner = qmp_list_element(type),
                   *element = outside_name(inner);
    const struct qmp_type *t = qmp_type_find(inner);
    const struct qmp_builtin *b = qmp_builtin_find(inner, strlen(inner));
    if (is_put(s, name))
        return;
    ret_str(entry(s, name, "array"), "element-type", element);
    if (t || b)
        mention(s, t ? t->name : b->name); /* the tables' own word, which stays */
}

static void put_one(struct seen *s, const char *type)
{
    const struct qmp_builtin *b = qmp_builtin_find(type, strlen(type));
    const struct qmp_type *t = qmp_type_find(type);
    if (*type == '[')
        put_list(s, type);
    else if (b)
        put_builtin(s, b);
    else if (!t)
        put_members(s, entry(s, type, "object"), NULL);
    else if (t->meta == QMP_ENUM)
        put_enum(s, t);
    else if (t->meta == QMP_ALTERNATE)
        put_alternate(s, t);
    else
        put_object(s, t);
}

struct kv_node *qmp_schema(struct vm *vm)
{
    struct seen s = {.vm = vm, .out = kv_new(KV_LIST)};
    for (const struct qmp_module *const *m = qmp_modules; *m; m++) {
        for (const struct qmp_command *c = (*m)->commands; c && c->name; c++)
            put_command(&s, c);
        for (const struct qmp_event *v = (*m)->events; v && v->name; v++)
            put_event(&s, v);
    }
    for (; s.done < s.n; s.done++)
        put_one(&s, s.types[s.done]);
    free(s.types);
    return s.out;
}
