/* SPDX-License-Identifier: BSD-2-Clause */
#include "qmp_impl.h"

#include "core/registry.h"
#include "core/vm.h"

#include "util/alloc.h"
#include <stdint.h>
#include <string.h>

const struct qmp_command *qmp_command_find(const char *name)
{
    for (const struct qmp_module *const *m = qmp_modules; *m; m++)
        for (const struct qmp_command *c = (*m)->commands; c && c->name; c++)
            if (strcmp(c->name, name) == 0)
                return c;
    return NULL;
}

const struct qmp_event *qmp_event_find(const char *name)
{
    for (const struct qmp_module *const *m = qmp_modules; *m; m++)
        for (const struct qmp_event *v = (*m)->events; v && v->name; v++)
            if (strcmp(v->name, name) == 0)
                return v;
    return NULL;
}

const struct qmp_type *qmp_type_find(const char *name)
{
    for (const struct qmp_module *const *m = qmp_modules; *m; m++)
        for (const struct qmp_type *t = (*m)->types; t && t->name; t++)
            if (strcmp(t->name, name) == 0)
                return t;
    return NULL;
}

const struct qmp_builtin *qmp_builtin_find(const char *name, size_t len)
{
    static const struct qmp_builtin all[] = {
        {"str", "str", "string", NULL, 0, 0},
        {"bool", "bool", "boolean", NULL, 0, 0},
        {"int", "int", "integer", "int64", INT64_MIN, INT64_MAX},
        {"size", "int", NULL, "uint64", 0, UINT64_MAX},
        {"number", "number", "number", NULL, 0, 0},
        {"any", "any", NULL, NULL, 0, 0},
        {"null", "null", "null", NULL, 0, 0},
        {"uint8", "int", NULL, "uint8_t", 0, UINT8_MAX},
        {"uint16", "int", NULL, "uint16_t", 0, UINT16_MAX},
        {"uint32", "int", NULL, "uint32_t", 0, UINT32_MAX},
        {"uint64", "int", NULL, "uint64", 0, UINT64_MAX},
        {"int8", "int", "integer", "int8_t", INT8_MIN, INT8_MAX},
        {"int16", "int", "integer", "int16_t", INT16_MIN, INT16_MAX},
        {"int32", "int", "integer", "int32_t", INT32_MIN, INT32_MAX},
        {"int64", "int", "integer", "int64", INT64_MIN, INT64_MAX},
    };
    for (size_t i = 0; i < ARRAY_SIZE(all); i++)
        if (strlen(all[i].name) == len && strncmp(all[i].name, name, len) == 0)
            return &all[i];
    return NULL;
}

char *qmp_list_element(const char *type)
{
    return *type == '[' ? xstrndup(type + 1, strlen(type) - 2) : NULL;
}

/* ---- names that plugins bring ---- */

const struct qmp_type *qmp_tag_type(const struct qmp_type *t)
{
    for (const struct qmp_member *m = t->members; t->tag && m && m->name; m++)
        if (strcmp(m->name, t->tag) == 0)
            return qmp_type_find(m->type);
    return NULL;
}

static int is_value(const struct qmp_type *t, const char *name)
{
    for (const char *const *v = t->values; *v; v++)
        if (strcmp(*v, name) == 0)
            return 1;
    return 0;
}

/* The host's own have a row in the table, if they are to be seen; where the table has none all are.
 */
static int is_one(const struct qmp_type *t, const struct class_entry *c)
{
    return !(c->flags & TN_C_INTERNAL) && !is_value(t, c->name) && (c->file->path || !*t->values);
}

const struct class_entry *qmp_class_of(const struct qmp_type *t, struct vm *vm, const char *name)
{
    if (!t->classes || !vm)
        return NULL;
    const struct class_entry *c = registry_peek(vm->registry, t->classes - 1, name);
    return c && is_one(t, c) ? c : NULL;
}

struct class_visit {
    const struct qmp_type *type;
    int (*fn)(void *o, const struct class_entry *c);
    void *o;
};

static int visit_class(void *o, const struct class_entry *c)
{
    struct class_visit *v = o;
    return is_one(v->type, c) ? v->fn(v->o, c) : 0;
}

void qmp_each_class(const struct qmp_type *t, struct vm *vm,
                    int (*fn)(void *o, const struct class_entry *c), void *o)
{
    struct class_visit v = {t, fn, o};
    if (t->classes && vm)
        registry_each(vm->registry, t->classes - 1, visit_class, &v);
}
