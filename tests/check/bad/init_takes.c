/* SPDX-License-Identifier: BSD-2-Clause */
/* A timer in init.
 * breaks: life/init-fini
 * says: init took a */
#define IN_INIT(s) \
    TN_GET(s->d, struct tn_loop, TN_LOOP_1)->timer(s->d, NULL, 0, TN_CLK_VM, timer_fires, s)
#include "device.h"
