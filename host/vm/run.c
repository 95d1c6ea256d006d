/* SPDX-License-Identifier: BSD-2-Clause */
#include "run.h"

#include "backend/block_host.h"
#include "core/device.h"
#include "core/loop.h"
#include "irq.h"
#include "machine.h"
#include "migration/migration.h"
#include "monitor/monitor.h"
#include "run_event.h"
#include "util/alloc.h"
#include "vcpu.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <tenon/machine.h>

struct listener {
    void (*fn)(void *o, uint32_t req, const char *text);
    void *o;
};
struct run {
    struct vm *vm;
    struct run_options o;
    enum run_state state;
    struct tn_bh *bh;
    uint32_t pending;     /* bit per TN_REQ_*; atomic */
    uint32_t acting;      /* depth of what may wait, and let the loop go on */
    uint32_t by_user;     /* the reset that is asked for; atomic */
    uint32_t ended;       /* run_main returns */
    uint32_t status;      /* process status */
    uint64_t said_ns;     /* when a line was last written at the guest's wish; 0 = never */
    pthread_mutex_t lock; /* leaf: text */
    char *text;           /* of the newest request that had one */
    struct listener listener[8];
    uint32_t nlisteners;
};

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
        r->listener[r->nlisteners++] = (struct listener){fn, o};
}

static void announce(struct run *r, uint32_t req, const char *text)
{
    for (uint32_t i = 0; i < r->nlisteners; i++)
        r->listener[i].fn(r->listener[i].o, req, text);
}

/* ---- requests ---- */

/* A vCPU cannot go on, a disk has failed: behind the public requests. */
enum { REQ_STUCK = TN_REQ_PVSHUTDOWN + 1, REQ_IO_ERROR };

static int ends_run(uint32_t what)
{
    return what == REQ_STUCK || what == TN_REQ_RESET || what == TN_REQ_SHUTDOWN ||
           what == TN_REQ_PANIC || what == TN_REQ_SUSPEND || what == TN_REQ_EXIT ||
           what == TN_REQ_PVSHUTDOWN;
}

static void request(struct run *r, uint32_t what, const char *text)
{
    if (text) {
        pthread_mutex_lock(&r->lock);
        free(r->text);
        r->text = xstrdup(text);
        pthread_mutex_unlock(&r->lock);
    }
    __atomic_or_fetch(&r->pending, 1u << what, __ATOMIC_ACQ_REL);
    if (ends_run(what))
        vcpus_hold(r->vm); /* what follows in the guest's program must not happen */
    bh_kick(r->bh);
}

void run_request(struct vm *vm, uint32_t what, const char *text)
{
    if (what >= TN_REQ_RESET && what <= TN_REQ_PVSHUTDOWN)
        request(vm->run, what, text);
}

void run_request_exit(struct vm *vm, uint32_t status)
{
    vm->run->status = status;
    run_request(vm, TN_REQ_EXIT, NULL);
}

void run_ask_reset(struct vm *vm)
{
    __atomic_store_n(&vm->run->by_user, 1, __ATOMIC_RELEASE);
    request(vm->run, TN_REQ_RESET, NULL);
}

void run_internal_error(struct vm *vm, const char *text)
{
    request(vm->run, REQ_STUCK, text);
}

void run_io_error(struct vm *vm, const char *text)
{
    request(vm->run, REQ_IO_ERROR, text);
}

/* ---- what the main loop does about them ---- */

/* The machine is being saved or loaded: but for the end of the process, what is asked for waits. */
static int in_transit(const struct run *r)
{
    return r->state == RUN_FINISH_MIGRATE || r->state == RUN_SAVE_VM || r->state == RUN_RESTORE_VM;
}

static uint32_t can_act_on(const struct run *r)
{
    return __atomic_load_n(&r->pending, __ATOMIC_ACQUIRE) &
           (in_transit(r) ? 1u << TN_REQ_EXIT : ~0u);
}

static void set_state(struct run *r, enum run_state s)
{
    r->state = s;
    if (can_act_on(r))
        bh_kick(r->bh);
}

int run_acting(const struct vm *vm)
{
    return vm->run && vm->run->acting != 0;
}

static void begin_act(struct run *r)
{
    r->acting++;
}

/* What was asked for meanwhile comes now. */
static void end_act(struct run *r)
{
    if (--r->acting)
        return;
    if (can_act_on(r))
        bh_kick(r->bh);
    if (r->vm->monitors)
        monitor_kick(r->vm);
}

/* Guest time stands still, and devices are at rest. */
static void rest(struct run *r, enum run_state s)
{
    ERR_AUTO e = {0};
    begin_act(r);
    vcpus_pause(r->vm);
    clock_stop(&r->vm->clock);
    if (devices_quiesce(r->vm, TN_Q_SAVE, &e) < 0)
        err_report(&e);
    set_state(r, s);
    machine_event(r->vm, TN_ON_RUNSTATE, s, NULL);
    end_act(r);
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

/* A request that waits wants the vCPUs to stand where they are. */
static int end_is_asked(const struct run *r)
{
    uint32_t bits = __atomic_load_n(&r->pending, __ATOMIC_ACQUIRE);
    for (uint32_t what = 0; bits >> what; what++)
        if (bits >> what & 1 && ends_run(what))
            return 1;
    return 0;
}

static void go(struct run *r)
{
    struct vm *vm = r->vm;
    begin_act(r);
    vm->cold = 0;
    vm->sealed = !vm->monitors; /* who has one may add what he likes */
    clock_start(&vm->clock);
    devices_resume(vm);
    set_state(r, RUN_RUNNING);
    machine_event(vm, TN_ON_RUNSTATE, RUN_RUNNING, NULL);
    if (!end_is_asked(r))
        vcpus_run(vm);
    end_act(r);
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

int run_end_asked(const struct vm *vm)
{
    return end_is_asked(vm->run);
}

void run_hold(struct vm *vm)
{
    vcpus_pause(vm);
}

void run_unhold(struct vm *vm)
{
    if (vm->run->state != RUN_RUNNING || end_is_asked(vm->run))
        return;
    vcpus_run(vm);
    if (end_is_asked(vm->run)) /* since */
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

static void set_back(struct run *r, uint32_t kind)
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
    announce(r, TN_REQ_RESET, NULL);
    if (was_running) {
        devices_resume(vm);
        vcpus_run(vm);
    }
}

/* What stood still for a reason has none any more. */
static void reset(struct run *r, uint32_t kind, enum run_cause cause)
{
    int suspended = r->state == RUN_SUSPENDED;
    begin_act(r);
    set_back(r, kind);
    if (!r->ended) {
        run_tell_cause(r->vm, "RESET", cause);
        if (r->state != RUN_RUNNING)
            set_state(r, RUN_PRELAUNCH);
        if (suspended)
            go(r);
    }
    end_act(r);
}

void run_reset(struct vm *vm, uint32_t kind)
{
    reset(vm->run, kind, RUN_BY_SYSTEM_RESET);
}

static void end(struct run *r, enum run_state s)
{
    vcpus_pause(r->vm);
    set_state(r, s);
    r->ended = 1;
}

static void finish(struct run *r, const char *text, enum run_cause cause)
{
    announce(r, TN_REQ_SHUTDOWN, text);
    run_tell_cause(r->vm, "SHUTDOWN", cause);
    if (r->o.no_shutdown)
        stop(r, RUN_SHUTDOWN);
    else
        end(r, RUN_SHUTDOWN);
}

/* A guest may ask as often as it likes: one line a second is enough. */
static void say(struct run *r, enum log_level level, const char *text)
{
    uint64_t now = clock_now(&r->vm->clock, TN_CLK_REAL);
    if (r->said_ns && now - r->said_ns < 1000000000u)
        return;
    r->said_ns = now;
    log_line(level, "%s", text);
}

/* Nothing of the guest's could be believed any more: it stands still, for whoever wants to look. */
static void stuck(struct run *r, const char *text)
{
    log_line(LOG_ERROR, "%s", text ? text : "a vCPU cannot go on: the machine is paused");
    announce(r, TN_REQ_PANIC, text);
    stop(r, RUN_INTERNAL_ERROR);
}

/* One bad disk may make many of these; the first has paused the machine. */
static void io_error(struct run *r, const char *text)
{
    if (r->state != RUN_RUNNING)
        return;
    log_line(LOG_ERROR, "%s", text ? text : "a disk has failed: the machine is paused");
    stop(r, RUN_IO_ERROR);
}

static void panic(struct run *r, const char *text)
{
    say(r, LOG_ERROR, text ? text : "the guest panicked");
    announce(r, TN_REQ_PANIC, text);
    if (r->o.panic_action == RUN_PANIC_NONE) {
        run_tell_action(r->vm, "GUEST_PANICKED", "run");
        vcpus_run(r->vm);
        return;
    }
    int pause = r->o.panic_action == RUN_PANIC_PAUSE ||
                (r->o.panic_action == RUN_PANIC_SHUTDOWN && r->o.no_shutdown);
    run_tell_action(r->vm, "GUEST_PANICKED", pause ? "pause" : "poweroff");
    stop(r, RUN_PANICKED);
    if (pause)
        return;
    r->status = r->o.panic_action == RUN_PANIC_EXIT_FAILURE ? 1 : r->status;
    run_tell_cause(r->vm, "SHUTDOWN", RUN_BY_GUEST_PANIC);
    r->ended = 1;
}

/* A watchdog device has not heard from its guest. */
static void watchdog(struct run *r, const char *text)
{
    static const char *const actions[] = {"reset", "shutdown", "poweroff",  "pause",
                                          "debug", "none",     "inject-nmi"};
    announce(r, TN_REQ_WATCHDOG, text);
    run_tell_action(r->vm, "WATCHDOG", actions[r->o.watchdog_action]);
    switch (r->o.watchdog_action) {
    case RUN_WATCHDOG_RESET:
        request(r, TN_REQ_RESET, NULL);
        break;
    case RUN_WATCHDOG_SHUTDOWN:
        run_powerdown(r->vm);
        break;
    case RUN_WATCHDOG_POWEROFF:
        end(r, RUN_SHUTDOWN);
        break;
    case RUN_WATCHDOG_PAUSE:
        stop(r, RUN_WATCHDOG);
        break;
    case RUN_WATCHDOG_DEBUG:
        say(r, LOG_WARN, "watchdog: timer fired");
        break;
    case RUN_WATCHDOG_INJECT_NMI:
        run_nmi(r->vm);
        break;
    case RUN_WATCHDOG_NONE:
        break;
    }
}

static void suspend(struct run *r, const char *text)
{
    announce(r, TN_REQ_SUSPEND, text);
    if (r->state != RUN_RUNNING)
        return;
    rest(r, RUN_SUSPENDED);
    run_tell(r->vm, "SUSPEND");
}

static void wake(struct run *r)
{
    if (r->state != RUN_SUSPENDED)
        return;
    machine_event(r->vm, TN_ON_WAKEUP, 0, NULL);
    go(r);
    run_tell(r->vm, "WAKEUP");
}

static void reset_asked(struct run *r, const char *text)
{
    enum run_cause cause = __atomic_exchange_n(&r->by_user, 0, __ATOMIC_ACQ_REL)
                               ? RUN_BY_SYSTEM_RESET
                               : RUN_BY_GUEST_RESET;
    if (r->o.no_reboot)
        finish(r, text, cause);
    else
        reset(r, TN_RESET_WARM, cause);
}

static void act(struct run *r, uint32_t what, const char *text)
{
    switch (what) {
    case TN_REQ_RESET:
        reset_asked(r, text);
        break;
    case TN_REQ_PVSHUTDOWN:
        run_tell(r->vm, "GUEST_PVSHUTDOWN");
        finish(r, text, RUN_BY_GUEST_SHUTDOWN);
        break;
    case TN_REQ_SHUTDOWN:
        finish(r, text, RUN_BY_GUEST_SHUTDOWN);
        break;
    case TN_REQ_SUSPEND:
        suspend(r, text);
        break;
    case TN_REQ_WAKEUP:
        wake(r);
        break;
    case TN_REQ_WATCHDOG:
        watchdog(r, text);
        break;
    case REQ_STUCK:
        stuck(r, text);
        break;
    case REQ_IO_ERROR:
        io_error(r, text);
        break;
    case TN_REQ_PANIC:
        panic(r, text);
        break;
    case TN_REQ_CRASH_LOADED:
        say(r, LOG_INFO, "the guest's crash kernel takes over");
        announce(r, what, text);
        run_tell_action(r->vm, "GUEST_CRASHLOADED", "run");
        break;
    case TN_REQ_NMI:
        run_nmi(r->vm);
        break;
    case TN_REQ_EXIT:
        vcpus_pause(r->vm);
        r->ended = 1;
        break;
    default:
        announce(r, what, text);
    }
}

/* Of several at once the one that ends most is done, and the others are moot. */
static void requested(void *p)
{
    static const uint32_t order[] = {TN_REQ_EXIT,       REQ_STUCK,           TN_REQ_PANIC,
                                     TN_REQ_PVSHUTDOWN, TN_REQ_SHUTDOWN,     TN_REQ_RESET,
                                     TN_REQ_SUSPEND,    REQ_IO_ERROR,        TN_REQ_WAKEUP,
                                     TN_REQ_NMI,        TN_REQ_CRASH_LOADED, TN_REQ_WATCHDOG};
    struct run *r = p;
    if (r->acting)
        return; /* what is asked meanwhile comes after it */
    begin_act(r);
    uint32_t bits = can_act_on(r);
    __atomic_and_fetch(&r->pending, ~bits, __ATOMIC_ACQ_REL);
    pthread_mutex_lock(&r->lock);
    AUTO_FREE char *text = r->text;
    r->text = NULL;
    pthread_mutex_unlock(&r->lock);
    for (uint32_t i = 0; i < ARRAY_SIZE(order) && !r->ended; i++) {
        if (!(bits >> order[i] & 1))
            continue;
        act(r, order[i], text);
        if (ends_run(order[i]))
            break;
    }
    end_act(r);
}

struct run *run_new(struct vm *vm, const struct run_options *o)
{
    struct run *r = XNEW(struct run);
    r->vm = vm;
    r->o = *o;
    pthread_mutex_init(&r->lock, NULL);
    r->bh = bh_new(vm->main, NULL, 0, requested, r);
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
