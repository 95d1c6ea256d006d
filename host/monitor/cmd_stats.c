/* SPDX-License-Identifier: BSD-2-Clause */
/* query-stats, query-stats-schemas, info stats: what KVM counts of the VM and of each vCPU. */
#include "core/device.h"
#include "hmp.h"
#include "util/alloc.h"
#include "vm/cpu.h"
#include "vm/kvm.h"
#include "vm/kvm_stats.h"
#include "vm/run.h"
#include "vm/vcpu.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static uint32_t type_of(const struct kvm_stat *s)
{
    return s->flags & KVM_STATS_TYPE_MASK;
}

static const char *const type_names[] = {"cumulative",       "instant",        "peak",
                                         "linear-histogram", "log2-histogram", NULL};
static const char *const unit_names[] = {"bytes", "seconds", "cycles", "boolean", NULL};

static const char *type_name(const struct kvm_stat *s)
{
    uint32_t t = type_of(s) >> KVM_STATS_TYPE_SHIFT;
    return t < ARRAY_SIZE(type_names) - 1 ? type_names[t] : NULL; /* NULL: newer than this host */
}

static const char *unit_name(const struct kvm_stat *s)
{
    uint32_t u = (s->flags & KVM_STATS_UNIT_MASK) >> KVM_STATS_UNIT_SHIFT;
    return u && u < ARRAY_SIZE(unit_names) ? unit_names[u - 1] : NULL;
}

static int is_boolean(const struct kvm_stat *s)
{
    return (s->flags & KVM_STATS_UNIT_MASK) == KVM_STATS_UNIT_BOOLEAN && s->n == 1;
}

/* ---- what is asked for ---- */

struct wish {
    const struct kv_node *names; /* a list; NULL: all */
    struct kv_node *list;        /* what is found goes here */
};

static int in_list(const struct kv_node *list, const char *text)
{
    for (size_t i = 0; list && i < list->n_child; i++)
        if (strcmp(list->child[i]->text, text) == 0)
            return 1;
    return list == NULL;
}

/* 1 if KVM is among the providers that are asked; *names is then the filter of its entry, or NULL.
 */
static int kvm_wanted(const struct qmp_call *c, const struct kv_node **names)
{
    const struct kv_node *providers = kv_get(c->args, "providers");
    *names = NULL;
    for (size_t i = 0; providers && i < providers->n_child; i++)
        if (strcmp(kv_text(providers->child[i], "provider"), "kvm") == 0) {
            *names = kv_get(providers->child[i], "names");
            return 1;
        }
    return providers == NULL;
}

static int add_value(void *o, const struct kvm_stat *s)
{
    struct wish *w = o;
    if (!type_name(s) || !in_list(w->names, s->name))
        return 0;
    struct kv_node *n = ret_dict(w->list, NULL);
    ret_str(n, "name", s->name);
    if (is_boolean(s))
        ret_bool(n, "value", s->value[0] != 0);
    else if (s->n == 1)
        ret_uint(n, "value", s->value[0]);
    else {
        struct kv_node *v = ret_list(n, "value");
        for (uint32_t i = 0; i < s->n; i++)
            ret_uint(v, NULL, s->value[i]);
    }
    return 0;
}

/* KVM gives a vCPU's only while it is out of the guest. */
static int vcpu_each(struct vm *vm, uint32_t i, int (*fn)(void *o, const struct kvm_stat *s),
                     void *o, struct tn_err *e)
{
    run_hold(vm);
    int r = kvm_stats_each(vcpus_fd(vm, i), fn, o, e);
    run_unhold(vm);
    return r;
}

/* ---- query-stats ---- */

/* One result of fd's, unless no name fits; path NULL: of the VM. */
static int take(struct kv_node *results, const struct kv_node *names, const char *path, int fd,
                struct tn_err *e)
{
    KV_AUTO *stats = kv_new(KV_LIST);
    struct wish w = {names, stats};
    int r = kvm_stats_each(fd, add_value, &w, e);
    if (r < 0 || !stats->n_child)
        return r == -ENOTSUP ? (err_clear(e), 0) : r;
    struct kv_node *n = ret_dict(results, NULL);
    ret_str(n, "provider", "kvm");
    if (path)
        ret_str(n, "qom-path", path);
    kv_add(n, "stats", stats);
    stats = NULL;
    return 0;
}

static int take_vcpus(struct qmp_call *c, const struct kv_node *names, struct tn_err *e)
{
    const struct kv_node *vcpus = kv_get(c->args, "vcpus");
    struct device *d;
    int r = 0;
    run_hold(c->vm); /* may run the loop, so that devices go: not in between */
    TAILQ_FOREACH(d, &c->vm->devices, all)
    if (r == 0 && cpu_index(d) >= 0 && in_list(vcpus, d->path))
        r = take(c->ret, names, d->path, vcpus_fd(c->vm, (uint32_t)cpu_index(d)), e);
    run_unhold(c->vm);
    return r;
}

static int query_stats(struct qmp_call *c, struct tn_err *e)
{
    const char *target = arg_str(c, "target");
    const struct kv_node *names;
    c->ret = kv_new(KV_LIST);
    if (!kvm_wanted(c, &names) || !c->vm->kvm || strcmp(target, "cryptodev") == 0)
        return 0;
    return strcmp(target, "vcpu") == 0 ? take_vcpus(c, names, e)
                                       : take(c->ret, names, NULL, kvm_vm_fd(c->vm->kvm), e);
}

/* ---- query-stats-schemas ---- */

static int add_schema(void *o, const struct kvm_stat *s)
{
    if (!type_name(s))
        return 0;
    struct kv_node *n = ret_dict(o, NULL);
    ret_str(n, "name", s->name);
    ret_str(n, "type", type_name(s));
    if (unit_name(s))
        ret_str(n, "unit", unit_name(s));
    if (s->exponent)
        ret_int(n, "base", (s->flags & KVM_STATS_BASE_MASK) == KVM_STATS_BASE_POW2 ? 2 : 10);
    ret_int(n, "exponent", s->exponent);
    if (type_of(s) == KVM_STATS_TYPE_LINEAR_HIST)
        ret_uint(n, "bucket-size", s->bucket);
    return 0;
}

static struct kv_node *new_schema(struct kv_node *results, const char *target)
{
    struct kv_node *n = ret_dict(results, NULL);
    ret_str(n, "provider", "kvm");
    ret_str(n, "target", target);
    return ret_list(n, "stats");
}

static int query_schemas(struct qmp_call *c, struct tn_err *e)
{
    const char *provider = arg_str(c, "provider");
    struct vm *vm = c->vm;
    c->ret = kv_new(KV_LIST);
    if (!vm->kvm || (provider && strcmp(provider, "kvm") != 0))
        return 0;
    int r = 0;
    if (vcpus_max(vm) && vcpus_present(vm, 0))
        r = vcpu_each(vm, 0, add_schema, new_schema(c->ret, "vcpu"), e);
    return r < 0 ? r : kvm_stats_each(kvm_vm_fd(vm->kvm), add_schema, new_schema(c->ret, "vm"), e);
}

/* ---- info stats ---- */

struct printer {
    struct buf *out;
    const struct kv_node *names;
};

/* ", ns", ", KiB", ", 2^9 cycles": nothing if the number is a plain one. */
static void print_unit(struct buf *out, const struct kvm_stat *s)
{
    static const char *const tenth[] = {"", "m", "u", "n"};
    const char *unit = unit_name(s);
    int e = s->exponent, ten = (s->flags & KVM_STATS_BASE_MASK) == KVM_STATS_BASE_POW10;
    if (unit && strcmp(unit, "seconds") == 0 && ten && e <= 0 && e >= -9 && e % 3 == 0)
        buf_printf(out, ", %ss", tenth[-e / 3]);
    else if (e)
        buf_printf(out, ", * %d^%d%s%s", ten ? 10 : 2, e, unit ? " " : "", unit ? unit : "");
    else if (unit)
        buf_printf(out, ", %s", unit);
}

static int print_stat(void *o, const struct kvm_stat *s)
{
    struct printer *p = o;
    if (!type_name(s) || !in_list(p->names, s->name))
        return 0;
    buf_printf(p->out, "    %s (%s", s->name, type_name(s));
    print_unit(p->out, s);
    buf_str(p->out, "):");
    for (uint32_t i = 0; i < s->n; i++) {
        if (is_boolean(s))
            buf_str(p->out, s->value[i] ? " yes" : " no");
        else if (s->n == 1)
            buf_printf(p->out, " %" PRIu64, s->value[i]);
        else
            buf_printf(p->out, " [%u]=%" PRIu64, i + 1, s->value[i]);
    }
    buf_str(p->out, "\n");
    return 0;
}

/* "a,b" as a list; NULL: "*", or nothing was said. */
static struct kv_node *names_of(const char *text)
{
    if (!text || strcmp(text, "*") == 0)
        return NULL;
    AUTO_FREE char *copy = xstrdup(text);
    struct kv_node *list = kv_new(KV_LIST);
    for (char *save, *w = strtok_r(copy, ",", &save); w; w = strtok_r(NULL, ",", &save))
        ret_str(list, NULL, w);
    return list;
}

/* The first vCPU, as QEMU shows that of the monitor's CPU. */
static int print_stats(struct vm *vm, int vcpu, struct printer *p, struct tn_err *e)
{
    if (!vm->kvm || (vcpu && !vcpus_present(vm, 0)))
        return 0;
    buf_str(p->out, "provider: kvm\n");
    return vcpu ? vcpu_each(vm, 0, print_stat, p, e)
                : kvm_stats_each(kvm_vm_fd(vm->kvm), print_stat, p, e);
}

static int info_stats(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    struct hmp_args a = {c, line, e};
    AUTO_FREE char *target = NULL, *text = NULL, *provider = NULL;
    if (hmp_word(&a, "string", &target) < 0 || hmp_word(&a, NULL, &text) < 0 ||
        hmp_word(&a, NULL, &provider) < 0 || hmp_end(&a) < 0)
        return -EINVAL;
    int vcpu = strcmp(target, "vcpu") == 0;
    if (!vcpu && strcmp(target, "vm") != 0) {
        buf_printf(out, "invalid stats target %s\n", target);
        return 0;
    }
    if (provider && strcmp(provider, "kvm") != 0) {
        buf_printf(out, "invalid stats provider %s\n", provider);
        return 0;
    }
    KV_AUTO *names = names_of(text);
    struct printer p = {out, names};
    return print_stats(c->vm, vcpu, &p, e);
}

/* ---- tables ---- */

static const char *const targets[] = {"vm", "vcpu", "cryptodev", NULL};
static const char *const providers[] = {"kvm", "cryptodev", NULL};
static const struct qmp_member request[] = {
    {"provider", "StatsProvider", 0}, {"names", "[str]", 1}, {0}};
static const struct qmp_member filter[] = {
    {"target", "StatsTarget", 0}, {"providers", "[StatsRequest]", 1}, {0}};
static const struct qmp_member vcpu_filter[] = {{"vcpus", "[str]", 1}, {0}};
static const struct qmp_case filter_cases[] = {{"vcpu", vcpu_filter}, {NULL, NULL}};
static const struct qmp_member value[] = {
    {"scalar", "uint64", 0}, {"boolean", "bool", 0}, {"list", "[uint64]", 0}, {0}};
static const struct qmp_member stat[] = {{"name", "str", 0}, {"value", "StatsValue", 0}, {0}};
static const struct qmp_member result[] = {
    {"provider", "StatsProvider", 0}, {"qom-path", "str", 1}, {"stats", "[Stats]", 0}, {0}};
static const struct qmp_member schema_value[] = {{"name", "str", 0},
                                                 {"type", "StatsType", 0},
                                                 {"unit", "StatsUnit", 1},
                                                 {"base", "int8", 1},
                                                 {"exponent", "int16", 0},
                                                 {"bucket-size", "uint32", 1},
                                                 {0}};
static const struct qmp_member schema[] = {{"provider", "StatsProvider", 0},
                                           {"target", "StatsTarget", 0},
                                           {"stats", "[StatsSchemaValue]", 0},
                                           {0}};
static const struct qmp_member schemas_args[] = {{"provider", "StatsProvider", 1}, {0}};
static const struct qmp_type types[] = {
    {.name = "StatsTarget", .meta = QMP_ENUM, .values = targets},
    {.name = "StatsProvider", .meta = QMP_ENUM, .values = providers},
    {.name = "StatsType", .meta = QMP_ENUM, .values = type_names},
    {.name = "StatsUnit", .meta = QMP_ENUM, .values = unit_names},
    {.name = "StatsRequest", .meta = QMP_OBJECT, .members = request},
    {"StatsFilter", QMP_OBJECT, filter, NULL, "target", filter_cases},
    {.name = "StatsValue", .meta = QMP_ALTERNATE, .members = value},
    {.name = "Stats", .meta = QMP_OBJECT, .members = stat},
    {.name = "StatsResult", .meta = QMP_OBJECT, .members = result},
    {.name = "StatsSchemaValue", .meta = QMP_OBJECT, .members = schema_value},
    {.name = "StatsSchema", .meta = QMP_OBJECT, .members = schema},
    {.name = "query-stats-schemas-arg", .meta = QMP_OBJECT, .members = schemas_args},
    {0},
};
static const struct qmp_command commands[] = {
    {"query-stats", "StatsFilter", "[StatsResult]", 0, query_stats, NULL},
    {"query-stats-schemas", "query-stats-schemas-arg", "[StatsSchema]", 0, query_schemas, NULL},
    {0},
};
static const struct hmp_command hmp[] = {
    {"stats", "target [names] [provider]",
     "show what KVM counts of target, vm or vcpu (names: a list with commas, or * for all)", 1,
     info_stats, NULL},
    {0},
};

const struct qmp_module qmp_stats = {.types = types, .commands = commands, .hmp = hmp};
