/* SPDX-License-Identifier: BSD-2-Clause */
/* An event that is not in the instance.
 * breaks: life/one-life
 * says: live in the instance */
#include <tenon/plugin.h>
static const struct tn_trace_event event = {"gadget", "%u", 0, 0};
#define IN_REALIZE(s, e)                      \
    TN_GET(s->d, struct tn_trace, TN_TRACE_1) \
        ->add(s->d, (struct tn_trace_event *)(uintptr_t)&event, 1, sizeof event)
#include "device.h"
