/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine as a whole: run state, reset, power, what follows from them, the end. */
#include "backend/block_host.h"
#include "migration/migration.h"
#include "monitor.h"

#include "util/alloc.h"
#include "vm/machine.h"
#include "vm/run.h"
#include <errno.h>
#include <string.h>

/* ---- run state ---- */

static int query_status(struct qmp_call *c, struct tn_err *e)
{
    (void)e;
    enum run_state s = run_state(c->vm);
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
    enum run_state s = run_state(c->vm);
    if (s == RUN_SHUTDOWN || s == RUN_INTERNAL_ERROR)
        return err_set(e, EINVAL, "Resetting the Virtual Machine is required");
    if (s == RUN_FINISH_MIGRATE || s == RUN_SAVE_VM || s == RUN_RESTORE_VM)
        return err_set(e, EINVAL, "Migration is not finalized yet");
    if (s == RUN_SUSPENDED || migration_autostart(c->vm, 1))
        return 0; /* the guest sleeps, or has not come yet: it is not the user's to go on */
    int r = block_activate(c->vm, 1, e);
    if (r == 0)
        run_resume(c->vm);
    return r;
}

static int x_exit_preconfig(struct qmp_call *c, struct tn_err *e)
{
    if (!monitors_preconfig(c->vm))
        return err_set(e, EINVAL, "The command is permitted only before machine initialization");
    monitors_end_preconfig(c->vm);
    return 0;
}

/* ---- reset and power ---- */

static int system_reset(struct qmp_call *c, struct tn_err *e)
{
    (void)e;
    run_ask_reset(c->vm);
    return 0;
}

static int system_powerdown(struct qmp_call *c, struct tn_err *e)
{
    (void)e;
    run_powerdown(c->vm);
    return 0;
}

static int system_wakeup(struct qmp_call *c, struct tn_err *e)
{
    if (!machine_listens(c->vm, TN_ON_WAKEUP))
        return err_set(e, ENOTSUP, "wake-up from suspend is not supported by this guest");
    if (run_state(c->vm) != RUN_SUSPENDED)
        return err_set(e, EINVAL, "Unable to wake up: guest is not in suspended state");
    run_request(c->vm, TN_REQ_WAKEUP, NULL);
    return 0;
}

static int inject_nmi(struct qmp_call *c, struct tn_err *e)
{
    if (!c->vm->vcpus && strcmp(c->vm->machine->type->name, "none") == 0)
        return err_set(e, ENOTSUP, "machine does not provide NMIs");
    if (c->vm->vcpus)
        run_nmi(c->vm);
    return 0;
}

static int quit(struct qmp_call *c, struct tn_err *e)
{
    (void)e;
    run_quit(c->vm, RUN_BY_QUIT);
    return 0;
}

/* ---- what the machine does by itself ---- */

/* In the order of the enumerations of run.h. */
static const char *const reboot_actions[] = {"reset", "shutdown", NULL};
static const char *const shutdown_actions[] = {"poweroff", "pause", NULL};
static const char *const panic_actions[] = {"shutdown", "pause", "exit-failure", "none", NULL};
static const char *const watchdog_actions[] = {"reset", "shutdown", "poweroff",   "pause",
                                               "debug", "none",     "inject-nmi", NULL};

/* The place of the argument's word among words; otherwise, if it was not given. */
static uint32_t word_of(const struct qmp_call *c, const char *key, const char *const *words,
                        uint32_t otherwise)
{
    const char *word = arg_str(c, key);
    for (uint32_t i = 0; word && words[i]; i++)
        if (strcmp(words[i], word) == 0)
            return i;
    return otherwise;
}

static int set_action(struct qmp_call *c, struct tn_err *e)
{
    struct run_options *o = run_options(c->vm);
    (void)e;
    o->no_reboot = word_of(c, "reboot", reboot_actions, o->no_reboot);
    o->no_shutdown = word_of(c, "shutdown", shutdown_actions, o->no_shutdown);
    o->panic_action = (enum run_panic)word_of(c, "panic", panic_actions, o->panic_action);
    o->watchdog_action =
        (enum run_watchdog)word_of(c, "watchdog", watchdog_actions, o->watchdog_action);
    return 0;
}

static int watchdog_set_action(struct qmp_call *c, struct tn_err *e)
{
    struct run_options *o = run_options(c->vm);
    (void)e;
    o->watchdog_action =
        (enum run_watchdog)word_of(c, "action", watchdog_actions, o->watchdog_action);
    return 0;
}

/* ---- the table ---- */

static const struct qmp_member status_info[] = {
    {"running", "bool", 0}, {"status", "RunState", 0}, {0}};
static const char *const run_states[] = {
    "debug",     "inmigrate",      "internal-error", "io-error", "paused",  "postmigrate",
    "prelaunch", "finish-migrate", "restore-vm",     "running",  "save-vm", "shutdown",
    "suspended", "watchdog",       "guest-panicked", "colo",     NULL};
static const struct qmp_member actions[] = {{"reboot", "RebootAction", 1},
                                            {"shutdown", "ShutdownAction", 1},
                                            {"panic", "PanicAction", 1},
                                            {"watchdog", "WatchdogAction", 1},
                                            {0}};
static const struct qmp_member watchdog_arg[] = {{"action", "WatchdogAction", 0}, {0}};

static const struct qmp_type types[] = {
    {"StatusInfo", QMP_OBJECT, status_info, NULL, NULL, NULL},
    {"RunState", QMP_ENUM, NULL, run_states, NULL, NULL},
    {"set-action-arg", QMP_OBJECT, actions, NULL, NULL, NULL},
    {"RebootAction", QMP_ENUM, NULL, reboot_actions, NULL, NULL},
    {"ShutdownAction", QMP_ENUM, NULL, shutdown_actions, NULL, NULL},
    {"PanicAction", QMP_ENUM, NULL, panic_actions, NULL, NULL},
    {"WatchdogAction", QMP_ENUM, NULL, watchdog_actions, NULL, NULL},
    {"watchdog-set-action-arg", QMP_OBJECT, watchdog_arg, NULL, NULL, NULL},
    {0}};

static const struct qmp_command commands[] = {
    {"query-status", NULL, "StatusInfo", QMP_PRECONFIG, query_status, NULL},
    {"stop", NULL, NULL, 0, stop, NULL},
    {"cont", NULL, NULL, 0, cont, NULL},
    {"x-exit-preconfig", NULL, NULL, QMP_PRECONFIG, x_exit_preconfig, "unstable"},
    {"system_reset", NULL, NULL, 0, system_reset, NULL},
    {"system_powerdown", NULL, NULL, 0, system_powerdown, NULL},
    {"system_wakeup", NULL, NULL, 0, system_wakeup, NULL},
    {"inject-nmi", NULL, NULL, 0, inject_nmi, NULL},
    {"quit", NULL, NULL, QMP_PRECONFIG, quit, NULL},
    {"set-action", "set-action-arg", NULL, QMP_PRECONFIG, set_action, NULL},
    {"watchdog-set-action", "watchdog-set-action-arg", NULL, 0, watchdog_set_action, NULL},
    {0}};

const struct qmp_module qmp_vm = {.types = types, .commands = commands};
