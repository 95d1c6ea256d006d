/* SPDX-License-Identifier: BSD-2-Clause */
/* Models of processors: query-cpu-definitions, query-cpu-model-expansion. */
#include "monitor.h"

#include "util/alloc.h"
#include "util/buf.h"
#include "vm/cpu_features.h"
#include "vm/vcpu_impl.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const models[] = {"host", "max", NULL};

static int query_definitions(struct qmp_call *c, struct tn_err *e)
{
    (void)e;
    c->ret = kv_new(KV_LIST);
    for (const char *const *m = models; *m; m++) {
        AUTO_FREE char *cls = xasprintf("%s-x86_64-cpu", *m);
        struct kv_node *d = ret_dict(c->ret, NULL);
        ret_str(d, "name", *m);
        ret_str(d, "typename", cls);
        ret_list(d, "unavailable-features");
        ret_bool(d, "static", 0);
        ret_bool(d, "migration-safe", 0);
        ret_bool(d, "deprecated", 0);
    }
    return 0;
}

static int check_model(const char *name, struct tn_err *e)
{
    for (const char *const *m = models; *m; m++)
        if (strcmp(*m, name) == 0)
            return 0;
    return err_set(e, ENOENT, "CPU model '%s' not found", name);
}

/* "max,sse4.1=off" as -cpu takes it */
static int write_spec(struct buf *spec, const char *name, const struct kv_node *props,
                      struct tn_err *e)
{
    buf_str(spec, name);
    for (size_t i = 0; props && i < props->n_child; i++) {
        const struct kv_node *p = props->child[i];
        if (!cpu_feature_find(p->key))
            return err_set(e, ENOENT, "Property '%s-x86_64-cpu.%s' not found", name, p->key);
        if (p->kind != KV_BOOL)
            return err_set(e, EINVAL,
                           "Invalid parameter type for 'model.props.%s', expected: boolean",
                           p->key);
        buf_printf(spec, ",%s=%s", p->key, p->text);
    }
    return 0;
}

static int has_feature(const struct kvm_cpuid2 *t, const struct cpu_feature *f)
{
    for (uint32_t i = 0; t && i < t->nent; i++) {
        const struct kvm_cpuid_entry2 *l = &t->entries[i];
        const uint32_t reg[] = {l->eax, l->ebx, l->ecx, l->edx};
        if (l->function == f->leaf && l->index == f->index)
            return reg[f->reg & 3] >> f->bit & 1;
    }
    return 0;
}

/* Without KVM there is no processor: the model has no feature. */
static int query_expansion(struct qmp_call *c, struct tn_err *e)
{
    const struct kv_node *model = kv_get(c->args, "model");
    const char *name = kv_text(model, "name");
    BUF_AUTO spec = {0};
    int err = check_model(name, e);
    if (err == 0)
        err = write_spec(&spec, name, kv_get(model, "props"), e);
    if (err < 0)
        return err;
    const struct vcpu_options o = {.max = 1, .model = buf_cstr(&spec)};
    AUTO_FREE struct kvm_cpuid2 *t = c->vm->kvm ? cpuid_make(c->vm->kvm, &o, e) : NULL;
    if (c->vm->kvm && !t)
        return -ENOTSUP;
    c->ret = kv_new(KV_DICT);
    struct kv_node *out = ret_dict(c->ret, "model"), *props;
    ret_str(out, "name", strcmp(arg_str(c, "type"), "static") == 0 ? "base" : name);
    props = ret_dict(out, "props");
    const struct cpu_feature *f;
    for (uint32_t i = 0; (f = cpu_feature_at(i)); i++)
        ret_bool(props, f->name, has_feature(t, f));
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
