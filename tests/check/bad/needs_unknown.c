/* SPDX-License-Identifier: BSD-2-Clause */
/* What it needs is no id.
 * breaks: meta/services
 * says: no id of a service */
#define NEEDS TN_LOOP_1, TN_IRQ_1, TN_REGION_1, "tenon.loop", NULL
#include "device.h"
