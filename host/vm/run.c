/* SPDX-License-Identifier: BSD-2-Clause */
#include "run.h"

#include "core/device.h"
#include "core/loop.h"
#include "irq.h"
#include "machine.h"
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
    uint32_t acting;      /* on a request: it may wait, and let the loop go on */
    uint32_t ended;       /* run_main returns */
    uint32_t status;      /* process status */
    uint64_t said_ns;     /* when a line was last written at the guest's wish; 0 = never */
    pthread_mutex_t lock; /* leaf: text */
    char *text;           /* of the newest request that had one */
    struct listener listener[8];
    uint32_t nlisteners;
};

static const char *const names[] = {"prelaunch",      "running",   "paused",        "shutdown",
                                    "guest-panicked", "suspended", "internal-error", "io-error"};

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
enum { REQ_STUCK = TN_REQ_EXIT + 1, REQ_IO_ERROR };

static int ends_run(uint32_t what)
{
    return what == REQ_STUCK || what == TN_REQ_RESET || what == TN_REQ_SHUTDOWN ||
           what == TN_REQ_PANIC || what == TN_REQ_SUSPEND || what == TN_REQ_EXIT;
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
    if (what >= TN_REQ_RESET && what <= TN_REQ_EXIT)
        request(vm->run, what, text);
}

void run_request_exit(struct vm *vm, uint32_t status)
{
    vm->run->status = status;
    run_request(vm, TN_REQ_EXIT, NULL);
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

static void set_state(struct run *r, enum run_state s)
{
    r->state = s;
}

void run_pause(struct vm *vm)
{
    struct run *r = vm->run;
    ERR_AUTO e = {0};
    if (r->state != RUN_RUNNING)
        return;
    vcpus_pause(vm);
    clock_stop(&vm->clock);
    if (devices_quiesce(vm, TN_Q_SAVE, &e) < 0)
        err_report(&e);
    set_state(r, RUN_PAUSED);
    machine_event(vm, TN_ON_RUNSTATE, RUN_PAUSED, NULL);
}

void run_resume(struct vm *vm)
{
    struct run *r = vm->run;
    if (r->state == RUN_RUNNING || r->ended)
        return;
    vm->cold = 0;
    vm->sealed = 1;
    clock_start(&vm->clock);
    devices_resume(vm);
    set_state(r, RUN_RUNNING);
    machine_event(vm, TN_ON_RUNSTATE, RUN_RUNNING, NULL);
    vcpus_run(vm);
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

static int load_guest(struct vm *vm, struct tn_err *e)
{
    struct boot_entry entry;
    uint32_t have = 0;
    int err = machine_event(vm, TN_ON_FIRMWARE, 0, e);
    if (err == 0)
        err = machine_load(vm, &entry, &have, e);
    return err < 0 ? err : vcpus_reset(vm, have ? &entry : NULL, e);
}

void run_reset(struct vm *vm, uint32_t kind)
{
    struct run *r = vm->run;
    ERR_AUTO e = {0};
    int was_running = r->state == RUN_RUNNING;
    vcpus_pause(vm);
    if (was_running && devices_quiesce(vm, TN_Q_RESET, &e) < 0)
        err_report(&e);
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

static void finish(struct run *r, uint32_t what, const char *text)
{
    announce(r, what, text);
    if (r->o.no_shutdown) {
        run_pause(r->vm);
        set_state(r->vm->run, what == TN_REQ_PANIC ? RUN_PANICKED : RUN_SHUTDOWN);
        return;
    }
    vcpus_pause(r->vm);
    set_state(r, RUN_SHUTDOWN);
    r->ended = 1;
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
    run_pause(r->vm);
    set_state(r, RUN_INTERNAL_ERROR);
}

/* One bad disk may make many of these; the first has paused the machine. */
static void io_error(struct run *r, const char *text)
{
    if (r->state != RUN_RUNNING)
        return;
    log_line(LOG_ERROR, "%s", text ? text : "a disk has failed: the machine is paused");
    run_pause(r->vm);
    set_state(r, RUN_IO_ERROR);
}

static void panic(struct run *r, const char *text)
{
    say(r, LOG_ERROR, text ? text : "the guest panicked");
    announce(r, TN_REQ_PANIC, text);
    if (r->o.panic_action == RUN_PANIC_NONE) {
        vcpus_run(r->vm);
        return;
    }
    if (r->o.panic_action == RUN_PANIC_PAUSE || r->o.no_shutdown) {
        run_pause(r->vm);
        set_state(r, RUN_PANICKED);
        return;
    }
    r->status = r->o.panic_action == RUN_PANIC_EXIT_FAILURE ? 1 : r->status;
    vcpus_pause(r->vm);
    set_state(r, RUN_PANICKED);
    r->ended = 1;
}

static void act(struct run *r, uint32_t what, const char *text)
{
    switch (what) {
    case TN_REQ_RESET:
        if (r->o.no_reboot)
            finish(r, TN_REQ_SHUTDOWN, text);
        else
            run_reset(r->vm, TN_RESET_WARM);
        break;
    case TN_REQ_SHUTDOWN:
        finish(r, what, text);
        break;
    case TN_REQ_SUSPEND:
        announce(r, what, text);
        run_pause(r->vm);
        set_state(r, RUN_SUSPENDED);
        break;
    case TN_REQ_WAKEUP:
        if (r->state == RUN_SUSPENDED) {
            set_state(r, RUN_PAUSED);
            machine_event(r->vm, TN_ON_WAKEUP, 0, NULL);
            run_resume(r->vm);
        }
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
        break;
    case TN_REQ_NMI:
        vcpus_nmi(r->vm);
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
    static const uint32_t order[] = {
        TN_REQ_EXIT,    REQ_STUCK,     TN_REQ_PANIC, TN_REQ_SHUTDOWN,     TN_REQ_RESET,
        TN_REQ_SUSPEND, REQ_IO_ERROR, TN_REQ_WAKEUP, TN_REQ_NMI,   TN_REQ_CRASH_LOADED, TN_REQ_WATCHDOG};
    struct run *r = p;
    if (r->acting)
        return; /* what is asked meanwhile comes after it */
    r->acting = 1;
    uint32_t bits = __atomic_exchange_n(&r->pending, 0, __ATOMIC_ACQ_REL);
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
    r->acting = 0;
    if (__atomic_load_n(&r->pending, __ATOMIC_ACQUIRE))
        bh_kick(r->bh);
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

void run_powerdown(struct vm *vm)
{
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

int run_main(struct vm *vm)
{
    while (!vm->run->ended)
        loop_once(vm->main, ~(uint64_t)0);
    vcpus_pause(vm);
    return (int)vm->run->status;
}
