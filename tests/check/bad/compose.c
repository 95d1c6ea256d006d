/* SPDX-License-Identifier: BSD-2-Clause */
/* A composition of a transport that is not there.
 * breaks: meta/compositions
 * says: which it does not have */
#include <tenon/plugin.h>
static const struct tn_compose mix = {
    .struct_size = sizeof mix, .transport = "x", .inner_bus = "y", .suffix = "-z", .child = "c"};
static const struct tn_compose *const mixes[] = {&mix, NULL};
#define PLUGIN .version = "1", .composes = mixes
#include "device.h"
