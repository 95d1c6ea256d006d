/* SPDX-License-Identifier: BSD-2-Clause */
/* The run state, and what guests and users ask of it: reset, shutdown, pause. Requests come from
 * any thread; the main loop acts on them. */
#ifndef TN_HOST_RUN_H
#define TN_HOST_RUN_H
#include "core/vm.h"

enum run_state {
    RUN_PRELAUNCH,
    RUN_RUNNING,
    RUN_PAUSED,
    RUN_SHUTDOWN,
    RUN_PANICKED,
    RUN_SUSPENDED,
    RUN_INTERNAL_ERROR,
    RUN_IO_ERROR,
    RUN_WATCHDOG,
    RUN_INMIGRATE,      /* its state is to come */
    RUN_FINISH_MIGRATE, /* the last of its state is being sent */
    RUN_POSTMIGRATE,    /* it runs elsewhere by now, or lies in a file */
    RUN_SAVE_VM,
    RUN_RESTORE_VM
};

/* Who wanted a reset or the end: QMP's ShutdownCause. */
enum run_cause {
    RUN_BY_NOBODY,
    RUN_BY_HOST_ERROR,
    RUN_BY_QUIT,
    RUN_BY_SYSTEM_RESET,
    RUN_BY_SIGNAL,
    RUN_BY_UI,
    RUN_BY_GUEST_SHUTDOWN, /* from here on the guest itself */
    RUN_BY_GUEST_RESET,
    RUN_BY_GUEST_PANIC
};

/* -action: QMP's words in this order */
enum run_panic { RUN_PANIC_SHUTDOWN, RUN_PANIC_PAUSE, RUN_PANIC_EXIT_FAILURE, RUN_PANIC_NONE };
enum run_watchdog {
    RUN_WATCHDOG_RESET,
    RUN_WATCHDOG_SHUTDOWN,
    RUN_WATCHDOG_POWEROFF,
    RUN_WATCHDOG_PAUSE,
    RUN_WATCHDOG_DEBUG,
    RUN_WATCHDOG_NONE,
    RUN_WATCHDOG_INJECT_NMI
};
struct run_options {
    uint32_t no_reboot, no_shutdown;   /* -no-reboot, -no-shutdown */
    uint32_t paused;                   /* -S */
    enum run_panic panic_action;       /* -action panic= */
    enum run_watchdog watchdog_action; /* -action watchdog= */
};

struct run *run_new(struct vm *vm, const struct run_options *o);
void run_free(struct run *r);
/* May be changed while the machine runs. Main thread. */
struct run_options *run_options(struct vm *vm);
enum run_state run_state(const struct vm *vm);
const char *run_state_name(enum run_state s); /* QMP's words */

/* [any] leaf. TN_REQ_*; text is copied, may be NULL. */
void run_request(struct vm *vm, uint32_t what, const char *text);
void run_request_exit(struct vm *vm, uint32_t status); /* [any] leaf */

/* [any] a vCPU cannot go on: the machine is paused and text logged. */
void run_internal_error(struct vm *vm, const char *text);
/* [any] a request of a disk failed and rerror=, werror= say stop: the machine is paused and text
 * logged; the disk tries again when it is resumed. */
void run_io_error(struct vm *vm, const char *text);

int run_start(struct vm *vm,
              struct tn_err *e); /* first start: reset, firmware, then run unless -S */
void run_pause(struct vm *vm);   /* stop vCPUs and guest time, quiesce devices */
/* The same under another name; of a machine that stands still already the name changes. */
void run_stop(struct vm *vm, enum run_state s);
/* Goes on; not before its state has come, nor while another process has its disks: the log says so
 * then. */
void run_resume(struct vm *vm);
/* Instead of run_start(): its state is to come. */
int run_await(struct vm *vm, struct tn_err *e);
/* 1 while a pause, a resume or a reset is under way, and lets the main loop run as it waits: a
 * monitor's command does not begin now. */
int run_acting(const struct vm *vm);
/* 1: a reset, or an end, was asked for and has not been done yet. */
int run_end_asked(const struct vm *vm);
/* As the user's reset button: soon, or the end if -no-reboot says so. */
void run_ask_reset(struct vm *vm);
/* For a look at the processors: none runs between the two, and guest time goes on. The first may
 * run the main loop. */
void run_hold(struct vm *vm);
void run_unhold(struct vm *vm);
void run_reset(struct vm *vm, uint32_t kind); /* everything, and the kernel is loaded again */
void run_nmi(struct vm *vm);                  /* one for each vCPU */
void run_powerdown(struct vm *vm);            /* the power button: TN_ON_POWERDOWN */
/* The main loop until the VM ends. The process status. */
int run_main(struct vm *vm);
int run_ended(const struct vm *vm);
void run_end(struct vm *vm, uint32_t status); /* it returns soon */
/* The same with status 0, and monitors are told: quit, SIGTERM. */
void run_quit(struct vm *vm, enum run_cause cause);

/* Notified after each change, in order of registration; NULL-terminated list owned by the run. For
 * monitors and tests. */
void run_on_event(struct vm *vm, void (*fn)(void *o, uint32_t req, const char *text), void *o);

#endif
