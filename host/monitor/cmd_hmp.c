/* SPDX-License-Identifier: BSD-2-Clause */
/* HMP: help, and the commands about the machine as a whole. */
#include "hmp_impl.h"

#include "util/alloc.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- help ---- */

static void describe(const struct hmp_command *h, struct buf *out)
{
    buf_printf(out, "%s%s %s -- %s\n", h->info ? "info " : "", h->names, h->params, h->help);
}

static void list(uint32_t info, struct buf *out)
{
    AUTO_FREE const struct hmp_command **all = hmp_sorted(info);
    for (const struct hmp_command **h = all; *h; h++)
        describe(*h, out);
}

static void describe_one(const char *name, uint32_t info, struct buf *out)
{
    const struct hmp_command *h = hmp_find(name, strlen(name), info);
    if (!h)
        buf_printf(out, "unknown command: '%s%s'\n", info ? "info " : "", name);
    else if (strcmp(h->names, "info") == 0)
        list(1, out);
    else
        describe(h, out);
}

static int help(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    struct hmp_args a = {c, line, e};
    AUTO_FREE char *first = NULL, *second = NULL;
    if (hmp_word(&a, NULL, &first) < 0 || hmp_word(&a, NULL, &second) < 0)
        return -EINVAL;
    if (!first)
        list(0, out);
    else if (second && strcmp(first, "info") == 0)
        describe_one(second, 1, out);
    else
        describe_one(first, 0, out);
    return 0;
}

/* With a subcommand the line has gone there already. */
static int info(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    (void)c, (void)line, (void)e;
    list(1, out);
    return 0;
}

/* ---- what QMP does under the same name or another ---- */

static int qmp(struct qmp_call *c, const char *line, const char *command, struct tn_err *e)
{
    struct hmp_args a = {c, line, e};
    return hmp_end(&a) < 0 ? -EINVAL : monitor_run(c, command, NULL, NULL, e);
}

static int stop(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    (void)out;
    return qmp(c, line, "stop", e);
}

static int cont(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    (void)out;
    return qmp(c, line, "cont", e);
}

static int quit(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    (void)out;
    return qmp(c, line, "quit", e);
}

static int system_reset(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    (void)out;
    return qmp(c, line, "system_reset", e);
}

static int system_powerdown(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    (void)out;
    return qmp(c, line, "system_powerdown", e);
}

static int system_wakeup(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    (void)out;
    return qmp(c, line, "system_wakeup", e);
}

static int exit_preconfig(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    (void)out;
    return qmp(c, line, "x-exit-preconfig", e);
}

static int nmi(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    (void)out;
    return qmp(c, line, "inject-nmi", e);
}

/* ---- info ---- */

/* The answer of a query without arguments; NULL with e. The caller frees it. */
static struct kv_node *query(struct qmp_call *c, const char *line, const char *command,
                             struct tn_err *e)
{
    struct hmp_args a = {c, line, e};
    struct kv_node *ret = NULL;
    if (hmp_end(&a) == 0)
        monitor_run(c, command, NULL, &ret, e);
    return ret;
}

static int info_version(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    KV_AUTO *v = query(c, line, "query-version", e);
    if (!v)
        return -EINVAL;
    const struct kv_node *qemu = kv_get(v, "qemu");
    buf_printf(out, "%s.%s.%s%s\n", kv_text(qemu, "major"), kv_text(qemu, "minor"),
               kv_text(qemu, "micro"), kv_text(v, "package"));
    return 0;
}

static int info_name(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    KV_AUTO *v = query(c, line, "query-name", e);
    if (v && kv_text(v, "name"))
        buf_printf(out, "%s\n", kv_text(v, "name"));
    return v ? 0 : -EINVAL;
}

static int info_uuid(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    KV_AUTO *v = query(c, line, "query-uuid", e);
    if (v)
        buf_printf(out, "%s\n", kv_text(v, "UUID"));
    return v ? 0 : -EINVAL;
}

static int is_on(const struct kv_node *dict, const char *key)
{
    const char *text = kv_text(dict, key);
    return text && strcmp(text, "on") == 0;
}

static int info_status(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    KV_AUTO *v = query(c, line, "query-status", e);
    if (!v)
        return -EINVAL;
    const char *status = kv_text(v, "status");
    int running = is_on(v, "running");
    buf_printf(out, "VM status: %s", running ? "running" : "paused");
    if (!running && strcmp(status, "paused") != 0)
        buf_printf(out, " (%s)", status);
    buf_str(out, "\n");
    return 0;
}

static int info_kvm(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    KV_AUTO *v = query(c, line, "query-kvm", e);
    if (v)
        buf_printf(out, "kvm support: %s\n", is_on(v, "enabled") ? "enabled" : "disabled");
    return v ? 0 : -EINVAL;
}

static int info_history(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    struct hmp_args a = {c, line, e};
    const struct hmp_history *h = hmp_session_history(c->mon);
    for (uint32_t i = 0; h && i < h->n; i++)
        buf_printf(out, "%u: '%s'\n", i, h->line[i]);
    return hmp_end(&a);
}

static const struct hmp_command commands[] = {
    {"cont|c", "", "resume emulation", 0, cont, NULL},
    {"exit_preconfig", "", "exit the preconfig state", 0, exit_preconfig, NULL},
    {"help|?", "[cmd]", "show the help", 0, help, NULL},
    {"info", "[subcommand]", "show various information about the system state", 0, info, NULL},
    {"nmi", "", "inject an NMI", 0, nmi, NULL},
    {"quit|q", "", "quit the emulator", 0, quit, NULL},
    {"stop|s", "", "stop emulation", 0, stop, NULL},
    {"system_powerdown", "", "send system power down event", 0, system_powerdown, NULL},
    {"system_reset", "", "reset the system", 0, system_reset, NULL},
    {"system_wakeup", "", "wakeup guest from suspend", 0, system_wakeup, NULL},

    {"history", "", "show the command line history", 1, info_history, NULL},
    {"kvm", "", "show KVM information", 1, info_kvm, NULL},
    {"name", "", "show the current VM name", 1, info_name, NULL},
    {"status", "", "show the current VM status (running|paused)", 1, info_status, NULL},
    {"uuid", "", "show the current VM UUID", 1, info_uuid, NULL},
    {"version", "", "show the version of QEMU", 1, info_version, NULL},
    {0},
};

const struct qmp_module qmp_hmp = {.hmp = commands};
