/* SPDX-License-Identifier: BSD-2-Clause */
/* What guests, devices and users ask of the machine, from any thread, and what the main loop does
 * about it. */
#include "run_impl.h"

#include "core/loop.h"
#include "monitor/monitor.h"
#include "util/alloc.h"
#include "vcpu.h"
#include <stdlib.h>

/* ---- requests ---- */

static int ends_run(uint32_t what)
{
    return what == REQ_STUCK || what == TN_REQ_RESET || what == TN_REQ_SHUTDOWN ||
           what == TN_REQ_PANIC || what == TN_REQ_SUSPEND || what == TN_REQ_EXIT ||
           what == TN_REQ_PVSHUTDOWN || what == TN_REQ_SUSPEND_DISK;
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
    if (what >= TN_REQ_RESET && what <= TN_REQ_SUSPEND_DISK)
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

/* A request that waits wants the vCPUs to stand where they are. */
int run_end_is_asked(const struct run *r)
{
    uint32_t bits = __atomic_load_n(&r->pending, __ATOMIC_ACQUIRE);
    for (uint32_t what = 0; bits >> what; what++)
        if (bits >> what & 1 && ends_run(what))
            return 1;
    return 0;
}

int run_end_asked(const struct vm *vm)
{
    return run_end_is_asked(vm->run);
}

/* The machine is being saved or loaded: but for the end of the process, what is asked for waits. */
static int in_transit(const struct run *r)
{
    return r->state == RUN_FINISH_MIGRATE || r->state == RUN_SAVE_VM || r->state == RUN_RESTORE_VM;
}

uint32_t run_can_act_on(const struct run *r)
{
    return __atomic_load_n(&r->pending, __ATOMIC_ACQUIRE) &
           (in_transit(r) ? 1u << TN_REQ_EXIT : ~0u);
}

/* ---- what is done about them ---- */

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
    run_announce(r, TN_REQ_PANIC, text);
    run_stop(r->vm, RUN_INTERNAL_ERROR);
}

/* One bad disk may make many of these; the first has paused the machine. */
static void io_error(struct run *r, const char *text)
{
    if (r->state != RUN_RUNNING)
        return;
    log_line(LOG_ERROR, "%s", text ? text : "a disk has failed: the machine is paused");
    run_stop(r->vm, RUN_IO_ERROR);
}

static void panic(struct run *r, const char *text)
{
    say(r, LOG_ERROR, text ? text : "the guest panicked");
    run_announce(r, TN_REQ_PANIC, text);
    if (r->o.panic_action == RUN_PANIC_NONE) {
        run_tell_action(r->vm, "GUEST_PANICKED", "run");
        vcpus_run(r->vm);
        return;
    }
    int pause = r->o.panic_action == RUN_PANIC_PAUSE ||
                (r->o.panic_action == RUN_PANIC_SHUTDOWN && r->o.no_shutdown);
    run_tell_action(r->vm, "GUEST_PANICKED", pause ? "pause" : "poweroff");
    run_stop(r->vm, RUN_PANICKED);
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
    run_announce(r, TN_REQ_WATCHDOG, text);
    run_tell_action(r->vm, "WATCHDOG", actions[r->o.watchdog_action]);
    switch (r->o.watchdog_action) {
    case RUN_WATCHDOG_RESET:
        request(r, TN_REQ_RESET, NULL);
        break;
    case RUN_WATCHDOG_SHUTDOWN:
        run_powerdown(r->vm);
        break;
    case RUN_WATCHDOG_POWEROFF:
        run_over(r, RUN_SHUTDOWN);
        break;
    case RUN_WATCHDOG_PAUSE:
        run_stop(r->vm, RUN_WATCHDOG);
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

static void reset_asked(struct run *r, const char *text)
{
    enum run_cause cause = __atomic_exchange_n(&r->by_user, 0, __ATOMIC_ACQ_REL)
                               ? RUN_BY_SYSTEM_RESET
                               : RUN_BY_GUEST_RESET;
    if (r->o.no_reboot)
        run_finish(r, text, cause);
    else
        run_set_back(r, TN_RESET_WARM, cause);
}

static void act(struct run *r, uint32_t what, const char *text)
{
    switch (what) {
    case TN_REQ_RESET:
        reset_asked(r, text);
        break;
    case TN_REQ_PVSHUTDOWN:
        run_tell(r->vm, "GUEST_PVSHUTDOWN");
        run_finish(r, text, RUN_BY_GUEST_SHUTDOWN);
        break;
    case TN_REQ_SUSPEND_DISK:
        run_tell(r->vm, "SUSPEND_DISK");
        run_finish(r, text, RUN_BY_GUEST_SHUTDOWN);
        break;
    case TN_REQ_SHUTDOWN:
        run_finish(r, text, RUN_BY_GUEST_SHUTDOWN);
        break;
    case TN_REQ_SUSPEND:
        run_suspend(r, text);
        break;
    case TN_REQ_WAKEUP:
        run_wake(r);
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
        run_announce(r, what, text);
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
        run_announce(r, what, text);
    }
}

/* Of several at once the one that ends most is done, and the others are moot. */
void run_requested(void *p)
{
    static const uint32_t order[] = {TN_REQ_EXIT,       REQ_STUCK,           TN_REQ_PANIC,
                                     TN_REQ_PVSHUTDOWN, TN_REQ_SUSPEND_DISK, TN_REQ_SHUTDOWN,
                                     TN_REQ_RESET,      TN_REQ_SUSPEND,      REQ_IO_ERROR,
                                     TN_REQ_WAKEUP,     TN_REQ_NMI,          TN_REQ_CRASH_LOADED,
                                     TN_REQ_WATCHDOG};
    struct run *r = p;
    if (r->acting)
        return; /* what is asked meanwhile comes after it */
    run_begin_act(r);
    uint32_t bits = run_can_act_on(r);
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
    run_end_act(r);
}
