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
    RUN_IO_ERROR
};

enum run_panic { RUN_PANIC_SHUTDOWN, RUN_PANIC_PAUSE, RUN_PANIC_EXIT_FAILURE, RUN_PANIC_NONE };
struct run_options {
    uint32_t no_reboot, no_shutdown; /* -no-reboot, -no-shutdown */
    uint32_t paused;                 /* -S */
    enum run_panic panic_action;     /* -action panic= */
};

struct run *run_new(struct vm *vm, const struct run_options *o);
void run_free(struct run *r);
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
void run_resume(struct vm *vm);
/* For a look at the processors: none runs between the two, and guest time goes on. The first may run
 * the main loop. */
void run_hold(struct vm *vm);
void run_unhold(struct vm *vm);
void run_reset(struct vm *vm, uint32_t kind); /* everything, and the kernel is loaded again */
void run_powerdown(struct vm *vm);            /* TN_ON_POWERDOWN */
/* The main loop until the VM ends. The process status. */
int run_main(struct vm *vm);
int run_ended(const struct vm *vm);
void run_end(struct vm *vm, uint32_t status); /* it returns soon: quit, SIGTERM */

/* Notified after each change, in order of registration; NULL-terminated list owned by the run. For
 * monitors and tests. */
void run_on_event(struct vm *vm, void (*fn)(void *o, uint32_t req, const char *text), void *o);

#endif
