/* SPDX-License-Identifier: BSD-2-Clause */
/* What the monitors can be asked: one line for each cmd_*.c, here and below. */
#include "monitor.h"

#include <stddef.h>

extern const struct qmp_module qmp_events; /* cmd_events.c */
extern const struct qmp_module qmp_info; /* cmd_info.c */
extern const struct qmp_module qmp_vm;   /* cmd_vm.c */

const struct qmp_module *const qmp_modules[] = {
    &qmp_events,
    &qmp_info,
    &qmp_vm,
    NULL,
};
