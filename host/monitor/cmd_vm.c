/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine as a whole: run state, reset, power, the end. */
#include "monitor.h"

#include "util/alloc.h"
#include "vm/run.h"
#include <errno.h>
#include <tenon/core.h>

static int query_status(struct qmp_call *c, struct tn_err *e)
{
    (void)e;
    enum run_state s = c->vm->run ? run_state(c->vm) : RUN_PRELAUNCH;
    c->ret = kv_new(KV_DICT);
    ret_str(c->ret, "status", run_state_name(s));
    ret_bool(c->ret, "running", s == RUN_RUNNING);
    return 0;
}

static int stop(struct qmp_call *c, struct tn_err *e)
{
    (void)e;
    run_pause(c->vm);
    return 0;
}

static int cont(struct qmp_call *c, struct tn_err *e)
{
    (void)e;
    run_resume(c->vm);
    return 0;
}

static int system_reset(struct qmp_call *c, struct tn_err *e)
{
    (void)e;
    run_reset(c->vm, TN_RESET_WARM);
    return 0;
}

static int system_powerdown(struct qmp_call *c, struct tn_err *e)
{
    (void)e;
    run_powerdown(c->vm);
    return 0;
}

static int quit(struct qmp_call *c, struct tn_err *e)
{
    (void)e;
    run_end(c->vm, 0);
    return 0;
}

/* ---- the table ---- */

static const struct qmp_member status_info[] = {
    {"running", "bool", 0}, {"status", "RunState", 0}, {0}};
static const char *const run_states[] = {
    "debug",     "inmigrate",      "internal-error", "io-error", "paused",  "postmigrate",
    "prelaunch", "finish-migrate", "restore-vm",     "running",  "save-vm", "shutdown",
    "suspended", "watchdog",       "guest-panicked", "colo",     NULL};

static const struct qmp_type types[] = {{"StatusInfo", QMP_OBJECT, status_info, NULL, NULL, NULL},
                                        {"RunState", QMP_ENUM, NULL, run_states, NULL, NULL},
                                        {0}};

static const struct qmp_command commands[] = {
    {"query-status", NULL, "StatusInfo", QMP_PRECONFIG, query_status, NULL},
    {"stop", NULL, NULL, 0, stop, NULL},
    {"cont", NULL, NULL, 0, cont, NULL},
    {"system_reset", NULL, NULL, 0, system_reset, NULL},
    {"system_powerdown", NULL, NULL, 0, system_powerdown, NULL},
    {"quit", NULL, NULL, QMP_PRECONFIG, quit, NULL},
    {0}};

const struct qmp_module qmp_vm = {.types = types, .commands = commands};
