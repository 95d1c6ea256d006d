/* SPDX-License-Identifier: BSD-2-Clause */
/* What the program and the machine are: query-version, -commands, -qmp-schema, -name, -uuid, ...;
 * and qmp_capabilities. */
#include "qmp_impl.h"

#include "cli/options.h"
#include "core/device.h"
#include "hmp_cpu.h"
#include "util/alloc.h"
#include "vm/iothread.h"
#include "vm/machine_version.h"
#include <errno.h>
#include <string.h>

static const struct cli_options *options(const struct qmp_call *c)
{
    return c->vm->machine ? c->vm->machine->cli : NULL;
}

/* ---- the session ---- */

static int qmp_capabilities(struct qmp_call *c, struct tn_err *e)
{
    const struct kv_node *enable = kv_get(c->args, "enable");
    return qmp_session_agree(c->mon, enable && enable->n_child, e);
}

/* ---- the program ---- */

static int query_version(struct qmp_call *c, struct tn_err *e)
{
    (void)e;
    c->ret = kv_new(KV_DICT);
    struct kv_node *qemu = ret_dict(c->ret, "qemu");
    uint32_t version = machine_version_newest(options(c));
    ret_int(qemu, "micro", version % 100);
    ret_int(qemu, "minor", version / 100 % 100);
    ret_int(qemu, "major", version / 10000);
    ret_str(c->ret, "package", "tenon " TENON_VERSION);
    return 0;
}

static int query_commands(struct qmp_call *c, struct tn_err *e)
{
    (void)e;
    c->ret = kv_new(KV_LIST);
    for (const struct qmp_module *const *m = qmp_modules; *m; m++)
        for (const struct qmp_command *cmd = (*m)->commands; cmd && cmd->name; cmd++)
            ret_str(ret_dict(c->ret, NULL), "name", cmd->name);
    return 0;
}

static int query_qmp_schema(struct qmp_call *c, struct tn_err *e)
{
    (void)e;
    c->ret = qmp_schema(c->vm);
    return 0;
}

static int query_target(struct qmp_call *c, struct tn_err *e)
{
    (void)e;
    c->ret = kv_new(KV_DICT);
    ret_str(c->ret, "arch", "x86_64");
    return 0;
}

static int query_kvm(struct qmp_call *c, struct tn_err *e)
{
    (void)e;
    c->ret = kv_new(KV_DICT);
    ret_bool(c->ret, "enabled", c->vm->kvm != NULL);
    ret_bool(c->ret, "present", 1);
    return 0;
}

static int human_monitor_command(struct qmp_call *c, struct tn_err *e)
{
    int64_t cpu = arg_int(c, "cpu-index", 0);
    BUF_AUTO out = {0};
    if (arg_has(c, "cpu-index") &&
        (cpu < 0 || cpu > UINT32_MAX || !hmp_cpu_exists(c->vm, (uint32_t)cpu)))
        return err_set(e, EINVAL, "Parameter 'cpu-index' expects a CPU number");
    c->mon->cpu = (uint32_t)cpu; /* each command begins with it anew */
    monitor_hmp(c, arg_str(c, "command-line"), &out);
    c->ret = kv_scalar(KV_STRING, buf_cstr(&out));
    return 0;
}

/* ---- the machine ---- */

static int query_name(struct qmp_call *c, struct tn_err *e)
{
    (void)e;
    c->ret = kv_new(KV_DICT);
    if (options(c) && options(c)->name)
        ret_str(c->ret, "name", options(c)->name);
    return 0;
}

static int query_uuid(struct qmp_call *c, struct tn_err *e)
{
    static const uint8_t none[16];
    const uint8_t *u = options(c) && options(c)->have_uuid ? options(c)->uuid : none;
    BUF_AUTO text = {0};
    (void)e;
    for (int i = 0; i < 16; i++)
        buf_printf(&text, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", u[i]);
    c->ret = kv_new(KV_DICT);
    ret_str(c->ret, "UUID", buf_cstr(&text));
    return 0;
}

static void put_iothread(struct kv_node *list, const struct device *d,
                         const struct iothread_info *i)
{
    struct kv_node *one = ret_dict(list, NULL);
    ret_str(one, "id", device_id(d));
    ret_int(one, "thread-id", i->thread);
    ret_uint(one, "poll-max-ns", i->poll_max_ns);
    ret_uint(one, "poll-grow", i->poll_grow);
    ret_uint(one, "poll-shrink", i->poll_shrink);
    ret_int(one, "aio-max-batch", 0);
}

static int query_iothreads(struct qmp_call *c, struct tn_err *e)
{
    struct iothread_info i;
    struct device *d;
    (void)e;
    c->ret = kv_new(KV_LIST);
    TAILQ_FOREACH(d, &c->vm->devices, all)
    if (iothread_info(d, &i) == 0)
        put_iothread(c->ret, d, &i);
    return 0;
}

/* ---- the table ---- */

static const struct qmp_member capabilities_args[] = {{"enable", "[QMPCapability]", 1}, {0}};
static const char *const capabilities[] = {"oob", NULL};
static const struct qmp_member version_triple[] = {
    {"major", "int", 0}, {"minor", "int", 0}, {"micro", "int", 0}, {0}};
static const struct qmp_member version_info[] = {
    {"qemu", "VersionTriple", 0}, {"package", "str", 0}, {0}};
static const struct qmp_member command_info[] = {{"name", "str", 0}, {0}};
static const struct qmp_member target_info[] = {{"arch", "SysEmuTarget", 0}, {0}};
static const struct qmp_member kvm_info[] = {{"enabled", "bool", 0}, {"present", "bool", 0}, {0}};
static const struct qmp_member hmp_args[] = {
    {"command-line", "str", 0}, {"cpu-index", "int", 1}, {0}};
static const struct qmp_member name_info[] = {{"name", "str", 1}, {0}};
static const struct qmp_member iothread_members[] = {{"id", "str", 0},
                                                     {"thread-id", "int", 0},
                                                     {"poll-max-ns", "int", 0},
                                                     {"poll-grow", "int", 0},
                                                     {"poll-shrink", "int", 0},
                                                     {"aio-max-batch", "int", 0},
                                                     {0}};
static const struct qmp_member uuid_info[] = {{"UUID", "str", 0}, {0}};

/* query-qmp-schema describes itself, too. */
static const char *const meta_types[] = {"builtin",   "enum",    "array", "object",
                                         "alternate", "command", "event", NULL};
static const char *const json_types[] = {"string", "number", "int",   "boolean", "null",
                                         "object", "array",  "value", NULL};
static const struct qmp_member schema_info[] = {
    {"name", "str", 0}, {"meta-type", "SchemaMetaType", 0}, {"features", "[str]", 1}, {0}};
static const struct qmp_member schema_builtin[] = {{"json-type", "JSONType", 0}, {0}};
static const struct qmp_member schema_enum[] = {
    {"members", "[SchemaInfoEnumMember]", 0}, {"values", "[str]", 0}, {0}};
static const struct qmp_member schema_enum_member[] = {
    {"name", "str", 0}, {"features", "[str]", 1}, {0}};
static const struct qmp_member schema_array[] = {{"element-type", "str", 0}, {0}};
static const struct qmp_member schema_object[] = {{"members", "[SchemaInfoObjectMember]", 0},
                                                  {"tag", "str", 1},
                                                  {"variants", "[SchemaInfoObjectVariant]", 1},
                                                  {0}};
static const struct qmp_member schema_object_member[] = {
    {"name", "str", 0}, {"type", "str", 0}, {"default", "any", 1}, {"features", "[str]", 1}, {0}};
static const struct qmp_member schema_variant[] = {{"case", "str", 0}, {"type", "str", 0}, {0}};
static const struct qmp_member schema_alternate[] = {{"members", "[SchemaInfoAlternateMember]", 0},
                                                     {0}};
static const struct qmp_member schema_alternate_member[] = {{"type", "str", 0}, {0}};
static const struct qmp_member schema_command[] = {
    {"arg-type", "str", 0}, {"ret-type", "str", 0}, {"allow-oob", "bool", 1}, {0}};
static const struct qmp_member schema_event[] = {{"arg-type", "str", 0}, {0}};
static const struct qmp_case schema_cases[] = {
    {"builtin", schema_builtin},     {"enum", schema_enum},
    {"array", schema_array},         {"object", schema_object},
    {"alternate", schema_alternate}, {"command", schema_command},
    {"event", schema_event},         {0}};

static const struct qmp_type types[] = {
    {"qmp_capabilities-arg", QMP_OBJECT, capabilities_args, NULL, NULL, NULL},
    {"QMPCapability", QMP_ENUM, NULL, capabilities, NULL, NULL},
    {"VersionTriple", QMP_OBJECT, version_triple, NULL, NULL, NULL},
    {"VersionInfo", QMP_OBJECT, version_info, NULL, NULL, NULL},
    {"CommandInfo", QMP_OBJECT, command_info, NULL, NULL, NULL},
    {"TargetInfo", QMP_OBJECT, target_info, NULL, NULL, NULL},
    {"KvmInfo", QMP_OBJECT, kvm_info, NULL, NULL, NULL},
    {"human-monitor-command-arg", QMP_OBJECT, hmp_args, NULL, NULL, NULL},
    {"NameInfo", QMP_OBJECT, name_info, NULL, NULL, NULL},
    {"IOThreadInfo", QMP_OBJECT, iothread_members, NULL, NULL, NULL},
    {"UuidInfo", QMP_OBJECT, uuid_info, NULL, NULL, NULL},
    {"SchemaInfo", QMP_OBJECT, schema_info, NULL, "meta-type", schema_cases},
    {"SchemaMetaType", QMP_ENUM, NULL, meta_types, NULL, NULL},
    {"JSONType", QMP_ENUM, NULL, json_types, NULL, NULL},
    {"SchemaInfoEnumMember", QMP_OBJECT, schema_enum_member, NULL, NULL, NULL},
    {"SchemaInfoObjectMember", QMP_OBJECT, schema_object_member, NULL, NULL, NULL},
    {"SchemaInfoObjectVariant", QMP_OBJECT, schema_variant, NULL, NULL, NULL},
    {"SchemaInfoAlternateMember", QMP_OBJECT, schema_alternate_member, NULL, NULL, NULL},
    {0}};

static const struct qmp_command commands[] = {
    {"qmp_capabilities", "qmp_capabilities-arg", NULL, QMP_PRECONFIG, qmp_capabilities, NULL},
    {"query-version", NULL, "VersionInfo", QMP_PRECONFIG, query_version, NULL},
    {"query-commands", NULL, "[CommandInfo]", QMP_PRECONFIG, query_commands, NULL},
    {"query-qmp-schema", NULL, "[SchemaInfo]", QMP_PRECONFIG, query_qmp_schema, NULL},
    {"query-target", NULL, "TargetInfo", QMP_PRECONFIG, query_target, NULL},
    {"query-kvm", NULL, "KvmInfo", QMP_PRECONFIG, query_kvm, NULL},
    {"human-monitor-command", "human-monitor-command-arg", "str", 0, human_monitor_command,
     "savevm-monitor-nodes"},
    {"query-name", NULL, "NameInfo", QMP_PRECONFIG, query_name, NULL},
    {"query-iothreads", NULL, "[IOThreadInfo]", QMP_PRECONFIG, query_iothreads, NULL},
    {"query-uuid", NULL, "UuidInfo", QMP_PRECONFIG, query_uuid, NULL},
    {0}};

const struct qmp_module qmp_info = {.types = types, .commands = commands};
