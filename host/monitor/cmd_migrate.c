/* SPDX-License-Identifier: BSD-2-Clause */
/* Migration: QMP's commands and events. */
#include "cmd_migrate.h"

#include "backend/addr_put.h"
#include "migration/machine.h"
#include "migration/migration.h"
#include "util/alloc.h"
#include <errno.h>
#include <string.h>

/* ---- migrate, migrate-incoming ---- */

static int take_addr(struct qmp_call *c, struct mig_addr *a, struct tn_err *e)
{
    const char *uri = arg_str(c, "uri");
    const struct kv_node *channels = kv_get(c->args, "channels");
    if (uri && channels)
        return err_set(e, EINVAL,
                       "'uri' and 'channels' arguments are mutually exclusive; exactly "
                       "one of the two should be present in 'migrate' qmp command ");
    if (!uri && !channels)
        return err_set(e, EINVAL, "need either 'uri' or 'channels' argument");
    int r = uri ? mig_addr_uri(a, uri, e) : mig_addr_channels(a, channels, e);
    if (r < 0)
        mig_addr_fini(a);
    return r;
}

static int migrate(struct qmp_call *c, struct tn_err *e)
{
    struct mig_addr a;
    if (arg_bool(c, "resume", 0))
        return err_set(e, EINVAL, "Cannot resume if there is no paused migration");
    int r = take_addr(c, &a, e);
    return r < 0 ? r : migration_start(c->vm, &a, 0, e);
}

static int migrate_incoming(struct qmp_call *c, struct tn_err *e)
{
    struct mig_addr a;
    int r = take_addr(c, &a, e);
    uint32_t flags = arg_bool(c, "exit-on-error", 1) ? MIG_EXIT : 0;
    return r < 0 ? r : migration_incoming(c->vm, &a, flags, e);
}

static int migrate_cancel(struct qmp_call *c, struct tn_err *e)
{
    (void)e;
    migration_cancel(c->vm);
    return 0;
}

static int migrate_continue(struct qmp_call *c, struct tn_err *e)
{
    return migration_continue(c->vm, arg_str(c, "state"), e);
}

/* ---- what is for postcopy only ---- */

static int migrate_pause(struct qmp_call *c, struct tn_err *e)
{
    (void)c;
    return err_set(e, EINVAL,
                   "migrate-pause is currently only supported during postcopy-active or "
                   "postcopy-recover state");
}

static int migrate_recover(struct qmp_call *c, struct tn_err *e)
{
    (void)c;
    return err_set(e, EINVAL, "Migrate recover can only be run when postcopy is paused.");
}

static int start_postcopy(struct qmp_call *c, struct tn_err *e)
{
    (void)c;
    return err_set(e, EINVAL,
                   "Enable postcopy with migrate_set_capability before the start of migration");
}

/* ---- query-migrate ---- */

static void put_number(struct kv_node *d, const char *key, double v)
{
    AUTO_FREE char *text = xasprintf("%.6g", v);
    kv_add(d, key, kv_scalar(KV_NUMBER, text));
}

static void put_ram(struct kv_node *d, const struct mig_info *i)
{
    ret_uint(d, "transferred", i->transferred);
    ret_uint(d, "remaining", i->remaining);
    ret_uint(d, "total", i->total);
    ret_uint(d, "duplicate", i->duplicate);
    ret_uint(d, "normal", i->normal);
    ret_uint(d, "normal-bytes", i->normal * 4096);
    ret_uint(d, "dirty-pages-rate", i->dirty_rate);
    put_number(d, "mbps", i->mbps);
    ret_uint(d, "dirty-sync-count", i->passes);
    ret_uint(d, "postcopy-requests", 0);
    ret_uint(d, "page-size", 4096);
    ret_uint(d, "multifd-bytes", 0);
    ret_uint(d, "pages-per-second", i->page_rate);
    ret_uint(d, "precopy-bytes", i->precopy_bytes);
    ret_uint(d, "downtime-bytes", i->downtime_bytes);
    ret_uint(d, "postcopy-bytes", 0);
    ret_uint(d, "dirty-sync-missed-zero-copy", 0);
}

static int has_ram(const struct mig_info *i)
{
    return !i->incoming && (i->status == MIG_ACTIVE || i->status == MIG_PRE_SWITCHOVER ||
                            i->status == MIG_DEVICE_STATE || i->status == MIG_CANCELLING ||
                            i->status == MIG_COMPLETED);
}

static void put_progress(struct kv_node *d, const struct mig_info *i)
{
    ret_uint(d, "total-time", i->total_ms);
    ret_uint(d, "setup-time", i->setup_ms);
    if (i->status == MIG_COMPLETED)
        ret_uint(d, "downtime", i->downtime_ms);
    else
        ret_uint(d, "expected-downtime", i->expected_ms);
    if (i->throttle)
        ret_uint(d, "cpu-throttle-percentage", i->throttle);
    put_ram(ret_dict(d, "ram"), i);
}

/* Of the machine as it is, whether or not somebody wants to migrate it. */
static void put_blocker(struct vm *vm, struct kv_node *d)
{
    ERR_AUTO e = {0};
    if (mig_blocked(vm, &e) < 0)
        kv_add(ret_list(d, "blocked-reasons"), NULL, kv_scalar(KV_STRING, err_text(&e)));
}

static int query_migrate(struct qmp_call *c, struct tn_err *e)
{
    struct mig_info i;
    (void)e;
    migration_info(c->vm, &i);
    struct kv_node *d = c->ret = kv_new(KV_DICT);
    if (i.listens.len)
        addr_put(ret_dict(ret_list(d, "socket-address"), NULL), &i.listens.sa, i.listens.len);
    if (!i.incoming)
        put_blocker(c->vm, d);
    if (i.status != MIG_NONE)
        ret_str(d, "status", mig_status_name(i.status));
    if (i.error && i.status == MIG_FAILED)
        ret_str(d, "error-desc", i.error);
    if (has_ram(&i))
        put_progress(d, &i);
    return 0;
}

/* ---- capabilities ---- */

static int set_capabilities(struct qmp_call *c, struct tn_err *e)
{
    const struct kv_node *list = kv_get(c->args, "capabilities");
    uint32_t set = 0, clear = 0;
    for (size_t i = 0; i < list->n_child; i++) {
        const char *name = kv_text(list->child[i], "capability"),
                   *on = kv_text(list->child[i], "state");
        for (uint32_t n = 0; n < CAPS; n++)
            if (strcmp(mig_cap_names[n], name) == 0) {
                uint32_t bit = 1u << n;
                set = strcmp(on, "on") == 0 ? set | bit : set & ~bit;
                clear = strcmp(on, "on") == 0 ? clear & ~bit : clear | bit;
            }
    }
    return migration_set_caps(c->vm, set, clear, e);
}

static int query_capabilities(struct qmp_call *c, struct tn_err *e)
{
    (void)e;
    c->ret = kv_new(KV_LIST);
    for (uint32_t n = 0; n < CAPS; n++) {
        struct kv_node *d = ret_dict(c->ret, NULL);
        ret_bool(d, "state", migration_caps(c->vm) >> n & 1);
        ret_str(d, "capability", mig_cap_names[n]);
    }
    return 0;
}

static int query_threads(struct qmp_call *c, struct tn_err *e)
{
    (void)e;
    c->ret = kv_new(KV_LIST);
    return 0;
}

static int query_dirty_rate(struct qmp_call *c, struct tn_err *e)
{
    const char *unit = arg_str(c, "calc-time-unit");
    (void)e;
    c->ret = kv_new(KV_DICT);
    ret_str(c->ret, "status", "unstarted");
    ret_int(c->ret, "sample-pages", 0);
    ret_str(c->ret, "mode", "page-sampling");
    ret_str(c->ret, "calc-time-unit", unit ? unit : "second");
    ret_int(c->ret, "start-time", 0);
    ret_int(c->ret, "calc-time", 0);
    return 0;
}

/* ---- the table ---- */

static const struct qmp_command commands[] = {
    {"migrate", "migrate-arg", NULL, 0, migrate},
    {"migrate-incoming", "migrate-incoming-arg", NULL, 0, migrate_incoming},
    {"migrate_cancel", NULL, NULL, 0, migrate_cancel},
    {"migrate-continue", "migrate-continue-arg", NULL, 0, migrate_continue},
    {"migrate-pause", NULL, NULL, QMP_OOB, migrate_pause},
    {"migrate-recover", "migrate-recover-arg", NULL, QMP_OOB, migrate_recover},
    {"migrate-start-postcopy", NULL, NULL, 0, start_postcopy},
    {"query-migrate", NULL, "MigrationInfo", 0, query_migrate},
    {"migrate-set-capabilities", "migrate-set-capabilities-arg", NULL, 0, set_capabilities},
    {"query-migrate-capabilities", NULL, "[MigrationCapabilityStatus]", 0, query_capabilities},
    {"migrate-set-parameters", "MigrateSetParameters", NULL, 0, migrate_set_parameters},
    {"query-migrate-parameters", NULL, "MigrationParameters", 0, migrate_query_parameters},
    {"query-migrationthreads", NULL, "[MigrationThreadInfo]", 0, query_threads},
    {"query-dirty-rate", "query-dirty-rate-arg", "DirtyRateInfo", 0, query_dirty_rate},
    {0},
};
static const struct qmp_event events[] = {
    {"MIGRATION", "MIGRATION-arg", 0, NULL},
    {"MIGRATION_PASS", "MIGRATION_PASS-arg", 0, NULL},
    {0},
};
const struct qmp_module qmp_migrate = {migrate_types, commands, events, migrate_hmp};
