/* SPDX-License-Identifier: BSD-2-Clause */
#include "qmp_impl.h"

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
