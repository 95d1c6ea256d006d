/* SPDX-License-Identifier: BSD-2-Clause */
#include "socket_classes.h"

static const struct tn_class *const classes[] = {&socket_class, &stream_class, &dgram_class, NULL};
static const char *const needs[] = {TN_LOOP_1, TN_OS_1, TN_NET_FEED_1, NULL};
/* What makes sockets anew, or removes their files, is asked for by those that do: tn_os.need. */
static const char *const sandbox[] = {"socket", NULL};

TN_EXPORT const struct tn_plugin tn_plugin_v1 = {
    .struct_size = sizeof(struct tn_plugin),
    .abi_major = TN_ABI_MAJOR,
    .abi_minor = TN_ABI_MINOR,
    .id = "net-socket",
    .version = TENON_VERSION,
    .license = "BSD-2-Clause",
    .summary = "Network back ends over sockets",
    .classes = classes,
    .needs = needs,
    .sandbox = sandbox,
};
