/* SPDX-License-Identifier: BSD-2-Clause */
/* What machines there are, and what is asked of this one beyond running it: query-machines,
 * query-current-machine, balloon, rtc-reset-reinjection. */
#include "cmd_machine.h"

#include "cli/options.h"
#include "core/err.h"
#include "hmp.h"
#include "util/alloc.h"
#include "util/buf.h"
#include "vm/machine_version.h"
#include <errno.h>
#include <string.h>

/* ---- machines ---- */

/* QEMU 7.2's own programs refuse what those of 10.0 demand. */
static void fill_since_7(struct qmp_call *c, struct kv_node *out, const struct machine_type *t)
{
    if (c->vm->machine->cli->as_qemu_7)
        return;
    ret_bool(out, "acpi", (t->flags & TN_MF_ACPI) != 0);
    if (arg_bool(c, "compat-props", 0))
        ret_list(out, "compat-props");
}

static void fill_machine(struct qmp_call *c, const struct machine_type *t, uint32_t version,
                         uint32_t newest)
{
    struct kv_node *out = ret_dict(c->ret, NULL);
    AUTO_FREE char *name = machine_version_name(t, version);
    int real = strcmp(t->name, "none") != 0;
    ret_bool(out, "hotpluggable-cpus", t->cpu_hotplug != 0);
    ret_str(out, "name", name);
    ret_bool(out, "numa-mem-supported", real);
    if (real)
        ret_str(out, "default-cpu-type", "host-x86_64-cpu");
    ret_int(out, "cpu-max", machine_version_max_cpus(t, version));
    ret_bool(out, "deprecated", machine_version_deprecated(version, newest));
    if (real)
        ret_str(out, "default-ram-id", t->ram_id);
    if (t->family && version == newest)
        ret_str(out, "alias", t->name);
    if (t == machine_type_default(c->vm->machine->cli) && version == newest)
        ret_bool(out, "is-default", 1);
    fill_since_7(c, out, t);
}

static void list_versions(struct qmp_call *c, const struct machine_type *t)
{
    uint32_t newest = machine_version_newest(c->vm->machine->cli), version = newest;
    for (uint32_t i = 0; i == 0 || (version = machine_version_at(t, newest, i)); i++)
        fill_machine(c, t, version, newest);
}

static int query_machines(struct qmp_call *c, struct tn_err *e)
{
    (void)e;
    c->ret = kv_new(KV_LIST);
    for (const struct machine_type *const *t = machine_types; *t; t++)
        list_versions(c, *t);
    return 0;
}

static int query_current_machine(struct qmp_call *c, struct tn_err *e)
{
    (void)e;
    c->ret = kv_new(KV_DICT);
    ret_bool(c->ret, "wakeup-suspend-support", machine_listens(c->vm, TN_ON_WAKEUP));
    return 0;
}

/* ---- balloon: no device of this host is one ---- */

static int no_balloon(struct qmp_call *c, struct tn_err *e)
{
    (void)c;
    err_set(e, ENODEV, "No balloon device has been activated");
    return err_class(e, "DeviceNotActive");
}

static int hmp_balloon(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    (void)line;
    (void)out;
    return no_balloon(c, e);
}

/* ---- clock ---- */

/* Interrupts that the guest has missed are not given later here: there is none to forget. */
static int rtc_reset_reinjection(struct qmp_call *c, struct tn_err *e)
{
    (void)c;
    (void)e;
    return 0;
}

void event_rtc_change(struct vm *vm, int64_t seconds, const char *path)
{
    struct kv_node *data = kv_new(KV_DICT);
    ret_int(data, "offset", seconds);
    ret_str(data, "qom-path", path);
    monitor_event(vm, "RTC_CHANGE", data);
}

/* ---- tables ---- */

static const struct qmp_member machines_args[] = {{"compat-props", "bool", 1}, {NULL, NULL, 0}};
static const struct qmp_member compat_prop[] = {
    {"qom-type", "str", 0}, {"property", "str", 0}, {"value", "str", 0}, {NULL, NULL, 0}};
static const struct qmp_member machine_info[] = {{"name", "str", 0},
                                                 {"alias", "str", 1},
                                                 {"is-default", "bool", 1},
                                                 {"cpu-max", "int", 0},
                                                 {"hotpluggable-cpus", "bool", 0},
                                                 {"numa-mem-supported", "bool", 0},
                                                 {"deprecated", "bool", 0},
                                                 {"default-cpu-type", "str", 1},
                                                 {"default-ram-id", "str", 1},
                                                 {"acpi", "bool", 1},
                                                 {"compat-props", "[CompatProperty]", 1},
                                                 {NULL, NULL, 0}};
static const struct qmp_member current[] = {{"wakeup-suspend-support", "bool", 0}, {NULL, NULL, 0}};
static const struct qmp_member balloon_args[] = {{"value", "int", 0}, {NULL, NULL, 0}};
static const struct qmp_member balloon_info[] = {{"actual", "int", 0}, {NULL, NULL, 0}};
static const struct qmp_member rtc_change[] = {
    {"offset", "int", 0}, {"qom-path", "str", 0}, {NULL, NULL, 0}};

static const struct qmp_type types[] = {
    {.name = "query-machines-arg", .meta = QMP_OBJECT, .members = machines_args},
    {.name = "CompatProperty", .meta = QMP_OBJECT, .members = compat_prop},
    {.name = "MachineInfo", .meta = QMP_OBJECT, .members = machine_info},
    {.name = "CurrentMachineParams", .meta = QMP_OBJECT, .members = current},
    {.name = "balloon-arg", .meta = QMP_OBJECT, .members = balloon_args},
    {.name = "BalloonInfo", .meta = QMP_OBJECT, .members = balloon_info},
    {.name = "RTC_CHANGE-arg", .meta = QMP_OBJECT, .members = rtc_change},
    {0},
};
static const struct qmp_command commands[] = {
    {.name = "query-machines",
     .args = "query-machines-arg",
     .ret = "[MachineInfo]",
     .run = query_machines},
    {.name = "query-current-machine", .ret = "CurrentMachineParams", .run = query_current_machine},
    {.name = "query-balloon", .ret = "BalloonInfo", .run = no_balloon},
    {.name = "balloon", .args = "balloon-arg", .run = no_balloon},
    {.name = "rtc-reset-reinjection", .run = rtc_reset_reinjection},
    {0},
};
/* A guest that writes its clock every few milliseconds is told of once a second. */
static const struct qmp_event events[] = {
    {.name = "RTC_CHANGE", .data = "RTC_CHANGE-arg", .interval_ms = 1000, .key = "qom-path"},
    {.name = "BALLOON_CHANGE", .data = "BalloonInfo", .interval_ms = 1000},
    {0},
};
static int boot_set(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    struct hmp_args a = {c, line, e};
    AUTO_FREE char *order = NULL;
    if (hmp_word(&a, "string", &order) < 0 || hmp_end(&a) < 0 ||
        machine_boot_set(c->vm, order, e) < 0)
        return -EINVAL;
    buf_printf(out, "boot device list now set to %s\n", order);
    return 0;
}

static const struct hmp_command hmp[] = {
    {"boot_set", "bootdevice", "define new values for the boot device list", 0, boot_set, NULL},
    {"balloon", "target", "request VM to change its memory allocation (in MB)", 0, hmp_balloon,
     NULL},
    {"balloon", "", "show balloon information", 1, hmp_balloon, NULL},
    {0},
};

const struct qmp_module qmp_machine = {
    .types = types, .commands = commands, .events = events, .hmp = hmp};
