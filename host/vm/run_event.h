/* SPDX-License-Identifier: BSD-2-Clause */
/* What monitors are told about the run state: QMP's events. Main thread. */
#ifndef TN_HOST_RUN_EVENT_H
#define TN_HOST_RUN_EVENT_H
#include "run.h"

void run_tell(struct vm *vm, const char *event); /* one without data: "STOP", "RESUME" */
void run_tell_cause(struct vm *vm, const char *event, enum run_cause cause); /* SHUTDOWN, RESET */
/* GUEST_PANICKED, GUEST_CRASHLOADED, WATCHDOG: and what is done about it, "pause". */
void run_tell_action(struct vm *vm, const char *event, const char *action);

#endif
