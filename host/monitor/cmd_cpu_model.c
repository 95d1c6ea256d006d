/* SPDX-License-Identifier: BSD-2-Clause */
/* Models of processors: query-cpu-definitions, query-cpu-model-expansion. */
#include "monitor.h"
#include "qom.h"

#include "util/alloc.h"
#include "util/buf.h"
#include "vm/cpu_model.h"
#include "vm/vcpu_impl.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- which there are ---- */

/* The features that model name has, and the processor here has not. */
static void list_missing(struct qmp_call *c, const char *name, struct kv_node *list)
{
    struct cpu_config config;
    const struct cpu_feature *f;
    AUTO_FREE char *spec = xasprintf("%s,check=off", name);
    if (!c->vm->kvm || cpuid_config(c->vm->kvm, spec, 0, &config, NULL) < 0)
        return;
    for (uint32_t i = 0; (f = cpu_feature_at(i)); i++)
        if (config.filtered[cpu_word_of(f)] >> f->bit & 1)
            kv_add(list, NULL, kv_scalar(KV_STRING, f->name));
    cpu_config_clear(&config);
}

static void add_definition(struct qmp_call *c, const char *name, const struct cpu_model *alias_of,
                           int safe)
{
    AUTO_FREE char *cls = xasprintf("%s-x86_64-cpu", name);
    struct kv_node *d = ret_dict(c->ret, NULL);
    ret_str(d, "name", name);
    ret_str(d, "typename", cls);
    list_missing(c, name, ret_list(d, "unavailable-features"));
    ret_bool(d, "static", strcmp(name, "base") == 0);
    ret_bool(d, "migration-safe", safe);
    ret_bool(d, "deprecated", 0);
    if (alias_of)
        ret_str(d, "alias-of", alias_of->name);
}

static int query_definitions(struct qmp_call *c, struct tn_err *e)
{
    const struct cpu_model *m;
    (void)e;
    c->ret = kv_new(KV_LIST);
    add_definition(c, "max", NULL, 0);
    add_definition(c, "host", NULL, 0);
    add_definition(c, "base", NULL, 1);
    for (uint32_t i = 0; (m = cpu_model_at(i)); i++) {
        AUTO_FREE char *brief = xasprintf("%.*s", (int)strlen(m->name) - 3, m->name);
        add_definition(c, m->name, NULL, 1);
        if (m->first)
            add_definition(c, brief, m, 1);
        if (m->alias)
            add_definition(c, m->alias, m, 1);
    }
    return 0;
}

/* ---- what they are ---- */

/* "max,sse4.1=off" as -cpu takes it */
static int write_spec(struct buf *spec, const char *name, const struct kv_node *props,
                      struct tn_err *e)
{
    if (strchr(name, ','))
        return err_set(e, ENOENT, "CPU model '%s' not found", name);
    buf_printf(spec, "%s,check=off", name);
    for (size_t i = 0; props && i < props->n_child; i++) {
        const struct kv_node *p = props->child[i];
        if (cpu_feature_find(p->key) && p->kind != KV_BOOL)
            return err_set(e, EINVAL,
                           "Invalid parameter type for 'model.props.%s', expected: boolean",
                           p->key);
        if (!kv_is_scalar(p) || strchr(p->text, ',') || strchr(p->key, ','))
            return err_set(e, EINVAL, "Invalid parameter type for 'model.props.%s'", p->key);
        buf_printf(spec, ",%s=%s", p->key, p->text);
    }
    return 0;
}

static int add_prop(void *props, const struct qom_prop *p)
{
    if (p->value->kind != KV_LIST)
        kv_add(props, p->name, kv_scalar(p->value->kind, p->value->text));
    return 0;
}

static int query_expansion(struct qmp_call *c, struct tn_err *e)
{
    const struct kv_node *model = kv_get(c->args, "model");
    const char *name = kv_text(model, "name");
    const int known = cpu_model_find(name) || strcmp(name, "host") == 0 ||
                      strcmp(name, "max") == 0 || strcmp(name, "base") == 0;
    struct cpu_config config;
    BUF_AUTO spec = {0};
    int err = known ? write_spec(&spec, name, kv_get(model, "props"), e)
                    : err_set(e, ENOENT, "CPU model '%s' not found", name);
    if (err == 0)
        err = cpuid_config(c->vm->kvm, buf_cstr(&spec), 0, &config, e);
    if (err < 0)
        return err;
    c->ret = kv_new(KV_DICT);
    struct kv_node *out = ret_dict(c->ret, "model"), *props;
    ret_str(out, "name", strcmp(arg_str(c, "type"), "static") == 0 ? "base" : name);
    props = ret_dict(out, "props");
    qom_each_cpu_prop(&config, add_prop, props);
    cpu_config_clear(&config);
    return 0;
}

/* ---- tables ---- */

static const char *const expansion_types[] = {"static", "full", NULL};
static const struct qmp_member definition[] = {
    {"name", "str", 0},        {"migration-safe", "bool", 1},
    {"static", "bool", 0},     {"unavailable-features", "[str]", 1},
    {"typename", "str", 0},    {"alias-of", "str", 1},
    {"deprecated", "bool", 0}, {NULL, NULL, 0}};
static const struct qmp_member model_info[] = {
    {"name", "str", 0}, {"props", "any", 1}, {NULL, NULL, 0}};
static const struct qmp_member expansion_args[] = {
    {"type", "CpuModelExpansionType", 0}, {"model", "CpuModelInfo", 0}, {NULL, NULL, 0}};
static const struct qmp_member expansion[] = {{"model", "CpuModelInfo", 0}, {NULL, NULL, 0}};
static const struct qmp_type types[] = {
    {.name = "CpuDefinitionInfo", .meta = QMP_OBJECT, .members = definition},
    {.name = "CpuModelInfo", .meta = QMP_OBJECT, .members = model_info},
    {.name = "CpuModelExpansionType", .meta = QMP_ENUM, .values = expansion_types},
    {.name = "query-cpu-model-expansion-arg", .meta = QMP_OBJECT, .members = expansion_args},
    {.name = "CpuModelExpansionInfo", .meta = QMP_OBJECT, .members = expansion},
    {0},
};
static const struct qmp_command commands[] = {
    {.name = "query-cpu-definitions", .ret = "[CpuDefinitionInfo]", .run = query_definitions},
    {.name = "query-cpu-model-expansion",
     .args = "query-cpu-model-expansion-arg",
     .ret = "CpuModelExpansionInfo",
     .run = query_expansion},
    {0},
};

const struct qmp_module qmp_cpu_model = {.types = types, .commands = commands};
