/* SPDX-License-Identifier: BSD-2-Clause */
#include "run_impl.h"

#include "backend/block_host.h"
#include "core/device.h"
#include "core/loop.h"
#include "core/trace_point.h"
#include "irq.h"
#include "machine.h"
#include "migration/migration.h"
#include "monitor/monitor.h"
#include "util/alloc.h"
#include "vcpu.h"
#include <stdlib.h>
#include <tenon/machine.h>

static const char *const names[] = {"prelaunch",      "running",   "paused",         "shutdown",
                                    "guest-panicked", "suspended", "internal-error", "io-error",
                                    "watchdog",       "inmigrate", "finish-migrate", "postmigrate",
                                    "save-vm",        "restore-vm"};

struct run_options *run_options(struct vm *vm)
{
    return &vm->run->o;
}

enum run_state run_state(const struct vm *vm)
{
    return vm->run->state;
}

const char *run_state_name(enum run_state s)
{
    return names[s];
}

void run_on_event(struct vm *vm, void (*fn)(void *o, uint32_t req, const char *text), void *o)
{
    struct run *r = vm->run;
    if (r->nlisteners < ARRAY_SIZE(r->listener))
        r->listener[r->nlisteners++] = (struct run_listener){fn, o};
}

void run_announce(struct run *r, uint32_t req, const char *text)
{
    for (uint32_t i = 0; i < r->nlisteners; i++)
        r->listener[i].fn(r->listener[i].o, req, text);
}

/* ---- what the main loop does about them ---- */

static void set_state(struct run *r, enum run_state s)
{
    trace_host(r->vm, TRACE_RUN_STATE, names[s]);
    r->state = s;
    if (run_can_act_on(r))
        bh_kick(r->bh);
}

int run_acting(const struct vm *vm)
{
    return vm->run && vm->run->acting != 0;
}

void run_begin_act(struct run *r)
{
    r->acting++;
}

/* What was asked for meanwhile comes now. */
void run_end_act(struct run *r)
{
    if (--r->acting)
        return;
    if (run_can_act_on(r))
        bh_kick(r->bh);
    if (r->vm->monitors)
        monitor_kick(r->vm);
}

/* Guest time stands still, and devices are at rest. */
static void rest(struct run *r, enum run_state s)
{
    ERR_AUTO e = {0};
    run_begin_act(r);
    vcpus_pause(r->vm);
    clock_stop(&r->vm->clock);
    if (devices_quiesce(r->vm, TN_Q_SAVE, &e) < 0)
        err_report(&e);
    set_state(r, s);
    machine_event(r->vm, TN_ON_RUNSTATE, s, NULL);
    run_end_act(r);
}

/* Of a machine that stands still already only the reason changes. */
static void stop(struct run *r, enum run_state s)
{
    if (r->state != RUN_RUNNING) {
        set_state(r, s);
        return;
    }
    rest(r, s);
    run_tell(r->vm, "STOP");
}

void run_pause(struct vm *vm)
{
    if (vm->run->state == RUN_RUNNING)
        stop(vm->run, RUN_PAUSED);
}

void run_stop(struct vm *vm, enum run_state s)
{
    stop(vm->run, s);
}

static void go(struct run *r)
{
    struct vm *vm = r->vm;
    run_begin_act(r);
    vm->cold = 0;
    vm->sealed = !vm->monitors; /* who has one may add what he likes */
    clock_start(&vm->clock);
    devices_resume(vm);
    set_state(r, RUN_RUNNING);
    machine_event(vm, TN_ON_RUNSTATE, RUN_RUNNING, NULL);
    if (!run_end_is_asked(r))
        vcpus_run(vm);
    run_end_act(r);
}

void run_resume(struct vm *vm)
{
    ERR_AUTO e = {0};
    if (vm->run->state == RUN_RUNNING || vm->run->ended)
        return;
    if (migration_autostart(vm, 1))
        return;
    if (block_activate(vm, 1, &e) < 0) {
        err_report(&e);
        return;
    }
    go(vm->run);
    run_tell(vm, "RESUME");
}

void run_hold(struct vm *vm)
{
    vcpus_pause(vm);
}

void run_unhold(struct vm *vm)
{
    if (vm->run->state != RUN_RUNNING || run_end_is_asked(vm->run))
        return;
    vcpus_run(vm);
    if (run_end_is_asked(vm->run)) /* since */
        vcpus_hold(vm);
}

/* KVM hands a vCPU's file to one call at a time, and KVM_RUN has it as long as the guest likes. */
void run_nmi(struct vm *vm)
{
    run_hold(vm);
    vcpus_nmi(vm);
    run_unhold(vm);
}

static int load_guest(struct vm *vm, struct tn_err *e)
{
    struct boot_entry entry;
    uint32_t have = 0;
    int err = machine_event(vm, TN_ON_FIRMWARE, 0, e);
    if (err == 0)
        err = machine_load(vm, &entry, &have, e);
    return err < 0 ? err : vcpus_reset(vm, have ? &entry : NULL, e);
}

static void start_over(struct run *r, uint32_t kind)
{
    struct vm *vm = r->vm;
    ERR_AUTO e = {0};
    int was_running = r->state == RUN_RUNNING;
    vcpus_pause(vm);
    if (was_running && devices_quiesce(vm, TN_Q_RESET, &e) < 0)
        err_report(&e);
    devices_leave_asked(vm);
    devices_reset(vm, kind);
    irq_repeat(vm);
    if (load_guest(vm, &e) < 0) {
        err_report(&e);
        r->ended = r->status = 1;
        return;
    }
    run_announce(r, TN_REQ_RESET, NULL);
    if (was_running) {
        devices_resume(vm);
        vcpus_run(vm);
    }
}

/* What stood still for a reason has none any more. */
void run_set_back(struct run *r, uint32_t kind, enum run_cause cause)
{
    int suspended = r->state == RUN_SUSPENDED;
    run_begin_act(r);
    start_over(r, kind);
    if (!r->ended) {
        run_tell_cause(r->vm, "RESET", cause);
        if (r->state != RUN_RUNNING)
            set_state(r, RUN_PRELAUNCH);
        if (suspended)
            go(r);
    }
    run_end_act(r);
}

void run_reset(struct vm *vm, uint32_t kind)
{
    run_set_back(vm->run, kind, RUN_BY_SYSTEM_RESET);
}

void run_over(struct run *r, enum run_state s)
{
    vcpus_pause(r->vm);
    set_state(r, s);
    r->ended = 1;
}

void run_finish(struct run *r, const char *text, enum run_cause cause)
{
    run_announce(r, TN_REQ_SHUTDOWN, text);
    run_tell_cause(r->vm, "SHUTDOWN", cause);
    if (r->o.no_shutdown)
        stop(r, RUN_SHUTDOWN);
    else
        run_over(r, RUN_SHUTDOWN);
}

/* ---- sleep ---- */

void run_suspend(struct run *r, const char *text)
{
    run_announce(r, TN_REQ_SUSPEND, text);
    if (r->state != RUN_RUNNING)
        return;
    rest(r, RUN_SUSPENDED);
    run_tell(r->vm, "SUSPEND");
}

/* All but memory has lost its power (ACPI 6.5 16.1.3): the guest goes on where it said. */
static int power_up(struct run *r, struct tn_err *e)
{
    struct vm *vm = r->vm;
    struct boot_entry entry;
    uint32_t have = 0;
    devices_reset(vm, TN_RESET_WARM);
    irq_repeat(vm);
    int err = machine_event(vm, TN_ON_FIRMWARE, 0, e);
    if (err == 0)
        err = machine_wake(vm, &entry, &have, e);
    if (err == 0)
        err = vcpus_reset(vm, have ? &entry : NULL, e);
    return err < 0 ? err : machine_event(vm, TN_ON_WAKEUP, 0, e);
}

void run_wake(struct run *r)
{
    ERR_AUTO e = {0};
    if (r->state != RUN_SUSPENDED)
        return;
    run_begin_act(r);
    int err = power_up(r, &e);
    if (err == 0)
        go(r);
    run_end_act(r);
    if (err == 0)
        run_tell(r->vm, "WAKEUP");
    else
        run_internal_error(r->vm, err_text(&e));
}

/* ---- life ---- */

struct run *run_new(struct vm *vm, const struct run_options *o)
{
    struct run *r = XNEW(struct run);
    r->vm = vm;
    r->o = *o;
    pthread_mutex_init(&r->lock, NULL);
    r->bh = bh_new(vm->main, NULL, 0, run_requested, r);
    return r;
}

void run_free(struct run *r)
{
    if (!r)
        return;
    bh_del(r->bh);
    pthread_mutex_destroy(&r->lock);
    free(r->text);
    free(r);
}

int run_start(struct vm *vm, struct tn_err *e)
{
    devices_reset(vm, TN_RESET_COLD);
    irq_repeat(vm);
    int err = load_guest(vm, e);
    if (err < 0)
        return err;
    if (!vm->run->o.paused)
        run_resume(vm);
    return 0;
}

int run_await(struct vm *vm, struct tn_err *e)
{
    devices_reset(vm, TN_RESET_COLD);
    int err = machine_await(vm, e);
    if (err == 0)
        err = vcpus_reset(vm, NULL, e);
    if (err == 0)
        err = devices_quiesce(vm, TN_Q_SAVE, e);
    set_state(vm->run, RUN_INMIGRATE);
    return err;
}

void run_powerdown(struct vm *vm)
{
    run_tell(vm, "POWERDOWN");
    machine_event(vm, TN_ON_POWERDOWN, 0, NULL);
}

int run_ended(const struct vm *vm)
{
    return vm->run->ended != 0;
}

void run_end(struct vm *vm, uint32_t status)
{
    vm->run->status = status;
    vm->run->ended = 1;
    loop_wake(vm->main);
}

void run_quit(struct vm *vm, enum run_cause cause)
{
    if (!vm->run->ended)
        run_tell_cause(vm, "SHUTDOWN", cause);
    run_end(vm, 0);
}

int run_main(struct vm *vm)
{
    while (!vm->run->ended)
        loop_once(vm->main, ~(uint64_t)0);
    vcpus_pause(vm);
    return (int)vm->run->status;
}
