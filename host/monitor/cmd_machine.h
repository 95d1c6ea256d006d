/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TN_HOST_CMD_MACHINE_H
#define TN_HOST_CMD_MACHINE_H
#include "core/vm.h"

/* RTC_CHANGE: the guest has set its clock, which is now seconds ahead of -rtc base=; path: the
 * clock's. [any] */
void event_rtc_change(struct vm *vm, int64_t seconds, const char *path);

#endif
