/* SPDX-License-Identifier: BSD-2-Clause */
/* What the monitors can be asked: one line for each cmd_*.c. */
#include "monitor.h"

#include <stddef.h>

const struct qmp_module *const qmp_modules[] = {
    NULL,
};
