/* SPDX-License-Identifier: BSD-2-Clause */
/* A format with a string in it.
 * breaks: meta/traces
 * says: is not of */
#include <tenon/plugin.h>
static const struct tn_trace_event declared[] = {{"gadget_read", "%s", 0, 0}};
#define EXTRA .traces = declared, .ntraces = 1, .trace_stride = sizeof declared[0]
#include "device.h"
