/* SPDX-License-Identifier: BSD-2-Clause */
/* Migration at the terminal. */
#include "cmd_migrate.h"

#include "migration/machine.h"
#include "migration/migration.h"
#include "util/alloc.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* The next word of *line, in to; 0 if there is none. */
static int word(const char **line, char *to, size_t room)
{
    size_t n = strcspn(*line += strspn(*line, " \t"), " \t");
    if (!n || n >= room)
        return 0;
    memcpy(to, *line, n);
    to[n] = 0;
    *line += n + strspn(*line + n, " \t");
    return 1;
}

static int run_with(struct qmp_call *c, const char *command, const char *key, const char *value,
                    struct tn_err *e)
{
    KV_AUTO *args = kv_new(KV_DICT);
    if (value)
        ret_str(args, key, value);
    return monitor_run(c, command, args, NULL, e);
}

/* ---- waiting for the end ---- */

struct waiting {
    struct vm *vm;
    uint32_t ticket; /* of the terminal that waits */
};

static void done(void *o, const struct tn_err *e)
{
    AUTO_FREE struct waiting *w = o;
    AUTO_FREE char *text = e->err ? xasprintf("Error: %s\n", err_text(e)) : NULL;
    monitor_release(w->vm, w->ticket, text);
}

/* A terminal has no prompt until it is over, and others are answered; a line that came over QMP has
 * its answer then, and others wait for it. */
static int wait_here(struct qmp_call *c, struct tn_err *e)
{
    uint32_t ticket = monitor_hold(c->mon);
    if (!ticket)
        return migration_wait(c->vm, e);
    struct waiting *w = XNEW(struct waiting);
    *w = (struct waiting){c->vm, ticket};
    migration_then(c->vm, done, w);
    return 0;
}

/* ---- migrate and what goes with it ---- */

static int take_flag(const char **line, const char *command, int *detached, struct tn_err *e)
{
    char flag[8];
    while (**line == '-' && word(line, flag, sizeof flag))
        if (strcmp(flag, "-d") == 0)
            *detached = 1;
        else if (strcmp(flag, "-r") != 0)
            return err_set(e, EINVAL, "%s: unsupported option '%s'", command, flag);
    return **line ? 0 : err_set(e, EINVAL, "%s: string expected", command);
}

static int migrate(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    struct mig_addr a;
    int detached = !monitor_can_hold(c->mon); /* QEMU's: no answer could come in the meantime */
    (void)out;
    int r = take_flag(&line, "migrate", &detached, e);
    if (r == 0)
        r = mig_addr_uri(&a, line, e);
    if (r == 0)
        r = migration_start(c->vm, &a, detached ? 0 : MIG_SHOW, e);
    return r < 0 || detached ? r : wait_here(c, e);
}

static int incoming(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    (void)out;
    return run_with(c, "migrate-incoming", "uri", line, e);
}

static int cancel(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    (void)line;
    (void)out;
    return run_with(c, "migrate_cancel", NULL, NULL, e);
}

static int go_on(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    (void)out;
    return run_with(c, "migrate-continue", "state", line, e);
}

static int set_capability(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    char name[64], on[8];
    (void)out;
    if (!word(&line, name, sizeof name) || !word(&line, on, sizeof on) ||
        (strcmp(on, "on") != 0 && strcmp(on, "off") != 0))
        return err_set(e, EINVAL, "migrate_set_capability: CAPABILITY on|off");
    KV_AUTO *args = kv_new(KV_DICT);
    struct kv_node *d = ret_dict(ret_list(args, "capabilities"), NULL);
    ret_str(d, "capability", name);
    ret_bool(d, "state", strcmp(on, "on") == 0);
    return monitor_run(c, "migrate-set-capabilities", args, NULL, e);
}

/* Bandwidths are in MiB a second unless they say otherwise. */
static int add_size(struct kv_node *args, const char *name, const char *text, struct tn_err *e)
{
    static const char units[] = "BKMGT";
    char *end;
    uint64_t v = strtoull(text, &end, 0);
    const char *unit = *end ? strchr(units, *end & ~0x20) : "M";
    if (end == text || !unit || !*unit || (*end && end[1]))
        return err_set(e, EINVAL, "Invalid size %s", text);
    uint32_t shift = *end || strstr(name, "bandwidth") ? 0 : 10; /* others are bytes */
    long power = *end ? unit - units : shift ? 0 : 2;
    ret_uint(args, name, v << 10 * power);
    return 0;
}

static int add_value(struct kv_node *args, const char *name, const char *text, struct tn_err *e)
{
    char *end;
    if (strstr(name, "bandwidth") || strstr(name, "size"))
        return add_size(args, name, text, e);
    uint64_t v = strtoull(text, &end, 0);
    if (*text && !*end)
        ret_uint(args, name, v);
    else if (strcmp(text, "on") == 0 || strcmp(text, "off") == 0)
        ret_bool(args, name, strcmp(text, "on") == 0);
    else
        ret_str(args, name, text);
    return 0;
}

static int set_parameter(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    char name[64];
    (void)out;
    if (!word(&line, name, sizeof name))
        return err_set(e, EINVAL, "migrate_set_parameter: PARAMETER VALUE");
    KV_AUTO *args = kv_new(KV_DICT);
    int r = add_value(args, name, line, e);
    return r < 0 ? r : monitor_run(c, "migrate-set-parameters", args, NULL, e);
}

/* ---- info ---- */

static void put_times(struct buf *out, const struct mig_info *i)
{
    buf_printf(out, "total time: %" PRIu64 " ms\n", i->total_ms);
    if (i->status == MIG_COMPLETED)
        buf_printf(out, "downtime: %" PRIu64 " ms\n", i->downtime_ms);
    else
        buf_printf(out, "expected downtime: %" PRIu64 " ms\n", i->expected_ms);
    buf_printf(out, "setup: %" PRIu64 " ms\n", i->setup_ms);
}

static void put_ram(struct buf *out, const struct mig_info *i)
{
    buf_printf(out, "transferred ram: %" PRIu64 " kbytes\n", i->transferred >> 10);
    buf_printf(out, "throughput: %.2f mbps\n", i->mbps);
    buf_printf(out, "remaining ram: %" PRIu64 " kbytes\n", i->remaining >> 10);
    buf_printf(out, "total ram: %" PRIu64 " kbytes\n", i->total >> 10);
    buf_printf(out, "duplicate: %" PRIu64 " pages\n", i->duplicate);
    buf_printf(out, "normal: %" PRIu64 " pages\n", i->normal);
    buf_printf(out, "normal bytes: %" PRIu64 " kbytes\n", i->normal * 4);
    buf_printf(out, "dirty sync count: %" PRIu64 "\n", i->passes);
    buf_printf(out, "page size: 4 kbytes\nmultifd bytes: 0 kbytes\n");
    buf_printf(out, "pages-per-second: %" PRIu64 "\n", i->page_rate);
    if (i->dirty_rate)
        buf_printf(out, "dirty pages rate: %" PRIu64 " pages\n", i->dirty_rate);
    buf_printf(out, "precopy ram: %" PRIu64 " kbytes\n", i->precopy_bytes >> 10);
    if (i->downtime_bytes)
        buf_printf(out, "downtime ram: %" PRIu64 " kbytes\n", i->downtime_bytes >> 10);
    if (i->throttle)
        buf_printf(out, "cpu throttle percentage: %" PRIu32 "\n", i->throttle);
}

/* QEMU's lines in its order, but for the "globals" of its stream. */
static int info_migrate(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    ERR_AUTO blocked = {0};
    struct mig_info i;
    (void)line;
    (void)e;
    migration_info(c->vm, &i);
    if (!i.incoming && mig_blocked(c->vm, &blocked) < 0)
        buf_printf(out, "Outgoing migration blocked:\n  %s\n", err_text(&blocked));
    buf_printf(out, "Migration status: %s", mig_status_name(i.status));
    if (i.status == MIG_FAILED && i.error)
        buf_printf(out, " (%s)", i.error);
    buf_add8(out, '\n');
    if (i.incoming || i.status == MIG_NONE || !i.total)
        return 0;
    put_times(out, &i);
    put_ram(out, &i);
    return 0;
}

static int info_capabilities(struct qmp_call *c, const char *line, struct buf *out,
                             struct tn_err *e)
{
    (void)line;
    (void)e;
    for (uint32_t n = 0; n < CAPS; n++)
        buf_printf(out, "%s: %s\n", mig_cap_names[n],
                   migration_caps(c->vm) >> n & 1 ? "on" : "off");
    return 0;
}

static const char *unit_of(const char *name)
{
    return strstr(name, "bandwidth")                ? " bytes/second"
           : strcmp(name, "xbzrle-cache-size") == 0 ? " bytes"
           : strcmp(name, "vcpu-dirty-limit") == 0  ? " MB/s"
           : strstr(name, "downtime-limit") || strstr(name, "delay") || strstr(name, "period") ||
                   strcmp(name, "announce-initial") == 0 || strcmp(name, "announce-max") == 0 ||
                   strcmp(name, "announce-step") == 0
               ? " ms"
               : "";
}

static int info_parameters(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    struct kv_node *ret = NULL;
    (void)line;
    int r = monitor_run(c, "query-migrate-parameters", NULL, &ret, e);
    for (size_t i = 0; r == 0 && i < ret->n_child; i++) {
        const struct kv_node *v = ret->child[i];
        const char *quote = strncmp(v->key, "tls-", 4) == 0 ? "'" : "";
        buf_printf(out, "%s: %s%s%s%s\n", v->key, quote, v->text, quote, unit_of(v->key));
    }
    kv_free(ret);
    return r;
}

/* ---- snapshots ---- */

static int snapshot(struct qmp_call *c, const char *command, const char *line, struct tn_err *e,
                    int (*fn)(struct vm *, struct mig_addr *, uint32_t, struct tn_err *))
{
    struct mig_addr a;
    int detached = 0, r = take_flag(&line, command, &detached, e);
    if (r == 0)
        r = strncmp(line, "file:", 5) == 0
                ? mig_addr_uri(&a, line, e)
                : err_set(e, EINVAL,
                          "no block device can store vmstate for snapshot: give file:PATH");
    if (r == 0)
        r = fn(c->vm, &a, detached ? 0 : MIG_SHOW, e);
    return r < 0 || detached ? r : wait_here(c, e);
}

static int savevm(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    (void)out;
    return snapshot(c, "savevm", line, e, migration_save);
}

static int loadvm(struct qmp_call *c, const char *line, struct buf *out, struct tn_err *e)
{
    (void)out;
    return snapshot(c, "loadvm", line, e, migration_load);
}

const struct hmp_command migrate_hmp[] = {
    {"migrate", "[-d] uri", "migrate to URI (using -d to not wait for completion)", 0, migrate,
     NULL},
    {"migrate_cancel", "", "cancel the current VM migration", 0, cancel, NULL},
    {"migrate_continue", "state", "continue migration from the given paused state", 0, go_on, NULL},
    {"migrate_incoming", "uri", "continue an incoming migration from an -incoming defer", 0,
     incoming, NULL},
    {"migrate_set_capability", "capability state",
     "enable or disable the usage of a capability for migration", 0, set_capability, NULL},
    {"migrate_set_parameter", "parameter value", "set a parameter for migration", 0, set_parameter,
     NULL},
    {"savevm", "[-d] file:PATH", "save the machine, without its disks, to a file", 0, savevm, NULL},
    {"loadvm", "[-d] file:PATH", "go on from what savevm or migrate has saved to a file", 0, loadvm,
     NULL},
    {"migrate", "", "show migration status", 1, info_migrate, NULL},
    {"migrate_capabilities", "", "show current migration capabilities", 1, info_capabilities, NULL},
    {"migrate_parameters", "", "show current migration parameters", 1, info_parameters, NULL},
    {0},
};
