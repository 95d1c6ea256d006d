/* SPDX-License-Identifier: BSD-2-Clause */
#include <tenon/chardev.h>
#include <tenon/os.h>
#include <tenon/plugin.h>

#include "source.h"

static const struct tn_class *const classes[] = {&rng_builtin_class, &rng_egd_class,
                                                 &rng_random_class, NULL};
static const char *const needs[] = {TN_LOOP_1, TN_OS_1, TN_CHARDEV_1, NULL};

const struct tn_plugin tn_plugin_v1 = {
    .struct_size = sizeof tn_plugin_v1,
    .abi_major = TN_ABI_MAJOR,
    .abi_minor = TN_ABI_MINOR,
    .id = "rng",
    .version = TENON_VERSION,
    .license = "BSD-2-Clause",
    .summary = "sources of entropy",
    .classes = classes,
    .needs = needs,
};
