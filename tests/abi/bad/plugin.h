/* SPDX-License-Identifier: BSD-2-Clause */
/* What every plugin of this folder is, apart from what is wrong with it. */
#include <tenon/plugin.h>

const struct tn_plugin tn_plugin_v1 = {
    .struct_size = sizeof(struct tn_plugin),
    .abi_major = TN_ABI_MAJOR,
    .abi_minor = TN_ABI_MINOR,
    .id = "org.example.bad",
    .version = "1",
    .license = "BSD-2-Clause",
    .summary = "for tests",
};
