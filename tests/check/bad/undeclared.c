/* SPDX-License-Identifier: BSD-2-Clause */
/* It asks for what it did not name.
 * breaks: life/declared
 * says: neither needs nor wants */
#define WANTS NULL
#define IN_REALIZE(s, e) \
    TN_GET(s->d, struct tn_machine, TN_MACHINE_1)->request(s->d, TN_REQ_WAKEUP, NULL)
#include "device.h"
